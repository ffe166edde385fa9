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
use super::tracked::Index;
use super::{Beneath, Node, NodeKind, Read, Room, Source, Stamp, Tracked};
use crate::stats::Walked;
use crate::walk::{Leaf, Trail};
use crate::{RepoPath, SnapshotError, StatCache};

/// Names are opened one by one beneath the root; nothing but the index is kept between two
/// questions.
#[derive(Debug)]
pub(crate) struct Directory {
    beneath: Beneath,
    /// Only to find the repository.
    root: PathBuf,
    /// What git tracks, read when it is first asked for.
    tracked: OnceLock<TrackedPaths>,
    /// None where the file system is not known to keep its times.
    vouched: Option<Vouched>,
}

/// What is remembered by what the file system says, and the one device for which it counts.
#[derive(Debug)]
struct Vouched {
    stats: Arc<StatCache>,
    device: u64,
}

/// What is in the index.
#[derive(Debug)]
struct TrackedPaths {
    paths: Arc<BTreeSet<RepoPath>>,
    /// What vouches for that.
    index: Vouch,
}

/// Whether something is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vouch {
    /// It is, while it bears this stamp; while it is absent, where there is none.
    While(Option<Stamp>),
    Nobody,
}

impl Directory {
    pub(crate) fn open(root: &Path, stats: Option<Arc<StatCache>>) -> io::Result<Self> {
        let beneath = Beneath::open(root)?;
        let vouched = match stats.filter(|_| beneath.keeps_times()) {
            Some(stats) => {
                let device = Stamp::of(&beneath.stat(&RepoPath::root())?).device;
                Some(Vouched { stats, device })
            }
            None => None,
        };
        Ok(Self { beneath, root: root.to_owned(), tracked: OnceLock::new(), vouched })
    }

    /// What stands at a path, by what the system says.
    fn seen(&self, path: &RepoPath, stat: Result<Stat, Errno>) -> Result<Node, SnapshotError> {
        match stat {
            Ok(stat) => Ok(self.known(Node::of(&stat))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(Node::Absent),
            Err(Errno::LOOP) => Ok(Node::BehindLink),
            Err(errno) => Err(unreadable(path, errno)),
        }
    }

    /// A stamp counts only where it is vouched for.
    fn known(&self, node: Node) -> Node {
        let Node::File { size, executable, stamp } = node else { return node };
        let device = self.vouched.as_ref().map(|vouched| vouched.device);
        let stamp = stamp.filter(|stamp| Some(stamp.device) == device);
        Node::File { size, executable, stamp }
    }

    fn index(&self) -> Option<Index> {
        let stat = self.beneath.stat(&RepoPath::root()).ok()?;
        Some(Index::of(&self.root, &stat))
    }

    fn tracked_paths(&self) -> &TrackedPaths {
        self.tracked.get_or_init(|| {
            let started = self.vouched.as_ref().map(|vouched| vouched.stats.now());
            let nothing = || TrackedPaths { paths: Arc::default(), index: Vouch::Nobody };
            let Some(index) = self.index() else { return nothing() };
            let before = index.stamp();
            let paths = Arc::new(index.paths());
            let settled = |started| {
                before == index.stamp()
                    && before.is_none_or(|stamp| StatCache::is_settled(&stamp, started))
            };
            let vouch = started.filter(|started| settled(*started));
            TrackedPaths { paths, index: vouch.map_or(Vouch::Nobody, |_| Vouch::While(before)) }
        })
    }

    /// What bears a stamp at `path` now.
    fn stamps(&self, paths: impl Iterator<Item = RepoPath>) -> Option<Vec<(RepoPath, Stamp)>> {
        let device = self.vouched.as_ref()?.device;
        let mut near = self.beneath.near();
        let stamp = |path: RepoPath| {
            let stamp = Stamp::of(&near.stat(&path).ok()?);
            (stamp.device == device).then_some((path, stamp))
        };
        paths.map(stamp).collect()
    }

    fn open_file(&self, path: &RepoPath) -> Result<(std::fs::File, Stat), SnapshotError> {
        let file = self.beneath.file(path).map_err(|errno| unreadable(path, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| unreadable(path, errno))?;
        Ok((file, stat))
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
        self.seen(path, self.beneath.stat(path))
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
        let (file, stat) = self.open_file(path)?;
        read_file(&file, path, &stat, offset, length)
    }

    fn whole(&self, path: &RepoPath, most: u64) -> Result<Read, SnapshotError> {
        let started = self.vouched.as_ref().map(|vouched| vouched.stats.now());
        let (file, before) = self.open_file(path)?;
        let bytes = read_file(&file, path, &before, 0, most)?;
        let settled = self.vouched.as_ref().zip(started).and_then(|(vouched, started)| {
            let after = Stamp::of(&rustix::fs::fstat(&file).ok()?);
            let is_same = after == Stamp::of(&before) && after.size == bytes.len() as u64;
            let settled = StatCache::is_settled(&after, started);
            (is_same && settled && after.device == vouched.device).then_some(after)
        });
        Ok(Read { bytes, settled })
    }

    fn nodes(&self, paths: &[RepoPath]) -> Vec<Result<Node, SnapshotError>> {
        let mut near = self.beneath.near();
        let node = |path: &RepoPath| self.seen(path, near.stat(path));
        paths.iter().map(node).collect()
    }

    fn is_fixed(&self) -> bool {
        false
    }

    fn stats(&self) -> Option<&StatCache> {
        self.vouched.as_ref().map(|vouched| &*vouched.stats)
    }

    fn walked(&self) -> Option<Arc<Vec<Leaf>>> {
        let walked = self.stats()?.walked()?;
        let mut near = self.beneath.near();
        let mut is_same = |(path, before): &(RepoPath, Stamp)| {
            near.stat(path).is_ok_and(|now| Stamp::of(&now) == *before)
        };
        if !walked.directories.iter().all(&mut is_same) || !walked.rules.iter().all(is_same) {
            return None;
        }
        let is_there = |(path, kind): &(RepoPath, Option<NodeKind>)| {
            self.node(path).is_ok_and(|node| node.kind() == *kind)
        };
        let is_same =
            walked.looked_up.iter().all(is_there) && self.index()?.stamp() == walked.index;
        is_same.then(|| Arc::clone(&walked.leaves))
    }

    fn note_walk(&self, started: i128, trail: Trail, leaves: &Arc<Vec<Leaf>>) {
        let Trail { mut directories, mut rules, looked_up } = trail;
        let (Some(stats), Vouch::While(index)) = (self.stats(), self.tracked_paths().index) else {
            return;
        };
        // Neighbours side by side: they are looked at through one directory.
        for paths in [&mut directories, &mut rules] {
            paths.sort_by_cached_key(|path| (path.parent(), path.clone()));
        }
        let directories = self.stamps(directories.into_iter());
        let Some((directories, rules)) = directories.zip(self.stamps(rules.into_iter())) else {
            return;
        };
        // What was left alone since before the walk was walked as it is now.
        let is_settled = |(_, stamp): &(_, Stamp)| StatCache::is_settled(stamp, started);
        if directories.iter().all(is_settled) && rules.iter().all(is_settled) {
            let leaves = Arc::clone(leaves);
            stats.note_walk(Walked { directories, rules, looked_up, index, leaves });
        }
    }

    fn object_id(&self, _: &RepoPath) -> Result<Option<ObjectId>, SnapshotError> {
        Ok(None)
    }

    fn commit_time(&self) -> Option<i64> {
        let repository = open_repository(&self.root).ok()?;
        commit_time(&repository.to_thread_local(), "HEAD")
    }

    fn tracked(&self) -> Tracked {
        Tracked::Paths(vec![Arc::clone(&self.tracked_paths().paths)])
    }
}

impl Node {
    fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File {
                size: u64::try_from(stat.st_size).unwrap_or(0),
                executable: stat.st_mode & 0o100 != 0,
                stamp: Some(Stamp::of(stat)),
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

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        fn ns(seconds: impl Into<i128>, ns: impl Into<i128>) -> i128 {
            seconds.into() * 1_000_000_000 + ns.into()
        }
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
            changed_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
            mode: stat.st_mode,
        }
    }
}

/// Reads at most `length` bytes of an open file of which `stat` was just said.
fn read_file(
    file: &std::fs::File,
    path: &RepoPath,
    stat: &Stat,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, SnapshotError> {
    let Node::File { size, .. } = Node::of(stat) else {
        return Err(SnapshotError::unreadable(path, "it stopped being a file"));
    };
    let expected = size.saturating_sub(offset).min(length);
    // One more, so that the end is seen without growing.
    let capacity = usize::try_from(expected + 1).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(capacity);
    read_at(file, offset, length, &mut bytes)
        .map_err(|err| SnapshotError::unreadable(path, err))?;
    Ok(bytes)
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
