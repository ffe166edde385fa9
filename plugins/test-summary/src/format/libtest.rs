//! What `cargo test` prints: a part for each test binary, with a line a test, the output of
//! those that failed, and a line with totals.

use std::collections::{BTreeMap, BTreeSet};

use super::compiler;
use super::number::{milliseconds, to_usize};
use crate::report::{Case, Kind, Runner, Test, Writer};
use crate::text::Head;

/// Whether the text has a line that only libtest or cargo write.
pub(crate) fn is_it(text: &str) -> bool {
    text.lines().any(|line| {
        running(line).is_some() || totals(line).is_some() || compiler::is_build_failure(line)
    })
}

pub(crate) fn read(text: &str, to: &mut Writer<'_>) {
    let lines: Vec<&str> = text.lines().collect();
    let mut binary: Option<Binary> = None;
    let mut suite = (String::new(), Runner::CargoTest);
    for (number, line) in lines.iter().enumerate() {
        if let Some(named) = suite_of(line) {
            end_early(binary.take(), to);
            suite = named;
        } else if running(line).is_some() {
            end_early(binary.take(), to);
            binary = Some(Binary::new(suite.clone(), number + 1));
        } else if let Some(totals) = totals(line) {
            if let Some(binary) = binary.take() {
                binary.end(totals, to);
            }
        } else if compiler::is_build_failure(line) {
            to.broken(Some(number + 1), *line);
        } else if let Some(binary) = &mut binary {
            binary.line(line);
        }
    }
    end_early(binary, to);
    compiler::read(&lines, to);
}

/// `     Running unittests src/lib.rs (target/debug/deps/x-0f)`, `   Doc-tests x`.
fn suite_of(line: &str) -> Option<(String, Runner)> {
    if let Some(name) = line.strip_prefix("   Doc-tests ") {
        return Some((format!("doctests of {name}"), Runner::CargoDoctest));
    }
    let running = line.strip_prefix("     Running ")?;
    let (source, binary) = running.rsplit_once(" (")?;
    let binary = binary.strip_suffix(')')?.rsplit(['/', '\\']).next()?;
    let name = binary.rsplit_once('-').map_or(binary, |(name, _hash)| name);
    let source = source.strip_prefix("unittests ").unwrap_or(source);
    Some((format!("{name} ({source})"), Runner::CargoTest))
}

/// `running 5 tests`.
fn running(line: &str) -> Option<u64> {
    let count = line.strip_prefix("running ")?;
    count.strip_suffix(" tests").or_else(|| count.strip_suffix(" test"))?.parse().ok()
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    took_ms: Option<u64>,
}

/// `test result: FAILED. 1 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished …`.
fn totals(line: &str) -> Option<Totals> {
    let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut totals = Totals::default();
    for part in counts.split("; ") {
        if let Some(seconds) = part.strip_prefix("finished in ") {
            totals.took_ms = milliseconds(seconds.trim_end_matches('s'));
            continue;
        }
        let Some((count, what)) = part.split_once(' ') else { continue };
        match (count.parse::<u64>(), what) {
            (Ok(count), "passed" | "measured") => totals.passed += count,
            (Ok(count), "failed") => totals.failed = count,
            (Ok(count), "ignored") => totals.ignored = count,
            (Ok(_) | Err(_), _) => {}
        }
    }
    Some(totals)
}

/// The part of one test binary.
#[derive(Debug)]
struct Binary {
    suite: String,
    runner: Runner,
    line: usize,
    passed: Vec<String>,
    ignored: Vec<String>,
    /// In the order they are named first.
    failed: Vec<String>,
    known: BTreeSet<String>,
    outputs: BTreeMap<String, Head>,
    /// A test whose verdict is on a later line: something printed in between.
    pending: Option<String>,
    part: Part,
}

/// Where in its part we are.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Tests,
    /// The output of a test that failed.
    Output(String),
    /// The names of those that failed.
    Names,
}

impl Binary {
    fn new((suite, runner): (String, Runner), line: usize) -> Self {
        let (failed, known, outputs) = Default::default();
        let (passed, ignored, pending) = Default::default();
        let part = Part::Tests;
        Self { suite, runner, line, passed, ignored, failed, known, outputs, pending, part }
    }

    fn line(&mut self, line: &str) {
        if let Some(name) = output_of(line) {
            self.fail(name);
            self.part = Part::Output(name.to_owned());
        } else if line == "failures:" {
            self.part = Part::Names;
        } else if let Part::Output(name) = &self.part {
            let output = self.outputs.entry(name.clone()).or_default();
            output.push(line);
            output.push("\n");
        } else if self.part == Part::Names {
            // The list names tests by four spaces and nothing else.
            if let Some(name) = line.strip_prefix("    ").filter(|name| !name.starts_with(' ')) {
                self.fail(name);
            }
        } else {
            self.test(line);
        }
    }

    /// `test tests::fails ... FAILED`
    fn test(&mut self, line: &str) {
        let named = line.strip_prefix("test ").and_then(|test| test.split_once(" ... "));
        let (name, verdict) = match (named, self.pending.take()) {
            (Some((name, verdict)), _) => (name.to_owned(), verdict),
            (None, Some(name)) => (name, line),
            (None, None) => return,
        };
        match verdict.split([' ', ',']).next().unwrap_or_default() {
            "ok" | "bench:" => self.passed.push(name),
            "ignored" => self.ignored.push(bare(&name).to_owned()),
            "FAILED" | "failed" => self.fail(&name),
            _ => self.pending = Some(name),
        }
    }

    fn fail(&mut self, name: &str) {
        let name = bare(name);
        if self.known.insert(name.to_owned()) {
            self.failed.push(name.to_owned());
        }
    }

    /// The totals are what counts: quiet runs and mixed-up lines do not name every test.
    fn end(mut self, totals: Totals, to: &mut Writer<'_>) {
        let named = self.failed.len() as u64;
        let (passed, ignored) = (to_usize(totals.passed), to_usize(totals.ignored));
        self.passed.truncate(passed);
        self.ignored.truncate(ignored);
        to.passed((passed - self.passed.len()) as u64);
        to.skipped((ignored - self.ignored.len()) as u64);
        if let Some(ms) = totals.took_ms {
            to.took(ms);
        }
        if named != totals.failed {
            let failed = totals.failed;
            to.warn(Some(self.line), format!("says {failed} tests failed, and names {named}"));
        }
        self.failures(to);
    }

    fn failures(mut self, to: &mut Writer<'_>) {
        let named = |name: String| Test { suite: self.suite.clone(), name, ..Test::default() };
        std::mem::take(&mut self.passed).into_iter().for_each(|name| to.passed_test(&named(name)));
        std::mem::take(&mut self.ignored)
            .into_iter()
            .for_each(|name| to.skipped_test(&named(name)));
        for name in std::mem::take(&mut self.failed) {
            let body = self.outputs.remove(&name).unwrap_or_default().0;
            to.failed(Case {
                runner: self.runner,
                suite: self.suite.clone(),
                name,
                stdout: before_the_panic(&body).to_owned(),
                body,
                ..Case::default()
            });
        }
    }
}

/// A run without totals: the process died, or the text is cut off. A test that was running then
/// has not passed.
fn end_early(binary: Option<Binary>, to: &mut Writer<'_>) {
    let Some(mut binary) = binary else { return };
    let what = if binary.suite.is_empty() { "a run" } else { &binary.suite };
    let reason = "has no end: it crashed, or the text is cut off; what is before is counted";
    to.broken(Some(binary.line), format!("{what} {reason}"));
    let pending = binary.pending.take();
    let (runner, suite) = (binary.runner, binary.suite.clone());
    binary.failures(to);
    if let Some(name) = pending {
        to.failed(Case {
            runner,
            suite,
            name,
            kind: Kind::Error,
            title: "it did not end: the process crashed, or the text is cut off".to_owned(),
            ..Case::default()
        });
    }
}

/// `---- tests::fails stdout ----`
fn output_of(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----").map(bare)
}

/// A name as it is asked for: without what it should have done.
fn bare(name: &str) -> &str {
    name.strip_suffix(" - should panic").unwrap_or(name)
}

/// What the test itself printed.
fn before_the_panic(body: &str) -> &str {
    body.find("\nthread '").map_or("", |at| &body[..at]).trim()
}
