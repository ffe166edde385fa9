//! What happened in a run, durable: one append-only file of records, each holding the digest of
//! the one before. `trace` reads it back.
//!
//! A torn last line is dropped, since the process died while writing it; any other damage is an
//! error that says where. What money depends on is synced before it counts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use session::Phase;
use session::event::{Event, Record, SCHEMA};
use tokio::time::Instant;
use trace::{Damage, RECORDS_MAX, Whole};

use crate::disk::{JournalFile, Machine};

/// The largest journal that is read back: a run that wrote more is not one we made.
pub(crate) const JOURNAL_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// The journal's file in the directory of its run.
pub(crate) const JOURNAL: &str = "journal.jsonl";

/// A journal that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("cannot use the journal `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not what was written there.
    #[error("the journal `{}` is damaged at line {line}: {what}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// How it shows.
        what: String,
    },
    /// The run has no end.
    #[error("the journal `{}` is larger than any run needs", path.display())]
    Full {
        /// Which.
        path: PathBuf,
    },
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    machine: Arc<dyn Machine>,
    file: Box<dyn JournalFile>,
    run: String,
    attempt: u32,
    seq: u64,
    bytes: u64,
    prev: String,
    /// When this attempt began; before it has, the last moment of the one before.
    clock: AttemptClock,
}

#[derive(Debug, Clone, Copy)]
enum AttemptClock {
    Stopped { at_ms: u64 },
    Running { since: Instant },
}

impl Journal {
    /// Opens the journal of `run` in `dir`, creating it where there is none, and reads what it
    /// holds. The caller has the lease. What is written before [`Journal::begin_attempt`] still
    /// belongs to the attempt before.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged anywhere but in a torn last line.
    pub fn open(
        machine: &Arc<dyn Machine>,
        dir: &Path,
        run: &str,
    ) -> Result<(Self, Vec<Record>), JournalError> {
        let path = dir.join(JOURNAL);
        let io = |source: io::Error| {
            let path = path.clone();
            let full = source.kind() == io::ErrorKind::FileTooLarge;
            if full { JournalError::Full { path } } else { JournalError::Io { path, source } }
        };
        let mut file = machine.open(&path).map_err(io)?;
        let text = file.read(JOURNAL_BYTES_MAX).map_err(io)?;
        let Whole { records, prev, bytes: whole } = read(&path, run, &text)?;
        file.cut(whole).map_err(io)?;
        let journal = Self {
            machine: Arc::clone(machine),
            file,
            run: run.to_owned(),
            attempt: records.last().map_or(0, |record| record.attempt),
            seq: records.len() as u64,
            bytes: whole,
            prev,
            clock: AttemptClock::Stopped { at_ms: records.last().map_or(0, |last| last.at_ms) },
            path,
        };
        Ok((journal, records))
    }

    /// Begins another life of the process.
    pub fn begin_attempt(&mut self) {
        self.attempt += 1;
        self.clock = AttemptClock::Running { since: Instant::now() };
    }

    /// Which life of the process this is, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Milliseconds since this attempt began.
    pub fn now(&self) -> u64 {
        match self.clock {
            AttemptClock::Stopped { at_ms } => at_ms,
            AttemptClock::Running { since } => {
                u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// Writes an event as the next record, and returns it with its line. It is safe from the death of the process when this
    /// returns, and from that of the machine after [`Journal::sync`].
    ///
    /// # Errors
    /// When it cannot be written whole: the run must not go on.
    pub fn append(
        &mut self,
        phase: Phase,
        event: Event,
    ) -> Result<(Record, Vec<u8>), JournalError> {
        if self.seq >= RECORDS_MAX {
            return Err(JournalError::Full { path: self.path.clone() });
        }
        let record = Record {
            schema: SCHEMA,
            run: self.run.clone(),
            attempt: self.attempt,
            phase,
            seq: self.seq,
            at_ms: self.now(),
            time_ms: self.machine.time_ms(),
            prev: self.prev.clone(),
            event,
        };
        let mut line = serde_json::to_vec(&record).map_err(|err| self.io(err.into()))?;
        let digest = trace::digest(&line);
        line.push(b'\n');
        self.bytes += line.len() as u64;
        if self.bytes > JOURNAL_BYTES_MAX {
            return Err(JournalError::Full { path: self.path.clone() });
        }
        self.file.append(&line).map_err(|err| self.io(err))?;
        self.prev = digest;
        self.seq += 1;
        Ok((record, line))
    }

    /// Brings everything written so far to the disk.
    ///
    /// # Errors
    /// When the system says it could not.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync().map_err(|err| self.io(err))
    }

    fn io(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

/// Reads the bytes of the journal of `run`, without a last line that is torn.
///
/// # Errors
/// When it is damaged anywhere else; `path` is for the message.
pub(crate) fn read(path: &Path, run: &str, text: &[u8]) -> Result<Whole, JournalError> {
    trace::read(run, text).map_err(|Damage { line, wrong }| JournalError::Damaged {
        path: path.into(),
        line,
        what: wrong.to_string(),
    })
}

#[cfg(test)]
mod tests;
