//! Why a text is not a proposal, in words that whoever wrote it can act on.

use crate::parse::{FILES_MAX, HUNKS_MAX, LINES_MAX, PATCH_BYTES_MAX};
use crate::proposal::Form;

/// Most characters of a line that a message repeats.
const EXCERPT_CHARS_MAX: usize = 80;

/// Why a text is not a [`Patch`](crate::Patch), or not a [`Proposal`](crate::Proposal).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PatchError {
    /// The line of the text, counted from 1.
    pub line: usize,
    /// What is wrong there. It is part of the message, so it is not a source.
    pub problem: PatchProblem,
}

/// What is wrong with a line, or with the file that begins there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchProblem {
    /// Nothing to apply.
    #[error("the patch is empty; write at least one changed file")]
    Empty,
    /// Over a ceiling.
    #[error("the patch has more than {max} {what}; propose a smaller change")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        max: usize,
    },
    /// Not text.
    #[error("binary content is not accepted; change text files only")]
    Binary,
    /// Something else should stand there.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// What stands there, cut and escaped.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// A name that cannot be read.
    #[error("cannot read the file name: {0}")]
    BadName(&'static str),
    /// Two names without a rename.
    #[error(
        "the names differ (`{}` and `{}`); a rename needs `diff --git`, `rename from` and `rename to`",
        old.escape_debug(), new.escape_debug()
    )]
    NamesDiffer {
        /// The old one.
        old: String,
        /// The new one.
        new: String,
    },
    /// The parts of a head do not fit.
    #[error("the head of this file contradicts itself: {0}")]
    Contradiction(&'static str),
    /// The same header twice.
    #[error("the header `{0}` is here twice; write it once")]
    Twice(&'static str),
    /// A symbolic link.
    #[error("symbolic links (mode 120000) are not accepted")]
    Symlink,
    /// A submodule.
    #[error("submodules (mode 160000) are not accepted")]
    Submodule,
    /// An executable file, or another change of mode.
    #[error(
        "modes may not change, and new files may not be executable; use `new file mode 100644`"
    )]
    ModeChange,
    /// Not a mode of a file.
    #[error("this is no mode of a regular file; use 100644")]
    BadMode,
    /// A copy.
    #[error("copies are not accepted; write the copy as a new file")]
    Copy,
    /// A line `@@ …` that cannot be read.
    #[error("cannot read the hunk header; write `@@ -line,count +line,count @@`")]
    BadHunkHeader,
    /// The header of a hunk counts wrong.
    #[error(
        "the hunk header counts {old} old and {new} new lines, but {old_found} and {new_found} \
         follow; count again (context lines count on both sides)"
    )]
    WrongCounts {
        /// Old lines, by the header.
        old: u32,
        /// New lines, by the header.
        new: u32,
        /// Old lines that are there.
        old_found: u32,
        /// New lines that are there.
        new_found: u32,
    },
    /// A hunk of context only.
    #[error("this hunk changes nothing; leave it out")]
    IdleHunk,
    /// Hunks overlap or go backwards.
    #[error(
        "this hunk begins before the end of the one above it; write hunks in the order of the file"
    )]
    HunkOrder,
    /// Lines after the end of a file.
    #[error(
        "a line follows the last line of the file; `\\ No newline at end of file` marks the last line only"
    )]
    AfterTheEnd,
    /// A new or deleted file that is not whole.
    #[error(
        "a new or deleted file needs all its lines in one hunk: `@@ -0,0 +1,count @@` or `@@ -1,count +0,0 @@`"
    )]
    NotWhole,
    /// A line of a head that ends with CRLF.
    #[error(
        "a line of the patch's own ends with CRLF; only lines of a file may, where the file has it"
    )]
    HeadLineEnd,
    /// A line with a backslash that is not the one mark.
    #[error("only `\\ No newline at end of file` may begin with a backslash")]
    BadMark,
    /// A text in none of the three forms.
    #[error(
        "this begins neither a diff (`diff --git a/path b/path` or `--- a/path`), nor `*** Begin \
         Patch`, and no `<<<<<<< SEARCH` follows; write nothing but the change, in one of these"
    )]
    UnknownForm,
    /// A text in two forms.
    #[error("this is written as {form}; {other} cannot follow; write the whole change in one form")]
    Mixed {
        /// The form of what stands above.
        form: Form,
        /// The form that begins.
        other: Form,
    },
    /// A block without a file.
    #[error("no path stands above this block; write the file's path on the line before it")]
    NoPath,
    /// A mark within a block.
    #[error(
        "a mark of search/replace blocks stands within a block, so it can be read in two ways; \
         close the block above it, or write a diff if the mark is text of the file"
    )]
    MarkInBlock,
    /// What begins and does not end.
    #[error("{0} that begins here does not end; close it with `{1}`")]
    Unfinished(&'static str, &'static str),
    /// Line numbers where they mean nothing.
    #[error(
        "line numbers have no place after `@@` in this form; write `@@` alone, or `@@` and a line \
         of the file that stands above"
    )]
    NumberedHunk,
    /// A head without a change.
    #[error("this file has a head but no change; add a hunk, or leave the file out")]
    NoChange,
}

impl PatchProblem {
    pub(crate) fn at(self, line: usize) -> PatchError {
        PatchError { line, problem: self }
    }
}

/// A line as a message may repeat it.
pub(super) fn excerpt(line: Option<&str>) -> String {
    match line {
        None => "the end of the patch".to_owned(),
        Some("") => "an empty line".to_owned(),
        Some(line) => {
            let shown: String = line.chars().take(EXCERPT_CHARS_MAX).collect();
            format!("`{}`", shown.escape_debug())
        }
    }
}

// A ceiling that another one makes unreachable would be a lie.
const _: () =
    assert!(FILES_MAX < HUNKS_MAX && HUNKS_MAX < LINES_MAX && LINES_MAX < PATCH_BYTES_MAX);
