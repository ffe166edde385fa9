//! The right to work on a run.

use std::time::Duration;

use crate::RunId;

/// The longest that a lease is given for. What says that it ends later was written under a wrong
/// clock, and is not believed: a process that is alive renews.
pub const TTL_MAX: Duration = Duration::from_hours(1);

/// The right to spend on a run, until another process takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    run: RunId,
    fence: u64,
}

impl Lease {
    pub(crate) fn new(run: RunId, fence: u64) -> Self {
        Self { run, fence }
    }

    /// Which run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The fencing number: each lease of a run has a higher one than those before it.
    pub fn fence(&self) -> u64 {
        self.fence
    }
}
