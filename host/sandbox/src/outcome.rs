//! How a call went: plain data that can be sent, stored and shown.

use serde::{Deserialize, Serialize};
use snapshot::{Digest, Question};

/// Everything there is to know of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How it went.
    pub outcome: Outcome,
    /// What it took.
    pub usage: Usage,
    /// What was asked of the repository, each question once, in the order of first asking, with
    /// the digest of its answer. Denied questions are among them: a denial is an answer.
    pub observations: Vec<(Question, Digest)>,
    /// Whether the system failed to read something it was asked for. What a tool makes of that
    /// says nothing of the repository.
    pub read_failed: bool,
    /// What the guest told the people who read the log. Untrusted text: escape before showing.
    pub log: Vec<LogLine>,
    /// Lines that were dropped because the log was full.
    pub log_dropped: u64,
}

/// How a call went. A guest that misbehaves is an outcome, never an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The guest answered: a JSON text of bounded size and depth, byte for byte.
    Answered(String),
    /// The guest said no, and why.
    Refused {
        /// For the model, at most 4 KiB.
        message: String,
    },
    /// We ended the call.
    Ended(Ending),
}

/// What a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Units of work; the same for the same call on every machine.
    pub fuel: u64,
    /// Microseconds from the moment the call got its place.
    pub wall_us: u64,
    /// The most bytes of memory and tables at one time.
    pub memory_peak: u64,
    /// Questions asked, repeated ones included.
    pub host_calls: u64,
    /// Bytes of the repository's answers.
    pub read_bytes: u64,
    /// Bytes of the answer or refusal.
    pub output_bytes: u64,
}

/// A line of the guest's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// What it says, cut at 4 KiB. May hold control characters.
    pub text: String,
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Only when looking for a fault.
    Debug,
    /// In every run.
    Info,
    /// Something the person should act on.
    Warning,
}

/// Why we ended a call. `Display` is for the operator, [`Ending::advice`] for the model.
///
/// No ending is a property of the input and the repository alone (a limit may be raised, a
/// machine may be slow), so none may be cached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Ending {
    /// It worked longer than its fuel lasts.
    #[error("out of fuel: it did more work than the limit of {limit} units")]
    OutOfFuel {
        /// Units of work.
        limit: u64,
    },
    /// It took longer than its time.
    #[error("out of time: it took longer than the limit of {limit_ms} ms")]
    OutOfTime {
        /// Milliseconds.
        limit_ms: u64,
    },
    /// It failed after it was refused memory.
    #[error("out of memory: it needs more than the limit of {limit} bytes")]
    OutOfMemory {
        /// Bytes of all memories and tables.
        limit: u64,
    },
    /// Its functions called each other too deep.
    #[error("out of stack: its calls go deeper than the limit of {limit} bytes")]
    StackExhausted {
        /// Bytes of the stack.
        limit: u64,
    },
    /// It handed out too much at once.
    #[error("its output is larger than the limit of {limit} bytes")]
    OutputTooLarge {
        /// Bytes of one answer.
        limit: u64,
    },
    /// It asked too often.
    #[error("it asked the repository more often than the limit of {limit} times")]
    TooManyHostCalls {
        /// Questions, repeated ones included.
        limit: u64,
    },
    /// It read too much.
    #[error("it read more of the repository than the limit of {limit} bytes")]
    ReadTooMuch {
        /// Bytes of all answers.
        limit: u64,
    },
    /// It asked too many different things.
    #[error("it asked the repository more different questions than the limit of {limit}")]
    TooManyQuestions {
        /// Different questions.
        limit: u64,
    },
    /// It held too many things at a time.
    #[error("it holds more than the limit of {limit} handles at a time")]
    TooManyHandles {
        /// Handles of all kinds.
        limit: u64,
    },
    /// It broke a rule of WebAssembly, or gave up on itself.
    #[error("it trapped: {what}")]
    Trapped {
        /// What the engine says. May hold words of the component.
        what: String,
    },
    /// The same question had two answers within the call.
    #[error("the repository changed while it was read: {question}")]
    Unstable {
        /// The question, in words.
        question: String,
    },
    /// Whoever asked for the call no longer wants it.
    #[error("cancelled")]
    Cancelled,
    /// It answered with something that is not an answer.
    #[error("its answer cannot be used: {why}")]
    BadAnswer {
        /// What is wrong with it.
        why: String,
    },
    /// The call asked for more than a tool can be told. The guest never ran.
    #[error("the input is larger than the limit of {limit} bytes")]
    BadInput {
        /// Bytes of the input.
        limit: u64,
    },
    /// The process that ran it is gone. What it did is not known.
    #[error("the process that ran it was lost: {what}")]
    WorkerLost {
        /// How it ended.
        what: String,
    },
    /// The machine had no memory left to give. The guest did nothing wrong.
    #[error("the machine had no memory left for it")]
    HostShort,
}

impl Report {
    /// Whether the outcome follows from the input and the observations alone, so that it may be
    /// given again instead of a new call.
    pub fn is_cacheable(&self) -> bool {
        match self.outcome {
            Outcome::Answered(_) | Outcome::Refused { .. } => !self.read_failed,
            Outcome::Ended(_) => false,
        }
    }
}

impl Ending {
    /// What the model is told: what happened, with the limit, and what would work instead.
    pub fn advice(&self) -> String {
        let next = match self {
            Self::OutOfFuel { .. } | Self::OutOfTime { .. } => {
                "ask for less: fewer files, a narrower pattern, a smaller range"
            }
            Self::OutOfMemory { .. } | Self::ReadTooMuch { .. } => {
                "ask about fewer or smaller files"
            }
            Self::StackExhausted { .. } => {
                "what it was asked about may be nested too deep: ask about less, or use another tool"
            }
            Self::OutputTooLarge { .. } => {
                "ask for a smaller part: a range, a lower maximum, a narrower pattern"
            }
            Self::TooManyHostCalls { .. }
            | Self::TooManyQuestions { .. }
            | Self::TooManyHandles { .. } => "ask about a smaller part of the repository",
            Self::Trapped { .. } | Self::BadAnswer { .. } | Self::WorkerLost { .. } => {
                "the tool has a fault; the same call will fail again, so use another tool"
            }
            Self::Unstable { .. } | Self::HostShort => "the same call may work when made again",
            Self::BadInput { .. } => "pass less in one call",
            Self::Cancelled => "the step no longer needs this call",
        };
        format!("the tool was stopped: {self}; {next}")
    }
}

/// An [`Ending`] on its way out through the guest's frames.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stop(pub(crate) Ending);

#[cfg(test)]
mod tests {
    use super::*;

    /// Every ending as a model sees it. Read this one when you review a new variant.
    #[test]
    fn gallery() {
        let endings = [
            Ending::OutOfFuel { limit: 1_000 },
            Ending::OutOfTime { limit_ms: 250 },
            Ending::OutOfMemory { limit: 65_536 },
            Ending::StackExhausted { limit: 2_048 },
            Ending::OutputTooLarge { limit: 1_024 },
            Ending::TooManyHostCalls { limit: 10 },
            Ending::ReadTooMuch { limit: 4_096 },
            Ending::TooManyQuestions { limit: 7 },
            Ending::TooManyHandles { limit: 8 },
            Ending::Trapped { what: "integer divide by zero".to_owned() },
            Ending::Unstable { question: "the content of `a.txt`".to_owned() },
            Ending::Cancelled,
            Ending::BadAnswer { why: "it is nested more than 64 deep".to_owned() },
            Ending::BadInput { limit: 4_194_304 },
            Ending::WorkerLost { what: "it was killed".to_owned() },
            Ending::HostShort,
        ];
        let gallery: Vec<String> = endings.iter().map(Ending::advice).collect();
        insta::assert_snapshot!(gallery.join("\n"), @r"
        the tool was stopped: out of fuel: it did more work than the limit of 1000 units; ask for less: fewer files, a narrower pattern, a smaller range
        the tool was stopped: out of time: it took longer than the limit of 250 ms; ask for less: fewer files, a narrower pattern, a smaller range
        the tool was stopped: out of memory: it needs more than the limit of 65536 bytes; ask about fewer or smaller files
        the tool was stopped: out of stack: its calls go deeper than the limit of 2048 bytes; what it was asked about may be nested too deep: ask about less, or use another tool
        the tool was stopped: its output is larger than the limit of 1024 bytes; ask for a smaller part: a range, a lower maximum, a narrower pattern
        the tool was stopped: it asked the repository more often than the limit of 10 times; ask about a smaller part of the repository
        the tool was stopped: it read more of the repository than the limit of 4096 bytes; ask about fewer or smaller files
        the tool was stopped: it asked the repository more different questions than the limit of 7; ask about a smaller part of the repository
        the tool was stopped: it holds more than the limit of 8 handles at a time; ask about a smaller part of the repository
        the tool was stopped: it trapped: integer divide by zero; the tool has a fault; the same call will fail again, so use another tool
        the tool was stopped: the repository changed while it was read: the content of `a.txt`; the same call may work when made again
        the tool was stopped: cancelled; the step no longer needs this call
        the tool was stopped: its answer cannot be used: it is nested more than 64 deep; the tool has a fault; the same call will fail again, so use another tool
        the tool was stopped: the input is larger than the limit of 4194304 bytes; pass less in one call
        the tool was stopped: the process that ran it was lost: it was killed; the tool has a fault; the same call will fail again, so use another tool
        the tool was stopped: the machine had no memory left for it; the same call may work when made again
        ");
    }

    #[test]
    fn a_report_survives_the_way_to_another_process() {
        let report = Report {
            outcome: Outcome::Ended(Ending::OutOfMemory { limit: 5 }),
            usage: Usage { fuel: 7, ..Usage::default() },
            observations: vec![],
            read_failed: false,
            log: vec![LogLine { level: Level::Warning, text: "\u{1b}[2J".to_owned() }],
            log_dropped: 3,
        };
        let json = serde_json::to_string(&report).unwrap();
        insta::assert_snapshot!(json, @r#"{"outcome":{"ended":{"type":"out-of-memory","limit":5}},"usage":{"fuel":7,"wall_us":0,"memory_peak":0,"host_calls":0,"read_bytes":0,"output_bytes":0},"observations":[],"read_failed":false,"log":[{"level":"warning","text":"\u001b[2J"}],"log_dropped":3}"#);
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}
