//! Components of this machine, by their digests. Whatever is on the disk is looked at each time.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::Sha256;

/// Components that are kept, and bytes of them all; those that were put there first go first.
const KEPT_MAX: usize = 512;
const KEPT_BYTES_MAX: u64 = 4 << 30;

/// A directory of components that were fetched.
#[derive(Debug, Clone)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// The one in `dir`, which is made when something is put there.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The bytes of that digest. What has become other bytes, or cannot be read, is not there.
    pub fn get(&self, digest: &Sha256, bytes_max: u64) -> Option<Vec<u8>> {
        let bytes = read_bounded(&self.place(digest), bytes_max).ok()?;
        (Sha256::of(&bytes) == *digest).then_some(bytes)
    }

    /// Keeps bytes.
    ///
    /// # Errors
    ///
    /// When the disk will not have them.
    pub fn put(&self, bytes: &[u8]) -> io::Result<Sha256> {
        let digest = Sha256::of(bytes);
        fs::create_dir_all(&self.dir)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(bytes)?;
        file.persist(self.place(&digest)).map_err(|err| err.error)?;
        self.sweep(&digest, KEPT_MAX, KEPT_BYTES_MAX);
        Ok(digest)
    }

    /// Makes room. What is gone is fetched again where it is missed.
    fn sweep(&self, newest: &Sha256, kept_max: usize, bytes_max: u64) {
        let newest = self.place(newest);
        let mut kept: Vec<(SystemTime, PathBuf, u64)> = fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, entry.path(), about.len()))
            })
            .filter(|(_, path, _)| *path != newest)
            .collect();
        kept.sort();
        let mut count = kept.len() + 1;
        let mut bytes: u64 = kept.iter().map(|(.., bytes)| bytes).sum();
        for (_, path, size) in kept {
            if count <= kept_max && bytes <= bytes_max {
                return;
            }
            // Somebody else may have done it.
            fs::remove_file(path).ok();
            count -= 1;
            bytes -= size;
        }
    }

    fn place(&self, digest: &Sha256) -> PathBuf {
        self.dir.join(format!("{}.wasm", digest.hex()))
    }
}

/// A regular file's bytes: no pipe that never ends, and no more than `bytes_max`.
pub(crate) fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::other(format!("it has more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_or_too_large_is_not_there_and_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(dir.path().join("tools"));
        assert_eq!(shelf.get(&Sha256::of(b"tool"), 9), None);
        let digest = shelf.put(b"tool").unwrap();
        assert_eq!(shelf.get(&digest, 4).as_deref(), Some(b"tool".as_slice()));
        assert_eq!(shelf.get(&digest, 3), None);
        fs::write(shelf.place(&digest), b"fool").unwrap();
        assert_eq!(shelf.get(&digest, 9), None);
        shelf.put(b"tool").unwrap();
        assert_eq!(shelf.get(&digest, 9).as_deref(), Some(b"tool".as_slice()));
        assert_eq!(fs::read_dir(dir.path().join("tools")).unwrap().count(), 1);
    }

    #[test]
    fn a_shelf_that_is_full_keeps_what_came_last() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(dir.path().to_owned());
        let digests = ["a", "b", "c"].map(|tool| shelf.put(tool.as_bytes()).unwrap());
        let here = || digests.map(|digest| shelf.get(&digest, 9).is_some());
        shelf.sweep(&digests[2], 3, 9);
        assert_eq!(here(), [true; 3]);
        shelf.sweep(&digests[2], 3, 1);
        assert!(here()[2]);
        shelf.sweep(&digests[2], 1, 9);
        assert_eq!(here(), [false, false, true]);
    }
}
