//! What all forms of an answer show: failures in the order of their causes, with ids and with
//! places in the repository.

use serde::Serialize;
use stepwell::Refusal;

use super::left_out::{self, LeftOut};
use super::verdict::{self, Verdict};
use super::{Detail, Wish};
use crate::evidence::{Evidence, Frame};
use crate::findings::Findings;
use crate::locate::Locator;
use crate::previous::Difference;
use crate::report::{Counts, Failure, Kind, Named, Report, Summary, Warning};
use crate::rerun;
use crate::text;

/// A cause is made plain by a few of those it broke.
const OTHERS_MAX: usize = 3;
/// Ids that a refusal offers instead.
const OFFERED_MAX: usize = 5;

/// Everything that can be shown.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) line: String,
    pub(crate) verdict: Verdict,
    pub(crate) tools: String,
    pub(crate) counts: Counts,
    pub(crate) duration_ms: Option<u64>,
    /// One of each cause, what explains most first, and then the others in the same order.
    pub(crate) failed: Vec<Failed>,
    /// How many failures there are that are not in `failed`.
    pub(crate) unnamed: u64,
    pub(crate) max_failures: usize,
    pub(crate) findings: Findings,
    pub(crate) flaky: Vec<Named>,
    pub(crate) slowest: Vec<(u64, Named)>,
    pub(crate) difference: Option<Difference>,
    pub(crate) rerun: Vec<String>,
    pub(crate) reports: Vec<Report>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) left_out: Option<LeftOut>,
}

/// A test that did not pass, as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Failed {
    pub(crate) id: String,
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<u64>,
    /// How often it was tried, where it was more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tries: Option<u32>,
    #[serde(flatten)]
    pub(crate) told: Told,
    #[serde(skip)]
    pub(crate) outside: bool,
}

/// What is said about it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Told {
    /// The first of its cause.
    Full(Full),
    /// Another one of a cause, whose first has this id.
    SameAs { same_as: String },
}

#[derive(Debug, Serialize)]
pub(crate) struct Full {
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actual: Option<String>,
    pub(crate) trace: Vec<Place>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) stdout_tail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) same_cause: Option<SameCause>,
}

/// Those that failed for the same cause, itself included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SameCause {
    pub(crate) count: u64,
    pub(crate) others: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) function: Option<String>,
}

/// What a failure may take, by the detail wanted.
#[derive(Debug, Clone, Copy)]
struct Room {
    message_bytes: usize,
    side_bytes: usize,
    frames: usize,
    output_lines: usize,
    output_bytes: usize,
}

// Where a word has four bytes the lint has nothing to say.
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")
)]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl View {
    pub(crate) fn of(
        mut summary: Summary,
        difference: Option<Difference>,
        locator: &mut Locator,
        wish: &Wish,
    ) -> Result<Self, Refusal> {
        let verdict = verdict::of(&summary);
        let line = verdict::line(&summary, verdict);
        let ids: Vec<String> =
            summary.failures.iter().map(|failure| rerun::id(failure, locator)).collect();
        let order = match &wish.failure {
            Some(wanted) => vec![the_one(wanted, &ids, &summary)?],
            None => order(&summary),
        };
        let room = if wish.failure.is_some() { Detail::Full.room() } else { wish.detail.room() };
        let failed: Vec<Failed> =
            order.iter().map(|at| failed(*at, &summary, &ids, locator, room)).collect();
        let in_order = |at: &usize| (&summary.failures[*at], ids[*at].as_str());
        let named: Vec<(&Failure, &str)> =
            order.iter().take(wish.max_failures).map(in_order).collect();
        let rerun = rerun::commands(&named);
        // Who asks for one failure has seen the rest.
        if wish.failure.is_some() {
            summary.findings = Findings::default();
            summary.flaky.clear();
            summary.slowest.clear();
        }
        let unnamed = summary.counts.bad().saturating_sub(failed.len() as u64);
        Ok(Self {
            line,
            verdict,
            tools: verdict::tools(&summary.reports),
            counts: summary.counts,
            duration_ms: summary.duration_ms,
            unnamed: if wish.failure.is_some() { 0 } else { unnamed },
            max_failures: wish.max_failures,
            left_out: left_out::of(&summary, failed.len().min(wish.max_failures)),
            failed,
            findings: summary.findings,
            flaky: summary.flaky,
            slowest: summary.slowest,
            difference,
            rerun,
            reports: summary.reports,
            warnings: summary.warnings,
        })
    }
}

/// The failure that is asked for by its id.
fn the_one(wanted: &str, ids: &[String], summary: &Summary) -> Result<usize, Refusal> {
    let is_it = |at: &usize| {
        let Failure { suite, name, .. } = &summary.failures[*at];
        ids[*at] == wanted || name == wanted || Named::new(suite, name).shown() == wanted
    };
    if let Some(at) = (0..ids.len()).find(is_it) {
        return Ok(at);
    }
    let bad = summary.counts.bad();
    if bad == 0 {
        return Err(Refusal::new("the reports have no failure; leave out `failure`"));
    }
    let near: Vec<&str> = ids.iter().take(OFFERED_MAX).map(String::as_str).collect();
    let near = match near.as_slice() {
        [] => String::new(),
        near => format!(" The first are: `{}`.", near.join("`, `")),
    };
    Err(Refusal::new(format!(
        "none of the {bad} failures has this id; take one as it stands in an answer.{near}"
    )))
}

/// The first of each cause, and then the others.
fn order(summary: &Summary) -> Vec<usize> {
    let causes = summary.causes.in_order();
    let rank: std::collections::BTreeMap<usize, usize> =
        causes.iter().enumerate().map(|(rank, cause)| (*cause, rank)).collect();
    let firsts: Vec<usize> = causes.iter().map(|cause| summary.causes.first_of(*cause)).collect();
    let mut others: Vec<usize> = (0..summary.failures.len())
        .filter(|at| summary.causes.first_of(summary.failures[*at].cause) != *at)
        .collect();
    others.sort_by_key(|at| rank.get(&summary.failures[*at].cause));
    firsts.into_iter().chain(others).collect()
}

fn failed(
    at: usize,
    summary: &Summary,
    ids: &[String],
    locator: &mut Locator,
    room: Room,
) -> Failed {
    let failure = &summary.failures[at];
    let (told, place) = match &failure.evidence {
        Some(evidence) => {
            // Where one is asked for, the others were not kept.
            let same_cause =
                if summary.wanted.is_some() { None } else { same_cause(at, summary, ids) };
            let (full, place) = full(evidence, same_cause, locator, room);
            (Told::Full(full), place)
        }
        None => {
            let first = summary.causes.first_of(failure.cause);
            (Told::SameAs { same_as: ids[first].clone() }, None)
        }
    };
    let (file, line) = match (place, &failure.file) {
        (Some((file, line)), _) => (Some(file), Some(line)),
        (None, Some(named)) => (locator.find(named), failure.line),
        (None, None) => (None, None),
    };
    Failed {
        id: ids[at].clone(),
        suite: failure.suite.clone(),
        name: failure.name.clone(),
        line: file.as_ref().and(line),
        file,
        kind: failure.kind,
        duration_ms: failure.duration_ms.filter(|ms| *ms > 0),
        tries: (failure.tries > 1).then_some(failure.tries),
        told,
        outside: failure.outside,
    }
}

/// What a failure has in common with others, if it is the first of several.
fn same_cause(at: usize, summary: &Summary, ids: &[String]) -> Option<SameCause> {
    let cause = summary.failures[at].cause;
    let count = summary.causes.count_of(cause);
    let others = summary
        .failures
        .iter()
        .enumerate()
        .filter(|(other, failure)| failure.cause == cause && *other != at);
    let others = others.take(OTHERS_MAX).map(|(other, _)| ids[other].clone()).collect();
    (count > 1).then_some(SameCause { count, others })
}

/// What is shown of its words, and its place if that is a file of the repository.
fn full(
    evidence: &Evidence,
    same_cause: Option<SameCause>,
    locator: &mut Locator,
    room: Room,
) -> (Full, Option<(String, u32)>) {
    let frames: Vec<&Frame> = evidence.trace.iter().take(room.frames).collect();
    let mut trace: Vec<Place> = frames.iter().filter_map(|frame| located(frame, locator)).collect();
    let place = trace.first().map(|place| (place.file.clone(), place.line));
    if trace.is_empty() {
        // Not a file of ours, but a place all the same.
        trace = frames.into_iter().map(as_named).collect();
    }
    let side = |side: &Option<String>| side.as_deref().map(|side| text::cut(side, room.side_bytes));
    let full = Full {
        message: text::cut(&evidence.message, room.message_bytes),
        expected: side(&evidence.expected),
        actual: side(&evidence.actual),
        trace,
        stdout_tail: text::tail(&evidence.output, room.output_lines, room.output_bytes),
        same_cause,
    };
    (full, place)
}

impl Detail {
    fn room(self) -> Room {
        let room = |message_bytes, side_bytes, frames, output_lines, output_bytes| Room {
            message_bytes,
            side_bytes,
            frames,
            output_lines,
            output_bytes,
        };
        match self {
            Self::Brief => room(300, 150, 1, 0, 0),
            Self::Normal => room(1_500, 500, 5, 10, 1_000),
            Self::Full => room(8_000, 2_000, 20, 60, 6_000),
        }
    }
}

fn located(frame: &Frame, locator: &mut Locator) -> Option<Place> {
    Some(Place { file: locator.find(&frame.file)?, ..as_named(frame) })
}

fn as_named(Frame { file, line, function }: &Frame) -> Place {
    Place { file: file.clone(), line: *line, function: function.clone() }
}
