//! What a person may let pass, and what no approval can.

use super::super::tests::{
    ANALYSIS, PASSING, answered, asking, begun, bound_to, call, completed, passing, plan,
};
use super::*;
use crate::call::{CallId, Origin};
use crate::effect::Effect;
use crate::event::{Input, TestsEnding};
use crate::outcome::Outcome;
use crate::plan::{Plan, TestPlan};

/// A step whose tests a gate looks at; without `tests` it has none.
fn step(tests: bool) -> Plan {
    let judged = plan().tests.map(|of| TestPlan { judged: true, repair_rounds: 2, ..of });
    Plan { tests: judged.filter(|_| tests), ..plan() }
}

/// The step with an analysis, and a patch that the gates said this of.
fn judged(plan: &Plan, turn: u32, verdicts: Vec<Verdict>, bound: Option<Binding>) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    if turn == 1 {
        inputs.extend(begun().into_iter().map(|(_, input)| input));
        if plan.tests.is_none() {
            inputs.retain(|input| !matches!(input, Input::TestsFinished { .. }));
        }
        let calls = vec![call("a", "submit_analysis", ANALYSIS), propose()];
        inputs.push(completed(1, calls, ""));
    } else {
        inputs.push(Input::TurnRequested { turn, try_number: 1 });
        inputs.push(completed(turn, vec![propose()], ""));
    }
    let id = CallId { origin: Origin::Turn(turn), index: u32::from(turn == 1) };
    let digest = Some("d".to_owned());
    inputs.push(Input::PatchJudged {
        call: id,
        problem: None,
        digest,
        files: vec![],
        verdicts,
        bound,
    });
    inputs
}

fn propose() -> crate::call::ModelCall {
    call("p", "propose_patch", r#"{"patch":"p"}"#)
}

/// The tests of a round passed, and the gate says this of them.
fn tested(round: u32, code: i32, verdict: Verdict) -> Vec<Input> {
    let ending = TestsEnding::Exited { code: Some(code) };
    let id = CallId { origin: Origin::Tests(round), index: 0 };
    let reports = vec!["r".to_owned()];
    vec![
        Input::TestsFinished { round, again: 0, ending, reports, facts: None },
        answered(id, PASSING),
        Input::TestsJudged { round, verdict },
    ]
}

fn told(plan: Plan, inputs: Vec<Input>) -> (Session, Vec<Effect>) {
    let mut session = Session::new(plan);
    let mut last = Vec::new();
    for input in inputs {
        last = session.handle(0, input);
    }
    (session, last)
}

fn approved(gate: &str, bound: Option<Binding>) -> Input {
    Input::Approved { check: gate.to_owned(), by: "ada".to_owned(), bound }
}

fn voids(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| {
            if let Effect::Emit(Decision::ApprovalVoid { because, .. }) = effect {
                Some(because.as_str())
            } else {
                None
            }
        })
        .collect()
}

fn needs(gate: &str) -> StopReason {
    StopReason::ApprovalNeeded { check: gate.to_owned(), bound: Some(bound_to("d")) }
}

#[test]
fn a_gate_that_asks_ends_the_run_after_its_tests_and_an_approval_goes_on() {
    let asks = judged(&step(true), 1, vec![asking("dependencies")], Some(bound_to("d")));
    let inputs = [asks, tested(1, 0, passing("tests"))].concat();
    let (mut session, _) = told(step(true), inputs);
    assert_eq!(session.stopped(), Some(&needs("dependencies")));
    let result = session.result("s", "h", None, needs("dependencies"));
    assert_eq!((result.outcome, result.patch.as_deref()), (Outcome::PatchUnapproved, Some("d")));

    // Nobody said anything: it still asks.
    session.handle(0, Input::AttemptStarted { attempt: 2 });
    assert_eq!(session.stopped(), Some(&needs("dependencies")));

    let effects = session.handle(0, approved("dependencies", Some(bound_to("d"))));
    assert!(effects.is_empty(), "{effects:?}");
    session.handle(0, Input::AttemptStarted { attempt: 3 });
    assert_eq!(session.stopped(), Some(&StopReason::Done));
    let result = session.result("s", "h", None, StopReason::Done);
    let verdict = &result.verdicts[0];
    assert_eq!(result.outcome, Outcome::PatchTested);
    assert_eq!((verdict.passed, verdict.approved_by.as_deref()), (true, Some("ada")));
    assert_eq!(verdict.ruling(), Ruling::Approval, "what the gate said stays said");
}

#[test]
fn an_approval_counts_for_what_it_is_bound_to_and_nothing_else() {
    let asked = || {
        let inputs = judged(&step(false), 1, vec![asking("dependencies")], Some(bound_to("d")));
        told(step(false), inputs).0
    };
    let right = bound_to("d");
    let other = |change: fn(&mut Binding)| {
        let mut bound = right.clone();
        change(&mut bound);
        Some(bound)
    };
    let table = [
        ("dependencies", other(|bound| bound.head = "x".into()), "it is bound to another head"),
        ("dependencies", other(|bound| bound.patch = "x".into()), "it is bound to another patch"),
        ("dependencies", other(|bound| bound.policy = "x".into()), "it is bound to another policy"),
        ("dependencies", None, "it is bound to no patch"),
        ("files-max", Some(right.clone()), "no gate of that name asks for an approval"),
    ];
    for (gate, bound, because) in table {
        let mut session = asked();
        let effects = session.handle(0, approved(gate, bound));
        assert_eq!(voids(&effects), [because]);
        session.handle(0, Input::AttemptStarted { attempt: 2 });
        assert_eq!(session.stopped(), Some(&needs("dependencies")), "{because}");
    }
    let mut session = asked();
    assert_eq!(voids(&session.handle(0, approved("dependencies", Some(right)))), [""; 0]);
    session.handle(0, Input::AttemptStarted { attempt: 2 });
    assert_eq!(session.stopped(), Some(&StopReason::Done));
}

#[test]
fn each_gate_that_asks_needs_an_approval_of_its_own() {
    let verdicts = vec![asking("files-max"), asking("dependencies")];
    let inputs = judged(&step(false), 1, verdicts, Some(bound_to("d")));
    let (mut session, _) = told(step(false), inputs);
    for (gate, attempt) in [("files-max", 2), ("dependencies", 3)] {
        assert_eq!(session.stopped(), Some(&needs(gate)));
        session.handle(0, approved(gate, Some(bound_to("d"))));
        session.handle(0, Input::AttemptStarted { attempt });
    }
    assert_eq!(session.stopped(), Some(&StopReason::Done));
}

#[test]
fn what_a_gate_refuses_no_approval_lets_pass() {
    let refuses = Verdict::new("secrets", Ruling::Refuse, "a key");
    let verdicts = vec![asking("files-max"), refuses];
    let inputs = judged(&step(false), 1, verdicts, Some(bound_to("d")));
    let (mut session, _) = told(step(false), inputs);
    assert_eq!(session.stopped(), None, "the model may propose another");
    for gate in ["secrets", "files-max"] {
        let effects = session.handle(0, approved(gate, Some(bound_to("d"))));
        assert_eq!(voids(&effects), ["no gate of that name asks for an approval"]);
    }
    let result = session.result("s", "h", None, StopReason::GateRefused);
    assert_eq!((result.patch, result.outcome), (None, Outcome::PatchRefused));
}

#[test]
fn a_patch_that_no_approval_could_be_bound_to_is_refused() {
    let (session, _) = told(step(false), judged(&step(false), 1, vec![asking("files-max")], None));
    let last = session.conversation().last().map(|item| format!("{item:?}"));
    assert!(last.is_some_and(|said| said.contains("nothing to bind one to")));
    assert!(session.result("s", "h", None, StopReason::Done).patch.is_none());
}

#[test]
fn a_patch_whose_tests_pass_because_some_are_gone_is_refused_to_the_end() {
    let gone = || Verdict::new("tests", Ruling::Refuse, "13 tests ran, 14 without it");
    let mut inputs = Vec::new();
    for turn in 1..=3 {
        inputs.extend(judged(&step(true), turn, vec![], None));
        inputs.extend(tested(turn, 0, gone()));
    }
    let (session, _) = told(step(true), inputs);
    assert_eq!(session.stopped(), Some(&StopReason::GateRefused));
    let result = session.result("s", "h", None, StopReason::GateRefused);
    assert_eq!((result.patch, result.outcome), (None, Outcome::PatchRefused));
    assert_eq!(result.verdicts, [gone()]);
    // The model is told, and may repair.
    let first = [judged(&step(true), 1, vec![], None), tested(1, 0, gone())].concat();
    let (session, _) = told(step(true), first);
    let said = format!("{:?}", session.conversation());
    assert!(said.contains("\\\"refused\\\":\\\"13 tests ran, 14 without it\\\""), "{said}");
}

#[test]
fn a_patch_that_fails_its_tests_is_kept_and_marked_whatever_the_gate_says() {
    let fails = || Verdict::new("tests", Ruling::Refuse, "the tests fail");
    let mut inputs = Vec::new();
    for turn in 1..=3 {
        inputs.extend(judged(&step(true), turn, vec![], None));
        inputs.extend(tested(turn, 1, fails()));
    }
    let (session, _) = told(step(true), inputs);
    assert_eq!(session.stopped(), Some(&StopReason::TestsFailed));
    let result = session.result("s", "h", None, StopReason::TestsFailed);
    assert_eq!((result.patch.as_deref(), result.outcome), (Some("d"), Outcome::PatchFailing));
}

#[test]
fn a_tests_gate_can_ask_too() {
    let inputs =
        [judged(&step(true), 1, vec![], Some(bound_to("d"))), tested(1, 0, asking("tests"))];
    let (mut session, _) = told(step(true), inputs.concat());
    assert_eq!(session.stopped(), Some(&needs("tests")));
    session.handle(0, approved("tests", Some(bound_to("d"))));
    session.handle(0, Input::AttemptStarted { attempt: 2 });
    assert_eq!(session.stopped(), Some(&StopReason::Done));
}

#[test]
fn verdicts_and_reasons_of_older_programs_are_read() {
    let old = r#"{"gate":"files-max","passed":false,"because":"21 files, the most is 20"}"#;
    let verdict: Verdict = serde_json::from_str(old).unwrap();
    assert_eq!((verdict.ruling(), verdict.asks()), (Ruling::Refuse, false));
    assert_eq!(serde_json::to_string(&verdict).unwrap(), old);
    let old = r#"{"id":"approval-needed","check":"worth-it"}"#;
    let reason: StopReason = serde_json::from_str(old).unwrap();
    assert_eq!(reason.to_string(), "the check `worth-it` needs an approval");
    assert_eq!(serde_json::to_string(&reason).unwrap(), old);
    let old = r#"{"type":"approved","check":"worth-it","by":"ada"}"#;
    let input: Input = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&input).unwrap(), old);
    let new = serde_json::to_string(&asking("dependencies")).unwrap();
    insta::assert_snapshot!(new, @r#"{"gate":"dependencies","passed":false,"ruling":"approval","because":"somebody should look"}"#);
}
