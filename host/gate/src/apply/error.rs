//! Why a patch does not fit the files, with enough of the files to mend it.

use std::fmt;

use super::place::nearest;
use super::{Lines, PLACES_MAX, Unplaced, stated};
use crate::Hunk;

/// Lines of the file shown on each side of the one that differs.
const AROUND: usize = 3;

/// Most characters shown of a line.
const SHOWN_CHARS_MAX: usize = 200;

/// Why a patch does not fit the files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The patch changes a file that is not there.
    #[error("`{path}` does not exist; check the name, or add it as a new file")]
    Missing {
        /// The file.
        path: String,
    },
    /// The patch adds a file that is there.
    #[error("`{path}` already exists; change it with hunks instead of adding it")]
    Exists {
        /// The file.
        path: String,
    },
    /// The file cannot be read.
    #[error("cannot read `{path}`: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the reader said.
        why: String,
    },
    /// The old lines of a hunk are nowhere in the file.
    #[error("hunk {hunk} of `{path}` does not fit: {miss}")]
    Mismatch {
        /// The file.
        path: String,
        /// The hunk, counted from 1.
        hunk: usize,
        /// Where it nearly fits.
        miss: Miss,
    },
    /// The old lines of a hunk are at several places, none of them where it says.
    #[error(
        "hunk {hunk} of `{path}`, which says line {stated}, fits {}; correct both line numbers in its \
         header, or add context",
        list(places)
    )]
    Ambiguous {
        /// The file.
        path: String,
        /// The hunk, counted from 1.
        hunk: usize,
        /// The line it says.
        stated: usize,
        /// The lines where it would fit; the first few.
        places: Vec<usize>,
    },
    /// The old lines of a hunk are above those of the hunk before it, and nowhere else.
    #[error(
        "hunk {hunk} of `{path}` fits line {found} only, above the end of the hunk before it; \
         write hunks in the order of the file"
    )]
    OutOfOrder {
        /// The file.
        path: String,
        /// The hunk, counted from 1.
        hunk: usize,
        /// The line where it would fit, counted from 1.
        found: usize,
    },
    /// A hunk without an unchanged or removed line, in a file that is not empty.
    #[error("hunk {hunk} of `{path}` has only added lines; add an unchanged line around them")]
    NoContext {
        /// The file.
        path: String,
        /// The hunk, counted from 1.
        hunk: usize,
    },
    /// Finding the places of the hunks takes too long.
    #[error(
        "hunk {hunk} of `{path}` is not where it says and takes too long to find; correct its line"
    )]
    TooMuchWork {
        /// The file.
        path: String,
        /// The hunk, counted from 1.
        hunk: usize,
    },
}

/// Where lines nearly fit a file, and what keeps them from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The first line of the file that differs, counted from 1.
    pub line: usize,
    /// What the patch says stands there, cut and escaped; nothing if the patch has ended.
    pub expected: Option<String>,
    /// In what they differ.
    pub difference: Difference,
    /// What the file really says there: a few numbered lines, cut and escaped.
    pub found: String,
}

/// In what a line of the file differs from the one of the patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// In the text.
    Text,
    /// In white space only.
    WhiteSpace,
    /// In the line end only: the file has CRLF and the patch LF, or the other way round.
    LineEnd,
    /// One of them has no line end.
    LastLineEnd,
    /// The file ends before it.
    EndOfFile,
    /// The patch ends before it.
    EndOfPatch,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "but the file says:",
            Self::WhiteSpace => "which differs in white space only from the file:",
            Self::LineEnd => "which differs in the line end only (CRLF or LF) from the file:",
            Self::LastLineEnd => {
                "which differs in the missing line end only (`\\ No newline at end of file`) from the file:"
            }
            Self::EndOfFile => "but the file has no such line; it ends with:",
            Self::EndOfPatch => "but the file goes on:",
        })
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, expected, difference, found } = self;
        write!(f, "at line {line} ")?;
        match expected {
            Some(text) => write!(f, "the patch says `{text}`")?,
            None => f.write_str("the patch ends")?,
        }
        write!(f, ", {difference}\n{found}")
    }
}

/// Says why a hunk has no place.
pub(super) fn unplaced(
    unplaced: Unplaced,
    path: &str,
    hunk: usize,
    which: &Hunk,
    file: &Lines<'_>,
) -> ApplyError {
    let name = path.to_owned();
    match unplaced {
        Unplaced::NoContext => ApplyError::NoContext { path: name, hunk },
        Unplaced::TooMuchWork => ApplyError::TooMuchWork { path: name, hunk },
        Unplaced::Several(places) => {
            let places = places.into_iter().take(PLACES_MAX).map(|at| at + 1).collect();
            ApplyError::Ambiguous { path: name, hunk, stated: stated(which) + 1, places }
        }
        Unplaced::Passed(at) => ApplyError::OutOfOrder { path: name, hunk, found: at + 1 },
        Unplaced::Nowhere => {
            let old: Vec<&[u8]> = which.old_side().map(str::as_bytes).collect();
            let at = nearest(&old, file, stated(which));
            ApplyError::Mismatch { path: name, hunk, miss: Miss::at(&old, file, at) }
        }
    }
}

impl Miss {
    /// What differs when `expected` is held against the file from line `at` (from 0) on.
    pub(crate) fn at(expected: &Lines<'_>, file: &Lines<'_>, at: usize) -> Self {
        let there = file.get(at..).unwrap_or_default();
        let equal = expected.iter().zip(there).take_while(|(a, b)| a == b).count();
        let (wanted, found) = (expected.get(equal).copied(), there.get(equal).copied());
        Self {
            line: at.saturating_add(equal).saturating_add(1),
            expected: wanted.map(shown),
            difference: Difference::between(wanted, found),
            found: around(file, at.saturating_add(equal)),
        }
    }
}

impl Difference {
    fn between(patch: Option<&[u8]>, file: Option<&[u8]>) -> Self {
        let (patch, file) = match (patch, file) {
            (Some(patch), Some(file)) => (patch, file),
            (Some(_), None) => return Self::EndOfFile,
            (None, _) => return Self::EndOfPatch,
        };
        let bare = |line: &[u8]| -> Vec<u8> {
            line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
        };
        match () {
            () if without_end(patch, b"\n") == without_end(file, b"\n") => Self::LastLineEnd,
            () if without_end(patch, b"\r\n") == without_end(file, b"\r\n") => Self::LineEnd,
            () if bare(patch) == bare(file) => Self::WhiteSpace,
            () => Self::Text,
        }
    }
}

/// A line without the bytes of its end.
fn without_end<'a>(line: &'a [u8], end: &[u8]) -> &'a [u8] {
    let kept = line.iter().rposition(|byte| !end.contains(byte)).map_or(0, |last| last + 1);
    line.get(..kept).unwrap_or_default()
}

/// The lines of a file around one (counted from 0), numbered.
fn around(file: &Lines<'_>, at: usize) -> String {
    let at = at.min(file.len());
    let from = at.saturating_sub(AROUND);
    let shown = |(index, line): (usize, &&[u8])| format!("{:>6} | {}", index + 1, shown(line));
    let lines: Vec<String> =
        file.iter().enumerate().skip(from).take(2 * AROUND + 1).map(shown).collect();
    if lines.is_empty() { "       (nothing: it is empty)".to_owned() } else { lines.join("\n") }
}

/// A line as a message may repeat it: cut, and with everything unprintable escaped.
pub(crate) fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
    let mut shown = String::new();
    for c in text.chars().take(SHOWN_CHARS_MAX) {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            '\t' => shown.push('\t'),
            c => shown.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

pub(crate) fn list(places: &[usize]) -> String {
    let places: Vec<String> = places.iter().map(|line| format!("line {line}")).collect();
    places.join(", ")
}
