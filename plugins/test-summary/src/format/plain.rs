//! Logs of whatever else: lines that say that something failed, and where. What passed is known
//! only where it is said, so the counts of a log are no more than hints.

use std::collections::BTreeSet;

use super::number::milliseconds;
use crate::findings::{Finding, Level};
use crate::report::{Case, Kind, Runner, Test, Writer};
use crate::text::Head;

/// What is read of one failure; more is the next thing's.
const LINES_MAX: usize = 60;
/// What a name ends with that Go prints.
const GO_MARKS: [(&str, Mark); 3] =
    [("--- PASS: ", Mark::Passed), ("--- SKIP: ", Mark::Skipped), ("--- FAIL: ", Mark::Failed)];
/// Lines that are no more than a heading.
const NOT_MESSAGES: &[&str] =
    &["error: Recipe `", "error: process didn't exit", "Error: Process completed"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Passed,
    Skipped,
    Failed,
}

/// Whether a line of the text says that something failed.
pub(super) fn is_it(text: &str) -> bool {
    text.lines().any(|line| {
        go_test(line).is_some_and(|(mark, ..)| mark == Mark::Failed)
            || jest_test(line).is_some()
            || failed_name(line).is_some()
            || crash(line).is_some()
            || located(line).is_some_and(|finding| finding.level == Level::Error)
            || said_error(line).is_some()
    })
}

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let lines: Vec<&str> = text.lines().collect();
    let mut named = BTreeSet::new();
    let mut findings = false;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let rest = &lines[at..];
        if let Some((mark, name, duration_ms)) = go_test(line) {
            let runner = Runner::Unknown;
            let test = Test { name: name.to_owned(), duration_ms, ..Test::default() };
            match mark {
                Mark::Passed => to.passed_test(&test),
                Mark::Skipped => to.skipped_test(&test),
                Mark::Failed => {
                    let body = taken(rest, |line| line.starts_with(' ') && go_test(line).is_none());
                    let name = test.name;
                    to.failed(Case { runner, name, body, duration_ms, ..Case::default() });
                }
            }
        } else if let Some(name) = jest_test(line) {
            if named.insert(name) {
                let body = taken(rest, |line| !line.trim_start().starts_with("● "));
                to.failed(Case { name: name.to_owned(), body, ..Case::default() });
            }
        } else if let Some(finding) = located(line) {
            findings = true;
            to.finding(finding);
        } else if let Some(what) = crash(line) {
            let body = taken(&lines[at - 1..], |line| !line.is_empty());
            at += body.lines().count().saturating_sub(1);
            let last = body.lines().next_back().unwrap_or(what);
            let name = if what.starts_with("Traceback") { last } else { what };
            let name = name.to_owned();
            to.error(Case { name, kind: Kind::Error, body, ..Case::default() });
        } else if let Some(name) = failed_name(line) {
            if named.insert(name) {
                to.failed(Case { name: name.to_owned(), ..Case::default() });
            }
        } else if let Some(message) = said_error(line).filter(|message| named.insert(message)) {
            let body = taken(&lines[at - 1..], |line| !line.is_empty());
            to.error(Case { name: message.to_owned(), kind: Kind::Error, body, ..Case::default() });
        }
    }
    if findings {
        to.is_of_a_linter();
    }
    to.warn(None, "is a plain log: only what it says of failures is known, not what passed");
}

/// The lines that belong to what came before.
fn taken(lines: &[&str], belongs: impl Fn(&str) -> bool) -> String {
    let mut body = Head::default();
    for line in lines.iter().take(LINES_MAX).take_while(|line| belongs(line)) {
        body.push(line);
        body.push("\n");
    }
    body.0.trim_end().to_owned()
}

/// `    --- FAIL: TestA/b (0.00s)`
fn go_test(line: &str) -> Option<(Mark, &str, Option<u64>)> {
    let line = line.trim_start();
    GO_MARKS.iter().find_map(|(begin, mark)| {
        let (name, took) = line.strip_prefix(begin)?.rsplit_once(" (")?;
        Some((*mark, name, milliseconds(took.strip_suffix("s)")?)))
    })
}

/// `  ● math › fails`, as Jest heads what it says of a test.
fn jest_test(line: &str) -> Option<&str> {
    let name = line.trim_start().strip_prefix("● ")?.trim();
    name.contains(" › ").then_some(name)
}

/// `FAILED a_name`, `FAIL: test_x (tests.TestX)`
fn failed_name(line: &str) -> Option<&str> {
    let name = ["FAILED ", "FAIL: ", "ERROR: "].iter().find_map(|word| line.strip_prefix(word))?;
    let name = name.trim();
    // A sentence is no name.
    let words = name.split(' ').count();
    (!name.is_empty() && words <= 4 && !name.starts_with('(')).then_some(name)
}

/// The first line of what a program says when it dies.
fn crash(line: &str) -> Option<&str> {
    let line = line.trim();
    let begins = ["Traceback (most recent call last):", "panic: ", "fatal error: "];
    let is_panic = line.starts_with("thread '") && line.contains("panicked at ");
    let is_uncaught = line.starts_with("Exception in thread ") || line.starts_with("Uncaught ");
    let is_crash = is_panic || is_uncaught || begins.iter().any(|begin| line.starts_with(begin));
    is_crash.then_some(line)
}

/// `Error: words`, with nothing before it.
fn said_error(line: &str) -> Option<&str> {
    let begins = ["error: ", "Error: ", "ERROR "];
    let is_error = begins.iter().any(|begin| line.starts_with(begin))
        && !NOT_MESSAGES.iter().any(|no| line.starts_with(no));
    is_error.then_some(line)
}

/// `src/a.c:3:5: error: words [-Wrule]`, `src/a.ts(3,5): error TS2304: words`
fn located(line: &str) -> Option<Finding> {
    let (place, level, rest) = [("error", Level::Error), ("warning", Level::Warning)]
        .into_iter()
        .find_map(|(word, level)| {
        let (place, rest) = line.split_once(&format!(": {word}"))?;
        Some((place, level, rest))
    })?;
    let place = place.trim();
    let (file, number, column) = match place.strip_suffix(')').and_then(|at| at.rsplit_once('(')) {
        Some((file, at)) => {
            let (number, column) = at.split_once(',').unwrap_or((at, ""));
            (file, number.parse().ok()?, column.parse().ok())
        }
        None => {
            let mut parts = place.rsplitn(3, ':');
            let (last, middle, first) = (parts.next()?, parts.next()?, parts.next());
            match (middle.parse(), first) {
                (Ok(number), Some(file)) => (file, number, last.parse().ok()),
                (Ok(_) | Err(_), _) => (place.rsplit_once(':')?.0, last.parse().ok()?, None),
            }
        }
    };
    if file.is_empty() || file.contains(' ') {
        return None;
    }
    let (code, message) = rest.split_once(':')?;
    let code = code.trim();
    // gcc, mypy and others name the rule at the end.
    let (message, at_end) = match message.trim().strip_suffix(']').and_then(|m| m.rsplit_once(" ["))
    {
        Some((message, rule)) => (message.trim(), rule),
        None => (message.trim(), ""),
    };
    let rule = [code, at_end].into_iter().find(|rule| !rule.is_empty()).unwrap_or("(no rule)");
    Some(Finding {
        level,
        rule: rule.to_owned(),
        message: message.to_owned(),
        file: Some(file.to_owned()),
        line: Some(number),
        column,
        fixable: false,
    })
}
