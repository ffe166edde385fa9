//! Kills the host after every input of a step, resumes it, and looks for a trace.

use super::tests::{World, plan};
use super::*;

/// Plays a step in a world, and crashes after `fuse` inputs; then resumes until it ends.
///
/// Returns what came out, and the turns that were asked for although they had completed.
fn play_with_crash(world: &mut World, fuse: usize) -> (String, Vec<u32>) {
    let mut twice = Vec::new();
    let mut journal: Vec<Input> = Vec::new();
    let mut attempt = 1;
    let mut left = Some(fuse);
    loop {
        let mut session = Session::new(plan());
        for input in &journal {
            session.handle(0, input.clone());
        }
        let mut queue = vec![Input::AttemptStarted { attempt }];
        let mut crashed = false;
        while !queue.is_empty() {
            let input = queue.remove(0);
            if left == Some(0) {
                crashed = true;
                left = None;
                break;
            }
            left = left.map(|n| n - 1);
            journal.push(input.clone());
            let effects = session.handle(0, input);
            twice.extend(asked(&effects).filter(|turn| completed(&journal, *turn)));
            queue.extend(world.carry_out(&session, effects));
        }
        if !crashed {
            let reason = session.stopped().expect("a step comes to an end").clone();
            let result = session.result("s", "h", None, reason);
            return (format!("{result:#?}"), twice);
        }
        attempt += 1;
    }
}

#[test]
fn a_crash_after_any_input_leaves_no_trace() {
    let mut calm = World::default();
    let (expected, _) = play_with_crash(&mut calm, usize::MAX);
    assert!(expected.contains("PatchTested"), "{expected}");

    for fuse in 0..calm.inputs {
        let mut world = World::default();
        let (result, twice) = play_with_crash(&mut world, fuse);
        assert_eq!(result, expected, "crashed after {fuse} inputs");
        assert_eq!(
            twice,
            Vec::<u32>::new(),
            "turns asked again after they had completed, fuse {fuse}"
        );
    }
}

fn asked(effects: &[Effect]) -> impl Iterator<Item = u32> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Ask(ask) => Some(ask.turn),
        Effect::Emit(_)
        | Effect::RunTests { .. }
        | Effect::Call(_)
        | Effect::Judge { .. }
        | Effect::AbortTurn
        | Effect::AbortTests
        | Effect::Finish(_) => None,
    })
}

fn completed(journal: &[Input], turn: u32) -> bool {
    journal.iter().any(|input| matches!(input, Input::TurnCompleted { turn: t, .. } if *t == turn))
}
