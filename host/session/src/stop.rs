//! Why a run is over.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::budget::{Resource, Work};
use crate::verdict::Binding;

/// Who asked the process to end.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Ctrl-C, or a CI that cancels.
    Interrupt,
    /// A CI that is about to kill.
    Terminate,
}

/// Whether the same request may succeed later.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The provider or the way to it: try again.
    Provider,
    /// The key or the plan: somebody must act first.
    Account,
    /// The request itself: the same request fails again.
    Request,
}

/// Why a run is over. Exactly one a run, always the last event.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "id", rename_all = "kebab-case")]
pub enum StopReason {
    /// The step did what it was asked to do.
    Done,
    /// A patch was proposed, and the gates refused it to the end.
    GateRefused,
    /// A patch left the gates, and the tests fail with it.
    TestsFailed,
    /// A patch left the gates, and the tests could not be run.
    TestsNotRun,
    /// The model ended without an analysis.
    NoUsefulResult,
    /// A work ran out of time.
    TimeBudget {
        /// Which.
        work: Work,
    },
    /// The next request could have cost more than is left.
    SpendBudget {
        /// Which work asked.
        work: Work,
        /// What ran out.
        resource: Resource,
    },
    /// The model went on calling tools after it was told to wrap up.
    CallBudget {
        /// Which work asked.
        work: Work,
    },
    /// A scope beyond the step (its pull request, its repository, the day…) bears no request more.
    ScopeBudget {
        /// Which.
        scope: String,
    },
    /// The ledger could not be asked what may be spent, so nothing may be.
    LedgerFailed,
    /// A value check of the step says that it is not worth going on.
    ValueCheck {
        /// Which.
        check: String,
    },
    /// A value check of the step, or a gate, wants a human to decide.
    ApprovalNeeded {
        /// Which check; or which gate, where `bound` is there.
        check: String,
        /// What the approval of a gate must be bound to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<Binding>,
    },
    /// The CI job is about to be killed.
    JobDeadline,
    /// No model could be had; another run may succeed.
    ModelUnavailable {
        /// The last failure's code.
        code: String,
    },
    /// The provider refuses the key, the plan or the request.
    ModelRefused {
        /// The failure's code.
        code: String,
    },
    /// Somebody ended the process; the same command goes on from here.
    Cancelled {
        /// Who.
        signal: Signal,
    },
}

impl StopReason {
    /// The stable name that pipelines branch on.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::GateRefused => "gate-refused",
            Self::TestsFailed => "tests-failed",
            Self::TestsNotRun => "tests-not-run",
            Self::NoUsefulResult => "no-useful-result",
            Self::TimeBudget { .. } => "time-budget",
            Self::SpendBudget { .. } => "spend-budget",
            Self::CallBudget { .. } => "call-budget",
            Self::ScopeBudget { .. } => "scope-budget",
            Self::LedgerFailed => "ledger-failed",
            Self::ValueCheck { .. } => "value-check",
            Self::ApprovalNeeded { .. } => "approval-needed",
            Self::JobDeadline => "job-deadline",
            Self::ModelUnavailable { .. } => "model-unavailable",
            Self::ModelRefused { .. } => "model-refused",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether another attempt could get further: what the model, the gates and the step's own
    /// rules concluded stays concluded.
    pub fn is_open(&self) -> bool {
        match self {
            // A model that does not wrap up would be told the same again.
            Self::Done
            | Self::GateRefused
            | Self::TestsFailed
            | Self::TestsNotRun
            | Self::NoUsefulResult
            | Self::CallBudget { .. }
            | Self::ValueCheck { .. } => false,
            Self::TimeBudget { .. }
            | Self::SpendBudget { .. }
            | Self::ScopeBudget { .. }
            | Self::LedgerFailed
            | Self::ApprovalNeeded { .. }
            | Self::JobDeadline
            | Self::ModelUnavailable { .. }
            | Self::ModelRefused { .. }
            | Self::Cancelled { .. } => true,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::GateRefused => write!(f, "the gates refused the patch"),
            Self::TestsFailed => write!(f, "the tests fail with the patch"),
            Self::TestsNotRun => write!(f, "the tests of the patch could not be run"),
            Self::NoUsefulResult => write!(f, "the model ended without an analysis"),
            Self::TimeBudget { work } => write!(f, "out of time: {work}"),
            Self::SpendBudget { work, resource } => {
                let what = match resource {
                    Resource::Tokens => "tokens",
                    Resource::Spend => "money",
                    Resource::StepSpend => "money for the step",
                    Resource::Calls => "calls",
                };
                write!(f, "out of {what}: {work}")
            }
            Self::CallBudget { work } => write!(f, "out of tool calls: {work}"),
            Self::ScopeBudget { scope } => write!(f, "out of money for the {scope}"),
            Self::LedgerFailed => write!(f, "the ledger failed, and nothing may be spent"),
            Self::ValueCheck { check } => write!(f, "the check `{check}` ended the run"),
            Self::ApprovalNeeded { check, bound: None } => {
                write!(f, "the check `{check}` needs an approval")
            }
            Self::ApprovalNeeded { check, bound: Some(_) } => {
                write!(f, "the gate `{check}` needs an approval")
            }
            Self::JobDeadline => write!(f, "the CI job is about to end"),
            Self::ModelUnavailable { code } => write!(f, "no model could be had ({code})"),
            Self::ModelRefused { code } => write!(f, "the provider refused ({code})"),
            Self::Cancelled { signal: Signal::Interrupt } => write!(f, "interrupted"),
            Self::Cancelled { signal: Signal::Terminate } => write!(f, "terminated"),
        }
    }
}
