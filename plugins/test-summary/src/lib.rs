//! The tool `test_summary`: what test reports say, so that a model need not read them.
//!
//! Reports are found (`find`), read by one module per format (`format`), and reduced while they
//! are read: of a failing test stays what `evidence` takes from its words, and `cause` tells which
//! of them failed for the same reason; what linters say is counted by rule (`findings`).
//! `previous` compares two runs, `locate` turns the places they name into files of the
//! repository, `answer` cuts it all to size.
//!
//! A report is written by whatever the tests ran, so nothing in it is believed: it can be cut
//! off, malformed, huge, or written to deceive.

mod answer;
mod cause;
mod evidence;
mod find;
mod findings;
mod format;
mod locate;
mod previous;
mod report;
mod rerun;
mod text;

use serde::Deserialize;
use stepwell::{Refusal, Tree};

pub use answer::Answer;
use answer::{Detail, Form, Wish};
use locate::Locator;
use previous::Difference;
use report::{Outcomes, Summary};

/// Enough to see a pattern; the rest is counted.
const FAILURES: usize = 20;
/// What a model can spend on tests without thinking about it.
const TOKENS: usize = 2_000;
/// Nobody reads more of a summary.
const TOKENS_MAX: usize = 20_000;

stepwell::tool! {
    name: "test_summary",
    description: "Says what the repository's test and lint reports and logs say, of whatever \
            runner: verdict, counts, and failures grouped by cause, with message, place, trace and \
            a command that runs only those tests again; findings of linters by rule. Use it first \
            when tests fail, instead of reading reports. {\"format\": \"text\"} costs at most \
            `max_tokens`. It runs no tests.",
    schema: include_str!("../schema.json"),
    call: test_summary,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    previous: Vec<String>,
    #[serde(default)]
    format: Form,
    failure: Option<String>,
    max_tokens: Option<usize>,
    max_failures: Option<usize>,
    #[serde(default)]
    detail: Detail,
    times: Option<bool>,
    #[serde(default)]
    tree: Tree,
}

fn test_summary(input: Input) -> Result<Answer, Refusal> {
    let Input { paths, previous, format, failure, max_tokens, max_failures, detail, times, tree } =
        input;
    let wish = Wish {
        form: format,
        detail,
        max_failures: max_failures.unwrap_or(FAILURES).clamp(1, report::FAILURES_SHOWN_MAX),
        max_tokens: max_tokens.unwrap_or(TOKENS).min(TOKENS_MAX),
        failure: failure.clone(),
    };
    let compare = !previous.is_empty();
    let outcomes = compare.then(Outcomes::default);
    let mut summary = Summary { outcomes, wanted: failure, ..Summary::default() };
    find::each_report(tree, &paths, &mut summary)?;
    // Times differ from run to run: a model's conversation must not, where nothing else does.
    if !times.unwrap_or(matches!(format, Form::Markdown | Form::Ctrf)) {
        summary.forget_times();
    }
    let difference = if compare { difference(tree, &previous, &mut summary)? } else { None };
    answer::write(summary, difference, &mut Locator::new(tree), &wish)
}

/// What is different from the reports of a run before.
fn difference(
    tree: Tree,
    previous: &[String],
    summary: &mut Summary,
) -> Result<Option<Difference>, Refusal> {
    let outcomes = Some(Outcomes::default());
    let mut before = Summary { outcomes, ..Summary::default() };
    find::each_report(tree, previous, &mut before)?;
    for warning in before.warnings {
        summary.warn(&warning.path, warning.line, format!("(previous) {}", warning.reason));
    }
    let both = before.outcomes.as_ref().zip(summary.outcomes.as_ref());
    Ok(both.map(|(before, now)| Difference::of(before, now)))
}

#[cfg(test)]
mod tests;
