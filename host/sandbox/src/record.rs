//! What a call asked, and what it was told: the part of a call that makes its answer cacheable.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use snapshot::{Digest, Question};

use crate::limits::Limits;
use crate::outcome::{Ending, Stop};

/// Bytes of all questions of a call. Paths are guests' strings and may be long; this is room for
/// [`Limits::MAX`] questions of 80 bytes, and far beyond for usual numbers.
const QUESTION_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The questions of one call and their first answers.
#[derive(Debug)]
pub(crate) struct Record {
    limits: Limits,
    calls: u64,
    read_bytes: u64,
    question_bytes: u64,
    failed: bool,
    // Invariant: the first number counts the entries in the order they came.
    pins: BTreeMap<Question, (usize, Digest)>,
}

impl Record {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            calls: 0,
            read_bytes: 0,
            question_bytes: 0,
            failed: false,
            pins: BTreeMap::new(),
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// Whether some answer says nothing of the repository, only of the machine.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// Admits a question, before anything is done to answer it.
    pub(crate) fn admit(&mut self, question: &Question) -> Result<(), Stop> {
        let Limits { host_calls, questions, .. } = self.limits;
        if self.calls >= host_calls {
            return Err(Stop(Ending::TooManyHostCalls { limit: host_calls }));
        }
        self.calls += 1;
        if !self.pins.contains_key(question) {
            self.question_bytes = self.question_bytes.saturating_add(weight(question));
            if self.pins.len() as u64 >= questions || self.question_bytes > QUESTION_BYTES_MAX {
                return Err(Stop(Ending::TooManyQuestions { limit: questions }));
            }
        }
        Ok(())
    }

    /// Notes the answer. The first one to a question stands: a different one ends the call.
    pub(crate) fn note(
        &mut self,
        question: Question,
        digest: Digest,
        bytes: u64,
        failed: bool,
    ) -> Result<(), Stop> {
        self.failed |= failed;
        let next = self.pins.len();
        match self.pins.entry(question) {
            Entry::Vacant(entry) => {
                entry.insert((next, digest));
            }
            Entry::Occupied(entry) if entry.get().1 != digest => {
                let question = crate::translate::in_words(entry.key());
                return Err(Stop(Ending::Unstable { question }));
            }
            Entry::Occupied(_) => {}
        }
        self.read_bytes = self.read_bytes.saturating_add(bytes);
        if self.read_bytes > self.limits.read_bytes {
            return Err(Stop(Ending::ReadTooMuch { limit: self.limits.read_bytes }));
        }
        Ok(())
    }

    /// The questions with their answers' digests, in the order of first asking.
    pub(crate) fn into_observations(self) -> Vec<(Question, Digest)> {
        let mut pins: Vec<_> = self.pins.into_iter().collect();
        pins.sort_by_key(|(_, (order, _))| *order);
        pins.into_iter().map(|(question, (_, digest))| (question, digest)).collect()
    }
}

/// Roughly the bytes a question takes.
fn weight(question: &Question) -> u64 {
    let strings = crate::translate::strings(question);
    strings.map(|text| text.len() as u64 + 24).sum::<u64>() + 32
}

#[cfg(test)]
mod tests {
    use snapshot::Tree;

    use super::*;

    fn content(path: &str) -> Question {
        Question::Content { tree: Tree::Head, path: path.to_owned() }
    }

    #[test]
    fn the_first_answer_stands() {
        let mut record = Record::new(&Limits::default());
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        record.note(content("b"), one, 1, false).unwrap();
        record.note(content("a"), two, 1, false).unwrap();
        record.note(content("b"), one, 1, false).unwrap();
        let Stop(ending) = record.note(content("a"), one, 1, false).unwrap_err();
        assert_eq!(
            ending.to_string(),
            "the repository changed while it was read: the content of `a`"
        );
        assert_eq!(record.into_observations(), [(content("b"), one), (content("a"), two)]);
    }

    #[test]
    fn long_questions_are_few() {
        let mut record = Record::new(&Limits::default());
        let mut admitted = 0;
        let ending = loop {
            let question = content(&format!("{admitted}{}", "x".repeat(1024 * 1024)));
            match record.admit(&question) {
                Ok(()) => record.note(question, Digest::of(b""), 0, false).unwrap(),
                Err(Stop(ending)) => break ending,
            }
            admitted += 1;
        };
        assert_eq!(ending, Ending::TooManyQuestions { limit: 10_000 });
        assert_eq!(admitted, 7);
    }

    #[test]
    fn a_failure_to_read_is_remembered() {
        let mut record = Record::new(&Limits::default());
        record.note(content("a"), Digest::of(b""), 0, true).unwrap();
        record.note(content("b"), Digest::of(b""), 0, false).unwrap();
        assert!(record.failed());
    }
}
