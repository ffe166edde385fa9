//! The tool `test_summary`: what test reports say, so that a model need not read them.
//!
//! Reports are found (`find`), read by one module per format (`format`), and reduced while they
//! are read: of a failing test stays what `evidence` takes from its words. `locate` turns the
//! places they name into files of the repository, `answer` cuts it all to size.
//!
//! A report is written by whatever the tests ran, so nothing in it is believed: it can be cut
//! off, malformed, huge, or written to deceive.

mod answer;
mod evidence;
mod find;
mod format;
mod locate;
mod report;
mod rerun;
mod text;

use serde::Deserialize;
use stepwell::{Refusal, Tree};

pub use answer::Answer;
use answer::Detail;
use locate::Locator;
use report::Summary;

/// Enough to see a pattern; the rest is counted.
const FAILURES: usize = 20;

stepwell::tool! {
    name: "test_summary",
    description: "Says what the repository's test reports say: how many tests passed and failed, \
        and for each failing one its name, message, place in the code, trace and output. Reads \
        JUnit XML of any runner and the text output of `cargo test` and `cargo nextest`. It does \
        not run tests.",
    schema: include_str!("../schema.json"),
    call: test_summary,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    paths: Vec<String>,
    max_failures: Option<usize>,
    #[serde(default)]
    detail: Detail,
    #[serde(default)]
    tree: Tree,
}

fn test_summary(input: Input) -> Result<Answer, Refusal> {
    let Input { paths, max_failures, detail, tree } = input;
    let max_failures = max_failures.unwrap_or(FAILURES).clamp(1, report::FAILURES_KEPT_MAX);
    let mut summary = Summary::default();
    find::each_report(tree, &paths, &mut summary)?;
    Ok(answer::write(summary, &mut Locator::new(tree), max_failures, detail))
}

#[cfg(test)]
mod tests;
