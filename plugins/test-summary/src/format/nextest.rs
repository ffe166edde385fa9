//! What `cargo nextest run` prints: a line a test with its status, the output of those that
//! failed, and a summary.

use std::collections::BTreeMap;

use super::compiler;
use super::number::milliseconds;
use crate::report::{self, Case, Kind, Runner, Writer};
use crate::text::Head;

/// What libtest writes above the output of a test: a message ends there.
const END_OF_STDERR: &str = "\n---- stdout ----\n";

/// Whether the text has a line that only nextest writes.
pub(crate) fn is_it(text: &str) -> bool {
    text.lines().any(|line| status_line(line).is_some() || line.starts_with(" Nextest run ID "))
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Passed,
    Failed,
    /// It did not end by itself.
    Killed,
    Skipped,
}

#[derive(Debug)]
struct Test {
    status: Status,
    duration_ms: Option<u64>,
    tries: u32,
    body: Head,
    word: String,
}

pub(crate) fn read(text: &str, to: &mut Writer<'_>) {
    let lines: Vec<&str> = text.lines().collect();
    let mut order: Vec<(String, String)> = Vec::new();
    let mut tests: BTreeMap<(String, String), Test> = BTreeMap::new();
    let mut current: Option<(String, String)> = None;
    let mut totals: Option<(Totals, usize)> = None;
    for (number, line) in lines.iter().enumerate() {
        if let Some(found) = summary_line(line) {
            totals = Some((found, number + 1));
            current = None;
        } else if let Some(Line { status, word, duration_ms, binary, name }) = status_line(line) {
            let key = (binary.to_owned(), name.to_owned());
            let test = tests.entry(key.clone()).or_insert_with(|| {
                order.push(key.clone());
                Test { status, duration_ms, tries: 0, body: Head::default(), word: String::new() }
            });
            // After the summary the failures are listed once more.
            if totals.is_none() {
                let tries = test.tries + 1;
                *test = Test { tries, status, duration_ms, body: Head::default(), word };
                current = Some(key);
            }
        } else if line.starts_with("────") {
            current = None;
        } else if compiler::is_build_failure(line) {
            to.broken(Some(number + 1), *line);
        } else if let Some(test) = current.as_ref().and_then(|key| tests.get_mut(key)) {
            test.body.push(line.strip_prefix("    ").unwrap_or(line));
            test.body.push("\n");
        }
    }
    let named = order.into_iter().filter_map(|key| tests.remove(&key).map(|test| (key, test)));
    count(named.collect(), totals, to);
    compiler::read(&lines, to);
}

fn count(
    tests: Vec<((String, String), Test)>,
    totals: Option<(Totals, usize)>,
    to: &mut Writer<'_>,
) {
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    for ((suite, name), test) in tests {
        let duration_ms = test.duration_ms;
        let kind = match test.status {
            Status::Passed => {
                passed += 1;
                let flaky = test.tries > 1;
                to.passed_test(&report::Test { suite, name, duration_ms, flaky });
                continue;
            }
            Status::Skipped => {
                skipped += 1;
                to.skipped_test(&report::Test { suite, name, ..report::Test::default() });
                continue;
            }
            Status::Failed => Kind::Failure,
            Status::Killed => Kind::Error,
        };
        failed += 1;
        let title =
            if kind == Kind::Error { format!("ended by {}", test.word) } else { String::new() };
        let (stdout, stderr) = sections(&test.body.0);
        to.failed(Case {
            runner: Runner::Nextest,
            suite,
            name,
            kind,
            title,
            stdout: own_output(&stdout),
            body: format!("{stderr}{END_OF_STDERR}{stdout}"),
            duration_ms,
            tries: test.tries,
            ..Case::default()
        });
    }
    match totals {
        Some((totals, line)) => {
            // The summary is what counts: a run need not name the tests that passed.
            to.passed(totals.passed.saturating_sub(passed));
            to.skipped(totals.skipped.saturating_sub(skipped));
            if let Some(ms) = totals.took_ms {
                to.took(ms);
            }
            if totals.failed != failed {
                let said = totals.failed;
                to.warn(Some(line), format!("says {said} tests failed, and names {failed}"));
            }
        }
        None => {
            to.broken(None, "has no summary: the run was ended, or the text is cut off");
        }
    }
}

/// What a line says of one attempt.
struct Line<'a> {
    status: Status,
    word: String,
    duration_ms: Option<u64>,
    binary: &'a str,
    name: &'a str,
}

/// `  TRY 2 FAIL [   0.315s] (2/4) sample tests::prints`: status, its word, binary, test.
fn status_line(line: &str) -> Option<Line<'_>> {
    let (status, rest) = line.split_once(" [")?;
    let (duration, rest) = rest.split_once("] ")?;
    let duration = duration.trim().strip_suffix('s')?;
    if duration.is_empty() || !duration.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
        return None;
    }
    // Right-aligned to twelve columns, which the indented output of a test is not.
    if status.len() < 12 || status.trim_end() != status {
        return None;
    }
    let mut words = status.split_whitespace().peekable();
    while words.next_if(|word| *word == "TRY" || word.bytes().all(|c| c.is_ascii_digit())).is_some()
    {
    }
    let word = words.next()?;
    let status = match word {
        "PASS" | "LEAK" | "FLAKY" => Status::Passed,
        "FAIL" | "LEAK-FAIL" | "XFAIL" => Status::Failed,
        "SKIP" => Status::Skipped,
        "TIMEOUT" | "TMT" | "ABORT" => Status::Killed,
        signal if signal.starts_with("SIG") => Status::Killed,
        _ => return None,
    };
    // A counter of newer versions: `(2/4)`.
    let rest = rest.trim_start();
    let rest = rest
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "))
        .map_or(rest, |(_, rest)| rest);
    let (binary, name) = rest.trim_start().split_once(' ')?;
    let duration_ms = milliseconds(duration);
    Some(Line { status, word: word.to_owned(), duration_ms, binary, name: name.trim() })
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
    took_ms: Option<u64>,
}

/// `     Summary [   0.955s] 4 tests run: 1 passed (1 slow), 3 failed, 1 skipped`
fn summary_line(line: &str) -> Option<Totals> {
    let (took, counts) = line.trim_start().strip_prefix("Summary [")?.split_once("] ")?;
    let (_run, counts) = counts.split_once(" run: ")?;
    let took_ms = milliseconds(took.trim().trim_end_matches('s'));
    let mut totals = Totals { took_ms, ..Totals::default() };
    for part in counts.split(", ") {
        let mut words = part.split(' ');
        let count = words.next().and_then(|count| count.parse::<u64>().ok());
        match (count, words.next()) {
            (Some(count), Some("passed")) => totals.passed = count,
            (Some(count), Some("failed" | "timed" | "exec")) => totals.failed += count,
            (Some(count), Some("skipped")) => totals.skipped = count,
            (Some(_) | None, _) => {}
        }
    }
    Some(totals)
}

/// The two streams of a test, under their headings: `stdout ───`, or `--- STDOUT: … ---`.
fn sections(body: &str) -> (String, String) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let mut to = &mut stderr;
    for line in body.lines() {
        let heading = line.trim_start_matches([' ', '-', '─']);
        let is_heading = line.contains("──") || line.starts_with("---");
        if is_heading && (heading.starts_with("stdout") || heading.starts_with("STDOUT")) {
            to = &mut stdout;
        } else if is_heading && (heading.starts_with("stderr") || heading.starts_with("STDERR")) {
            to = &mut stderr;
        } else {
            to.push_str(line);
            to.push('\n');
        }
    }
    (stdout, stderr)
}

/// What the test itself printed, without what libtest prints around it.
fn own_output(stdout: &str) -> String {
    let own = stdout.split("\nfailures:\n").next().unwrap_or_default();
    let is_libtest = |line: &str| {
        line == "running 1 test" || (line.starts_with("test ") && line.contains(" ... "))
    };
    let own: Vec<&str> = own.lines().filter(|line| !is_libtest(line)).collect();
    own.join("\n").trim().to_owned()
}
