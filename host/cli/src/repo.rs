//! Which two trees a command is about.

use std::path::{Path, PathBuf};

use runner::Tree;
use snapshot::{CommitId, RepoPath, Repository, Snapshot};

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
    let found = Repository::discover(dir);
    let root = root_of(found.as_ref(), dir)?;
    let Some(repository) = found else {
        if let Some(revision) = head.or(base) {
            let (path, revision) = (dir.to_owned(), revision.to_owned());
            return Err(Problem::NotGit { path, revision });
        }
        let head = working_tree(&root)?;
        let state = root.join(".stepwell");
        return Ok(Trees { root, head, base: None, head_commit: None, base_commit: None, state });
    };
    let (head, head_commit) = match head {
        Some(revision) => commit(&repository, revision)?,
        None => (working_tree(&root)?, None),
    };
    let default = || repository.default_base().map(|id| id.as_str().to_owned());
    let (base, base_commit) = match base.map(str::to_owned).or_else(default) {
        Some(revision) => {
            let (tree, id) = commit(&repository, &revision)?;
            (Some(tree), id)
        }
        None => (None, None),
    };
    let state = state_of(&repository);
    Ok(Trees { root, head, base, head_commit, base_commit, state })
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

fn working_tree(root: &Path) -> Result<Tree, Problem> {
    let what = format!("`{}`", root.display());
    let snapshot = Snapshot::directory_with(root, stats::of(root))
        .map_err(|source| Problem::Open { what, source })?;
    Ok(Tree { snapshot, name: "the working tree".to_owned() })
}

fn commit(repository: &Repository, revision: &str) -> Result<(Tree, Option<CommitId>), Problem> {
    let what = format!("the revision `{revision}`");
    let id = repository
        .resolve(revision)
        .map_err(|source| Problem::Open { what: what.clone(), source })?;
    let snapshot =
        repository.snapshot(id.as_str()).map_err(|source| Problem::Open { what, source })?;
    let short: String = id.as_str().chars().take(10).collect();
    let name =
        if id.as_str().starts_with(revision) { short } else { format!("{revision} ({short})") };
    Ok((Tree { snapshot, name }, Some(id)))
}

/// The commit that is checked out in the repository that `dir` is in, in hex.
pub(crate) fn commit_of_head(dir: &Path) -> Option<String> {
    Some(Repository::discover(dir)?.head_commit()?.to_string())
}

/// A file of a tree, if it is there.
pub(crate) fn file(tree: &Snapshot, path: &str) -> Option<Vec<u8>> {
    tree.read(&RepoPath::parse(path).ok()?).ok()
}
