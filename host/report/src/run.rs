//! A run as its trace tells it: one pass over the records, and everything that is told of a run is
//! told from what it gathers.
//!
//! Moments are milliseconds of work: those of earlier attempts, and since this one began. The pause
//! between two attempts is not counted.

mod kept;
mod parts;
mod patch;
mod reading;
mod turns;

use serde::Serialize;
use session::budget::{Budgets, Spent, Work};
use session::{Analysis, Phase};
use trace::{Chain, Damage};

pub(crate) use kept::beginning;
pub use kept::{EVENTS_MAX, Kept, TEXT_BYTES_MAX, TEXTS_BYTES_MAX};
pub use parts::{
    About, Asked, Attempt, Call, CallState, EventLine, Level, LogLine, Proposal, Shared, Span,
    SpendPoint, Stop, TestRound, Turn, TurnState, Wait,
};
pub use patch::{FileChange, Hunk, PatchLine, Side, changes_of};

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// What it is about; none where the trace does not say.
    pub about: Option<About>,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// When its last record was written.
    pub end_ms: u64,
    /// Lives of the process.
    pub attempts: Vec<Attempt>,
    /// How long it stood where.
    pub phases: Vec<Span<Phase>>,
    /// What each work took.
    pub works: Vec<WorkTook>,
    /// Money for the whole step, at most; none where the trace does not say.
    pub step_spend: Option<u64>,
    /// Every try of every turn.
    pub turns: Vec<Turn>,
    /// Every call that was carried out.
    pub calls: Vec<Call>,
    /// Pauses before a try.
    pub waits: Vec<Wait>,
    /// Every round of the step's own tests.
    pub tests: Vec<TestRound>,
    /// Every patch that was judged.
    pub patches: Vec<Proposal>,
    /// The analysis that counts.
    pub analysis: Option<Analysis>,
    /// What was spent and set aside, whenever that changed.
    pub spend: Vec<SpendPoint>,
    /// Why it is over; none where it is not.
    pub stop: Option<Stop>,
    /// Every record in a line, the first [`EVENTS_MAX`] of them.
    #[serde(skip)]
    pub events: Vec<EventLine>,
    /// Records in all.
    pub records: u64,
    /// Those of them that a newer program wrote, and this one does not know.
    pub unknown: u64,
    /// Bytes after the last whole line: the process died while it wrote them.
    pub torn: u64,
    /// Links to the model that were opened.
    pub links: u32,
}

/// What a work took, and what it may take.
#[derive(Debug, Clone, Serialize)]
pub struct WorkTook {
    /// Which.
    pub work: Work,
    /// Milliseconds.
    pub time_ms: u64,
    /// Tokens and money that were charged, and calls that were started.
    pub spent: Spent,
    /// The most it may take; none where the trace does not say.
    pub ceiling: Option<session::budget::Ceiling>,
}

impl Run {
    /// Reads a trace.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn read(trace: &[u8]) -> Result<Self, Damage> {
        let mut chain = Chain::new(trace);
        let mut reading = reading::Reading::new();
        for line in chain.by_ref() {
            reading.take(line?.told);
        }
        Ok(reading.done(chain.torn()))
    }

    /// The same with the ceilings of the step, for a trace that does not say them.
    #[must_use]
    pub fn with_budgets(mut self, budgets: &Budgets) -> Self {
        self.step_spend = Some(budgets.step_spend.0);
        for took in &mut self.works {
            took.ceiling = Some(*budgets.of(took.work));
        }
        self
    }

    /// Tokens, money and calls in all.
    pub fn total(&self) -> Spent {
        let mut sum = Spent::default();
        for WorkTook { spent, .. } in &self.works {
            sum.tokens = sum.tokens.saturating_add(spent.tokens);
            sum.spend.0 = sum.spend.0.saturating_add(spent.spend.0);
            sum.calls = sum.calls.saturating_add(spent.calls);
        }
        sum
    }

    /// What the caches of answers saved.
    pub fn cache(&self) -> CacheTook {
        let mut took = CacheTook::default();
        for call in &self.calls {
            match call.source {
                Some(session::Source::Cache) => {
                    took.cached += 1;
                    took.shared += u64::from(call.shared.is_some());
                    took.saved_us = took.saved_us.saturating_add(call.usage.saved_us);
                }
                Some(session::Source::Fresh) => {
                    took.fresh += 1;
                    took.ran_us = took.ran_us.saturating_add(call.usage.wall_us);
                }
                Some(session::Source::Host) | None => {}
            }
        }
        for usage in self.turns.iter().filter_map(|turn| turn.usage) {
            took.input = took.input.saturating_add(usage.input);
            took.input_cached = took.input_cached.saturating_add(usage.cached_input);
        }
        took.input_saved = self.about.as_ref().map_or(0, |about| {
            let less = about.price.input.0.saturating_sub(about.price.cached_input.0);
            u64::try_from(u128::from(took.input_cached) * u128::from(less) / 1_000_000)
                .unwrap_or(u64::MAX)
        });
        took
    }

    /// The patch that left the gates: the last that they let out.
    pub fn patch(&self) -> Option<&Proposal> {
        self.patches.iter().rev().find(|proposal| proposal.problem.is_none())
    }

    /// The tests without a patch, and those with the patch that left.
    pub fn tests_before_and_after(&self) -> (Option<&TestRound>, Option<&TestRound>) {
        let before = self.tests.iter().find(|round| round.round == 0);
        let judged = self.patch().map(|proposal| proposal.seq);
        let after = self
            .tests
            .iter()
            .rev()
            .find(|round| round.round > 0 && judged.is_some_and(|judged| round.seq > judged));
        (before, after)
    }

    /// Milliseconds from the first request to the first sign of its response; none where none came.
    pub fn first_response_ms(&self) -> Option<u64> {
        self.turns.iter().find_map(|turn| turn.first?.checked_sub(turn.requested?))
    }

    /// The stop reason's stable name; `unfinished` where there is none.
    pub fn ending(&self) -> &'static str {
        self.stop.as_ref().map_or("unfinished", |stop| stop.reason.id())
    }
}

/// What was answered by caches, and what that saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CacheTook {
    /// Calls answered by a tool that ran.
    pub fresh: u64,
    /// Calls answered by the cache.
    pub cached: u64,
    /// Those of them that another machine had computed.
    pub shared: u64,
    /// Microseconds that tools ran.
    pub ran_us: u64,
    /// Microseconds that tools did not have to run.
    pub saved_us: u64,
    /// Tokens sent to the model.
    pub input: u64,
    /// Those of them that its provider had read before.
    pub input_cached: u64,
    /// Millionths of a dollar that those would have cost more.
    pub input_saved: u64,
}
