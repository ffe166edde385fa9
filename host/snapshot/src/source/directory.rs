//! A directory of the machine as a source.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use gix::ObjectId;
use rustix::fs::{Dir, FileType, Stat};
use rustix::io::Errno;

use super::git::{commit_time, open_repository};
use super::tracked::read_index;
use super::{Beneath, Node, NodeKind, Room, Source, Tracked};
use crate::{RepoPath, SnapshotError};

/// Names are opened one by one beneath the root; nothing but the index is kept between two
/// questions.
#[derive(Debug)]
pub(crate) struct Directory {
    beneath: Beneath,
    /// Only to find the repository.
    root: PathBuf,
    /// What git tracks, read when it is first asked for.
    tracked: OnceLock<Arc<BTreeSet<RepoPath>>>,
}

impl Directory {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let beneath = Beneath::open(root)?;
        Ok(Self { beneath, root: root.to_owned(), tracked: OnceLock::new() })
    }

    fn kind(&self, path: &RepoPath, file_type: FileType) -> Result<Option<NodeKind>, Errno> {
        let mut file_type = file_type;
        if file_type == FileType::Unknown {
            // Some file systems do not say.
            file_type = match self.beneath.stat(path) {
                Err(Errno::NOENT) => return Ok(None),
                stat => FileType::from_raw_mode(stat?.st_mode),
            };
        }
        Ok(match file_type {
            FileType::RegularFile => Some(NodeKind::File),
            FileType::Directory => Some(NodeKind::Directory),
            FileType::Symlink => Some(NodeKind::Link),
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => None,
        })
    }
}

impl Source for Directory {
    fn node(&self, path: &RepoPath) -> Result<Node, SnapshotError> {
        match self.beneath.stat(path) {
            Ok(stat) => Ok(Node::of(&stat)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(Node::Absent),
            Err(Errno::LOOP) => Ok(Node::BehindLink),
            Err(errno) => Err(unreadable(path, errno)),
        }
    }

    fn entries(&self, path: &RepoPath) -> Result<Vec<(RepoPath, NodeKind)>, SnapshotError> {
        let directory = match self.beneath.directory(path) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Vec::new()),
            Err(errno) => return Err(unreadable(path, errno)),
        };
        let (mut entries, mut room) = (Vec::new(), Room::default());
        for entry in Dir::new(directory).map_err(|errno| unreadable(path, errno))? {
            let entry = entry.map_err(|errno| unreadable(path, errno))?;
            // `.`, `..` and what is no text are no names to `join`.
            let name = entry.file_name().to_str().ok().and_then(|name| path.join(name));
            let Some(at) = name else { continue };
            room.take(at.as_str().len())?;
            let kind = self.kind(&at, entry.file_type()).map_err(|errno| unreadable(&at, errno))?;
            entries.extend(kind.map(|kind| (at, kind)));
        }
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn target(&self, path: &RepoPath) -> Result<Option<String>, SnapshotError> {
        match self.beneath.target(path) {
            Ok(target) => Ok(String::from_utf8(target).ok()),
            // It was a link a moment ago.
            Err(Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(errno) => Err(unreadable(path, errno)),
        }
    }

    fn bytes(&self, path: &RepoPath, offset: u64, length: u64) -> Result<Vec<u8>, SnapshotError> {
        let file = self.beneath.file(path).map_err(|errno| unreadable(path, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| unreadable(path, errno))?;
        let Node::File { size, .. } = Node::of(&stat) else {
            return Err(SnapshotError::unreadable(path, "it stopped being a file"));
        };
        let expected = size.saturating_sub(offset).min(length);
        // One more, so that the end is seen without growing.
        let capacity = usize::try_from(expected + 1).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(capacity);
        read_at(&file, offset, length, &mut bytes)
            .map_err(|err| SnapshotError::unreadable(path, err))?;
        Ok(bytes)
    }

    fn object_id(&self, _: &RepoPath) -> Result<Option<ObjectId>, SnapshotError> {
        Ok(None)
    }

    fn commit_time(&self) -> Option<i64> {
        let repository = open_repository(&self.root).ok()?;
        commit_time(&repository.to_thread_local(), "HEAD")
    }

    fn tracked(&self) -> Tracked {
        let read = || match self.beneath.stat(&RepoPath::root()) {
            Ok(stat) => Arc::new(read_index(&self.root, &stat)),
            Err(_) => Arc::default(),
        };
        Tracked::Paths(vec![Arc::clone(self.tracked.get_or_init(read))])
    }
}

impl Node {
    fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File {
                size: u64::try_from(stat.st_size).unwrap_or(0),
                executable: stat.st_mode & 0o100 != 0,
            },
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Self::Special,
        }
    }
}

/// Reads until `length` bytes are there or the file ends, whatever size it claims to have.
fn read_at(file: &std::fs::File, offset: u64, length: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    while bytes.len() < length {
        let done = bytes.len();
        let room = (bytes.capacity() - done).max(4096).min(length - done);
        bytes.resize(done + room, 0);
        let read = file.read_at(&mut bytes[done..], offset.saturating_add(done as u64));
        bytes.truncate(done + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(())
}

fn unreadable(path: &RepoPath, errno: Errno) -> SnapshotError {
    SnapshotError::unreadable(path, io::Error::from(errno))
}
