//! What a run delivered, as far as its artifacts hold together.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use gate::{InvalidPatch, Patch, PatchError, ValidPatch};
use session::event::{Decision, Event, Input, Note};
use session::{Binding, RunResult, StopReason};
use snapshot::Digest;

/// The largest `result.json`: findings, paths and verdicts have room.
const RESULT_BYTES_MAX: u64 = 16 << 20;
/// The largest trace that is read back: as the runner writes none larger.
const TRACE_BYTES_MAX: u64 = 1 << 30;
/// The largest `patch.diff`; the gates take no larger patch either.
const PATCH_BYTES_MAX: u64 = 16 << 20;

/// The artifacts of a run that came to its end with a patch.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub(crate) run: String,
    pub(crate) result: RunResult,
    pub(crate) patch: ValidPatch,
    pub(crate) patch_digest: String,
    pub(crate) bound: Binding,
    pub(crate) trace_digest: String,
}

/// Artifacts that nothing is made of.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// A file is not there, or cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger than any that a run leaves.
    #[error("`{}` is larger than {most} bytes, which no run writes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The most.
        most: u64,
    },
    /// `result.json` is none.
    #[error("`result.json` cannot be read: {why}")]
    NoResult {
        /// What the reader of JSON says.
        why: String,
    },
    /// The trace is not what was written.
    #[error("`trace.jsonl` is damaged: {0}")]
    Trace(#[from] trace::Damage),
    /// The run was cut off before it left its artifacts.
    #[error("the run is not over: its trace does not end with a stop")]
    NotOver,
    /// Two artifacts tell something else.
    #[error("`result.json` and `trace.jsonl` do not agree on {what}: `{result}` and `{trace}`")]
    Disagree {
        /// On what.
        what: &'static str,
        /// What the one says.
        result: String,
        /// What the other says.
        trace: String,
    },
    /// There is nothing to apply.
    #[error("the run has no patch: {stopped}")]
    NoPatch {
        /// Why it was over.
        stopped: StopReason,
    },
    /// The patch is not the one that the gates let out.
    #[error("`patch.diff` has the digest {found}, the gates let out {recorded}")]
    PatchChanged {
        /// What it has.
        found: String,
        /// What was recorded.
        recorded: String,
    },
    /// The trace does not say which head and which rules the patch was judged by.
    #[error(
        "the trace does not say for which head the patch was judged: an older stepwell wrote it"
    )]
    Unbound,
    /// The patch cannot be read.
    #[error("`patch.diff` cannot be read: {0}")]
    BadPatch(#[from] PatchError),
    /// The patch touches what no patch may.
    #[error("`patch.diff` is refused: {0}")]
    Invalid(#[from] InvalidPatch),
}

impl Delivery {
    /// Reads the artifacts in `dir`, and holds each against the others.
    ///
    /// # Errors
    /// When one is missing, too large, damaged, or tells something else than another.
    pub fn read(dir: &Path) -> Result<Self, DeliveryError> {
        let result = bytes(dir, "result.json", RESULT_BYTES_MAX)?;
        let result: RunResult = serde_json::from_slice(&result)
            .map_err(|err| DeliveryError::NoResult { why: err.to_string() })?;
        let trace = bytes(dir, "trace.jsonl", TRACE_BYTES_MAX)?;
        let told = Told::of(&trace)?;
        told.agree(&result)?;
        let Some(recorded) = result.patch.clone() else {
            return Err(DeliveryError::NoPatch { stopped: result.stop_reason });
        };
        let diff = bytes(dir, "patch.diff", PATCH_BYTES_MAX)?;
        let found = Digest::of(&diff).to_string();
        if found != recorded {
            return Err(DeliveryError::PatchChanged { found, recorded });
        }
        let text = String::from_utf8_lossy(&diff);
        let patch = Patch::parse(&text)?.validate()?;
        Ok(Self {
            run: told.run,
            patch,
            patch_digest: found,
            bound: told.bound.ok_or(DeliveryError::Unbound)?,
            trace_digest: told.digest,
            result,
        })
    }

    /// The run's name.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// What came out of the run, as it says itself.
    pub fn result(&self) -> &RunResult {
        &self.result
    }

    /// The patch.
    pub fn patch(&self) -> &ValidPatch {
        &self.patch
    }

    /// What an approval of the patch must be bound to, as the run says.
    pub fn bound(&self) -> &Binding {
        &self.bound
    }

    /// BLAKE3 of the patch's canonical text, in hex.
    pub fn patch_digest(&self) -> &str {
        &self.patch_digest
    }
}

fn bytes(dir: &Path, name: &str, most: u64) -> Result<Vec<u8>, DeliveryError> {
    let path = dir.join(name);
    let unreadable = |source| DeliveryError::Unreadable { path: path.clone(), source };
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(unreadable)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(DeliveryError::TooLarge { path, most });
    }
    Ok(bytes)
}

/// What the trace tells of how the run ended.
struct Told {
    run: String,
    step: String,
    head: String,
    bound: Option<Binding>,
    stopped: StopReason,
    patch: Option<String>,
    /// The digest of its last line: it stands for all of it.
    digest: String,
}

impl Told {
    fn of(bytes: &[u8]) -> Result<Self, DeliveryError> {
        let run = first_run(bytes)?.ok_or(DeliveryError::NotOver)?;
        let trace::Whole { records, prev, .. } = trace::read(&run, bytes)?;
        let events = || records.iter().map(|record| &record.event);
        let Some(Event::Decided(Decision::Stopped { reason })) = events().next_back() else {
            return Err(DeliveryError::NotOver);
        };
        let started = events().next();
        let Some(Event::Noted(Note::RunStarted { step, head, .. })) = started else {
            return Err(DeliveryError::NotOver);
        };
        let last = events().filter_map(let_out).next_back();
        let last_digest = last.as_ref().map(|(digest, _)| digest.clone());
        Ok(Self {
            run,
            step: step.clone(),
            head: head.clone(),
            bound: last.and_then(|(_, bound)| bound),
            stopped: reason.clone(),
            patch: last_digest,
            digest: prev,
        })
    }

    fn agree(&self, result: &RunResult) -> Result<(), DeliveryError> {
        let none = || "none".to_owned();
        let pairs = [
            ("the step", result.step.clone(), self.step.clone()),
            ("the head", result.head.clone(), self.head.clone()),
            ("why it stopped", result.stop_reason.to_string(), self.stopped.to_string()),
            (
                "the patch",
                result.patch.clone().unwrap_or_else(none),
                self.patch.clone().unwrap_or_else(none),
            ),
        ];
        match pairs.into_iter().find(|(_, result, trace)| result != trace) {
            Some((what, result, trace)) => Err(DeliveryError::Disagree { what, result, trace }),
            None => Ok(()),
        }
    }
}

/// The run that the first record names, if there is one; the chain then holds every other against
/// it.
pub(crate) fn first_run(bytes: &[u8]) -> Result<Option<String>, trace::Damage> {
    let first = trace::Chain::new(bytes).next().transpose()?;
    Ok(first.map(|line| match line.told {
        trace::Told::Known(record) => record.run,
        trace::Told::Unknown { head, .. } => head.run,
    }))
}

/// The digest of a patch that no gate refused, and what an approval of it is bound to.
fn let_out(event: &Event) -> Option<(String, Option<Binding>)> {
    match event {
        Event::Heard(Input::PatchJudged { problem: None, digest, bound, .. }) => {
            Some((digest.clone()?, bound.clone()))
        }
        Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => None,
    }
}
