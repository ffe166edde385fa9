//! Ends the process after every input of a step in every way it can end, resumes it, and looks for
//! a trace.

use super::tests::{World, plan};
use super::*;
use crate::check::{Action, Check, Condition, Op, Quantity};
use crate::event::Deadline;
use crate::plan::TestPlan;
use crate::stop::Signal;

/// How a process ends before the step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    Killed,
    Cancelled,
    JobDeadline,
    LedgerFailed,
}

const INTERRUPTIONS: [Interruption; 4] = [
    Interruption::Killed,
    Interruption::Cancelled,
    Interruption::JobDeadline,
    Interruption::LedgerFailed,
];

impl Interruption {
    /// What the rules hear of it, instead of `next`.
    fn input(self, next: &Input) -> Option<Input> {
        match (self, next) {
            (Self::Cancelled, _) => Some(Input::Cancelled { signal: Signal::Terminate }),
            (Self::JobDeadline, _) => Some(Input::DeadlinePassed { deadline: Deadline::Job }),
            (Self::LedgerFailed, Input::TurnRequested { turn, .. }) => {
                Some(Input::LedgerFailed { turn: *turn, message: "locked".to_owned() })
            }
            (Self::Killed | Self::LedgerFailed, _) => None,
        }
    }
}

/// A step whose author wants to hear of the analysis, and decides himself after a refused patch.
fn checked() -> Plan {
    let check = |name: &str, then, fact, value| Check {
        name: name.to_owned(),
        when: vec![Condition::Quantity { fact, op: Op::AtLeast, value }],
        then,
    };
    let tests = plan().tests.map(|tests| TestPlan { judged: true, ..tests });
    Plan {
        tests,
        checks: vec![
            check("second-turn", Action::Warn, Quantity::Turns, 2),
            check("refused", Action::Ask, Quantity::PatchTries, 1),
        ],
        ..plan()
    }
}

/// What came of a step.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    result: String,
    /// Turns that were asked for although they had completed.
    asked_twice: Vec<u32>,
    /// How often the operator was warned.
    warned: usize,
}

/// Plays a step in a world, and ends the process after `fuse` inputs; then resumes until it ends.
/// Whoever is asked approves.
fn play(world: &mut World, fuse: usize, how: Interruption) -> Played {
    let (mut asked_twice, mut warned) = (Vec::new(), 0);
    let mut journal: Vec<Input> = Vec::new();
    let mut attempt = 0;
    let mut left = Some(fuse);
    loop {
        attempt += 1;
        let mut session = Session::new(checked());
        for input in &journal {
            session.handle(0, input.clone());
        }
        let mut queue = vec![Input::AttemptStarted { attempt }];
        if let Some(StopReason::ApprovalNeeded { check, bound }) = session.stopped() {
            let (check, bound) = (check.clone(), bound.clone());
            queue.insert(0, Input::Approved { check, by: "a human".to_owned(), bound });
        }
        while !queue.is_empty() {
            let input = queue.remove(0);
            if left == Some(0) {
                left = None;
                if let Some(last) = how.input(&input) {
                    journal.push(last.clone());
                    session.handle(0, last);
                }
                break;
            }
            left = left.map(|n| n - 1);
            journal.push(input.clone());
            let effects = session.handle(0, input);
            asked_twice.extend(asked(&effects).filter(|turn| completed(&journal, *turn)));
            warned += effects.iter().filter(|effect| is_warning(effect)).count();
            queue.extend(world.carry_out(&session, effects));
        }
        if let Some(reason) = session.stopped()
            && !reason.is_open()
        {
            let result = session.result("s", "h", None, reason.clone());
            return Played { result: format!("{result:#?}"), asked_twice, warned };
        }
        assert!(attempt < 10, "it comes to no end: {:?}", session.stopped());
    }
}

#[test]
fn a_crash_after_any_input_leaves_no_trace() {
    no_trace(World::default);
}

/// The gates ask twice: about the patch, and about its tests.
#[test]
fn a_crash_while_a_gate_asks_leaves_no_trace() {
    let expected = no_trace(|| World { asks: true, ..World::default() });
    assert_eq!(expected.result.matches("approved_by: Some").count(), 2, "{}", expected.result);
}

fn no_trace(world: impl Fn() -> World) -> Played {
    let mut calm = world();
    let expected = play(&mut calm, usize::MAX, Interruption::Killed);
    assert!(expected.result.contains("PatchTested"), "{expected:?}");
    assert_eq!((&expected.asked_twice, expected.warned), (&vec![], 2), "a warning and a question");

    for how in INTERRUPTIONS {
        for fuse in 0..calm.inputs {
            let played = play(&mut world(), fuse, how);
            assert_eq!(played, expected, "{how:?} after {fuse} inputs");
        }
    }
    expected
}

fn is_warning(effect: &Effect) -> bool {
    matches!(effect, Effect::Emit(Decision::Warned { .. }))
}

fn asked(effects: &[Effect]) -> impl Iterator<Item = u32> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Ask(ask) => Some(ask.turn),
        Effect::Emit(_)
        | Effect::RunTests { .. }
        | Effect::Call(_)
        | Effect::Judge { .. }
        | Effect::JudgeTests { .. }
        | Effect::AbortTurn
        | Effect::AbortTests
        | Effect::Finish(_) => None,
    })
}

fn completed(journal: &[Input], turn: u32) -> bool {
    journal.iter().any(|input| matches!(input, Input::TurnCompleted { turn: t, .. } if *t == turn))
}
