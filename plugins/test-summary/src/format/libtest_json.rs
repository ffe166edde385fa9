//! Lines of JSON as libtest writes them, and nextest after it: an event a line.
//!
//! nextest writes `binary::target$test#2` where libtest writes `test`: the number is the attempt.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{self, fraction, number, words};
use super::number::from_seconds;
use crate::report::{Case, Kind, Runner, Test, Writer};

/// Tests that began and did not end.
type Open = BTreeMap<String, usize>;

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let mut open = Open::new();
    let mut suites_open = 0_u64;
    let mut attempts: BTreeMap<String, u32> = BTreeMap::new();
    let mut line_of_suite = 0;
    for (line, value) in json::lines(text) {
        let Ok(value) = value else { continue };
        match (words(&value, "type").as_str(), words(&value, "event").as_str()) {
            ("suite", "started") => {
                suites_open += 1;
                line_of_suite = line;
            }
            ("suite", _) => {
                suites_open = suites_open.saturating_sub(1);
                if let Some(ms) = fraction(&value, "exec_time").and_then(from_seconds) {
                    to.took(ms);
                }
            }
            ("test", "started") => {
                open.insert(words(&value, "name"), line);
            }
            ("test", event) => {
                let name = words(&value, "name");
                open.remove(bare(&name));
                open.remove(&name);
                ended(event, &name, &value, &mut attempts, to);
            }
            ("bench", _) => to.passed(1),
            (_, _) => {}
        }
    }
    if suites_open > 0 {
        let reason = "a run has no end: it crashed, or the text is cut off";
        to.broken(Some(line_of_suite), format!("{reason}; what is before is counted"));
        for name in open.into_keys() {
            let title = "it did not end: the process crashed, or the text is cut off".to_owned();
            to.failed(Case { kind: Kind::Error, title, ..case(&name, &Value::Null) });
        }
    }
}

fn ended(
    event: &str,
    name: &str,
    value: &Value,
    attempts: &mut BTreeMap<String, u32>,
    to: &mut Writer<'_>,
) {
    let (_, suite, own) = split(name);
    let duration_ms = fraction(value, "exec_time").and_then(from_seconds);
    let tries = attempts.entry(bare(name).to_owned()).or_insert(0);
    *tries = attempt(name).unwrap_or(*tries + 1);
    let tries = *tries;
    match event {
        "ok" => {
            // libtest has no attempts: there the number is none, and the first is the only one.
            let flaky = attempt(name).is_some_and(|attempt| attempt > 1);
            to.passed_test(&Test { suite, name: own, duration_ms, flaky });
        }
        "ignored" => to.skipped_test(&Test { suite, name: own, ..Test::default() }),
        "failed" | "timeout" => {
            let kind = if event == "failed" { Kind::Failure } else { Kind::Error };
            to.failed(Case { kind, duration_ms, tries, ..case(name, value) });
        }
        _ => {}
    }
}

fn case(name: &str, value: &Value) -> Case {
    let (runner, suite, name) = split(name);
    let said = words(value, "stdout");
    let body = format!("{said}\n{}", words(value, "message"));
    let line = number(value, "line").and_then(|line| u32::try_from(line).ok());
    let stdout = said.find("\nthread '").map_or("", |at| &said[..at]).trim().to_owned();
    Case { runner, suite, name, line, stdout, body, ..Case::default() }
}

/// Without the number of the attempt.
fn bare(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((bare, number)) if number.parse::<u32>().is_ok() => bare,
        Some(_) | None => name,
    }
}

fn attempt(name: &str) -> Option<u32> {
    name.rsplit_once('#')?.1.parse().ok()
}

/// Who ran it, the binary, and the test.
fn split(name: &str) -> (Runner, String, String) {
    match bare(name).split_once('$') {
        Some((binary, test)) => (Runner::Nextest, binary.to_owned(), test.to_owned()),
        None => (Runner::CargoTest, String::new(), name.to_owned()),
    }
}
