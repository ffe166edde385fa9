//! Carries out a valid patch on files that the caller reads, exactly.
//!
//! A hunk applies where it says, or at the one other place of the file where all its old lines
//! stand. There is no fuzz: no line of context is ignored, and no guess is made between places.

mod error;

use std::collections::BTreeMap;

use crate::{FileChange, Hunk, ValidPatch};

pub use error::{ApplyError, Difference};

/// Most lines that are compared for one patch: some seconds at worst. Only hunks that are not
/// where they say, in files that repeat themselves, come near it.
const COMPARISONS_MAX: u64 = 100_000_000;

/// Most places that are named when a hunk fits several.
const PLACES_MAX: usize = 5;

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
    let mut work = Work { read, comparisons: 0, moved: Vec::new() };
    let mut files = BTreeMap::new();
    for file in patch.files() {
        match file {
            FileChange::Add { path, content } => {
                work.absent(path)?;
                files.insert(path.clone(), Some(content.clone().into_bytes()));
            }
            FileChange::Modify { path, hunks } => {
                let old = work.present(path)?;
                files.insert(path.clone(), Some(work.change(path, &old, hunks)?));
            }
            FileChange::Delete { path, content } => {
                let old = work.present(path)?;
                check_whole(path, &old, content)?;
                files.insert(path.clone(), None);
            }
            FileChange::Rename { from, to, hunks } => {
                work.absent(to)?;
                let old = work.present(from)?;
                files.insert(to.clone(), Some(work.change(from, &old, hunks)?));
                files.insert(from.clone(), None);
            }
        }
    }
    Ok(Applied { files, moved: work.moved })
}

struct Work<'a> {
    read: &'a Read<'a>,
    comparisons: u64,
    moved: Vec<Moved>,
}

/// A file's lines with their ends.
type Lines<'a> = [&'a [u8]];

/// Why a hunk has no place.
enum Unplaced {
    /// It holds no old line, and the file is not empty.
    NoContext,
    /// It fits these lines of the file, counted from 0; more may follow.
    Several(Vec<usize>),
    /// It fits nowhere; this place is the nearest miss.
    Nowhere(usize),
    TooMuchWork,
}

impl Work<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ApplyError> {
        (self.read)(path).map_err(|why| ApplyError::Unreadable { path: path.to_owned(), why })
    }

    fn present(&self, path: &str) -> Result<Vec<u8>, ApplyError> {
        self.read(path)?.ok_or_else(|| ApplyError::Missing { path: path.to_owned() })
    }

    fn absent(&self, path: &str) -> Result<(), ApplyError> {
        match self.read(path)? {
            None => Ok(()),
            Some(_) => Err(ApplyError::Exists { path: path.to_owned() }),
        }
    }

    fn change(&mut self, path: &str, old: &[u8], hunks: &[Hunk]) -> Result<Vec<u8>, ApplyError> {
        let lines = split(old);
        let mut new = Vec::with_capacity(old.len());
        let mut done = 0;
        for (index, hunk) in hunks.iter().enumerate() {
            let stated = stated(hunk);
            let at = self
                .place(hunk, &lines, done)
                .map_err(|unplaced| error::unplaced(unplaced, path, index + 1, hunk, &lines))?;
            if at != stated {
                let (hunk, stated, found) = (index + 1, stated + 1, at + 1);
                self.moved.push(Moved { path: path.to_owned(), hunk, stated, found });
            }
            lines[done..at].iter().for_each(|line| new.extend_from_slice(line));
            hunk.new_side().for_each(|line| new.extend_from_slice(line.as_bytes()));
            done = at + hunk.old_side().count();
        }
        lines[done..].iter().for_each(|line| new.extend_from_slice(line));
        Ok(new)
    }

    /// The line, counted from 0, where a hunk goes; not before `done`.
    fn place(&mut self, hunk: &Hunk, file: &Lines<'_>, done: usize) -> Result<usize, Unplaced> {
        let old: Vec<&[u8]> = hunk.old_side().map(str::as_bytes).collect();
        if old.is_empty() {
            return if file.is_empty() { Ok(0) } else { Err(Unplaced::NoContext) };
        }
        let stated = stated(hunk);
        if stated >= done && self.fits(hunk, &old, file, stated)? == old.len() {
            return Ok(stated);
        }
        let mut places = Vec::new();
        // How well the best place fits, and how near it is.
        let mut nearest = (0, usize::MAX, stated);
        for at in done..=file.len().saturating_sub(old.len()) {
            let fits = self.fits(hunk, &old, file, at)?;
            if fits == old.len() {
                places.push(at);
            }
            let distance = at.abs_diff(stated);
            if fits > nearest.0 || (fits == nearest.0 && fits > 0 && distance < nearest.1) {
                nearest = (fits, distance, at);
            }
            if places.len() > PLACES_MAX {
                break;
            }
        }
        match places.as_slice() {
            [] => Err(Unplaced::Nowhere(nearest.2)),
            [at] => Ok(*at),
            _ => Err(Unplaced::Several(places)),
        }
    }

    /// How many lines of `old` stand at `at`, from the first on.
    fn fits(
        &mut self,
        hunk: &Hunk,
        old: &[&[u8]],
        file: &Lines<'_>,
        at: usize,
    ) -> Result<usize, Unplaced> {
        let there = file.get(at..).unwrap_or_default();
        let equal = old.iter().zip(there).take_while(|(old, there)| old == there).count();
        self.comparisons += u64::try_from(equal).unwrap_or(u64::MAX).saturating_add(1);
        match () {
            () if self.comparisons > COMPARISONS_MAX => Err(Unplaced::TooMuchWork),
            // A side that ends without a line end cannot have lines of the file after it.
            () if equal == old.len() && hunk.is_last() && there.len() > equal => Ok(equal - 1),
            () => Ok(equal),
        }
    }
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
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
    let (old, content) = (split(old), split(content.as_bytes()));
    Err(error::mismatch(path, 1, 1, &content, &old, 0))
}

#[cfg(test)]
mod tests;
