//! A turn that left: it is sent, streams, and completes.

use super::{Session, TURN_CALLS_MAX};
use crate::budget::{Settled, Usage};
use crate::call::{CallId, HostTool, ModelCall, Origin};
use crate::effect::Item;
use crate::event::{Decision, Input};
use crate::outcome::Analysis;
use crate::state::{Answering, Asking, Phase, Stage, State};
use crate::stop::StopReason;

impl Asking {
    pub(crate) fn progress(&mut self, now: u64) {
        if !matches!(self.stage, Stage::Reserved) {
            self.stage = Stage::Streaming { progress_at: now };
        }
    }

    pub(crate) fn departed(&mut self, now: u64) {
        if !matches!(self.stage, Stage::Reserved) {
            self.stage = Stage::Sent { at: now };
        }
    }
}

impl Session {
    pub(super) fn turn_sent(&mut self, mut asking: Asking) -> State {
        self.requests += 1;
        asking.stage = Stage::Sent { at: self.now };
        State::Asking(asking)
    }

    /// A tool has no effects, so its call may start before the response completed; a call to
    /// the host changes where the step stands, and waits.
    pub(super) fn call_received(&mut self, mut asking: Asking, call: ModelCall) -> State {
        if asking.early.contains_key(&call.call_id) {
            // Told twice: the response did not get on.
            return State::Asking(asking);
        }
        asking.progress(self.now);
        let may_start = asking.wrap_up.is_none() && self.plan.tools.contains(&call.tool);
        if may_start && asking.early.len() < TURN_CALLS_MAX {
            let id = CallId { origin: Origin::Turn(asking.turn), index: asking.calls };
            asking.calls += 1;
            let slot = self.start_tool(id, call);
            asking.early.insert(slot.asked.call_id.clone(), slot);
        }
        State::Asking(asking)
    }

    pub(super) fn turn_completed(&mut self, asking: Asking, completed: Input) -> State {
        let Input::TurnCompleted { turn, items, calls, text, usage, compacted_at, .. } = completed
        else {
            return State::Asking(asking);
        };
        if asking.turn != turn {
            return State::Asking(asking);
        }
        self.turns += 1;
        let usage = self.settle(turn, usage);
        self.take_items(items, compacted_at);
        if let Some(usage) = usage {
            self.counted = Some((usage.total(), self.conversation.len()));
        }
        if calls.is_empty() {
            return self.conclude(&text, State::Asking(asking));
        }
        if let Some(near) = asking.wrap_up
            && calls.iter().all(|call| HostTool::named(&call.tool).is_none())
        {
            // Complete it is all the same: whoever goes on answers its calls, and does not ask
            // for it again.
            let reason = near.reason(self.work());
            let slots = self.take_calls(Asking { wrap_up: None, ..asking }, calls);
            return self.stop_before(reason, State::Answering(Answering { turn, slots }));
        }
        let slots = self.take_calls(asking, calls);
        self.after_answer(Answering { turn, slots })
    }

    fn take_items(&mut self, items: Vec<String>, compacted_at: Option<u32>) {
        let before = self.conversation.len();
        self.conversation.extend(items.into_iter().map(Item::Output));
        let compacted_from =
            compacted_at.and_then(|at| before.checked_add(usize::try_from(at).ok()?));
        if let Some(from) = compacted_from.filter(|from| *from < self.conversation.len()) {
            self.compacted_from = from;
        }
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
        self.gets_on();
        self.enter(Phase::Analyzed);
    }

    /// Charges the open request, and returns the usage that is believed. A request without a
    /// token of input there never was: who counts none does not count.
    pub(super) fn settle(&mut self, turn: u32, usage: Option<Usage>) -> Option<Usage> {
        let usage = usage.filter(|usage| usage.input > 0);
        let used = usage.map(|usage| (usage.total(), self.plan.price.of(usage)));
        self.charged_at_most += u32::from(used.is_none());
        let Settled { charged, excess } = self.meter.settle(used);
        let known = used.is_some();
        self.emit(Decision::TurnCharged {
            turn,
            tokens: charged.tokens,
            spend: charged.spend,
            known,
            excess,
        });
        usage
    }
}
