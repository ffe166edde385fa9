//! A directory, of this machine or shared over NFS.
//!
//! Not opendal's: that one checks and then renames, so of two that create one name both may win,
//! or it writes in place, so that a reader sees half an object. A temporary file that is linked or
//! renamed into place does neither.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::NamedTempFile;

use super::Trouble;
use crate::address::Address;
use crate::name::SEGMENTS_MAX;
use crate::{Created, ENTRIES_MAX, Entry, Name, OBJECT_BYTES_MAX, StoreError};

/// Begins the name of a file that is being written; no [`Name`] has a segment like it.
const UNFINISHED: &str = ".unfinished-";

/// As for any file: the umask decides who else reads it.
const MODE: u32 = 0o666;

#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
}

impl Files {
    pub(crate) fn open(address: &Address) -> Result<Self, StoreError> {
        Ok(Self { root: address.file_path()? })
    }

    pub(crate) async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, Trouble> {
        let path = self.path(name);
        blocking(move || match read(&path) {
            Ok(bytes) if bytes.len() > OBJECT_BYTES_MAX => Err(Trouble::TooLarge),
            Ok(bytes) => Ok(Some(bytes)),
            Err(err) if is_absence(&err) => Ok(None),
            Err(err) => Err(trouble(&err)),
        })
        .await
    }

    pub(crate) async fn put(&self, name: &Name, bytes: Bytes) -> Result<(), Trouble> {
        let path = self.path(name);
        blocking(move || {
            let written = write_beside(&path, &bytes).map_err(|err| trouble(&err))?;
            written.persist(&path).map_err(|err| trouble(&err.error))?;
            sync_folder(&path).map_err(|err| trouble(&err))
        })
        .await
    }

    pub(crate) async fn create(&self, name: &Name, bytes: Bytes) -> Result<Created, Trouble> {
        let path = self.path(name);
        blocking(move || {
            let written = write_beside(&path, &bytes).map_err(|err| trouble(&err))?;
            match written.persist_noclobber(&path) {
                Ok(_file) => sync_folder(&path).map_err(|err| trouble(&err))?,
                Err(err) if err.error.kind() == ErrorKind::AlreadyExists => {
                    return Ok(Created::Exists);
                }
                Err(err) => return Err(trouble(&err.error)),
            }
            Ok(Created::New)
        })
        .await
    }

    pub(crate) async fn list(&self, prefix: &Name) -> Result<Vec<Entry>, Trouble> {
        let (folder, prefix) = (self.path(prefix), prefix.clone());
        blocking(move || {
            let mut entries = Vec::new();
            walk(&folder, &prefix, SEGMENTS_MAX, &mut entries)?;
            Ok(entries)
        })
        .await
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Trouble> {
        let path = self.path(name);
        blocking(move || match fs::remove_file(&path) {
            Ok(()) => sync_folder(&path).map_err(|err| trouble(&err)),
            Err(err) if is_absence(&err) => Ok(()),
            Err(err) => Err(trouble(&err)),
        })
        .await
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.root.join(name.as_str())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|err| Err(Trouble::Lasting(format!("a task of ours ended: {err}"))))
}

/// At most one byte more than an object may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(OBJECT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A whole file on the disk, beside the place where it will be.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED).permissions(Permissions::from_mode(MODE));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A name is on the disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Collects what lies below `folder`, following no links. What has no [`Name`] is not ours.
fn walk(
    folder: &Path,
    prefix: &Name,
    depth: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), Trouble> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(err) if is_absence(&err) => return Ok(()),
        Err(err) => return Err(trouble(&err)),
    };
    for found in found {
        let found = found.map_err(|err| trouble(&err))?;
        let file_name = found.file_name();
        let Some(name) = file_name.to_str().and_then(|name| prefix.join(name).ok()) else {
            continue;
        };
        let metadata = match found.metadata() {
            Ok(metadata) => metadata,
            // Deleted since the folder was read.
            Err(err) if is_absence(&err) => continue,
            Err(err) => return Err(trouble(&err)),
        };
        if metadata.is_dir() && depth > 1 {
            walk(&found.path(), &name, depth - 1, entries)?;
        } else if metadata.is_file() {
            if entries.len() == ENTRIES_MAX {
                return Err(Trouble::TooMany);
            }
            entries.push(Entry { name, bytes: metadata.len() });
        }
    }
    Ok(())
}

/// Nothing is there; nor can it be below what is a file.
fn is_absence(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of an operating system have no end")]
fn trouble(err: &io::Error) -> Trouble {
    let said = err.to_string();
    match err.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Trouble::Denied(said),
        ErrorKind::Interrupted
        | ErrorKind::TimedOut
        | ErrorKind::StaleNetworkFileHandle
        | ErrorKind::ResourceBusy => Trouble::Passing(said),
        _ => Trouble::Lasting(said),
    }
}
