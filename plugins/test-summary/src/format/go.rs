//! What `go test -json` prints: an event a line, of packages that run at the same time.
//!
//! A test that is run again in a later run of its package (gotestsum does that) counts once, as
//! the last run says. Within one run, as with `-count`, one failure is a failure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{self, fraction, text, words};
use super::number::from_seconds;
use crate::report::{Case, Kind, Runner, Test, Writer};
use crate::text::{Head, Tail};

/// What the test runner writes around what tests say.
const FRAMES: &[&str] =
    &["=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- FAIL:", "--- PASS:", "--- SKIP:"];

/// How a test or a package ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    Skipped,
}

#[derive(Debug, Default)]
struct Tried {
    end: Option<End>,
    /// The run of the package this is from.
    run: u32,
    tries: u32,
    failed_before: bool,
    duration_ms: Option<u64>,
    output: Head,
}

#[derive(Debug, Default)]
struct Package {
    line: usize,
    run: u32,
    end: Option<End>,
    failed_build: bool,
    tests: BTreeMap<String, Tried>,
    /// Names of tests, in the order they began.
    order: Vec<String>,
    output: Tail,
}

#[derive(Debug, Default)]
struct Run {
    packages: BTreeMap<String, Package>,
    order: Vec<String>,
    builds: BTreeMap<String, Head>,
    builds_failed: Vec<String>,
}

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let mut run = Run::default();
    let mut no_json: Option<(usize, u64)> = None;
    for (line, value) in json::lines(text) {
        match value {
            Ok(value) => run.event(line, &value, to),
            Err(_) => no_json = Some(no_json.map_or((line, 1), |(first, more)| (first, more + 1))),
        }
    }
    if let Some((line, count)) = no_json {
        to.warn(Some(line), format!("has {count} lines that are no events of go test; skipped"));
    }
    run.finish(to);
}

impl Run {
    fn event(&mut self, line: usize, event: &Value, to: &mut Writer<'_>) {
        let action = words(event, "Action");
        if let Some(path) = text(event, "ImportPath") {
            match action.as_str() {
                "build-output" => {
                    self.builds.entry(path).or_default().push(&words(event, "Output"));
                }
                "build-fail" => self.builds_failed.push(path),
                _ => {}
            }
            return;
        }
        let name = words(event, "Package");
        let package = self.packages.entry(name.clone()).or_insert_with(|| {
            self.order.push(name);
            Package { line, run: 1, ..Package::default() }
        });
        if package.end.take().is_some() {
            package.run += 1;
        }
        let end = match action.as_str() {
            "pass" | "bench" => Some(End::Passed),
            "fail" => Some(End::Failed),
            "skip" => Some(End::Skipped),
            _ => None,
        };
        let test = text(event, "Test").filter(|test| !test.is_empty());
        let duration_ms = fraction(event, "Elapsed").and_then(from_seconds);
        match (test, end) {
            (Some(test), _) => package.event(test, &action, end, duration_ms, event),
            (None, Some(end)) => {
                package.end = Some(end);
                package.failed_build |= event.get("FailedBuild").is_some();
                if let Some(ms) = duration_ms {
                    to.took(ms);
                }
            }
            (None, None) if action == "output" => package.output.push(&words(event, "Output")),
            (None, None) => {}
        }
    }

    fn finish(mut self, to: &mut Writer<'_>) {
        for path in std::mem::take(&mut self.builds_failed) {
            let body = self.builds.remove(&path).unwrap_or_default().0;
            let suite = path.split(' ').next().unwrap_or_default().to_owned();
            let lines: Vec<&str> = body.lines().filter(|line| !line.starts_with("# ")).collect();
            to.error(Case {
                suite,
                name: "(build)".to_owned(),
                kind: Kind::Error,
                body: lines.join("\n"),
                ..Case::default()
            });
        }
        for name in self.order {
            if let Some(package) = self.packages.remove(&name) {
                package.finish(&name, to);
            }
        }
    }
}

impl Package {
    fn event(
        &mut self,
        name: String,
        action: &str,
        end: Option<End>,
        duration_ms: Option<u64>,
        event: &Value,
    ) {
        let run = self.run;
        let test = self.tests.entry(name.clone()).or_insert_with(|| {
            self.order.push(name);
            Tried { run, ..Tried::default() }
        });
        if test.run < run {
            let failed_before = test.failed_before || test.end == Some(End::Failed);
            *test = Tried { run, failed_before, tries: test.tries, ..Tried::default() };
        }
        match (action, end) {
            ("run", _) => test.tries += 1,
            ("output", _) => {
                let output = words(event, "Output");
                let is_frame = FRAMES.iter().any(|frame| output.trim_start().starts_with(frame));
                if !is_frame {
                    test.output.push(&output);
                }
            }
            (_, Some(end)) => {
                if test.end != Some(End::Failed) {
                    test.end = Some(end);
                }
                test.duration_ms = test.duration_ms.max(duration_ms);
            }
            (_, None) => {}
        }
    }

    fn finish(mut self, package: &str, to: &mut Writer<'_>) {
        if self.end.is_none() && !self.tests.is_empty() {
            let reason =
                "has no end: it crashed, or the text is cut off; what is before is counted";
            to.broken(Some(self.line), format!("package {package} {reason}"));
        }
        let is_bad = |test: &Tried, end: Option<End>| match test.end {
            Some(End::Failed) => true,
            Some(End::Passed | End::Skipped) => false,
            None => end != Some(End::Passed),
        };
        let mut any_bad = false;
        for name in std::mem::take(&mut self.order) {
            let Some(test) = self.tests.get(&name) else { continue };
            let suite = package.to_owned();
            let duration_ms = test.duration_ms;
            if !is_bad(test, self.end) {
                let test = Test { suite, name, duration_ms, flaky: test.failed_before };
                if self.tests.get(&test.name).is_some_and(|test| test.end == Some(End::Skipped)) {
                    to.skipped_test(&test);
                } else {
                    to.passed_test(&test);
                }
                continue;
            }
            any_bad = true;
            let below = format!("{name}/");
            let mut subtests = self.tests.range(below.clone()..);
            let derived = subtests
                .by_ref()
                .take_while(|(name, _)| name.starts_with(&below))
                .any(|(_, test)| is_bad(test, self.end));
            let said = test.output.0.trim_end();
            let (kind, title) = match test.end {
                Some(_) if derived && said.is_empty() => (Kind::Failure, "a subtest failed"),
                Some(_) => (Kind::Failure, ""),
                None => (Kind::Error, "it did not end: the process ended before, or crashed"),
            };
            to.failed(Case {
                runner: Runner::Go,
                suite,
                kind,
                title: title.to_owned(),
                body: said.to_owned(),
                duration_ms,
                tries: test.tries,
                derived: derived && (said.is_empty() || test.end.is_none()),
                name,
                ..Case::default()
            });
        }
        if self.end == Some(End::Failed) && !any_bad && !self.failed_build {
            self.fails_itself(package, to);
        }
    }

    /// A panic is told by whichever test was the last to say something.
    fn panic(&self) -> &str {
        let outputs = self.tests.values().map(|test| test.output.0.as_str());
        outputs
            .filter_map(|output| output.find("panic: ").map(|at| &output[at..]))
            .next()
            .unwrap_or("")
    }

    /// No test failed and the package did: its `main` ended, or it could not be set up.
    fn fails_itself(&self, package: &str, to: &mut Writer<'_>) {
        to.error(Case {
            suite: package.to_owned(),
            name: "(the whole package)".to_owned(),
            kind: Kind::Error,
            body: format!("{}\n{}", self.panic(), self.output.0).trim().to_owned(),
            ..Case::default()
        });
    }
}
