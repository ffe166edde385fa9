//! What reports amount to: counts, failures, findings, warnings. All formats end here.

use std::collections::BTreeMap;

use crate::cause::{self, Causes};
use crate::evidence::Evidence;
use crate::findings::Findings;
use crate::text;

mod write;

pub(crate) use write::Writer;

/// The most failures one answer can show in full; more are named, or only counted.
pub(crate) const FAILURES_SHOWN_MAX: usize = 200;
/// The most failures kept; what breaks more tests has a few causes, which are seen by then.
const FAILURES_KEPT_MAX: usize = 3_000;
/// The most warnings kept; a broken report can give one a line.
const WARNINGS_KEPT_MAX: usize = 50;
/// A parser's words can carry what they are about.
const WARNING_LEN_MAX: usize = 300;
/// What is shown of a suite and a name together.
const SHOWN_LEN_MAX: usize = 300;
/// A name that is longer was not given by a person.
const NAME_LEN_MAX: usize = 500;
/// The most tests kept that passed at a later try.
const FLAKY_KEPT_MAX: usize = 50;
/// Who waits for tests wants to know a handful.
pub(crate) const SLOWEST_MAX: usize = 5;
/// A test that is faster is not slow.
const SLOW_MS_MIN: u64 = 100;
/// Failures that are offered where one is asked for that there is not.
const OFFERED_MAX: usize = 5;
/// The most tests compared with a previous run.
const OUTCOMES_MAX: usize = 100_000;

/// Everything read so far.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) counts: Counts,
    pub(crate) reports: Vec<Report>,
    // Invariant: at most FAILURES_KEPT_MAX.
    pub(crate) failures: Vec<Failure>,
    pub(crate) causes: Causes,
    pub(crate) findings: Findings,
    // Invariant: at most FLAKY_KEPT_MAX.
    pub(crate) flaky: Vec<Named>,
    // Invariant: at most SLOWEST_MAX, the slowest first.
    pub(crate) slowest: Vec<(u64, Named)>,
    /// Milliseconds, as far as reports say.
    pub(crate) duration_ms: Option<u64>,
    /// How each test went, where that is to be compared.
    pub(crate) outcomes: Option<Outcomes>,
    /// The one failure that is asked for; others need not be kept.
    pub(crate) wanted: Option<String>,
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
    /// Who wrote it, and perhaps which version, where it says so.
    pub(crate) tool: Option<String>,
    pub(crate) counts: Counts,
    /// Findings of a linter or compiler, copies included.
    pub(crate) findings: u64,
    /// Why the run did not get to its end: no build, a crash, a file that is cut off.
    pub(crate) broken: Option<String>,
}

/// What is odd about a file.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) path: String,
    pub(crate) line: Option<usize>,
    pub(crate) reason: String,
}

/// A test by its name.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Named {
    pub(crate) suite: String,
    pub(crate) name: String,
}

/// How a test went, to compare it with another run of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    Bad,
    Skipped,
}

/// How each test went.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    // Invariant: at most OUTCOMES_MAX.
    pub(crate) known: BTreeMap<Named, Outcome>,
    /// Tests that were counted without a name, or are too many.
    pub(crate) unknown: u64,
}

/// Who ran a test, where that is known: it decides how to run it again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Runner {
    CargoTest,
    CargoDoctest,
    Nextest,
    Pytest,
    Go,
    Jest,
    Vitest,
    Mocha,
    #[default]
    Unknown,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The test ran and says no.
    #[default]
    Failure,
    /// It could not run to its end, or not at all.
    Error,
}

/// A test that passed or was skipped.
#[derive(Debug, Default, Clone)]
pub(crate) struct Test {
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) duration_ms: Option<u64>,
    /// Whether it failed before it passed.
    pub(crate) flaky: bool,
}

/// A test that did not pass, as a report has it.
#[derive(Debug, Default, Clone)]
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
    /// Where the report has them apart.
    pub(crate) expected: Option<String>,
    pub(crate) actual: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    /// How often it was tried; 0 and 1 mean once.
    pub(crate) tries: u32,
    /// It failed because others did: the parent of a subtest.
    pub(crate) derived: bool,
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
    pub(crate) duration_ms: Option<u64>,
    pub(crate) tries: u32,
    /// No test, but what stood in the way of tests.
    pub(crate) outside: bool,
    /// The group it belongs to.
    pub(crate) cause: usize,
    /// Only of the first of its group, and of one that is asked for.
    pub(crate) evidence: Option<Evidence>,
}

impl Summary {
    pub(crate) fn warn(&mut self, path: &str, line: Option<usize>, reason: impl Into<String>) {
        if self.warnings.len() < WARNINGS_KEPT_MAX {
            let reason = text::cut(&one_line(&reason.into()), WARNING_LEN_MAX);
            self.warnings.push(Warning { path: path.to_owned(), line, reason });
        } else {
            self.warnings_dropped += 1;
        }
    }

    pub(crate) fn writer<'a>(&'a mut self, path: &'a str, format: &'static str) -> Writer<'a> {
        Writer::new(self, path, format)
    }

    fn keep(&mut self, mut case: Case, outside: bool) {
        if self.failures.len() == FAILURES_KEPT_MAX {
            return;
        }
        case.name = name(&case.name);
        // Some more are kept, to be offered where there is none of this id.
        let is_wanted = self.wanted.as_ref().is_none_or(|id| id.contains(&case.name));
        if !is_wanted && self.failures.len() >= OFFERED_MAX {
            return;
        }
        case.suite = name(&case.suite);
        for words in [&mut case.title, &mut case.body, &mut case.stdout] {
            *words = text::plain(words);
        }
        for words in [&mut case.expected, &mut case.actual, &mut case.file].into_iter().flatten() {
            *words = text::plain(words);
        }
        let evidence = Evidence::of(&case);
        let key = cause::Key::of(&case, &evidence);
        let Some(cause) = self.causes.add(key, self.failures.len(), case.derived) else { return };
        let is_first = self.causes.first_of(cause) == self.failures.len();
        // The others of a group are worth their place.
        let top = evidence.trace.first().filter(|_| !is_first);
        let file = top.map(|frame| frame.file.clone()).or(case.file);
        self.failures.push(Failure {
            runner: case.runner,
            suite: case.suite,
            name: case.name,
            kind: case.kind,
            line: top.map(|frame| frame.line).or(case.line),
            file,
            duration_ms: case.duration_ms,
            tries: case.tries.max(1),
            outside,
            cause,
            evidence: (is_first || self.wanted.is_some()).then_some(evidence),
        });
    }

    fn outcome(&mut self, suite: &str, name: &str, outcome: Outcome) {
        let Some(outcomes) = &mut self.outcomes else { return };
        if outcomes.known.len() == OUTCOMES_MAX {
            outcomes.unknown += 1;
            return;
        }
        let named = Named::new(suite, name);
        let known = outcomes.known.entry(named).or_insert(outcome);
        // Of several with one name, one that failed decides.
        if outcome == Outcome::Bad {
            *known = outcome;
        }
    }

    /// From now on nothing says how long anything took.
    pub(crate) fn forget_times(&mut self) {
        self.duration_ms = None;
        self.slowest.clear();
        self.failures.iter_mut().for_each(|failure| failure.duration_ms = None);
    }

    fn took(&mut self, suite: &str, name: &str, duration_ms: Option<u64>) {
        let Some(duration_ms) = duration_ms.filter(|ms| *ms >= SLOW_MS_MIN) else { return };
        let at = self.slowest.partition_point(|(slower, _)| *slower >= duration_ms);
        if at < SLOWEST_MAX {
            self.slowest.insert(at, (duration_ms, Named::new(suite, name)));
            self.slowest.truncate(SLOWEST_MAX);
        }
    }
}

impl Named {
    pub(crate) fn new(suite: &str, own: &str) -> Self {
        Self { suite: name(suite), name: name(own) }
    }

    /// The suite and the name, unless one is in the other.
    pub(crate) fn shown(&self) -> String {
        let Self { suite, name } = self;
        let whole = name.starts_with(suite.as_str());
        let shown = if whole { name.clone() } else { format!("{suite} {name}") };
        text::cut(&shown, SHOWN_LEN_MAX)
    }
}

/// A name on one line, of a length that a name has.
fn name(name: &str) -> String {
    one_line(&name[..name.floor_char_boundary(NAME_LEN_MAX)])
}

fn one_line(words: &str) -> String {
    let words = text::plain(words);
    if words.contains(['\n', '\t']) { words.replace(['\n', '\t'], " ") } else { words }
}

impl Counts {
    /// Tests that did not pass, and whatever else went wrong.
    pub(crate) fn bad(self) -> u64 {
        self.failed.saturating_add(self.errors)
    }

    fn add(&mut self, other: Self) {
        // A report can claim any number.
        self.tests = self.tests.saturating_add(other.tests);
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.errors = self.errors.saturating_add(other.errors);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.flaky = self.flaky.saturating_add(other.flaky);
    }
}
