//! Why a proposal does not become a patch, with enough of the files to mend it.

use crate::apply::error::list;
use crate::{ApplyError, InvalidPatch, Miss, PatchError};

/// Why a proposal does not become a [`Patch`](crate::Patch).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Its names; no file was read.
    #[error(transparent)]
    Names(#[from] InvalidPatch),
    /// A file that is not there, or is, or cannot be read.
    #[error(transparent)]
    File(#[from] ApplyError),
    /// A file that no patch of text can change.
    #[error("`{path}` is not text (UTF-8 without NUL); change text files only")]
    NotText {
        /// The file.
        path: String,
    },
    /// Lines of the proposal do not fit their file.
    #[error("line {line}: this change of `{path}` {problem}")]
    Piece {
        /// Where it begins in the proposal, counted from 1.
        line: usize,
        /// The file.
        path: String,
        /// Why.
        problem: PieceProblem,
    },
    /// What it comes to is over a ceiling of patches.
    #[error("written as a diff it cannot be accepted: {0}")]
    Diff(PatchError),
}

/// Why lines do not fit their file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PieceProblem {
    /// They are nowhere in it.
    #[error("does not fit: {0}")]
    Nowhere(Miss),
    /// They are at several places.
    #[error("fits at {}; add lines above or below until it fits one place only", list(places))]
    Several {
        /// The lines where it would fit, counted from 1; the first few.
        places: Vec<usize>,
    },
    /// They are above the change before it.
    #[error("fits line {found} only, above the one before it; write them in the order of the file")]
    OutOfOrder {
        /// The line where it would fit, counted from 1.
        found: usize,
    },
    /// Nothing says where new lines go.
    #[error("has only new lines, and the file is not empty; add an unchanged line around them")]
    NoContext,
    /// A line after `@@` is not where it should be.
    #[error(
        "names `{anchor}` after `@@`, which is no whole line of the file above the place where it \
         fits; correct that line or leave it out"
    )]
    NoAnchor {
        /// The line, cut and escaped.
        anchor: String,
    },
    /// Two changes of the same lines.
    #[error("overlaps the one at line {line}; make one of both")]
    Overlap {
        /// Where the other begins in the proposal, counted from 1.
        line: usize,
    },
    /// Finding the place takes too long.
    #[error("takes too long to find in so large a file; write a diff with line numbers")]
    TooMuchWork,
}
