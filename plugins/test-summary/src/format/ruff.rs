//! The JSON of Ruff: a list of findings.

use serde_json::Value;

use super::json::{self, line, text, words};
use crate::findings::{Finding, Level};
use crate::report::Writer;

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    to.is_of_a_linter();
    let Some(document) = json::document(text, to) else { return };
    let findings = document.as_array().map(Vec::as_slice).unwrap_or_default();
    if !findings.is_empty() {
        to.tool("ruff");
    }
    findings.iter().for_each(|said| to.finding(finding(said)));
}

fn finding(said: &Value) -> Finding {
    let place = said.get("location").unwrap_or(&Value::Null);
    let applicability = said.pointer("/fix/applicability").and_then(Value::as_str);
    Finding {
        level: match words(said, "severity").as_str() {
            "warning" => Level::Warning,
            "info" | "help" => Level::Note,
            _ => Level::Error,
        },
        // What cannot be parsed has no code.
        rule: text(said, "code").unwrap_or_else(|| "(cannot be parsed)".to_owned()),
        message: words(said, "message"),
        file: text(said, "filename"),
        line: line(place, "row"),
        column: line(place, "column"),
        fixable: matches!(applicability, Some("safe" | "automatic")),
    }
}
