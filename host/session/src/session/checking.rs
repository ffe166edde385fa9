//! The step's value checks, held against the facts after every input.

use super::Session;
use crate::check::{Action, CHECKS_MAX, Check, Facts};
use crate::event::Decision;
use crate::outcome::Analysis;
use crate::state::{Stage, State};
use crate::stop::StopReason;

impl Session {
    /// Looks at every check that has not fired, and does what the first ones that hold want.
    pub(super) fn hold_checks(&mut self, mut state: State) -> State {
        for place in 0..self.plan.checks.len().min(CHECKS_MAX) {
            if matches!(state, State::Fresh | State::Stopped { .. }) {
                break;
            }
            let facts = self.facts(&state);
            let check = &self.plan.checks[place];
            if !self.is_open(place, check, &state) || !check.holds(&facts) {
                continue;
            }
            let (name, action) = (check.name.clone(), check.then);
            self.emit(Decision::Warned { check: name.clone(), because: check.because(&facts) });
            state = match action {
                Action::Warn => {
                    self.fired.insert(place);
                    state
                }
                Action::Stop => self.stop_before(StopReason::ValueCheck { check: name }, state),
                Action::Ask => {
                    let needed = StopReason::ApprovalNeeded { check: name, bound: None };
                    self.stop_before(needed, state)
                }
            };
        }
        state
    }

    /// When a check will hold if nothing happens until then.
    pub(super) fn check_due(&self) -> Option<u64> {
        if matches!(self.state, State::Fresh) {
            return None;
        }
        let facts = self.facts(&self.state);
        let checks = self.plan.checks.iter().take(CHECKS_MAX).enumerate();
        let open = checks.filter(|(place, check)| self.is_open(*place, check, &self.state));
        let due = open.filter_map(|(_, check)| check.holds_in(&facts)).min()?;
        Some(self.now.saturating_add(due))
    }

    /// Whether a check may still fire, and now.
    fn is_open(&self, place: usize, check: &Check, state: &State) -> bool {
        match check.then {
            Action::Stop => true,
            Action::Warn => !self.fired.contains(&place),
            Action::Ask => !self.approved.contains(&check.name) && !is_in_flight(state),
        }
    }

    /// Stops before what this input began: the attempt that goes on begins it.
    pub(super) fn stop_before(&mut self, reason: StopReason, held: State) -> State {
        self.effects.retain(|effect| !effect.begins());
        self.stop(reason, held)
    }

    fn facts(&self, state: &State) -> Facts {
        let total = self.meter.total();
        let (got_on_at, got_on_after) = self.got_on;
        let names_test = |analysis: &Analysis| {
            let named = |test: &String| !test.trim().is_empty();
            analysis.findings.iter().any(|finding| finding.test.as_ref().is_some_and(named))
        };
        Facts {
            time_ms: self.now,
            work_time_ms: self.worked_ms(state.work(self.phase)),
            since_progress_ms: self.now.saturating_sub(got_on_at),
            turns: self.turns.into(),
            turns_since_progress: self.turns.saturating_sub(got_on_after).into(),
            calls: total.calls,
            spend: total.spend.plus(self.meter.excess()).0,
            tokens: total.tokens,
            patch_files: self.patch_size.0,
            patch_lines: self.patch_size.1,
            patch_tries: self.patches_judged.into(),
            test_rounds: self.test_rounds.into(),
            phase: self.phase,
            names_failing_test: self.analysis.as_ref().is_some_and(names_test),
        }
    }
}

/// Whether a response may be under way: it was paid for, and is worth waiting for.
fn is_in_flight(state: &State) -> bool {
    match state {
        State::Asking(asking) => asking.stage != Stage::Reserved,
        State::Fresh
        | State::TestingBefore
        | State::ReadingBefore { .. }
        | State::GatheringContext { .. }
        | State::Answering(_)
        | State::Stopped { .. } => false,
    }
}

#[cfg(test)]
mod tests;
