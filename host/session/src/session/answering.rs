//! A completed turn: its calls are answered, its patch is judged.

use super::{PATCH_TRIES_MAX, Session, TURN_CALLS_MAX, host_tool, judge};
use crate::call::{Answer, CallId, HostTool, ModelCall, Origin};
use crate::event::Input;
use crate::outcome::{Analysis, PatchFile};
use crate::plan::Goal;
use crate::state::{Answering, Asking, Phase, Progress, Slot, State};
use crate::stop::StopReason;
use crate::verdict::{Ruling, Verdict};

/// What a call gets that is made in a turn which may only submit.
const TOO_LATE_FOR_TOOLS: &str =
    "the budget of this phase is nearly used up: only submit_analysis and propose_patch are open";

/// What a patch gets that needs an approval which nobody could give.
const UNBOUND: &str = "the patch needs an approval, and there is nothing to bind one to";

impl Session {
    /// Turns the calls of a response into slots, in the response's order. Those that were
    /// started early keep their answers; early ones that the response does not have are dropped.
    pub(super) fn take_calls(&mut self, asking: Asking, calls: Vec<ModelCall>) -> Vec<Slot> {
        let Asking { turn, mut early, wrap_up, calls: index, .. } = asking;
        // The first id that no call of this turn has had.
        let mut next = CallId { origin: Origin::Turn(turn), index };
        let mut slots: Vec<Slot> = Vec::with_capacity(calls.len());
        for (place, asked) in calls.into_iter().enumerate() {
            if let Some(slot) = early.remove(&asked.call_id)
                && slot.asked == asked
            {
                slots.push(slot);
                continue;
            }
            let id = next;
            next.index += 1;
            let slot = match host_tool(&asked) {
                _ if place >= TURN_CALLS_MAX => refused(id, asked, "too many calls in one turn"),
                Some(HostTool::SubmitAnalysis) => self.submit_analysis(id, asked),
                Some(HostTool::ProposePatch) => self.propose_patch(id, asked, &slots),
                None if wrap_up.is_some() => refused(id, asked, TOO_LATE_FOR_TOOLS),
                None => self.start_tool(id, asked),
            };
            slots.push(slot);
        }
        slots
    }

    fn submit_analysis(&mut self, id: CallId, asked: ModelCall) -> Slot {
        match Analysis::parse(&asked.arguments) {
            Ok(analysis) => {
                self.take_analysis(analysis);
                let output = serde_json::json!({ "taken": true }).to_string();
                Slot { id, asked, progress: Progress::Answered(output) }
            }
            Err(message) => refused(id, asked, &message),
        }
    }

    fn propose_patch(&mut self, id: CallId, asked: ModelCall, before: &[Slot]) -> Slot {
        let another =
            before.iter().any(|slot| host_tool(&slot.asked) == Some(HostTool::ProposePatch));
        if self.plan.goal == Goal::Diagnose {
            return refused(id, asked, "this step takes no patch: submit an analysis");
        }
        if another {
            return refused(id, asked, "one patch a turn: the first one is being looked at");
        }
        self.effects.push(judge(id, &asked));
        Slot { id, asked, progress: Progress::Judging }
    }

    pub(super) fn patch_judged(&mut self, mut answering: Answering, judged: Input) -> State {
        let Input::PatchJudged { call, problem, digest, files, verdicts, bound } = judged else {
            return State::Answering(answering);
        };
        let Some(at) = position(&answering, call, |p| matches!(p, Progress::Judging)) else {
            return State::Answering(answering);
        };
        let problem = problem.or_else(|| refusal(&verdicts, bound.is_some()));
        self.verdicts = verdicts;
        self.patches_judged += 1;
        self.patch_size = size(&files);
        self.gets_on();
        let progress = match (problem, digest) {
            (None, Some(digest)) => {
                self.patch = Some(super::Accepted { digest, files, bound });
                // What the tests said of another patch is not said of this one.
                (self.tests_after, self.tests_passed) = (None, None);
                self.enter(Phase::Analyzed);
                self.enter(Phase::PatchProposed);
                self.test_patch()
            }
            (problem, _) => {
                self.patch_tries += 1;
                let message = problem.unwrap_or_else(|| "the patch is empty".to_owned());
                Progress::Answered(Answer::Refused { message }.for_model())
            }
        };
        answering.slots[at].progress = progress;
        self.after_answer(answering)
    }

    /// Every slot may have been answered: then the outputs join the conversation in the order of
    /// the response, and either the step is over or the model is asked again.
    pub(super) fn after_answer(&mut self, answering: Answering) -> State {
        if answering.slots.iter().any(|slot| slot.answered().is_none()) {
            return State::Answering(answering);
        }
        if let Some(reason) = self.reached_end(&answering) {
            return self.stop(reason, State::Answering(answering));
        }
        for slot in &answering.slots {
            self.push_output(slot);
        }
        self.ask(answering.turn + 1, 1)
    }

    /// Whether the step is over, now that every call is answered.
    fn reached_end(&mut self, answering: &Answering) -> Option<StopReason> {
        let proposed = answering
            .slots
            .iter()
            .any(|slot| host_tool(&slot.asked) == Some(HostTool::ProposePatch));
        let rounds = self.plan.tests.as_ref().map_or(0, |tests| tests.repair_rounds);
        match (&self.patch, self.tests_passed) {
            (Some(_), Some(true)) => {
                self.enter(Phase::Tested);
                Some(self.done_or_asked())
            }
            (Some(_), None) if proposed && self.plan.tests.is_some() => {
                Some(StopReason::TestsNotRun)
            }
            (Some(_), None) if proposed => Some(self.done_or_asked()),
            (Some(_), Some(false)) if proposed && self.test_rounds > rounds => {
                self.enter(Phase::Tested);
                Some(StopReason::TestsFailed)
            }
            (_, _) if self.patch_tries >= PATCH_TRIES_MAX => Some(StopReason::GateRefused),
            (None, _) if self.plan.goal == Goal::Diagnose && self.analysis.is_some() => {
                Some(StopReason::Done)
            }
            (_, _) => None,
        }
    }
}

/// Why verdicts let nothing pass, whoever says so or not. Nobody could ever approve a patch that an
/// approval cannot be bound to.
fn refusal(verdicts: &[Verdict], is_bound: bool) -> Option<String> {
    let refused = verdicts.iter().find(|verdict| verdict.ruling() == Ruling::Refuse);
    let unbound = || (!is_bound && verdicts.iter().any(Verdict::asks)).then(|| UNBOUND.to_owned());
    refused.map(|verdict| verdict.because.clone()).or_else(unbound)
}

fn refused(id: CallId, asked: ModelCall, message: &str) -> Slot {
    let output = Answer::Refused { message: message.to_owned() }.for_model();
    Slot { id, asked, progress: Progress::Answered(output) }
}

/// Files, and lines added or removed.
fn size(files: &[PatchFile]) -> (u64, u64) {
    let lines = files.iter().flat_map(|file| [file.added, file.removed]);
    (files.len() as u64, lines.fold(0, u64::saturating_add))
}

fn position(
    answering: &Answering,
    call: CallId,
    waits: impl Fn(&Progress) -> bool,
) -> Option<usize> {
    answering.slots.iter().position(|slot| slot.id == call && waits(&slot.progress))
}
