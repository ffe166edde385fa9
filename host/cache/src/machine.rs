//! The key by which a machine knows its own records again. It stands outside the cache, so that a
//! directory that was restored from an archive, or written by somebody else, is not believed.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use snapshot::Digest;

use crate::CacheError;

/// What the key takes.
const KEY_BYTES: usize = 32;

/// A secret of this machine and user.
#[derive(Clone, PartialEq, Eq)]
pub struct MachineKey([u8; KEY_BYTES]);

impl MachineKey {
    /// The key in the file at `path`; made there if there is none.
    ///
    /// # Errors
    ///
    /// When the file is not a key, when others can read it, or when it cannot be written.
    pub fn at(path: &Path) -> Result<Self, CacheError> {
        match read(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => make(path),
            read => read,
        }
        .map_err(CacheError::file(path))
    }

    /// A key that nobody else has, and that is gone with the process.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn passing() -> Result<Self, CacheError> {
        random().map(Self).map_err(CacheError::file(Path::new("/dev/urandom")))
    }

    /// Another secret of this machine, for one purpose, which `context` names.
    pub fn derived(&self, context: &str) -> [u8; 32] {
        blake3::derive_key(context, &self.0)
    }

    /// Ties `parts` together, so that only who has the key can tie others.
    pub(crate) fn seal(&self, context: &str, parts: &[&[u8]]) -> Digest {
        let tied = Digest::derive(context, parts);
        Digest::from_bytes(*blake3::keyed_hash(&self.0, tied.as_bytes()).as_bytes())
    }
}

/// Never shown.
impl fmt::Debug for MachineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineKey")
    }
}

fn read(path: &Path) -> io::Result<MachineKey> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file: File = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let about = file.metadata()?;
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    if !about.is_file() || !is_ours || about.mode() & 0o077 != 0 {
        let why = "it is not a file that only its owner can read: delete it, a new one is made";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let mut key = Vec::new();
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
    let key = key.try_into().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "it is no key: delete it, a new one is made")
    })?;
    Ok(MachineKey(key))
}

/// Makes the key, unless another process was quicker.
fn make(path: &Path) -> io::Result<MachineKey> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let key = random()?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&key)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(MachineKey(key)),
        Err(err) if err.error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(err) => Err(err.error),
    }
}

fn random() -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|err| io::Error::other(err.to_string()))?;
    Ok(key)
}
