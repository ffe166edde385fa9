//! Why a tree could not be opened, or not be read as a whole.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::RepoPath;

/// Why there is no [`crate::Snapshot`] or [`crate::Repository`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be opened.
    #[error("cannot open the directory `{}`", path.display())]
    Directory {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No git repository stands there, or it cannot be opened.
    #[error("cannot open `{}` as a git repository: {reason}", path.display())]
    Repository {
        /// As given.
        path: PathBuf,
        /// What git's side said.
        reason: String,
    },
    /// The revision names no commit and no tree of this repository.
    #[error("`{revision}` names no commit here: {reason}")]
    Revision {
        /// As given.
        revision: String,
        /// What git's side said.
        reason: String,
    },
}

/// Why a tree could not be read, written, or taken as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The system or the object database would not hand it out.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// Where.
        path: RepoPath,
        /// What was said.
        reason: String,
    },
    /// There is more than we look through.
    #[error("there are more than {most} {what}; leave some out in a `.gitignore`")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The ceiling.
        most: u64,
    },
    /// One file is larger than we hold in memory.
    #[error("`{path}` has {bytes} bytes, which is too large to hold")]
    TooLarge {
        /// Which.
        path: RepoPath,
        /// Its size.
        bytes: u64,
    },
    /// A copy could not be written.
    #[error("cannot write `{path}`: {reason}")]
    Unwritable {
        /// Where in the copy.
        path: RepoPath,
        /// What the system said.
        reason: String,
    },
}

impl SnapshotError {
    pub(crate) fn unreadable(path: &RepoPath, reason: impl fmt::Display) -> Self {
        Self::Unreadable { path: path.clone(), reason: reason.to_string() }
    }

    pub(crate) fn unwritable(path: &RepoPath, reason: impl fmt::Display) -> Self {
        Self::Unwritable { path: path.clone(), reason: reason.to_string() }
    }
}
