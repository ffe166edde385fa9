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
/// A run that is replayed comes out otherwise.
pub(crate) const DIVERGED: u8 = 41;

/// The gates refuse a patch.
pub(crate) const REFUSED: u8 = 10;
/// A person must say so first.
pub(crate) const APPROVAL: u8 = 11;
/// Artifacts that somebody changed.
pub(crate) const UNTRUSTED: u8 = 50;

/// What a run's end means for a pipeline.
pub(crate) fn code(result: &RunResult) -> u8 {
    of_stop(&result.stop_reason)
}

/// What the end of a run for that reason means.
pub(crate) fn of_stop(reason: &StopReason) -> u8 {
    match reason {
        StopReason::Done => DONE,
        StopReason::GateRefused => REFUSED,
        StopReason::TestsFailed => 12,
        StopReason::NoUsefulResult => 13,
        StopReason::TestsNotRun => 14,
        StopReason::ValueCheck { .. } => 15,
        StopReason::ApprovalNeeded { .. } => APPROVAL,
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
