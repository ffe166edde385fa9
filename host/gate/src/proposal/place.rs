//! The one place of a file where the lines of a proposal stand.

use super::{End, Piece, PieceProblem};
use crate::Miss;
use crate::apply::error::shown;
use crate::apply::place::{Effort, nearest};
use crate::apply::{Lines, PLACES_MAX};

impl Piece {
    /// The line of a file, counted from 0, where it stands; not before `done`. The lines of the
    /// file are without their ends, as the form is.
    pub(super) fn place(
        &self,
        file: &Lines<'_>,
        done: usize,
        effort: &mut Effort,
    ) -> Result<usize, PieceProblem> {
        let old: Vec<&[u8]> = self.old.iter().map(String::as_bytes).collect();
        if old.is_empty() {
            return match self.end {
                End::OfFile => Ok(file.len()),
                End::Anywhere if file.is_empty() => Ok(0),
                End::Anywhere => Err(PieceProblem::NoContext),
            };
        }
        let mut places = effort.places(&old, file).map_err(|_| PieceProblem::TooMuchWork)?;
        places.retain(|at| match self.end {
            End::OfFile => at + old.len() == file.len(),
            End::Anywhere => true,
        });
        let below: Vec<usize> = places.iter().copied().filter(|at| *at >= done).collect();
        match (below.as_slice(), places.as_slice()) {
            ([], []) => {
                let below = self.anchored(file).unwrap_or_default().max(done);
                let around = if self.end == End::OfFile { file.len() } else { below };
                let at = nearest(&old, file, around);
                Err(PieceProblem::Nowhere(Miss::at(&old, file, at)))
            }
            ([], [first, ..]) => Err(PieceProblem::OutOfOrder { found: first + 1 }),
            ([at], _) => {
                self.anchored(file)
                    .filter(|anchor| anchor <= at)
                    .ok_or_else(|| self.no_anchor())?;
                Ok(*at)
            }
            (several, _) => self.chosen(file, several),
        }
    }

    /// Which of several places the anchors mean: the first below them, as the form defines it, if
    /// the first of them is one line of the file only.
    fn chosen(&self, file: &Lines<'_>, places: &[usize]) -> Result<usize, PieceProblem> {
        let several = || {
            let places = places.iter().take(PLACES_MAX).map(|at| at + 1).collect();
            PieceProblem::Several { places }
        };
        let first = self.anchors.first().ok_or_else(several)?;
        match file.iter().filter(|line| is(line, first)).take(2).count() {
            0 => return Err(self.no_anchor()),
            1 => {}
            _ => return Err(several()),
        }
        let anchor = self.anchored(file).ok_or_else(|| self.no_anchor())?;
        places.iter().copied().find(|at| *at >= anchor).ok_or_else(|| self.no_anchor())
    }

    /// The line of the last anchor, each being the first below the one before it; the first line
    /// if there is none.
    fn anchored(&self, file: &Lines<'_>) -> Option<usize> {
        let mut found = 0;
        for (index, anchor) in self.anchors.iter().enumerate() {
            let from = if index == 0 { 0 } else { found + 1 };
            let below = file.get(from..).unwrap_or_default();
            found = from + below.iter().position(|line| is(line, anchor))?;
        }
        Some(found)
    }

    fn no_anchor(&self) -> PieceProblem {
        let anchor = self.anchors.last().map(String::as_bytes).unwrap_or_default();
        PieceProblem::NoAnchor { anchor: shown(anchor) }
    }
}

/// Whether an anchor names a line. It only says where to look, so how far the line is indented
/// does not matter.
fn is(line: &[u8], anchor: &str) -> bool {
    line.trim_ascii() == anchor.as_bytes().trim_ascii()
}
