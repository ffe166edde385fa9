//! What counts whatever the ignore files say: they speak of files that git does not know yet.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use gix::index::entry::Mode;
use gix::sec::Trust;
use rustix::fs::Stat;

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

/// The files and links in the index of the repository whose work tree is `root`, the directory
/// that `stat` is of. Empty if there is no such repository, or its index cannot be read.
pub(super) fn read_index(root: &Path, stat: &Stat) -> BTreeSet<RepoPath> {
    // As when a commit is read: whose files they are does not matter.
    let options = gix::open::Options::isolated().with(Trust::Full);
    let Ok(repository) = gix::open_opts(root, options) else { return BTreeSet::new() };
    let is_here = |work_tree: &Path| {
        rustix::fs::stat(work_tree)
            .is_ok_and(|other| (other.st_dev, other.st_ino) == (stat.st_dev, stat.st_ino))
    };
    let size = std::fs::metadata(repository.index_path()).map(|metadata| metadata.len());
    if !repository.workdir().is_some_and(is_here) || size.is_ok_and(|size| size > INDEX_BYTES_MAX) {
        return BTreeSet::new();
    }
    let Ok(index) = repository.open_index() else { return BTreeSet::new() };
    // Neither a submodule nor a directory of a sparse checkout is a file.
    let files =
        index.entries().iter().filter(|entry| !matches!(entry.mode, Mode::COMMIT | Mode::DIR));
    let path = |bytes: &[u8]| RepoPath::parse(std::str::from_utf8(bytes).ok()?).ok();
    files.filter_map(|entry| path(entry.path(&index))).collect()
}
