//! `stepwell replay`: every decision and every tool call of a run once more, offline and without
//! effects.

use std::fmt::Write as _;
use std::path::PathBuf;

use report::{Check, Finding, Verified};
use runner::{Divergence, Plain, Recalled, Refolded, Trees, count};
use serde_json::json;
use session::event::{Event, Note, Record};
use trace::{Chain, Told};

use super::reading::Found;
use super::run::{self, Ready};
use super::{pretty, print, wait_for};
use crate::args::{ReplayArgs, RunArgs};
use crate::problem::{Problem, ReadingProblem};
use crate::{exit, repo};

/// What came of a run that was made again.
struct Again {
    refolded: Refolded,
    recalled: Recalled,
}

/// Makes a run again, and compares.
pub(super) fn replay(args: &ReplayArgs) -> Result<u8, Problem> {
    let found = Found::of(&args.run)?;
    let (name, records) = records(&found)?;
    let again = again(args, &name, &records)?;
    let result = result(&again.refolded, found.beside("result.json")?.as_deref());
    let divergence = first(&again);
    let findings = vec![
        Finding {
            what: "chain",
            check: Check::Holds,
            because: format!("{} without a gap", count(records.len() as u64, "record")),
        },
        decisions(&again.refolded),
        calls(&again.recalled),
        result,
    ];
    let told = Verified { run: Some(name), records: records.len() as u64, findings };
    if args.json {
        print(&pretty(&json!({
            "run": told.run,
            "records": told.records,
            "findings": told.findings,
            "divergence": divergence,
        })));
    } else {
        print(told.to_string().trim_end());
        if let Some(divergence) = divergence {
            both_sides(divergence);
        }
    }
    Ok(if told.holds() { exit::DONE } else { exit::DIVERGED })
}

/// The records of a trace that was written by a program that knows no more than this one.
fn records(found: &Found) -> Result<(String, Vec<Record>), Problem> {
    let first = Chain::new(&found.bytes).next().ok_or(ReadingProblem::NotBegun)?;
    let name = match first.map_err(|source| found.damaged(source))?.told {
        Told::Known(record) => record.run,
        Told::Unknown { head, .. } => head.run,
    };
    let whole = trace::read(&name, &found.bytes).map_err(|source| found.damaged(source))?;
    Ok((name, whole.records))
}

fn again(args: &ReplayArgs, name: &str, records: &[Record]) -> Result<Again, Problem> {
    let Some(Event::Noted(Note::RunStarted { head, base, .. })) =
        records.first().map(|record| &record.event)
    else {
        return Err(ReadingProblem::NotBegun.into());
    };
    let names = (head.clone(), base.clone());
    let trees = repo::open(&args.run.repo.repo, args.head.as_deref(), args.base.as_deref())?;
    let of_run = RunArgs {
        step: args.step.clone(),
        repo: args.run.repo.clone(),
        base: args.base.clone(),
        head: args.head.clone(),
        step_from_head: args.step_from_head,
        no_cache: true,
        quiet: true,
        ..RunArgs::default()
    };
    let Ready { plan, step, toolbox, .. } = run::ready(&of_run, &trees, false)?;
    let mut rules = plan.session;
    rules.request_overhead_bytes = run::overhead_bytes(&rules, &toolbox);
    let refolded = runner::refold(rules, records).ok_or(ReadingProblem::NotBegun)?;
    let shown = crate::trees::shown(&step, &trees.root, &trees.head.snapshot)?;
    // The name is the trace's word, and must not lead anywhere else.
    let run_dir: Option<PathBuf> =
        runner::is_run_name(name).then(|| trees.state.join("runs").join(name));
    let head = trees.head.snapshot;
    let seen = Trees {
        head: if shown.is_empty() { head } else { head.overlay(shown) },
        base: trees.base.map(|base| base.snapshot),
        names,
    };
    let recalled = wait_for(runner::recall(&toolbox, seen, run_dir.as_deref(), records))?;
    Ok(Again { refolded, recalled })
}

/// The divergence that comes first in the trace.
fn first(again: &Again) -> Option<&Divergence> {
    let both = [&again.refolded.divergence, &again.recalled.divergence];
    both.into_iter().flatten().min_by_key(|divergence| divergence.seq)
}

fn decisions(refolded: &Refolded) -> Finding {
    let same = count(refolded.decisions, "decision");
    let (check, because) = match &refolded.divergence {
        None => (Check::Holds, format!("{same} made again, and all the same")),
        Some(at) => (Check::Fails, format!("the same for {same}, another in record {}", at.seq)),
    };
    Finding { what: "decisions", check, because }
}

fn calls(recalled: &Recalled) -> Finding {
    let Recalled { same, open, unseen, divergence } = recalled;
    let mut because = match divergence {
        None => format!("{} made again, with the same output", count(*same, "call")),
        Some(at) => {
            format!("the same for {}, other in record {}", count(*same, "call"), at.seq)
        }
    };
    if *open > 0 {
        let _ = write!(because, "; {open} left open");
    }
    if *unseen > 0 {
        let _ = write!(because, "; {unseen} may have seen reports of tests that are not here");
    }
    let check = match divergence {
        Some(_) => Check::Fails,
        None if *unseen > 0 => Check::Open,
        None => Check::Holds,
    };
    Finding { what: "calls", check, because }
}

fn result(refolded: &Refolded, beside: Option<&[u8]>) -> Finding {
    let (check, because) = match (&refolded.result, beside) {
        (_, None) => (Check::Open, "it is not beside the trace"),
        (None, Some(_)) if refolded.divergence.is_some() => {
            (Check::Open, "the run comes to no result after another decision")
        }
        (None, Some(_)) => (Check::Fails, "there is one, and the run is not over"),
        (Some(again), Some(there)) if again == there => (Check::Holds, "the same, byte for byte"),
        (Some(_), Some(_)) => (Check::Fails, "the run comes to another"),
    };
    Finding { what: "result.json", check, because: because.to_owned() }
}

fn both_sides(divergence: &Divergence) {
    let Divergence { seq, what, recorded, again } = divergence;
    print(&format!("\nrecord {seq}: {} is another", Plain(what)));
    print(&format!("  recorded  {}", Plain(recorded)));
    print(&format!("  again     {}", Plain(again)));
}
