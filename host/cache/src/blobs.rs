//! Bytes as plain files under their digest. Written beside their place and moved there whole;
//! checked whenever they are read, because a disk, a restored archive or a person may have been
//! there in between. Nothing is synced: after a power loss a torn file is a miss.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use snapshot::Digest;

use crate::CacheError;

/// The largest output that is kept; an answer to a model is a thousandth of it.
pub(crate) const BLOB_BYTES_MAX: u64 = 64 << 20;

/// Damaged things of one name that are kept for a person to look at.
const SET_ASIDE_MAX: u32 = 4;

/// The blobs of one cache.
#[derive(Debug)]
pub(crate) struct Blobs {
    root: PathBuf,
}

/// What stands under a digest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Blob {
    /// The bytes that have this digest.
    Whole(Vec<u8>),
    /// Nothing.
    Missing,
    /// Something else. It has been set aside.
    Damaged,
}

impl Blobs {
    /// The blobs below `root`, a directory of ours.
    pub(crate) fn open(root: &Path) -> Result<Self, CacheError> {
        for name in ["cas", "tmp", "bad"] {
            let at = root.join(name);
            fs::create_dir_all(&at).map_err(CacheError::file(&at))?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Keeps `bytes`, unless a file of their digest and length is there.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Digest, CacheError> {
        let digest = Digest::of(bytes);
        let at = self.path(&digest);
        match fs::symlink_metadata(&at) {
            Ok(there) if there.is_file() && there.len() == bytes.len() as u64 => return Ok(digest),
            Ok(_) => self.set_aside(&at, &digest.to_string()),
            Err(_) => {}
        }
        self.write(&at, bytes).map_err(CacheError::file(&at))?;
        Ok(digest)
    }

    /// The bytes that have this digest, if they are kept.
    pub(crate) fn get(&self, digest: &Digest) -> Blob {
        let at = self.path(digest);
        match read(&at) {
            Ok(bytes) if Digest::of(&bytes) == *digest => Blob::Whole(bytes),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Blob::Missing,
            Ok(_) | Err(_) => {
                self.set_aside(&at, &digest.to_string());
                Blob::Damaged
            }
        }
    }

    /// Removes what stands under `digest`, if anything does.
    pub(crate) fn remove(&self, digest: &Digest) {
        let _gone = fs::remove_file(self.path(digest)).is_ok();
    }

    /// The directory where blobs are, in directories of two digits.
    pub(crate) fn directory(&self) -> PathBuf {
        self.root.join("cas")
    }

    /// The directory where blobs are while they are written.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Moves what stands at `path` to where it is in nobody's way. The next write finds out
    /// whether that went well.
    pub(crate) fn set_aside(&self, path: &Path, name: &str) {
        let bad = self.root.join("bad");
        let free = (0..SET_ASIDE_MAX)
            .map(|number| bad.join(format!("{name}.{number}")))
            .find(|at| fs::symlink_metadata(at).is_err());
        let moved = free.is_some_and(|at| fs::rename(path, at).is_ok());
        if !moved {
            let _gone = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path)).is_ok();
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.root.join("cas").join(&hex[..2]).join(&hex)
    }

    fn write(&self, at: &Path, bytes: &[u8]) -> io::Result<()> {
        let directory = at.parent().expect("a blob stands in a directory of two digits");
        if fs::create_dir_all(directory).is_err() {
            // Something else has taken its name.
            self.set_aside(directory, "directory");
            fs::create_dir_all(directory)?;
        }
        let unfinished = self.unfinished();
        fs::create_dir_all(&unfinished)?;
        let mut file = tempfile::NamedTempFile::new_in(&unfinished)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(Permissions::from_mode(0o444))?;
        file.persist(at).map_err(|err| err.error)?;
        Ok(())
    }
}

/// Reads a regular file, through no link and without waiting for anybody.
fn read(at: &Path) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file: File = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(at)?;
    let there = file.metadata()?;
    if !there.is_file() || there.len() > BLOB_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(there.len()).unwrap_or(0));
    file.take(BLOB_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
