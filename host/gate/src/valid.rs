//! From a patch to one whose names are harmless, alone and together.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use crate::name::{self, NameProblem};
use crate::{FileChange, Patch};

/// Most complaints that a message names; the value has all of them.
const SHOWN_MAX: usize = 10;

/// Most characters of a path in a message.
const SHOWN_CHARS_MAX: usize = 200;

/// A patch whose every name is a plain relative path, and whose names do not collide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidPatch(Patch);

/// Why a patch is not a [`ValidPatch`]: every complaint, in the order of the patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidPatch {
    // Invariant: never empty.
    complaints: Vec<(String, PathProblem)>,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// Alone.
    #[error(transparent)]
    Name(#[from] NameProblem),
    /// Two changes of one file.
    #[error("the path is changed twice; put all changes of a file into one")]
    Twice,
    /// Another name of the patch that some systems take for this one.
    #[error("the path differs from `{}` only by case", other.escape_debug())]
    Case {
        /// The other path, or the directory it lies in.
        other: String,
    },
    /// Another name of the patch that macOS takes for this one.
    #[error("the path differs from `{}` only by how accents are written", other.escape_debug())]
    Accents {
        /// The other path, or the directory it lies in.
        other: String,
    },
    /// Both a file and the directory of another.
    #[error("the path is both a file and a directory in this patch")]
    FileAndDirectory,
}

impl Patch {
    /// Checks the names.
    ///
    /// # Errors
    ///
    /// All complaints at once, so that they can be mended at once.
    pub fn validate(self) -> Result<ValidPatch, InvalidPatch> {
        check(self.files.iter().flat_map(FileChange::paths))?;
        Ok(ValidPatch(self))
    }
}

/// Checks names alone and together, each being touched once.
pub(crate) fn check<'a>(paths: impl Iterator<Item = &'a str>) -> Result<(), InvalidPatch> {
    let mut seen = Seen::default();
    let complaints: Vec<_> = paths
        .filter_map(|path| seen.add(path).err().map(|problem| (path.to_owned(), problem)))
        .collect();
    if complaints.is_empty() { Ok(()) } else { Err(InvalidPatch { complaints }) }
}

impl ValidPatch {
    /// The patch.
    #[must_use]
    pub fn patch(&self) -> &Patch {
        &self.0
    }

    /// The changes, in the order in which they were proposed.
    #[must_use]
    pub fn files(&self) -> &[FileChange] {
        self.0.files()
    }

    /// Every path it touches, in the order of the patch; none twice.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files().iter().flat_map(FileChange::paths)
    }
}

impl InvalidPatch {
    /// Each refused path, and why. Paths are as proposed: escape them before showing them.
    #[must_use]
    pub fn complaints(&self) -> &[(String, PathProblem)] {
        &self.complaints
    }
}

impl fmt::Display for InvalidPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.complaints)
    }
}

/// The first few complaints; each path cut and escaped.
pub(crate) fn show<P: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    complaints: &[(String, P)],
) -> fmt::Result {
    let mut separator = "";
    for (path, problem) in complaints.iter().take(SHOWN_MAX) {
        let shown: String = path.chars().take(SHOWN_CHARS_MAX).collect();
        let cut = if shown.len() < path.len() { "…" } else { "" };
        write!(f, "{separator}`{}{cut}`: {problem}", shown.escape_debug())?;
        separator = "; ";
    }
    match complaints.len().saturating_sub(SHOWN_MAX) {
        0 => Ok(()),
        more => write!(f, "; and {more} more"),
    }
}

/// The paths so far, and every directory above them, by their folded names.
#[derive(Default)]
struct Seen(BTreeMap<String, (String, Is)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    File,
    Directory,
}

impl Seen {
    fn add(&mut self, path: &str) -> Result<(), PathProblem> {
        name::check(path)?;
        let (mut folded, mut end) = (String::new(), 0);
        for part in path.split('/') {
            folded.push_str(&name::fold_wholly(part));
            end += part.len();
            let is = if end == path.len() { Is::File } else { Is::Directory };
            self.enter(&folded, &path[..end], is)?;
            folded.push('/');
            end += 1;
        }
        Ok(())
    }

    fn enter(&mut self, folded: &str, path: &str, is: Is) -> Result<(), PathProblem> {
        let (known, known_is) = match self.0.entry(folded.to_owned()) {
            Entry::Vacant(free) => {
                free.insert((path.to_owned(), is));
                return Ok(());
            }
            Entry::Occupied(taken) => taken.get().clone(),
        };
        match (known_is, is) {
            _ if name::fold(&known) != name::fold(path) => {
                Err(PathProblem::Accents { other: known })
            }
            _ if known != path => Err(PathProblem::Case { other: known }),
            (Is::Directory, Is::Directory) => Ok(()),
            (Is::File, Is::File) => Err(PathProblem::Twice),
            (Is::File, Is::Directory) | (Is::Directory, Is::File) => {
                Err(PathProblem::FileAndDirectory)
            }
        }
    }
}
