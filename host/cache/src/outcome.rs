//! What comes of a lookup and of a store.

use std::fmt;

use serde::{Deserialize, Serialize};
use snapshot::{Digest, Question};

use crate::Origin;

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
    /// Where they came from, if not from a call on this machine.
    pub origin: Option<Origin>,
}

/// What an output is. Nothing else is a function of what was observed, so nothing else is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// What the tool answered.
    Answer,
    /// The tool's own reason not to.
    Refusal,
}

impl Output {
    /// How it is written in the index and under a signature.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Answer => 0,
            Self::Refusal => 1,
        }
    }
}

/// An answer that is another one than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// To which question.
    pub question: Question,
    /// The digest of the answer that was kept.
    pub before: Digest,
    /// The digest of the answer that is given now.
    pub now: Digest,
}

/// Why there is no hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No such call was kept.
    NeverSeen,
    /// This answer is another one than when such a call was last kept: the first such answer.
    Changed(Box<Changed>),
    /// All answers are the same, but the output was evicted.
    Evicted,
    /// The tool has given two outputs for the same answers: its outputs are not served.
    Volatile,
    /// It was kept by somebody who is not believed here: another machine, or one whose signature
    /// does not count any more.
    Unproven,
    /// Asking its questions again takes longer than is waited.
    TooLong,
    /// What was kept was not what had been stored. It has been set aside.
    Damaged(&'static str),
    /// The cache could not be read; the text says why.
    Unreadable(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverSeen => f.write_str("not called like this before"),
            Self::Changed(changed) => write!(f, "{} changed", changed.question),
            Self::Evicted => f.write_str("its output was evicted"),
            Self::Volatile => f.write_str("its outputs differ for the same input"),
            Self::Unproven => f.write_str("who kept its output is not trusted here"),
            Self::TooLong => f.write_str("asking again what it asked takes too long"),
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
    /// The tool gave another output for the same answers, now or earlier: nothing of it is served
    /// any more.
    Volatile,
    /// Another output was believed for the same answers because of who signed it. What was
    /// computed here stands.
    Contradicted(Box<Origin>),
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
    /// Computing it takes no longer than looking it up.
    Cheap,
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
    /// Those of them that came from other machines.
    pub foreign: u64,
    /// Files under their digest.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Tools that are not served, because their outputs differ.
    pub volatile: u64,
}

/// What the cache did for one tool, since it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolStat {
    /// What the model calls it.
    pub name: String,
    /// Its component.
    pub component: Digest,
    /// Calls that were answered.
    pub hits: u64,
    /// Those of them that another machine had computed.
    pub shared_hits: u64,
    /// Calls that were not.
    pub misses: u64,
    /// Microseconds that the hits did not take again.
    pub saved_us: u64,
    /// Bytes of their outputs.
    pub saved_bytes: u64,
    /// Runs whose time is known.
    pub runs: u64,
    /// Their microseconds.
    pub run_us: u64,
}

impl Default for ToolStat {
    fn default() -> Self {
        Self {
            name: String::new(),
            component: Digest::from_bytes([0; 32]),
            hits: 0,
            shared_hits: 0,
            misses: 0,
            saved_us: 0,
            saved_bytes: 0,
            runs: 0,
            run_us: 0,
        }
    }
}
