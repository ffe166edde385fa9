//! One run has one writer: a lock on a file of the run, held for the life of the process. The
//! attempt's number in every record is its fencing number.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often a lease is asked for: whoever only looks at a run has its lock for an instant.
const TRIES_MAX: u32 = 5;
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// The most that is read of who holds a lock.
const HOLDER_BYTES_MAX: u64 = 100;
/// The lock's file in the directory of its run.
const LOCK: &str = "lock";

/// A run that somebody else is working on, or a lock that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process holds it.
    #[error("{holder} is working on this run (`{}` is locked)", path.display())]
    Held {
        /// The lock.
        path: PathBuf,
        /// Which process, as far as it says so.
        holder: String,
    },
    /// The file cannot be locked.
    #[error("cannot lock `{}`", path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The right to write a run's journal. The system takes it back when the process ends.
#[derive(Debug)]
pub(crate) struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the lease of the run in `dir`.
    ///
    /// # Errors
    /// When another process holds it: waiting for it would only wait for its budget.
    pub(crate) fn take(dir: &Path) -> Result<Self, LeaseError> {
        let path = dir.join(LOCK);
        let unusable = |source| LeaseError::Io { path: path.clone(), source };
        let mut how = OpenOptions::new();
        how.create(true).truncate(false).read(true).write(true);
        let mut file = how.open(&path).map_err(unusable)?;
        for _ in 0..TRIES_MAX {
            match file.try_lock() {
                // The directory was removed meanwhile: others lock the file that took its place.
                Ok(()) if !is_at(&file, &path) => file = how.open(&path).map_err(unusable)?,
                Ok(()) => {
                    let me = format!("process {}", std::process::id());
                    file.set_len(0)
                        .and_then(|()| file.write_all(me.as_bytes()))
                        .map_err(unusable)?;
                    return Ok(Self { _file: file });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        }
        Err(LeaseError::Held { holder: holder(&mut file), path })
    }
}

/// Whether the file of that name is still this one.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Who is working on the run in `dir`, if somebody is.
pub(crate) fn at_work(dir: &Path) -> Option<String> {
    let mut file = File::open(dir.join(LOCK)).ok()?;
    // Shared, so that two who look do not take each other for a worker.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder(&mut file)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    if read.is_ok() && !text.is_empty() { text } else { "another process".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_removed_is_not_the_runs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOCK);
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path));
        let _other = File::create(&path).unwrap();
        assert!(!is_at(&file, &path));
    }

    #[test]
    fn a_run_has_one_writer_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let lease = Lease::take(dir.path()).unwrap();
        let second = Lease::take(dir.path());
        let me = format!("process {}", std::process::id());
        let told = matches!(&second, Err(LeaseError::Held { holder, .. }) if *holder == me);
        assert!(told, "{second:?}");
        assert_eq!(at_work(dir.path()), Some(me));
        drop(lease);
        assert_eq!(at_work(dir.path()), None);
        assert!(Lease::take(dir.path()).is_ok());
    }
}
