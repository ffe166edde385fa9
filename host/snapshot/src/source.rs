//! Where a tree comes from. A source knows names one at a time; it follows no link and hides
//! nothing: that is done once for all of them, in `resolve` and `walk`.

mod beneath;
mod directory;
mod git;
mod overlay;
mod tracked;

use std::fmt::Debug;
use std::sync::Arc;

use gix::ObjectId;

use crate::walk::{Leaf, Trail};
use crate::{RepoPath, SnapshotError, StatCache};

pub(crate) use beneath::Beneath;
pub(crate) use directory::Directory;
pub(crate) use git::{GitTree, open_repository};
pub(crate) use overlay::Overlay;
pub(crate) use tracked::Tracked;

/// A directory with more names than this is no source code; listing it would hold them all.
const NAMES_MAX: usize = 250_000;

/// The most bytes of all paths that are held at one time: those of 250,000 files, each of more than
/// 250 bytes. A path can be sixteen times as long.
pub(crate) const PATH_BYTES_MAX: usize = 64 << 20;

/// A stored tree. All of its methods take a path as it is: nothing of it is resolved.
pub(crate) trait Source: Debug + Send + Sync {
    /// What stands at `path`.
    fn node(&self, path: &RepoPath) -> Result<Node, SnapshotError>;

    /// What stands in the directory `path`, sorted by name. Names that are no text and things that
    /// are neither file, directory nor link are left out. Empty where there is no directory.
    fn entries(&self, path: &RepoPath) -> Result<Vec<(RepoPath, NodeKind)>, SnapshotError>;

    /// Where the link `path` points; none if that is no text.
    fn target(&self, path: &RepoPath) -> Result<Option<String>, SnapshotError>;

    /// At most `length` bytes of the file `path` from `offset` on; fewer only at its end.
    fn bytes(&self, path: &RepoPath, offset: u64, length: u64) -> Result<Vec<u8>, SnapshotError>;

    /// The file `path` from its beginning, at most `most` bytes of it.
    fn whole(&self, path: &RepoPath, most: u64) -> Result<Read, SnapshotError> {
        Ok(Read { bytes: self.bytes(path, 0, most)?, settled: None })
    }

    /// What stands at each of `paths`; [`Self::node`] for many.
    fn nodes(&self, paths: &[RepoPath]) -> Vec<Result<Node, SnapshotError>> {
        paths.iter().map(|path| self.node(path)).collect()
    }

    /// Whether nothing that it says can ever change.
    fn is_fixed(&self) -> bool;

    /// What is remembered of files by what the file system says of them.
    fn stats(&self) -> Option<&StatCache> {
        None
    }

    /// What a walk of everything came to before, where it would come to the same now.
    fn walked(&self) -> Option<Arc<Vec<Leaf>>> {
        None
    }

    /// Remembers what a walk came to that began at `started`.
    fn note_walk(&self, _started: i128, _trail: Trail, _leaves: &Arc<Vec<Leaf>>) {}

    /// Git's name for the content of the file or link `path`, where it is known without reading.
    fn object_id(&self, path: &RepoPath) -> Result<Option<ObjectId>, SnapshotError>;

    /// What counts whatever the ignore files say.
    fn tracked(&self) -> Tracked;

    /// Seconds since 1970 at which the commit was made that this is, or that is checked out here;
    /// none without one.
    fn commit_time(&self) -> Option<i64>;
}

/// What a file system says of a file or directory that tells one state of it from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified_ns: i128,
    pub(crate) changed_ns: i128,
    pub(crate) mode: u32,
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: Vec<u8>,
    /// What vouches for these bytes for as long as it is what the file system says.
    pub(crate) settled: Option<Stamp>,
}

/// What a directory may hold. A few megabytes of a repository can say much more than that.
#[derive(Debug, Default)]
struct Room {
    names: usize,
    path_bytes: usize,
}

impl Room {
    /// Makes room for one more name, with a path of so many bytes.
    fn take(&mut self, path_bytes: usize) -> Result<(), SnapshotError> {
        self.names += 1;
        self.path_bytes += path_bytes;
        for (what, taken, most) in [
            ("names in one directory", self.names, NAMES_MAX),
            ("bytes of paths", self.path_bytes, PATH_BYTES_MAX),
        ] {
            if taken > most {
                return Err(SnapshotError::TooMany { what, most: most as u64 });
            }
        }
        Ok(())
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// Nothing.
    Absent,
    /// A directory on the way is a link: the resolver has to walk.
    BehindLink,
    /// A regular file.
    File { size: u64, executable: bool, stamp: Option<Stamp> },
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a socket, a device.
    Special,
}

impl Node {
    /// What a list would say of it.
    pub(crate) fn kind(self) -> Option<NodeKind> {
        match self {
            Self::File { .. } => Some(NodeKind::File),
            Self::Directory => Some(NodeKind::Directory),
            Self::Link => Some(NodeKind::Link),
            Self::Absent | Self::BehindLink | Self::Special => None,
        }
    }
}

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    File,
    Directory,
    Link,
}

/// How much of a file is held at a time where it is only passed on.
const CHUNK_BYTES: u64 = 4 << 20;

/// Passes the whole file to `take`, a chunk at a time.
pub(crate) fn for_each_chunk<E: From<SnapshotError>>(
    source: &dyn Source,
    path: &RepoPath,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut offset = 0;
    loop {
        let chunk = source.bytes(path, offset, CHUNK_BYTES)?;
        let length = chunk.len() as u64;
        take(&chunk)?;
        offset += length;
        if length < CHUNK_BYTES {
            return Ok(offset);
        }
    }
}
