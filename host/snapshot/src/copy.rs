//! Writes a snapshot, or changes of one, into a directory of ours: the scratch tree in which a
//! step's test command runs.
//!
//! Nothing is written through a link, whatever a repository's links say.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use rustix::io::Errno;

use crate::source::{Beneath, Source, for_each_chunk};
use crate::{FileContent, FileEntry, Kind, RepoPath, Snapshot, SnapshotError};

/// A copy larger than this fills the disk of a CI runner.
const COPY_BYTES_MAX: u64 = 16 << 30;

/// A file's name before it takes its place, in the same directory.
const NEW: &str = ".stepwell-new";

/// Writes all files and links of `snapshot` that are not ignored into the empty directory `to`.
///
/// # Errors
///
/// When `to` is not empty, or something cannot be read or written; what was written stays.
pub fn materialize(snapshot: &Snapshot, to: &Path) -> Result<(), SnapshotError> {
    let beneath = open(to)?;
    let root = RepoPath::root();
    let mut made = root.clone();
    let mut room = COPY_BYTES_MAX;
    if !is_empty(&beneath)? {
        return Err(SnapshotError::unwritable(&root, "the directory is not empty"));
    }
    for file in snapshot.files()? {
        let parent = file.path.parent().unwrap_or_default();
        if parent != made {
            beneath.make_directories(&parent).map_err(|errno| unwritable(&parent, errno))?;
            made = parent;
        }
        let too_much = SnapshotError::TooMany { what: "bytes to copy", most: COPY_BYTES_MAX };
        room = room.checked_sub(file.size).ok_or(too_much)?;
        copy(snapshot.source(), &file, &beneath)?;
    }
    Ok(())
}

/// Makes `changes` to the files in the directory `to`; `None` removes a file, and the directories
/// it leaves empty.
///
/// # Errors
///
/// When something cannot be written; what was written stays.
pub fn apply_overlay(
    changes: &BTreeMap<RepoPath, Option<FileContent>>,
    to: &Path,
) -> Result<(), SnapshotError> {
    let beneath = open(to)?;
    // What goes makes room for what comes, a file for a directory or the other way round.
    for (path, _) in changes.iter().rev() {
        remove(&beneath, path).map_err(|errno| unwritable(path, errno))?;
    }
    for (path, change) in changes {
        let Some(FileContent { bytes, executable }) = change else { continue };
        let parent = path.parent().unwrap_or_default();
        beneath.make_directories(&parent).map_err(|errno| unwritable(path, errno))?;
        let file = beneath.new_file(path, *executable);
        let mut file = file.map_err(|errno| unwritable(path, errno))?;
        file.write_all(bytes).map_err(|err| SnapshotError::unwritable(path, err))?;
    }
    Ok(())
}

/// Makes `changes` to the files in the directory `to`, each by one rename: a process that dies on
/// the way leaves every file as it was or as it will be. `None` removes a file, and the directories
/// it leaves empty. What is written is on the disk before it takes its place.
///
/// # Errors
///
/// When something cannot be written, or a file would take the place of a directory that holds
/// something else; what was written stays.
pub fn replace_files(
    changes: &BTreeMap<RepoPath, Option<FileContent>>,
    to: &Path,
) -> Result<(), SnapshotError> {
    let beneath = open(to)?;
    // What goes makes room for what comes, a file for a directory or the other way round.
    for (path, _) in changes.iter().rev().filter(|(_, change)| change.is_none()) {
        remove(&beneath, path).map_err(|errno| unwritable(path, errno))?;
    }
    for (path, change) in changes {
        let Some(content) = change else { continue };
        let parent = path.parent().unwrap_or_default();
        beneath.make_directories(&parent).map_err(|errno| unwritable(path, errno))?;
        replace(&beneath, path, content)?;
    }
    Ok(())
}

fn replace(beneath: &Beneath, path: &RepoPath, content: &FileContent) -> Result<(), SnapshotError> {
    let errno = |errno| unwritable(path, errno);
    let new = path.parent().unwrap_or_default().join(NEW);
    let new = new.ok_or_else(|| SnapshotError::unwritable(path, "its directory is too deep"))?;
    // What a process left that died before its rename.
    match beneath.remove(&new, false) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(other) => return Err(errno(other)),
    }
    let mut file = beneath.new_file(&new, content.executable).map_err(errno)?;
    let written = file.write_all(&content.bytes).and_then(|()| file.sync_data());
    written.map_err(|err| SnapshotError::unwritable(path, err))?;
    beneath.replace(&new, path).map_err(errno)
}

fn open(to: &Path) -> Result<Beneath, SnapshotError> {
    Beneath::open(to).map_err(|err| SnapshotError::unwritable(&RepoPath::root(), err))
}

fn is_empty(beneath: &Beneath) -> Result<bool, SnapshotError> {
    let root = RepoPath::root();
    let directory = beneath.directory(&root).map_err(|errno| unwritable(&root, errno))?;
    let names = rustix::fs::Dir::new(directory).map_err(|errno| unwritable(&root, errno))?;
    let is_own = |name: &[u8]| name == b"." || name == b"..";
    Ok(names.flatten().all(|entry| is_own(entry.file_name().to_bytes())))
}

fn copy(source: &dyn Source, file: &FileEntry, beneath: &Beneath) -> Result<(), SnapshotError> {
    let path = &file.path;
    if file.kind == Kind::Symlink {
        let target = source.target(path)?.unwrap_or_default();
        return match beneath.new_link(path, &target) {
            // A link to nothing at all is in some forged trees; no file system has it.
            Err(Errno::NOENT) if target.is_empty() => Ok(()),
            made => made.map_err(|errno| unwritable(path, errno)),
        };
    }
    let new = beneath.new_file(path, file.executable);
    let mut new = new.map_err(|errno| unwritable(path, errno))?;
    for_each_chunk(source, path, |chunk| {
        new.write_all(chunk).map_err(|err| SnapshotError::unwritable(path, err))
    })?;
    Ok(())
}

/// Removes a file or link if there is one, and the directories above it that are empty then.
fn remove(beneath: &Beneath, path: &RepoPath) -> Result<(), Errno> {
    match beneath.remove(path, false) {
        Ok(()) => {}
        // A directory is emptied by the changes below it, and a path behind a file or a link of
        // the copy is not there.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    for directory in std::iter::once(path.clone()).chain(path.ancestors()) {
        match beneath.remove(&directory, true) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            // It holds something else.
            Err(_) => break,
        }
    }
    Ok(())
}

fn unwritable(path: &RepoPath, errno: Errno) -> SnapshotError {
    SnapshotError::unwritable(path, std::io::Error::from(errno))
}
