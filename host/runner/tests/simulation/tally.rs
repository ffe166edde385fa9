//! What happened over all seeds.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults;
use crate::model;

/// What must have happened at least once, beside what a server does.
const AROUND: &[&str] = &[
    "killed at an append",
    "killed at a sync",
    "killed at a time",
    "power cut",
    "disk full",
    "interrupted",
    "connection refused",
    "connection stalled",
    "connection cut",
    "no connection",
    "ledger failed",
    "ledger refused",
    "lease lost",
    "store failed",
    "moved to another machine",
    "slow sink",
    "stuck sink",
    "clock jumped",
    "double start",
    "no WebSocket",
    "only HTTP",
    "only WebSocket",
    "fell back to HTTP",
    "connections grow old",
];

/// Everything that must have happened at least once for the simulation to mean something.
fn everything() -> impl Iterator<Item = String> {
    let greetings = ["upgrade", "post"].into_iter().flat_map(|way| {
        let refused =
            [401, 403, 404, 426, 429, 500, 502, 503].into_iter().flat_map(move |status| {
                ["", " and a wait"].map(|wait| format!("{way} door: status {status}{wait}"))
            });
        let greeted = faults::GREETINGS.iter().map(move |name| format!("{way} {name}"));
        greeted.chain(refused)
    });
    let of_server =
        [faults::SENDING, faults::SHAPES, faults::FRAMINGS, faults::ERRORS, model::SPOILS, AROUND];
    of_server.into_iter().flatten().map(|name| (*name).to_owned()).chain(greetings)
}

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) attempts: u64,
    pub(crate) requests: u64,
    pub(crate) records: u64,
    /// Runs that came to the result of a run without faults.
    pub(crate) done: u64,
    /// How often each fault was set up: whether a run lives to meet it, its other faults decide.
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) endings: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn fault(&mut self, what: &str) {
        *self.faults.entry(what.to_owned()).or_default() += 1;
    }

    pub(crate) fn ending(&mut self, what: &str) {
        *self.endings.entry(what.to_owned()).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.attempts += other.attempts;
        self.requests += other.requests;
        self.records += other.records;
        self.done += other.done;
        for (mine, theirs) in
            [(&mut self.faults, &other.faults), (&mut self.endings, &other.endings)]
        {
            for (what, count) in theirs {
                *mine.entry(what.clone()).or_default() += count;
            }
        }
    }

    /// What should have happened and never did.
    pub(crate) fn unseen(&self) -> Vec<String> {
        // A few seeds cannot have seen everything.
        const ENOUGH: u64 = 10_000;
        let unseen = everything().filter(|what| !self.faults.contains_key(what));
        unseen.filter(|_| self.runs >= ENOUGH).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, attempts, requests, records, done, faults, endings } = self;
        writeln!(
            f,
            "simulated: {runs} runs in {attempts} attempts, {requests} requests, {records} records; \
             {done} came to the result of a run without faults"
        )?;
        for (title, counts) in [("faults", faults), ("endings", endings)] {
            writeln!(f, "{title}:")?;
            for (what, count) in counts {
                writeln!(f, "  {count:>8}  {what}")?;
            }
        }
        Ok(())
    }
}
