//! To the working tree: all of a patch or nothing, however often the process dies on the way.
//!
//! What will be written is kept beside git first. A process that was cut off is finished by the
//! next one from there, each file by one rename.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use snapshot::{Digest, FileContent, RepoPath, Snapshot, SnapshotError};

use crate::hold::Cleared;

/// What was applied that is remembered, to tell who applies it again.
const REMEMBERED_MAX: usize = 16;
/// The largest intent that is read back.
const INTENT_BYTES_MAX: u64 = 64 << 20;
const INTENT: &str = "intent.json";
const DONE: &str = "done.json";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The files of the patch.
    Now(Vec<RepoPath>),
    /// Nothing: it stands there already.
    Before(Vec<RepoPath>),
}

/// Why the working tree is as it was, or what an apply that was cut off needs.
#[derive(Debug, thiserror::Error)]
pub enum WorktreeError {
    /// A file of the tree cannot be written.
    #[error("cannot write the working tree: {0}")]
    Tree(#[from] SnapshotError),
    /// A file of ours cannot be used.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An apply was cut off, and somebody changed a file since.
    #[error(
        "an apply of patch {patch} was cut off, and `{path}` is neither as before nor as after it; \
         bring it back to either, or remove `{}`", place.display()
    )]
    Torn {
        /// The patch's digest.
        patch: String,
        /// The file, escaped.
        path: String,
        /// What is kept of the apply.
        place: PathBuf,
    },
}

/// What an apply is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Intent {
    patch: String,
    files: BTreeMap<RepoPath, Change>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Change {
    before: Option<Digest>,
    after: Option<Digest>,
    executable: bool,
}

/// Writes a cleared delivery into the working tree `root`. `state` is a directory that no commit
/// can bring.
///
/// # Errors
/// When something cannot be written. What was begun is finished by the next call, or by
/// [`finish`].
pub fn to_working_tree(
    cleared: &Cleared,
    root: &Path,
    state: &Path,
) -> Result<Written, WorktreeError> {
    let paths: Vec<RepoPath> = cleared.files.keys().cloned().collect();
    let place = place(state, &cleared.delivery.patch_digest);
    let changes = cleared.files.iter().map(|(path, content)| {
        let change = Change {
            before: cleared.before.get(path).copied().flatten(),
            after: content.as_ref().map(|content| Digest::of(&content.bytes)),
            executable: content.as_ref().is_some_and(|content| content.executable),
        };
        (path.clone(), change)
    });
    let intent = Intent { patch: cleared.delivery.patch_digest.clone(), files: changes.collect() };
    keep(&place, &intent, &cleared.files)?;
    carry_out(&place, &intent, root)?;
    forget_old(state)?;
    Ok(Written::Now(paths))
}

/// Finishes an apply that was cut off, and tells what was written before: the files of the patch
/// with the digest `patch`, if they stand in `root` as it left them.
///
/// # Errors
/// When it cannot be finished: something cannot be read or written, or a file is neither as it was
/// nor as it will be.
pub fn finish(root: &Path, state: &Path, patch: &str) -> Result<Option<Written>, WorktreeError> {
    for place in places(state)? {
        if let Some(intent) = read(&place.join(INTENT))? {
            carry_out(&place, &intent, root)?;
        }
    }
    let Some(done) = read(&place(state, patch).join(DONE))? else { return Ok(None) };
    let tree = open(root)?;
    let stands = |(path, change): (&RepoPath, &Change)| now(&tree, path) == change.after;
    let all = done.patch == patch && done.files.iter().all(stands);
    Ok(all.then(|| Written::Before(done.files.into_keys().collect())))
}

fn open(root: &Path) -> Result<Snapshot, WorktreeError> {
    Snapshot::directory(root).map_err(|err| WorktreeError::Io {
        path: root.to_owned(),
        source: io::Error::other(err.to_string()),
    })
}

fn now(tree: &Snapshot, path: &RepoPath) -> Option<Digest> {
    tree.read(path).ok().map(|bytes| Digest::of(&bytes))
}

/// Keeps what will be written; the intent is last, so that it never names what is not there.
fn keep(
    place: &Path,
    intent: &Intent,
    files: &BTreeMap<RepoPath, Option<FileContent>>,
) -> Result<(), WorktreeError> {
    fs::create_dir_all(place).map_err(|source| unusable(place, source))?;
    for content in files.values().flatten() {
        put(place, &Digest::of(&content.bytes).to_string(), &content.bytes)?;
    }
    let text = serde_json::to_vec(intent)
        .map_err(|err| unusable(&place.join(INTENT), io::Error::other(err)))?;
    put(place, INTENT, &text)
}

fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), WorktreeError> {
    let path = dir.join(name);
    let written = tempfile::NamedTempFile::new_in(dir).and_then(|mut file| {
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(&path).map_err(|err| err.error)?;
        Ok(())
    });
    written.map_err(|source| unusable(&path, source))
}

/// Brings each file from as it was, or from as it will be, to as it will be.
fn carry_out(place: &Path, intent: &Intent, root: &Path) -> Result<(), WorktreeError> {
    let tree = open(root)?;
    let mut files = BTreeMap::new();
    for (path, change) in &intent.files {
        let is = now(&tree, path);
        if is == change.after {
            continue;
        }
        if is != change.before {
            return Err(WorktreeError::Torn {
                patch: intent.patch.clone(),
                path: path.as_str().escape_debug().to_string(),
                place: place.to_owned(),
            });
        }
        let content = match change.after {
            None => None,
            Some(digest) => {
                let kept = place.join(digest.to_string());
                let bytes = fs::read(&kept).map_err(|source| unusable(&kept, source))?;
                if Digest::of(&bytes) != digest {
                    let source = io::Error::other("it is not what was kept");
                    return Err(unusable(&kept, source));
                }
                Some(FileContent { bytes, executable: change.executable })
            }
        };
        files.insert(path.clone(), content);
    }
    snapshot::replace_files(&files, root)?;
    let (intended, done) = (place.join(INTENT), place.join(DONE));
    fs::rename(&intended, &done).map_err(|source| unusable(&intended, source))?;
    for digest in intent.files.values().filter_map(|change| change.after) {
        // Two files may have had the same content.
        let _gone = fs::remove_file(place.join(digest.to_string()));
    }
    Ok(())
}

fn place(state: &Path, patch: &str) -> PathBuf {
    state.join("applies").join(patch)
}

/// What is kept of applies, the latest first.
fn places(state: &Path) -> Result<Vec<PathBuf>, WorktreeError> {
    let dir = state.join("applies");
    let entries = match fs::read_dir(&dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| unusable(&dir, source))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| unusable(&dir, source))?;
        let changed = entry.metadata().and_then(|found| found.modified());
        found.push((changed.map_err(|source| unusable(&dir, source))?, entry.path()));
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

fn forget_old(state: &Path) -> Result<(), WorktreeError> {
    for place in places(state)?.into_iter().skip(REMEMBERED_MAX) {
        fs::remove_dir_all(&place).map_err(|source| unusable(&place, source))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Intent>, WorktreeError> {
    match fs::metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.len() > INTENT_BYTES_MAX => {
            return Err(unusable(path, io::Error::from(io::ErrorKind::FileTooLarge)));
        }
        Ok(_) | Err(_) => {}
    }
    let bytes = fs::read(path).map_err(|source| unusable(path, source))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|err| unusable(path, io::Error::other(err)))
}

fn unusable(path: &Path, source: io::Error) -> WorktreeError {
    WorktreeError::Io { path: path.to_owned(), source }
}
