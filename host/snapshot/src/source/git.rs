//! A commit's tree as a source, read from the object database: nothing is checked out, no filter
//! and no hook runs, and no configuration but the repository's own is read.
//!
//! A submodule is absent: its commit is in another repository. A pointer of LFS is the pointer.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::discover::upwards::{Options as DiscoverOptions, TrustPolicy};
use gix::objs::tree::EntryKind;
use gix::objs::{Kind, TreeRefIter};
use gix::sec::Trust;
use gix::sec::trust::Mapping;

use super::{Node, NodeKind, Room, Source, Tracked};
use crate::{OpenError, RepoPath, SnapshotError};

/// An object is held whole while it is read; forges take no file this large.
const OBJECT_BYTES_MAX: u64 = 512 << 20;

/// Blobs from this size on are kept for the next range of them: inflating costs more than memory.
const KEEP_BYTES_MIN: u64 = 1 << 20;

/// Bytes of directories remembered, about; twice what the largest public repository has.
const TREES_BYTES_MAX: usize = 128 << 20;

/// What a remembered name costs beside its bytes.
const NAME_BYTES: usize = 64;

/// The tree of a commit.
pub(crate) struct GitTree {
    repository: gix::ThreadSafeRepository,
    root: ObjectId,
    /// Of the commit; a revision may be a tree.
    time: Option<i64>,
    /// Handles that no thread uses now. There are as many as threads have asked at once.
    idle: Mutex<Vec<gix::Repository>>,
    trees: Mutex<Trees>,
    /// The large blob that was read last.
    kept: Mutex<Option<(ObjectId, Arc<Vec<u8>>)>>,
}

/// Directories that were read, and about how many bytes they take.
#[derive(Debug, Default)]
struct Trees {
    known: HashMap<ObjectId, Arc<[TreeEntry]>>,
    bytes: usize,
}

#[derive(Debug)]
struct TreeEntry {
    name: String,
    what: What,
    id: ObjectId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    File { executable: bool },
    Directory,
    Link,
}

/// Where a path leads when no link is followed.
enum Found {
    Nothing,
    BehindLink,
    Here(What, ObjectId),
}

/// Opens the repository that `path` is in, reading its own configuration only.
///
/// Whose files they are does not matter here: nothing the configuration names is ever run, and in
/// a CI container the files are often another user's.
pub(crate) fn open_repository(path: &Path) -> Result<gix::ThreadSafeRepository, OpenError> {
    let discover =
        DiscoverOptions { trust: TrustPolicy::Assume(Trust::Full), ..DiscoverOptions::default() };
    let open = gix::open::Options::isolated;
    let options = Mapping { full: open(), reduced: open() };
    gix::ThreadSafeRepository::discover_opts(path, discover, options)
        .map_err(|err| OpenError::Repository { path: path.to_owned(), reason: err.to_string() })
}

/// The tree that `revision` leads to.
fn peel_to_tree(repository: &gix::Repository, revision: &str) -> Result<ObjectId, OpenError> {
    let bad = |err: gix::Error| OpenError::Revision {
        revision: revision.chars().take(200).collect(),
        reason: err.to_string(),
    };
    let id = repository.rev_parse_single(revision).map_err(bad)?;
    let tree = id.object().and_then(|object| object.peel_to_tree()).map_err(bad)?;
    Ok(tree.id)
}

/// When the commit that `revision` names was made.
pub(crate) fn commit_time(repository: &gix::Repository, revision: &str) -> Option<i64> {
    let object = repository.rev_parse_single(revision).ok()?.object().ok()?;
    Some(object.peel_to_commit().ok()?.time().ok()?.seconds)
}

impl GitTree {
    pub(crate) fn open(path: &Path, revision: &str) -> Result<Self, OpenError> {
        Self::of(open_repository(path)?, revision)
    }

    pub(crate) fn of(
        repository: gix::ThreadSafeRepository,
        revision: &str,
    ) -> Result<Self, OpenError> {
        let local = repository.to_thread_local();
        let root = peel_to_tree(&local, revision)?;
        let time = commit_time(&local, revision);
        Ok(Self {
            repository,
            root,
            time,
            idle: Mutex::new(vec![local]),
            trees: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    fn find(&self, path: &RepoPath) -> Result<Found, SnapshotError> {
        let mut here = (What::Directory, self.root);
        for name in path.names() {
            match here.0 {
                What::Link => return Ok(Found::BehindLink),
                What::File { .. } => return Ok(Found::Nothing),
                What::Directory => {}
            }
            let tree = self.tree(path, here.1)?;
            let Ok(at) = tree.binary_search_by(|entry| entry.name.as_str().cmp(name)) else {
                return Ok(Found::Nothing);
            };
            here = (tree[at].what, tree[at].id);
        }
        Ok(Found::Here(here.0, here.1))
    }

    /// The names in a tree object, sorted by their bytes.
    fn tree(&self, path: &RepoPath, id: ObjectId) -> Result<Arc<[TreeEntry]>, SnapshotError> {
        if let Some(tree) = lock(&self.trees).known.get(&id) {
            return Ok(Arc::clone(tree));
        }
        let data = self.object(path, id)?;
        let (mut entries, mut room) = (Vec::new(), Room::default());
        for entry in TreeRefIter::from_bytes(&data, id.kind()) {
            let entry = entry.map_err(|err| SnapshotError::unreadable(path, err))?;
            // Names that no checkout could have are nobody's files.
            let Ok(name) = std::str::from_utf8(entry.filename) else { continue };
            if RepoPath::root().join(name).is_none() {
                continue;
            }
            let what = match entry.mode.kind() {
                EntryKind::Blob => What::File { executable: false },
                EntryKind::BlobExecutable => What::File { executable: true },
                EntryKind::Tree => What::Directory,
                EntryKind::Link => What::Link,
                EntryKind::Commit => continue,
            };
            room.take(name.len())?;
            entries.push(TreeEntry { name: name.to_owned(), what, id: entry.oid.to_owned() });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        // A forged tree may have a name twice; the first one stands.
        entries.dedup_by(|b, a| a.name == b.name);
        let tree: Arc<[TreeEntry]> = entries.into();
        lock(&self.trees).keep(id, &tree);
        Ok(tree)
    }

    /// What an object is, and its bytes. An entry may say anything of the object that it names.
    fn header(&self, path: &RepoPath, id: ObjectId) -> Result<(Kind, u64), SnapshotError> {
        self.with(|repository| repository.find_header(id))
            .map(|header| (header.kind(), header.size()))
            .map_err(|err| SnapshotError::unreadable(path, err))
    }

    /// The bytes of an object, if it may be held.
    fn object(&self, path: &RepoPath, id: ObjectId) -> Result<Vec<u8>, SnapshotError> {
        let (_, bytes) = self.header(path, id)?;
        if bytes > OBJECT_BYTES_MAX {
            return Err(SnapshotError::TooLarge { path: path.clone(), bytes });
        }
        self.with(|repository| repository.find_object(id).map(|object| object.detach().data))
            .map_err(|err| SnapshotError::unreadable(path, err))
    }

    /// The bytes of the file `path`, kept if it is large.
    fn blob(&self, path: &RepoPath, id: ObjectId) -> Result<Arc<Vec<u8>>, SnapshotError> {
        if let Some((kept, bytes)) = &*lock(&self.kept)
            && *kept == id
        {
            return Ok(Arc::clone(bytes));
        }
        let bytes = Arc::new(self.object(path, id)?);
        if bytes.len() as u64 >= KEEP_BYTES_MIN {
            *lock(&self.kept) = Some((id, Arc::clone(&bytes)));
        }
        Ok(bytes)
    }

    fn with<T>(&self, act: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = lock(&self.idle).pop();
        let repository = idle.unwrap_or_else(|| self.repository.to_thread_local());
        let done = act(&repository);
        lock(&self.idle).push(repository);
        done
    }
}

impl Trees {
    /// Remembers a directory; all others are forgotten when there is no room.
    fn keep(&mut self, id: ObjectId, tree: &Arc<[TreeEntry]>) {
        let bytes = tree.iter().map(|entry| entry.name.len() + NAME_BYTES).sum::<usize>();
        if self.bytes + bytes > TREES_BYTES_MAX {
            *self = Self::default();
        }
        if bytes <= TREES_BYTES_MAX && self.known.insert(id, Arc::clone(tree)).is_none() {
            self.bytes += bytes;
        }
    }
}

impl fmt::Debug for GitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitTree({})", self.root)
    }
}

impl Source for GitTree {
    fn node(&self, path: &RepoPath) -> Result<Node, SnapshotError> {
        Ok(match self.find(path)? {
            Found::Nothing => Node::Absent,
            Found::BehindLink => Node::BehindLink,
            Found::Here(What::Directory, _) => Node::Directory,
            Found::Here(What::Link, _) => Node::Link,
            Found::Here(What::File { executable }, id) => match self.header(path, id)? {
                (Kind::Blob, size) => Node::File { size, executable, stamp: None },
                (Kind::Tree | Kind::Commit | Kind::Tag, _) => Node::Special,
            },
        })
    }

    fn entries(&self, path: &RepoPath) -> Result<Vec<(RepoPath, NodeKind)>, SnapshotError> {
        let Found::Here(What::Directory, id) = self.find(path)? else { return Ok(Vec::new()) };
        let tree = self.tree(path, id)?;
        let (mut entries, mut room) = (Vec::new(), Room::default());
        for TreeEntry { name, what, .. } in tree.iter() {
            let Some(at) = path.join(name) else { continue };
            room.take(at.as_str().len())?;
            entries.push((at, (*what).into()));
        }
        Ok(entries)
    }

    fn target(&self, path: &RepoPath) -> Result<Option<String>, SnapshotError> {
        match self.find(path)? {
            Found::Here(What::Link, id) => {
                let (kind, bytes) = self.header(path, id)?;
                // No checkout could have a longer one.
                if kind != Kind::Blob || bytes > RepoPath::BYTES_MAX as u64 {
                    return Ok(None);
                }
                let target = self.object(path, id)?;
                Ok(String::from_utf8(target).ok())
            }
            Found::Nothing | Found::BehindLink | Found::Here(..) => Ok(None),
        }
    }

    fn bytes(&self, path: &RepoPath, offset: u64, length: u64) -> Result<Vec<u8>, SnapshotError> {
        let Found::Here(What::File { .. }, id) = self.find(path)? else {
            return Err(SnapshotError::unreadable(path, "it is not a file"));
        };
        let blob = self.blob(path, id)?;
        let size = blob.len() as u64;
        if offset == 0 && length >= size {
            return Ok(Arc::unwrap_or_clone(blob));
        }
        let start = usize::try_from(offset.min(size)).expect("the size of a blob in memory");
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(blob.len() - start);
        Ok(blob[start..start + length].to_vec())
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn object_id(&self, path: &RepoPath) -> Result<Option<ObjectId>, SnapshotError> {
        Ok(match self.find(path)? {
            Found::Here(What::File { .. } | What::Link, id) => Some(id),
            Found::Nothing | Found::BehindLink | Found::Here(What::Directory, _) => None,
        })
    }

    fn commit_time(&self) -> Option<i64> {
        self.time
    }

    fn tracked(&self) -> Tracked {
        Tracked::Everything
    }
}

impl From<What> for NodeKind {
    fn from(what: What) -> Self {
        match what {
            What::File { .. } => Self::File,
            What::Directory => Self::Directory,
            What::Link => Self::Link,
        }
    }
}

/// What is behind these locks is only ever complete: a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
