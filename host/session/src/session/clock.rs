//! Time: what it is counted for, and what can be late.

use super::Session;
use crate::budget::Work;
use crate::effect::Effect;
use crate::event::{Deadline, Input, TestsEnding};
use crate::state::{Asking, Near, Stage, State};
use crate::stop::StopReason;

impl Session {
    /// Which deadline comes next, and when, in milliseconds since this attempt began. When it
    /// has passed, tell it with [`Input::DeadlinePassed`].
    pub fn deadline(&self) -> Option<(u64, Deadline)> {
        if self.stopped().is_some() {
            return None;
        }
        let candidates = [self.deadline_beside_turn(), self.turn_deadline()];
        candidates.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// The same without the deadlines of the response that is waited for: for as long as the host
    /// itself holds the model back.
    pub fn deadline_beside_turn(&self) -> Option<(u64, Deadline)> {
        if self.stopped().is_some() {
            return None;
        }
        let of_work = (self.now.saturating_add(self.work_left_ms()), Deadline::Work);
        let of_job = self.plan.job_ms.map(|job_ms| (job_ms, Deadline::Job));
        let of_check = self.check_due().map(|at| (at, Deadline::Check));
        let candidates = [Some(of_work), of_job, of_check];
        candidates.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn turn_deadline(&self) -> Option<(u64, Deadline)> {
        let State::Asking(Asking { stage, .. }) = &self.state else { return None };
        let idle_ms = self.plan.budgets.of(self.work()).idle_ms;
        match *stage {
            Stage::Reserved => None,
            Stage::Sent { at } => {
                Some((at.saturating_add(self.plan.first_event_ms), Deadline::FirstEvent))
            }
            Stage::Streaming { progress_at } => {
                Some((progress_at.saturating_add(idle_ms), Deadline::Idle))
            }
        }
    }

    /// Milliseconds that the current work still has in this attempt.
    pub(super) fn work_left_ms(&self) -> u64 {
        let work = self.work();
        self.plan.budgets.of(work).time_ms.saturating_sub(self.worked_ms(work))
    }

    pub(super) fn worked_ms(&self, work: Work) -> u64 {
        self.worked_ms.get(&work).copied().unwrap_or(0)
    }

    pub(super) fn count_time(&mut self, now: u64, input: &Input) {
        if !matches!(input, Input::AttemptStarted { .. }) {
            return self.pass_time(now);
        }
        self.worked_ms.clear();
        self.now = now;
        self.got_on.0 = now;
        // A new attempt has time again, and with it a wrap-up turn.
        self.wrapped_up.retain(|_, near| *near != Near::Time);
    }

    pub(super) fn pass_time(&mut self, now: u64) {
        let passed = now.saturating_sub(self.now);
        let worked = self.worked_ms.entry(self.work()).or_default();
        *worked = worked.saturating_add(passed);
        self.now = self.now.max(now);
    }

    /// The step got on: whoever waits for that begins to wait anew.
    pub(super) fn gets_on(&mut self) {
        self.got_on = (self.now, self.turns);
    }

    pub(super) fn too_late(&mut self, state: State, deadline: Deadline) -> State {
        match (deadline, state) {
            // Tests that take too long are no reason to look at nothing else.
            (Deadline::Work, State::TestingBefore | State::ReadingBefore { .. }) => {
                self.effects.push(Effect::AbortTests);
                self.tests_before_over(TestsEnding::TimedOut, None)
            }
            (Deadline::Work, state) => {
                let work = state.work(self.phase);
                self.stop(StopReason::TimeBudget { work }, state)
            }
            (Deadline::Job, state) => self.stop(StopReason::JobDeadline, state),
            // It is there to have the checks looked at, and they are, after every input.
            (Deadline::Check, state) => state,
            (Deadline::FirstEvent, State::Asking(asking)) => {
                self.turn_too_late(asking, "first-event-timeout")
            }
            (Deadline::Idle, State::Asking(asking)) => self.turn_too_late(asking, "idle-timeout"),
            (Deadline::FirstEvent | Deadline::Idle, state) => state,
        }
    }
}
