//! Records as claims that can be tested: a tool is deterministic, so running it again on the same
//! answers proves a record right or wrong.

use std::collections::BTreeMap;

use snapshot::{Digest, Question, View};

use crate::blobs::Blob;
use crate::cache::evaluate;
use crate::clock::Deadline;
use crate::index::{self, Entry, Kept, Set};
use crate::observed::{self, Answers, QuestionSet};
use crate::{Cache, CacheError, Call, Origin, Output, Record, Stored};

/// Records looked at in one go.
const PAGE: u32 = 1_000;

/// Records that a cache is reckoned to have at most.
const RECORDS_MAX: usize = 2_000_000;

/// Asking the questions of a claim again may not take longer.
const EVALUATION_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// A record, with what it takes to test it.
#[derive(Debug, Clone)]
pub struct Testimony {
    /// The call.
    pub call: Call,
    /// What is claimed of it.
    pub record: Record,
    /// Who claims it; none for this machine.
    pub origin: Option<Origin>,
    set: QuestionSet,
}

impl Testimony {
    pub(crate) fn new(
        call: Call,
        record: Record,
        origin: Option<Origin>,
        set: QuestionSet,
    ) -> Option<Self> {
        let fits = record.call == call.key().digest() && record.questions == set.digest;
        fits.then_some(Self { call, record, origin, set })
    }

    /// What the call asked.
    pub fn questions(&self) -> &[Question] {
        &self.set.questions
    }

    /// Whether the view answers every question as the record claims it was answered: only then can
    /// it be tested there.
    pub fn holds_in(&self, view: &View) -> bool {
        let deadline = Deadline::after(EVALUATION_TIME_MAX);
        let answers = evaluate(&self.set.questions, view, deadline);
        answers.is_some_and(|answers| self.is_for(&answers))
    }

    /// Whether a run that saw the same gave what the record claims: the same questions, the same
    /// output.
    pub fn agrees_with(
        &self,
        observations: &[(Question, Digest)],
        kind: Output,
        output: &[u8],
    ) -> bool {
        let Ok((set, _, answers)) = observed::sort(observations) else { return false };
        set.digest == self.record.questions
            && self.is_for(&answers)
            && kind == self.record.kind
            && Digest::of(output) == self.record.output
    }

    fn is_for(&self, answers: &Answers) -> bool {
        answers.key(self.call.key(), self.set.digest) == self.record.observed
    }
}

impl Cache {
    /// Up to `most` of the records that are believed, chosen by `seed`.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn testimonies(&self, most: usize, seed: u64) -> Result<Vec<Testimony>, CacheError> {
        // The smallest of digests that nobody can foresee are a fair sample.
        let mut chosen: BTreeMap<Digest, Kept> = BTreeMap::new();
        let context = "stepwell 2026-11 sample v1";
        self.visit(|kept| {
            let parts: [&[u8]; 2] = [&seed.to_le_bytes(), kept.record.observed.as_bytes()];
            chosen.insert(Digest::derive(context, &parts), kept);
            if chosen.len() > most {
                chosen.pop_last();
            }
        })?;
        Ok(chosen.into_values().filter_map(|kept| self.testimony(kept)).collect())
    }

    /// The record of this machine under `observed`, if it is believed.
    pub fn testimony_of(&self, observed: Digest) -> Option<Testimony> {
        let beliefs = self.beliefs();
        let kept = self.read(|connection| Kept::read(connection, observed, beliefs)).ok()??;
        self.testimony(kept)
    }

    fn testimony(&self, kept: Kept) -> Option<Testimony> {
        let identity = |connection: &_| index::identity(connection, kept.record.call);
        let call = self.read(identity).ok()??;
        if !kept.is_believed(call.identity().component, self.beliefs()) {
            return None;
        }
        let set = self.questions(kept.record.questions)?;
        Testimony::new(call, kept.record, kept.origin, QuestionSet::clone(&set))
    }

    /// The output that a record names, if it is here and whole.
    pub fn output_of(&self, record: &Record) -> Option<Vec<u8>> {
        match self.blobs.get(&record.output) {
            Blob::Whole(output) => Some(output),
            Blob::Missing | Blob::Damaged => None,
        }
    }

    /// Forgets a record that was found to be wrong.
    pub fn condemn(&self, record: &Record) {
        let _why = self.forget(record.observed, "a record");
    }

    /// Keeps a claim of others that is believed, without testing it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn import(&self, testimony: &Testimony, output: &[u8]) -> Result<Stored, CacheError> {
        let Testimony { call, record, origin, set } = testimony;
        let text = set.text();
        let questions = self.blobs.put(&text)?;
        self.blobs.put(output)?;
        let entry = Entry {
            call,
            record: *record,
            origin: origin.as_ref(),
            // Which answers it had is told by its key alone.
            set: &Set { digest: questions, answers: Answers::default() },
            set_bytes: text.len() as u64,
        };
        self.index.with(|connection| entry.keep(connection, self.beliefs()))
    }

    /// Every record that `is_wanted`.
    pub(crate) fn every_record(&self, is_wanted: impl Fn(&Kept) -> bool) -> Vec<Record> {
        let mut records = Vec::new();
        let visited = self.visit(|kept| {
            if is_wanted(&kept) {
                records.push(kept.record);
            }
        });
        // What could be read before the index failed is still right.
        drop(visited);
        records
    }

    /// Looks at every row, in pages, so that nobody waits for the index meanwhile.
    pub(crate) fn visit(&self, mut look: impl FnMut(Kept)) -> Result<(), CacheError> {
        let beliefs = self.beliefs();
        let mut after = None;
        for _ in 0..RECORDS_MAX / PAGE as usize {
            let read = |connection: &mut _| Kept::page(connection, after, PAGE, beliefs);
            let page = self.index.with(read)?;
            let Some(last) = page.last() else { break };
            after = Some(last.record.observed);
            page.into_iter().for_each(&mut look);
        }
        Ok(())
    }
}
