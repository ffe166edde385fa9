//! Making room: what was of no use for longest goes first, and files that nobody knows go, too.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use snapshot::Digest;

use crate::CacheError;
use crate::blobs::Blobs;
use crate::index::{Index, knows_blob, shrink};

/// A file that no record knows may be on its way into one; after this it is left over from a
/// crash.
const UNKNOWN_AGE_MIN: Duration = Duration::from_secs(60 * 60);

/// Shrinks the cache to at most `low` bytes.
pub(crate) fn evict(index: &Index, blobs: &Blobs, low: u64) -> Result<(), CacheError> {
    for digest in index.with(|connection| shrink(connection, low))? {
        blobs.remove(&digest);
    }
    for at in files(&blobs.unfinished()).filter(|at| is_old(at)) {
        let _gone = fs::remove_file(at).is_ok();
    }
    let directories = fs::read_dir(blobs.directory()).into_iter().flatten().flatten();
    for at in directories.flat_map(|directory| files(&directory.path())) {
        let digest = at.file_name().and_then(|name| name.to_str()?.parse::<Digest>().ok());
        let known = match digest {
            Some(digest) => index.with(|connection| knows_blob(connection, digest))?,
            None => false,
        };
        if !known && is_old(&at) {
            let _gone = fs::remove_file(at).is_ok();
        }
    }
    Ok(())
}

/// What stands in a directory; nothing if it cannot be read, since nobody waits for this.
fn files(directory: &Path) -> impl Iterator<Item = std::path::PathBuf> + use<> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[expect(clippy::disallowed_methods, reason = "how old a left-over file is decides no output")]
fn is_old(at: &Path) -> bool {
    let written = fs::symlink_metadata(at).and_then(|there| there.modified());
    let age = written.ok().and_then(|written| SystemTime::now().duration_since(written).ok());
    age.is_some_and(|age| age > UNKNOWN_AGE_MIN)
}
