//! Whether a trace is what was written, and whether the files beside it are those it speaks of.

use std::fmt;

use serde::Serialize;
use session::event::{Decision, Event};
use session::{Outcome, RunResult, StopReason};
use trace::{Chain, Damage, Told, digest};

use crate::amount::count;
use crate::plain::Plain;
use crate::run::Run;

/// The most records that are named one by one as unknown.
const UNKNOWN_TOLD_MAX: usize = 5;

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// It is as it should be.
    Holds,
    /// It is not.
    Fails,
    /// There was nothing to check, or nothing to check it against.
    Open,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `chain`, `schema`, `end`, `patch.diff`, `result.json`, or what the caller looked at.
    pub what: &'static str,
    /// What came of it.
    pub check: Check,
    /// Why, in a sentence.
    pub because: String,
}

/// What was checked of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The run's name; none where no record says it.
    pub run: Option<String>,
    /// Records that belong where they stand.
    pub records: u64,
    /// Everything that was looked at, in order.
    pub findings: Vec<Finding>,
}

impl Verified {
    /// Whether nothing fails.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.check != Check::Fails)
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.run.as_deref().unwrap_or("?");
        writeln!(f, "run {}: {}", Plain(run), count(self.records, "record"))?;
        for Finding { what, check, because } in &self.findings {
            let word = match check {
                Check::Holds => "ok",
                Check::Fails => "FAILS",
                Check::Open => "open",
            };
            writeln!(f, "  {what:<12}  {word:<5}  {}", Plain(because))?;
        }
        Ok(())
    }
}

/// Checks a trace, and the patch and the result beside it, where they are given.
///
/// The digest of each line stands in the next one, so nothing but the last line can have been
/// changed unseen; who can write a whole file can write another chain.
pub fn verify(trace: &[u8], result: Option<&[u8]>, patch: Option<&[u8]>) -> Verified {
    let mut findings = Vec::new();
    let mut say = |what, check, because: String| findings.push(Finding { what, check, because });
    let Read { run, records, unknown, damage, torn, last } = Read::of(trace);
    match &damage {
        None if records == 0 => say("chain", Check::Fails, "there is no record".to_owned()),
        None => say("chain", Check::Holds, format!("{} without a gap", count(records, "record"))),
        Some(damage) => say("chain", Check::Fails, damage.to_string()),
    }
    match unknown.as_slice() {
        [] => say("schema", Check::Holds, "every record is known".to_owned()),
        some => {
            let named: Vec<&str> = some.iter().take(UNKNOWN_TOLD_MAX).map(String::as_str).collect();
            let text = format!(
                "{} of a newer program: {}",
                count(some.len() as u64, "record"),
                named.join("; ")
            );
            say("schema", Check::Open, text);
        }
    }
    match (&last, torn) {
        (_, 1..) => say("end", Check::Open, format!("{} of a torn line", count(torn, "byte"))),
        (Some(reason), 0) => say("end", Check::Holds, reason.to_string()),
        (None, 0) => say("end", Check::Open, "the run is not over".to_owned()),
    }
    if let (None, Ok(told)) = (damage, Run::read(trace)) {
        findings.push(patch_beside(&told, patch));
        findings.push(result_beside(&told, result));
    }
    Verified { run, records, findings }
}

/// What a chain holds, up to where it is damaged.
#[derive(Debug, Default)]
struct Read {
    run: Option<String>,
    records: u64,
    unknown: Vec<String>,
    damage: Option<Damage>,
    torn: u64,
    /// Why the run is over, where the last record says so.
    last: Option<StopReason>,
}

impl Read {
    fn of(trace: &[u8]) -> Self {
        let mut read = Self::default();
        let mut chain = Chain::new(trace);
        for line in chain.by_ref() {
            read.last = None;
            match line {
                Err(damage) => read.damage = Some(damage),
                Ok(line) => {
                    read.records += 1;
                    match line.told {
                        Told::Known(record) => {
                            read.run.get_or_insert(record.run);
                            if let Event::Decided(Decision::Stopped { reason }) = record.event {
                                read.last = Some(reason);
                            }
                        }
                        Told::Unknown { head, because, .. } => {
                            read.unknown.push(format!("record {}: {because}", head.seq));
                            read.run.get_or_insert(head.run);
                        }
                    }
                }
            }
        }
        read.torn = if read.damage.is_some() { 0 } else { chain.torn() };
        read
    }
}

fn patch_beside(run: &Run, patch: Option<&[u8]>) -> Finding {
    let due = run.patch().and_then(|proposal| proposal.digest.as_deref());
    let (check, because) = match (due, patch) {
        (None, None) => (Check::Holds, "no patch left the gates, and there is none".to_owned()),
        (None, Some(_)) => (Check::Fails, "there is one, and none left the gates".to_owned()),
        (Some(_), None) => (Check::Open, "a patch left the gates, and is not given".to_owned()),
        (Some(due), Some(bytes)) if digest(bytes) == due => {
            (Check::Holds, format!("its digest is {due}"))
        }
        (Some(due), Some(bytes)) => {
            (Check::Fails, format!("its digest is {}, the gates let out {due}", digest(bytes)))
        }
    };
    Finding { what: "patch.diff", check, because }
}

fn result_beside(run: &Run, result: Option<&[u8]>) -> Finding {
    let what = "result.json";
    let Some(bytes) = result else {
        return Finding { what, check: Check::Open, because: "it is not given".to_owned() };
    };
    let result: RunResult = match serde_json::from_slice(bytes) {
        Ok(result) => result,
        Err(err) => {
            return Finding {
                what,
                check: Check::Fails,
                because: format!("it cannot be read: {err}"),
            };
        }
    };
    let wrong = other_than_told(run, &result);
    if wrong.is_empty() {
        return Finding {
            what,
            check: Check::Holds,
            because: "it says what the trace says".to_owned(),
        };
    }
    let because = format!("it says otherwise than the trace: {}", wrong.join(", "));
    Finding { what, check: Check::Fails, because }
}

/// The fields of a result that are not what the trace tells.
fn other_than_told(run: &Run, result: &RunResult) -> Vec<&'static str> {
    let patch = run.patch();
    let (before, after) = run.tests_before_and_after();
    let said = |round: Option<&crate::run::TestRound>| round.and_then(|round| round.said.clone());
    let verdicts = run.patches.last().map(|last| last.verdicts.clone()).unwrap_or_default();
    let stopped = run.stop.as_ref().map(|stop| &stop.reason);
    let about = run.about.as_ref();
    let told = [
        ("stop-reason", stopped == Some(&result.stop_reason)),
        ("step", about.is_none_or(|about| about.step == result.step)),
        ("head", about.is_none_or(|about| about.head == result.head)),
        ("base", about.is_none_or(|about| about.base == result.base)),
        ("analysis", run.analysis == result.analysis),
        ("patch", patch.and_then(|patch| patch.digest.clone()) == result.patch),
        (
            "patch-files",
            patch.map(|patch| patch.files.clone()).unwrap_or_default() == result.patch_files,
        ),
        ("verdicts", verdicts == result.verdicts),
        ("tests-before", said(before) == result.tests_before),
        ("tests-after", said(after) == result.tests_after),
        ("outcome", outcome(run).contains(&result.outcome)),
    ];
    told.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

/// The outcomes that a trace allows.
fn outcome(run: &Run) -> Vec<Outcome> {
    match (run.patch(), &run.analysis) {
        (Some(_), _) => {
            let (_, after) = run.tests_before_and_after();
            match after.and_then(|round| round.said.as_ref()) {
                Some(said) if said.passed => vec![Outcome::PatchTested],
                // Tests that did not come to an end say nothing of the patch.
                Some(_) => vec![Outcome::PatchFailing, Outcome::PatchUntested],
                None => vec![Outcome::PatchUntested],
            }
        }
        (None, Some(_)) if run.patches.is_empty() => vec![Outcome::Diagnosis],
        (None, Some(_)) => vec![Outcome::PatchRefused],
        (None, None) => vec![Outcome::ContextOnly, Outcome::Nothing],
    }
}
