//! Messages of cargo, rustc and clippy as lines of JSON. Errors of the compiler are why nothing
//! ran; lints are findings. What else the command printed, as `cargo test` does, is read as text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json::{line, list, text, words};
use super::{compiler, libtest, nextest};
use crate::findings::{Finding, Level};
use crate::report::{Case, Kind, Writer};

/// What a compiler says in the end, about what it said before.
const CLOSING: &[&str] = &["aborting due to", "could not compile", "For more information about"];
/// Levels of helps in helps; rustc has two.
const DEPTH_MAX: usize = 4;

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let mut errors = BTreeSet::new();
    let mut built = None;
    // Lines keep their numbers.
    let mut others = String::new();
    for line in text.lines() {
        let value: Option<Value> =
            if line.starts_with('{') { serde_json::from_str(line).ok() } else { None };
        match &value {
            Some(value) if words(value, "reason") == "compiler-message" => {
                let said = value.get("message").unwrap_or(&Value::Null);
                of_diagnostic(said, &mut errors, to);
            }
            Some(value) if words(value, "$message_type") == "diagnostic" => {
                of_diagnostic(value, &mut errors, to);
            }
            Some(value) if words(value, "reason") == "build-finished" => {
                built = value.get("success").and_then(Value::as_bool);
            }
            Some(_) => {}
            None => others.push_str(line),
        }
        others.push('\n');
    }
    if nextest::is_it(&others) {
        nextest::read(&others, to);
    } else if libtest::is_it(&others) {
        libtest::read(&others, to);
    } else {
        to.is_of_a_linter();
        compiler::read(&others.lines().collect::<Vec<_>>(), to);
    }
    // Lints that are denied end a build, too; those are findings.
    if built == Some(false) && errors.is_empty() && !to.has_findings() {
        to.broken(None, "the build did not succeed, and does not say why");
    }
}

fn of_diagnostic(said: &Value, errors: &mut BTreeSet<String>, to: &mut Writer<'_>) {
    let code = said.get("code").and_then(|code| text(code, "code"));
    let message = words(said, "message");
    let spans = list(said, "spans");
    let is_primary = |span: &&Value| span.get("is_primary").and_then(Value::as_bool) == Some(true);
    let place = spans.iter().find(is_primary).or(spans.first()).unwrap_or(&Value::Null);
    let level = match words(said, "level").as_str() {
        "error" | "error: internal compiler error" => Level::Error,
        "warning" => Level::Warning,
        _ => Level::Note,
    };
    if CLOSING.iter().any(|closing| message.starts_with(closing))
        || (code.is_none() && spans.is_empty() && level != Level::Error)
    {
        return;
    }
    let is_lint = code.as_deref().is_some_and(|code| !is_error_code(code));
    let (file, number) = (text(place, "file_name"), line(place, "line_start"));
    if level == Level::Error && !is_lint {
        let rendered = text(said, "rendered").unwrap_or_else(|| message.clone());
        if errors.insert(rendered.clone()) {
            let name = match &code {
                Some(code) => format!("error[{code}]: {message}"),
                None => format!("error: {message}"),
            };
            to.error(Case {
                suite: "rustc".to_owned(),
                name,
                kind: Kind::Error,
                file,
                line: number,
                body: rendered.trim_end().to_owned(),
                ..Case::default()
            });
        }
        return;
    }
    to.finding(Finding {
        level,
        rule: code.unwrap_or_else(|| "rustc".to_owned()),
        message,
        file,
        line: number,
        column: line(place, "column_start"),
        fixable: is_fixable(said, 0),
    });
}

/// `E0308`, which is no lint.
fn is_error_code(code: &str) -> bool {
    code.strip_prefix('E').is_some_and(|number| number.bytes().all(|c| c.is_ascii_digit()))
}

/// Whether `--fix` would fix it.
fn is_fixable(said: &Value, depth: usize) -> bool {
    let applies = |span: &Value| words(span, "suggestion_applicability") == "MachineApplicable";
    list(said, "spans").iter().any(applies)
        || (depth < DEPTH_MAX
            && list(said, "children").iter().any(|child| is_fixable(child, depth + 1)))
}
