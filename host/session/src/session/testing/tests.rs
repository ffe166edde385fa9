//! What comes of tests that fail: again and again, now and then, or since before the patch.

use std::fmt::Write as _;

use super::*;
use crate::outcome::Outcome;
use crate::plan::{Plan, TestPlan};
use crate::session::tests::{answered, call, completed, line, plan, tests_finished};
use crate::stop::StopReason;

/// What a run of the tests says: its exit code, and the names of those that fail.
type Said<'a> = (i32, &'a [&'a str]);

fn summary(failing: &[&str], compared: Option<&serde_json::Value>) -> String {
    let failures: Vec<_> = failing.iter().map(|name| serde_json::json!({ "id": name })).collect();
    let (failed, tests) = (failing.len(), 5);
    let mut summary = serde_json::json!({
        "summary": { "tests": tests, "passed": tests - failed, "failed": failed },
        "failures": failures,
    });
    if let Some(compared) = compared {
        summary["compared"] = compared.clone();
    }
    summary.to_string()
}

/// As `test_summary` compares two runs.
fn compared(now: &[&str], then: &[&str]) -> serde_json::Value {
    let names = |of: &[&str], not: &[&str]| {
        let tests: Vec<_> = of.iter().filter(|name| !not.contains(name)).collect();
        serde_json::json!({ "count": tests.len(), "tests": tests })
    };
    let still: Vec<&str> = now.iter().copied().filter(|name| then.contains(name)).collect();
    serde_json::json!({
        "newly_failing": names(now, then),
        "fixed": names(then, now),
        "still_failing": { "count": still.len(), "tests": still },
        "new": { "count": 0 },
        "vanished": { "count": 0 },
    })
}

/// A step whose one patch meets these tests: where it ends, and what was decided on the way.
fn ends(tests: TestPlan, before: &[&str], tries: &[Said<'_>]) -> (Session, String) {
    let plan = Plan { tests: Some(tests), context: Vec::new(), ..plan() };
    let mut session = Session::new(plan);
    let mut log = String::new();
    let mut queue = vec![Input::AttemptStarted { attempt: 1 }];
    while !queue.is_empty() {
        for effect in session.handle(0, queue.remove(0)) {
            match effect {
                Effect::Emit(decision) => writeln!(log, "{}", line(&decision)).unwrap(),
                Effect::RunTests { round, again } => {
                    let (code, _) = if round == 0 { (1, before) } else { tries[again as usize] };
                    let ending = TestsEnding::Exited { code: Some(code) };
                    queue.push(tests_finished(round, again, ending, vec![format!("r{again}")]));
                }
                Effect::Call(asked) => {
                    let said = match asked.id {
                        CallId { origin: Origin::Tests(0), .. } => summary(before, None),
                        CallId { index, .. } => {
                            let (_, failing) = tries[index as usize];
                            let compared = compared(failing, before);
                            let compares = asked.arguments.contains("previous");
                            summary(failing, compares.then_some(&compared))
                        }
                    };
                    queue.push(answered(asked.id, &said));
                }
                Effect::Judge { call, .. } => queue.push(Input::PatchJudged {
                    call,
                    problem: None,
                    digest: Some("d".into()),
                    files: vec![],
                    verdicts: vec![],
                    bound: None,
                }),
                Effect::Ask(ask) => {
                    let propose = call("a", "propose_patch", r#"{"patch":"p"}"#);
                    queue.push(Input::TurnRequested { turn: ask.turn, try_number: ask.try_number });
                    queue.push(completed(ask.turn, vec![propose], ""));
                }
                Effect::JudgeTests { .. }
                | Effect::AbortTurn
                | Effect::AbortTests
                | Effect::Finish(_) => {}
            }
        }
    }
    (session, log)
}

fn tests_plan(retries: u32, flaky: Flaky) -> TestPlan {
    let command = vec!["t".to_owned()];
    TestPlan {
        command,
        before: true,
        repair_rounds: 0,
        retries,
        flaky,
        compared: true,
        judged: false,
    }
}

#[test]
fn a_test_that_fails_and_then_passes_counts_as_the_step_wants_it() {
    const FAILS: Said<'_> = (1, &["a", "b"]);
    const LESS: Said<'_> = (1, &["b"]);
    const PASSES: Said<'_> = (0, &[]);
    let check = |retries, flaky, tries: &[Said<'_>], runs: u32, reason: StopReason, names| {
        let (session, log) = ends(tests_plan(retries, flaky), &["a", "b"], tries);
        assert_eq!(session.stopped(), Some(&reason), "{log}");
        let said = session.tests_after.unwrap();
        assert_eq!(said.passed, reason == StopReason::Done);
        assert_eq!((said.failed_before + 1, said.flaky), (runs, names), "{log}");
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let failed = || StopReason::TestsFailed;
    check(0, Flaky::Pass, &[FAILS], 1, failed(), names(&[]));
    check(2, Flaky::Fail, &[PASSES], 1, StopReason::Done, names(&[]));
    check(1, Flaky::Fail, &[FAILS, PASSES], 2, failed(), names(&["a", "b"]));
    check(1, Flaky::Pass, &[FAILS, PASSES], 2, StopReason::Done, names(&["a", "b"]));
    check(2, Flaky::Pass, &[FAILS, LESS, PASSES], 3, StopReason::Done, names(&["a", "b"]));
    check(2, Flaky::Pass, &[FAILS, LESS, LESS], 3, failed(), names(&["a"]));
    // No more than the host bears, whatever the plan says.
    check(9, Flaky::Pass, &[FAILS, FAILS, FAILS, FAILS, PASSES], 4, failed(), names(&[]));
}

#[test]
fn what_failed_before_is_not_the_patchs_fault() {
    let outcome = |before: &[&str], now: Said<'_>, compares: bool| {
        let tests = TestPlan { compared: compares, ..tests_plan(0, Flaky::Fail) };
        let (session, log) = ends(tests, before, &[now]);
        assert_eq!(session.stopped(), Some(&StopReason::TestsFailed), "{log}");
        session.result("s", "h", None, StopReason::TestsFailed).outcome
    };
    assert_eq!(outcome(&["a", "b"], (1, &["b"]), true), Outcome::PatchFailingAsBefore);
    assert_eq!(outcome(&["a"], (1, &["a"]), true), Outcome::PatchFailingAsBefore);
    assert_eq!(outcome(&["a"], (1, &["a", "b"]), true), Outcome::PatchFailing);
    assert_eq!(outcome(&["a"], (1, &["b"]), true), Outcome::PatchFailing);
    // It fails, and no test says why.
    assert_eq!(outcome(&["a"], (1, &[]), true), Outcome::PatchFailing);
    assert_eq!(outcome(&["a"], (1, &["a"]), false), Outcome::PatchFailing);
}

#[test]
fn many_reports_are_named_by_their_place() {
    let many: Vec<String> = (0..65).map(|n| format!(".stepwell/verify/1/out/{n}.xml")).collect();
    assert_eq!(named(&many), [".stepwell/verify/1/**"]);
    assert_eq!(named(&many[..64]), many[..64]);
}
