//! Where a run stands, as far as its records tell: for a line that says what is waited for, and
//! for a live view.

use std::collections::BTreeMap;

use session::budget::{Budgets, Money, Work};
use session::event::{Decision, Event, Input, Note, Record};
use session::{CallId, Phase, Source};

use crate::numbers::{count, span};
use crate::text::Plain;

/// Calls that are named; more are counted.
const NAMED_MAX: usize = 3;

/// Where a run stands.
#[derive(Debug, Clone)]
pub struct Standing {
    budgets: Option<Budgets>,
    work: Work,
    /// When that work began in this attempt, in milliseconds.
    since_ms: u64,
    spend: Money,
    of_work: Money,
    /// The turn that is asked for.
    turn: Option<u32>,
    /// What is waited for before it is asked for again, and until when.
    retry: Option<(u32, u64)>,
    calls: BTreeMap<CallId, String>,
    answered: u64,
    cached: u64,
    tests: bool,
    over: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            budgets: None,
            work: Work::Context,
            since_ms: 0,
            spend: Money::ZERO,
            of_work: Money::ZERO,
            turn: None,
            retry: None,
            calls: BTreeMap::new(),
            answered: 0,
            cached: 0,
            tests: false,
            over: false,
        }
    }
}

impl Standing {
    /// Takes a record.
    pub fn hear(&mut self, record: &Record) {
        match &record.event {
            Event::Heard(input) => self.heard(input, record.at_ms),
            Event::Decided(decision) => self.decided(decision, record.at_ms),
            Event::Noted(Note::RunStarted { budgets, .. }) => {
                self.budgets = budgets.as_deref().copied();
            }
            Event::Noted(_) => {}
        }
    }

    fn heard(&mut self, input: &Input, at_ms: u64) {
        match input {
            Input::AttemptStarted { .. } => {
                // What was under way in the process before is lost, and its time over.
                self.calls.clear();
                (self.turn, self.retry, self.tests, self.over) = (None, None, false, false);
                self.since_ms = at_ms;
            }
            Input::CallAnswered { call, source, .. } => {
                self.calls.remove(call);
                self.answered += 1;
                self.cached += u64::from(*source == Source::Cache);
            }
            Input::TestsFinished { .. } => self.tests = false,
            Input::TurnRequested { turn, .. } => {
                (self.turn, self.retry) = (Some(*turn), None);
            }
            Input::TurnCompleted { .. } | Input::TurnFailed { .. } => self.turn = None,
            Input::CallReceived { .. }
            | Input::ScopeRefused { .. }
            | Input::LedgerFailed { .. }
            | Input::Approved { .. }
            | Input::PatchJudged { .. }
            | Input::TestsJudged { .. }
            | Input::DeadlinePassed { .. }
            | Input::Cancelled { .. } => {}
        }
    }

    fn decided(&mut self, decision: &Decision, at_ms: u64) {
        match decision {
            Decision::PhaseEntered { phase } => self.begin(work_after(*phase), at_ms),
            Decision::TestsStarted { round, .. } => {
                self.tests = true;
                if *round > 0 {
                    self.begin(Work::Verify, at_ms);
                }
            }
            Decision::CallStarted { call } => {
                self.calls.insert(call.id, call.tool.clone());
            }
            Decision::TurnReserved { reservation, .. } => self.begin(reservation.work, at_ms),
            Decision::TurnCharged { spend, .. } => {
                self.spend = Money(self.spend.0.saturating_add(spend.0));
                self.of_work = Money(self.of_work.0.saturating_add(spend.0));
            }
            Decision::TurnRetried { turn, after_ms, .. } => {
                self.retry = Some((*turn, at_ms.saturating_add(*after_ms)));
            }
            Decision::Stopped { .. } => self.over = true,
            Decision::Lowered { .. }
            | Decision::Warned { .. }
            | Decision::ApprovalVoid { .. }
            | Decision::AnalysisTaken { .. }
            | Decision::TestsCounted { .. } => {}
        }
    }

    fn begin(&mut self, work: Work, at_ms: u64) {
        if self.work != work {
            (self.work, self.since_ms, self.of_work) = (work, at_ms, Money::ZERO);
        }
    }

    /// The work that is being done.
    pub fn work(&self) -> Work {
        self.work
    }

    /// What the run waits for now, and how much is left to wait with. None where it waits for
    /// nothing.
    pub fn waits_for(&self, now_ms: u64) -> Option<String> {
        let what = self.doing(now_ms)?;
        Some(match self.budgets {
            Some(budgets) => {
                let whole = budgets.of(self.work).time_ms;
                let left = whole.saturating_sub(now_ms.saturating_sub(self.since_ms));
                format!(
                    "for {what}; at most {} of {} left for {}",
                    span(left),
                    span(whole),
                    self.work
                )
            }
            None => format!("for {what}"),
        })
    }

    fn doing(&self, now_ms: u64) -> Option<String> {
        if self.over {
            return None;
        }
        if let Some((turn, until)) = self.retry {
            let left = until.saturating_sub(now_ms);
            return Some(format!("turn {turn}, which is tried again in {}", span(left)));
        }
        if self.tests {
            return Some("the step's own tests".to_owned());
        }
        let mut names: Vec<String> =
            self.calls.values().take(NAMED_MAX).map(|tool| Plain(tool).to_string()).collect();
        match self.calls.len() {
            0 => self.turn.map(|turn| format!("the model, turn {turn}")),
            all => {
                if all > NAMED_MAX {
                    names.push(format!("{} more", all - NAMED_MAX));
                }
                Some(names.join(", "))
            }
        }
    }

    /// One line on all of it: the work with its time and its money against what it may take, what
    /// is under way, what the cache gave.
    pub fn line(&self, now_ms: u64) -> String {
        let spent = now_ms.saturating_sub(self.since_ms);
        let (time, money) = match &self.budgets {
            Some(budgets) => (
                format!("{} of {}", span(spent), span(budgets.of(self.work).time_ms)),
                format!("{} of {}", self.spend, budgets.step_spend),
            ),
            None => (span(spent), self.spend.to_string()),
        };
        let mut parts = vec![format!("{} {time}", self.work), money];
        if self.answered > 0 {
            let calls = count(self.answered, "call");
            parts.push(format!("{calls}, {} from the cache", self.cached));
        }
        parts.extend(self.doing(now_ms));
        parts.join(" · ")
    }
}

/// What a step works on once it has come to a phase.
fn work_after(phase: Phase) -> Work {
    match phase {
        Phase::Init => Work::Context,
        Phase::ContextReady => Work::Analyze,
        Phase::Analyzed => Work::Patch,
        Phase::PatchProposed | Phase::Tested | Phase::Done => Work::Verify,
    }
}
