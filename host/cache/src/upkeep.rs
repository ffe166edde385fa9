//! Keeping the cache in order: looking at all of it, making room, emptying it, showing it.

use std::fs;
use std::path::Path;

use snapshot::Digest;

use crate::blobs::Blob;
use crate::index::{self, Kept};
use crate::{Cache, CacheError, Call, Origin, Record};

/// Things shown for one beginning of a key.
const SHOWN_MAX: usize = 20;

/// What a look at everything found. What was wrong has been set aside, and is a miss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records whose output and questions are whole.
    pub sound: u64,
    /// Records whose output or questions were not what had been stored, or were gone.
    pub damaged: u64,
    /// Records of somebody who is not believed here.
    pub unproven: u64,
}

/// A record as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The record.
    pub record: Record,
    /// Its call, where that is known.
    pub call: Option<Call>,
    /// Where it came from, if not from a call on this machine.
    pub origin: Option<Origin>,
    /// Whether it would be served.
    pub is_believed: bool,
}

impl Cache {
    /// Reads all that is kept, and forgets what is damaged.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn verify(&self) -> Result<Verified, CacheError> {
        let mut verified = Verified::default();
        let mut damaged = Vec::new();
        self.visit(|kept| {
            let Kept { record, .. } = kept;
            let is_whole = |digest| matches!(self.blobs.get(digest), Blob::Whole(_));
            if !self.is_served(&kept) {
                verified.unproven += 1;
            } else if is_whole(&record.output) && is_whole(&record.questions) {
                verified.sound += 1;
            } else {
                verified.damaged += 1;
                damaged.push(record);
            }
        })?;
        damaged.iter().for_each(|record| self.condemn(record));
        Ok(verified)
    }

    /// Shrinks it to at most `bytes`, and removes what crashes and other layouts left.
    ///
    /// # Errors
    ///
    /// When the index cannot be read or written.
    pub fn collect_garbage(&self, bytes: u64) -> Result<(), CacheError> {
        self.shrink(bytes)?;
        self.index.with(index::settle)?;
        let above = self.root().parent().unwrap_or(self.root());
        for entry in fs::read_dir(above).into_iter().flatten().flatten() {
            if is_old_layout(&entry.file_name().to_string_lossy(), self.root()) {
                let _gone = fs::remove_dir_all(entry.path()).is_ok();
            }
        }
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    ///
    /// When the index cannot be written.
    pub fn clear(&self) -> Result<(), CacheError> {
        self.index.with(index::clear)?;
        self.collect_garbage(0)
    }

    /// The records whose key, or whose call's key, begins with `digits`; the first few.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn show(&self, digits: &str) -> Result<Vec<Shown>, CacheError> {
        let mut shown = Vec::new();
        self.visit(|kept| {
            let begins = |digest: Digest| digest.to_string().starts_with(digits);
            let fits = begins(kept.record.observed) || begins(kept.record.call);
            if fits && shown.len() < SHOWN_MAX {
                shown.push(kept);
            }
        })?;
        let with_call = |kept: Kept| Shown {
            call: self.call_of(&kept),
            is_believed: self.is_served(&kept),
            record: kept.record,
            origin: kept.origin,
        };
        Ok(shown.into_iter().map(with_call).collect())
    }

    fn call_of(&self, kept: &Kept) -> Option<Call> {
        self.read(|connection| index::identity(connection, kept.record.call)).ok().flatten()
    }

    fn is_served(&self, kept: &Kept) -> bool {
        let component = self.call_of(kept).map(|call| call.identity().component);
        component.is_some_and(|component| kept.is_believed(component, self.beliefs()))
    }
}

/// Whether `name` is the directory of a layout before ours.
fn is_old_layout(name: &str, ours: &Path) -> bool {
    let number = |name: &str| name.strip_prefix('v')?.parse::<u32>().ok();
    let ours = ours.file_name().and_then(|name| number(&name.to_string_lossy()));
    number(name).zip(ours).is_some_and(|(number, ours)| number < ours)
}
