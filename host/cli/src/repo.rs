//! Which two trees a command is about.

use std::path::{Path, PathBuf};

use runner::Tree;
use snapshot::{RepoPath, Repository, Snapshot};

use crate::problem::Problem;

/// The trees of a command, and where they were found.
#[derive(Debug)]
pub(crate) struct Trees {
    /// The root: of the git repository, or the directory itself.
    pub(crate) root: PathBuf,
    /// What the command is about.
    pub(crate) head: Tree,
    /// What it is compared with.
    pub(crate) base: Option<Tree>,
}

/// The root of the repository that `dir` is in; `dir` itself where there is none.
pub(crate) fn root(dir: &Path) -> Result<PathBuf, Problem> {
    let found = Repository::discover(dir).map(|repository| repository.root().to_owned());
    let path = found.unwrap_or_else(|| dir.to_owned());
    path.canonicalize().map_err(|source| Problem::File { what: "open", path, source })
}

/// Opens the trees: `head` or the working tree, against `base` or what it most likely is.
pub(crate) fn open(dir: &Path, head: Option<&str>, base: Option<&str>) -> Result<Trees, Problem> {
    let root = root(dir)?;
    let Some(repository) = Repository::discover(dir) else {
        if let Some(revision) = head.or(base) {
            let (path, revision) = (dir.to_owned(), revision.to_owned());
            return Err(Problem::NotGit { path, revision });
        }
        let head = Tree { snapshot: directory(&root)?, name: "the working tree".to_owned() };
        return Ok(Trees { root, head, base: None });
    };
    let head = match head {
        Some(revision) => commit(&repository, &root, revision)?,
        None => Tree { snapshot: directory(&root)?, name: "the working tree".to_owned() },
    };
    let base = match base {
        Some(revision) => Some(commit(&repository, &root, revision)?),
        None => match repository.default_base() {
            Some(id) => Some(commit(&repository, &root, id.as_str())?),
            None => None,
        },
    };
    Ok(Trees { root, head, base })
}

fn directory(root: &Path) -> Result<Snapshot, Problem> {
    let what = format!("`{}`", root.display());
    Snapshot::directory(root).map_err(|source| Problem::Open { what, source })
}

fn commit(repository: &Repository, root: &Path, revision: &str) -> Result<Tree, Problem> {
    let what = format!("the revision `{revision}`");
    let id = repository
        .resolve(revision)
        .map_err(|source| Problem::Open { what: what.clone(), source })?;
    let snapshot =
        Snapshot::git(root, id.as_str()).map_err(|source| Problem::Open { what, source })?;
    let short: String = id.as_str().chars().take(10).collect();
    let name =
        if id.as_str().starts_with(revision) { short } else { format!("{revision} ({short})") };
    Ok(Tree { snapshot, name })
}

/// A file of a tree, if it is there.
pub(crate) fn file(tree: &Snapshot, path: &str) -> Option<Vec<u8>> {
    tree.read(&RepoPath::parse(path).ok()?).ok()
}
