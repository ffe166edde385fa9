//! The gates: each looks at one thing, and says what it found.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::is_bidi;
use crate::{FileChange, InvalidPatch, Line, PatchError, Rules, ValidPatch};

/// Most paths of a verdict that its sentence names; `paths` has all of them.
const NAMED_MAX: usize = 3;

/// Which gate spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateName {
    /// The patch can be read, and its names are harmless.
    PatchValid,
    /// It touches few enough files.
    FilesMax,
    /// It changes few enough lines.
    LinesMax,
    /// It touches nothing that only a person may touch.
    ProtectedPaths,
    /// It adds no character that makes text look like other text.
    HiddenCharacters,
}

/// What a gate found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// The gate.
    pub gate: GateName,
    /// Whether the patch may pass.
    pub passed: bool,
    /// How many of what it counts are there.
    pub found: u64,
    /// The most there may be.
    pub allowed: u64,
    /// Why, in a sentence without a full stop. Text of the patch in it is escaped.
    pub because: String,
    /// The paths it is about, as in the patch. Escape them before showing them.
    pub paths: Vec<String>,
}

/// What all gates found, in the order of [`GateName`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judgement {
    /// One of each gate that could speak.
    pub verdicts: Vec<Verdict>,
}

/// Holds a patch against rules. Every gate speaks, whatever the others say.
#[must_use]
pub fn judge(patch: &ValidPatch, rules: &Rules) -> Judgement {
    let verdicts = vec![
        valid(patch),
        few_files(patch, rules),
        few_lines(patch, rules),
        nothing_protected(patch, rules),
        nothing_hidden(patch),
    ];
    Judgement { verdicts }
}

impl Judgement {
    /// Whether the patch may leave.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.passed)
    }
}

impl From<&PatchError> for Judgement {
    /// A text that is no patch: only one gate can speak.
    fn from(err: &PatchError) -> Self {
        Self { verdicts: vec![refused(err.to_string(), Vec::new())] }
    }
}

impl From<&InvalidPatch> for Judgement {
    /// A patch that no rules were asked about: only one gate can speak.
    fn from(err: &InvalidPatch) -> Self {
        let paths = err.complaints().iter().map(|(path, _)| path.clone()).collect();
        Self { verdicts: vec![refused(err.to_string(), paths)] }
    }
}

fn refused(because: String, paths: Vec<String>) -> Verdict {
    let found = count(paths.len().max(1));
    Verdict { gate: GateName::PatchValid, passed: false, found, allowed: 0, because, paths }
}

fn valid(patch: &ValidPatch) -> Verdict {
    let because =
        format!("{} can be read, and every name is plain", things(patch.files().len(), "file"));
    Verdict {
        gate: GateName::PatchValid,
        passed: true,
        found: 0,
        allowed: 0,
        because,
        paths: vec![],
    }
}

fn few_files(patch: &ValidPatch, rules: &Rules) -> Verdict {
    let found = patch.paths().count();
    ceiling(GateName::FilesMax, found, rules.files_max, "file")
}

fn few_lines(patch: &ValidPatch, rules: &Rules) -> Verdict {
    let found = patch.files().iter().map(|file| file.added() + file.removed()).sum();
    ceiling(GateName::LinesMax, found, rules.lines_max, "changed line")
}

fn ceiling(gate: GateName, found: usize, allowed: u64, what: &str) -> Verdict {
    let because = format!("{}, the most is {allowed}", things(found, what));
    let found = count(found);
    Verdict { gate, passed: found <= allowed, found, allowed, because, paths: Vec::new() }
}

fn nothing_protected(patch: &ValidPatch, rules: &Rules) -> Verdict {
    let touched = patch.paths().filter(|path| rules.protects(path)).map(str::to_owned).collect();
    none_of(
        GateName::ProtectedPaths,
        touched,
        "protected path",
        "a step may touch them only if its rules allow them by name",
    )
}

fn nothing_hidden(patch: &ValidPatch) -> Verdict {
    let hides = |file: &&FileChange| added(file).any(|text| text.contains(is_bidi));
    // A change adds lines under its last path.
    let paths = patch.files().iter().filter(hides).filter_map(|file| file.paths().last());
    let paths = paths.map(str::to_owned).collect();
    none_of(
        GateName::HiddenCharacters,
        paths,
        "file with hidden characters",
        "characters that change the direction of text make code look like other code",
    )
}

/// The texts that a change adds.
fn added(file: &FileChange) -> impl Iterator<Item = &str> {
    let (content, hunks) = match file {
        FileChange::Add { content, .. } => (Some(content.as_str()), [].as_slice()),
        FileChange::Delete { .. } => (None, [].as_slice()),
        FileChange::Modify { hunks, .. } | FileChange::Rename { hunks, .. } => {
            (None, hunks.as_slice())
        }
    };
    let lines = hunks.iter().flat_map(|hunk| hunk.lines()).filter_map(|line| match line {
        Line::Add(text) => Some(text.as_str()),
        Line::Context(_) | Line::Remove(_) => None,
    });
    content.into_iter().chain(lines)
}

fn none_of(gate: GateName, paths: Vec<String>, what: &str, why: &str) -> Verdict {
    let named: Vec<String> =
        paths.iter().take(NAMED_MAX).map(|path| format!("`{}`", path.escape_debug())).collect();
    let more = paths.len() - named.len();
    let because = match (named.as_slice(), more) {
        ([], _) => format!("no {what}"),
        (named, 0) => format!("{}: {}; {why}", things(paths.len(), what), named.join(", ")),
        (named, more) => {
            format!("{}: {} and {more} more; {why}", things(paths.len(), what), named.join(", "))
        }
    };
    Verdict {
        gate,
        passed: paths.is_empty(),
        found: count(paths.len()),
        allowed: 0,
        because,
        paths,
    }
}

/// `1 file`, `2 files`, `2 files with …`
fn things(count: usize, what: &str) -> String {
    match what.split_once(" with ") {
        _ if count == 1 => format!("1 {what}"),
        Some((thing, with)) => format!("{count} {thing}s with {with}"),
        None => format!("{count} {what}s"),
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PatchValid => "patch-valid",
            Self::FilesMax => "files-max",
            Self::LinesMax => "lines-max",
            Self::ProtectedPaths => "protected-paths",
            Self::HiddenCharacters => "hidden-characters",
        })
    }
}

#[cfg(test)]
mod tests;
