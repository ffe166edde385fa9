//! The end of the test command's output, for when nobody could read more out of it: what to ask
//! for it, and what it says.

use serde_json::{Value, json};

use super::facts::{Facts, Outcome, Part};
use super::look::Ask;
use super::seen::{Answer, Seen};

/// Last lines shown. A command that fails says why at its end.
const LINES: u64 = 20;

/// Bytes asked for first: a short report is seen whole, of a long one the size is.
const HEAD_BYTES: u64 = 4_096;

/// Whether the tests' reports do not explain how the command ended.
pub(super) fn is_unexplained(facts: &Facts) -> bool {
    let has_failures = facts.tests.as_ref().is_some_and(|tests| tests.bad() > 0);
    match facts.run.as_ref().map(|run| run.outcome) {
        Some(Outcome::Failed(_)) => !has_failures,
        Some(Outcome::TimedOut | Outcome::NotStarted) => true,
        Some(Outcome::Passed) | None => false,
    }
}

/// The next call that brings its end nearer.
pub(super) fn ask(seen: &Seen<'_>, facts: &Facts) -> Option<Ask> {
    let path = facts.run.as_ref().filter(|_| is_unexplained(facts))?.report.as_deref()?;
    let head = json!({ "path": path, "max_bytes": HEAD_BYTES });
    let arguments = match part(seen, &head) {
        None => head,
        Some(part) => rest(path, &part)?,
    };
    Some(Ask { tool: "read_file", arguments })
}

/// Its last lines, as far as they were read; oldest first.
pub(super) fn last_lines(seen: &Seen<'_>, facts: &Facts) -> Vec<String> {
    let shown = |path: &str| {
        let head = part(seen, &json!({ "path": path, "max_bytes": HEAD_BYTES }))?;
        match rest(path, &head) {
            None => Some(head.text),
            Some(rest) => part(seen, &rest).map(|part| part.text),
        }
    };
    let path = facts.run.as_ref().and_then(|run| run.report.as_deref());
    let text = path.and_then(shown).unwrap_or_default();
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let count = usize::try_from(LINES).unwrap_or(usize::MAX);
    let mut last: Vec<String> = lines.rev().take(count).map(str::to_owned).collect();
    last.reverse();
    last
}

/// What to ask for the end of a report whose beginning is known.
fn rest(path: &str, head: &Part) -> Option<Value> {
    if !head.is_cut {
        return None;
    }
    match (head.total_lines, head.total_bytes) {
        (Some(lines), _) if lines > 0 => {
            let first = lines.saturating_sub(LINES - 1).max(1);
            Some(json!({ "path": path, "start_line": first, "end_line": lines }))
        }
        (_, Some(bytes)) if bytes > HEAD_BYTES => {
            let first = bytes - HEAD_BYTES;
            Some(json!({ "path": path, "start_byte": first, "max_bytes": HEAD_BYTES }))
        }
        _ => None,
    }
}

/// The answer to exactly this call.
fn part(seen: &Seen<'_>, arguments: &Value) -> Option<Part> {
    seen.calls_of("read_file").find(|call| call.arguments == *arguments).and_then(
        |call| match &call.answer {
            Answer::Object(answer) => Part::of(answer),
            Answer::Nothing(_) => None,
        },
    )
}
