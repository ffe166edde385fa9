//! What a run took, counted from its records: the same whether they were just written or read
//! back.

use session::budget::Money;
use session::event::{Decision, Event, Input, Note, Record};
use session::{Accounting, Source};

/// The books of a run.
#[derive(Debug)]
pub(crate) struct Books {
    accounting: Accounting,
    attempt: u32,
    attempt_ms: u64,
    spent: Money,
    answers: u32,
    turns: u32,
}

impl Books {
    pub(crate) fn new(isolation: String) -> Self {
        Self {
            accounting: Accounting { isolation, ..Accounting::default() },
            attempt: 0,
            attempt_ms: 0,
            spent: Money::ZERO,
            answers: 0,
            turns: 0,
        }
    }

    /// What is done already, for an attempt that begins now: turns, calls, and what the turns
    /// cost.
    pub(crate) fn done(&self) -> (u32, u32, Money) {
        (self.turns, self.answers, self.spent)
    }

    pub(crate) fn enter(&mut self, record: &Record) {
        if record.attempt != self.attempt {
            add(&mut self.accounting.wall_ms, self.attempt_ms);
            self.accounting.links = 0;
            self.attempt = record.attempt;
        }
        self.attempt_ms = record.at_ms;
        self.accounting.run.clone_from(&record.run);
        match &record.event {
            Event::Heard(input) => self.heard(input),
            Event::Decided(decision) => self.decided(decision),
            Event::Noted(note) => self.noted(note),
        }
    }

    fn heard(&mut self, input: &Input) {
        match input {
            Input::CallAnswered { source, usage, .. } => {
                self.answers += 1;
                self.accounting.calls_fresh += u32::from(*source != Source::Cache);
                self.accounting.calls_cached += u32::from(*source == Source::Cache);
                add(&mut self.accounting.cache_saved_us, usage.saved_us);
                add(&mut self.accounting.log_lines_dropped, usage.log_dropped);
            }
            Input::TurnCompleted { usage, .. } => {
                self.turns += 1;
                let counted = usage.unwrap_or_default();
                add(&mut self.accounting.input_tokens, counted.input);
                add(&mut self.accounting.input_tokens_cached, counted.cached_input);
            }
            Input::TurnFailed { code, message, .. } => {
                self.accounting.last_failure = Some(format!("{code}: {message}"));
            }
            Input::TestsFinished { facts, .. } => {
                let isolation = facts.as_ref().and_then(|facts| facts.isolation.clone());
                self.accounting.tests_isolation =
                    isolation.or(self.accounting.tests_isolation.take());
            }
            Input::AttemptStarted { .. }
            | Input::TurnRequested { .. }
            | Input::CallReceived { .. }
            | Input::PatchJudged { .. }
            | Input::TestsJudged { .. }
            | Input::ScopeRefused { .. }
            | Input::LedgerFailed { .. }
            | Input::Approved { .. }
            | Input::DeadlinePassed { .. }
            | Input::Cancelled { .. } => {}
        }
    }

    fn decided(&mut self, decision: &Decision) {
        match decision {
            Decision::TurnCharged { spend, known: true, excess, .. } => {
                self.spent.0 = self.spent.0.saturating_add(spend.0).saturating_add(excess.0);
            }
            Decision::TurnReserved { .. }
            | Decision::TurnCharged { known: false, .. }
            | Decision::PhaseEntered { .. }
            | Decision::TestsStarted { .. }
            | Decision::CallStarted { .. }
            | Decision::TurnRetried { .. }
            | Decision::AnalysisTaken { .. }
            | Decision::TestsCounted { .. }
            | Decision::Warned { .. }
            | Decision::Lowered { .. }
            | Decision::ApprovalVoid { .. }
            | Decision::Stopped { .. } => {}
        }
    }

    fn noted(&mut self, note: &Note) {
        match note {
            Note::Resumed { turns, calls, spend } => {
                self.accounting.resumed_turns = *turns;
                self.accounting.resumed_calls = *calls;
                self.accounting.resumed_spend = *spend;
            }
            Note::LinkOpened { .. } => self.accounting.links += 1,
            Note::CacheShared { .. } => self.accounting.calls_shared += 1,
            Note::OutputCut { bytes, shown, kept, .. } => {
                self.accounting.outputs_cut += 1;
                if kept.is_none() {
                    add(&mut self.accounting.output_bytes_lost, bytes.saturating_sub(*shown));
                }
            }
            Note::RunStarted { .. }
            | Note::Inherited { .. }
            | Note::LeaseTaken { .. }
            | Note::FellBack { .. }
            | Note::LinkLost { .. }
            | Note::ToolLogged { .. }
            | Note::Denied { .. }
            | Note::CacheMissed { .. }
            | Note::Warned { .. } => {}
        }
    }

    /// The accounting, with what the rules counted.
    pub(super) fn close(&self, rules: Accounting) -> Accounting {
        let own = self.accounting.clone();
        Accounting {
            run: own.run,
            attempts: self.attempt,
            wall_ms: own.wall_ms.saturating_add(self.attempt_ms),
            last_attempt_ms: self.attempt_ms,
            calls_fresh: own.calls_fresh,
            calls_cached: own.calls_cached,
            calls_shared: own.calls_shared,
            input_tokens: own.input_tokens,
            input_tokens_cached: own.input_tokens_cached,
            cache_saved_us: own.cache_saved_us,
            resumed_turns: own.resumed_turns,
            resumed_calls: own.resumed_calls,
            resumed_spend: own.resumed_spend,
            links: own.links,
            last_failure: own.last_failure,
            outputs_cut: own.outputs_cut,
            output_bytes_lost: own.output_bytes_lost,
            log_lines_dropped: own.log_lines_dropped,
            isolation: own.isolation,
            tests_isolation: own.tests_isolation,
            ..rules
        }
    }
}

/// Numbers come from servers, from other machines and from clocks that jump: a sum stays at the most.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_number_of_a_server_is_too_large_for_the_books() {
        let most = u64::MAX;
        let usage = json!({ "input": most, "cached-input": most, "output": most });
        let turn = json!({ "type": "turn-completed", "turn": 1, "response_id": "r", "items": [],
            "calls": [], "text": "", "usage": usage });
        let input: Input = serde_json::from_value(turn).unwrap();
        let mut books = Books::new(String::new());
        books.heard(&input);
        books.heard(&input);
        let accounting = books.close(Accounting::default());
        assert_eq!((accounting.input_tokens, accounting.input_tokens_cached), (most, most));
    }
}
