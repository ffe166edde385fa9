//! Carries out a valid patch on files that the caller reads, exactly.
//!
//! A hunk applies where it says, or at the one place of the file where all its old lines stand.
//! It says a place only if both its starts do: `git apply` begins to look at the new one. There is
//! no fuzz: no line of context is ignored, and no guess is made between places.

pub(crate) mod error;
pub(crate) mod place;
pub(crate) mod weave;

use std::collections::BTreeMap;

use crate::{FileChange, Hunk, Patch, ValidPatch};

pub use error::{ApplyError, Difference, Miss};
use place::{Effort, TooMuchWork, is_open};

/// Most places that are named when lines fit several.
pub(crate) const PLACES_MAX: usize = 5;

/// How the files are read: the bytes at a path, nothing if no file is there, or why it cannot
/// be read.
pub type Read<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>, String> + 'a;

/// What a patch makes of the files it touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The bytes of each file afterwards; nothing for a file that is gone.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
    /// The hunks that were not where they said, in the order of the patch.
    pub moved: Vec<Moved>,
    /// The same change with each hunk where it was found, and with the file's own lines around
    /// it: what a plain `git apply` takes.
    pub settled: Patch,
}

/// A hunk that was found at another line than it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The file.
    pub path: String,
    /// The hunk, counted from 1.
    pub hunk: usize,
    /// The line it says, counted from 1.
    pub stated: usize,
    /// The line it was found at.
    pub found: usize,
}

/// Carries out a patch.
///
/// # Errors
///
/// Fails on the first change that does not fit the files, and says what they hold instead.
pub fn apply(patch: &ValidPatch, read: &Read<'_>) -> Result<Applied, ApplyError> {
    let mut work = Work { read, effort: Effort::new(), moved: Vec::new() };
    let (mut files, mut settled) = (BTreeMap::new(), Vec::new());
    for file in patch.files() {
        let change = match file {
            FileChange::Add { path, content } => {
                work.absent(path)?;
                files.insert(path.clone(), Some(content.clone().into_bytes()));
                file.clone()
            }
            FileChange::Modify { path, hunks } => {
                let old = work.present(path)?;
                let (new, hunks) = work.change(path, &old, hunks)?;
                files.insert(path.clone(), Some(new));
                FileChange::Modify { path: path.clone(), hunks }
            }
            FileChange::Delete { path, content } => {
                let old = work.present(path)?;
                check_whole(path, &old, content)?;
                files.insert(path.clone(), None);
                file.clone()
            }
            FileChange::Rename { from, to, hunks } => {
                work.absent(to)?;
                let old = work.present(from)?;
                let (new, hunks) = work.change(from, &old, hunks)?;
                files.insert(to.clone(), Some(new));
                files.insert(from.clone(), None);
                FileChange::Rename { from: from.clone(), to: to.clone(), hunks }
            }
        };
        settled.push(change);
    }
    Ok(Applied { files, moved: work.moved, settled: Patch { files: settled } })
}

struct Work<'a> {
    read: &'a Read<'a>,
    effort: Effort,
    moved: Vec<Moved>,
}

/// A file's lines with their ends.
pub(crate) type Lines<'a> = [&'a [u8]];

/// Why a hunk has no place.
enum Unplaced {
    /// It holds no old line, and the file is not empty.
    NoContext,
    /// It fits these lines of the file, counted from 0.
    Several(Vec<usize>),
    /// It fits this line only, which is above the end of the hunk before it.
    Passed(usize),
    /// It fits nowhere.
    Nowhere,
    TooMuchWork,
}

impl From<TooMuchWork> for Unplaced {
    fn from(_: TooMuchWork) -> Self {
        Self::TooMuchWork
    }
}

/// Reads a file that has to be there.
pub(crate) fn present(read: &Read<'_>, path: &str) -> Result<Vec<u8>, ApplyError> {
    look(read, path)?.ok_or_else(|| ApplyError::Missing { path: path.to_owned() })
}

/// Reads a file that may be there.
pub(crate) fn look(read: &Read<'_>, path: &str) -> Result<Option<Vec<u8>>, ApplyError> {
    read(path).map_err(|why| ApplyError::Unreadable { path: path.to_owned(), why })
}

impl Work<'_> {
    fn present(&self, path: &str) -> Result<Vec<u8>, ApplyError> {
        present(self.read, path)
    }

    fn absent(&self, path: &str) -> Result<(), ApplyError> {
        match look(self.read, path)? {
            None => Ok(()),
            Some(_) => Err(ApplyError::Exists { path: path.to_owned() }),
        }
    }

    /// What hunks make of a file, and the hunks as they stand in it.
    fn change(
        &mut self,
        path: &str,
        old: &[u8],
        hunks: &[Hunk],
    ) -> Result<(Vec<u8>, Vec<Hunk>), ApplyError> {
        let lines = split(old);
        let (mut new, mut changes) = (Vec::with_capacity(old.len()), Vec::new());
        let (mut done, mut gone, mut come) = (0, 0, 0);
        for (index, hunk) in hunks.iter().enumerate() {
            let stated = Stated { at: stated(hunk), both: hunk.agrees(gone, come) };
            let at = self
                .place(hunk, stated, &lines, done)
                .map_err(|unplaced| error::unplaced(unplaced, path, index + 1, hunk, &lines))?;
            if at != stated.at {
                let (hunk, stated, found) = (index + 1, stated.at + 1, at + 1);
                self.moved.push(Moved { path: path.to_owned(), hunk, stated, found });
            }
            lines[done..at].iter().for_each(|line| new.extend_from_slice(line));
            hunk.new_side().for_each(|line| new.extend_from_slice(line.as_bytes()));
            done = at + hunk.old_side().count();
            gone += hunk.old_side().count();
            come += hunk.new_side().count();
            changes.extend(weave::changes(hunk, at));
        }
        lines[done..].iter().for_each(|line| new.extend_from_slice(line));
        Ok((new, weave::hunks(&lines, &changes)))
    }

    /// The line, counted from 0, where a hunk goes; not before `done`.
    fn place(
        &mut self,
        hunk: &Hunk,
        stated: Stated,
        file: &Lines<'_>,
        done: usize,
    ) -> Result<usize, Unplaced> {
        let old: Vec<&[u8]> = hunk.old_side().map(str::as_bytes).collect();
        if old.is_empty() {
            return if file.is_empty() { Ok(0) } else { Err(Unplaced::NoContext) };
        }
        let fits = |at: usize| {
            let there = file.get(at..).unwrap_or_default();
            // A side that ends without a line end cannot have lines of the file after it.
            there.starts_with(&old) && (!hunk.is_last() || there.len() == old.len())
        };
        // Git looks at the line before it first if nothing is left there.
        let is_clear = !is_open(&old) || hunk.new_side().next().is_some();
        if stated.both && is_clear && stated.at >= done && fits(stated.at) {
            return Ok(stated.at);
        }
        match self.effort.places_for_git(&old, file)?.as_slice() {
            [at] if !fits(*at) => Err(Unplaced::Nowhere),
            [at] if *at < done => Err(Unplaced::Passed(*at)),
            [at] => Ok(*at),
            [] => Err(Unplaced::Nowhere),
            several => Err(Unplaced::Several(several.to_vec())),
        }
    }
}

/// What a hunk says about its place.
#[derive(Debug, Clone, Copy)]
struct Stated {
    /// The line of the old file, counted from 0.
    at: usize,
    /// Whether the line of the new file says the same.
    both: bool,
}

pub(crate) fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// The line a hunk says, counted from 0.
fn stated(hunk: &Hunk) -> usize {
    usize::try_from(hunk.old_start).unwrap_or(usize::MAX).saturating_sub(1)
}

/// A deleted file must hold what the patch says it holds.
fn check_whole(path: &str, old: &[u8], content: &str) -> Result<(), ApplyError> {
    if old == content.as_bytes() {
        return Ok(());
    }
    let miss = Miss::at(&split(content.as_bytes()), &split(old), 0);
    Err(ApplyError::Mismatch { path: path.to_owned(), hunk: 1, miss })
}

#[cfg(test)]
mod tests;
