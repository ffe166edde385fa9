//! `stepwell runs`: which runs are kept, how far each got, and what going on with it would save.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runner::{Carrier, JournalError, KeptRun, KeptState, Plain, count};
use serde_json::{Value, json};

use super::table::{Side, Table};
use super::{pretty, print, wait_for};
use crate::args::RunsArgs;
use crate::problem::Problem;
use crate::repo;
use crate::wiring::shared::SharedRuns;

/// A run, and whether it is kept here, in the store, or both.
struct Listed {
    run: KeptRun,
    here: bool,
    shared: bool,
}

/// Lists the runs.
pub(super) fn runs(args: &RunsArgs) -> Result<u8, Problem> {
    let path = repo::runs(&args.repo.repo)?;
    let shared = SharedRuns::named(args.store.store.as_deref())?;
    let here = runner::kept_runs(&path).map_err(|source| Problem::File {
        what: "read",
        path: path.clone(),
        source,
    })?;
    let elsewhere = match shared.clone() {
        Some(shared) => {
            let carrier: Arc<dyn Carrier> = Arc::new(shared.clone());
            wait_for(async move {
                let names = shared.names().await?;
                Ok::<_, Problem>(runner::carried_runs(&carrier, names).await)
            })??
        }
        None => Vec::new(),
    };
    let all = together(here, elsewhere);
    if args.json {
        print(&pretty(&all.iter().map(as_json).collect::<Vec<_>>()));
    } else if all.is_empty() {
        print("no run is kept here: `stepwell run` begins one");
    } else {
        print(&table(&all, shared.is_some()));
        all.iter().filter_map(damage).for_each(|line| print(&line));
    }
    Ok(0)
}

/// Each run once: as the copy tells that got further.
fn together(here: Vec<KeptRun>, elsewhere: Vec<KeptRun>) -> Vec<Listed> {
    let mut all: Vec<Listed> =
        here.into_iter().map(|run| Listed { run, here: true, shared: false }).collect();
    for run in elsewhere {
        match all.iter_mut().find(|listed| listed.run.name == run.name) {
            Some(listed) => {
                listed.shared = true;
                if run.records > listed.run.records {
                    listed.run = run;
                }
            }
            None => all.push(Listed { run, here: false, shared: true }),
        }
    }
    all.sort_by(|a, b| (b.run.worked_ms, &a.run.name).cmp(&(a.run.worked_ms, &b.run.name)));
    all
}

fn table(all: &[Listed], with_places: bool) -> String {
    let mut columns: Vec<(&str, Side)> =
        ["run", "step", "head", "state", "phase"].map(|name| (name, Side::Left)).into();
    columns.extend(["attempts", "spent", "reuses", "saves", "age"].map(|name| (name, Side::Right)));
    if with_places {
        columns.push(("kept", Side::Left));
    }
    let mut table = Table::new(&columns);
    for listed in all {
        let run = &listed.run;
        let reusable = run.reusable;
        let mut row = vec![
            run.name.clone(),
            run.step.clone(),
            run.head.clone(),
            state(run),
            run.phase.name().to_owned(),
            run.attempts.to_string(),
            run.spend.to_string(),
            [count(reusable.turns.into(), "turn"), count(reusable.calls.into(), "call")].join(", "),
            reusable.spend.to_string(),
            age(run.worked_ms),
        ];
        if with_places {
            row.push(places(listed).join(", "));
        }
        table.row(&row);
    }
    table.to_string()
}

fn places(listed: &Listed) -> Vec<&'static str> {
    let places = [(listed.here, "here"), (listed.shared, "store")];
    places.into_iter().filter_map(|(is_there, place)| is_there.then_some(place)).collect()
}

fn state(run: &KeptRun) -> String {
    match &run.state {
        KeptState::AtWork { holder } => format!("at work: {holder}"),
        KeptState::Unfinished => "cut off".to_owned(),
        KeptState::Stopped(reason) => format!("stopped: {reason}"),
        KeptState::Over(reason) => format!("over: {reason}"),
        KeptState::Damaged(_) => "damaged".to_owned(),
    }
}

/// What is wrong with a run, and what to do about it.
fn damage(listed: &Listed) -> Option<String> {
    let KeptState::Damaged(damage) = &listed.run.state else { return None };
    let name = &listed.run.name;
    let why = because(damage);
    Some(format!("{}: {}; its command with `--fresh` forgets it", Plain(name), Plain(&why)))
}

/// A problem and its cause, in one line.
fn because(damage: &JournalError) -> String {
    match damage.source() {
        Some(cause) => format!("{damage}: {cause}"),
        None => damage.to_string(),
    }
}

/// How long ago, in one unit. A clock may have been wrong.
fn age(worked_ms: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(worked_ms);
    let seconds = SystemTime::now().duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn as_json(listed: &Listed) -> Value {
    let run = &listed.run;
    let (id, stop, holder, damage) = match &run.state {
        KeptState::AtWork { holder } => ("at-work", None, Some(holder.clone()), None),
        KeptState::Unfinished => ("cut-off", None, None, None),
        KeptState::Stopped(reason) => ("stopped", Some(reason), None, None),
        KeptState::Over(reason) => ("over", Some(reason), None, None),
        KeptState::Damaged(damage) => ("damaged", None, None, Some(because(damage))),
    };
    json!({
        "run": run.name,
        "step": run.step,
        "head": run.head,
        "base": run.base,
        "provider": run.provider,
        "model": run.model,
        "state": id,
        "open": run.is_open(),
        "stop-reason": stop,
        "holder": holder,
        "damage": damage,
        "phase": run.phase.name(),
        "attempts": run.attempts,
        "records": run.records,
        "spend": run.spend.0,
        "reusable": {
            "turns": run.reusable.turns,
            "calls": run.reusable.calls,
            "spend": run.reusable.spend.0,
        },
        "worked-ms": run.worked_ms,
        "kept": places(listed),
    })
}
