//! Which files are reports, and reading them one after the other.

use std::collections::BTreeSet;

use stepwell::repository::{self, Glob};
use stepwell::{Refusal, Tree};

use crate::format;
use crate::report::Summary;

/// Where runners and pipelines put reports that the repository does not ignore.
const USUAL_PLACES: &[&str] = &[
    "**/{junit*,TEST-*,*test-results*,*test-report*,*junit*}.xml",
    "{reports,report}/**/*.{xml,json,jsonl,trx,tap,sarif}",
    "**/{test-results,test-reports}/**/*.{xml,txt,log,json,jsonl,trx,tap,sarif}",
    "**/{cargo-test,nextest,test-output}*.{txt,log}",
    "**/{*test-results*,*test-report*,*test-output*,ctrf*,go-test*,*-results}.{json,jsonl}",
    "**/*.{trx,sarif,tap}",
];
/// Where they put those that it does ignore, at its root and in directories below. Without a
/// `**` in front: that would walk through every build and package directory there is.
const USUAL_IGNORED_PLACES: &[&str] = &[
    "{junit*,TEST-*,*test-results*,*test-report*}.xml",
    "{cargo-test,nextest,test-output}*.{txt,log}",
    "{*test-results*,*test-report*,*test-output*,ctrf*,go-test*}.{json,jsonl}",
    "*.{trx,sarif,tap}",
    "{reports,report,test-results,test-reports,ctrf}/**/*.{xml,json,jsonl,trx,tap,sarif}",
    "{test-results,test-reports}/**/*.{txt,log}",
    "TestResults/**/*.{trx,xml}",
    "target/nextest/*/*.xml",
    "{target/surefire-reports,target/failsafe-reports,build/test-results}/**/*.xml",
];
/// How deep such a package of a repository may lie.
const DIRECTORIES_ABOVE: &[&str] = &["", "*/", "*/*/"];
/// What this step's own test run left.
const OWN_PLACE: &str = ".stepwell/verify/**";
/// Directories with other people's reports, and with reports that are test data.
const NOT_OURS: &[&str] = &[
    "node_modules",
    "vendor",
    "third_party",
    "fixtures",
    "__fixtures__",
    "testdata",
    "test-data",
    "conformance",
];
/// A surefire run leaves a file a class; this is a large project's.
const REPORTS_MAX: usize = 1_000;
/// What is read in one call, in bytes: some seconds of parsing in a component.
const BYTES_MAX: usize = 48 * 1024 * 1024;
/// What is remembered to tell copies apart, in bytes: a guest has little memory.
const REMEMBERED_MAX: usize = 16 * 1024 * 1024;
/// The most paths taken from one pattern.
const PATHS_MAX: u32 = 5_000;

/// Reads all reports into the summary.
pub(crate) fn each_report(
    tree: Tree,
    paths: &[String],
    summary: &mut Summary,
) -> Result<(), Refusal> {
    let asked_for = !paths.is_empty();
    let found = if asked_for { named(tree, paths, summary)? } else { usual(tree, summary)? };
    let mut bytes_left = BYTES_MAX;
    let mut seen = BTreeSet::new();
    let mut remembered = 0;
    for (number, path) in found.iter().enumerate() {
        if number >= REPORTS_MAX || bytes_left == 0 {
            summary.unread = found.len() - number;
            break;
        }
        let bytes = match repository::read(tree, path) {
            Ok(bytes) => bytes,
            Err(error) => {
                summary.warn(path, None, error.reason.to_string());
                continue;
            }
        };
        bytes_left = bytes_left.saturating_sub(bytes.len());
        if seen.contains(&bytes) {
            summary.copies += 1;
            continue;
        }
        if !format::read(path, &bytes, summary) {
            if asked_for {
                summary.warn(path, None, "is no test report of a format known here");
            } else {
                summary.not_reports += 1;
            }
        } else if remembered + bytes.len() <= REMEMBERED_MAX {
            remembered += bytes.len();
            seen.insert(bytes);
        }
    }
    Ok(())
}

/// What the caller named: a path is taken as it is, a pattern as what it finds.
fn named(tree: Tree, paths: &[String], summary: &mut Summary) -> Result<Vec<String>, Refusal> {
    let mut found = BTreeSet::new();
    for path in paths {
        let path = path.strip_prefix("./").unwrap_or(path);
        if !path.contains(['*', '?', '[', '{']) {
            found.insert(path.to_owned());
            continue;
        }
        let files = Glob::new([path]).include_ignored(true).max(PATHS_MAX).find(tree)?;
        if files.paths.is_empty() {
            summary.warn(path, None, "no file matches this pattern");
        }
        found.extend(files.paths);
    }
    Ok(found.into_iter().collect())
}

fn usual(tree: Tree, summary: &mut Summary) -> Result<Vec<String>, Refusal> {
    let below = |above: &&str| {
        let above = (*above).to_owned();
        USUAL_IGNORED_PLACES.iter().map(move |place| format!("{above}{place}"))
    };
    let ignored = DIRECTORIES_ABOVE.iter().flat_map(below).chain([OWN_PLACE.to_owned()]);
    let ignored = Glob::new(ignored).include_ignored(true).max(PATHS_MAX).find(tree)?;
    let seen = Glob::new(USUAL_PLACES.iter().copied()).max(PATHS_MAX).find(tree)?;
    let found: BTreeSet<String> = seen.paths.into_iter().chain(ignored.paths).collect();
    let (ours, not_ours): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|path| !path.split('/').any(|directory| NOT_OURS.contains(&directory)));
    summary.fixtures = not_ours.len();
    Ok(ours)
}
