//! A turn, from the reservation to its end: asked, sent, streamed, completed or failed.

use std::collections::BTreeMap;

use super::{
    Ask, Deadline, Effect, HostTool, Item, Session, TURN_CALLS_MAX, TURN_FAILURES_MAX, TURNS_MAX,
};
use crate::budget::{Exhausted, Resource, Usage, Work};
use crate::call::{CallId, ModelCall, Origin};
use crate::event::Decision;
use crate::outcome::Analysis;
use crate::prompt;
use crate::state::{Answering, Asking, Phase, Stage, State};
use crate::stop::{FailureClass, StopReason};

/// Fewer tokens than this are no answer; a request that cannot have them is not sent.
const OUTPUT_TOKENS_MIN: u64 = 256;
/// From this part of a ceiling on, the model is told to come to an end.
const SOFT_PERCENT: u64 = 80;
/// The first wait before a try is repeated, in milliseconds; it doubles.
const BACKOFF_MS: u64 = 200;
/// The longest wait that a provider may ask for, in milliseconds: it comes out of the budget.
const RETRY_AFTER_MAX_MS: u64 = 120_000;

/// The code of a response that was cut because it had more tokens than it was given.
const OUTPUT_CUT: &str = "max_output_tokens";

/// How a try of a turn failed.
pub(super) struct Failure {
    pub(super) class: FailureClass,
    pub(super) code: String,
    pub(super) sent: bool,
    pub(super) usage: Option<Usage>,
    pub(super) retry_after_ms: Option<u64>,
}

impl Asking {
    pub(crate) fn progress(&mut self, now: u64) {
        if !matches!(self.stage, Stage::Reserved) {
            self.stage = Stage::Streaming { progress_at: now };
        }
    }
}

impl Session {
    /// Asks for a turn, if what it may cost can be set aside.
    pub(super) fn ask(&mut self, turn: u32, try_number: u32) -> State {
        let wrap_up = self.should_wrap_up();
        if wrap_up && self.wrapped_up.insert(self.work()) {
            self.conversation.push(Item::User(prompt::WRAP_UP.to_owned()));
        }
        self.reserve_turn(
            Asking {
                turn,
                try_number,
                calls: 0,
                failures: 0,
                wrap_up,
                stage: Stage::Reserved,
                early: BTreeMap::new(),
            },
            0,
        )
    }

    fn reserve_turn(&mut self, mut asking: Asking, after_ms: u64) -> State {
        let work = self.work();
        asking.early.clear();
        asking.stage = Stage::Reserved;
        if asking.turn > TURNS_MAX {
            return self.stop(StopReason::CallBudget { work }, State::Asking(asking));
        }
        let input = self.input_tokens_at_most();
        let max_output_tokens = self.output_tokens_at_most(work, input);
        let tokens = input.saturating_add(max_output_tokens);
        let spend = self.plan.price.worst(input, max_output_tokens);
        let enough = max_output_tokens >= OUTPUT_TOKENS_MIN.min(self.plan.max_output_tokens);
        let reserved = match enough {
            true => self.meter.reserve(work, tokens, spend),
            false => Err(self.what_ran_out(work, input)),
        };
        match reserved {
            Ok(reservation) => {
                let Asking { turn, try_number, wrap_up, .. } = asking;
                self.emit(Decision::TurnReserved {
                    turn,
                    try_number,
                    reservation,
                    max_output_tokens,
                    wrap_up,
                });
                let ask = Ask { turn, try_number, max_output_tokens, wrap_up, after_ms };
                self.effects.push(Effect::Ask(ask));
                State::Asking(asking)
            }
            Err(Exhausted { work, resource, .. }) => {
                self.stop(StopReason::SpendBudget { work, resource }, State::Asking(asking))
            }
        }
    }

    /// No token is shorter than a byte, so bytes bound tokens from above; what the provider
    /// counted already is known exactly.
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

    fn what_ran_out(&self, work: Work, input: u64) -> Exhausted {
        let (left, _) = self.meter.left(work);
        let needed = input.saturating_add(OUTPUT_TOKENS_MIN);
        let money_of_step =
            self.meter.budgets().step_spend.0.saturating_sub(self.meter.total().spend.0);
        let money_of_work =
            self.meter.budgets().of(work).spend.0.saturating_sub(self.meter.spent(work).spend.0);
        let resource = if left < needed {
            Resource::Tokens
        } else if money_of_step < money_of_work {
            Resource::StepSpend
        } else {
            Resource::Spend
        };
        Exhausted { work, resource, needed, left }
    }

    fn should_wrap_up(&self) -> bool {
        let work = self.work();
        let (ceiling, spent) = (self.meter.budgets().of(work), self.meter.spent(work));
        let soft = |spent: u64, limit: u64| spent >= limit.saturating_mul(SOFT_PERCENT) / 100;
        soft(spent.calls, ceiling.calls) || soft(spent.tokens, ceiling.tokens)
    }

    pub(super) fn turn_sent(&mut self, mut asking: Asking) -> State {
        self.requests += 1;
        asking.stage = Stage::Sent { at: self.now };
        State::Asking(asking)
    }

    /// A tool has no effects, so its call may start before the response completed; a call to
    /// the host changes where the step stands, and waits.
    pub(super) fn call_received(&mut self, mut asking: Asking, call: ModelCall) -> State {
        asking.progress(self.now);
        let known =
            self.plan.tools.contains(&call.tool) && !asking.early.contains_key(&call.call_id);
        if known && asking.early.len() < TURN_CALLS_MAX {
            let id = CallId { origin: Origin::Turn(asking.turn), index: asking.calls };
            asking.calls += 1;
            let slot = self.start_tool(id, call);
            asking.early.insert(slot.asked.call_id.clone(), slot);
        }
        State::Asking(asking)
    }

    pub(super) fn turn_completed(
        &mut self,
        asking: Asking,
        items: Vec<String>,
        calls: Vec<ModelCall>,
        text: &str,
        usage: Option<Usage>,
    ) -> State {
        self.turns += 1;
        self.settle(asking.turn, usage);
        self.conversation.extend(items.into_iter().map(Item::Output));
        if let Some(usage) = usage {
            self.counted = Some((usage.total(), self.conversation.len()));
        }
        if calls.is_empty() {
            return self.conclude(text, State::Asking(asking));
        }
        if asking.wrap_up && calls.iter().all(|call| HostTool::named(&call.tool).is_none()) {
            let work = self.work();
            return self.stop(StopReason::CallBudget { work }, State::Asking(asking));
        }
        let Asking { turn, early, calls: first, .. } = asking;
        let slots =
            self.take_calls(CallId { origin: Origin::Turn(turn), index: first }, early, calls);
        self.after_answer(Answering { turn, slots })
    }

    /// The model said its last word.
    fn conclude(&mut self, text: &str, held: State) -> State {
        if self.analysis.is_none() && !text.trim().is_empty() {
            self.take_analysis(Analysis::of_text(text));
        }
        let reason = match (&self.analysis, &self.patch, self.patch_tries) {
            (_, Some(_), _) => StopReason::TestsFailed,
            (None, None, _) => StopReason::NoUsefulResult,
            (Some(_), None, 0) => StopReason::Done,
            (Some(_), None, _) => StopReason::GateRefused,
        };
        self.stop(reason, held)
    }

    pub(super) fn take_analysis(&mut self, analysis: Analysis) {
        let findings = u32::try_from(analysis.findings.len()).unwrap_or(u32::MAX);
        self.emit(Decision::AnalysisTaken { findings });
        self.analysis = Some(analysis);
        self.enter(Phase::Analyzed);
    }

    fn settle(&mut self, turn: u32, usage: Option<Usage>) {
        let used = usage.map(|usage| (usage.total(), self.plan.price.of(usage)));
        self.charged_at_most += u32::from(used.is_none());
        let charged = self.meter.settle(used);
        let known = used.is_some();
        self.emit(Decision::TurnCharged {
            turn,
            tokens: charged.tokens,
            spend: charged.spend,
            known,
        });
    }

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

    pub(super) fn turn_failed(&mut self, mut asking: Asking, failure: &Failure) -> State {
        let Failure { class, code, sent, usage, retry_after_ms } = failure;
        match *sent && asking.stage != Stage::Reserved {
            true => self.settle(asking.turn, *usage),
            false => self.meter.release(),
        }
        if code == OUTPUT_CUT {
            let (work, resource) = (self.work(), Resource::Tokens);
            return self.stop(StopReason::SpendBudget { work, resource }, State::Asking(asking));
        }
        asking.failures += 1;
        let wait = (*retry_after_ms).unwrap_or(BACKOFF_MS << asking.failures.min(10));
        let may_retry = *class == FailureClass::Provider
            && asking.failures < TURN_FAILURES_MAX
            && wait <= RETRY_AFTER_MAX_MS;
        let code = code.clone();
        if may_retry {
            self.emit(Decision::TurnRetried { turn: asking.turn, code, after_ms: wait });
            asking.try_number += 1;
            return self.reserve_turn(asking, wait);
        }
        let reason = match class {
            FailureClass::Provider => StopReason::ModelUnavailable { code },
            FailureClass::Account | FailureClass::Request => StopReason::ModelRefused { code },
        };
        self.stop(reason, State::Asking(asking))
    }

    /// A request whose process died may have been billed: it is charged at its most, and sent
    /// again only if what is left covers it.
    pub(super) fn ask_again_after_crash(&mut self, mut asking: Asking) -> State {
        match asking.stage {
            Stage::Reserved => self.meter.release(),
            Stage::Sent { .. } | Stage::Streaming { .. } => {
                self.give_up_turn(&asking);
                asking.try_number += 1;
            }
        }
        asking.failures = 0;
        self.reserve_turn(asking, 0)
    }

    pub(super) fn turn_deadline(&self, asking: &Asking) -> Option<(u64, Deadline)> {
        let idle_ms = self.plan.budgets.of(self.work()).idle_ms;
        match asking.stage {
            Stage::Reserved => None,
            Stage::Sent { at } => {
                Some((at.saturating_add(self.plan.first_event_ms), Deadline::FirstEvent))
            }
            Stage::Streaming { progress_at } => {
                Some((progress_at.saturating_add(idle_ms), Deadline::Idle))
            }
        }
    }

    pub(super) fn turn_too_late(&mut self, asking: Asking, code: &str) -> State {
        self.effects.push(Effect::AbortTurn);
        let failure = Failure {
            class: FailureClass::Provider,
            code: code.to_owned(),
            sent: true,
            usage: None,
            retry_after_ms: None,
        };
        self.turn_failed(asking, &failure)
    }
}
