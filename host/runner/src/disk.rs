//! What a journal is written to, and which time it is.
//!
//! A run has both from its plan, so that a simulation can lend it a disk that fills up and a
//! clock that jumps.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Opens journals, and tells the time of day.
pub trait Machine: fmt::Debug + Send + Sync {
    /// Opens the file at `path` for appending, and makes it where there is none.
    ///
    /// # Errors
    /// What the system said.
    fn open(&self, path: &Path) -> io::Result<Box<dyn JournalFile>>;

    /// Milliseconds since 1970. May jump in both directions: nothing is decided by it.
    fn time_ms(&self) -> u64;
}

/// A file that only grows.
pub trait JournalFile: fmt::Debug + Send {
    /// All of it, if it has at most `most` bytes.
    ///
    /// # Errors
    /// What the system said; [`io::ErrorKind::FileTooLarge`] where it has more.
    fn read(&mut self, most: u64) -> io::Result<Vec<u8>>;

    /// Drops everything after the first `bytes`, and goes on there.
    ///
    /// # Errors
    /// What the system said.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;

    /// Writes `bytes` at the end. They are safe from the death of the process when this returns.
    ///
    /// # Errors
    /// What the system said; some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything that was appended safe from the death of the machine.
    ///
    /// # Errors
    /// What the system said.
    fn sync(&mut self) -> io::Result<()>;
}

/// This machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn open(&self, path: &Path) -> io::Result<Box<dyn JournalFile>> {
        let mut how = OpenOptions::new();
        how.create(true).truncate(false).read(true).write(true);
        Ok(Box::new(OnDisk(how.open(path)?)))
    }

    fn time_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug)]
struct OnDisk(File);

impl JournalFile for OnDisk {
    fn read(&mut self, most: u64) -> io::Result<Vec<u8>> {
        if self.0.metadata()?.len() > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::new();
        self.0.seek(SeekFrom::Start(0))?;
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)?;
        self.0.seek(SeekFrom::Start(bytes)).map(|_| ())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
