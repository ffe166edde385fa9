//! The few facts of a git repository that a step needs: where it is, what its commits are called,
//! and with which of them the head is best compared.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::{GitTree, open_repository};
use crate::{OpenError, Snapshot};

/// A git repository. Only read, and only by its own configuration.
#[derive(Debug)]
pub struct Repository {
    repository: gix::ThreadSafeRepository,
    root: PathBuf,
}

/// The name of a commit: lower-case hex, in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommitId(String);

/// What [`Repository::default_base`] hangs on: the commits that the head and its likely targets name.
/// While they are the same, so is the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads(Vec<Option<gix::ObjectId>>);

/// Where a pull request most likely goes, the surest first. In full: a short name is looked for in five
/// places, and may be something else's in one of them.
const TARGETS: [&str; 3] =
    ["refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"];

impl Repository {
    /// The repository that `path` is in, if there is one that can be opened and has a work tree.
    pub fn discover(path: &Path) -> Option<Self> {
        let repository = open_repository(path).ok()?;
        let root = repository.work_dir()?.to_owned();
        Some(Self { repository, root })
    }

    /// The directory of its work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory where git keeps what no commit can bring: state of our own is safe there.
    pub fn git_dir(&self) -> PathBuf {
        self.repository.to_thread_local().git_dir().to_owned()
    }

    /// The commit that `revision` names; any spelling git knows.
    ///
    /// # Errors
    ///
    /// When it names none, or one that a shallow clone has left out.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, OpenError> {
        let repository = self.repository.to_thread_local();
        let id = repository.rev_parse_single(revision);
        let commit = id.and_then(|id| id.object()).and_then(|object| object.peel_to_commit());
        match commit {
            Ok(commit) => Ok(CommitId(commit.id.to_string())),
            Err(err) => Err(OpenError::Revision {
                revision: revision.chars().take(200).collect(),
                reason: err.to_string(),
            }),
        }
    }

    /// The tree of a revision; [`Snapshot::git`] without opening the repository again.
    ///
    /// # Errors
    ///
    /// When the revision names no commit of it.
    pub fn snapshot(&self, revision: &str) -> Result<Snapshot, OpenError> {
        Ok(Snapshot::of(Arc::new(GitTree::of(self.repository.clone(), revision)?)))
    }

    /// The commit that is checked out; `None` before the first one.
    pub fn head_commit(&self) -> Option<CommitId> {
        self.resolve("HEAD").ok()
    }

    /// The best common ancestor of two revisions; `None` if there is none, or a shallow clone does
    /// not reach it.
    pub fn merge_base(&self, one: &str, other: &str) -> Option<CommitId> {
        let repository = self.repository.to_thread_local();
        let commit = |revision: &str| {
            let object = repository.rev_parse_single(revision).ok()?.object().ok()?;
            Some(object.peel_to_commit().ok()?.id)
        };
        let base = repository.merge_base(commit(one)?, commit(other)?).ok()??;
        Some(CommitId(base.to_string()))
    }

    /// Where the remote `origin` is, as configured; it may hold credentials.
    pub fn origin_url(&self) -> Option<String> {
        let repository = self.repository.to_thread_local();
        let url = repository.config_snapshot().string("remote.origin.url")?;
        String::from_utf8(url.into()).ok()
    }

    /// What the default base hangs on, in much less time than it takes to find that; `None` where it
    /// hangs on more: the history of a shallow clone can grow and no branch move.
    pub fn heads(&self) -> Option<Heads> {
        let repository = self.repository.to_thread_local();
        let names = ["HEAD"].into_iter().chain(TARGETS);
        // Branches name commits, so nothing is looked up to see what it is.
        let commit = |name| {
            let mut reference = repository.try_find_reference(name).ok()??;
            Some(reference.follow_to_object().ok()?.detach())
        };
        let is_whole = matches!(repository.is_shallow(), Ok(false));
        is_whole.then(|| Heads(names.map(commit).collect()))
    }

    /// The commit to compare the head with when nobody said which: where it left the branch it
    /// most likely goes to, else its first parent, else none.
    pub fn default_base(&self) -> Option<CommitId> {
        let head = self.head_commit()?;
        let left = TARGETS.iter().find_map(|target| self.merge_base("HEAD", target));
        match left.filter(|base| *base != head) {
            Some(base) => Some(base),
            None => self.resolve("HEAD~1").ok(),
        }
    }
}

impl CommitId {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
