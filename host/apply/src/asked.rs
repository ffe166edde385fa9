//! What a run waits for: the gate that wants a person to say so, as its journal or trace tells.

use session::event::{Decision, Event, Input, Record};
use session::{Binding, StopReason, Verdict};

use crate::delivery::first_run;

/// A gate that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The run's name.
    pub run: String,
    /// The gate's name.
    pub gate: String,
    /// What an approval must be bound to.
    pub bound: Binding,
    /// What the gate said.
    pub verdict: Option<Verdict>,
}

/// Why nobody is waited for.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// The trace is not what was written.
    #[error("the trace is damaged: {0}")]
    Trace(#[from] trace::Damage),
    /// The run goes on, or was cut off.
    #[error("the run has not come to an end")]
    NotOver,
    /// The run ended for another reason.
    #[error("the run waits for nobody: {0}")]
    Stopped(StopReason),
}

impl Asked {
    /// Reads it from the bytes of a journal or a trace.
    ///
    /// # Errors
    /// When the bytes are damaged, or the run waits for no gate.
    pub fn of(bytes: &[u8]) -> Result<Self, NotAsked> {
        let run = first_run(bytes)?.ok_or(NotAsked::NotOver)?;
        let records = trace::read(&run, bytes)?.records;
        let last = records.last().map(|record| &record.event);
        match last {
            Some(Event::Decided(Decision::Stopped {
                reason: StopReason::ApprovalNeeded { check, bound: Some(bound) },
            })) => {
                let verdict = verdict(&records, check);
                Ok(Self { run, gate: check.clone(), bound: bound.clone(), verdict })
            }
            Some(Event::Decided(Decision::Stopped { reason })) => {
                Err(NotAsked::Stopped(reason.clone()))
            }
            Some(_) | None => Err(NotAsked::NotOver),
        }
    }
}

/// What the gate said last.
fn verdict(records: &[Record], gate: &str) -> Option<Verdict> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::Heard(Input::PatchJudged { verdicts, .. }) => {
            verdicts.iter().find(|verdict| verdict.gate == gate).cloned()
        }
        Event::Heard(Input::TestsJudged { verdict, .. }) if verdict.gate == gate => {
            Some(verdict.clone())
        }
        Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => None,
    })
}
