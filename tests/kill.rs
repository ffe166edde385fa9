//! Kill the process anywhere, run it again: the same result, nothing asked for twice.

mod disk;
mod points;
mod promises;
mod scripts;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::World;
use points::Counts;
use promises::Calm;
use scripts::Script;

/// Pairs of points at which a run is killed, and killed again while it goes on.
const DOUBLES: usize = 12;
/// Cuts of a record that is not cut at each of its bytes.
const CUTS: usize = 8;
/// Where the pairs begin; `STEPWELL_KILL_SEED` takes another place.
const SEED: u64 = 20_261_125;

#[test]
fn a_demo_that_is_killed_anywhere_ends_the_same_and_pays_once() {
    check(&Script::demo());
}

#[test]
fn a_repair_that_is_killed_anywhere_ends_the_same_and_pays_once() {
    check(&Script::repair());
}

#[test]
fn a_run_in_trouble_that_is_killed_anywhere_ends_the_same_and_pays_once() {
    check(&Script::trouble());
}

/// Kills a script at every record, before and after every sync, at every frame, in the middle of
/// records, and twice.
fn check(script: &Script) {
    let calm = Calm::of(script);
    let appends = points::sweep(script, &calm, |n| format!("append:{n}"));
    let syncs = ["before", "after"]
        .map(|when| points::sweep(script, &calm, |n| format!("sync:{n}:{when}")));
    assert_eq!(syncs[0], syncs[1]);
    let frames = points::sweep(script, &calm, |n| format!("frame:{n}"));
    let all = [("append", appends), ("frame", frames)];
    let counts = Counts {
        appends,
        syncs: syncs[0] * 2,
        frames,
        torn: points::each(script, &calm, &torn(&calm, script.cheap)),
        doubles: points::each(script, &calm, &doubles(&all)),
        failures: disk::sweep(script, &calm),
    };
    counts.publish(script.name);
}

/// Bytes at which the write of a record is cut: of the shortest at every one if `all` of them are
/// to be tried, of the first, the longest and the last at some.
fn torn(calm: &Calm, all: bool) -> Vec<Vec<String>> {
    let length = |number: &usize| calm.trace[number - 1].to_string().len() + 1;
    let numbers = || 1..=calm.trace.len();
    let shortest = numbers().min_by_key(length).unwrap();
    let longest = numbers().max_by_key(length).unwrap();
    let some = |number: usize| (number, length(&number).div_ceil(CUTS));
    let shortest = if all { (shortest, 1) } else { some(shortest) };
    let records = [shortest, some(1), some(longest), some(calm.trace.len())];
    let cuts = records.into_iter().flat_map(|(number, step)| {
        (0..length(&number)).step_by(step).map(move |bytes| format!("append:{number}:{bytes}"))
    });
    cuts.map(|cut| vec![cut]).collect()
}

/// Pairs of points, chosen by the seed.
fn doubles(all: &[(&str, usize)]) -> Vec<Vec<String>> {
    let seed = std::env::var("STEPWELL_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut dice = fastrand::Rng::with_seed(seed.unwrap_or(SEED));
    let mut point = || {
        let (kind, count) = all[dice.usize(..all.len())];
        format!("{kind}:{}", dice.usize(1..=count))
    };
    (0..DOUBLES).map(|_| vec![point(), point()]).collect()
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
    world.run_script(&["--quiet", "--kill-at", &format!("append:{second_request}")]);
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
