//! From edits to a patch, with the files they are about.
//!
//! A change of lines is not taken as a whole: what the old and the new lines share is context. The
//! result has gone through the reader of diffs, so no form can say more than a diff can.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Content, Edit, Piece, PieceProblem, Proposal, ResolveError, What};
use crate::apply::place::Effort;
use crate::apply::weave::{self, Change};
use crate::apply::{Lines, Read, look, present, split};
use crate::{FileChange, Patch, valid};

/// Most lines of a piece, old and new together, that are compared to find what they share: the
/// work grows with the square. Of a longer one only the common beginning and end is context.
const COMPARED_MAX: usize = 4_000;

/// Whether the order of changes says anything about their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Any,
    OfFile,
}

impl Proposal {
    /// The patch that a proposal means for these files. A diff means itself, and reads nothing.
    ///
    /// Names are checked before anything is read.
    ///
    /// # Errors
    ///
    /// All refused names; otherwise the first change that does not fit, with what the file says.
    pub fn resolve(self, read: &Read<'_>) -> Result<Patch, ResolveError> {
        let (edits, order) = match self.0 {
            Content::Diff(patch) => return Ok(patch),
            Content::Blocks(edits) => (edits, Order::Any),
            Content::Envelope(edits) => (edits, Order::OfFile),
        };
        valid::check(edits.iter().flat_map(Edit::paths))?;
        let mut work = Work { read, effort: Effort::new(), order };
        let files: Result<_, ResolveError> =
            edits.into_iter().map(|edit| work.resolve(edit)).collect();
        let patch = Patch { files: files? };
        Patch::parse(&patch.to_diff()).map_err(ResolveError::Diff)
    }
}

struct Work<'a> {
    read: &'a Read<'a>,
    effort: Effort,
    order: Order,
}

impl Work<'_> {
    fn resolve(&mut self, Edit { path, what }: Edit) -> Result<FileChange, ResolveError> {
        match what {
            What::Add { content } => Ok(FileChange::Add { path, content }),
            What::Delete => {
                let content = text(&path, present(self.read, &path)?)?;
                Ok(FileChange::Delete { path, content })
            }
            What::Change { to, pieces } => self.change(path, to, &pieces),
        }
    }

    fn change(
        &mut self,
        path: String,
        to: Option<String>,
        pieces: &[Piece],
    ) -> Result<FileChange, ResolveError> {
        if let ([only], None, Order::Any) = (pieces, &to, self.order)
            && only.old.is_empty()
            && look(self.read, &path)?.is_none()
        {
            let content = only.new.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            return Ok(FileChange::Add { path, content });
        }
        let file = text(&path, present(self.read, &path)?)?;
        let lines = split(file.as_bytes());
        let hunks = weave::hunks(&lines, &self.changes(&path, pieces, &lines)?);
        Ok(match to {
            Some(to) => FileChange::Rename { from: path, to, hunks },
            None => FileChange::Modify { path, hunks },
        })
    }

    /// What the pieces change of a file, in its order.
    fn changes(
        &mut self,
        path: &str,
        pieces: &[Piece],
        file: &Lines<'_>,
    ) -> Result<Vec<Change>, ResolveError> {
        let bare: Vec<&[u8]> =
            file.iter().map(|line| line.strip_suffix(b"\n").unwrap_or(line)).collect();
        let wrong = |piece: &Piece, problem| {
            let (line, path) = (piece.line, path.to_owned());
            ResolveError::Piece { line, path, problem }
        };
        let (mut placed, mut done) = (Vec::new(), 0);
        for piece in pieces {
            let at = piece.place(&bare, done, &mut self.effort).map_err(|err| wrong(piece, err))?;
            if self.order == Order::OfFile {
                done = at + piece.old.len();
            }
            placed.push((at, piece));
        }
        placed.sort_by_key(|(at, piece)| (*at, piece.line));
        let mut changes: Vec<Change> = Vec::new();
        let mut above: Option<(usize, &Piece)> = None;
        for (at, piece) in placed {
            let fresh = changed(piece, file, at);
            if let Some((first, other)) = above {
                let changed = changes.last().map_or(0, Change::end);
                let is_met = fresh.first().is_some_and(|change| change.at < changed);
                if is_met || at < first + other.old.len().max(1) {
                    return Err(wrong(piece, PieceProblem::Overlap { line: other.line }));
                }
            }
            changes.extend(fresh);
            above = Some((at, piece));
        }
        Ok(changes)
    }
}

/// What a piece changes where it stands.
///
/// The form cannot say whether a file's last line has an end, so what the file has there stays.
fn changed(piece: &Piece, file: &Lines<'_>, mut at: usize) -> Vec<Change> {
    let mut new: Vec<String> = piece.new.iter().map(|line| format!("{line}\n")).collect();
    let end = at + piece.old.len();
    let open = file.last().filter(|line| end == file.len() && !line.ends_with(b"\n"));
    if let Some(last) = open {
        if piece.old.is_empty() {
            at -= 1;
            new.insert(0, format!("{}\n", String::from_utf8_lossy(last)));
        }
        if let Some(text) = new.last_mut() {
            text.pop();
        }
        // An empty line without an end is no line.
        new.retain(|line| !line.is_empty());
    }
    let old = file.get(at..end).unwrap_or_default();
    differences(old, &new)
        .into_iter()
        .map(|change| Change { at: at + change.at, ..change })
        .collect()
}

/// What differs between lines, counted from the first of them.
fn differences(old: &Lines<'_>, new: &[String]) -> Vec<Change> {
    let fresh: Vec<&[u8]> = new.iter().map(String::as_bytes).collect();
    if old.len().saturating_add(fresh.len()) > COMPARED_MAX {
        let above = old.iter().zip(&fresh).take_while(|(old, new)| old == new).count();
        let (rest, fresh) = (&old[above..], &fresh[above..]);
        let below = rest.iter().rev().zip(fresh.iter().rev());
        let below = below.take_while(|(old, new)| old == new).count();
        let new = new[above..new.len() - below].to_vec();
        return vec![Change { at: above, old: rest.len() - below, new }];
    }
    let ops = capture_diff_slices(Algorithm::Myers, old, &fresh);
    let change = |op: &DiffOp| {
        let (old, fresh) = (op.old_range(), op.new_range());
        let new = new.get(fresh).unwrap_or_default().to_vec();
        Change { at: old.start, old: old.len(), new }
    };
    ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).map(change).collect()
}

fn text(path: &str, bytes: Vec<u8>) -> Result<String, ResolveError> {
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| ResolveError::NotText { path: path.to_owned() })
}
