//! What is remembered of a working tree from one command to the next, so that a cached output is
//! found without reading the tree again. Without it everything works, and takes longer.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::OFlags;
use snapshot::StatCache;

use crate::dirs;

/// Bytes of the key that tells our own files from what else may come to stand in the cache.
const KEY_BYTES: usize = 32;

/// What is remembered of the directory `root`.
pub(crate) fn of(root: &Path) -> Option<Arc<StatCache>> {
    // Outside of the cache: a cache may come from anywhere.
    let key = key(&dirs::ledger().with_file_name("stats.key")).ok()?;
    let stats = StatCache::kept(&dirs::cache().join("stats"), root, &key, SystemTime::now);
    stats.ok().map(Arc::new)
}

fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    match read(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => make(path),
        read => read,
    }
}

fn read(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    if !about.is_file() || !is_ours || about.mode() & 0o077 != 0 {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key)?;
    Ok(key)
}

/// Makes the key, unless another process was quicker.
fn make(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|err| io::Error::other(err.to_string()))?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&key)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        Err(err) if err.error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(err) => Err(err.error),
    }
}
