//! The answer as JSON: the line first, then what it rests on.

use serde::Serialize;

use super::left_out::{LeftOut, REPORTS_SHOWN_MAX, WARNINGS_SHOWN_MAX};
use super::tokens;
use super::verdict::Verdict;
use super::view::{Failed, View, is_zero};
use crate::findings::{Findings, Level};
use crate::previous::Difference;
use crate::report::{Named, Report, Warning};
use crate::text;

/// What all failures may take, in bytes of JSON: about 10,000 tokens.
const FAILURES_BYTES_MAX: usize = 40 * 1024;
/// The most rules of linters shown.
const RULES_SHOWN_MAX: usize = 30;
/// What is shown of a finding's message.
const FINDING_LEN_MAX: usize = 200;
/// Tests that passed at a later try; all are counted.
const FLAKY_SHOWN_MAX: usize = 20;

/// What a call gets by default.
#[derive(Debug, Serialize)]
pub struct Answer {
    answer: String,
    verdict: Verdict,
    /// An estimate: the bytes of this answer, divided by four.
    tokens: usize,
    summary: Numbers,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Difference>,
    failures: Vec<Failed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Found>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rerun: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flaky: Vec<Named>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slowest: Vec<Slow>,
    reports: Vec<Read>,
    warnings: Vec<Odd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Read {
    path: String,
    format: &'static str,
    tests: u64,
    failed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    findings: u64,
}

#[derive(Debug, Serialize)]
struct Slow {
    duration_ms: u64,
    #[serde(flatten)]
    test: Named,
}

/// What linters found, each thing once.
#[derive(Debug, Serialize)]
struct Found {
    errors: u64,
    warnings: u64,
    #[serde(skip_serializing_if = "is_zero")]
    notes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    fixable: u64,
    #[serde(skip_serializing_if = "is_zero")]
    copies: u64,
    rules: Vec<RuleFound>,
    #[serde(skip_serializing_if = "is_zero")]
    rules_left_out: u64,
}

#[derive(Debug, Serialize)]
struct RuleFound {
    level: Level,
    rule: String,
    count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    fixable: u64,
    /// Of the first, as is its place.
    message: String,
    file: Option<String>,
    line: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Odd {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    reason: String,
}

pub(crate) fn write(view: View) -> Answer {
    let mut left_out = view.left_out;
    let mut failures = view.failed;
    failures.truncate(view.max_failures);
    let mut bytes_left = FAILURES_BYTES_MAX;
    let fits = failures.iter().take_while(|failed| {
        // A failure that is no JSON cannot be: it has only strings and numbers.
        let size = serde_json::to_string(failed).map_or(usize::MAX, |json| json.len());
        let fits = size <= bytes_left;
        bytes_left = bytes_left.saturating_sub(size);
        fits
    });
    let shown = fits.count();
    if shown < failures.len() {
        let more = (failures.len() - shown) as u64;
        let hint = "more failures: ask for one by `failure`, or set `detail` to `brief`";
        let left_out = left_out.get_or_insert_default();
        left_out.failures += more;
        left_out.hint = hint;
        failures.truncate(shown);
    }
    let counts = view.counts;
    let mut answer = Answer {
        answer: view.line,
        verdict: view.verdict,
        tokens: 0,
        summary: Numbers {
            tests: counts.tests,
            passed: counts.passed,
            failed: counts.failed,
            errors: counts.errors,
            skipped: counts.skipped,
            flaky: counts.flaky,
            duration_ms: view.duration_ms,
        },
        compared: view.difference,
        failures,
        findings: found(&view.findings),
        rerun: view.rerun,
        flaky: view.flaky.into_iter().take(FLAKY_SHOWN_MAX).collect(),
        slowest: view
            .slowest
            .into_iter()
            .map(|(duration_ms, test)| Slow { duration_ms, test })
            .collect(),
        reports: shown_reports(&view.reports),
        warnings: view.warnings.into_iter().take(WARNINGS_SHOWN_MAX).map(Odd::from).collect(),
        left_out,
    };
    // The number itself has digits: with the first estimate in place the second is exact.
    for _ in 0..2 {
        answer.tokens = tokens(serde_json::to_string(&answer).map_or(0, |json| json.len()));
    }
    answer
}

fn found(findings: &Findings) -> Option<Found> {
    if findings.total() == 0 {
        return None;
    }
    let rules = findings.in_order();
    Some(Found {
        errors: findings.count(Level::Error),
        warnings: findings.count(Level::Warning),
        notes: findings.count(Level::Note),
        fixable: findings.fixable(),
        copies: findings.copies,
        rules_left_out: rules.len().saturating_sub(RULES_SHOWN_MAX) as u64,
        rules: rules
            .into_iter()
            .take(RULES_SHOWN_MAX)
            .map(|(level, name, rule)| RuleFound {
                level,
                rule: name.to_owned(),
                count: rule.count,
                fixable: rule.fixable,
                message: text::cut(&rule.message, FINDING_LEN_MAX),
                file: rule.file.clone(),
                line: rule.line,
            })
            .collect(),
    })
}

fn shown_reports(reports: &[Report]) -> Vec<Read> {
    // What went wrong comes first: it must not be among what is left out.
    let (bad, good): (Vec<_>, Vec<_>) =
        reports.iter().partition(|report| report.broken.is_some() || report.counts.bad() > 0);
    let read = |report: &Report| Read {
        path: report.path.clone(),
        format: report.format,
        tests: report.counts.tests,
        failed: report.counts.bad(),
        findings: report.findings,
    };
    bad.into_iter().chain(good).take(REPORTS_SHOWN_MAX).map(read).collect()
}

impl From<Warning> for Odd {
    fn from(Warning { path, line, reason }: Warning) -> Self {
        Self { path, line, reason }
    }
}
