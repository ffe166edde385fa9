//! Where one format's reader puts what it reads.

use super::{
    Case, Counts, FLAKY_KEPT_MAX, Kind, Named, Outcome, Report, Summary, Test, WARNINGS_KEPT_MAX,
};
use crate::findings::Finding;
use crate::text;

/// Why a run did not get to its end, in the line that says so.
const REASON_LEN_MAX: usize = 120;
/// A tool's name and version.
const TOOL_LEN_MAX: usize = 60;

/// Takes what one report says.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    summary: &'a mut Summary,
    path: &'a str,
    format: &'static str,
    tool: Option<String>,
    counts: Counts,
    findings: u64,
    broken: Option<String>,
    /// What the report says of the whole run.
    took_ms: Option<u64>,
    /// What its tests took, together.
    tests_took_ms: Option<u64>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(summary: &'a mut Summary, path: &'a str, format: &'static str) -> Self {
        let (tool, counts, findings, broken) = (None, Counts::default(), 0, None);
        let (took_ms, tests_took_ms) = (None, None);
        Self { summary, path, format, tool, counts, findings, broken, took_ms, tests_took_ms }
    }

    /// Tests that passed, of which no more is known than their number.
    pub(crate) fn passed(&mut self, tests: u64) {
        self.counts.tests = self.counts.tests.saturating_add(tests);
        self.counts.passed = self.counts.passed.saturating_add(tests);
        self.unnamed(tests);
    }

    /// Tests that were skipped, of which no more is known than their number.
    pub(crate) fn skipped(&mut self, tests: u64) {
        self.counts.tests = self.counts.tests.saturating_add(tests);
        self.counts.skipped = self.counts.skipped.saturating_add(tests);
        self.unnamed(tests);
    }

    fn unnamed(&mut self, tests: u64) {
        if let Some(outcomes) = &mut self.summary.outcomes {
            outcomes.unknown = outcomes.unknown.saturating_add(tests);
        }
    }

    pub(crate) fn passed_test(&mut self, test: &Test) {
        self.counts.tests += 1;
        self.counts.passed += 1;
        self.summary.outcome(&test.suite, &test.name, Outcome::Good);
        self.took_by(&test.suite, &test.name, test.duration_ms);
        if test.flaky {
            self.counts.flaky += 1;
            if self.summary.flaky.len() < FLAKY_KEPT_MAX {
                self.summary.flaky.push(Named::new(&test.suite, &test.name));
            }
        }
    }

    pub(crate) fn skipped_test(&mut self, test: &Test) {
        self.counts.tests += 1;
        self.counts.skipped += 1;
        self.summary.outcome(&test.suite, &test.name, Outcome::Skipped);
    }

    /// A test that did not pass.
    pub(crate) fn failed(&mut self, case: Case) {
        self.counts.tests += 1;
        match case.kind {
            Kind::Failure => self.counts.failed += 1,
            Kind::Error => self.counts.errors += 1,
        }
        self.summary.outcome(&case.suite, &case.name, Outcome::Bad);
        self.took_by(&case.suite, &case.name, case.duration_ms);
        self.summary.keep(case, false);
    }

    /// Something that went wrong outside of any test: no tests, or not all, have run.
    pub(crate) fn error(&mut self, case: Case) {
        self.counts.errors += 1;
        self.breaks(&format!("{} {}", case.suite, case.name));
        self.summary.keep(case, true);
    }

    /// What a linter or a compiler says about a line.
    pub(crate) fn finding(&mut self, finding: Finding) {
        self.findings += 1;
        self.summary.findings.add(finding);
    }

    pub(crate) fn has_findings(&self) -> bool {
        self.findings > 0
    }

    /// The report is one of a linter, even if it found nothing.
    pub(crate) fn is_of_a_linter(&mut self) {
        self.summary.findings.reports += 1;
    }

    pub(crate) fn tool(&mut self, name: &str) {
        if !name.trim().is_empty() {
            self.tool = Some(text::cut(&super::name(name.trim()), TOOL_LEN_MAX));
        }
    }

    /// How long the whole run took.
    pub(crate) fn took(&mut self, ms: u64) {
        self.took_ms = Some(self.took_ms.unwrap_or(0).saturating_add(ms));
    }

    fn took_by(&mut self, suite: &str, name: &str, ms: Option<u64>) {
        if let Some(ms) = ms {
            self.tests_took_ms = Some(self.tests_took_ms.unwrap_or(0).saturating_add(ms));
        }
        self.summary.took(suite, name, ms);
    }

    pub(crate) fn warn(&mut self, line: Option<usize>, reason: impl Into<String>) {
        self.summary.warn(self.path, line, reason);
    }

    /// Whether another warning is shown, and not only counted.
    pub(crate) fn keeps_warnings(&self) -> bool {
        self.summary.warnings.len() < WARNINGS_KEPT_MAX
    }

    /// The run, or its report, has no end.
    pub(crate) fn broken(&mut self, line: Option<usize>, reason: impl Into<String>) {
        let reason = reason.into();
        self.breaks(&reason);
        self.warn(line, reason);
    }

    /// The first reason is the one that says most.
    fn breaks(&mut self, reason: &str) {
        if self.broken.is_none() {
            let reason = super::name(reason.split(';').next().unwrap_or_default().trim());
            self.broken = Some(text::cut(&reason, REASON_LEN_MAX));
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// The file is read.
    pub(crate) fn finish(self) {
        let Self { summary, path, format, tool, counts, findings, broken, .. } = self;
        summary.counts.add(counts);
        if let Some(ms) = self.took_ms.or(self.tests_took_ms) {
            summary.duration_ms = Some(summary.duration_ms.unwrap_or(0).saturating_add(ms));
        }
        let path = path.to_owned();
        summary.reports.push(Report { path, format, tool, counts, findings, broken });
    }
}
