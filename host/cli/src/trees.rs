//! Trees that a step grants its tools beside the repository: a directory of this machine, by its
//! digest, shown below `.stepwell/trees`.

use std::collections::BTreeMap;
use std::path::Path;

use runner::SHOWN_TREES;
use snapshot::{FileContent, Kind, ReadError, RepoPath, Snapshot};

use crate::problem::Problem;
use crate::step::{Step, Tree};

/// Bytes of all trees of a step: they are held in memory.
const BYTES_MAX: u64 = 64 << 20;

/// Files of all trees of a step.
const FILES_MAX: usize = 20_000;

/// The files of the trees that a step grants, at the paths where its tools see them.
pub(crate) type Shown = BTreeMap<RepoPath, Option<FileContent>>;

/// Reads the trees; a relative path begins at `root`.
pub(crate) fn shown(step: &Step, root: &Path, head: &Snapshot) -> Result<Shown, Problem> {
    let mut shown = Shown::new();
    let mut bytes = 0;
    for (name, tree) in &step.tools.trees {
        let fail = |why: String| Problem::Tree { name: name.clone(), why };
        // What the repository has there would be taken for a part of the tree.
        if !matches!(head.stat(&place(name, "").map_err(fail)?), Err(ReadError::NotFound)) {
            return Err(fail(format!("the repository has something at `{SHOWN_TREES}{name}`")));
        }
        read(name, tree, root, &mut shown, &mut bytes).map_err(fail)?;
    }
    Ok(shown)
}

fn read(
    name: &str,
    tree: &Tree,
    root: &Path,
    shown: &mut Shown,
    bytes: &mut u64,
) -> Result<(), String> {
    let words = |err: &dyn std::error::Error| err.to_string();
    let snapshot = Snapshot::directory(&root.join(&tree.path)).map_err(|err| words(&err))?;
    let mut held = Shown::new();
    for file in snapshot.files().map_err(|err| words(&err))? {
        if file.kind != Kind::File {
            continue;
        }
        *bytes += file.size;
        if *bytes > BYTES_MAX || shown.len() + held.len() >= FILES_MAX {
            return Err(format!("the trees have more than {BYTES_MAX} bytes or {FILES_MAX} files"));
        }
        let content = snapshot.read(&file.path).map_err(|err| words(&err))?;
        held.insert(file.path, Some(FileContent { bytes: content, executable: file.executable }));
    }
    // The digest of what is held, not of what the directory may have become since.
    let digest = snapshot.overlay(held.clone()).digest().map_err(|err| words(&err))?;
    if digest.to_string() != tree.digest {
        return Err(format!("`{}` has the digest {digest}, not {}", tree.path, tree.digest));
    }
    for (path, content) in held {
        shown.insert(place(name, path.as_str())?, content);
    }
    Ok(())
}

/// Where tools see a path of the tree `name`.
fn place(name: &str, path: &str) -> Result<RepoPath, String> {
    let below = if path.is_empty() { name.to_owned() } else { format!("{name}/{path}") };
    RepoPath::parse(&format!("{SHOWN_TREES}{below}")).map_err(|err| err.to_string())
}
