//! Reports that real runners wrote, counted a second time in another way.
//!
//! The files are not part of the repository; where they are absent the test says so and passes.
#![expect(clippy::disallowed_methods, reason = "the tests read files, the tool does not")]
#![expect(clippy::print_stderr, reason = "a skipped test must be loud")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use stepwell::testing::Repository;
use test_summary::TOOL;

const REPORTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/conformance/test-results");
/// Files with a document type that declares entities: to be refused.
const HOSTILE: &[&str] = &["testXxe-oob.xml", "testXxe-xxe.xml"];

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![PathBuf::from(REPORTS)];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            eprintln!("SKIPPED: no reports in {}", directory.display());
            return Vec::new();
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn summary(bytes: &[u8]) -> Value {
    let run = Repository::new().file("report", bytes).call(&TOOL, r#"{"paths": ["report"]}"#);
    serde_json::from_str(&run.answer.expect("an answer")).expect("JSON")
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Tests, failed, errors, skipped: by looking for tags in the text, with no XML reader.
fn count(xml: &str) -> Option<[u64; 4]> {
    let text = without(&without(xml, "<!--", "-->"), "<![CDATA[", "]]>");
    let root = text.split('<').find(|tag| tag.starts_with(|c: char| c.is_alphabetic()))?;
    let name = root.split(|c: char| c.is_whitespace() || "/>".contains(c)).next()?;
    if !matches!(name, "testsuites" | "testsuite") {
        return None;
    }
    let mut counts = [0; 4];
    for case in tags(&text, "testcase") {
        let body = match case.split_once('>') {
            Some((tag, _)) if tag.ends_with('/') => "",
            Some((_, rest)) => rest.split("</testcase>").next().unwrap_or_default(),
            None => "",
        };
        let at = |tag: &str| body.find(&format!("<{tag}")).unwrap_or(usize::MAX);
        let (failure, error, skipped) = (at("failure"), at("error"), at("skipped"));
        counts[0] += 1;
        if failure.min(error) < usize::MAX {
            counts[if failure < error { 1 } else { 2 }] += 1;
        } else if skipped < usize::MAX || case.starts_with(" status=\"disabled\"") {
            counts[3] += 1;
        }
    }
    // An error of a whole suite belongs to no test.
    let outside = text.split("<testcase").map(|part| {
        let closed = part.split_once("</testcase>").map(|(_, rest)| rest);
        let after = closed.or_else(|| part.split_once("/>").map(|(_, rest)| rest));
        after.map_or(0, |rest| tags(rest, "error").count() as u64)
    });
    counts[2] += outside.sum::<u64>();
    Some(counts)
}

/// What follows each opening tag of this name.
fn tags<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!("<{name}");
    let ends = |rest: &&str| rest.starts_with([' ', '\t', '\n', '\r', '/', '>']);
    text.split(&begin).skip(1).filter(ends).collect::<Vec<_>>().into_iter()
}

fn without(text: &str, begin: &str, end: &str) -> String {
    let mut parts = text.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once(end).map_or("", |(_, rest)| rest))
}

#[test]
fn every_junit_file_has_the_counts_an_independent_count_gives() {
    let mut counted = 0;
    for path in files() {
        let bytes = std::fs::read(&path).unwrap();
        let Some(expected) = count(&String::from_utf8_lossy(&bytes)) else { continue };
        let answer = summary(&bytes);
        if HOSTILE.contains(&name(&path)) {
            let said = answer["warnings"].to_string();
            assert!(said.contains("entities"), "{}: {answer:#}", path.display());
            continue;
        }
        let numbers = &answer["summary"];
        let found = ["tests", "failed", "errors", "skipped"].map(|key| numbers[key].as_u64());
        assert_eq!(found, expected.map(Some), "{}: {answer:#}", path.display());
        counted += 1;
    }
    eprintln!("{counted} JUnit files counted twice");
}

#[test]
fn no_report_is_too_much_for_it() {
    for path in files() {
        let bytes = std::fs::read(&path).unwrap();
        let answer = summary(&bytes).to_string();
        assert!(answer.len() < 80 * 1024, "{}: {} bytes", path.display(), answer.len());
        // As if the runner had been ended while it wrote.
        let half = summary(&bytes[..bytes.len() / 2]);
        assert!(half["verdict"].is_string());
    }
}
