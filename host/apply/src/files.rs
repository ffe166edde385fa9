//! As files for the platform's own command: the body of a pull request, a comment, annotations.
//! Each has a key that is the same for the same head and patch, so that a job which runs again
//! finds what it posted before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use session::Severity;

use crate::hold::Cleared;
use crate::message;

/// Annotations that are handed out; the report has all findings.
const ANNOTATIONS_MAX: usize = 50;

/// What was handed out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Handout {
    /// The pull request's or the comment's key.
    pub key: String,
    /// A name for a branch: the same for the same head and patch.
    pub branch: String,
    /// The title of the pull request, on one line.
    pub title: String,
    /// The files, by their names.
    pub files: Vec<String>,
}

/// A file that could not be left.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct FilesError {
    /// Which.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// A place in the code that a finding is about.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Annotation<'a> {
    key: String,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    level: Severity,
    title: &'a str,
    message: &'a str,
}

/// Writes a cleared delivery as files into `dir`.
///
/// # Errors
/// When one cannot be written.
pub fn to_files(cleared: &Cleared, dir: &Path) -> Result<Handout, FilesError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| FilesError { path, source }
    };
    fs::create_dir_all(dir).map_err(fail(dir))?;
    let key = key(cleared, "pull-request");
    let page = format!("<!-- stepwell:{key} -->\n{}", message::page(cleared));
    let annotations = annotations(cleared);
    let mut handout = Handout {
        branch: format!("stepwell/{}-{}", cleared.delivery.result.step, &key[..12]),
        title: message::title(cleared),
        files: Vec::new(),
        key,
    };
    let bodies = [
        ("pull-request.md", page.into_bytes()),
        ("commit-message.txt", message::commit(cleared).into_bytes()),
        ("patch.diff", cleared.delivery.patch.patch().to_diff().into_bytes()),
        ("annotations.json", pretty(&annotations)),
    ];
    handout.files = bodies.iter().map(|(name, _)| (*name).to_owned()).collect();
    let last = ("pull-request.json", pretty(&handout));
    for (name, bytes) in bodies.into_iter().chain([last]) {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(fail(&path))?;
    }
    Ok(handout)
}

fn annotations(cleared: &Cleared) -> Vec<Annotation<'_>> {
    let findings = cleared.delivery.result.analysis.iter().flat_map(|found| &found.findings);
    let placed = findings.filter_map(|finding| Some((finding.file.as_deref()?, finding)));
    placed
        .take(ANNOTATIONS_MAX)
        .map(|(path, finding)| Annotation {
            key: key(cleared, &format!("{path} {:?} {}", finding.line, finding.title)),
            path,
            line: finding.line,
            level: finding.severity,
            title: &finding.title,
            message: &finding.evidence,
        })
        .collect()
}

/// The same for the same step, head, patch and thing.
fn key(cleared: &Cleared, what: &str) -> String {
    let delivery = &cleared.delivery;
    let parts =
        [delivery.result.step.as_str(), delivery.bound.head.as_str(), &delivery.patch_digest, what];
    let mut hasher = blake3::Hasher::new_derive_key("stepwell 2026-11 idempotency key v1");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("its maps have text for keys");
    text.push(b'\n');
    text
}
