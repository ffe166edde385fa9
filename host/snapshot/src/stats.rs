//! What is remembered of a directory by what its file system says: of files that were read, and of
//! directories that were listed. It lives as long as a run, and can be kept from one to the next.
//!
//! What is remembered counts while device, inode, size, both times and the mode are the same. That
//! is not enough by itself: a file that is written twice within one tick of the clock looks the
//! same after both. So nothing is remembered that changed less than [`RACY_NS`] before it was read
//! (git calls such entries racy), and nothing of a file system that may not keep its times.
//!
//! What a program writes through a mapping of a file shows in its times when the page is written
//! back, which can be half a minute later: whoever edits sources that way, while a run looks, is
//! seen as late as by git.
//!
//! It must not leave the machine, and serves digests only: bytes that a tool is given are always
//! read.

mod kept;
mod table;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::source::Stamp;
use crate::{Digest, RepoPath};

use kept::Kept;
pub(crate) use table::Walked;
use table::{FileEntry, Table};

/// What tells the time: only ever held against the times of files.
pub type Clock = fn() -> SystemTime;

/// The coarsest clock of a file system we know ticks every two seconds.
const RACY_NS: i128 = 2_000_000_000;

/// Files that are remembered of one directory: as many as are walked.
const FILES_MAX: usize = 250_000;

/// What is remembered of one directory. Threads may share it.
pub struct StatCache {
    clock: Clock,
    kept: Option<Kept>,
    /// None until somebody asks.
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    table: Table,
    /// Since it was read or written.
    changed: bool,
}

impl StatCache {
    /// One that remembers nothing yet, and is gone with this process.
    pub fn in_memory(clock: Clock) -> Self {
        Self { clock, kept: None, known: Mutex::default() }
    }

    /// The one of the directory `root` that is kept in the directory `home`, which belongs to this
    /// user on this machine. `key` is a secret of the two: what was written without it counts as
    /// nothing. Read when it is first asked, written when the last who shares it lets go.
    ///
    /// # Errors
    ///
    /// When `home` cannot be made or opened.
    pub fn kept(home: &Path, root: &Path, key: &[u8; 32], clock: Clock) -> io::Result<Self> {
        let kept = Kept::open(home, root, key)?;
        Ok(Self { clock, kept: Some(kept), known: Mutex::default() })
    }

    /// Nanoseconds since 1970.
    pub(crate) fn now(&self) -> i128 {
        let ns = |duration: std::time::Duration| i128::try_from(duration.as_nanos());
        match (self.clock)().duration_since(UNIX_EPOCH) {
            Ok(since) => ns(since).unwrap_or(i128::MAX),
            Err(before) => ns(before.duration()).map_or(i128::MIN, |ns| -ns),
        }
    }

    /// Whether what bears the stamp, and was read at `started` or later, had been left alone for
    /// so long that the next change will show.
    pub(crate) fn is_settled(stamp: &Stamp, started: i128) -> bool {
        stamp.modified_ns.max(stamp.changed_ns) < started.saturating_sub(RACY_NS)
    }

    /// The digest of the answer that is the content of the file at `path`, if it was read when it
    /// bore this stamp.
    pub(crate) fn file(&self, path: &RepoPath, stamp: &Stamp) -> Option<Digest> {
        let mut known = self.known();
        let entry = self
            .read(&mut known)
            .table
            .files
            .get_mut(path)
            .filter(|entry| entry.stamp == *stamp)?;
        entry.used = true;
        Some(entry.digest)
    }

    /// Remembers what the content of a file was that bears the stamp, and is settled.
    pub(crate) fn note_file(&self, path: &RepoPath, stamp: Stamp, digest: Digest) {
        let mut known = self.known();
        let Known { table, changed } = self.read(&mut known);
        if table.files.len() >= FILES_MAX && !table.files.contains_key(path) {
            table.forget_unused();
            if table.files.len() >= FILES_MAX {
                return;
            }
        }
        let entry = FileEntry { stamp, digest, used: true };
        *changed |= table.files.insert(path.clone(), entry) != Some(entry);
    }

    /// What a walk came to that began at this root.
    pub(crate) fn walked(&self) -> Option<Arc<Walked>> {
        self.read(&mut self.known()).table.walked.clone()
    }

    /// Remembers what a walk came to, if all that it saw is settled.
    pub(crate) fn note_walk(&self, walked: Walked) {
        let mut known = self.known();
        let Known { table, changed } = self.read(&mut known);
        table.walked = Some(Arc::new(walked));
        *changed = true;
    }

    /// Writes what is to be kept. The last who lets go does so, too.
    ///
    /// # Errors
    ///
    /// When it cannot be written; what was kept before stays.
    pub fn save(&self) -> io::Result<()> {
        let (Some(kept), Some(Known { table, changed: changed @ true })) =
            (&self.kept, &mut *self.known())
        else {
            return Ok(());
        };
        kept.write(table)?;
        *changed = false;
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        // Nothing is half done while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<'a>(&self, known: &'a mut Option<Known>) -> &'a mut Known {
        known.get_or_insert_with(|| {
            let table = self.kept.as_ref().and_then(Kept::read).unwrap_or_default();
            Known { table, changed: false }
        })
    }
}

impl Drop for StatCache {
    fn drop(&mut self) {
        // It is only about time: who cannot write it now reads again next time.
        let _saved = self.save().is_ok();
    }
}

impl fmt::Debug for StatCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatCache").field("kept", &self.kept.is_some()).finish_non_exhaustive()
    }
}
