//! What a tree was already asked, by whatever call: for answers that cannot change any more.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Answer, Digest, Question};

/// Questions that are remembered of one tree: what a few calls may ask at most.
const QUESTIONS_MAX: usize = 200_000;

/// Bytes of answers that are remembered of one tree; beyond it only their digests are.
const ANSWERS_BYTES_MAX: usize = 64 << 20;

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) digest: Digest,
    /// None where only the digest was asked for, or there was no room.
    pub(crate) answer: Option<Arc<Answer>>,
}

/// The answers of one tree, by grant and question. Bounded: when it is full it starts afresh.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_grant: HashMap<Digest, HashMap<Question, Known>>,
    questions: usize,
    bytes: usize,
}

impl Memo {
    /// What was answered to `question` under `grant`.
    pub(crate) fn get(&self, grant: &Digest, question: &Question) -> Option<Known> {
        self.lock().by_grant.get(grant)?.get(question).cloned()
    }

    /// Remembers an answer; its digest only, where there is no room for all of it.
    pub(crate) fn keep(
        &self,
        grant: Digest,
        question: &Question,
        answer: &Arc<Answer>,
        digest: Digest,
    ) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.questions >= QUESTIONS_MAX {
            *inner = Inner::default();
        }
        let weight = answer.weight();
        let keep = Some(Arc::clone(answer)).filter(|_| inner.bytes + weight <= ANSWERS_BYTES_MAX);
        match inner.by_grant.entry(grant).or_default().entry(question.clone()) {
            // Another call was sooner.
            Entry::Occupied(_) => {}
            Entry::Vacant(unknown) => {
                inner.questions += 1;
                inner.bytes += keep.as_ref().map_or(0, |_| weight);
                unknown.insert(Known { digest, answer: keep });
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing is half done while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
