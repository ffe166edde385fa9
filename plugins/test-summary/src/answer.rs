//! The answer: what a summary comes to, cut to a size a model can read.

use serde::{Deserialize, Serialize};

use crate::evidence::Frame;
use crate::locate::Locator;
use crate::report::{Counts, Failure, Kind, Report, Summary, Warning};
use crate::rerun;
use crate::text;

/// What all failures may take, in bytes of JSON: about 10,000 tokens.
const FAILURES_BYTES_MAX: usize = 40 * 1024;
/// The most reports named; all are counted.
const REPORTS_SHOWN_MAX: usize = 40;
/// The most warnings shown.
const WARNINGS_SHOWN_MAX: usize = 20;
/// A parser's words can carry what they are about.
const WARNING_LEN_MAX: usize = 300;

/// How much of each failure is wanted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detail {
    Brief,
    #[default]
    Normal,
    Full,
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

/// What a call gets.
#[derive(Debug, Serialize)]
pub struct Answer {
    verdict: Verdict,
    summary: Numbers,
    reports: Vec<Read>,
    failures: Vec<Failed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rerun: Vec<String>,
    warnings: Vec<Odd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// A test did not pass.
    Failed,
    /// Every test passed or was skipped.
    Passed,
    /// No test failed, but not all could run: no build, a crash, a report that is cut off.
    Error,
    /// The reports have no tests.
    NoTests,
    /// There is no report.
    NoReport,
}

#[derive(Debug, Serialize)]
struct Numbers {
    tests: u64,
    passed: u64,
    failed: u64,
    errors: u64,
    skipped: u64,
    #[serde(skip_serializing_if = "is_zero")]
    flaky: u64,
}

#[derive(Debug, Serialize)]
struct Read {
    path: String,
    format: &'static str,
    tests: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct Failed {
    id: String,
    suite: String,
    name: String,
    file: Option<String>,
    line: Option<u32>,
    kind: Kind,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<String>,
    trace: Vec<Place>,
    #[serde(skip_serializing_if = "String::is_empty")]
    stdout_tail: String,
}

#[derive(Debug, Serialize)]
struct Place {
    file: String,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
}

#[derive(Debug, Serialize)]
struct Odd {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    reason: String,
}

/// How many of what are not in the answer; what is not here is complete.
#[derive(Debug, Default, Serialize)]
struct LeftOut {
    #[serde(skip_serializing_if = "is_zero")]
    failures: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reports: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reports_not_read: u64,
    #[serde(skip_serializing_if = "is_zero")]
    copies_of_reports: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reports_among_fixtures: u64,
    #[serde(skip_serializing_if = "is_zero")]
    files_that_are_no_report: u64,
    #[serde(skip_serializing_if = "is_zero")]
    warnings: u64,
    hint: &'static str,
}

// Where a word has four bytes the lint has nothing to say.
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(crate) fn write(
    summary: Summary,
    locator: &mut Locator,
    max_failures: usize,
    detail: Detail,
) -> Answer {
    let verdict = verdict(&summary);
    let ids: Vec<String> = summary
        .failures
        .iter()
        .take(max_failures)
        .map(|failure| rerun::id(failure, locator))
        .collect();
    let rerun = rerun::commands(&summary.failures, &ids);
    let mut bytes_left = FAILURES_BYTES_MAX;
    let mut failures = Vec::new();
    for (failure, id) in summary.failures.iter().zip(ids) {
        let failed = failed(failure, id, locator, detail.room());
        // A failure that is no JSON cannot be: it has only strings and numbers.
        let size = serde_json::to_string(&failed).map_or(usize::MAX, |json| json.len());
        if size > bytes_left {
            break;
        }
        bytes_left -= size;
        failures.push(failed);
    }
    let shown = failures.len();
    Answer {
        verdict,
        summary: summary.counts.into(),
        left_out: left_out(&summary, shown),
        reports: shown_reports(&summary.reports),
        failures,
        rerun,
        warnings: summary.warnings.into_iter().take(WARNINGS_SHOWN_MAX).map(Odd::from).collect(),
    }
}

fn verdict(summary: &Summary) -> Verdict {
    let broken = summary.reports.iter().any(|report| report.broken);
    // Where a run broke off, its errors are about that and not about a test.
    let tests_failed = summary
        .reports
        .iter()
        .any(|Report { counts, broken, .. }| counts.failed > 0 || (counts.errors > 0 && !broken));
    match () {
        () if summary.reports.is_empty() => Verdict::NoReport,
        () if tests_failed => Verdict::Failed,
        () if broken => Verdict::Error,
        () if summary.counts.tests == 0 => Verdict::NoTests,
        () => Verdict::Passed,
    }
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

fn failed(failure: &Failure, id: String, locator: &mut Locator, room: Room) -> Failed {
    let evidence = &failure.evidence;
    let frames: Vec<&Frame> = evidence.trace.iter().take(room.frames).collect();
    let mut trace: Vec<Place> = frames.iter().filter_map(|frame| located(frame, locator)).collect();
    let (file, line) = match (trace.first(), &failure.file) {
        (Some(place), _) => (Some(place.file.clone()), Some(place.line)),
        (None, Some(named)) => (locator.find(named), failure.line),
        (None, None) => (None, None),
    };
    if trace.is_empty() {
        // Not a file of ours, but a place all the same.
        trace = frames.into_iter().map(as_named).collect();
    }
    let side = |side: &Option<String>| side.as_deref().map(|side| text::cut(side, room.side_bytes));
    Failed {
        id,
        suite: failure.suite.clone(),
        name: failure.name.clone(),
        line: file.as_ref().and(line),
        file,
        kind: failure.kind,
        message: text::cut(&evidence.message, room.message_bytes),
        expected: side(&evidence.expected),
        actual: side(&evidence.actual),
        trace,
        stdout_tail: text::tail(&evidence.output, room.output_lines, room.output_bytes),
    }
}

fn located(frame: &Frame, locator: &mut Locator) -> Option<Place> {
    Some(Place { file: locator.find(&frame.file)?, ..as_named(frame) })
}

fn as_named(Frame { file, line, function }: &Frame) -> Place {
    Place { file: file.clone(), line: *line, function: function.clone() }
}

fn shown_reports(reports: &[Report]) -> Vec<Read> {
    // What went wrong comes first: it must not be among what is left out.
    let (bad, good): (Vec<_>, Vec<_>) =
        reports.iter().partition(|report| report.broken || report.counts.bad() > 0);
    let read = |report: &Report| Read {
        path: report.path.clone(),
        format: report.format,
        tests: report.counts.tests,
        failed: report.counts.bad(),
    };
    bad.into_iter().chain(good).take(REPORTS_SHOWN_MAX).map(read).collect()
}

fn left_out(summary: &Summary, failures_shown: usize) -> Option<LeftOut> {
    let over = |all: usize, max: usize| all.saturating_sub(max) as u64;
    let left_out = LeftOut {
        failures: summary.counts.bad().saturating_sub(failures_shown as u64),
        reports: over(summary.reports.len(), REPORTS_SHOWN_MAX),
        reports_not_read: summary.unread as u64,
        copies_of_reports: summary.copies as u64,
        reports_among_fixtures: summary.fixtures as u64,
        files_that_are_no_report: summary.not_reports as u64,
        warnings: over(summary.warnings.len() + summary.warnings_dropped, WARNINGS_SHOWN_MAX),
        hint: "",
    };
    let LeftOut { failures, reports, reports_not_read, copies_of_reports, .. } = left_out;
    let others = left_out.reports_among_fixtures + left_out.files_that_are_no_report;
    let hint = if failures > 0 {
        "more failures: name one report in `paths`, raise `max_failures`, or set `detail` to `brief`"
    } else if reports_not_read > 0 {
        "too many reports to read at once: name some in `paths`"
    } else if reports + copies_of_reports + left_out.warnings > 0 {
        "all tests are counted; name reports in `paths` to see them one by one"
    } else if summary.reports.is_empty() {
        "no report was read; `list_files` with `include_ignored` may find one to name in `paths`"
    } else if others > 0 {
        "reports in other places can be named in `paths`"
    } else {
        return None;
    };
    Some(LeftOut { hint, ..left_out })
}

impl From<Counts> for Numbers {
    fn from(Counts { tests, passed, failed, errors, skipped, flaky }: Counts) -> Self {
        Self { tests, passed, failed, errors, skipped, flaky }
    }
}

impl From<Warning> for Odd {
    fn from(Warning { path, line, reason }: Warning) -> Self {
        Self { path, line, reason: text::cut(&reason, WARNING_LEN_MAX) }
    }
}
