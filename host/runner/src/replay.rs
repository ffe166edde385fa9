//! A run made again from what was written of it: its decisions by the rules, its calls by the tools.
//! Nothing is asked of a model, written, or run but tools.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use serde::Serialize;
use session::event::{CallDigests, Decision, Event, Input, Note, Record};
use session::{Answer, Call, CallId, Origin, Plan, Session};
use snapshot::{FileContent, Grant, RepoPath};

use crate::artifacts;
use crate::run::resume::{REPORTS, is_decision, report_name};
use crate::scratch::SHOWN_REPORTS;
use crate::text::cut;
use crate::tools::{Called, ToolExecutor, Toolbox, Trees};

/// Bytes of one side of a divergence that are told.
const SIDE_BYTES_MAX: usize = 2_000;

/// The most calls that are made again: a trace is from outside, and each call takes time here. Many
/// times what the longest run has.
const CALLS_MAX: u64 = 10_000;

/// Where a run comes out otherwise than it was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The number of the record.
    pub seq: u64,
    /// What differs.
    pub what: String,
    /// What the record says.
    pub recorded: String,
    /// What came of it this time.
    pub again: String,
}

/// The decisions of a run, made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refolded {
    /// Decisions that are the same.
    pub decisions: u64,
    /// The `result.json` that the run comes to; none where it is not over.
    pub result: Option<Vec<u8>>,
    /// The first that is another.
    pub divergence: Option<Divergence>,
}

/// Tells the rules again what a run heard, and holds what they decide against what is written. What
/// answered and what that costs is taken from the records.
///
/// None where the records do not begin with what the run is about.
pub fn refold(mut plan: Plan, records: &[Record]) -> Option<Refolded> {
    let Some(Event::Noted(Note::RunStarted { step, head, base, price, provider, .. })) =
        records.first().map(|record| &record.event)
    else {
        return None;
    };
    plan.price = *price;
    plan.model_used = provider != "offline";
    let mut session = Session::new(plan);
    let (decisions, divergence) = fold(&mut session, records);
    let stopped = session.stopped().filter(|_| divergence.is_none()).cloned();
    let result =
        stopped.map(|reason| artifacts::json(&session.result(step, head, base.as_deref(), reason)));
    Some(Refolded { decisions, result, divergence })
}

fn fold(session: &mut Session, records: &[Record]) -> (u64, Option<Divergence>) {
    let mut due: VecDeque<Decision> = VecDeque::new();
    let mut decisions = 0;
    for record in records {
        let seq = record.seq;
        let differs =
            |recorded, again| Divergence { seq, what: "the decision".to_owned(), recorded, again };
        match &record.event {
            Event::Noted(_) => {}
            Event::Decided(decision) => match due.pop_front() {
                Some(again) if again == *decision => decisions += 1,
                Some(again) => return (decisions, Some(differs(told(decision), told(&again)))),
                None => return (decisions, Some(differs(told(decision), "none".to_owned()))),
            },
            Event::Heard(input) => {
                if let Some(missing) = due.front() {
                    return (decisions, Some(differs("none before it".to_owned(), told(missing))));
                }
                let effects = session.handle(record.at_ms, input.clone());
                due.extend(effects.iter().filter_map(is_decision).cloned());
            }
        }
    }
    (decisions, None)
}

fn told(decision: &Decision) -> String {
    let text = serde_json::to_string(decision).unwrap_or_default();
    cut(&text, SIDE_BYTES_MAX)
}

/// The tool calls of a run, made again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Calls that came to the same.
    pub same: u64,
    /// Calls that say nothing: they were ended from outside, their output has no digest, or there
    /// were too many before them.
    pub open: u64,
    /// Calls that came to something else, and may have looked at reports of tests that are not here.
    pub unseen: u64,
    /// The first that came to something else.
    pub divergence: Option<Divergence>,
}

/// Makes every call of a run again, up to the first that comes to something else. `run_dir` has the
/// reports of the step's own tests, where the run is kept. The toolbox should have no cache.
pub async fn recall<E: ToolExecutor>(
    toolbox: &Toolbox<E>,
    trees: Trees,
    run_dir: Option<&Path>,
    records: &[Record],
) -> Recalled {
    let mut recalled = Recalled::default();
    let mut shown = Shown { trees, files: BTreeMap::new(), is_whole: true };
    let head = shown.trees.head.clone();
    let mut started: BTreeMap<CallId, (Call, Trees, bool)> = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::Decided(Decision::CallStarted { call }) => {
                let seen = (call.clone(), shown.trees.clone(), shown.is_whole);
                started.insert(call.id, seen);
            }
            Event::Heard(Input::TestsFinished { round, again, reports, .. }) => {
                shown.reports((*round, *again), reports, run_dir);
                shown.trees.head = head.overlay(shown.files.clone());
            }
            Event::Heard(Input::CallAnswered { call, answer, digests, .. }) => {
                let Some((call, trees, is_whole)) = started.remove(call) else { continue };
                let made_so_far = recalled.same + recalled.unseen;
                let Some(due) = due(answer, digests).filter(|_| made_so_far < CALLS_MAX) else {
                    recalled.open += 1;
                    continue;
                };
                let again = made(toolbox, &call, &trees).await;
                match (differs(record.seq, &call, (digests, &due), &again), is_whole) {
                    (None, _) => recalled.same += 1,
                    (Some(_), false) => recalled.unseen += 1,
                    (Some(divergence), true) => {
                        recalled.divergence = Some(divergence);
                        return recalled;
                    }
                }
            }
            Event::Decided(_) | Event::Heard(_) | Event::Noted(_) => {}
        }
    }
    recalled
}

/// The digest of the output that is due; none where nothing can be said.
fn due(answer: &Answer, digests: &CallDigests) -> Option<String> {
    match answer {
        Answer::Answered { .. } | Answer::Refused { .. } => digests.output.clone(),
        Answer::Ended { .. } => None,
    }
}

/// As in a run: the host reads the reports of the step's own tests whatever the step grants.
async fn made<E: ToolExecutor>(toolbox: &Toolbox<E>, call: &Call, trees: &Trees) -> Called {
    let granted = match call.id.origin {
        Origin::Tests(_) => Grant::read(&[format!("{SHOWN_REPORTS}**")]).ok(),
        Origin::Context | Origin::Turn(_) => None,
    };
    toolbox.call_granted(&call.tool, &call.arguments, trees, granted).await
}

fn differs(
    seq: u64,
    call: &Call,
    (digests, due): (&CallDigests, &str),
    again: &Called,
) -> Option<Divergence> {
    let of = |what: &str| format!("{what} of {} {}", call.id, call.tool);
    let component = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none".to_owned());
    if digests.component.is_some() && digests.component != again.digests.component {
        return Some(Divergence {
            seq,
            what: of("the component"),
            recorded: component(&digests.component),
            again: component(&again.digests.component),
        });
    }
    if again.digests.output.as_deref() == Some(due) {
        return None;
    }
    let digest = again.digests.output.clone().unwrap_or_default();
    let said = match &again.answer {
        Answer::Answered { output } => format!("{digest}: {}", cut(output, SIDE_BYTES_MAX)),
        Answer::Refused { message } => format!("refused: {}", cut(message, SIDE_BYTES_MAX)),
        Answer::Ended { ending, message } => {
            format!("ended, {ending}: {}", cut(message, SIDE_BYTES_MAX))
        }
    };
    Some(Divergence { seq, what: of("the output"), recorded: due.to_owned(), again: said })
}

/// What tools see, as the run goes on.
struct Shown {
    trees: Trees,
    files: BTreeMap<RepoPath, Option<FileContent>>,
    /// Whether every report of the tests so far is here.
    is_whole: bool,
}

impl Shown {
    fn reports(&mut self, round: (u32, u32), paths: &[String], run_dir: Option<&Path>) {
        for (number, path) in paths.iter().enumerate() {
            let file = run_dir.map(|dir| dir.join(REPORTS).join(report_name(round, number)));
            let bytes = file.and_then(|file| fs::read(file).ok());
            match (bytes, RepoPath::parse(path)) {
                (Some(bytes), Ok(path)) => {
                    let content = FileContent { bytes, executable: false };
                    self.files.insert(path, Some(content));
                }
                (None, _) | (_, Err(_)) => self.is_whole = false,
            }
        }
    }
}
