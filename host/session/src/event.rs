//! What is written down.
//!
//! [`Record`] is one line of a journal and of `trace.jsonl`, and the only thing here that others
//! parse. Its rules: a new variant or field may come at any time, and readers skip what they
//! don't know; a variant or field never changes its meaning (the new meaning gets a new name).

use serde::{Deserialize, Serialize};

use crate::budget::Usage;
use crate::budget::{Money, Reservation};
use crate::call::{Answer, Call, CallId, ModelCall, Source};
use crate::outcome::PatchFile;
use crate::state::Phase;
use crate::stop::{FailureClass, Signal, StopReason};
use crate::tested::TestsSaid;
use crate::trust::Trust;
use crate::verdict::{Binding, Verdict};

/// Raised when an old reader would misread a new file.
pub const SCHEMA: u32 = 1;

/// One event, and when it happened.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// The run's name.
    pub run: String,
    /// Which life of the process wrote it, counted from 1.
    pub attempt: u32,
    /// Where the step stood.
    pub phase: Phase,
    /// Counts from 0 without gaps over all attempts, so a reader can tell that a line is missing.
    pub seq: u64,
    /// Milliseconds since this attempt began.
    pub at_ms: u64,
    /// Milliseconds since 1970, by the host's clock.
    pub time_ms: u64,
    /// Digest of the line before, in hex; of the run's name for the first.
    pub prev: String,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The rules were told of it: replaying these in order gives the run again.
    Heard(Input),
    /// The rules made it of what they had heard.
    Decided(Decision),
    /// For readers only.
    Noted(Note),
}

/// What a call took.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallUsage {
    /// Microseconds from the call to its answer.
    pub wall_us: u64,
    /// Fuel, where the tool ran.
    pub fuel: u64,
    /// Bytes of memory at the most.
    pub memory_peak: u64,
    /// Bytes it read.
    pub read_bytes: u64,
    /// Questions it asked of the repository.
    pub questions: u64,
    /// Microseconds that a cached answer once took.
    pub saved_us: u64,
    /// Lines that it wrote to the log beyond what is kept of one.
    #[serde(default)]
    pub log_dropped: u64,
    /// How often it asked the repository, repeated questions included.
    #[serde(default)]
    pub host_calls: u64,
    /// Bytes of what it answered or refused with, before any of it was cut.
    #[serde(default)]
    pub output_bytes: u64,
}

/// What a call was made of, each as a BLAKE3 digest in hex: who has them can tell whether another
/// call was the same, without its bytes.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallDigests {
    /// Of the tool's component; none where the host answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Of the arguments, as the tool gets them; none where no tool got any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Of what it answered or refused with, before any of it was cut; none where it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What the cache knows the call by; none where no cache was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// How a run of the step's own tests ended.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestsEnding {
    /// The command ended by itself; its exit code, where it was not a signal.
    Exited {
        /// 0 for success.
        code: Option<i32>,
    },
    /// The command could not be started.
    NotStarted,
    /// The work's time was used up before it ended.
    TimedOut,
    /// The command went beyond what it may use, and was ended.
    Ended {
        /// What it used too much of.
        limit: TestsLimit,
    },
}

/// What a run of the step's own tests can use too much of.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestsLimit {
    /// Bytes of output.
    Output,
    /// Bytes on the disk.
    Disk,
}

impl TestsLimit {
    /// What the command did, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Output => "it wrote more output than a test command may",
            Self::Disk => "it wrote more files than a test command may",
        }
    }
}

/// What is known of a run of the step's own tests beside what came of it. No decision reads it.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestsFacts {
    /// What guarded the command, in one line; none where it did not run, since the same had run
    /// before and was kept.
    pub isolation: Option<String>,
    /// Bytes of its output.
    pub output_bytes: u64,
    /// The file that holds the output, below the artifacts; none where it could not be kept.
    pub kept: Option<String>,
    /// Bytes of it that are in that file.
    pub kept_bytes: u64,
    /// BLAKE3 in hex of what ran (the tree, the command, its environment) and what came of it (the
    /// ending, the reports); none where the tree could not be read again.
    pub digest: Option<String>,
}

/// What can be late.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deadline {
    /// The time of the work is used up.
    Work,
    /// Nothing came back for a request.
    FirstEvent,
    /// A response stopped getting on.
    Idle,
    /// The CI job is about to be killed.
    Job,
    /// The time condition of a value check may hold now.
    Check,
}

/// What the rules are told.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Input {
    /// A process took the run up. What was under way in the process before it is lost.
    AttemptStarted {
        /// Counted from 1.
        attempt: u32,
    },
    /// The step's own tests are over.
    TestsFinished {
        /// Which round: 0 without a patch, then counted from 1.
        round: u32,
        /// How often the round's command had run before, with the same files.
        #[serde(default, skip_serializing_if = "is_first")]
        again: u32,
        /// How.
        ending: TestsEnding,
        /// Where their reports stand in the snapshot that the tools see from now on.
        reports: Vec<String>,
        /// What readers may want to know of the run, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        facts: Option<TestsFacts>,
    },
    /// A call came back.
    CallAnswered {
        /// Which.
        call: CallId,
        /// What came of it.
        answer: Answer,
        /// Where that came from.
        source: Source,
        /// What it took.
        usage: CallUsage,
        /// What it was made of.
        #[serde(default)]
        digests: CallDigests,
    },
    /// A request is about to leave: from here on it may be billed.
    TurnRequested {
        /// Which turn.
        turn: u32,
        /// Which try of it, counted from 1.
        try_number: u32,
    },
    /// The model called a tool in a response that has not completed yet.
    CallReceived {
        /// The turn it belongs to.
        turn: u32,
        /// The call.
        call: ModelCall,
    },
    /// A response completed.
    TurnCompleted {
        /// Which turn.
        turn: u32,
        /// The provider's name for it.
        response_id: String,
        /// Its items, byte for byte.
        items: Vec<String>,
        /// The calls among them, in order.
        calls: Vec<ModelCall>,
        /// The text among them.
        text: String,
        /// What it took, where the provider said.
        usage: Option<Usage>,
        /// The place in `items` of the last one that stands for everything before it, where the
        /// server compacted the context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compacted_at: Option<u32>,
    },
    /// The ledger bears less than the worst case of the request that is about to leave. Told
    /// before [`Input::TurnRequested`]: nothing was sent.
    ScopeRefused {
        /// Which turn.
        turn: u32,
        /// Whose ceiling it is: `pull-request`, `repository`, `branch`, `workflow`, `day`…
        scope: String,
        /// What that scope still bears.
        left: Money,
    },
    /// The ledger or the store could not be read or written, and nothing was sent: also after
    /// [`Input::TurnRequested`], where the request waited for the store.
    LedgerFailed {
        /// Which turn.
        turn: u32,
        /// Why.
        message: String,
    },
    /// A human let a value check pass, for the rest of the run, or one patch pass a gate. Told
    /// before [`Input::AttemptStarted`], which then goes on where the run stopped.
    Approved {
        /// Which check; or which gate, where it is bound.
        check: String,
        /// Who.
        by: String,
        /// What the approval of a gate counts for; for anything else it is void.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<Binding>,
    },
    /// A request failed, or its response ended short of completion.
    TurnFailed {
        /// Which turn.
        turn: u32,
        /// Whether it may succeed later.
        class: FailureClass,
        /// The failure's stable name.
        code: String,
        /// What the provider or the system said.
        message: String,
        /// Whether the request may have reached the provider.
        sent: bool,
        /// What it took all the same, where the provider said.
        usage: Option<Usage>,
        /// Milliseconds the provider wants us to wait.
        retry_after_ms: Option<u64>,
    },
    /// A patch was parsed, judged and applied in memory, or was not.
    PatchJudged {
        /// The call that proposed it.
        call: CallId,
        /// Why it may not leave; none when it may.
        problem: Option<String>,
        /// Digest of the patch in canonical form; none when it could not be parsed.
        digest: Option<String>,
        /// What it touches.
        files: Vec<PatchFile>,
        /// What each gate found.
        verdicts: Vec<Verdict>,
        /// What an approval of this patch must be bound to; without it none is possible.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<Binding>,
    },
    /// A gate looked at what the step's own tests said of a patch.
    TestsJudged {
        /// Which round, counted from 1.
        round: u32,
        /// What it found.
        verdict: Verdict,
    },
    /// A deadline has passed.
    DeadlinePassed {
        /// Which.
        deadline: Deadline,
    },
    /// Somebody wants the process to end.
    Cancelled {
        /// Who.
        signal: Signal,
    },
}

fn is_first(again: &u32) -> bool {
    *again == 0
}

/// What the rules decide, for readers; the effects themselves are not written down.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Decision {
    /// The step came to a new phase.
    PhaseEntered {
        /// Which.
        phase: Phase,
    },
    /// The step's own tests are to run.
    TestsStarted {
        /// Which round: 0 without a patch, then counted from 1.
        round: u32,
        /// How often the round's command has run before, with the same files.
        #[serde(default, skip_serializing_if = "is_first")]
        again: u32,
    },
    /// A call is to be carried out.
    CallStarted {
        /// The call.
        call: Call,
    },
    /// The worst case of a request was set aside.
    TurnReserved {
        /// Which turn.
        turn: u32,
        /// Which try of it, counted from 1.
        try_number: u32,
        /// The most it may cost.
        reservation: Reservation,
        /// The most tokens its response may have.
        max_output_tokens: u64,
        /// Whether the model was told to come to an end.
        wrap_up: bool,
    },
    /// A request was paid for.
    TurnCharged {
        /// Which turn.
        turn: u32,
        /// Tokens both ways.
        tokens: u64,
        /// Money.
        spend: Money,
        /// Whether the provider said so; otherwise it is the most it can have been.
        known: bool,
        /// Money that the provider said it cost beyond all that was left of the budgets. It is
        /// paid all the same.
        #[serde(default, skip_serializing_if = "Money::is_zero")]
        excess: Money,
    },
    /// A failed request will be tried again.
    TurnRetried {
        /// Which turn.
        turn: u32,
        /// Why.
        code: String,
        /// Milliseconds until then.
        after_ms: u64,
    },
    /// A scope bears less than was set aside: the turn will be asked for with a shorter response.
    Lowered {
        /// Which turn.
        turn: u32,
        /// Which scope.
        scope: String,
        /// The most tokens its response may have now.
        max_output_tokens: u64,
    },
    /// A value check holds. Where it does more than warn, [`Decision::Stopped`] follows.
    Warned {
        /// Which check.
        check: String,
        /// The facts that make it hold.
        because: String,
    },
    /// The model's analysis was taken.
    AnalysisTaken {
        /// How many findings it has.
        findings: u32,
    },
    /// What the step's own tests said.
    TestsCounted {
        /// Which round: 0 without a patch, then counted from 1.
        round: u32,
        /// How often the round's command had run before, with the same files.
        #[serde(default, skip_serializing_if = "is_first")]
        again: u32,
        /// What.
        said: TestsSaid,
    },
    /// An approval counts for nothing here: what it is bound to is not what there is.
    ApprovalVoid {
        /// Of which gate.
        gate: String,
        /// Whose.
        by: String,
        /// Why, in a sentence without a full stop.
        because: String,
    },
    /// The run is over. Always the last event of an attempt that was not killed.
    Stopped {
        /// Why.
        reason: StopReason,
    },
}

/// What a tool may see: what the step grants, within what the tool asks for.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToolGrants {
    /// The tool's name.
    pub tool: String,
    /// Globs of the files that the step grants; none means every file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// Globs of the files that the tool asks for; none means every file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<Vec<String>>,
    /// Names of variables of the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
}

/// What readers should know, and the rules need not.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "the largest one is there once a run")]
pub enum Note {
    /// What the run is about. Always the first record.
    RunStarted {
        /// The step's name.
        step: String,
        /// Digest of everything that the run depends on.
        key: String,
        /// The program's version.
        version: String,
        /// Who answers: `offline`, `script` or `openai`.
        provider: String,
        /// The model's name.
        model: String,
        /// What the step is about.
        head: String,
        /// What it is compared with.
        base: Option<String>,
        /// The tools, by name, with the digests of their components.
        tools: Vec<(String, String)>,
        /// What each of them may see.
        #[serde(default)]
        grants: Vec<ToolGrants>,
        /// What the model costs.
        price: crate::budget::Price,
        /// What guards the tools, in one line.
        isolation: String,
        /// What the run may spend; none in a trace of a program that did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budgets: Option<Box<crate::budget::Budgets>>,
        /// Whose change the run is about; none where that was not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trust: Option<Trust>,
        /// What the pipeline says of itself; none outside of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pipeline: Option<Box<crate::Pipeline>>,
    },
    /// What follows was copied from another run of the step, up to where what changed since first
    /// tells. Always the second record.
    Inherited {
        /// The name of that run.
        run: String,
        /// The parts of its key that changed.
        changed: Vec<String>,
    },
    /// What this attempt found done already.
    Resumed {
        /// Responses that will not be asked for again.
        turns: u32,
        /// Answers that will not be computed again.
        calls: u32,
        /// What those responses cost.
        spend: Money,
    },
    /// The run is this process's in the ledger.
    LeaseTaken {
        /// Higher than that of any process before.
        fence: u64,
    },
    /// A link to the model is open.
    LinkOpened {
        /// How often that happened in this attempt, counted from 1.
        number: u32,
        /// Whether it is to the network, or to a server of our own.
        endpoint: String,
    },
    /// The server has no WebSocket: what follows is asked over HTTP.
    FellBack {
        /// How that showed.
        why: String,
    },
    /// A link to the model is gone.
    LinkLost {
        /// Why.
        why: String,
    },
    /// A tool wrote a line to the log.
    ToolLogged {
        /// The call.
        call: CallId,
        /// `debug`, `info` or `warning`.
        level: String,
        /// As written, not yet cleaned for a terminal.
        line: String,
    },
    /// A call was refused something that is not granted.
    Denied {
        /// The call.
        call: CallId,
        /// What is missing, as it would stand in the step file; the first few.
        missing: Vec<String>,
    },
    /// Why a call could not be answered from the cache.
    CacheMissed {
        /// The call.
        call: CallId,
        /// The first question whose answer changed, or that the call was never seen.
        because: String,
    },
    /// Another machine had computed a call's answer, and somebody who is trusted vouches for it.
    CacheShared {
        /// The call.
        call: CallId,
        /// The domain of the shared cache that it was found in.
        domain: String,
        /// The public key that signed it.
        signer: String,
        /// The run that it was signed in.
        run: String,
    },
    /// An output was longer than what is passed on of one.
    OutputCut {
        /// Whose: a call's, or `tests` and a round.
        of: String,
        /// Bytes of the whole.
        bytes: u64,
        /// Bytes that were passed on.
        shown: u64,
        /// The file that holds the whole, below the artifacts; none where it could not be kept.
        kept: Option<String>,
    },
    /// Something that a person should know, and that stops nothing.
    Warned {
        /// What.
        what: String,
    },
}
