//! What a call observed: its questions in their one order, and the answers to them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use snapshot::{Digest, Question};

use crate::{CallKey, Refused};

/// More questions than this take longer to ask again than most tools take to run.
pub(crate) const QUESTIONS_MAX: usize = 50_000;

/// What the text of the questions may take.
pub(crate) const SET_BYTES_MAX: usize = 8 << 20;

/// Questions, sorted and each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuestionSet {
    pub(crate) questions: Arc<[Question]>,
    pub(crate) digest: Digest,
}

/// Answers in the order of the questions, as bytes: 32 of them each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers(pub(crate) Vec<u8>);

/// Sorts what a call observed into questions and answers, and the text that the set is kept as.
pub(crate) fn sort(
    observations: &[(Question, Digest)],
) -> Result<(QuestionSet, Vec<u8>, Answers), Refused> {
    let mut sorted: BTreeMap<&Question, Digest> = BTreeMap::new();
    for (question, answer) in observations {
        match sorted.entry(question) {
            Entry::Occupied(known) if known.get() != answer => {
                return Err(Refused::Unstable(Box::new(question.clone())));
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(unknown) => {
                unknown.insert(*answer);
            }
        }
    }
    if sorted.len() > QUESTIONS_MAX {
        return Err(Refused::TooManyQuestions);
    }
    let questions: Vec<Question> = sorted.keys().copied().cloned().collect();
    let text = serde_json::to_vec(&questions).expect("questions are plain data");
    if text.len() > SET_BYTES_MAX {
        return Err(Refused::TooLarge);
    }
    let set = QuestionSet { questions: questions.into(), digest: Digest::of(&text) };
    Ok((set, text, sorted.into_values().collect()))
}

impl QuestionSet {
    /// The set that somebody else kept as `text`: only if it is written as we write it, each
    /// question once and in order, because the digest of the text is part of a key.
    pub(crate) fn read_foreign(text: &[u8], digest: Digest) -> Option<Self> {
        if text.len() > SET_BYTES_MAX || Digest::of(text) != digest {
            return None;
        }
        let set = Self::read(text, digest)?;
        let is_sorted = set.questions.is_sorted_by(|one, next| one < next);
        let is_ours = is_sorted && set.questions.len() <= QUESTIONS_MAX;
        (is_ours && set.text() == text).then_some(set)
    }

    /// The text that the set is kept as.
    pub(crate) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(&*self.questions).expect("questions are plain data")
    }

    /// The set that was kept as `text`; `None` if it could not have been.
    pub(crate) fn read(text: &[u8], digest: Digest) -> Option<Self> {
        let questions: Vec<Question> = serde_json::from_slice(text).ok()?;
        Some(Self { questions: questions.into(), digest })
    }
}

impl Answers {
    /// The key under which the output for these answers is kept.
    pub(crate) fn key(&self, call: CallKey, set: Digest) -> Digest {
        let call = call.digest();
        let parts: [&[u8]; 3] = [call.as_bytes(), set.as_bytes(), &self.0];
        Digest::derive("stepwell 2026-11 observed key v1", &parts)
    }

    /// The answers, one by one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Digest> {
        let digest = |bytes: &[u8]| bytes.try_into().map_or(Digest::of(bytes), Digest::from_bytes);
        self.0.chunks_exact(32).map(digest)
    }

    /// The answer at a place.
    pub(crate) fn get(&self, place: usize) -> Option<Digest> {
        self.iter().nth(place)
    }

    /// The first place where other answers stand.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<usize> {
        let (mine, theirs) = (self.0.chunks(32), other.0.chunks(32));
        mine.zip(theirs).position(|(mine, theirs)| mine != theirs)
    }
}

impl FromIterator<Digest> for Answers {
    fn from_iter<T: IntoIterator<Item = Digest>>(answers: T) -> Self {
        let answers = answers.into_iter();
        let mut bytes = Vec::with_capacity(answers.size_hint().0.saturating_mul(32));
        for answer in answers {
            bytes.extend_from_slice(answer.as_bytes());
        }
        Self(bytes)
    }
}
