//! One run has one writer: a lock on a file of the run, held for the life of the process. The
//! attempt's number in every record is its fencing number.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A run that somebody else is working on, or a lock that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process holds it.
    #[error("another process is working on this run (`{}` is locked)", path.display())]
    Held {
        /// The lock.
        path: PathBuf,
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
        let path = dir.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = match file {
            Ok(file) => file,
            Err(source) => return Err(LeaseError::Io { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LeaseError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LeaseError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_writer_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let lease = Lease::take(dir.path()).unwrap();
        let second = Lease::take(dir.path());
        assert!(matches!(second, Err(LeaseError::Held { .. })), "{second:?}");
        drop(lease);
        assert!(Lease::take(dir.path()).is_ok());
    }
}
