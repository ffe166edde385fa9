//! A turn until it leaves: what it may cost is set aside here, and in the ledger's scopes.

use std::collections::BTreeMap;

use super::{Session, TURNS_MAX};
use crate::budget::{Exhausted, Money, Resource, Work};
use crate::effect::{Ask, Effect, Item};
use crate::event::Decision;
use crate::prompt;
use crate::state::{Asking, Near, Stage, State};
use crate::stop::StopReason;

/// Fewer tokens than this are no answer; a request that cannot have them is not sent.
const OUTPUT_TOKENS_MIN: u64 = 256;
/// From this part of a ceiling on, the model is told to come to an end.
const SOFT_PERCENT: u64 = 80;
/// How often a turn is asked for with less in one attempt, because a scope bears no more: twice
/// for each scope there is. What is left changes while others spend.
const LOWERINGS_MAX: u32 = 16;
/// From this part of the model's window on, requests say that the server may compact.
const COMPACTION_NEAR_PERCENT: u64 = 60;
/// At this part of the window it does.
const COMPACTION_PERCENT: u64 = 80;

impl Session {
    /// Asks for a turn, if what it may cost can be set aside.
    pub(super) fn ask(&mut self, turn: u32, try_number: u32) -> State {
        self.ask_or_wrap_up(Asking {
            turn,
            try_number,
            calls: 0,
            failures: 0,
            waited_ms: 0,
            wrap_up: None,
            lowered: None,
            lowerings: 0,
            stage: Stage::Reserved,
            early: BTreeMap::new(),
        })
    }

    /// Near a ceiling a work has one more turn, to submit what there is.
    pub(super) fn ask_or_wrap_up(&mut self, mut asking: Asking) -> State {
        let work = self.work();
        let Some(near) = self.near_ceiling(work) else { return self.reserve_turn(asking, 0) };
        if self.wrapped_up.insert(work, near).is_some() {
            return self.stop(near.reason(work), State::Asking(asking));
        }
        self.conversation.push(Item::User(prompt::WRAP_UP.to_owned()));
        asking.wrap_up = Some(near);
        self.reserve_turn(asking, 0)
    }

    pub(super) fn reserve_turn(&mut self, mut asking: Asking, after_ms: u64) -> State {
        let work = self.work();
        asking.early.clear();
        asking.stage = Stage::Reserved;
        if asking.turn > TURNS_MAX {
            return self.stop(StopReason::CallBudget { work }, State::Asking(asking));
        }
        let input = self.input_tokens_at_most();
        let borne = self.output_tokens_at_most(work, input);
        let max_output_tokens = borne.min(asking.lowered.unwrap_or(u64::MAX));
        let reserved = if max_output_tokens >= self.output_tokens_min() {
            let tokens = input.saturating_add(max_output_tokens);
            let spend = self.plan.price.worst(input, max_output_tokens);
            self.meter.reserve(work, tokens, spend)
        } else {
            Err(self.what_ran_out(work, input))
        };
        match reserved {
            Ok(reservation) => {
                let Asking { turn, try_number, .. } = asking;
                let wrap_up = asking.wrap_up.is_some();
                self.emit(Decision::TurnReserved {
                    turn,
                    try_number,
                    reservation,
                    max_output_tokens,
                    wrap_up,
                });
                let compact_at = self.compact_at(input);
                self.effects.push(Effect::Ask(Ask {
                    turn,
                    try_number,
                    max_output_tokens,
                    wrap_up,
                    after_ms,
                    compact_at,
                }));
                State::Asking(asking)
            }
            Err(Exhausted { work, resource, .. }) => {
                self.stop(StopReason::SpendBudget { work, resource }, State::Asking(asking))
            }
        }
    }

    /// A scope bears only `left`: the turn is asked for with a response that fits, if that is
    /// still an answer.
    pub(super) fn scope_refused(
        &mut self,
        mut asking: Asking,
        scope: String,
        left: Money,
    ) -> State {
        if asking.stage != Stage::Reserved {
            return State::Asking(asking);
        }
        self.meter.release();
        let input = self.input_tokens_at_most();
        let of_scope = self.plan.price.output_at_most(input, left).unwrap_or(0);
        let of_step = self.output_tokens_at_most(self.work(), input);
        let max_output_tokens = of_scope.min(of_step).min(asking.lowered.unwrap_or(u64::MAX));
        if max_output_tokens < self.output_tokens_min() || asking.lowerings >= LOWERINGS_MAX {
            return self.stop(StopReason::ScopeBudget { scope }, State::Asking(asking));
        }
        asking.lowered = Some(max_output_tokens);
        asking.lowerings += 1;
        self.emit(Decision::Lowered { turn: asking.turn, scope, max_output_tokens });
        self.reserve_turn(asking, 0)
    }

    /// No token is shorter than a byte, so bytes bound tokens from above; what the provider
    /// counted already is known exactly, its own response included: it counts the whole context,
    /// also of a request that continued another, and replayed byte for byte that is the same text.
    ///
    /// Nothing tighter is safe for what was never counted: a token can be a single byte, and
    /// which text is dense nobody knows who has not the provider's own tokenizer. A provider that
    /// counts a replayed text as more than before is charged as it says; see [`Meter::settle`].
    ///
    /// [`Meter::settle`]: crate::budget::Meter::settle
    fn input_tokens_at_most(&self) -> u64 {
        let (known, upto) = self.counted.unwrap_or((self.plan.request_overhead_bytes, 0));
        self.conversation[upto..].iter().fold(known, |sum, item| sum.saturating_add(item.bytes()))
    }

    /// The most output tokens that the budgets can bear after `input`.
    fn output_tokens_at_most(&self, work: Work, input: u64) -> u64 {
        let (tokens_left, spend_left) = self.meter.left(work);
        let by_tokens = tokens_left.saturating_sub(input);
        let by_money = self.plan.price.output_at_most(input, spend_left).unwrap_or(0);
        self.plan.max_output_tokens.min(by_tokens).min(by_money)
    }

    fn output_tokens_min(&self) -> u64 {
        OUTPUT_TOKENS_MIN.min(self.plan.max_output_tokens)
    }

    fn what_ran_out(&self, work: Work, input: u64) -> Exhausted {
        let (left, _) = self.meter.left(work);
        let needed = input.saturating_add(self.output_tokens_min());
        let money_of_step = self.meter.step_left();
        let money_of_work = self.meter.budgets().of(work).spend.minus(self.meter.spent(work).spend);
        let resource = if left < needed {
            Resource::Tokens
        } else if money_of_step < money_of_work {
            Resource::StepSpend
        } else {
            Resource::Spend
        };
        Exhausted { work, resource, needed, left }
    }

    /// What of `work` comes near its ceiling, if anything does.
    fn near_ceiling(&self, work: Work) -> Option<Near> {
        let (ceiling, spent) = (self.meter.budgets().of(work), self.meter.spent(work));
        let step_spend = self.meter.budgets().step_spend;
        // A step that may spend nothing at all has a model that costs nothing.
        let spend = |spent: Money, limit: Money| limit > Money::ZERO && is_near(spent.0, limit.0);
        let lines = [
            (Near::Time, is_near(self.worked_ms(work), ceiling.time_ms)),
            (Near::Calls, is_near(spent.calls, ceiling.calls)),
            (Near::Tokens, is_near(spent.tokens, ceiling.tokens)),
            (Near::Spend, spend(spent.spend, ceiling.spend)),
            (Near::StepSpend, spend(step_spend.minus(self.meter.step_left()), step_spend)),
        ];
        lines.into_iter().find(|(_, is_near)| *is_near).map(|(near, _)| near)
    }

    /// From where on the server should compact, once the context is near the model's window.
    fn compact_at(&self, input: u64) -> Option<u64> {
        let window = self.plan.context_tokens?;
        (input >= percent(COMPACTION_NEAR_PERCENT, window))
            .then(|| percent(COMPACTION_PERCENT, window))
    }
}

fn is_near(spent: u64, limit: u64) -> bool {
    u128::from(spent) * 100 >= u128::from(limit) * u128::from(SOFT_PERCENT)
}

/// So many percent of `whole`, rounded down.
fn percent(percent: u64, whole: u64) -> u64 {
    let part = u128::from(whole) * u128::from(percent) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
