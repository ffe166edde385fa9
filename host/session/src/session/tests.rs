//! What a step promises, whatever the world does.

use std::fmt::Write as _;

use super::*;
use crate::budget::{Budgets, Ceiling, Money, Price, Usage};
use crate::call::{Origin, Source};
use crate::effect::Ask;
use crate::event::{CallDigests, CallUsage, Deadline, TestsEnding};
use crate::plan::{ContextCall, Goal, TestPlan};
use crate::stop::{FailureClass, Signal};
use crate::verdict::Ruling;

pub(super) const LINE: Ceiling =
    Ceiling { time_ms: 60_000, idle_ms: 5_000, tokens: 60_000, spend: Money(2_000_000), calls: 6 };

pub(super) fn plan() -> Plan {
    Plan {
        task: "Repair the failing test.".into(),
        goal: Goal::Patch,
        price: Price { input: Money(2_000_000), output: Money(10_000_000), ..Price::default() },
        budgets: Budgets {
            context: LINE,
            analyze: LINE,
            patch: LINE,
            verify: LINE,
            step_spend: Money(3_000_000),
        },
        max_output_tokens: 1_000,
        request_overhead_bytes: 500,
        first_event_ms: 10_000,
        context: vec![ContextCall { tool: "test_summary".into(), arguments: "{}".into() }],
        tests: Some(TestPlan {
            command: vec!["t".into()],
            before: true,
            repair_rounds: 1,
            judged: false,
            ..TestPlan::default()
        }),
        tools: ["read_file", "test_summary"].map(str::to_owned).into(),
        model_used: true,
        checks: Vec::new(),
        job_ms: None,
        context_tokens: None,
        data_marked: true,
    }
}

pub(super) fn call(call_id: &str, tool: &str, arguments: &str) -> ModelCall {
    ModelCall { call_id: call_id.into(), tool: tool.into(), arguments: arguments.into() }
}

pub(super) fn answered(call: CallId, output: &str) -> Input {
    let answer = Answer::Answered { output: output.into() };
    let (usage, digests) = (CallUsage::default(), CallDigests::default());
    Input::CallAnswered { call, answer, source: Source::Fresh, usage, digests }
}

pub(super) fn tests_finished(
    round: u32,
    again: u32,
    ending: TestsEnding,
    reports: Vec<String>,
) -> Input {
    Input::TestsFinished { round, again, ending, reports, facts: None }
}

pub(super) fn completed(turn: u32, calls: Vec<ModelCall>, text: &str) -> Input {
    Input::TurnCompleted {
        turn,
        response_id: format!("resp_{turn}"),
        items: vec![format!("{{\"turn\":{turn}}}")],
        calls,
        text: text.into(),
        usage: Some(Usage { input: 900, output: 50, ..Usage::default() }),
        compacted_at: None,
    }
}

pub(super) fn passing(gate: &str) -> Verdict {
    Verdict::new(gate, Ruling::Pass, "all is well")
}

pub(super) fn asking(gate: &str) -> Verdict {
    Verdict::new(gate, Ruling::Approval, "somebody should look")
}

pub(super) fn bound_to(patch: &str) -> Binding {
    Binding { head: "h".into(), patch: patch.into(), policy: "p".into() }
}

pub(super) const ANALYSIS: &str =
    r#"{"summary":"off by one","findings":[],"next_steps":["look at line 3"]}"#;
pub(super) const FAILING: &str =
    r#"{"summary":{"tests":2,"passed":1,"failed":1},"failures":[{"id":"adds"}]}"#;
pub(super) const PASSING: &str = r#"{"summary":{"tests":2,"passed":2,"failed":0},"failures":[]}"#;

/// Output tokens of the second turn that the ledger's day bears.
const DAY_BEARS: u64 = 600;

/// A world with a model that repairs the test in the second patch.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) inputs: usize,
    /// Whether gates ask a person about the second patch, and about its tests.
    pub(super) asks: bool,
}

impl World {
    pub(super) fn carry_out(&mut self, session: &Session, effects: Vec<Effect>) -> Vec<Input> {
        self.inputs += 1;
        effects.into_iter().flat_map(|effect| self.answer(session, effect)).collect()
    }

    fn answer(&self, session: &Session, effect: Effect) -> Vec<Input> {
        match effect {
            Effect::Emit(_) | Effect::AbortTurn | Effect::AbortTests | Effect::Finish(_) => vec![],
            Effect::RunTests { round, again } => {
                let ending = TestsEnding::Exited { code: Some(if round == 2 { 0 } else { 101 }) };
                vec![tests_finished(round, again, ending, vec![format!("r{round}")])]
            }
            Effect::Call(call) => {
                let output = match call.id.origin {
                    Origin::Tests(2) => PASSING,
                    Origin::Context | Origin::Turn(_) | Origin::Tests(_) => FAILING,
                };
                vec![answered(call.id, output)]
            }
            Effect::Judge { call, patch } => {
                let problem = patch.contains("bad").then(|| "protected path".to_owned());
                let digest = format!("digest of {patch}");
                let asks = self.asks && patch.contains("second");
                vec![Input::PatchJudged {
                    call,
                    problem,
                    files: vec![],
                    verdicts: if asks { vec![asking("dependencies")] } else { vec![] },
                    bound: asks.then(|| bound_to(&digest)),
                    digest: Some(digest),
                }]
            }
            Effect::JudgeTests { round, .. } => {
                let verdict = if self.asks { asking("tests") } else { passing("tests") };
                vec![Input::TestsJudged { round, verdict }]
            }
            Effect::Ask(ask) => Self::ask(session, ask),
        }
    }

    fn ask(session: &Session, ask: Ask) -> Vec<Input> {
        let patch = |p: &str| serde_json::json!({ "patch": p, "why": "w" }).to_string();
        let turn = ask.turn;
        let calls = match turn {
            1 => vec![
                call("a", "read_file", r#"{"path":"x"}"#),
                call("b", "submit_analysis", ANALYSIS),
            ],
            2 => vec![call("c", "propose_patch", &patch("bad"))],
            3 => vec![call("d", "propose_patch", &patch("first"))],
            _ => vec![call("e", "propose_patch", &patch("second"))],
        };
        let outputs =
            session.conversation().iter().filter(|i| matches!(i, Item::Output(_))).count();
        assert_eq!(outputs + 1, turn as usize, "the conversation has every turn before this one");
        if turn == 2 && ask.max_output_tokens > DAY_BEARS {
            let too_much = session.plan.price.worst(0, ask.max_output_tokens - DAY_BEARS);
            let left = session.meter().reserved().minus(too_much);
            return vec![Input::ScopeRefused { turn, scope: "day".into(), left }];
        }
        let mut inputs = vec![Input::TurnRequested { turn, try_number: ask.try_number }];
        if turn == 1 {
            inputs.push(Input::CallReceived { turn, call: calls[0].clone() });
        }
        inputs.push(completed(turn, calls, ""));
        inputs
    }
}

/// Plays `inputs` into a fresh step and returns its decisions, one a line.
pub(super) fn play(plan: Plan, inputs: impl IntoIterator<Item = (u64, Input)>) -> String {
    let mut session = Session::new(plan);
    let mut log = String::new();
    for (at, input) in inputs {
        for effect in session.handle(at, input) {
            if let Effect::Emit(decision) = effect {
                writeln!(log, "{}", line(&decision)).unwrap();
            }
        }
    }
    log
}

pub(super) fn line(decision: &Decision) -> String {
    match decision {
        Decision::PhaseEntered { phase } => phase.to_string(),
        Decision::TestsStarted { round, again: 0 } => format!("tests {round} start"),
        Decision::TestsStarted { round, again } => format!("tests {round} start again ({again})"),
        Decision::CallStarted { call } => format!("{} {}", call.id, call.tool),
        Decision::TurnReserved { turn, try_number, wrap_up, .. } => {
            format!("turn {turn} try {try_number}{}", if *wrap_up { " wrap up" } else { "" })
        }
        Decision::TurnCharged { turn, tokens, known, .. } => {
            format!(
                "turn {turn} charged {}",
                if *known { tokens.to_string() } else { "most".into() }
            )
        }
        Decision::TurnRetried { turn, code, after_ms } => {
            format!("turn {turn} {code} +{after_ms}ms")
        }
        Decision::Lowered { turn, scope, max_output_tokens } => {
            format!("turn {turn} lowered by {scope} to {max_output_tokens}")
        }
        Decision::Warned { check, because } => format!("check {check}: {because}"),
        Decision::AnalysisTaken { findings } => format!("analysis with {findings} findings"),
        Decision::TestsCounted { round, said, .. } => {
            format!("tests {round} passed: {}", said.passed)
        }
        Decision::ApprovalVoid { gate, by, because } => format!("void: {gate} by {by}: {because}"),
        Decision::Stopped { reason } => format!("stopped: {reason}"),
    }
}

pub(super) fn begun() -> Vec<(u64, Input)> {
    let ending = TestsEnding::Exited { code: Some(101) };
    let context = CallId { origin: Origin::Context, index: 0 };
    vec![
        (0, Input::AttemptStarted { attempt: 1 }),
        (10, tests_finished(0, 0, ending, vec![])),
        (20, answered(context, FAILING)),
        (30, Input::TurnRequested { turn: 1, try_number: 1 }),
    ]
}

#[track_caller]
fn check_stop(inputs: Vec<(u64, Input)>, expected: &str) {
    let log = play(plan(), begun().into_iter().chain(inputs));
    assert_eq!(log.lines().last(), Some(expected), "the whole log:\n{log}");
}

pub(super) fn late(deadline: Deadline) -> Input {
    Input::DeadlinePassed { deadline }
}

pub(super) fn failed(class: FailureClass, code: &str) -> Input {
    let (code, message) = (code.to_owned(), String::new());
    Input::TurnFailed {
        turn: 1,
        class,
        code,
        message,
        sent: true,
        usage: None,
        retry_after_ms: None,
    }
}

#[test]
fn a_step_goes_through_its_phases_in_order() {
    let mut world = World::default();
    let mut session = Session::new(plan());
    let mut log = String::new();
    let mut queue = vec![Input::AttemptStarted { attempt: 1 }];
    while !queue.is_empty() {
        let effects = session.handle(0, queue.remove(0));
        for effect in &effects {
            if let Effect::Emit(decision) = effect {
                writeln!(log, "{}", line(decision)).unwrap();
            }
        }
        queue.extend(world.carry_out(&session, effects));
    }
    insta::assert_snapshot!(log);
}

#[test]
fn a_step_stops_for_exactly_one_reason() {
    use FailureClass::{Account, Provider};

    check_stop(vec![(40, completed(1, vec![], "It is line 3."))], "stopped: done");
    check_stop(
        vec![(40, completed(1, vec![], " "))],
        "stopped: the model ended without an analysis",
    );
    check_stop(vec![(40, Input::Cancelled { signal: Signal::Interrupt })], "stopped: interrupted");
    check_stop(vec![(70_000, late(Deadline::Work))], "stopped: out of time: analyze");
    check_stop(
        vec![(40, failed(Account, "insufficient_quota"))],
        "stopped: the provider refused (insufficient_quota)",
    );
    check_stop(
        vec![
            (40, failed(Provider, "closed")),
            (41, Input::TurnRequested { turn: 1, try_number: 2 }),
            (50, failed(Provider, "closed")),
            (51, Input::TurnRequested { turn: 1, try_number: 3 }),
            (60, failed(Provider, "closed")),
        ],
        "stopped: no model could be had (closed)",
    );
}

#[test]
fn the_next_deadline_is_the_first_event_then_progress_then_the_work() {
    let mut session = Session::new(plan());
    for (at, input) in begun() {
        session.handle(at, input);
    }
    assert_eq!(session.deadline(), Some((10_030, Deadline::FirstEvent)));
    session.progress(9_000);
    assert_eq!(session.deadline(), Some((14_000, Deadline::Idle)));
    session.progress(58_000);
    assert_eq!(session.deadline(), Some((60_020, Deadline::Work)));
}

#[test]
fn silence_ends_a_try_and_not_the_step() {
    let log = play(plan(), begun().into_iter().chain([(10_031, late(Deadline::FirstEvent))]));
    insta::assert_snapshot!(log.lines().rev().take(3).collect::<Vec<_>>().join("\n"), @r"
    turn 1 try 2
    turn 1 first-event-timeout +400ms
    turn 1 charged most
    ");
}

#[test]
fn a_call_to_an_unknown_tool_is_answered_with_the_ones_there_are() {
    let mut session = Session::new(plan());
    for (at, input) in begun() {
        session.handle(at, input);
    }
    session.handle(40, completed(1, vec![call("z", "shell", "{}")], ""));
    let last = session.conversation().last().cloned();
    let output = r#"{"error":"there is no tool `shell`; there are: read_file, test_summary"}"#;
    let output = crate::data::marked(output);
    assert_eq!(last, Some(Item::CallOutput { call_id: "z".into(), output }));
}

#[test]
fn a_model_that_calls_on_after_the_wrap_up_is_stopped() {
    let mut inputs = begun();
    for turn in 1..=9 {
        let at = 100 * u64::from(turn);
        inputs.push((at, Input::TurnRequested { turn, try_number: 1 }));
        inputs.push((at + 1, completed(turn, vec![call("r", "read_file", "{}")], "")));
        let id = CallId { origin: Origin::Turn(turn), index: 0 };
        inputs.push((at + 2, answered(id, "{}")));
    }
    let log = play(plan(), inputs);
    assert_eq!(log.lines().last(), Some("stopped: out of tool calls: analyze"), "{log}");
    assert!(log.contains("wrap up"), "{log}");
}

#[test]
fn a_request_that_could_pass_the_budget_is_not_sent() {
    let mut poor = plan();
    poor.budgets.step_spend = Money(2_000);
    let log = play(poor, begun());
    assert_eq!(log.lines().last(), Some("stopped: out of money for the step: analyze"), "{log}");
}

#[test]
fn tests_that_take_too_long_before_do_not_end_the_step() {
    let late = (60_000, late(Deadline::Work));
    let log = play(plan(), [(0, Input::AttemptStarted { attempt: 1 }), late]);
    insta::assert_snapshot!(log, @r"
    tests 0 start
    tests 0 passed: false
    context.1 test_summary
    ");
}

#[test]
fn a_late_answer_of_an_earlier_try_answers_nobody_else() {
    let mut session = Session::new(plan());
    for (at, input) in begun() {
        session.handle(at, input);
    }
    let early = |session: &mut Session, id: &str| {
        session.handle(40, Input::CallReceived { turn: 1, call: call(id, "read_file", "{}") })
    };
    early(&mut session, "first");
    session.handle(41, failed(FailureClass::Provider, "link-lost"));
    session.handle(42, Input::TurnRequested { turn: 1, try_number: 2 });
    let started = early(&mut session, "second");
    let id = started.iter().find_map(|e| if let Effect::Call(c) = e { Some(c.id) } else { None });
    assert_ne!(id, Some(CallId { origin: Origin::Turn(1), index: 0 }));
}

#[test]
fn a_stop_in_the_middle_of_a_turn_charges_what_may_have_been_billed() {
    let stop = (40, Input::Cancelled { signal: Signal::Interrupt });
    let log = play(plan(), begun().into_iter().chain([stop]));
    assert!(log.ends_with("turn 1 charged most\nstopped: interrupted\n"), "{log}");
}

#[test]
fn answers_join_the_conversation_in_the_order_of_the_calls() {
    let mut session = Session::new(Plan { tests: None, context: Vec::new(), ..plan() });
    session.handle(0, Input::AttemptStarted { attempt: 1 });
    session.handle(1, Input::TurnRequested { turn: 1, try_number: 1 });
    let calls = ["a", "b", "c"].map(|id| call(id, "read_file", r#"{"path":"x"}"#)).to_vec();
    let effects = session.handle(2, completed(1, calls, ""));
    let mut started: Vec<CallId> = Vec::new();
    for effect in effects {
        if let Effect::Call(call) = effect {
            started.push(call.id);
        }
    }
    assert_eq!(started.len(), 3);
    for (at, id) in started.into_iter().enumerate().rev() {
        session.handle(3, answered(id, &format!("answer {at}")));
    }
    let mut outputs = Vec::new();
    for item in session.conversation() {
        if let Item::CallOutput { call_id, .. } = item {
            outputs.push(call_id.as_str());
        }
    }
    assert_eq!(outputs, ["a", "b", "c"]);
}
