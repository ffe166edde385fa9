//! What counts whatever the ignore files say: they speak of files that git does not know yet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::index::entry::Mode;
use gix::sec::Trust;
use rustix::fs::Stat;

use super::Stamp;
use crate::RepoPath;

/// An index larger than this is not read: some two million files, eight times what we walk.
const INDEX_BYTES_MAX: u64 = 256 << 20;

/// The files and links of a source that no ignore file leaves out.
#[derive(Debug, Clone)]
pub(crate) enum Tracked {
    /// Whatever is there.
    Everything,
    /// What is in one of these sets. Not all of it has to be there.
    Paths(Vec<Arc<BTreeSet<RepoPath>>>),
}

impl Tracked {
    /// Whether a file or link at `path` counts.
    pub(crate) fn has(&self, path: &RepoPath) -> bool {
        match self {
            Self::Everything => true,
            Self::Paths(sets) => sets.iter().any(|set| set.contains(path)),
        }
    }

    /// The paths below `directory` that count, if they can be told without looking.
    pub(crate) fn below(&self, directory: &RepoPath) -> BTreeSet<RepoPath> {
        match self {
            Self::Everything => BTreeSet::new(),
            Self::Paths(sets) => {
                sets.iter().flat_map(|set| set.range(directory.below())).cloned().collect()
            }
        }
    }

    /// These, and `paths`.
    #[must_use]
    pub(crate) fn and(self, paths: BTreeSet<RepoPath>) -> Self {
        match self {
            Self::Everything => Self::Everything,
            Self::Paths(mut sets) => {
                sets.push(Arc::new(paths));
                Self::Paths(sets)
            }
        }
    }
}

/// Git's index of a directory.
#[derive(Debug, Default)]
pub(super) struct Index {
    repository: Option<gix::Repository>,
    path: PathBuf,
}

impl Index {
    /// The index of the repository whose work tree is `root`, the directory that `stat` is of.
    pub(super) fn of(root: &Path, stat: &Stat) -> Self {
        // As when a commit is read: whose files they are does not matter.
        let options = gix::open::Options::isolated().with(Trust::Full);
        let Ok(repository) = gix::open_opts(root, options) else { return Self::default() };
        let is_here = |work_tree: &Path| {
            rustix::fs::stat(work_tree)
                .is_ok_and(|other| (other.st_dev, other.st_ino) == (stat.st_dev, stat.st_ino))
        };
        if !repository.workdir().is_some_and(is_here) {
            return Self::default();
        }
        let path = repository.index_path();
        Self { repository: Some(repository), path }
    }

    /// What the file system says of it; none where there is none that is read.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.repository.as_ref()?;
        let stamp = Stamp::of(&rustix::fs::stat(&self.path).ok()?);
        (stamp.size <= INDEX_BYTES_MAX).then_some(stamp)
    }

    /// The files and links in it. Empty if it cannot be read.
    pub(super) fn paths(&self) -> BTreeSet<RepoPath> {
        let repository = self.repository.as_ref().filter(|_| self.stamp().is_some());
        let Some(index) = repository.and_then(|repository| repository.open_index().ok()) else {
            return BTreeSet::new();
        };
        // Neither a submodule nor a directory of a sparse checkout is a file.
        let files =
            index.entries().iter().filter(|entry| !matches!(entry.mode, Mode::COMMIT | Mode::DIR));
        let path = |bytes: &[u8]| RepoPath::parse(std::str::from_utf8(bytes).ok()?).ok();
        files.filter_map(|entry| path(entry.path(&index))).collect()
    }
}
