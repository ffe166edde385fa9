//! The promises, looked up where they show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use runner::Ended;
use session::budget::{Budgets, Money, Price, Reservation, Spent, Work};
use session::event::{Decision, Event, Input, Note, Record};
use session::{Accounting, CallId, Phase, RunResult, StopReason};

use crate::world::World;

/// What the model costs.
pub(crate) const PRICE: Price = Price {
    input: Money(1_000_000),
    cached_input: Money(100_000),
    cache_write: Some(Money(1_250_000)),
    output: Money(10_000_000),
    long: None,
};

fn records(journal: &Path) -> Result<Vec<Record>, String> {
    let text = fs::read_to_string(journal).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut prev: Option<String> = None;
    let mut all: Vec<Record> = Vec::new();
    for (line, number) in whole.lines().zip(0_u64..) {
        let record: Record =
            serde_json::from_str(line).map_err(|err| format!("record {number}: {err}"))?;
        if record.seq != number {
            return Err(format!("record {number} has the number {}", record.seq));
        }
        if prev.as_ref().is_some_and(|prev| *prev != record.prev) {
            return Err(format!("record {number} does not follow from the one before"));
        }
        prev = Some(blake3::hash(line.as_bytes()).to_hex().to_string());
        all.push(record);
    }
    Ok(all)
}

/// The journal as a story.
pub(crate) fn tell(path: &Path) {
    for record in records(path).unwrap_or_default() {
        let event = serde_json::to_string(&record.event).unwrap();
        let end = event.char_indices().nth(160).map_or(event.len(), |(at, _)| at);
        println!(
            "      {:>3} a{} {:>6} {}",
            record.seq,
            record.attempt,
            record.at_ms,
            &event[..end]
        );
    }
}

/// Milliseconds by which a timer may be late: it ticks once in a millisecond, and a deadline is
/// counted from one that has begun.
const TICK_MS: u64 = 2;

/// What a journal shows at every prefix.
pub(crate) fn journal(path: &Path, budgets: &Budgets) -> Result<(), String> {
    let mut prefix = Prefix::default();
    for record in records(path)? {
        prefix.take(&record, budgets).map_err(|what| format!("record {}: {what}", record.seq))?;
    }
    Ok(())
}

/// What the records so far come to.
#[derive(Debug, Default)]
struct Prefix {
    spent: BTreeMap<Work, Spent>,
    reserved: Option<Reservation>,
    completed: BTreeSet<u32>,
    answered: BTreeSet<CallId>,
    attempt: u32,
    /// The end of this attempt.
    stopped: Option<u64>,
    /// Milliseconds of this attempt, by work, and when it was heard of last.
    worked_ms: BTreeMap<Work, u64>,
    at_ms: u64,
}

impl Prefix {
    fn take(&mut self, record: &Record, budgets: &Budgets) -> Result<(), String> {
        self.pass_time(record, budgets)?;
        if let Some(at) = self.stopped {
            return Err(format!("it stands after the end at {at}"));
        }
        match &record.event {
            Event::Decided(Decision::TurnReserved { reservation, .. }) => {
                self.reserved = Some(*reservation);
            }
            Event::Decided(Decision::TurnCharged { spend, tokens, .. }) => {
                let of = self.reserved.take().map_or(work_of(record.phase), |open| open.work);
                let line = self.spent.entry(of).or_default();
                (line.spend.0, line.tokens) = (line.spend.0 + spend.0, line.tokens + tokens);
            }
            Event::Decided(Decision::CallStarted { .. }) => {
                self.spent.entry(work_of(record.phase)).or_default().calls += 1;
            }
            Event::Decided(Decision::Stopped { .. }) => self.stopped = Some(record.seq),
            Event::Heard(Input::TurnRequested { turn, .. }) if self.completed.contains(turn) => {
                return Err(format!("turn {turn} is asked for again"));
            }
            Event::Heard(Input::TurnCompleted { turn, .. }) if !self.completed.insert(*turn) => {
                return Err(format!("turn {turn} completes again"));
            }
            Event::Heard(Input::CallAnswered { call, .. }) if !self.answered.insert(*call) => {
                return Err(format!("{call} is answered again"));
            }
            Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => {}
        }
        self.within(budgets)
    }

    /// No work goes on past its time, whatever happens to it.
    fn pass_time(&mut self, record: &Record, budgets: &Budgets) -> Result<(), String> {
        if record.attempt != self.attempt {
            (self.attempt, self.stopped, self.at_ms) = (record.attempt, None, 0);
            self.worked_ms.clear();
        }
        let work = work_of(record.phase);
        let worked = self.worked_ms.entry(work).or_default();
        *worked += record.at_ms.saturating_sub(self.at_ms);
        self.at_ms = record.at_ms;
        let most = budgets.of(work).time_ms;
        if *worked > most + TICK_MS {
            return Err(format!("{work} has gone on for {worked} ms of {most}"));
        }
        Ok(())
    }

    /// What is settled and what is reserved is within each ceiling.
    fn within(&self, budgets: &Budgets) -> Result<(), String> {
        let mut total = self.reserved.map_or(0, |open| open.spend.0);
        for work in Work::ALL {
            let spent = self.spent.get(&work).copied().unwrap_or_default();
            total += spent.spend.0;
            let open = self.reserved.filter(|open| open.work == work);
            let (tokens, spend) = open.map_or((0, 0), |open| (open.tokens, open.spend.0));
            let most = budgets.of(work);
            let lines = [
                ("tokens", spent.tokens, tokens, most.tokens),
                ("money", spent.spend.0, spend, most.spend.0),
                ("calls", spent.calls, 0, most.calls),
            ];
            if let Some((what, settled, open, most)) =
                lines.into_iter().find(|(_, settled, open, most)| settled + open > *most)
            {
                return Err(format!("{work}: {settled} + {open} {what} is more than {most}"));
            }
        }
        if total > budgets.step_spend.0 {
            return Err(format!("{total} is more than the step's {}", budgets.step_spend.0));
        }
        Ok(())
    }
}

/// Which ceilings count in a phase of a step that has no tests.
fn work_of(phase: Phase) -> Work {
    match phase {
        Phase::Init => Work::Context,
        Phase::ContextReady => Work::Analyze,
        Phase::Analyzed | Phase::PatchProposed | Phase::Tested | Phase::Done => Work::Patch,
    }
}

/// The artifacts of an attempt that came to its end.
pub(crate) fn artifacts(out: &Path, ended: &Ended) -> Result<(), String> {
    let read = |name: &str| {
        fs::read_to_string(out.join(name)).map_err(|err| format!("no artifact {name}: {err}"))
    };
    let result: RunResult =
        serde_json::from_str(&read("result.json")?).map_err(|err| err.to_string())?;
    if result != ended.result {
        return Err("result.json is not the result".to_owned());
    }
    let accounting = serde_json::from_str::<Accounting>(&read("accounting.json")?);
    accounting.map_err(|err| err.to_string())?;
    read("report.md")?;
    if result.patch.is_some() {
        read("patch.diff")?;
    }
    let trace = read("trace.jsonl")?;
    let last = trace.lines().last().ok_or("the trace is empty")?;
    let last: Record = serde_json::from_str(last).map_err(|err| err.to_string())?;
    match last.event {
        Event::Decided(Decision::Stopped { reason }) if reason == result.stop_reason => Ok(()),
        other => Err(format!("the trace ends with {other:?}")),
    }
}

/// Whether a journal ends with a run that is done.
pub(crate) fn is_done(journal: &Path) -> bool {
    let done = Event::Decided(Decision::Stopped { reason: StopReason::Done });
    let records = records(journal).unwrap_or_default();
    records.last().is_some_and(|record| record.event == done)
}

/// What the artifacts say of the end of a run.
pub(crate) fn left(out: &Path) -> Option<Ended> {
    let read = |name: &str| fs::read(out.join(name)).ok();
    let result = serde_json::from_slice(&read("result.json")?).ok()?;
    let accounting = serde_json::from_slice(&read("accounting.json")?).ok()?;
    Some(Ended { result, accounting })
}

/// A result as it is compared: what came out.
pub(crate) fn result(ended: &Ended) -> String {
    serde_json::to_string_pretty(&ended.result).unwrap()
}

/// The promises that hold when all is over: everything that was billed is charged, the ledger and
/// the journal agree, and the result is that of a run without faults.
pub(crate) fn at_the_end(
    world: &World,
    machine: usize,
    ended: &Ended,
    expected: &str,
) -> Result<(), String> {
    let records = records(&world.journal(machine))?;
    let charged = |record: &Record| match record.event {
        Event::Decided(Decision::TurnCharged { spend, .. }) => spend.0,
        _ => 0,
    };
    let charged: u64 = records.iter().map(charged).sum();
    let billed: u64 = world.bills.lock().unwrap().iter().map(|(_, usage)| PRICE.of(*usage).0).sum();
    if billed > charged {
        return Err(format!("the server billed {billed}, the run was charged {charged}"));
    }
    let account = records.iter().find_map(|record| match record.event {
        Event::Noted(Note::LeaseTaken { fence }) => Some(fence),
        _ => None,
    });
    let [all, own] = world.ledger.totals(account.unwrap_or_default());
    let (settled, reserved) = all;
    if settled + reserved < billed {
        return Err(format!("the server billed {billed}, the ledger has {settled} + {reserved}"));
    }
    let (settled, reserved) = own;
    // The ledger may know better: it was told what a response came to before a power cut took the
    // response out of the journal. And it knows what was lost with a machine that did not carry
    // its journal.
    let agree = settled <= charged && reserved == 0;
    if ended.accounting.unbooked.is_none() && !world.is_carried() && !agree {
        return Err(format!(
            "the run was charged {charged}, the ledger has {settled} and {reserved} reserved"
        ));
    }
    let reason = &ended.result.stop_reason;
    let requested =
        |record: &&Record| matches!(record.event, Event::Heard(Input::TurnRequested { .. }));
    let mut tally = world.story.tally();
    tally.runs = 1;
    tally.requests = records.iter().filter(requested).count() as u64;
    tally.records = records.len() as u64;
    if records.iter().any(|record| matches!(record.event, Event::Noted(Note::FellBack { .. }))) {
        tally.fault("fell back to HTTP");
    }
    tally.ending(reason.id());
    match reason {
        StopReason::Done if result(ended) == expected => {
            tally.done = 1;
            Ok(())
        }
        StopReason::Done => {
            Err(format!("another result:\n{}\ninstead of\n{expected}", result(ended)))
        }
        // What nobody got was charged, and the rest did not bear the next request.
        StopReason::SpendBudget { .. } | StopReason::ScopeBudget { .. } => Ok(()),
        // So were the calls that the model made in them.
        StopReason::CallBudget { .. } => Ok(()),
        other if expected.contains(&format!("\"{}\"", other.id())) => {
            tally.done = 1;
            Ok(())
        }
        other => Err(format!("a run without faults at last ends with {other:?}")),
    }
}
