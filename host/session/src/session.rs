//! The session: one `match` over where the step stands and what happened.

mod answering;
mod approving;
mod asking;
mod checking;
mod clock;
mod context;
mod failing;
mod report;
mod responding;
mod testing;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::budget::{Meter, Work};
use crate::call::{Answer, Call, CallId, HostTool, ModelCall};
use crate::data;
use crate::effect::{Effect, Item};
use crate::event::{Decision, Input};
use crate::outcome::{Analysis, PatchFile};
use crate::plan::Plan;
use crate::state::{Near, Phase, Progress, Slot, State};
use crate::stop::StopReason;
use crate::tested::TestsSaid;
use crate::verdict::{Binding, Verdict};

/// The most calls of one turn that are carried out; the rest is answered with a refusal.
pub(crate) const TURN_CALLS_MAX: usize = 32;
/// The most turns of a run: whatever the budgets say, a conversation ends.
pub(crate) const TURNS_MAX: u32 = 200;
/// How often a turn may fail in one attempt before no model can be had.
pub(crate) const TURN_FAILURES_MAX: u32 = 3;
/// The most that [`TestPlan::retries`](crate::TestPlan::retries) counts for.
pub const RETRIES_MAX: u32 = 3;
/// How many patches the gates look at.
pub(crate) const PATCH_TRIES_MAX: u32 = 3;

/// A patch that left the gates.
#[derive(Debug, Clone)]
struct Accepted {
    digest: String,
    files: Vec<PatchFile>,
    /// What an approval must be bound to.
    bound: Option<Binding>,
}

/// One AI step, as far as the rules go.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    meter: Meter,
    phase: Phase,
    state: State,
    conversation: Vec<Item>,
    /// Where the last item stands that the server made of everything before it.
    compacted_from: usize,
    /// Tokens of the conversation up to and with item `.1`, as the provider counted them.
    counted: Option<(u64, usize)>,
    now: u64,
    /// Time of this attempt by work. An attempt is a CI job: its time is its own.
    worked_ms: BTreeMap<Work, u64>,
    /// The works whose one wrap-up turn was asked for, and why.
    wrapped_up: BTreeMap<Work, Near>,
    analysis: Option<Analysis>,
    patch: Option<Accepted>,
    /// Patches that the gates refused.
    patch_tries: u32,
    /// Files and lines of the last patch that was judged, and how many were.
    patch_size: (u64, u64),
    patches_judged: u32,
    test_rounds: u32,
    verdicts: Vec<Verdict>,
    tests_before: Option<TestsSaid>,
    /// What the model will read of them.
    said_before: Option<(ModelCall, String)>,
    /// Where the reports of the tests before stand.
    reports_before: Vec<String>,
    tests_after: Option<TestsSaid>,
    tests_passed: Option<bool>,
    /// What the tests said of the same patch when they failed before, where they run again.
    tries: Vec<TestsSaid>,
    turns: u32,
    requests: u32,
    charged_at_most: u32,
    /// When the step last got on in this attempt, and after how many turns.
    got_on: (u64, u32),
    /// The checks, by their place in the plan, that fired.
    fired: BTreeSet<usize>,
    /// The checks that a human let pass.
    approved: BTreeSet<String>,
    effects: Vec<Effect>,
}

impl Session {
    /// A step that has not begun.
    pub fn new(plan: Plan) -> Self {
        let meter = Meter::new(plan.budgets);
        let conversation = vec![Item::User(plan.task.clone())];
        Self {
            plan,
            meter,
            phase: Phase::Init,
            state: State::Fresh,
            conversation,
            compacted_from: 0,
            counted: None,
            now: 0,
            worked_ms: BTreeMap::new(),
            wrapped_up: BTreeMap::new(),
            analysis: None,
            patch: None,
            patch_tries: 0,
            patch_size: (0, 0),
            patches_judged: 0,
            test_rounds: 0,
            verdicts: Vec::new(),
            tests_before: None,
            said_before: None,
            reports_before: Vec::new(),
            tests_after: None,
            tests_passed: None,
            tries: Vec::new(),
            turns: 0,
            requests: 0,
            charged_at_most: 0,
            got_on: (0, 0),
            fired: BTreeSet::new(),
            approved: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    /// How far the step has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Everything said so far; a request sends it whole, or what is new since the last response.
    pub fn conversation(&self) -> &[Item] {
        &self.conversation
    }

    /// What a request holds to a server that remembers nothing: the conversation from the last
    /// item on that stands for everything before it.
    pub fn replayable(&self) -> &[Item] {
        &self.conversation[self.compacted_from..]
    }

    /// What was spent, and what is set aside.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Why the step is over, if it is.
    pub fn stopped(&self) -> Option<&StopReason> {
        match &self.state {
            State::Stopped { reason, .. } => Some(reason),
            State::Fresh
            | State::TestingBefore
            | State::ReadingBefore { .. }
            | State::GatheringContext { .. }
            | State::Asking(_)
            | State::Answering(_) => None,
        }
    }

    /// Tells the step what happened `now` (milliseconds since this attempt began); returns what
    /// to do about it.
    pub fn handle(&mut self, now: u64, input: Input) -> Vec<Effect> {
        self.count_time(now, &input);
        let state = std::mem::replace(&mut self.state, State::Fresh);
        let state = self.react(state, input);
        self.state = self.hold_checks(state);
        std::mem::take(&mut self.effects)
    }

    /// Every branch a step can take is in this `match`. What it calls only computes.
    fn react(&mut self, state: State, input: Input) -> State {
        match (state, input) {
            (state, Input::AttemptStarted { .. }) => self.take_up(state),
            (state, Input::Approved { check, by, bound }) => {
                self.approve(check, by, bound);
                state
            }
            // A step that is over stays over: late inputs are dropped, not errors.
            (stopped @ State::Stopped { .. }, _) => stopped,
            // A stop wins over whatever is in flight.
            (state, Input::Cancelled { signal }) => {
                self.stop(StopReason::Cancelled { signal }, state)
            }
            (state, Input::DeadlinePassed { deadline }) => self.too_late(state, deadline),

            (State::TestingBefore, Input::TestsFinished { round: 0, ending, reports, .. }) => {
                self.read_tests_before(ending, &reports)
            }
            (
                State::ReadingBefore { call, ending },
                Input::CallAnswered { call: id, answer, .. },
            ) if call.id == id => self.tests_before_over(ending, Some(&answer)),
            (State::GatheringContext { mut slots }, Input::CallAnswered { call, answer, .. }) => {
                slots.iter_mut().for_each(|slot| slot.take(call, &answer));
                self.after_context(slots)
            }

            (State::Asking(asking), Input::ScopeRefused { turn, scope, left })
                if asking.turn == turn =>
            {
                self.scope_refused(asking, scope, left)
            }
            (State::Asking(asking), Input::LedgerFailed { turn, .. }) if asking.turn == turn => {
                // Nothing left, also where it was written down that it would.
                self.meter.release();
                self.stop(StopReason::LedgerFailed, State::Asking(asking))
            }
            (State::Asking(asking), Input::TurnRequested { turn, .. }) if asking.turn == turn => {
                self.turn_sent(asking)
            }
            (State::Asking(asking), Input::CallReceived { turn, call }) if asking.turn == turn => {
                self.call_received(asking, call)
            }
            (State::Asking(mut asking), Input::CallAnswered { call, answer, .. }) => {
                asking.early.values_mut().for_each(|slot| slot.take(call, &answer));
                State::Asking(asking)
            }
            (State::Asking(asking), completed @ Input::TurnCompleted { .. }) => {
                self.turn_completed(asking, completed)
            }
            (State::Asking(asking), failed @ Input::TurnFailed { .. }) => {
                self.turn_failed(asking, failed)
            }

            (State::Answering(mut answering), Input::CallAnswered { call, answer, .. }) => {
                answering.slots.iter_mut().for_each(|slot| slot.take(call, &answer));
                self.tests_read(&mut answering, call, &answer);
                self.after_answer(answering)
            }
            (State::Answering(answering), judged @ Input::PatchJudged { .. }) => {
                self.patch_judged(answering, judged)
            }
            (State::Answering(answering), finished @ Input::TestsFinished { .. }) => {
                self.tests_finished(answering, finished)
            }
            (State::Answering(answering), Input::TestsJudged { round, verdict }) => {
                self.tests_judged(answering, round, verdict)
            }

            // What is left comes late: an answer of a turn that was given up.
            (state, _) => state,
        }
    }

    /// Tells the step that the response under way got on. Not written down: it only moves the
    /// idle deadline.
    pub fn progress(&mut self, now: u64) {
        self.pass_time(now);
        if let State::Asking(asking) = &mut self.state {
            asking.progress(self.now);
        }
    }

    /// Tells the step that the request it wrote down leaves only now. Not written down: it only
    /// moves the deadline of the first event.
    pub fn departed(&mut self, now: u64) {
        self.pass_time(now);
        if let State::Asking(asking) = &mut self.state {
            asking.departed(self.now);
        }
    }

    /// Which ceilings count now.
    pub fn work(&self) -> Work {
        self.state.work(self.phase)
    }

    fn emit(&mut self, decision: Decision) {
        self.effects.push(Effect::Emit(decision));
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase < phase {
            self.phase = phase;
            self.gets_on();
            self.emit(Decision::PhaseEntered { phase });
        }
    }

    fn stop(&mut self, reason: StopReason, held: State) -> State {
        if let State::Asking(asking) = &held {
            self.give_up_turn(asking);
            self.effects.push(Effect::AbortTurn);
        }
        if reason == StopReason::Done {
            self.enter(Phase::Done);
        }
        self.stop_again(reason, held)
    }

    /// What was concluded stays concluded: the artifacts are written again, nothing else.
    fn stop_again(&mut self, reason: StopReason, held: State) -> State {
        self.emit(Decision::Stopped { reason: reason.clone() });
        self.effects.push(Effect::Finish(reason.clone()));
        State::Stopped { reason, held: Box::new(held) }
    }

    /// A new process has the run: what was under way is done again, what was finished is not.
    fn take_up(&mut self, state: State) -> State {
        match state {
            State::Fresh => self.begin(),
            State::Stopped { reason, held } if self.goes_on_from(&reason) => self.take_up(*held),
            State::Stopped { reason, held } => self.stop_again(reason, *held),
            State::TestingBefore => {
                self.run_tests(0, 0);
                State::TestingBefore
            }
            State::ReadingBefore { call, ending } => {
                self.effects.push(Effect::Call(call.clone()));
                State::ReadingBefore { call, ending }
            }
            State::GatheringContext { slots } => {
                self.restart(&slots);
                self.after_context(slots)
            }
            State::Asking(asking) => self.ask_again_after_crash(asking),
            State::Answering(answering) => {
                self.restart(&answering.slots);
                self.after_answer(answering)
            }
        }
    }

    /// What a tool returned, as the model is shown it.
    fn as_data(&self, output: &str) -> String {
        if self.plan.data_marked { data::marked(output) } else { output.to_owned() }
    }

    fn push_output(&mut self, slot: &Slot) {
        if let Some(output) = slot.answered() {
            let call_id = slot.asked.call_id.clone();
            // Of an analysis the host says that it has it, and repeats nothing.
            let is_ours = host_tool(&slot.asked) == Some(HostTool::SubmitAnalysis);
            let output = if is_ours { output.to_owned() } else { self.as_data(output) };
            self.conversation.push(Item::CallOutput { call_id, output });
        }
    }

    /// Charges and starts a tool call; an unknown tool or an empty budget answers at once.
    fn start_tool(&mut self, id: CallId, asked: ModelCall) -> Slot {
        let refused = |message: String| Progress::Answered(Answer::Refused { message }.for_model());
        if !self.plan.tools.contains(&asked.tool) {
            let known: Vec<&str> = self.plan.tools.iter().map(String::as_str).collect();
            let message =
                format!("there is no tool `{}`; there are: {}", asked.tool, known.join(", "));
            return Slot { id, asked, progress: refused(message) };
        }
        if self.meter.charge_call(self.work()).is_err() {
            let message =
                "the call budget of this phase is used up: submit what you have".to_owned();
            return Slot { id, asked, progress: refused(message) };
        }
        let slot = Slot { id, asked, progress: Progress::Running };
        self.start(slot.call());
        slot
    }

    fn start(&mut self, call: Call) {
        self.emit(Decision::CallStarted { call: call.clone() });
        self.effects.push(Effect::Call(call));
    }

    /// Starts again what a slot waits for; the decision is already written down.
    fn restart(&mut self, slots: &[Slot]) {
        for slot in slots {
            match &slot.progress {
                Progress::Running => self.effects.push(Effect::Call(slot.call())),
                Progress::Judging => self.effects.push(judge(slot.id, &slot.asked)),
                Progress::Testing { round, again } => {
                    self.effects.push(Effect::RunTests { round: *round, again: *again });
                }
                Progress::Reading { call, .. } => self.effects.push(Effect::Call(call.clone())),
                Progress::Weighing { round, .. } => self.let_tests_be_judged(*round),
                Progress::Answered(_) => {}
            }
        }
    }
}

/// The effect of a `propose_patch` call. Arguments that do not parse are an empty patch, which
/// the gates refuse with their own words.
fn judge(call: CallId, asked: &ModelCall) -> Effect {
    #[derive(Deserialize)]
    struct Arguments {
        patch: String,
    }
    let patch = serde_json::from_str::<Arguments>(&asked.arguments).map(|a| a.patch);
    Effect::Judge { call, patch: patch.unwrap_or_default() }
}

/// Whether a call is for the host itself.
fn host_tool(call: &ModelCall) -> Option<HostTool> {
    HostTool::named(&call.tool)
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod promise_tests;
#[cfg(test)]
mod tests;
