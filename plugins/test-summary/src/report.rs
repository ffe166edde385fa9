//! What reports amount to: counts, failures, warnings. All formats end here.

use crate::evidence::Evidence;

/// The most failures one answer can show; more are only counted.
pub(crate) const FAILURES_KEPT_MAX: usize = 200;
/// The most warnings kept; a broken report can give one a line.
const WARNINGS_KEPT_MAX: usize = 50;
/// A name that is longer was not given by a person.
const NAME_LEN_MAX: usize = 500;

/// Everything read so far.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) counts: Counts,
    pub(crate) reports: Vec<Report>,
    // Invariant: at most FAILURES_KEPT_MAX.
    pub(crate) failures: Vec<Failure>,
    // Invariant: at most WARNINGS_KEPT_MAX.
    pub(crate) warnings: Vec<Warning>,
    pub(crate) warnings_dropped: usize,
    /// Files in the usual places that are no report known here.
    pub(crate) not_reports: usize,
    /// Reports among the project's own fixtures, which say nothing about the project.
    pub(crate) fixtures: usize,
    /// Reports that have the same bytes as another.
    pub(crate) copies: usize,
    /// Reports that were not opened: there were too many, or too many bytes.
    pub(crate) unread: usize,
}

/// How tests went. A skipped test is a test; a build error is an error but no test.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) tests: u64,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) errors: u64,
    pub(crate) skipped: u64,
    /// Passed, but not at the first try.
    pub(crate) flaky: u64,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) path: String,
    pub(crate) format: &'static str,
    pub(crate) counts: Counts,
    /// Whether the run did not get to its end: no build, a crash, a file that is cut off.
    pub(crate) broken: bool,
}

/// What is odd about a file.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) path: String,
    pub(crate) line: Option<usize>,
    pub(crate) reason: String,
}

/// Who ran a test, where that is known: it decides how to run it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Runner {
    CargoTest,
    CargoDoctest,
    Nextest,
    Pytest,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The test ran and says no.
    Failure,
    /// It could not run to its end, or not at all.
    Error,
}

/// A test that did not pass, as a report has it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) runner: Runner,
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The report's own word for the place.
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    /// The report's own one-line message; may be empty.
    pub(crate) title: String,
    /// Message, trace and whatever else was said.
    pub(crate) body: String,
    pub(crate) stdout: String,
}

/// A test that did not pass, with what its words were worth.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) runner: Runner,
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) evidence: Evidence,
}

/// Where one format's reader puts what it reads.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    summary: &'a mut Summary,
    path: &'a str,
    format: &'static str,
    counts: Counts,
    broken: bool,
}

impl Summary {
    pub(crate) fn warn(&mut self, path: &str, line: Option<usize>, reason: impl Into<String>) {
        if self.warnings.len() < WARNINGS_KEPT_MAX {
            let reason = reason.into();
            self.warnings.push(Warning { path: path.to_owned(), line, reason });
        } else {
            self.warnings_dropped += 1;
        }
    }

    pub(crate) fn writer<'a>(&'a mut self, path: &'a str, format: &'static str) -> Writer<'a> {
        Writer { summary: self, path, format, counts: Counts::default(), broken: false }
    }
}

impl Writer<'_> {
    pub(crate) fn passed(&mut self, tests: u64) {
        self.counts.tests += tests;
        self.counts.passed += tests;
    }

    pub(crate) fn skipped(&mut self, tests: u64) {
        self.counts.tests += tests;
        self.counts.skipped += tests;
    }

    /// Of the tests that passed, so many needed more than one try.
    pub(crate) fn flaky(&mut self, tests: u64) {
        self.counts.flaky += tests;
    }

    /// A test that did not pass.
    pub(crate) fn failed(&mut self, case: Case) {
        self.counts.tests += 1;
        match case.kind {
            Kind::Failure => self.counts.failed += 1,
            Kind::Error => self.counts.errors += 1,
        }
        self.keep(case);
    }

    /// Something that went wrong outside of any test: no tests, or not all, have run.
    pub(crate) fn error(&mut self, case: Case) {
        self.counts.errors += 1;
        self.broken = true;
        self.keep(case);
    }

    pub(crate) fn warn(&mut self, line: Option<usize>, reason: impl Into<String>) {
        self.summary.warn(self.path, line, reason);
    }

    /// The run, or its report, has no end.
    pub(crate) fn broken(&mut self, line: Option<usize>, reason: impl Into<String>) {
        self.broken = true;
        self.warn(line, reason);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// The file is read.
    pub(crate) fn finish(self) {
        let Self { summary, path, format, counts, broken } = self;
        summary.counts.add(counts);
        summary.reports.push(Report { path: path.to_owned(), format, counts, broken });
    }

    fn keep(&mut self, case: Case) {
        if self.summary.failures.len() == FAILURES_KEPT_MAX {
            return;
        }
        let evidence = Evidence::of(&case);
        let Case { runner, suite, name, kind, file, line, .. } = case;
        let short = |name: String| name[..name.floor_char_boundary(NAME_LEN_MAX)].to_owned();
        let (suite, name) = (short(suite), short(name));
        self.summary.failures.push(Failure { runner, suite, name, kind, file, line, evidence });
    }
}

impl Counts {
    /// Tests that did not pass, and whatever else went wrong.
    pub(crate) fn bad(self) -> u64 {
        self.failed + self.errors
    }

    fn add(&mut self, other: Self) {
        self.tests += other.tests;
        self.passed += other.passed;
        self.failed += other.failed;
        self.errors += other.errors;
        self.skipped += other.skipped;
        self.flaky += other.flaky;
    }
}
