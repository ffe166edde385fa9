//! Whether a patch finds room in a tree: no name of it meets another kind of thing, a link on its
//! way, or a file that some systems take for the same.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use crate::{FileChange, ValidPatch, name, valid};

/// What a directory holds under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A submodule, a socket, a device…
    Other,
}

/// How directories are listed: the names in one and what they are, nothing if none is there, or
/// why it cannot be listed. The root is the empty path; no path ends with a slash.
pub type List<'a> = dyn Fn(&str) -> Result<Vec<(String, EntryKind)>, String> + 'a;

/// Why a patch has no room in a tree: every complaint, in the order of the patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TreeConflict {
    // Invariant: never empty.
    complaints: Vec<(String, TreeProblem)>,
}

/// What is wrong with a path in a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeProblem {
    /// Something of the tree that some systems take for it.
    #[error("some systems take `{}`, which is there, for the same name", other.escape_debug())]
    Alike {
        /// The path of what is there.
        other: String,
    },
    /// A file of the patch is a directory of the tree.
    #[error("a directory of this name is there")]
    IsDirectory,
    /// A directory of the patch is no directory of the tree.
    #[error("`{}`, which is there, is {is}, not a directory", other.escape_debug())]
    Blocked {
        /// The path of what is there.
        other: String,
        /// What it is.
        is: EntryKind,
    },
    /// A file of the patch is something else.
    #[error("it is {0}; a patch changes regular files only")]
    NotAFile(EntryKind),
    /// The tree cannot say.
    #[error("its directory cannot be listed: {0}")]
    Unlisted(String),
}

/// Checks every path of a patch against what a tree has: those that it changes, and those that it
/// makes.
///
/// # Errors
///
/// All complaints at once, so that they can be mended at once. A file that is missing, or is there
/// already, is none: [`apply`](crate::apply) says so.
pub fn check_room(patch: &ValidPatch, list: &List<'_>) -> Result<(), TreeConflict> {
    let mut tree = Seen { list, known: BTreeMap::new() };
    let complaints: Vec<_> = patch
        .files()
        .iter()
        .flat_map(FileChange::paths)
        .filter_map(|path| tree.check(path).err().map(|problem| (path.to_owned(), problem)))
        .collect();
    if complaints.is_empty() { Ok(()) } else { Err(TreeConflict { complaints }) }
}

impl TreeConflict {
    /// Each path without room, and why.
    #[must_use]
    pub fn complaints(&self) -> &[(String, TreeProblem)] {
        &self.complaints
    }
}

impl fmt::Display for TreeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        valid::show(f, &self.complaints)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Other => "a submodule or another special entry",
        })
    }
}

/// Names by how a system that makes no difference between some sees them.
type Entries = BTreeMap<String, Vec<(String, EntryKind)>>;

/// The directories that have been listed.
struct Seen<'a> {
    list: &'a List<'a>,
    known: BTreeMap<String, Entries>,
}

impl Seen<'_> {
    fn check(&mut self, path: &str) -> Result<(), TreeProblem> {
        for (at, _) in path.match_indices('/') {
            match self.look(&path[..at])? {
                // Nothing is below what is not there.
                None => return Ok(()),
                Some(EntryKind::Directory) => {}
                Some(is @ (EntryKind::File | EntryKind::Link | EntryKind::Other)) => {
                    return Err(TreeProblem::Blocked { other: path[..at].to_owned(), is });
                }
            }
        }
        match self.look(path)? {
            None | Some(EntryKind::File) => Ok(()),
            Some(EntryKind::Directory) => Err(TreeProblem::IsDirectory),
            Some(is @ (EntryKind::Link | EntryKind::Other)) => Err(TreeProblem::NotAFile(is)),
        }
    }

    /// What is at a path whose directory is there, if nothing else has a name like it.
    fn look(&mut self, path: &str) -> Result<Option<EntryKind>, TreeProblem> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folded = name::fold_wholly(name);
        let alike = self.entries(directory)?.get(&folded).map(Vec::as_slice).unwrap_or_default();
        match alike.iter().find(|(other, _)| other == name) {
            Some((_, kind)) => Ok(Some(*kind)),
            None => match alike.first() {
                None => Ok(None),
                Some((other, _)) if directory.is_empty() => {
                    Err(TreeProblem::Alike { other: other.clone() })
                }
                Some((other, _)) => {
                    Err(TreeProblem::Alike { other: format!("{directory}/{other}") })
                }
            },
        }
    }

    fn entries(&mut self, directory: &str) -> Result<&Entries, TreeProblem> {
        match self.known.entry(directory.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let mut entries = Entries::new();
                for (name, kind) in (self.list)(directory).map_err(TreeProblem::Unlisted)? {
                    entries.entry(name::fold_wholly(&name)).or_default().push((name, kind));
                }
                Ok(unknown.insert(entries))
            }
        }
    }
}
