//! Reads blocks of text to search and text to replace it with.
//!
//! A path stands on a line of its own above its blocks, before or within a fence; a block without
//! one is for the path above it. Nothing else may stand between blocks but blank lines and fences.

use std::collections::BTreeMap;

use super::{Edit, End, Form, Piece, What};
use crate::parse::{FILES_MAX, HUNKS_MAX, Lines, PatchError, PatchProblem};

/// Begins the text to search.
pub(super) const SEARCH: &str = "<<<<<<< SEARCH";

/// Stands between the two texts.
const DIVIDER: &str = "=======";

/// Ends the text that takes its place.
const REPLACE: &str = ">>>>>>> REPLACE";

/// What a line between blocks is.
enum Between<'a> {
    Blank,
    /// Its backquotes, and what follows them.
    Fence(&'a str, &'a str),
    Search,
    Path,
}

/// The path that blocks are for.
#[derive(Clone, Copy)]
enum Path<'a> {
    None,
    /// No block has followed yet.
    Fresh(&'a str),
    Used(&'a str),
}

pub(super) fn parse(text: &str) -> Result<Vec<Edit>, PatchError> {
    let mut lines = Lines::new(text, Form::Blocks)?;
    let mut edits = Edits::default();
    // The fence that is open, and its line.
    let mut fence: Option<(&str, usize)> = None;
    let mut path = Path::None;
    while let Some(line) = lines.peek() {
        let at = lines.number();
        match (Between::of(line), fence, path) {
            (Between::Blank, _, _) => {}
            (Between::Fence(ticks, _), None, _) => fence = Some((ticks, at)),
            (Between::Fence(ticks, ""), Some((open, _)), Path::None | Path::Used(_))
                if ticks == open =>
            {
                fence = None;
            }
            (Between::Search, _, Path::Fresh(name) | Path::Used(name)) => {
                lines.at += 1;
                edits.push(name, block(&mut lines, at)?)?;
                path = Path::Used(name);
                continue;
            }
            (Between::Search, _, Path::None) => return Err(PatchProblem::NoPath.at(at)),
            (Between::Path, _, Path::None | Path::Used(_)) if Form::begun_by(line).is_none() => {
                path = Path::Fresh(line);
            }
            (Between::Fence(..), Some(_), _) | (Between::Path, _, _) => {
                return Err(lines.unexpected("`<<<<<<< SEARCH`"));
            }
        }
        lines.at += 1;
    }
    match (fence, path) {
        (_, Path::Fresh(_)) => Err(lines.unexpected("`<<<<<<< SEARCH`")),
        (Some((_, line)), _) => Err(PatchProblem::Unfinished("the fence", "```").at(line)),
        (None, Path::None | Path::Used(_)) => Ok(edits.all),
    }
}

impl<'a> Between<'a> {
    fn of(line: &'a str) -> Self {
        let rest = line.trim_start_matches('`');
        match line.split_at(line.len() - rest.len()) {
            _ if line == SEARCH => Self::Search,
            _ if line.trim().is_empty() => Self::Blank,
            (ticks, info) if ticks.len() >= 3 && !info.contains('`') => Self::Fence(ticks, info),
            _ => Self::Path,
        }
    }
}

/// The rest of a block, after its first line.
fn block(lines: &mut Lines<'_>, line: usize) -> Result<Piece, PatchError> {
    let old = until(lines, line, DIVIDER)?;
    let new = until(lines, line, REPLACE)?;
    if old == new {
        return Err(PatchProblem::IdleHunk.at(line));
    }
    Ok(Piece { line, anchors: Vec::new(), old, new, end: End::Anywhere })
}

/// The lines up to a mark, which is dropped. Another mark of blocks in them would have two
/// readings.
fn until(
    lines: &mut Lines<'_>,
    begun: usize,
    mark: &'static str,
) -> Result<Vec<String>, PatchError> {
    let mut text = Vec::new();
    while let Some(line) = lines.next() {
        match line {
            line if line == mark => return Ok(text),
            SEARCH | DIVIDER | REPLACE => return Err(PatchProblem::MarkInBlock.at(lines.at)),
            line => text.push(line.to_owned()),
        }
    }
    Err(PatchProblem::Unfinished("the block", mark).at(begun))
}

/// The changes so far, and which of them is for which path.
#[derive(Default)]
struct Edits {
    all: Vec<Edit>,
    known: BTreeMap<String, usize>,
    pieces: usize,
}

impl Edits {
    fn push(&mut self, path: &str, piece: Piece) -> Result<(), PatchError> {
        let line = piece.line;
        self.pieces += 1;
        let known = self.known.get(path).and_then(|index| self.all.get_mut(*index));
        if let Some(Edit { what: What::Change { pieces, .. }, .. }) = known {
            pieces.push(piece);
        } else {
            self.known.insert(path.to_owned(), self.all.len());
            let what = What::Change { to: None, pieces: vec![piece] };
            self.all.push(Edit { path: path.to_owned(), what });
        }
        let too_many = |what, max| Err(PatchProblem::TooMany { what, max }.at(line));
        match () {
            () if self.all.len() > FILES_MAX => too_many("files", FILES_MAX),
            () if self.pieces > HUNKS_MAX => too_many("hunks", HUNKS_MAX),
            () => Ok(()),
        }
    }
}
