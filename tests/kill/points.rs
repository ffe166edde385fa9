//! Kills the real process at each of its points in turn, and runs it again.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::sync::Mutex;
use std::thread;

use super::promises::Calm;
use super::scripts::Script;
use crate::support::workspace;

/// Processes at a time: one for each core of the machines that test this.
const AT_ONCE: usize = 2;
/// Points of one kind, at most: a run that has more does not end.
const POINTS_MAX: usize = 2_000;

/// How many points of each kind a script has.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) appends: usize,
    pub(super) syncs: usize,
    pub(super) frames: usize,
    /// Not the same each time: the lengths of times differ.
    pub(super) torn: usize,
    pub(super) failures: usize,
    pub(super) doubles: usize,
}

impl Counts {
    /// Tells them to whoever watches, and holds them against the page that publishes them.
    pub(super) fn publish(&self, script: &str) {
        let Self { appends, syncs, frames, torn, failures, doubles } = self;
        let row = format!("| {script} | {appends} | {syncs} | {frames} | {doubles} | {failures} |");
        // Not by `eprintln!`, which the test harness keeps to itself.
        drop(writeln!(std::io::stderr(), "kill points: {row} and {torn} cuts in records"));
        let page = fs::read_to_string(workspace().join("docs/reliability.md")).unwrap();
        let there: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
        assert!(there.contains(&row.as_str()), "docs/reliability.md has no line `{row}`");
    }
}

/// Kills at `point(1)`, `point(2)`, … until a run gets to its end alive; how often it died.
pub(super) fn sweep(script: &Script, calm: &Calm, point: impl Fn(usize) -> String + Sync) -> usize {
    let next = Mutex::new(1..POINTS_MAX);
    let died = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.lock().unwrap().next().expect("a run has an end");
                    if !dies_and_goes_on(script, calm, &[&point(number)]) {
                        return;
                    }
                    died.lock().unwrap().insert(number);
                }
            });
        }
    });
    let died = died.into_inner().unwrap();
    assert_eq!(died.last().copied(), Some(died.len()), "{}: {died:?}", script.name);
    died.len()
}

/// Kills at each of these points.
pub(super) fn each(script: &Script, calm: &Calm, points: &[Vec<String>]) -> usize {
    let next = Mutex::new(points.iter());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(points) = next.lock().unwrap().next() else { return };
                    let points: Vec<&str> = points.iter().map(String::as_str).collect();
                    dies_and_goes_on(script, calm, &points);
                }
            });
        }
    });
    points.len()
}

/// Kills a run at the first point, the one that goes on at the second, and so on, then lets it
/// come to its end. Whether it died at the first.
fn dies_and_goes_on(script: &Script, calm: &Calm, points: &[&str]) -> bool {
    let at = format!("{} killed at {}", script.name, points.join(", then at "));
    let world = script.world();
    let mut kills = 0;
    for point in points {
        let ran = script.run(&world, &["--kill-at", point]);
        if ran.code.is_some() {
            // It has no such point: it is over, and a run that is over is not run again.
            assert_eq!(ran.code, Some(0), "{at}: {}", ran.err);
            calm.check(&world, kills, &at);
            return kills > 0;
        }
        kills += 1;
    }
    let again = script.run(&world, &[]);
    assert_eq!(again.code, Some(0), "{at}: {}", again.err);
    calm.check(&world, kills, &at);
    true
}
