//! The cache itself: looking up, storing, explaining.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use snapshot::{Digest, Question, View};

use crate::blobs::{BLOB_BYTES_MAX, Blob, Blobs};
use crate::clock::Deadline;
use crate::evict::evict;
use crate::flight::Flights;
use crate::index::{self, Beliefs, Entry, Index, Kept, Known, Served, Set, Tally};
use crate::observed::{self, Answers, QuestionSet};
use crate::outcome::Changed;
use crate::{
    CacheError, Call, Hit, LEAVES_MAX, Lookup, MachineKey, Origin, Output, Record, Refused, Remote,
    Start, Stat, Stored, ToolStat, Trust, Why,
};

/// Question sets kept in memory. They never change, so this is only about size.
const SETS_KNOWN_MAX: usize = 256;

/// Uses and counts noted before they are written down.
const NOTED_MAX: usize = 256;

/// Asking again what a call asked may not take longer; a miss costs a run, and no more than that.
const LOOKUP_TIME_MAX: Duration = Duration::from_secs(5);

/// What a lookup takes, and each question of it, in microseconds, roughly (`docs/performance.md`).
/// What is computed in less is not kept.
const LOOKUP_US: u64 = 10;
const QUESTIONS_A_US: u64 = 2;

/// The layout of the directory. Another one lies beside it, and is left alone.
const LAYOUT: &str = "v2";

/// Says to backup programs that nothing here is worth keeping; see bford.info/cachedir.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Outputs of tool calls of stepwell. They can be deleted at any time.\n";

/// How a cache is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most bytes it takes on disk, roughly. Beyond it, what was of no use for longest goes,
    /// down to four fifths.
    pub bytes_max: u64,
    /// By what this machine knows its own records again.
    pub key: MachineKey,
    /// Which records of other machines are believed.
    pub trust: Trust,
}

/// Outputs of calls, kept by what the calls observed. Many threads and processes may share the
/// same directory.
#[derive(Debug)]
pub struct Cache {
    pub(crate) blobs: Blobs,
    pub(crate) index: Index,
    pub(crate) options: Options,
    pub(crate) flights: Flights,
    pub(crate) remote: Option<Remote>,
    root: PathBuf,
    seen: Mutex<HashMap<Digest, Record>>,
    sets: Mutex<HashMap<Digest, Arc<QuestionSet>>>,
    tally: Mutex<Tally>,
}

/// What a call observed, and what it said: to be kept.
pub(crate) struct Observed<'a> {
    pub(crate) observations: &'a [(Question, Digest)],
    pub(crate) kind: Output,
    pub(crate) output: &'a [u8],
    pub(crate) cost_us: u64,
    pub(crate) origin: Option<&'a Origin>,
}

impl Options {
    /// 5 GiB, half of what the caches of hosted runners hold for a whole repository; nobody else's
    /// records.
    pub fn new(key: MachineKey) -> Self {
        Self { bytes_max: 5 << 30, key, trust: Trust::default() }
    }
}

impl Cache {
    /// Opens the cache in `directory`, or makes one there.
    ///
    /// # Errors
    ///
    /// When the directory cannot be written. A damaged cache is no error: see [`Cache::start`].
    pub fn open(directory: &Path, options: Options) -> Result<Self, CacheError> {
        let root = directory.join(LAYOUT);
        fs::create_dir_all(&root).map_err(CacheError::file(&root))?;
        let tag = directory.join("CACHEDIR.TAG");
        if !tag.exists() {
            fs::write(&tag, CACHE_TAG).map_err(CacheError::file(&tag))?;
        }
        Ok(Self {
            blobs: Blobs::open(&root)?,
            index: Index::open(&root)?,
            options,
            flights: Flights::open(&root)?,
            remote: None,
            root,
            seen: Mutex::default(),
            sets: Mutex::default(),
            tally: Mutex::default(),
        })
    }

    /// What was there when it was opened, or why it had to begin afresh since.
    pub fn start(&self) -> Start {
        self.index.start()
    }

    /// The output of the call, if one is kept that saw what the call would see in `view`.
    ///
    /// Whatever is wrong with the cache is a miss.
    pub fn lookup(&self, call: &Call, view: &View) -> Lookup {
        let found = self.find_kept(call, view);
        let mut tally = lock(&self.tally);
        match &found {
            Ok((hit, record)) => {
                tally.note_hit(call, record, hit.origin.is_some());
                self.note_seen(record);
            }
            Err(_) => tally.of(call).misses += 1,
        }
        let is_full = tally.used.len() + tally.tools.len() >= NOTED_MAX;
        drop(tally);
        if is_full {
            self.write_tally();
        }
        match found {
            Ok((hit, _)) => Lookup::Hit(hit),
            Err(why) => Lookup::Miss(why),
        }
    }

    fn find_kept(&self, call: &Call, view: &View) -> Result<(Hit, Record), Why> {
        let Kept { record, origin, .. } = self.locate(call, view, true)?;
        let output = match self.blobs.get(&record.output) {
            Blob::Whole(output) => output,
            Blob::Missing => return Err(self.forget(record.observed, "the lost output")),
            Blob::Damaged => return Err(self.forget(record.observed, "the output")),
        };
        Ok((Hit { output, kind: record.kind, cost_us: record.cost_us, origin }, record))
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
        call: &Call,
        observations: &[(Question, Digest)],
        kind: Output,
        output: &[u8],
        cost_us: u64,
    ) -> Result<Stored, CacheError> {
        lock(&self.tally).note_run(call, cost_us);
        if cost_us < LOOKUP_US + observations.len() as u64 / QUESTIONS_A_US {
            return Ok(Stored::Refused(Refused::Cheap));
        }
        self.keep(call, &Observed { observations, kind, output, cost_us, origin: None })
    }

    pub(crate) fn keep(&self, call: &Call, seen: &Observed<'_>) -> Result<Stored, CacheError> {
        if seen.output.len() as u64 > BLOB_BYTES_MAX {
            return Ok(Stored::Refused(Refused::TooLarge));
        }
        let (set, text, answers) = match observed::sort(seen.observations) {
            Ok(sorted) => sorted,
            Err(refused) => return Ok(Stored::Refused(refused)),
        };
        // Blobs before the record that names them: a crash leaves a blob too many, never one too
        // few.
        let digest = self.blobs.put(&text)?;
        let record = Record {
            call: call.key().digest(),
            questions: digest,
            observed: answers.key(call.key(), digest),
            output: self.blobs.put(seen.output)?,
            bytes: seen.output.len() as u64,
            kind: seen.kind,
            cost_us: seen.cost_us,
        };
        let entry = Entry {
            call,
            record,
            origin: seen.origin,
            set: &Set { digest, answers },
            set_bytes: text.len() as u64,
        };
        // What was used before decides what makes room.
        self.write_tally();
        let stored = self.index.with(|connection| entry.keep(connection, self.beliefs()))?;
        self.remember(set);
        lock(&self.tally).used.insert(record.observed, record);
        self.note_seen(&record);
        self.make_room()?;
        Ok(stored)
    }

    /// Why the call would miss now; `None` if it would hit. Changes nothing.
    pub fn why(&self, call: &Call, view: &View) -> Option<Why> {
        self.locate(call, view, false).err()
    }

    /// How much is kept.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn stat(&self) -> Result<Stat, CacheError> {
        self.index.with(|connection| index::stat(connection))
    }

    /// What the cache did for each tool, at most a thousand of them.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn by_tool(&self) -> Result<Vec<ToolStat>, CacheError> {
        self.write_tally();
        self.index.with(|connection| index::by_tool(connection))
    }

    /// Which records of other machines are believed.
    pub fn trust(&self) -> &Trust {
        &self.options.trust
    }

    /// The directory of this layout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn beliefs(&self) -> Beliefs<'_> {
        Beliefs { key: &self.options.key, trust: &self.options.trust }
    }

    /// The records that this process has made or used, as many as one signature covers.
    pub(crate) fn used(&self) -> Vec<Record> {
        lock(&self.seen).values().copied().collect()
    }

    /// A miss that another machine's output made a hit.
    pub(crate) fn count_shared_hit(&self, call: &Call, record: &Record) {
        let mut tally = lock(&self.tally);
        let misses = &mut tally.of(call).misses;
        *misses = misses.saturating_sub(1);
        tally.note_hit(call, record, true);
    }

    fn note_seen(&self, record: &Record) {
        let mut seen = lock(&self.seen);
        if seen.len() < LEAVES_MAX {
            seen.insert(record.observed, *record);
        }
    }

    /// Finds the record that answers the call. The view is asked the questions of one set after
    /// the other, without holding any lock.
    fn locate(&self, call: &Call, view: &View, heal: bool) -> Result<Kept, Why> {
        let beliefs = self.beliefs();
        let component = call.identity().component;
        let known = self.read(|connection| Known::read(connection, call, beliefs))?;
        if known.is_volatile {
            return Err(Why::Volatile);
        }
        let deadline = Deadline::after(LOOKUP_TIME_MAX);
        let mut reason = None;
        for set in known.sets {
            let Some(questions) = self.questions(set.digest) else {
                reason.get_or_insert(Why::Damaged("a question set"));
                if heal {
                    let call = call.key().digest();
                    self.read(|connection| Known::forget_set(connection, call, set.digest))?;
                }
                continue;
            };
            let answers = evaluate(&questions.questions, view, deadline).ok_or(Why::TooLong)?;
            let observed = answers.key(call.key(), set.digest);
            let serve = |connection: &_| Kept::serve(connection, observed, component, beliefs);
            let miss = match self.read(serve)? {
                Served::Yes(kept) => return Ok(kept),
                Served::Unproven => Why::Unproven,
                Served::Missing => difference(&set, &questions, &answers),
            };
            reason.get_or_insert(miss);
        }
        Err(reason.unwrap_or(Why::NeverSeen))
    }

    /// The questions of a set, from memory or from its blob.
    pub(crate) fn questions(&self, digest: Digest) -> Option<Arc<QuestionSet>> {
        if let Some(set) = lock(&self.sets).get(&digest) {
            return Some(Arc::clone(set));
        }
        let Blob::Whole(text) = self.blobs.get(&digest) else { return None };
        Some(self.remember(QuestionSet::read(&text, digest)?))
    }

    pub(crate) fn remember(&self, set: QuestionSet) -> Arc<QuestionSet> {
        let mut sets = lock(&self.sets);
        if sets.len() >= SETS_KNOWN_MAX {
            sets.clear();
        }
        Arc::clone(sets.entry(set.digest).or_insert_with(|| Arc::new(set)))
    }

    /// Writes down what was used and how often. It is only about what is evicted first and what
    /// `stat` says, so a cache that cannot be written now does without.
    pub(crate) fn write_tally(&self) {
        let tally = std::mem::take(&mut *lock(&self.tally));
        if !tally.is_empty() {
            let _written = self.index.with(|connection| tally.write(connection)).is_ok();
        }
    }

    /// Forgets a record that cannot be served, and says so.
    pub(crate) fn forget(&self, observed: Digest, what: &'static str) -> Why {
        match self.read(|connection| Kept::forget(connection, observed)) {
            Ok(()) => Why::Damaged(what),
            Err(why) => why,
        }
    }

    pub(crate) fn read<T>(
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
        self.shrink(self.options.bytes_max / 5 * 4)
    }

    /// Shrinks it to at most `low` bytes: what was of no use for longest goes.
    pub(crate) fn shrink(&self, low: u64) -> Result<(), CacheError> {
        self.write_tally();
        evict(&self.index, &self.blobs, low)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.write_tally();
        self.index.shorten_log();
    }
}

/// The answers that the view gives now; `None` if that takes too long.
pub(crate) fn evaluate(
    questions: &Arc<[Question]>,
    view: &View,
    deadline: Deadline,
) -> Option<Answers> {
    /// The clock is asked once in so many questions.
    const STRIDE: usize = 1024;
    let mut answers = Vec::with_capacity(questions.len());
    for start in (0..questions.len()).step_by(STRIDE) {
        if deadline.has_passed() {
            return None;
        }
        let end = questions.len().min(start + STRIDE);
        answers.extend(view.answer_digests(questions, start..end));
    }
    Some(answers.into_iter().collect())
}

/// What is other than when the set was last kept.
fn difference(set: &Set, questions: &QuestionSet, now: &Answers) -> Why {
    let changed = || {
        let at = set.answers.first_difference(now)?;
        let question = questions.questions.get(at)?.clone();
        Some(Changed { question, before: set.answers.get(at)?, now: now.get(at)? })
    };
    changed().map_or(Why::Evicted, |changed| Why::Changed(Box::new(changed)))
}

/// What is behind these locks is only ever complete: a panic elsewhere leaves it usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
