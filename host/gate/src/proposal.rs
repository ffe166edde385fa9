//! What a model proposes, in whichever of three forms, and the way from there to a [`Patch`].
//!
//! - A *diff* says where its lines stand: git's documentation describes it (`git diff`, "Generating
//!   patch text with -p"), and POSIX the plain one (`diff -u`).
//! - *Blocks* of text to search and text to replace it with: aider's documentation ("Edit formats",
//!   `diff` and `diff-fenced`).
//! - The *envelope* between `*** Begin Patch` and `*** End Patch`: the instructions of the tool
//!   `apply_patch` in OpenAI's Codex and in its prompting guide for GPT-4.1.
//!
//! Which form a text has is told by its first line; text in two forms is refused. The last two
//! do not say where their lines stand, so the files decide: [`Proposal::resolve`] finds the one
//! place where they do, exactly, or says what the file has instead.

mod blocks;
mod envelope;
mod error;
mod place;
mod resolve;

use std::fmt;

use crate::parse::{PATCH_BYTES_MAX, PatchError, PatchProblem};
use crate::{FileChange, Patch};

pub use error::{PieceProblem, ResolveError};

/// A change as it was proposed. Names are as proposed, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal(Content);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Diff(Patch),
    Blocks(Vec<Edit>),
    Envelope(Vec<Edit>),
}

/// How a proposal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A unified diff, plain or as git writes it.
    Diff,
    /// A path, then `<<<<<<< SEARCH`, `=======` and `>>>>>>> REPLACE`.
    Blocks,
    /// Sections between `*** Begin Patch` and `*** End Patch`.
    Envelope,
}

/// What shall happen to one file, in words that only the file can complete.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    path: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Add {
        content: String,
    },
    Delete,
    /// At least one piece, or a new name.
    Change {
        to: Option<String>,
        pieces: Vec<Piece>,
    },
}

/// Lines that stand somewhere in a file, and those that take their place; the two differ.
/// All are without their line ends, which the last two forms cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the proposal, counted from 1.
    line: usize,
    /// Lines of the file that stand above, in their order.
    anchors: Vec<String>,
    old: Vec<String>,
    new: Vec<String>,
    end: End,
}

/// Whether a piece must be the last lines of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Anywhere,
    OfFile,
}

impl Proposal {
    /// Reads a proposal.
    ///
    /// # Errors
    ///
    /// The first line that cannot be accepted, why, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, PatchError> {
        if text.len() > PATCH_BYTES_MAX {
            return Err(PatchProblem::TooMany { what: "bytes", max: PATCH_BYTES_MAX }.at(1));
        }
        let content = match Form::of(text)? {
            Form::Diff => Content::Diff(Patch::parse(text)?),
            Form::Blocks => Content::Blocks(blocks::parse(text)?),
            Form::Envelope => Content::Envelope(envelope::parse(text)?),
        };
        Ok(Self(content))
    }

    /// How it is written.
    #[must_use]
    pub fn form(&self) -> Form {
        match self.0 {
            Content::Diff(_) => Form::Diff,
            Content::Blocks(_) => Form::Blocks,
            Content::Envelope(_) => Form::Envelope,
        }
    }

    /// The paths it names, in its order, unchecked: escape them before showing them.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let (patch, edits) = match &self.0 {
            Content::Diff(patch) => (patch.files(), [].as_slice()),
            Content::Blocks(edits) | Content::Envelope(edits) => ([].as_slice(), edits.as_slice()),
        };
        patch.iter().flat_map(FileChange::paths).chain(edits.iter().flat_map(Edit::paths))
    }
}

impl Edit {
    fn paths(&self) -> impl Iterator<Item = &str> {
        let to = match &self.what {
            What::Change { to, .. } => to.as_deref(),
            What::Add { .. } | What::Delete => None,
        };
        std::iter::once(self.path.as_str()).chain(to)
    }
}

impl Form {
    /// The form of a text, by its first line that is not blank.
    fn of(text: &str) -> Result<Self, PatchError> {
        let mut lines = text.split('\n').zip(1..);
        let Some((first, line)) = lines.find(|(line, _)| !line.trim().is_empty()) else {
            return Err(PatchProblem::Empty.at(1));
        };
        match Self::begun_by(first) {
            Some(form) => Ok(form),
            None if first.starts_with("--- ") => Ok(Self::Diff),
            // What stands above the first block is a path or a fence.
            None if text.split('\n').any(|line| line == blocks::SEARCH) => Ok(Self::Blocks),
            None => Err(PatchProblem::UnknownForm.at(line)),
        }
    }

    /// The form that a line begins, wherever it stands between the parts of a proposal.
    pub(crate) fn begun_by(line: &str) -> Option<Self> {
        match line {
            blocks::SEARCH => Some(Self::Blocks),
            envelope::BEGIN => Some(Self::Envelope),
            line if line.starts_with("diff --git ") => Some(Self::Diff),
            _ => None,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Diff => "a diff",
            Self::Blocks => "search/replace blocks",
            Self::Envelope => "a `*** Begin Patch` envelope",
        })
    }
}
