//! What the rules promise about turns that fail.

use super::*;
use crate::budget::Usage;
use crate::session::tests::{begun, completed, plan, play};

fn failed(turn: u32, class: FailureClass, retry_after_ms: Option<u64>) -> Input {
    Input::TurnFailed {
        turn,
        class,
        code: "rate_limit_exceeded".into(),
        message: String::new(),
        sent: false,
        usage: None,
        retry_after_ms,
    }
}

/// The last line after the first turn failed with each of these waits, one try after the other.
#[track_caller]
fn check(at: u64, waits: &[u64], expected: &str) {
    let mut inputs = begun();
    for (n, wait) in (1_u32..).zip(waits) {
        inputs.push((at, failed(1, FailureClass::Provider, Some(*wait))));
        inputs.push((at, Input::TurnRequested { turn: 1, try_number: n + 1 }));
    }
    let mut patient = plan();
    patient.budgets.analyze.time_ms = 500_000;
    let log = play(patient, inputs);
    assert_eq!(log.lines().last(), Some(expected), "the whole log:\n{log}");
}

#[test]
fn a_providers_delay_is_honoured_as_far_as_it_fits() {
    let unavailable = "stopped: no model could be had (rate_limit_exceeded)";
    check(30, &[120_000], "turn 1 try 2");
    check(30, &[120_001], unavailable);
    // All waits of a turn together.
    check(30, &[120_000, 60_000], "turn 1 try 3");
    check(30, &[120_000, 60_001], unavailable);
    // The work began at 20 and ends at 500_020.
    check(400_021, &[99_998], "turn 1 try 2");
    check(400_021, &[99_999], unavailable);
    check(30, &[1, 1, 1], unavailable);
}

#[test]
fn an_exhausted_quota_is_not_asked_again() {
    let inputs = begun().into_iter().chain([(40, failed(1, FailureClass::Account, Some(1)))]);
    let log = play(plan(), inputs);
    let refused = "stopped: the provider refused (rate_limit_exceeded)";
    assert_eq!(log.lines().last(), Some(refused), "{log}");
}

#[test]
fn a_new_attempt_counts_failures_and_waits_anew() {
    let mut inputs = begun();
    for wait in [120_000, 60_001] {
        inputs.push((30, failed(1, FailureClass::Provider, Some(wait))));
    }
    inputs.push((0, Input::AttemptStarted { attempt: 2 }));
    inputs.push((1, Input::TurnRequested { turn: 1, try_number: 3 }));
    inputs.push((2, failed(1, FailureClass::Provider, Some(50_000))));
    let log = play(plan(), inputs);
    let tail: Vec<&str> = log.lines().rev().take(2).collect();
    assert_eq!(tail[1], "turn 1 rate_limit_exceeded +50000ms", "{log}");
}

#[test]
fn a_usage_that_counts_no_input_is_charged_at_the_most() {
    let mut inputs = begun();
    let mut none = completed(1, vec![], "It is line 3.");
    if let Input::TurnCompleted { usage, .. } = &mut none {
        *usage = Some(Usage { output: 5, ..Usage::default() });
    }
    inputs.push((40, none));
    let log = play(plan(), inputs);
    assert!(log.contains("turn 1 charged most"), "{log}");
}

#[test]
fn a_call_told_twice_is_no_progress() {
    let mut session = Session::new(plan());
    for (at, input) in begun() {
        session.handle(at, input);
    }
    let call = crate::session::tests::call("r", "read_file", "{}");
    for at in [1_000, 2_000] {
        session.handle(at, Input::CallReceived { turn: 1, call: call.clone() });
    }
    assert_eq!(session.deadline(), Some((6_000, crate::Deadline::Idle)));
}
