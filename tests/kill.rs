//! Kill the process anywhere, run it again: the same result, nothing asked for twice.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::support::World;

/// Kills the demo with `kill -9` after each of its journal's records in turn, runs the same
/// command again, and looks for a trace of it.
#[test]
fn a_demo_that_is_killed_at_any_record_ends_the_same_and_pays_once() {
    let calm = World::example();
    calm.run_script(&["--quiet"]).code(0);
    let expected = calm.read(".stepwell/out/result.json");
    let records = calm.trace().len();
    assert!(records > 40, "the demo has {records} records: is it still the main job?");

    let next = Mutex::new(1..=records);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(at) = next.lock().unwrap().next() else { return };
                    check_killed_at(at, &expected);
                }
            });
        }
    });
}

fn check_killed_at(at: usize, expected: &str) {
    let world = World::example();
    let killed = world.run_script(&["--quiet", "--kill-after", &at.to_string()]);
    assert_eq!(killed.code, None, "killed at record {at}: {}", killed.err);
    let again = world.run_script(&[]);
    assert_eq!(again.code, Some(0), "killed at record {at}: {}", again.err);
    assert_eq!(world.read(".stepwell/out/result.json"), expected, "killed at record {at}");
    let runs = std::fs::read_dir(world.path(".git/stepwell/runs")).unwrap().flatten();
    let given_up = runs.filter(|run| run.path().join("journal.previous.jsonl").exists()).count();
    assert_eq!(given_up, 0, "killed at record {at}: what was paid for was set aside");

    let mut completed: BTreeMap<u64, u32> = BTreeMap::new();
    for record in world.trace() {
        let heard = &record["event"]["heard"];
        let turn = heard["turn"].as_u64().unwrap_or_default();
        match heard["type"].as_str() {
            Some("turn-requested") => {
                let paid = completed.get(&turn).copied().unwrap_or(0);
                assert_eq!(paid, 0, "killed at record {at}: turn {turn} was asked for again");
            }
            Some("turn-completed") => *completed.entry(turn).or_default() += 1,
            Some(_) | None => {}
        }
    }
    assert_eq!(completed, [(1, 1), (2, 1), (3, 1)].into(), "killed at record {at}");
}

#[test]
fn a_resumed_run_says_what_it_did_not_do_again() {
    let world = World::example();
    let calm = World::example();
    calm.run_script(&["--quiet"]).code(0);
    let second_request = calm
        .trace()
        .iter()
        .position(|record| {
            record["event"]["heard"]["type"] == "turn-requested"
                && record["event"]["heard"]["turn"] == 2
        })
        .unwrap();
    world.run_script(&["--quiet", "--kill-after", &second_request.to_string()]);
    let again = world.run_script(&[]).code(0);
    assert!(again.err.contains("resumed"), "{}", again.err);
    assert!(again.err.contains("1 turn and"), "{}", again.err);
    let accounting = world.json(".stepwell/out/accounting.json");
    assert_eq!(accounting["attempts"], 2);
    assert_eq!(accounting["resumed-turns"], 1);
    assert!(accounting["resumed-spend"].as_u64().unwrap() > 0);
}

#[test]
fn an_interrupted_run_leaves_its_artifacts_and_goes_on_from_there() {
    let world = World::example();
    let script = "model = \"slow\"\n[[turn]]\nsay = \"thinking\\nabout it for long\"\npace-ms = 300\n\
                  [[turn.call]]\ntool = \"submit_analysis\"\n[turn.call.arguments]\n\
                  summary = \"s\"\nfindings = []\nnext_steps = []\n[[turn]]\nsay = \"done\"\n";
    let path = world.path("../slow.toml");
    std::fs::write(&path, script).unwrap();
    let provider = format!("script:{}", path.display());
    let mut command = world.command(&["run", "--provider", &provider]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        log.any(|line| line.unwrap().ends_with("thinking")),
        "the model's text is shown as it comes"
    );
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(world.artifacts()["stop-reason"]["id"], "cancelled");

    world.stepwell(&["run", "--quiet", "--provider", &provider]).code(0);
    assert_eq!(world.artifacts()["stop-reason"]["id"], "done");
    let accounting = world.json(".stepwell/out/accounting.json");
    assert_eq!(accounting["attempts"], 2);
    assert_eq!(
        accounting["charged-at-most"], 1,
        "the request that was under way may have been billed"
    );
}
