//! Which two trees a command is about.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use runner::Tree;
use snapshot::{CommitId, Heads, RepoPath, Repository, Snapshot, StatCache};

use crate::problem::Problem;
use crate::stats;

/// The trees of a command, and where they were found.
#[derive(Debug)]
pub(crate) struct Trees {
    /// The root: of the git repository, or the directory itself.
    pub(crate) root: PathBuf,
    /// What the command is about.
    pub(crate) head: Tree,
    /// What it is compared with.
    pub(crate) base: Option<Tree>,
    /// What names the head's content: a commit, or nothing for a working tree.
    pub(crate) head_commit: Option<CommitId>,
    /// The commit of the base.
    pub(crate) base_commit: Option<CommitId>,
    /// Where runs are kept: in git's own directory, where no commit can put anything.
    pub(crate) state: PathBuf,
}

/// The root of the repository that `dir` is in; `dir` itself where there is none.
pub(crate) fn root(dir: &Path) -> Result<PathBuf, Problem> {
    root_of(Repository::discover(dir).as_ref(), dir)
}

fn root_of(repository: Option<&Repository>, dir: &Path) -> Result<PathBuf, Problem> {
    let path = repository.map_or(dir, Repository::root).to_owned();
    path.canonicalize().map_err(|source| Problem::File { what: "open", path, source })
}

/// Where the runs of the repository that `dir` is in are kept.
pub(crate) fn runs(dir: &Path) -> Result<PathBuf, Problem> {
    let state = match Repository::discover(dir) {
        Some(repository) => state_of(&repository),
        None => root_of(None, dir)?.join(".stepwell"),
    };
    Ok(state.join("runs"))
}

fn state_of(repository: &Repository) -> PathBuf {
    repository.git_dir().join("stepwell")
}

/// Opens the trees: `head` or the working tree, against `base` or what it most likely is.
pub(crate) fn open(dir: &Path, head: Option<&str>, base: Option<&str>) -> Result<Trees, Problem> {
    Opened::at(dir)?.trees(head, base)
}

/// A repository or a directory that is opened once, and its trees taken as often as somebody asks.
#[derive(Debug)]
pub(crate) struct Opened {
    dir: PathBuf,
    root: PathBuf,
    found: Option<Repository>,
    stats: OnceLock<Option<Arc<StatCache>>>,
    default_base: Mutex<Option<(Heads, Base)>>,
}

/// What a head is compared with, if anything.
type Base = Option<(Tree, CommitId)>;

impl Opened {
    /// Finds what `dir` is in; `dir` itself where there is no repository.
    pub(crate) fn at(dir: &Path) -> Result<Self, Problem> {
        let found = Repository::discover(dir);
        let root = root_of(found.as_ref(), dir)?;
        let (stats, default_base) = (OnceLock::new(), Mutex::default());
        Ok(Self { dir: dir.to_owned(), root, found, stats, default_base })
    }

    /// The trees as they are now: `head` or the working tree, against `base` or what it most likely
    /// is.
    pub(crate) fn trees(&self, head: Option<&str>, base: Option<&str>) -> Result<Trees, Problem> {
        let root = self.root.clone();
        let Some(repository) = &self.found else {
            if let Some(revision) = head.or(base) {
                let (path, revision) = (self.dir.clone(), revision.to_owned());
                return Err(Problem::NotGit { path, revision });
            }
            let (head, state) = (self.working_tree()?, root.join(".stepwell"));
            return Ok(Trees {
                root,
                head,
                base: None,
                head_commit: None,
                base_commit: None,
                state,
            });
        };
        let (head, head_commit) = match head {
            Some(revision) => commit(repository, revision).map(|(tree, id)| (tree, Some(id)))?,
            None => (self.working_tree()?, None),
        };
        let base = match base {
            Some(revision) => Some(commit(repository, revision)?),
            None => self.default_base(repository)?,
        };
        let (base, base_commit) = base.unzip();
        let state = state_of(repository);
        Ok(Trees { root, head, base, head_commit, base_commit, state })
    }

    fn working_tree(&self) -> Result<Tree, Problem> {
        let what = format!("`{}`", self.root.display());
        let stats = self.stats.get_or_init(|| stats::of(&self.root)).clone();
        let snapshot = Snapshot::directory_with(&self.root, stats)
            .map_err(|source| Problem::Open { what, source })?;
        Ok(Tree { snapshot, name: "the working tree".to_owned() })
    }

    /// Found again only where a branch has moved that it hangs on: it takes a walk through history.
    fn default_base(&self, repository: &Repository) -> Result<Base, Problem> {
        let mut known = self.default_base.lock().unwrap_or_else(PoisonError::into_inner);
        let heads = repository.heads();
        if let (Some(heads), Some((then, base))) = (&heads, &*known)
            && heads == then
        {
            return Ok(base.clone());
        }
        let base =
            repository.default_base().map(|id| commit(repository, id.as_str())).transpose()?;
        *known = heads.map(|heads| (heads, base.clone()));
        Ok(base)
    }
}

impl Trees {
    /// What names the head's content. A commit names its own; a working tree must be looked at.
    pub(crate) fn head_id(&self) -> Result<String, Problem> {
        match &self.head_commit {
            Some(id) => Ok(format!("commit {id}")),
            None => {
                let read = |source| Problem::Read { what: self.head.name.clone(), source };
                Ok(format!("tree {}", self.head.snapshot.digest().map_err(read)?))
            }
        }
    }
}

fn commit(repository: &Repository, revision: &str) -> Result<(Tree, CommitId), Problem> {
    let what = format!("the revision `{revision}`");
    let id = repository
        .resolve(revision)
        .map_err(|source| Problem::Open { what: what.clone(), source })?;
    let snapshot =
        repository.snapshot(id.as_str()).map_err(|source| Problem::Open { what, source })?;
    let short: String = id.as_str().chars().take(10).collect();
    let name =
        if id.as_str().starts_with(revision) { short } else { format!("{revision} ({short})") };
    Ok((Tree { snapshot, name }, id))
}

/// The commit that is checked out in the repository that `dir` is in, in hex.
pub(crate) fn commit_of_head(dir: &Path) -> Option<String> {
    Some(Repository::discover(dir)?.head_commit()?.to_string())
}

/// A file of a tree, if it is there.
pub(crate) fn file(tree: &Snapshot, path: &str) -> Option<Vec<u8>> {
    tree.read(&RepoPath::parse(path).ok()?).ok()
}
