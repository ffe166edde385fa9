//! The JSON of `ESLint`: files, each with its messages.

use serde_json::Value;

use super::json::{self, line, list, number, text, words};
use crate::findings::{Finding, Level};
use crate::report::Writer;

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    to.is_of_a_linter();
    to.tool("eslint");
    let Some(document) = json::document(text, to) else { return };
    for file in document.as_array().into_iter().flatten() {
        let path = words(file, "filePath");
        for message in list(file, "messages") {
            to.finding(finding(message, &path));
        }
    }
}

fn finding(message: &Value, path: &str) -> Finding {
    // Without a rule it is the parser that speaks.
    let fatal = message.get("fatal").and_then(Value::as_bool) == Some(true);
    let is_error = fatal || number(message, "severity") == Some(2);
    Finding {
        level: if is_error { Level::Error } else { Level::Warning },
        rule: text(message, "ruleId").unwrap_or_else(|| "(cannot be parsed)".to_owned()),
        message: words(message, "message"),
        file: Some(path.to_owned()),
        line: line(message, "line"),
        column: line(message, "column"),
        fixable: message.get("fix").is_some_and(Value::is_object),
    }
}
