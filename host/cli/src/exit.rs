//! The exit codes. A number is never used again for something else.

use session::budget::Resource;
use session::{RunResult, Signal, StopReason};

/// All is well.
pub(crate) const DONE: u8 = 0;
/// Something of ours failed.
pub(crate) const INTERNAL: u8 = 1;
/// The command line or a file of the user cannot be used.
pub(crate) const USAGE: u8 = 2;
/// A journal does not fit this program or these inputs.
pub(crate) const JOURNAL: u8 = 40;

/// What a run's end means for a pipeline.
pub(crate) fn code(result: &RunResult) -> u8 {
    match &result.stop_reason {
        StopReason::Done => DONE,
        StopReason::GateRefused => 10,
        StopReason::TestsFailed => 12,
        StopReason::NoUsefulResult => 13,
        StopReason::TestsNotRun => 14,
        StopReason::ValueCheck { .. } => 15,
        StopReason::ApprovalNeeded { .. } => 11,
        StopReason::TimeBudget { .. } => 20,
        StopReason::SpendBudget {
            resource: Resource::Tokens | Resource::Spend | Resource::StepSpend,
            ..
        } => 21,
        StopReason::SpendBudget { resource: Resource::Calls, .. }
        | StopReason::CallBudget { .. } => 22,
        StopReason::ScopeBudget { .. } => 23,
        StopReason::JobDeadline => 24,
        StopReason::ModelUnavailable { .. } => 30,
        StopReason::ModelRefused { .. } => 31,
        StopReason::LedgerFailed => 32,
        StopReason::Cancelled { signal: Signal::Interrupt } => 130,
        StopReason::Cancelled { signal: Signal::Terminate } => 143,
    }
}
