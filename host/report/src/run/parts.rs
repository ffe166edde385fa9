//! The parts that a run is made of.

use serde::Serialize;
use session::budget::{Price, Usage, Work};
use session::event::{CallDigests, CallUsage, TestsEnding, ToolGrants};
use session::{CallId, FailureClass, PatchFile, Phase, Source, StopReason, TestsSaid, Verdict};

use super::kept::Kept;
use super::patch::FileChange;

/// What a run is about.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// The step's name.
    pub step: String,
    /// Digest of everything that the run depends on.
    pub key: String,
    /// The program's version.
    pub version: String,
    /// Who answers: `offline`, `script` or `openai`.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// What the step is about.
    pub head: String,
    /// What it is compared with.
    pub base: Option<String>,
    /// The tools, by name, with the digests of their components.
    pub tools: Vec<(String, String)>,
    /// What each of them may see.
    pub grants: Vec<ToolGrants>,
    /// What the model costs.
    pub price: Price,
    /// What guards the tools, in one line.
    pub isolation: String,
    /// What its pipeline said of itself.
    pub pipeline: session::Pipeline,
}

/// A stretch of time. Moments are as the module says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span<T> {
    /// Of what.
    pub what: T,
    /// When it began.
    pub begin: u64,
    /// When it ended, or the last record was written.
    pub end: u64,
}

/// A life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// When it began.
    pub begin: u64,
    /// The same in milliseconds since 1970.
    pub time_ms: u64,
    /// The number of its first record.
    pub seq: u64,
}

/// A call of a tool as the model made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The provider's name for it.
    pub call_id: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Kept,
    /// The call that was carried out for it; none where the host answered at once.
    pub call: Option<CallId>,
}

/// How a try of a turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum TurnState {
    /// Not yet, or never: its process ended before.
    Open,
    /// Its response completed.
    Completed,
    /// It failed.
    Failed {
        /// Whether it may succeed later; none where it was given up here.
        class: Option<FailureClass>,
        /// The failure's stable name.
        code: String,
        /// What was said.
        message: String,
    },
}

/// A try of a turn.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    /// Which turn, counted from 1.
    pub number: u32,
    /// Which try of it, counted from 1.
    pub try_number: u32,
    /// The number of the record that set its worst case aside.
    pub seq: u64,
    /// When that was.
    pub begin: u64,
    /// When it left.
    pub requested: Option<u64>,
    /// When the first sign of its response was written down: a call, or its end.
    pub first: Option<u64>,
    /// When it was over.
    pub end: Option<u64>,
    /// How it ended.
    pub state: TurnState,
    /// Whose ceilings it counts against.
    pub work: Work,
    /// Tokens that were set aside.
    pub reserved_tokens: u64,
    /// Millionths of a dollar that were set aside.
    pub reserved: u64,
    /// Whether the model was told to come to an end.
    pub wrap_up: bool,
    /// The provider's name for the response.
    pub response_id: Option<String>,
    /// What the model wrote.
    pub text: Kept,
    /// What it called.
    pub asked: Vec<Asked>,
    /// What the provider counted.
    pub usage: Option<Usage>,
    /// Tokens that were charged.
    pub tokens: u64,
    /// Millionths of a dollar that were charged, those beyond any budget included.
    pub spend: u64,
    /// Whether the provider said so; otherwise it is the most it can have been.
    pub known: bool,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum CallState {
    /// Not yet, or never: its process ended before.
    Open,
    /// The tool answered.
    Answered,
    /// The tool, or the door before it, said no.
    Refused,
    /// The host ended it.
    Ended {
        /// The ending's stable name.
        ending: String,
    },
}

/// A line that a tool wrote to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// `debug`, `info` or `warning`.
    pub level: String,
    /// As written.
    pub line: Kept,
}

/// Another machine that had computed an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// The domain of the shared cache.
    pub domain: String,
    /// The public key that signed it.
    pub signer: String,
    /// The run that it was signed in.
    pub run: String,
}

/// A call that was carried out.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Which.
    pub id: CallId,
    /// The same for people: `turn2.1`.
    pub name: String,
    /// The tool.
    pub tool: String,
    /// Its arguments: JSON, if all is well.
    pub arguments: Kept,
    /// The number of the record that started it.
    pub seq: u64,
    /// When that was.
    pub begin: u64,
    /// When its answer came.
    pub end: Option<u64>,
    /// How it ended.
    pub state: CallState,
    /// What was answered, or said instead.
    pub output: Kept,
    /// Where that came from.
    pub source: Option<Source>,
    /// What it took.
    pub usage: CallUsage,
    /// What it was made of.
    pub digests: CallDigests,
    /// Why the cache could not answer.
    pub missed: Option<String>,
    /// Who else had computed it.
    pub shared: Option<Shared>,
    /// What it was refused, as it would stand in the step file.
    pub denied: Vec<String>,
    /// What it wrote to the log, the first lines.
    pub log: Vec<LogLine>,
}

/// A pause before a try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// Before which turn.
    pub turn: u32,
    /// Why.
    pub code: String,
    /// When it began.
    pub begin: u64,
    /// Milliseconds that were to be waited.
    pub for_ms: u64,
}

/// A round of the step's own tests.
#[derive(Debug, Clone, Serialize)]
pub struct TestRound {
    /// 0 without a patch, then counted from 1.
    pub round: u32,
    /// The number of the record that started it.
    pub seq: u64,
    /// When that was.
    pub begin: u64,
    /// When they were over.
    pub end: Option<u64>,
    /// How.
    pub ending: Option<TestsEnding>,
    /// What they said.
    pub said: Option<TestsSaid>,
}

/// A patch that was judged.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    /// The number of the record that judged it.
    pub seq: u64,
    /// When that was.
    pub at: u64,
    /// The call that proposed it.
    pub call: CallId,
    /// What the model gave as its reason.
    pub why: Kept,
    /// The patch as the model wrote it.
    pub diff: Kept,
    /// What of it is a patch.
    pub changes: Vec<FileChange>,
    /// Why it may not leave; none when it may.
    pub problem: Option<String>,
    /// Its digest in canonical form.
    pub digest: Option<String>,
    /// What it touches.
    pub files: Vec<PatchFile>,
    /// What each gate found.
    pub verdicts: Vec<Verdict>,
}

/// What was spent, and what was set aside, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SpendPoint {
    /// When.
    pub at: u64,
    /// Millionths of a dollar that were charged so far.
    pub spend: u64,
    /// Tokens that were charged so far.
    pub tokens: u64,
    /// Millionths of a dollar that are set aside beyond those.
    pub reserved: u64,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// The same for people.
    pub said: String,
    /// When.
    pub at: u64,
    /// Where the step stood.
    pub phase: Phase,
}

/// How much a record matters to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It went as it should.
    Plain,
    /// Somebody should know.
    Warning,
    /// Something failed.
    Error,
}

/// A record in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventLine {
    /// Its number.
    pub seq: u64,
    /// When it was written.
    pub at: u64,
    /// Which life of the process wrote it.
    pub attempt: u32,
    /// `heard`, `decided`, `noted`, or `unknown`.
    pub kind: &'static str,
    /// A stable word.
    pub word: &'static str,
    /// The rest.
    pub text: String,
    /// How much it matters.
    pub level: Level,
}
