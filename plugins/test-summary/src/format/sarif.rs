//! SARIF 2.1.0: what linters and analysers found, in runs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{self, line, list, text, words};
use crate::findings::{Finding, Level};
use crate::report::Writer;

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    to.is_of_a_linter();
    let Some(document) = json::document(text, to) else { return };
    for run in list(&document, "runs") {
        let driver = run.pointer("/tool/driver").unwrap_or(&Value::Null);
        to.tool(&format!("{} {}", words(driver, "name"), words(driver, "version")));
        let levels = default_levels(driver);
        for result in list(run, "results") {
            of_result(result, &levels, to);
        }
        let failed = |invocation: &Value| {
            invocation.get("executionSuccessful").and_then(Value::as_bool) == Some(false)
        };
        if list(run, "invocations").iter().any(failed) {
            to.broken(None, "says that the tool did not run to its end");
        }
    }
}

/// The level of a rule whose results have none of their own.
fn default_levels(driver: &Value) -> BTreeMap<String, String> {
    let level = |rule: &Value| {
        let level = rule.pointer("/defaultConfiguration/level")?.as_str()?;
        Some((text(rule, "id")?, level.to_owned()))
    };
    list(driver, "rules").iter().filter_map(level).collect()
}

fn of_result(result: &Value, levels: &BTreeMap<String, String>, to: &mut Writer<'_>) {
    // What is suppressed was looked at; other kinds than `fail` are no findings.
    let kind = text(result, "kind").unwrap_or_else(|| "fail".to_owned());
    let is_baseline = words(result, "baselineState") == "absent";
    if !list(result, "suppressions").is_empty() || kind != "fail" || is_baseline {
        return;
    }
    let rule = text(result, "ruleId")
        .or_else(|| Some(result.pointer("/rule/id")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "(no rule)".to_owned());
    let level = text(result, "level").or_else(|| levels.get(&rule).cloned());
    let place = list(result, "locations").first().and_then(|place| place.get("physicalLocation"));
    let place = place.unwrap_or(&Value::Null);
    let region = place.get("region").unwrap_or(&Value::Null);
    let uri = place.pointer("/artifactLocation/uri").and_then(Value::as_str);
    let message = result.get("message").unwrap_or(&Value::Null);
    to.finding(Finding {
        level: match level.as_deref() {
            Some("error") => Level::Error,
            Some("note" | "none") => Level::Note,
            Some(_) | None => Level::Warning,
        },
        rule,
        message: text(message, "text").or_else(|| text(message, "id")).unwrap_or_default(),
        file: uri.map(path),
        line: line(region, "startLine"),
        column: line(region, "startColumn"),
        fixable: !list(result, "fixes").is_empty(),
    });
}

/// The path of a URI, with its escapes read.
fn path(uri: &str) -> String {
    let uri = uri.strip_prefix("file://").unwrap_or(uri);
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = (*first == b'%').then(|| more.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_uri_becomes_a_path() {
        assert_eq!(path("file:///src/a%20b.py"), "/src/a b.py");
        assert_eq!(path("src/100%"), "src/100%");
        assert_eq!(path("%zz%4"), "%zz%4");
    }
}
