//! What value checks promise.

use super::*;
use crate::check::{Condition, Op, Quantity};
use crate::event::{Deadline, Input};
use crate::plan::Plan;
use crate::session::tests::{ANALYSIS, begun, call, completed, plan, play};
use crate::state::Phase;

fn quantity(fact: Quantity, op: Op, value: u64) -> Condition {
    Condition::Quantity { fact, op, value }
}

fn with(then: Action, when: Vec<Condition>) -> Plan {
    let check = Check { name: "worth it".into(), when, then };
    Plan { checks: vec![check], ..plan() }
}

fn asked_again() -> Vec<(u64, Input)> {
    let mut inputs = begun();
    inputs.push((100, completed(1, vec![call("s", "submit_analysis", ANALYSIS)], "")));
    inputs
}

fn due() -> Input {
    Input::DeadlinePassed { deadline: Deadline::Check }
}

fn session(plan: Plan, inputs: Vec<(u64, Input)>) -> Session {
    let mut session = Session::new(plan);
    for (at, input) in inputs {
        session.handle(at, input);
    }
    session
}

#[test]
fn a_check_fires_when_all_its_conditions_hold() {
    use Quantity::{Calls, SinceProgressMs, Spend, TimeMs, Tokens, Turns, TurnsSinceProgress};
    #[track_caller]
    fn check(when: &[Condition], expected: Option<&str>) {
        let log = play(with(Action::Warn, when.to_vec()), asked_again());
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("check")).collect();
        assert_eq!(lines.len(), usize::from(expected.is_some()), "{log}");
        assert_eq!(lines.first().map(|line| &line["check worth it: ".len()..]), expected);
    }
    check(&[quantity(Turns, Op::AtLeast, 1)], Some("1 turns, at least 1"));
    check(&[quantity(Turns, Op::AtLeast, 2)], None);
    check(&[quantity(Calls, Op::Is, 1)], Some("1 calls, exactly 1"));
    check(&[quantity(Tokens, Op::AtLeast, 950)], Some("950 tokens, at least 950"));
    check(&[quantity(Spend, Op::AtLeast, 2_300)], Some("2300 micro-dollars spent, at least 2300"));
    check(&[quantity(TimeMs, Op::AtLeast, 100)], Some("100 milliseconds, at least 100"));
    check(&[quantity(TimeMs, Op::AtLeast, 101)], None);
    check(
        &[quantity(SinceProgressMs, Op::AtLeast, 10)],
        Some("10 milliseconds since progress, at least 10"),
    );
    check(&[quantity(Turns, Op::Is, 1), quantity(TurnsSinceProgress, Op::AtLeast, 1)], None);
    let analyzed = Condition::Phase { op: Op::AtLeast, phase: Phase::Analyzed };
    let unnamed = Condition::NamesFailingTest { is: false };
    check(
        &[analyzed, unnamed],
        Some("phase ANALYZED, at least ANALYZED; no failing test is named"),
    );
    check(&[analyzed, Condition::NamesFailingTest { is: true }], None);
    check(&[], None);
}

#[test]
fn a_check_that_stops_ends_the_run_for_good_before_the_next_request() {
    let when = vec![quantity(Quantity::Turns, Op::AtLeast, 1)];
    let mut inputs = asked_again();
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    let mut session = session(with(Action::Stop, when), inputs);
    let stopped = StopReason::ValueCheck { check: "worth it".into() };
    assert_eq!(session.stopped(), Some(&stopped));
    assert!(!session.meter().is_reserved());
    assert!(session.handle(1, Input::TurnRequested { turn: 2, try_number: 1 }).is_empty());
}

#[test]
fn a_check_that_asks_waits_for_a_human_and_then_goes_on() {
    let when = vec![quantity(Quantity::Turns, Op::AtLeast, 1)];
    let plan = with(Action::Ask, when);
    let approved = |check: &str| {
        let (by, bound) = ("a human".into(), None);
        Input::Approved { check: check.into(), by, bound }
    };
    let again = Input::AttemptStarted { attempt: 2 };
    let needed = Some("stopped: the check `worth it` needs an approval");
    let last = |more: Vec<Input>| {
        let more = more.into_iter().map(|input| (0, input));
        play(plan.clone(), asked_again().into_iter().chain(more))
    };
    assert_eq!(last(vec![]).lines().last(), needed);
    assert_eq!(last(vec![again.clone()]).lines().last(), needed);
    assert_eq!(last(vec![approved("another"), again.clone()]).lines().last(), needed);
    let approved = last(vec![approved("worth it"), again]);
    assert_eq!(approved.lines().last(), Some("turn 2 try 1"), "{approved}");
}

#[test]
fn a_question_stays_though_its_reason_is_gone() {
    let late = vec![quantity(Quantity::TimeMs, Op::AtLeast, 100)];
    let mut inputs = asked_again();
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    let needed = StopReason::ApprovalNeeded { check: "worth it".into(), bound: None };
    assert_eq!(session(with(Action::Ask, late), inputs).stopped(), Some(&needed));
}

#[test]
fn a_check_that_asks_lets_the_response_under_way_complete() {
    let when = vec![quantity(Quantity::TimeMs, Op::AtLeast, 50)];
    let mut waiting = session(with(Action::Ask, when.clone()), begun());
    assert_eq!(waiting.deadline().map(|(_, deadline)| deadline), Some(Deadline::FirstEvent));
    waiting.handle(60, due());
    assert_eq!(waiting.stopped(), None);
    waiting.handle(70, completed(1, vec![call("s", "submit_analysis", ANALYSIS)], ""));
    let needed = StopReason::ApprovalNeeded { check: "worth it".into(), bound: None };
    assert_eq!(waiting.stopped(), Some(&needed));

    // One that stops does not wait.
    let mut stopping = session(with(Action::Stop, when), begun());
    assert_eq!(stopping.deadline(), Some((50, Deadline::Check)));
    stopping.handle(50, due());
    assert!(stopping.stopped().is_some());
}

#[test]
fn a_time_condition_falls_due_by_itself() {
    #[track_caller]
    fn check(when: Vec<Condition>, expected: Option<u64>) {
        let session = session(with(Action::Warn, when), begun());
        let due = session.deadline().filter(|(_, deadline)| *deadline == Deadline::Check);
        assert_eq!(due.map(|(at, _)| at), expected);
    }
    let time = |op, value| quantity(Quantity::TimeMs, op, value);
    let since = |value| quantity(Quantity::SinceProgressMs, Op::AtLeast, value);
    check(vec![time(Op::AtLeast, 500)], Some(500));
    // The last progress was at 20.
    check(vec![since(500)], Some(520));
    check(vec![since(500), time(Op::AtLeast, 900)], Some(900));
    check(vec![since(500), time(Op::AtMost, 519)], None);
    check(vec![since(500), time(Op::AtMost, 520)], Some(520));
    check(vec![time(Op::Is, 700)], Some(700));
    check(vec![time(Op::Is, 29)], None);
    check(vec![since(500), quantity(Quantity::Turns, Op::AtLeast, 1)], None);
    // Now is 30: the work in hand began at 20.
    check(vec![quantity(Quantity::WorkTimeMs, Op::AtLeast, 100)], Some(120));
}

#[test]
fn the_job_ends_before_it_is_killed_and_another_goes_on() {
    let plan = Plan { job_ms: Some(5_000), ..plan() };
    let mut session = session(plan, begun());
    assert_eq!(session.deadline(), Some((5_000, Deadline::Job)));
    session.handle(5_000, Input::DeadlinePassed { deadline: Deadline::Job });
    assert_eq!(session.stopped(), Some(&StopReason::JobDeadline));
    assert_eq!(session.deadline(), None);
    session.handle(0, Input::AttemptStarted { attempt: 2 });
    assert_eq!(session.stopped(), None);
}

#[test]
fn the_last_check_that_counts_is_looked_at_and_the_one_after_it_is_not() {
    let check = |place: usize| {
        let never = quantity(Quantity::Turns, Op::AtLeast, 99);
        let always = quantity(Quantity::Turns, Op::AtLeast, 0);
        let one = |n| Check {
            name: format!("c{n}"),
            when: vec![if n == place { always } else { never }],
            then: Action::Stop,
        };
        let plan = Plan { checks: (0..=CHECKS_MAX).map(one).collect(), ..plan() };
        session(plan, begun()).stopped().is_some()
    };
    assert!(check(CHECKS_MAX - 1));
    assert!(!check(CHECKS_MAX));
}
