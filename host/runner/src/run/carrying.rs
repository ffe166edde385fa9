//! The run's copy in a place that other machines see: segments of the journal and the reports
//! they speak of, in the order in which they were written.
//!
//! A segment is named by the number of its first record and made only once, so that of two
//! processes that go on with one run the second to write it knows that it is late.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use session::StopReason;
use session::event::{Decision, Event, Input, Note};

use super::paying::Departure;
use super::resume::{self, REPORTS};
use super::{Done, Run, RunError};
use crate::carrier::Carrier;
use crate::journal::{JOURNAL, JOURNAL_BYTES_MAX, read};
use crate::plan::RunPlan;
use crate::tools::ToolExecutor;

/// Segments of one run that are read back: a turn makes two, and a run has so many turns.
const SEGMENTS_MAX: usize = 4_096;
/// Files of one run that are read back: more than the reports of all its rounds of tests.
const FILES_MAX: usize = 4_096;
/// Bytes of those files together: they are held in memory until all of them are here.
const FILES_BYTES_MAX: u64 = JOURNAL_BYTES_MAX;
/// How often a run can be begun: the numbers that its names have room for.
const GENERATIONS_MAX: u32 = 9_999;
/// How long a run waits at its beginning to learn what others have done: a call of a store may
/// take two minutes, and a CI's job must not go by in it.
const TAKE_OVER_TIME_MAX: Duration = Duration::from_secs(300);
/// How long the end of a run waits for its last segment to be carried.
const CARRY_TIME_MAX: Duration = Duration::from_secs(2);
/// Stands beside the segments of a run that has left its artifacts.
const LEFT: &str = "left";

/// What is carried next: files first, then the records that speak of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    files: Vec<(String, Vec<u8>)>,
    segment: Option<(u64, Vec<u8>)>,
}

/// The run's side of the carrier.
#[derive(Debug)]
pub(super) struct Carrying {
    carrier: Option<Arc<dyn Carrier>>,
    /// Where this run's things are kept.
    prefix: String,
    files: Vec<(String, Vec<u8>)>,
    /// Records that are not carried yet, and the number of the first.
    records: (u64, Vec<u8>),
    /// What is being carried: not there until somebody says so.
    under_way: Option<Load>,
    due: bool,
    waiting: VecDeque<Departure>,
}

impl Carrying {
    pub(super) fn new(carrier: Option<Arc<dyn Carrier>>, prefix: String) -> Self {
        Self {
            carrier,
            prefix,
            files: Vec::new(),
            records: (0, Vec::new()),
            under_way: None,
            due: false,
            waiting: VecDeque::new(),
        }
    }

    /// Takes a line of the journal along.
    pub(super) fn line(&mut self, seq: u64, line: &[u8]) {
        if self.carrier.is_none() {
            return;
        }
        if self.records.1.is_empty() {
            self.records.0 = seq;
        }
        self.records.1.extend_from_slice(line);
    }

    /// Takes a file along that the next records speak of.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) {
        if self.carrier.is_some() {
            self.files.push((name.to_owned(), bytes.to_vec()));
        }
    }

    /// Whether a request waits until what comes before it has arrived.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn load(&mut self) -> Load {
        let files = std::mem::take(&mut self.files);
        let records = std::mem::take(&mut self.records.1);
        Load { files, segment: (!records.is_empty()).then_some((self.records.0, records)) }
    }
}

impl Carrying {
    fn put_back(&mut self, Load { files, segment }: Load) {
        self.files.splice(..0, files);
        if let Some((first, bytes)) = segment {
            self.records.0 = first;
            self.records.1.splice(..0, bytes);
        }
    }

    /// Carries the end of the run, as far as there is time; says whether all of it arrived.
    /// Whoever goes on elsewhere finds what did.
    pub(super) async fn end(&mut self) -> bool {
        let Some(carrier) = self.carrier.clone() else { return false };
        if let Some(load) = self.under_way.take() {
            self.put_back(load);
        }
        let last = bring(carrier, self.prefix.clone(), self.load());
        matches!(tokio::time::timeout(CARRY_TIME_MAX, last).await, Ok(Carried::Whole))
    }

    /// The artifacts are left, and the run is over for the other machines. Not before: the next
    /// one would begin it again.
    pub(super) async fn leave(&self) {
        let Some(carrier) = &self.carrier else { return };
        let left = carrier.create(format!("{}/{LEFT}", self.prefix), Vec::new());
        // A machine that is not told writes the same artifacts, and pays for nothing.
        let _in_time = tokio::time::timeout(CARRY_TIME_MAX, left).await;
    }
}

/// How a load came to be carried.
#[derive(Debug)]
pub(super) enum Carried {
    Whole,
    /// Another process has carried this far already.
    TakenOver,
    /// Not, and this is what is still to be carried.
    Failed(String, Load),
}

async fn bring(carrier: Arc<dyn Carrier>, prefix: String, mut load: Load) -> Carried {
    while let Some((name, bytes)) = load.files.pop() {
        // The same file again is the file of an attempt that died before its record.
        let made = carrier.create(format!("{prefix}/files/{name}"), bytes.clone()).await;
        if let Err(message) = made {
            load.files.push((name, bytes));
            return Carried::Failed(message, load);
        }
    }
    let Some((first, bytes)) = load.segment.take() else { return Carried::Whole };
    match bring_segment(&carrier, &prefix, first, &bytes).await {
        Ok(true) => Carried::Whole,
        Ok(false) => Carried::TakenOver,
        Err(message) => {
            load.segment = Some((first, bytes));
            Carried::Failed(message, load)
        }
    }
}

/// `false` where somebody else's records stand in the place of these.
async fn bring_segment(
    carrier: &Arc<dyn Carrier>,
    prefix: &str,
    mut first: u64,
    mut bytes: &[u8],
) -> Result<bool, String> {
    while !bytes.is_empty() {
        let name = segment(prefix, first);
        if carrier.create(name.clone(), bytes.to_vec()).await? {
            return Ok(true);
        }
        // Ours, if it arrived earlier and we were not told.
        let there = carrier.get(name).await?.unwrap_or_default();
        let Some(rest) = bytes.strip_prefix(there.as_slice()).filter(|_| !there.is_empty()) else {
            return Ok(false);
        };
        first += lines(&there);
        bytes = rest;
    }
    Ok(true)
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn segment(prefix: &str, first: u64) -> String {
    format!("{prefix}/journal/{first:010}")
}

impl<E: ToolExecutor> Run<E> {
    /// Carries what there is, and lets a request go when everything before it has arrived.
    pub(super) fn carry(&mut self, departure: Option<Departure>) {
        let Some(carrier) = self.carrying.carrier.clone() else {
            return departure.into_iter().for_each(Departure::leave);
        };
        self.carrying.waiting.extend(departure);
        if self.carrying.under_way.is_some() {
            self.carrying.due = true;
            return;
        }
        self.carrying.due = false;
        let (prefix, load) = (self.carrying.prefix.clone(), self.carrying.load());
        self.carrying.under_way = Some(load.clone());
        self.tasks.spawn(async move { Done::Carried(bring(carrier, prefix, load).await) });
    }

    fn leave(&mut self, departures: VecDeque<Departure>) {
        if departures.iter().any(|departure| departure.job == self.job) {
            // The wait was ours, not the model's.
            self.session.departed(self.journal.now());
        }
        departures.into_iter().for_each(Departure::leave);
    }

    pub(super) fn carried(&mut self, carried: Carried) -> Result<(), RunError> {
        self.carrying.under_way = None;
        match carried {
            Carried::Whole if self.carrying.due => self.carry(None),
            Carried::Whole => {
                let departures = std::mem::take(&mut self.carrying.waiting);
                self.leave(departures);
            }
            Carried::TakenOver => {
                return Err(RunError::TakenOver { holder: "another machine".to_owned() });
            }
            Carried::Failed(message, load) => {
                self.carrying.put_back(load);
                return self.not_carried(&message);
            }
        }
        Ok(())
    }

    /// What another machine would not know must not be paid for.
    fn not_carried(&mut self, message: &str) -> Result<(), RunError> {
        let what = format!("the run cannot be carried to other machines: {message}");
        self.write(Event::Noted(Note::Warned { what: what.clone() }))?;
        let waiting = std::mem::take(&mut self.carrying.waiting);
        match waiting.iter().find(|departure| departure.job == self.job) {
            Some(departure) => {
                self.hear(Input::LedgerFailed { turn: departure.entry.turn, message: what })
            }
            None => Ok(()),
        }
    }
}

/// What other machines have done of a run.
#[derive(Debug)]
pub(crate) struct Fetched {
    prefix: String,
    pub(crate) journal: Vec<u8>,
    files: Vec<(String, Vec<u8>)>,
}

/// Brings what other machines have done of the plan's run to this one. `fresh` forgets it.
///
/// # Errors
/// When the place does not answer, or not with a journal: what is paid already is not known then.
pub(super) async fn take_over(plan: &RunPlan, fresh: bool) -> Result<Carrying, RunError> {
    let run = plan.key.run_name();
    let Some(carrier) = plan.carrier.clone() else { return Ok(Carrying::new(None, run)) };
    let unknown = |what: String| RunError::Carrier { what };
    let looked = tokio::time::timeout(TAKE_OVER_TIME_MAX, look(&carrier, &run, fresh)).await;
    let slow = |_| Err(format!("it took more than {} s", TAKE_OVER_TIME_MAX.as_secs()));
    let (fetched, over) = looked.unwrap_or_else(slow).map_err(unknown)?;
    let path = plan.run_dir.join(JOURNAL);
    let io = |source| RunError::Io { path: path.clone(), source };
    let mut here = lines_here(&path).map_err(io)?;
    if over.is_some_and(|over| first_line(&over) == first_line(&here)) && !is_done(plan, &here)? {
        // The run that it is a part of is over. Gone on with, it would pay for the rest of that
        // run again, in the account of that run; the same command begins another one everywhere.
        resume::put_aside(plan)?;
        here.clear();
    }
    let mut carrying = Carrying::new(Some(carrier), fetched.prefix);
    let there = whole_lines(fetched.journal);
    let reports = plan.run_dir.join(REPORTS);
    if here.starts_with(&there) {
        carrying.records = (lines(&there), here[there.len()..].to_vec());
        if here.len() > there.len() {
            // What they speak of may not have been carried either.
            carrying.files = files_in(&reports).map_err(io)?;
        }
        return Ok(carrying);
    }
    // Before anything of this machine makes way for it.
    read(Path::new(&carrying.prefix), &run, &there).map_err(|damage| {
        unknown(format!(
            "{damage}. What this machine has of the run was left alone: another store goes on \
             with it, and `--fresh` begins anew"
        ))
    })?;
    // Another machine got further, or went another way from where this one was heard of last:
    // what it paid for counts.
    if !there.starts_with(&here) {
        fs::rename(&path, plan.run_dir.join("journal.diverged.jsonl")).map_err(io)?;
        match fs::remove_dir_all(&reports) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(io(err)),
            Ok(()) | Err(_) => {}
        }
    }
    fs::create_dir_all(&reports).map_err(io)?;
    for (name, bytes) in fetched.files {
        fs::write(reports.join(name), bytes).map_err(io)?;
    }
    fs::write(&path, there).map_err(io)?;
    Ok(carrying)
}

/// What others have done of the run; and, where the last time that it was begun is over, the
/// first records of that.
async fn look(
    carrier: &Arc<dyn Carrier>,
    run: &str,
    fresh: bool,
) -> Result<(Fetched, Option<Vec<u8>>), String> {
    let mut newest = Newest::of(carrier, run).await?;
    if fresh && !newest.left && !newest.below("journal").is_empty() {
        carrier.create(format!("{}/{LEFT}", newest.prefix()), Vec::new()).await?;
        newest.left = true;
    }
    let over = match newest.left {
        true => carrier.get(segment(&newest.prefix(), 0)).await?,
        false => None,
    };
    Ok((newest.fetch(carrier).await?, over))
}

fn lines_here(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map(whole_lines),
    }
}

/// None of nothing, which is no line of any run.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').next()
}

/// Whether only the artifacts of the run with this journal are still to be written.
fn is_done(plan: &RunPlan, journal: &[u8]) -> Result<bool, RunError> {
    let found = read(&plan.run_dir.join(JOURNAL), &plan.key.run_name(), journal)?;
    let done = Event::Decided(Decision::Stopped { reason: StopReason::Done });
    Ok(found.records.last().is_some_and(|record| record.event == done))
}

/// The files in a directory, by name; none where there is no such directory. Hidden ones are what a
/// process left that died while it wrote.
fn files_in(dir: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let entries = match fs::read_dir(dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            files.push((name, fs::read(entry.path())?));
        }
    }
    Ok(files)
}

/// Without a last line that is torn.
fn whole_lines(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(end);
    bytes
}

/// Looks what other machines have done of `run`.
///
/// # Errors
/// What the place said: without an answer, what is paid already is not known.
pub(crate) async fn fetch(carrier: &Arc<dyn Carrier>, run: &str) -> Result<Fetched, String> {
    Newest::of(carrier, run).await?.fetch(carrier).await
}

/// What the place has of the journal of `run`, whether it is over or not.
///
/// # Errors
/// What the place said.
pub(crate) async fn journal(carrier: &Arc<dyn Carrier>, run: &str) -> Result<Vec<u8>, String> {
    Newest::of(carrier, run).await?.journal(carrier).await
}

/// The last time that a run was begun.
struct Newest {
    run: String,
    number: u32,
    /// Whether it is over.
    left: bool,
    names: Vec<String>,
}

impl Newest {
    async fn of(carrier: &Arc<dyn Carrier>, run: &str) -> Result<Self, String> {
        let names = carrier.list(format!("{run}/")).await?;
        let generation = |name: &String| -> Option<u32> {
            let (number, _) = name.strip_prefix(run)?.strip_prefix("/g")?.split_once('/')?;
            number.parse().ok().filter(|_| number.len() == 4)
        };
        let number = names.iter().filter_map(generation).max().unwrap_or(0);
        let left = names.contains(&format!("{}/{LEFT}", prefix(run, number)));
        if left && number >= GENERATIONS_MAX {
            return Err(format!("the run was begun {GENERATIONS_MAX} times: use another store"));
        }
        Ok(Self { run: run.to_owned(), number, left, names })
    }

    fn prefix(&self) -> String {
        prefix(&self.run, self.number)
    }

    fn below(&self, part: &str) -> Vec<String> {
        let start = format!("{}/{part}/", self.prefix());
        self.names.iter().filter(|name| name.starts_with(&start)).cloned().collect()
    }

    /// What there is of it: nothing of one that is over, since another one begins then.
    async fn fetch(&self, carrier: &Arc<dyn Carrier>) -> Result<Fetched, String> {
        if self.left {
            let prefix = prefix(&self.run, self.number + 1);
            return Ok(Fetched { prefix, journal: Vec::new(), files: Vec::new() });
        }
        let named = self.below("files");
        if named.len() > FILES_MAX {
            return Err(format!("the run has more than {FILES_MAX} files"));
        }
        let journal = self.journal(carrier).await?;
        let (mut files, mut room) = (Vec::new(), FILES_BYTES_MAX);
        for name in named {
            let bytes = carrier.get(name.clone()).await?.unwrap_or_default();
            room = room
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| format!("the run has more than {FILES_BYTES_MAX} bytes of files"))?;
            files.push((name.rsplit('/').next().unwrap_or_default().to_owned(), bytes));
        }
        Ok(Fetched { prefix: self.prefix(), journal, files })
    }

    async fn journal(&self, carrier: &Arc<dyn Carrier>) -> Result<Vec<u8>, String> {
        let segments = self.below("journal");
        if segments.len() > SEGMENTS_MAX {
            return Err(format!("the run has more than {SEGMENTS_MAX} segments"));
        }
        let mut journal = Vec::new();
        for name in segments {
            journal.extend(carrier.get(name).await?.unwrap_or_default());
            if journal.len() as u64 > JOURNAL_BYTES_MAX {
                return Err("the run's journal is larger than any run needs".to_owned());
            }
        }
        Ok(journal)
    }
}

fn prefix(run: &str, number: u32) -> String {
    format!("{run}/g{number:04}")
}
