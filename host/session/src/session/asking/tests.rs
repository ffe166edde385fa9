//! What the rules promise about setting money aside, coming to an end, and the model's window.

use super::*;
use crate::call::{CallId, Origin};
use crate::event::Input;
use crate::plan::Plan;
use crate::session::tests::{LINE, answered, begun, call, completed, plan, play};

/// A step whose first turn is reserved and has not left.
fn reserved() -> Vec<(u64, Input)> {
    let mut inputs = begun();
    inputs.pop();
    inputs
}

fn refused(left: u64) -> (u64, Input) {
    (30, Input::ScopeRefused { turn: 1, scope: "pull-request".into(), left: Money(left) })
}

fn requested(turn: u32) -> (u64, Input) {
    (40, Input::TurnRequested { turn, try_number: 1 })
}

#[track_caller]
fn check(plan: Plan, inputs: Vec<(u64, Input)>, expected: &[&str]) {
    let log = play(plan, inputs);
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines.ends_with(expected), "the whole log:\n{log}");
}

#[test]
fn a_scope_that_bears_less_gets_a_shorter_response_or_none() {
    let mut session = Session::new(plan());
    for (at, input) in reserved() {
        session.handle(at, input);
    }
    let whole = session.meter().reserved().0;
    let after = |scope_answers: &[u64]| {
        reserved().into_iter().chain(scope_answers.iter().map(|left| refused(*left))).collect()
    };
    // A thousand tokens of output cost 10_000.
    let lowered = ["turn 1 lowered by pull-request to 500", "turn 1 try 1"];
    check(plan(), after(&[whole - 5_000]), &lowered);
    let shortest = ["turn 1 lowered by pull-request to 256", "turn 1 try 1"];
    check(plan(), after(&[whole - 7_440]), &shortest);
    let stopped = ["stopped: out of money for the pull-request"];
    check(plan(), after(&[whole - 7_441]), &stopped);
    check(plan(), after(&[0]), &stopped);
    // A scope that bears it all and refuses all the same is not asked for ever.
    check(plan(), after(&[u64::MAX; LOWERINGS_MAX as usize + 1]), &stopped);
}

#[test]
fn what_a_scope_bears_counts_for_the_later_tries_of_a_turn_too() {
    let mut session = Session::new(plan());
    for (at, input) in reserved() {
        session.handle(at, input);
    }
    let left = session.meter().reserved().0 - 5_000;
    let closed = crate::session::tests::failed(crate::FailureClass::Provider, "closed");
    for (at, input) in [refused(left), requested(1), (50, closed)] {
        session.handle(at, input);
    }
    assert_eq!(session.meter().reserved(), Money(left));
}

#[test]
fn a_scope_that_refuses_a_request_which_has_left_comes_too_late() {
    let mut inputs = begun();
    inputs.push(refused(0));
    check(plan(), inputs, &["turn 1 try 1"]);
}

#[test]
fn nothing_is_sent_and_nothing_charged_when_the_ledger_fails() {
    let mut inputs = reserved();
    inputs.push((30, Input::LedgerFailed { turn: 1, message: "locked".into() }));
    let stopped = "stopped: the ledger failed, and nothing may be spent";
    check(plan(), inputs.clone(), &["turn 1 try 1", stopped]);
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    check(plan(), inputs, &["turn 1 try 1", stopped, "turn 1 try 1"]);
    // It was written down that the request leaves, and waited for the store.
    let mut inputs = begun();
    inputs.push((30, Input::LedgerFailed { turn: 1, message: "full".into() }));
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    check(plan(), inputs, &["turn 1 try 1", stopped, "turn 1 try 2"]);
}

#[test]
fn each_budget_asks_for_a_wrap_up_at_its_soft_limit() {
    // The first turn takes 950 tokens and 2300 micro-dollars, and makes one call.
    #[track_caller]
    fn wraps_up(at: u64, change: impl Fn(&mut Plan)) -> bool {
        let mut plan = plan();
        plan.max_output_tokens = 16;
        change(&mut plan);
        let mut inputs = begun();
        inputs.push((40, completed(1, vec![call("r", "read_file", "{}")], "")));
        inputs.push((at, answered(CallId { origin: Origin::Turn(1), index: 0 }, "{}")));
        let log = play(plan, inputs);
        assert!(log.contains("turn 2 try 1"), "{log}");
        log.lines().last() == Some("turn 2 try 1 wrap up")
    }
    assert!(!wraps_up(50, |_| {}));
    assert!(!wraps_up(48_000 + 19, |_| {}));
    assert!(wraps_up(48_000 + 20, |_| {}));
    assert!(!wraps_up(50, |plan| plan.budgets.analyze.calls = 2));
    assert!(wraps_up(50, |plan| plan.budgets.analyze.calls = 1));
}

#[test]
fn the_soft_limit_is_eighty_percent_of_time_calls_tokens_and_both_spends() {
    #[track_caller]
    fn check(tokens: u64, spend: u64, change: impl Fn(&mut Plan), expected: Option<Near>) {
        let mut plan = plan();
        plan.budgets.step_spend = Money(1_000);
        plan.budgets.analyze =
            crate::budget::Ceiling { tokens: 1_000, spend: Money(1_000), ..LINE };
        change(&mut plan);
        let mut session = Session::new(plan);
        session.meter.reserve(Work::Analyze, tokens, Money(spend)).unwrap();
        session.meter.settle(None);
        assert_eq!(session.near_ceiling(Work::Analyze), expected, "{tokens} {spend}");
    }
    check(799, 799, |_| {}, None);
    check(800, 0, |_| {}, Some(Near::Tokens));
    check(0, 800, |_| {}, Some(Near::Spend));
    check(0, 800, |plan| plan.budgets.analyze.spend = Money(2_000), Some(Near::StepSpend));
    check(0, 0, |plan| plan.budgets.analyze.calls = 0, Some(Near::Calls));
    check(0, 0, |plan| plan.budgets.analyze.time_ms = 0, Some(Near::Time));
    // Where nothing may be spent, nothing is spent: the model costs nothing.
    check(0, 0, |plan| plan.budgets.step_spend = Money(0), None);
}

#[test]
fn a_wrap_up_turn_gets_only_the_hosts_tools_and_there_is_one_of_it() {
    let mut inputs = begun();
    inputs.push((40, completed(1, vec![call("r", "read_file", "{}")], "")));
    inputs.push((48_020, answered(CallId { origin: Origin::Turn(1), index: 0 }, "{}")));
    inputs.push(requested(2));
    let early = call("x", "read_file", "{}");
    inputs.push((48_030, Input::CallReceived { turn: 2, call: early.clone() }));
    // An analysis that does not fit its schema, and a call besides.
    inputs.push((48_040, completed(2, vec![early, call("s", "submit_analysis", "{}")], "")));
    check(
        plan(),
        inputs.clone(),
        &["turn 2 try 1 wrap up", "turn 2 charged 950", "stopped: out of time: analyze"],
    );
    // Another attempt has time again.
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    check(plan(), inputs, &["turn 3 try 1"]);
}

/// A step whose second turn is asked for when its time is nearly over, and what the model does
/// in it.
fn near_its_time(second: Vec<(u64, Input)>) -> Vec<(u64, Input)> {
    let mut inputs = begun();
    inputs.push((40, completed(1, vec![call("r", "read_file", "{}")], "")));
    inputs.push((48_020, answered(CallId { origin: Origin::Turn(1), index: 0 }, "{}")));
    inputs.push((48_030, Input::TurnRequested { turn: 2, try_number: 1 }));
    inputs.extend(second);
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    inputs
}

#[test]
fn a_wrap_up_turn_that_only_calls_tools_is_answered_by_the_next_attempt_and_not_paid_again() {
    let called = completed(2, vec![call("x", "read_file", "{}")], "");
    let mut inputs = near_its_time(vec![(48_040, called)]);
    check(plan(), inputs.clone(), &["turn2.1 read_file", "stopped: out of time: analyze"]);
    inputs.push((10, answered(CallId { origin: Origin::Turn(2), index: 0 }, "{}")));
    check(plan(), inputs, &["stopped: out of time: analyze", "turn 3 try 1"]);
}

#[test]
fn who_has_time_again_need_not_come_to_an_end() {
    // The process died before the wrap-up turn completed.
    let inputs = near_its_time(vec![]);
    check(plan(), inputs.clone(), &["turn 2 charged most", "turn 2 try 2"]);
    let mut session = Session::new(plan());
    inputs.into_iter().for_each(|(at, input)| drop(session.handle(at, input)));
    let told = Item::User(prompt::WRAP_UP.to_owned());
    assert!(!session.conversation().contains(&told), "{:?}", session.conversation());
}

#[test]
fn a_context_near_the_window_may_be_compacted() {
    #[track_caller]
    fn check(window: Option<u64>, expected: Option<u64>) {
        let mut session = Session::new(Plan { context_tokens: window, ..plan() });
        let effects: Vec<Effect> =
            reserved().into_iter().flat_map(|(at, input)| session.handle(at, input)).collect();
        let Some(Effect::Ask(ask)) = effects.last() else { panic!("{effects:?}") };
        assert_eq!(ask.compact_at, expected);
    }
    check(None, None);
    check(Some(1_000_000), None);
    check(Some(1_000), Some(800));
}

#[test]
fn what_stands_before_the_last_compaction_need_not_be_sent_again() {
    #[track_caller]
    fn check(compacted_at: Option<u32>, expected_left_out: usize) {
        let mut session = Session::new(plan());
        for (at, input) in begun() {
            session.handle(at, input);
        }
        let before = session.conversation().len();
        session.handle(
            40,
            Input::TurnCompleted {
                turn: 1,
                response_id: "resp_1".into(),
                items: vec!["reasoning".into(), "compaction".into(), "call".into()],
                calls: vec![call("z", "shell", "{}")],
                text: String::new(),
                usage: None,
                compacted_at,
            },
        );
        let left_out = session.conversation().len() - session.replayable().len();
        assert_eq!(left_out, if expected_left_out == 0 { 0 } else { before + expected_left_out });
        assert!(session.conversation().ends_with(session.replayable()));
    }
    check(None, 0);
    check(Some(1), 1);
    check(Some(2), 2);
    // A place that is not there is a mistake of whoever says so.
    check(Some(3), 0);
}
