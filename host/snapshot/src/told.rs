//! What one call was told: the first answer to a question stands.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::memo::Known;
use crate::{Answer, Digest, Question, View};

/// Answers kept for the second time they are asked for; beyond it they are read again.
const PINNED_BYTES_MAX: usize = 64 << 20;

/// Missing grants that are remembered: what comes after them is mostly more of the same.
const DENIED_MAX: usize = 16;

/// Bytes that are remembered of each: a path may be long, and hostile.
const DENIED_BYTES_MAX: usize = 512;

/// What was answered. Bounded in number and in bytes.
#[derive(Debug, Default)]
pub(crate) struct Told {
    answers: HashMap<Question, Known>,
    bytes: usize,
    /// What belongs among the answers as soon as anything more is asked. After a hit nothing is.
    unsorted: Vec<Batch>,
    denied: BTreeSet<String>,
}

/// A part of a set of questions, and the answers to it in its order.
#[derive(Debug)]
struct Batch {
    questions: Arc<[Question]>,
    part: Range<usize>,
    digests: Vec<Digest>,
}

impl Told {
    /// What stands as the answer to `question`.
    pub(crate) fn get(&mut self, question: &Question) -> Option<&Known> {
        self.sort();
        self.answers.get(question)
    }

    /// Remembers an answer, unless there was one before; returns the digest that stands.
    pub(crate) fn pin(&mut self, question: &Question, known: Known) -> Digest {
        self.sort();
        let Known { digest, answer } = known;
        let weight = answer.as_deref().map_or(0, Answer::weight);
        let keep = answer.filter(|_| self.bytes + weight <= PINNED_BYTES_MAX);
        let full = self.answers.len() >= View::QUESTIONS_MAX;
        match self.answers.entry(question.clone()) {
            Entry::Occupied(mut entry) => {
                let Known { digest: stands, answer: kept } = entry.get_mut();
                if *stands == digest && kept.is_none() && keep.is_some() {
                    *kept = keep;
                    self.bytes += weight;
                }
                *stands
            }
            Entry::Vacant(_) if full => digest,
            Entry::Vacant(entry) => {
                self.bytes += keep.as_ref().map_or(0, |_| weight);
                entry.insert(Known { digest, answer: keep });
                digest
            }
        }
    }

    /// Whether none of these questions, each of which is there once, was answered.
    pub(crate) fn is_news(&self, questions: &Arc<[Question]>, part: &Range<usize>) -> bool {
        let is_before = |batch: &Batch| {
            Arc::ptr_eq(&batch.questions, questions) && batch.part.end <= part.start
        };
        self.answers.is_empty() && self.unsorted.iter().all(is_before)
    }

    /// Remembers the answers to what [is news](Self::is_news).
    pub(crate) fn note(
        &mut self,
        questions: &Arc<[Question]>,
        part: Range<usize>,
        digests: Vec<Digest>,
    ) {
        self.unsorted.push(Batch { questions: Arc::clone(questions), part, digests });
    }

    fn sort(&mut self) {
        for Batch { questions, part, digests } in std::mem::take(&mut self.unsorted) {
            for (question, digest) in questions[part].iter().zip(digests) {
                self.pin(question, Known { digest, answer: None });
            }
        }
    }

    /// Remembers what somebody was refused for want of a grant.
    pub(crate) fn deny(&mut self, missing: &str) {
        if self.denied.len() < DENIED_MAX {
            let end = missing.floor_char_boundary(DENIED_BYTES_MAX);
            self.denied.insert(missing[..end].to_owned());
        }
    }

    /// What was refused, the first few.
    pub(crate) fn denied(&self) -> impl Iterator<Item = &String> {
        self.denied.iter()
    }
}
