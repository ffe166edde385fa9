//! What comes of a lookup and of a store.

use std::fmt;

use snapshot::Question;

/// What a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The output of a call that saw what this one would see.
    Hit(Hit),
    /// No such output.
    Miss(Why),
}

/// A kept output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The bytes, as they were stored.
    pub output: Vec<u8>,
    /// What they are.
    pub kind: Output,
    /// What computing them took, in microseconds.
    pub cost_us: u64,
}

/// What an output is. Nothing else is a function of what was observed, so nothing else is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// What the tool answered.
    Answer,
    /// The tool's own reason not to.
    Refusal,
}

/// Why there is no hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No such call was kept.
    NeverSeen,
    /// This answer is another one than when such a call was last kept.
    Changed(Box<Question>),
    /// All answers are the same, but the output was evicted.
    Evicted,
    /// The tool has given two outputs for the same answers: its outputs are not served.
    Volatile,
    /// What was kept was not what had been stored. It has been set aside.
    Damaged(&'static str),
    /// The cache could not be read; the text says why.
    Unreadable(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverSeen => f.write_str("not called like this before"),
            Self::Changed(question) => write!(f, "{question} changed"),
            Self::Evicted => f.write_str("its output was evicted"),
            Self::Volatile => f.write_str("its outputs differ for the same input"),
            Self::Damaged(what) => write!(f, "{what} was damaged"),
            Self::Unreadable(reason) => write!(f, "the cache could not be read: {reason}"),
        }
    }
}

/// What came of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is kept now.
    New,
    /// The same output was kept before.
    Known,
    /// Another output was kept for the same answers, now or earlier: none is served any more.
    Volatile,
    /// It is not kept.
    Refused(Refused),
}

/// Why an output is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The call asked more questions than are worth asking again.
    TooManyQuestions,
    /// The output, or the text of the questions, is larger than what is kept.
    TooLarge,
    /// This question had two answers in one call.
    Unstable(Box<Question>),
}

/// What was found when the cache was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing; it is empty.
    Fresh,
    /// A cache.
    Existing,
    /// An index that could not be used, and why. It was set aside, and the cache is empty.
    Rebuilt(String),
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    /// Calls known.
    pub calls: u64,
    /// Sets of questions known.
    pub sets: u64,
    /// Outputs that can be hit.
    pub entries: u64,
    /// Files under their digest.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Calls that are not served, because their outputs differ.
    pub volatile: u64,
}
