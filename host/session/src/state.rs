//! Where a step can stand, and what it holds there.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::budget::{Resource, Work};
use crate::call::{Answer, Call, CallId, ModelCall};
use crate::event::TestsEnding;
use crate::stop::StopReason;

/// How far a step has come. It only ever goes forward.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// The plan stands.
    Init,
    /// The model can be asked.
    ContextReady,
    /// There is an analysis.
    Analyzed,
    /// There is a patch that the gates let out.
    PatchProposed,
    /// The patch was tested.
    Tested,
    /// The step is over, and did what it was asked to do.
    Done,
}

impl Phase {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::ContextReady => "CONTEXT_READY",
            Self::Analyzed => "ANALYZED",
            Self::PatchProposed => "PATCH_PROPOSED",
            Self::Tested => "TESTED",
            Self::Done => "DONE",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the session is doing.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// No process took the run up yet.
    Fresh,
    /// The step's own tests run without a patch.
    TestingBefore,
    /// What they said is being read.
    ReadingBefore { call: Call, ending: TestsEnding },
    /// The context tools run.
    GatheringContext { slots: Vec<Slot> },
    /// The model is asked, or about to be.
    Asking(Asking),
    /// A response completed, and its calls are being answered.
    Answering(Answering),
    /// The run is over; what it was doing when it stopped, for the attempt that resumes it.
    Stopped { reason: StopReason, held: Box<Self> },
}

/// A turn that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) turn: u32,
    /// Counts every try of this turn, over all attempts.
    pub(crate) try_number: u32,
    /// Calls of this turn so far, over all tries: an answer that comes late answers nobody else.
    pub(crate) calls: u32,
    /// Failures in this attempt.
    pub(crate) failures: u32,
    /// Milliseconds waited before tries in this attempt.
    pub(crate) waited_ms: u64,
    /// Why the model was told to come to an end, if it was.
    pub(crate) wrap_up: Option<Near>,
    /// The most output tokens that every scope bears, where one said so in this attempt.
    pub(crate) lowered: Option<u64>,
    /// How often that happened.
    pub(crate) lowerings: u32,
    pub(crate) stage: Stage,
    /// Calls that were started before the response completed, by the provider's id.
    pub(crate) early: BTreeMap<String, Slot>,
}

/// What comes near its ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Near {
    Time,
    Calls,
    Tokens,
    Spend,
    StepSpend,
}

impl Near {
    /// Why the run is over when the model does not come to an end.
    pub(crate) fn reason(self, work: Work) -> StopReason {
        let spend = |resource| StopReason::SpendBudget { work, resource };
        match self {
            Self::Time => StopReason::TimeBudget { work },
            Self::Calls => StopReason::CallBudget { work },
            Self::Tokens => spend(Resource::Tokens),
            Self::Spend => spend(Resource::Spend),
            Self::StepSpend => spend(Resource::StepSpend),
        }
    }
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The worst case is set aside; nothing has left.
    Reserved,
    /// It may have reached the provider.
    Sent { at: u64 },
    /// Its response has begun; when it last made progress.
    Streaming { progress_at: u64 },
}

/// A completed turn whose calls are being answered.
#[derive(Debug, Clone)]
pub(crate) struct Answering {
    pub(crate) turn: u32,
    /// In the order of the response.
    pub(crate) slots: Vec<Slot>,
}

/// A call and how far it has come.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) id: CallId,
    pub(crate) asked: ModelCall,
    pub(crate) progress: Progress,
}

/// How far a call has come.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// A tool runs.
    Running,
    /// The gates look at its patch.
    Judging,
    /// The step's own tests run with its patch.
    Testing { round: u32, again: u32 },
    /// What they said is being read.
    Reading { round: u32, again: u32, call: Call, ending: TestsEnding },
    /// A gate looks at what they said, which the conversation gets.
    Weighing { round: u32, said: serde_json::Value },
    /// This is what the conversation gets.
    Answered(String),
}

impl Slot {
    pub(crate) fn call(&self) -> Call {
        Call { id: self.id, tool: self.asked.tool.clone(), arguments: self.asked.arguments.clone() }
    }

    /// Takes an answer, if that is what this call waits for.
    pub(crate) fn take(&mut self, id: CallId, answer: &Answer) {
        if self.id == id && matches!(self.progress, Progress::Running) {
            self.progress = Progress::Answered(answer.for_model());
        }
    }

    pub(crate) fn answered(&self) -> Option<&str> {
        match &self.progress {
            Progress::Answered(output) => Some(output),
            Progress::Running
            | Progress::Judging
            | Progress::Testing { .. }
            | Progress::Reading { .. }
            | Progress::Weighing { .. } => None,
        }
    }

    fn is_testing(&self) -> bool {
        match self.progress {
            Progress::Testing { .. } | Progress::Reading { .. } | Progress::Weighing { .. } => true,
            Progress::Running | Progress::Judging | Progress::Answered(_) => false,
        }
    }
}

impl State {
    /// Which ceilings count, given how far the step has come.
    pub(crate) fn work(&self, phase: Phase) -> Work {
        match self {
            Self::TestingBefore | Self::ReadingBefore { .. } => Work::Verify,
            Self::Answering(answering) if answering.slots.iter().any(Slot::is_testing) => {
                Work::Verify
            }
            Self::Fresh
            | Self::GatheringContext { .. }
            | Self::Asking(_)
            | Self::Answering(_)
            | Self::Stopped { .. } => match phase {
                Phase::Init => Work::Context,
                Phase::ContextReady => Work::Analyze,
                Phase::Analyzed | Phase::PatchProposed | Phase::Tested | Phase::Done => Work::Patch,
            },
        }
    }
}
