//! What the test runner of Dart and Flutter prints with `--machine`: an event a line.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{self, number, text, words};
use crate::report::{Case, Kind, Test, Writer};
use crate::text::{Head, Tail};

/// A test that began.
#[derive(Debug, Default)]
struct Begun {
    suite: String,
    name: String,
    line: Option<u32>,
    start_ms: u64,
    error: Head,
    trace: Head,
    output: Tail,
}

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let mut suites: BTreeMap<u64, String> = BTreeMap::new();
    let mut begun: BTreeMap<u64, Begun> = BTreeMap::new();
    let mut done = false;
    for (_, value) in json::lines(text) {
        let Ok(event) = value else { continue };
        let time = number(&event, "time").unwrap_or(0);
        let id = number(&event, "testID");
        match words(&event, "type").as_str() {
            "suite" => {
                let suite = event.get("suite").unwrap_or(&Value::Null);
                suites.insert(number(suite, "id").unwrap_or(0), words(suite, "path"));
            }
            "testStart" => {
                let test = event.get("test").unwrap_or(&Value::Null);
                let suite = number(test, "suiteID").and_then(|id| suites.get(&id)).cloned();
                let (name, line) = (words(test, "name"), json::line(test, "line"));
                let suite = suite.unwrap_or_default().replace('\\', "/");
                let test_id = number(test, "id").unwrap_or(0);
                begun.insert(
                    test_id,
                    Begun { suite, name, line, start_ms: time, ..Begun::default() },
                );
            }
            "error" => {
                if let Some(test) = id.and_then(|id| begun.get_mut(&id)) {
                    test.error.push(&words(&event, "error"));
                    test.error.push("\n");
                    test.trace.push(&frames(&words(&event, "stackTrace")));
                }
            }
            "print" => {
                if let Some(test) = id.and_then(|id| begun.get_mut(&id)) {
                    test.output.push(&words(&event, "message"));
                    test.output.push("\n");
                }
            }
            "testDone" => {
                if let Some(test) = id.and_then(|id| begun.remove(&id)) {
                    ended(test, &event, time, to);
                }
            }
            "done" => {
                done = true;
                to.took(time);
            }
            _ => {}
        }
    }
    if !done {
        to.broken(None, "has no end: the run was ended, or the text is cut off");
        for test in begun.into_values().filter(|test| !is_loading(test)) {
            let title = "it did not end".to_owned();
            to.failed(Case { kind: Kind::Error, title, ..case(test) });
        }
    }
}

/// Loading a file is a test to the runner, not to people.
fn is_loading(test: &Begun) -> bool {
    test.line.is_none() && test.name.starts_with("loading ")
}

fn ended(test: Begun, event: &Value, time: u64, to: &mut Writer<'_>) {
    let flag = |key: &str| event.get(key).and_then(Value::as_bool) == Some(true);
    let duration_ms = time.checked_sub(test.start_ms);
    let kind = match text(event, "result").as_deref() {
        Some("failure") => Kind::Failure,
        Some("error") => Kind::Error,
        Some(_) | None => {
            let Begun { suite, name, .. } = test;
            let test = Test { suite, name, duration_ms, flaky: false };
            if flag("skipped") {
                to.skipped_test(&test);
            } else if !flag("hidden") {
                to.passed_test(&test);
            }
            return;
        }
    };
    let loading = is_loading(&test);
    let case = Case { kind, duration_ms, ..case(test) };
    if loading { to.error(case) } else { to.failed(case) }
}

fn case(test: Begun) -> Case {
    Case {
        file: Some(test.suite.clone()).filter(|file| !file.is_empty()),
        line: test.line,
        suite: test.suite,
        name: test.name,
        title: test.error.0,
        body: test.trace.0,
        stdout: test.output.0,
        ..Case::default()
    }
}

/// `main_test.dart 12:5  main.<fn>` as other runners have it.
fn frames(trace: &str) -> String {
    let frame = |line: &str| {
        let mut words = line.split_whitespace();
        let (file, place) = (words.next()?, words.next()?);
        let function = words.collect::<Vec<_>>().join(" ");
        let is_place = place.chars().all(|c| c.is_ascii_digit() || c == ':');
        let file = file.replace('\\', "/");
        (is_place && file.ends_with(".dart")).then(|| format!("at {function} ({file}:{place})"))
    };
    trace.lines().filter_map(frame).collect::<Vec<_>>().join("\n")
}
