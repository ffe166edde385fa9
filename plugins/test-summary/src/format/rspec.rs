//! The JSON of `RSpec`.

use serde_json::Value;

use super::json::{self, fraction, joined, list, number, text, words};
use super::number::from_seconds;
use crate::report::{Case, Kind, Test, Writer};

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let Some(document) = json::document(text, to) else { return };
    to.tool(&format!("rspec {}", words(&document, "version")));
    let summary = document.get("summary").unwrap_or(&Value::Null);
    if let Some(ms) = fraction(summary, "duration").and_then(from_seconds) {
        to.took(ms);
    }
    for example in list(&document, "examples") {
        of_example(example, to);
    }
    let outside = number(summary, "errors_outside_of_examples_count").unwrap_or(0);
    if outside > 0 {
        to.error(Case {
            name: "(outside of examples)".to_owned(),
            kind: Kind::Error,
            title: format!("{outside} errors outside of examples: a file could not be loaded"),
            body: joined(&document, "messages", "\n"),
            ..Case::default()
        });
    }
}

fn of_example(example: &Value, to: &mut Writer<'_>) {
    let suite = words(example, "file_path").trim_start_matches("./").to_owned();
    let name = words(example, "full_description");
    let duration_ms = fraction(example, "run_time").and_then(from_seconds);
    match words(example, "status").as_str() {
        "failed" => {
            let exception = example.get("exception").unwrap_or(&Value::Null);
            let backtrace = list(exception, "backtrace").iter().filter_map(Value::as_str);
            // As other runners write it: `at function (file:line)`.
            let frames: Vec<String> = backtrace.map(frame).collect();
            let (class, message) = (words(exception, "class"), words(exception, "message"));
            to.failed(Case {
                file: text(example, "file_path"),
                line: json::line(example, "line_number"),
                title: format!("{class}: {message}"),
                body: frames.join("\n"),
                duration_ms,
                suite,
                name,
                ..Case::default()
            });
        }
        "pending" => to.skipped_test(&Test { suite, name, ..Test::default() }),
        _ => to.passed_test(&Test { suite, name, duration_ms, flaky: false }),
    }
}

/// ``./config/a.rb:11:in `call'``
pub(super) fn frame(line: &str) -> String {
    match line.split_once(":in ") {
        Some((place, function)) => format!("at {} ({place})", function.trim_matches(['`', '\''])),
        None => format!("at {line}"),
    }
}
