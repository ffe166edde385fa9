//! A turn that did not complete: it is charged, and tried again where that may help.

use super::{Session, TURN_FAILURES_MAX};
use crate::budget::Resource;
use crate::effect::{Effect, Item};
use crate::event::{Decision, Input};
use crate::prompt;
use crate::state::{Asking, Near, Stage, State};
use crate::stop::{FailureClass, StopReason};

/// The first wait before a try is repeated, in milliseconds; it doubles.
const BACKOFF_MS: u64 = 200;
/// The longest wait that a provider may ask for, in milliseconds: it comes out of the budget.
const RETRY_AFTER_MAX_MS: u64 = 120_000;
/// The longest that all waits of a turn may be in one attempt, in milliseconds.
const TURN_WAITS_MAX_MS: u64 = 180_000;

/// The code of a response that was cut because it had more tokens than it was given.
const OUTPUT_CUT: &str = "max_output_tokens";

impl Session {
    /// Nobody waits for this turn any more: what may have been billed is charged at its most.
    pub(super) fn give_up_turn(&mut self, asking: &Asking) {
        match asking.stage {
            Stage::Reserved => self.meter.release(),
            Stage::Sent { .. } | Stage::Streaming { .. } if self.meter.is_reserved() => {
                self.settle(asking.turn, None);
            }
            Stage::Sent { .. } | Stage::Streaming { .. } => {}
        }
    }

    pub(super) fn turn_failed(&mut self, mut asking: Asking, failed: Input) -> State {
        let Input::TurnFailed { turn, class, code, sent, usage, retry_after_ms, .. } = failed
        else {
            return State::Asking(asking);
        };
        if asking.turn != turn {
            return State::Asking(asking);
        }
        if sent && asking.stage != Stage::Reserved {
            self.settle(turn, usage);
        } else {
            self.meter.release();
        }
        if code == OUTPUT_CUT {
            let (work, resource) = (self.work(), Resource::Tokens);
            return self.stop(StopReason::SpendBudget { work, resource }, State::Asking(asking));
        }
        asking.failures += 1;
        let after_ms = retry_after_ms.unwrap_or(BACKOFF_MS << asking.failures.min(10));
        if class == FailureClass::Provider && self.may_retry(&asking, after_ms) {
            self.emit(Decision::TurnRetried { turn, code, after_ms });
            asking.try_number += 1;
            asking.waited_ms = asking.waited_ms.saturating_add(after_ms);
            return self.reserve_turn(asking, after_ms);
        }
        let reason = match class {
            FailureClass::Provider => StopReason::ModelUnavailable { code },
            FailureClass::Account | FailureClass::Request => StopReason::ModelRefused { code },
        };
        self.stop(reason, State::Asking(asking))
    }

    /// A wait that does not fit is not begun: it would end in a deadline, with nothing to show.
    fn may_retry(&self, asking: &Asking, after_ms: u64) -> bool {
        asking.failures < TURN_FAILURES_MAX
            && after_ms <= RETRY_AFTER_MAX_MS
            && asking.waited_ms.saturating_add(after_ms) <= TURN_WAITS_MAX_MS
            && after_ms < self.work_left_ms()
    }

    /// A request whose process died may have been billed: it is charged at its most, and sent
    /// again only if what is left covers it.
    pub(super) fn ask_again_after_crash(&mut self, mut asking: Asking) -> State {
        self.give_up_turn(&asking);
        if asking.stage != Stage::Reserved {
            asking.try_number += 1;
        }
        // Failures, waits and what the scopes bear are of one attempt.
        (asking.failures, asking.waited_ms) = (0, 0);
        (asking.lowered, asking.lowerings) = (None, 0);
        if asking.wrap_up == Some(Near::Time) {
            // So is its time: the model need not come to an end yet, and has not read that it
            // should, or this turn would be over.
            asking.wrap_up = None;
            self.conversation.pop_if(|last| *last == Item::User(prompt::WRAP_UP.to_owned()));
        }
        match asking.wrap_up {
            Some(_) => self.reserve_turn(asking, 0),
            None => self.ask_or_wrap_up(asking),
        }
    }

    pub(super) fn turn_too_late(&mut self, asking: Asking, code: &str) -> State {
        self.effects.push(Effect::AbortTurn);
        let failed = Input::TurnFailed {
            turn: asking.turn,
            class: FailureClass::Provider,
            code: code.to_owned(),
            message: String::new(),
            sent: true,
            usage: None,
            retry_after_ms: None,
        };
        self.turn_failed(asking, failed)
    }
}

#[cfg(test)]
mod tests;
