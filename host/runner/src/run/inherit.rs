//! What a run has from another run of its step, where only such inputs changed as tell late: the
//! records from before that, copied once, before anything else is done.
//!
//! A record is taken over where nothing that it rests on has changed, and where the rules, told
//! the same, decide the same under the new plan. What follows the first that is not stays behind.
//! It is then as if the process had died there: the run goes on as any that was cut off.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use session::event::{Deadline, Decision, Event, Input, Note, Record, SCHEMA};
use session::{Phase, Session};

use super::RunError;
use super::resume::{PREVIOUS, REPORTS, RUNS_KEPT_MAX, is_decision, report_name, started};
use crate::journal::{JOURNAL, JOURNAL_BYTES_MAX, read};
use crate::plan::{FirstUse, RunKey, RunPlan};
use crate::runs::is_run_name;
use crate::tools::{ToolExecutor, Toolbox};

/// What a run depends on, beside its journal.
const PARTS: &str = "parts.json";

/// What [`PARTS`] holds.
#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    step: String,
    parts: BTreeMap<String, String>,
}

/// Another run of the step.
#[derive(Debug)]
struct Other {
    dir: PathBuf,
    name: String,
    worked: SystemTime,
    /// The parts of the plan's key that are not the same there.
    changed: Vec<String>,
}

/// Writes down what the plan's run depends on.
pub(super) fn remember(plan: &RunPlan) -> io::Result<()> {
    let parts = Parts { step: plan.step.clone(), parts: plan.key.parts().clone() };
    put(&plan.run_dir, PARTS, &crate::artifacts::json(&parts))
}

/// Which parts of the key are not those of the last run of this step.
pub(super) fn changed_since_last(plan: &RunPlan) -> Option<Vec<String>> {
    others(plan).into_iter().next().map(|last| last.changed)
}

/// Begins the plan's journal with what another run has for it. Whether one had something.
///
/// # Errors
/// When the copy cannot be written: what cannot be read of the other run is not there.
pub(super) fn inherit<E: ToolExecutor>(
    plan: &RunPlan,
    toolbox: &Toolbox<E>,
) -> Result<bool, RunError> {
    // A run that was begun anew is not to end as it did.
    if [JOURNAL, PREVIOUS].iter().any(|name| plan.run_dir.join(name).exists()) {
        return Ok(false);
    }
    for other in others(plan) {
        let uses: Vec<FirstUse> =
            other.changed.iter().map(|name| plan.key.first_use(name)).collect();
        let records = records_of(&other);
        let taken = taken(plan, &uses, &records);
        let is_paid =
            |record: &Record| matches!(&record.event, Event::Heard(Input::TurnCompleted { .. }));
        if !taken.iter().any(is_paid) {
            continue;
        }
        // A run of which a report is gone is not inherited from.
        if let Ok(reports) = reports_of(taken, &other.dir) {
            let note = Note::Inherited { run: other.name.clone(), changed: other.changed.clone() };
            let path = plan.run_dir.clone();
            copy(plan, [started(plan, toolbox), note], taken, reports)
                .map_err(|source| RunError::Io { path, source })?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The other runs of the step that are kept here, the one last worked on first.
fn others(plan: &RunPlan) -> Vec<Other> {
    let Some(runs) = plan.run_dir.parent() else { return Vec::new() };
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let mut others: Vec<Other> = entries
        .filter_map(|entry| {
            let (dir, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let Parts { step, parts } =
                serde_json::from_slice(&fs::read(dir.join(PARTS)).ok()?).ok()?;
            let worked = fs::metadata(dir.join(JOURNAL)).and_then(|found| found.modified()).ok()?;
            // Its name says whether that is what it depends on.
            let is_its_own = is_run_name(&name) && RunKey::new(parts.clone()).run_name() == name;
            let changed = plan.key.differences(&parts);
            (is_its_own && step == plan.step && !changed.is_empty()).then_some(Other {
                dir,
                name,
                worked,
                changed,
            })
        })
        .collect();
    others.sort_by(|a, b| (b.worked, &a.name).cmp(&(a.worked, &b.name)));
    others.truncate(RUNS_KEPT_MAX);
    others
}

/// What can be read of its journal; nothing of one that is damaged.
fn records_of(other: &Other) -> Vec<Record> {
    let path = other.dir.join(JOURNAL);
    if fs::metadata(&path).is_ok_and(|found| found.len() > JOURNAL_BYTES_MAX) {
        return Vec::new();
    }
    let found = fs::read(&path).ok().and_then(|text| read(&path, &other.name, &text).ok());
    found.map(|found| found.records).unwrap_or_default()
}

/// The records from the beginning on that the plan's run would have, too.
fn taken<'a>(plan: &RunPlan, changed: &[FirstUse], records: &'a [Record]) -> &'a [Record] {
    if changed.contains(&FirstUse::Answers) {
        return &[];
    }
    let mut session = Session::new(plan.session.clone());
    let mut due: VecDeque<Decision> = VecDeque::new();
    let mut whole = 0;
    for (record, number) in records.iter().zip(1..) {
        match &record.event {
            Event::Noted(_) => {}
            Event::Decided(decision) if due.front() == Some(decision) => {
                due.pop_front();
            }
            Event::Decided(_) => return &records[..whole],
            Event::Heard(input) => {
                if !due.is_empty() || rests_on(input, changed) {
                    return &records[..whole];
                }
                let effects = session.handle(record.at_ms, input.clone());
                due.extend(effects.iter().filter_map(is_decision).cloned());
            }
        }
        if due.is_empty() {
            whole = number;
        }
    }
    // A run to which the change makes no difference at all, and that is over, would only be
    // over again.
    let is_over = session.stopped().is_some_and(|reason| !reason.is_open());
    if is_over && whole == records.len() { &[] } else { &records[..whole] }
}

/// Whether something that changed may have made this input what it is.
fn rests_on(input: &Input, changed: &[FirstUse]) -> bool {
    match input {
        Input::PatchJudged { .. } | Input::TestsJudged { .. } => changed.contains(&FirstUse::Gates),
        Input::TestsFinished { .. } => changed.contains(&FirstUse::Tests),
        Input::DeadlinePassed { deadline: Deadline::Job } => false,
        Input::DeadlinePassed { .. } => changed.contains(&FirstUse::Rules),
        // Somebody approved what was to be, then.
        Input::Approved { .. } => true,
        Input::AttemptStarted { .. }
        | Input::CallAnswered { .. }
        | Input::TurnRequested { .. }
        | Input::CallReceived { .. }
        | Input::TurnCompleted { .. }
        | Input::TurnFailed { .. }
        | Input::ScopeRefused { .. }
        | Input::LedgerFailed { .. }
        | Input::Cancelled { .. } => false,
    }
}

/// The reports that records of the run in `dir` speak of, by name.
fn reports_of(records: &[Record], dir: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for record in records {
        if let Event::Heard(Input::TestsFinished { round, again, reports, .. }) = &record.event {
            for number in 0..reports.len() {
                let name = report_name((*round, *again), number);
                let bytes = fs::read(dir.join(REPORTS).join(&name))?;
                found.push((name, bytes));
            }
        }
    }
    Ok(found)
}

/// Writes the journal of the plan's run: the `first` notes, then `taken`, as records of its own.
/// The `reports` that they speak of come before them.
fn copy(
    plan: &RunPlan,
    first: [Note; 2],
    taken: &[Record],
    reports: Vec<(String, Vec<u8>)>,
) -> io::Result<()> {
    fs::create_dir_all(plan.run_dir.join(REPORTS))?;
    for (name, bytes) in reports {
        put(&plan.run_dir.join(REPORTS), &name, &bytes)?;
    }
    let time_ms = plan.machine.time_ms();
    let first = first.map(|note| (1, Phase::Init, 0, time_ms, Event::Noted(note)));
    let taken = taken.iter().filter(|record| is_of_any_run(&record.event)).map(|record| {
        let Record { attempt, phase, at_ms, time_ms, mut event, .. } = record.clone();
        if let Event::Noted(Note::OutputCut { kept, .. }) = &mut event {
            // It is kept beside the other run.
            *kept = None;
        }
        if let Event::Heard(Input::TestsFinished { facts: Some(facts), .. }) = &mut event {
            (facts.kept, facts.kept_bytes) = (None, 0);
        }
        (attempt, phase, at_ms, time_ms, event)
    });
    let run = plan.key.run_name();
    let mut prev = blake3::hash(run.as_bytes());
    let mut journal = Vec::new();
    for ((attempt, phase, at_ms, time_ms, event), seq) in first.into_iter().chain(taken).zip(0..) {
        let (run, prev_hex) = (run.clone(), prev.to_hex().to_string());
        let schema = SCHEMA;
        let record =
            Record { schema, run, attempt, phase, seq, at_ms, time_ms, prev: prev_hex, event };
        let line = serde_json::to_vec(&record)?;
        prev = blake3::hash(&line);
        journal.extend(line);
        journal.push(b'\n');
    }
    // Whole or not there: nobody goes on with a half of it.
    put(&plan.run_dir, JOURNAL, &journal)
}

/// Not what is said of the other run alone.
fn is_of_any_run(event: &Event) -> bool {
    let Event::Noted(note) = event else { return true };
    !matches!(
        note,
        Note::RunStarted { .. }
            | Note::Inherited { .. }
            | Note::Resumed { .. }
            | Note::LeaseTaken { .. }
    )
}

fn put(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(dir.join(name)).map_err(|err| err.error)?;
    Ok(())
}
