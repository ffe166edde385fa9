//! The cache itself: looking up, storing, explaining.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use snapshot::{Digest, Question, View};

use crate::blobs::{BLOB_BYTES_MAX, Blob, Blobs};
use crate::evict::evict;
use crate::index::{self, Call, Entry, Index, Kept};
use crate::key::CallKey;
use crate::observed::{self, Answers, QuestionSet};
use crate::{CacheError, Hit, Lookup, Output, Refused, Start, Stat, Stored, Why};

/// Question sets kept in memory. They never change, so this is only about size.
const SETS_KNOWN_MAX: usize = 256;

/// Records whose use this process has noted; once is enough for their order.
const NOTED_MAX: usize = 100_000;

/// Says to backup programs that nothing here is worth keeping; see bford.info/cachedir.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Outputs of tool calls of stepwell. They can be deleted at any time.\n";

/// How a cache is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most bytes it takes on disk, roughly. Beyond it, what was of no use for longest goes,
    /// down to four fifths.
    pub bytes_max: u64,
}

/// Outputs of calls, kept by what the calls observed. Many threads and processes may share the
/// same directory.
#[derive(Debug)]
pub struct Cache {
    blobs: Blobs,
    index: Index,
    options: Options,
    sets: Mutex<HashMap<Digest, Arc<QuestionSet>>>,
    noted: Mutex<HashSet<Digest>>,
}

/// A record that answers a call, and where it was found.
struct Located {
    set: Digest,
    observed: Digest,
    kept: Kept,
}

impl Default for Options {
    /// 5 GiB: half of what the caches of hosted runners hold for a whole repository.
    fn default() -> Self {
        Self { bytes_max: 5 << 30 }
    }
}

impl Cache {
    /// Opens the cache in `directory`, or makes one there.
    ///
    /// # Errors
    ///
    /// When the directory cannot be written. A damaged cache is no error: see [`Cache::start`].
    pub fn open(directory: &Path) -> Result<Self, CacheError> {
        Self::open_with(directory, Options::default())
    }

    /// [`Cache::open`] with options.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn open_with(directory: &Path, options: Options) -> Result<Self, CacheError> {
        let root = directory.join("v1");
        fs::create_dir_all(&root).map_err(CacheError::file(&root))?;
        let tag = directory.join("CACHEDIR.TAG");
        if !tag.exists() {
            fs::write(&tag, CACHE_TAG).map_err(CacheError::file(&tag))?;
        }
        let blobs = Blobs::open(&root)?;
        let index = Index::open(&root)?;
        let (sets, noted) = (Mutex::default(), Mutex::default());
        Ok(Self { blobs, index, options, sets, noted })
    }

    /// What was there when it was opened, or why it had to begin afresh since.
    pub fn start(&self) -> Start {
        self.index.start()
    }

    /// The output of the call, if one is kept that saw what the call would see in `view`.
    ///
    /// Whatever is wrong with the cache is a miss.
    pub fn lookup(&self, key: &CallKey, view: &View) -> Lookup {
        let located = match self.locate(key, view, true) {
            Ok(located) => located,
            Err(why) => return Lookup::Miss(why),
        };
        let Located { set, observed, kept } = located;
        let output = match self.blobs.get(&kept.output) {
            Blob::Whole(output) => output,
            Blob::Missing => return Lookup::Miss(self.forget(observed, "the lost output")),
            Blob::Damaged => return Lookup::Miss(self.forget(observed, "the output")),
        };
        self.note_use(key, set, observed);
        Lookup::Hit(Hit { output, kind: kept.kind, cost_us: kept.cost_us })
    }

    /// Keeps the output of a call, under what the call observed.
    ///
    /// The caller stores what is a function of the observations and nothing else: what a tool
    /// answered or refused, never how we ended it, and nothing after an answer that was a failure
    /// of the system.
    ///
    /// # Errors
    ///
    /// When it cannot be written. Nothing is half kept then.
    pub fn store(
        &self,
        key: &CallKey,
        observations: &[(Question, Digest)],
        kind: Output,
        output: &[u8],
        cost_us: u64,
    ) -> Result<Stored, CacheError> {
        if output.len() as u64 > BLOB_BYTES_MAX {
            return Ok(Stored::Refused(Refused::TooLarge));
        }
        let (set, text, answers) = match observed::sort(observations) {
            Ok(sorted) => sorted,
            Err(refused) => return Ok(Stored::Refused(refused)),
        };
        // Blobs before the record that names them: a crash leaves a blob too many, never one too
        // few.
        let set_digest = self.blobs.put(&text)?;
        let entry = Entry {
            call: key.digest(),
            set: set_digest,
            set_bytes: text.len(),
            observed: answers.key(key, set_digest),
            answers: &answers,
            kept: Kept { output: self.blobs.put(output)?, kind, cost_us },
            output_bytes: output.len(),
        };
        let stored = self.index.with(|connection| entry.keep(connection))?;
        self.remember(set);
        self.make_room()?;
        Ok(stored)
    }

    /// Why the call would miss now; `None` if it would hit. Changes nothing.
    pub fn why(&self, key: &CallKey, view: &View) -> Option<Why> {
        self.locate(key, view, false).err()
    }

    /// How much is kept.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn stat(&self) -> Result<Stat, CacheError> {
        self.index.with(|connection| index::stat(connection))
    }

    /// Finds the record that answers the call. The view is asked the questions of one set after
    /// the other, without holding any lock.
    fn locate(&self, key: &CallKey, view: &View, heal: bool) -> Result<Located, Why> {
        let call = key.digest();
        let known = self.read(|connection| Call::read(connection, call))?;
        if known.is_volatile {
            return Err(Why::Volatile);
        }
        let mut reason = None;
        for set in known.sets {
            let Some(questions) = self.questions(set.digest) else {
                reason.get_or_insert(Why::Damaged("a question set"));
                if heal {
                    self.read(|connection| Call::forget_set(connection, call, set.digest))?;
                }
                continue;
            };
            let questions = &questions.questions;
            let answers: Answers =
                questions.iter().map(|question| view.answer_digest(question)).collect();
            let observed = answers.key(key, set.digest);
            match self.read(|connection| Kept::read(connection, observed))? {
                Some(Some(kept)) => return Ok(Located { set: set.digest, observed, kept }),
                Some(None) if heal => {
                    reason.get_or_insert(self.forget(observed, "a record"));
                }
                Some(None) => {
                    reason.get_or_insert(Why::Damaged("a record"));
                }
                None => {
                    let changed = set.answers.first_difference(&answers);
                    let question = changed.and_then(|at| questions.get(at));
                    reason.get_or_insert_with(|| match question {
                        Some(question) => Why::Changed(Box::new(question.clone())),
                        None => Why::Evicted,
                    });
                }
            }
        }
        Err(reason.unwrap_or(Why::NeverSeen))
    }

    /// The questions of a set, from memory or from its blob.
    fn questions(&self, digest: Digest) -> Option<Arc<QuestionSet>> {
        if let Some(set) = lock(&self.sets).get(&digest) {
            return Some(Arc::clone(set));
        }
        let Blob::Whole(text) = self.blobs.get(&digest) else { return None };
        Some(self.remember(QuestionSet::read(&text, digest)?))
    }

    fn remember(&self, set: QuestionSet) -> Arc<QuestionSet> {
        let mut sets = lock(&self.sets);
        if sets.len() >= SETS_KNOWN_MAX {
            sets.clear();
        }
        Arc::clone(sets.entry(set.digest).or_insert_with(|| Arc::new(set)))
    }

    /// Notes that a record was of use. It is only about what is evicted first, so a cache that
    /// cannot be written now does without.
    fn note_use(&self, key: &CallKey, set: Digest, observed: Digest) {
        let mut noted = lock(&self.noted);
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        if !noted.insert(observed) {
            return;
        }
        drop(noted);
        let touch = |connection: &mut _| Kept::touch(connection, key.digest(), set, observed);
        let _noted = self.index.with(touch).is_ok();
    }

    /// Forgets a record that cannot be served, and says so.
    fn forget(&self, observed: Digest, what: &'static str) -> Why {
        match self.read(|connection| Kept::forget(connection, observed)) {
            Ok(()) => Why::Damaged(what),
            Err(why) => why,
        }
    }

    fn read<T>(
        &self,
        act: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Why> {
        let done = self.index.with(|connection| act(connection));
        done.map_err(|err| Why::Unreadable(err.to_string()))
    }

    fn make_room(&self) -> Result<(), CacheError> {
        let reckoned = self.index.with(|connection| index::bytes_reckoned(connection))?;
        if reckoned <= self.options.bytes_max {
            return Ok(());
        }
        evict(&self.index, &self.blobs, self.options.bytes_max / 5 * 4)
    }
}

/// What is behind these locks is only ever complete: a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
