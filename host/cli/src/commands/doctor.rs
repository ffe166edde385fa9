//! `stepwell doctor`: what this machine puts around a tool, found out by putting it there.

use std::fs;

use sandbox::{Config, Sandbox, Trial, Tried, Walls};
use serde_json::{Value, json};

use super::{pretty, print};
use crate::args::DoctorArgs;
use crate::problem::Problem;
use crate::wiring;

/// The exit code when a wall is missing, or has a hole.
const NOT_WELL: u8 = 1;

/// A trial, and what came of it.
struct Attempt {
    what: &'static str,
    refused: bool,
    how: String,
}

/// Looks at this machine.
pub(super) fn doctor(args: &DoctorArgs) -> Result<u8, Problem> {
    let sandbox = wiring::sandbox(Config::default().concurrent_calls_max)?;
    let walls = sandbox.walls();
    let attempts = match &walls {
        Ok(_) => Trial::ALL.iter().map(|&trial| attempt(&sandbox, trial)).collect(),
        Err(_) => Vec::new(),
    };
    let isolation = sandbox.isolation();
    let machine = machine();
    let is_well = walls.as_ref().is_ok_and(|walls| walls.missing().is_empty())
        && attempts.iter().all(|attempt| attempt.refused);
    if args.json {
        print(&pretty(&as_json(&machine, &isolation, &walls, &attempts, is_well)));
    } else {
        in_words(&machine, &isolation, &walls, &attempts);
    }
    Ok(if is_well { 0 } else { NOT_WELL })
}

fn attempt(sandbox: &Sandbox, trial: Trial) -> Attempt {
    let (refused, how) = match sandbox.attempt(trial) {
        Ok(Tried::Refused(how)) => (true, how),
        Ok(Tried::Did(what)) => (false, what),
        Err(why) => (false, format!("not tried: {why}")),
    };
    Attempt { what: trial.name(), refused, how }
}

/// What there is to know of the machine itself.
fn machine() -> [(&'static str, String); 3] {
    let read = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    };
    let known = |text: String| if text.is_empty() { "unknown".to_owned() } else { text };
    let scan = match sandbox::has_page_scan() {
        true => "yes",
        false => "no: memory is cleared between calls, which is slower",
    };
    [
        ("kernel", known(read("/proc/sys/kernel/osrelease"))),
        ("cgroup", known(read("/proc/self/cgroup"))),
        ("page scan", scan.to_owned()),
    ]
}

fn as_json(
    machine: &[(&'static str, String)],
    isolation: &str,
    walls: &Result<Walls, String>,
    attempts: &[Attempt],
    is_well: bool,
) -> Value {
    let machine: serde_json::Map<String, Value> =
        machine.iter().map(|(name, value)| (name.replace(' ', "_"), json!(value))).collect();
    let (walls, problem) = match walls {
        Ok(walls) => (walls.walls.as_slice(), None),
        Err(why) => (&[][..], Some(why)),
    };
    let walls: Vec<Value> = walls
        .iter()
        .map(|wall| json!({ "name": wall.name, "stands": wall.stands, "about": wall.about }))
        .collect();
    let attempts: Vec<Value> = attempts
        .iter()
        .map(|one| json!({ "what": one.what, "refused": one.refused, "how": one.how }))
        .collect();
    json!({
        "machine": machine,
        "isolation": isolation,
        "walls": walls,
        "attempts": attempts,
        "problem": problem,
        "well": is_well,
    })
}

fn in_words(
    machine: &[(&'static str, String)],
    isolation: &str,
    walls: &Result<Walls, String>,
    attempts: &[Attempt],
) {
    for (name, value) in machine {
        print(&format!("{name:<12}  {value}"));
    }
    print(&format!("{:<12}  {isolation}", "tools"));
    match walls {
        Ok(walls) => {
            print("\nwalls around a tool's process:");
            for wall in &walls.walls {
                let stands = if wall.stands { "stands " } else { "MISSING" };
                print(&format!("  {stands}  {:<12}  {}", wall.name, wall.about));
            }
        }
        Err(why) => print(&format!("\nno process for a tool can be had: {why}")),
    }
    if !attempts.is_empty() {
        print("\na tool that has broken out of the engine tries to:");
    }
    for attempt in attempts {
        let refused = if attempt.refused { "refused" } else { "WORKED " };
        print(&format!("  {refused}  {:<32}  {}", attempt.what, attempt.how));
    }
}
