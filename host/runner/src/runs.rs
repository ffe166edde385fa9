//! The runs that are kept, read without changing them: what each is about, how far it got, and
//! what another attempt would not have to do again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use session::budget::Money;
use session::event::{Decision, Event, Note, Record};
use session::{Phase, StopReason};

use crate::carrier::Carrier;
use crate::journal::{JOURNAL, JOURNAL_BYTES_MAX, JournalError, read};
use crate::lease;
use crate::run::books::Books;
use crate::run::carrying;
use crate::run::resume::LEFT;

/// Directories of runs that are looked at: many times what a repository keeps.
const DIRECTORIES_MAX: usize = 1_000;

/// Hexadecimal digits of a run's name.
const NAME_DIGITS: usize = 16;

/// A run, as its journal tells.
#[derive(Debug)]
pub struct KeptRun {
    /// Its name: the beginning of its key's digest.
    pub name: String,
    /// The step's name; empty where the journal does not say.
    pub step: String,
    /// What the step is about.
    pub head: String,
    /// What it is compared with.
    pub base: Option<String>,
    /// `offline`, `script` or `openai`.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// When somebody last worked on it, in milliseconds since 1970.
    pub worked_ms: u64,
    /// Where the step stands.
    pub phase: Phase,
    /// Lives of the process so far.
    pub attempts: u32,
    /// Records of its journal that can be read.
    pub records: u64,
    /// Everything that its requests were charged.
    pub spend: Money,
    /// What another attempt would not have to do again.
    pub reusable: Reusable,
    /// Whether it is over, or goes on.
    pub state: KeptState,
}

/// What the next attempt at a run does not do again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reusable {
    /// Responses that are complete.
    pub turns: u32,
    /// Answers of tools.
    pub calls: u32,
    /// What those responses cost.
    pub spend: Money,
}

/// Whether a run is over, or goes on.
#[derive(Debug)]
pub enum KeptState {
    /// A process has it.
    AtWork {
        /// Which, as far as it says so.
        holder: String,
    },
    /// It was cut off, and goes on.
    Unfinished,
    /// It came to an end that another attempt may get beyond.
    Stopped(StopReason),
    /// It is over, and all it had to leave is left.
    Over(StopReason),
    /// Its journal cannot be used.
    Damaged(JournalError),
}

impl KeptRun {
    /// Whether another attempt would go on with it.
    pub fn is_open(&self) -> bool {
        match self.state {
            KeptState::Unfinished | KeptState::Stopped(_) => true,
            KeptState::AtWork { .. } | KeptState::Over(_) | KeptState::Damaged(_) => false,
        }
    }
}

/// Whether a text can be the name of a run.
pub fn is_run_name(text: &str) -> bool {
    text.len() == NAME_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The runs below `dir`, the one last worked on first. None where there is no such directory.
///
/// # Errors
/// When the directory cannot be read. A run that cannot be is one that is damaged.
pub fn kept_runs(dir: &Path) -> io::Result<Vec<KeptRun>> {
    let entries = match fs::read_dir(dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut runs = Vec::new();
    for entry in entries.take(DIRECTORIES_MAX) {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_run_name(&name) && entry.file_type()?.is_dir() {
            runs.extend(kept_run(&entry.path(), name));
        }
    }
    latest_first(&mut runs);
    Ok(runs)
}

/// The runs of these names that machines share in `carrier`, the one last worked on first. Who is
/// at work on one of them elsewhere is not known. A run that cannot be read is one that is damaged.
pub async fn carried_runs(
    carrier: &Arc<dyn Carrier>,
    names: impl IntoIterator<Item = String>,
) -> Vec<KeptRun> {
    let mut runs = Vec::new();
    for name in names.into_iter().filter(|name| is_run_name(name)).take(DIRECTORIES_MAX) {
        match carried_run(carrier, &name).await {
            Ok(found) => runs.extend(found),
            Err(what) => {
                let (path, source) = (PathBuf::from(&name), io::Error::other(what));
                let damage = JournalError::Io { path, source };
                runs.push(of_records(name, &[], KeptState::Damaged(damage)));
            }
        }
    }
    latest_first(&mut runs);
    runs
}

/// One of the runs that machines share; none where there is nothing to go on with.
///
/// # Errors
/// What the place said, for people.
pub async fn carried_run(
    carrier: &Arc<dyn Carrier>,
    name: &str,
) -> Result<Option<KeptRun>, String> {
    let journal = carrying::fetch(carrier, name).await?.journal;
    // A run that left its artifacts is empty here.
    Ok((!journal.is_empty()).then(|| told(name.to_owned(), Path::new(name), &journal, false)))
}

/// What machines share of a run's journal, also of one that is over; empty where there is nothing.
///
/// # Errors
/// What the place said, for people.
pub async fn carried_journal(carrier: &Arc<dyn Carrier>, name: &str) -> Result<Vec<u8>, String> {
    carrying::journal(carrier, name).await
}

fn latest_first(runs: &mut [KeptRun]) {
    runs.sort_by(|a, b| (b.worked_ms, &a.name).cmp(&(a.worked_ms, &b.name)));
}

/// None for a directory without a journal: nothing happened there.
fn kept_run(dir: &Path, name: String) -> Option<KeptRun> {
    let path = dir.join(JOURNAL);
    let holder = lease::at_work(dir);
    let bytes = match fs::metadata(&path).map(|found| found.len()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return None,
        Ok(bytes) if bytes > JOURNAL_BYTES_MAX => Err(JournalError::Full { path: path.clone() }),
        Ok(_) | Err(_) => {
            fs::read(&path).map_err(|source| JournalError::Io { path: path.clone(), source })
        }
    };
    let mut run = match bytes {
        Ok(bytes) => told(name, &path, &bytes, dir.join(LEFT).exists()),
        Err(damage) => of_records(name, &[], KeptState::Damaged(damage)),
    };
    if let (Some(holder), true) = (holder, !matches!(run.state, KeptState::Damaged(_))) {
        run.state = KeptState::AtWork { holder };
    }
    Some(run)
}

/// What a journal tells. `left` says that its run has left its artifacts.
fn told(name: String, path: &Path, journal: &[u8], left: bool) -> KeptRun {
    match read(path, &name, journal) {
        Ok(found) => {
            let state = state(&found.records, left);
            of_records(name, &found.records, state)
        }
        Err(damage) => {
            let whole = undamaged(journal, &damage);
            let records = read(path, &name, whole).map(|found| found.records).unwrap_or_default();
            of_records(name, &records, KeptState::Damaged(damage))
        }
    }
}

/// The lines before the first that is damaged.
fn undamaged<'a>(journal: &'a [u8], damage: &JournalError) -> &'a [u8] {
    let JournalError::Damaged { line, .. } = damage else { return &[] };
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let bytes = journal.split_inclusive(|byte| *byte == b'\n').take(before).map(<[u8]>::len).sum();
    &journal[..bytes]
}

fn state(records: &[Record], left: bool) -> KeptState {
    match records.last().map(|record| &record.event) {
        Some(Event::Decided(Decision::Stopped { reason })) => {
            // A run that is done and died before its artifacts stood still has to write them.
            if reason.is_open() || (*reason == StopReason::Done && !left) {
                KeptState::Stopped(reason.clone())
            } else {
                KeptState::Over(reason.clone())
            }
        }
        Some(_) | None => KeptState::Unfinished,
    }
}

fn of_records(name: String, records: &[Record], state: KeptState) -> KeptRun {
    let mut books = Books::new(String::new());
    records.iter().for_each(|record| books.enter(record));
    let (turns, calls, spend) = books.done();
    let last = records.last();
    let mut run = KeptRun {
        name,
        step: String::new(),
        head: String::new(),
        base: None,
        provider: String::new(),
        model: String::new(),
        worked_ms: last.map_or(0, |record| record.time_ms),
        phase: last.map_or(Phase::Init, |record| record.phase),
        attempts: last.map_or(0, |record| record.attempt),
        records: records.len() as u64,
        spend: charged(records),
        reusable: Reusable { turns, calls, spend },
        state,
    };
    if let Some(Event::Noted(Note::RunStarted { step, head, base, provider, model, .. })) =
        records.first().map(|record| &record.event)
    {
        run.step.clone_from(step);
        run.head.clone_from(head);
        run.base.clone_from(base);
        run.provider.clone_from(provider);
        run.model.clone_from(model);
    }
    run
}

fn charged(records: &[Record]) -> Money {
    let charges = records.iter().filter_map(|record| match &record.event {
        Event::Decided(Decision::TurnCharged { spend, excess, .. }) => {
            Some(spend.0.saturating_add(excess.0))
        }
        Event::Decided(_) | Event::Heard(_) | Event::Noted(_) => None,
    });
    Money(charges.fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests;
