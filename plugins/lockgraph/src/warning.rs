//! What could not be read, and where.

use serde::Serialize;

use crate::text::shown;

/// The most warnings that are kept: more of them say nothing new to a reader.
const WARNINGS_MAX: usize = 100;

/// The most bytes of a reason; what is quoted in it comes from the repository.
const REASON_BYTES_MAX: usize = 300;

/// One thing that was left out or guessed, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// The file, from the repository's root; empty when it is about no file.
    pub path: String,
    /// The line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What happened, and what it means for the answer.
    pub reason: String,
}

/// The first so many warnings, and how many more there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warnings {
    kept: Vec<Warning>,
    dropped: usize,
}

impl Warnings {
    /// Adds a warning about a file, or about a line of it.
    pub fn add(&mut self, path: &str, line: Option<u32>, reason: impl AsRef<str>) {
        if self.kept.len() < WARNINGS_MAX {
            let reason = shown(reason.as_ref(), REASON_BYTES_MAX);
            self.kept.push(Warning { path: path.to_owned(), line, reason });
        } else {
            self.dropped += 1;
        }
    }

    /// Adds what another reader found.
    pub fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        for Warning { path, line, reason } in other.kept {
            self.add(&path, line, reason);
        }
    }

    /// All that were kept; the last says how many were not.
    pub fn into_vec(mut self) -> Vec<Warning> {
        if self.dropped > 0 {
            let reason = format!("{} more warnings are left out", self.dropped);
            self.kept.push(Warning { path: String::new(), line: None, reason });
        }
        self.kept
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}
