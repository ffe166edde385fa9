//! What a person should do next, in order. Commands are only given when every character of
//! them is harmless in a shell: names of tests are other people's words.

use super::Case;
use crate::offline::facts::{Failure, Outcome};
use crate::offline::paths::is_rust;
use crate::offline::text::{is_shell_safe, plain, quoted};
use crate::offline::{look, report};

/// Most steps. A longer list is not followed.
const STEPS_MAX: usize = 8;

/// Most of each kind.
const OF_A_KIND_MAX: usize = 3;

/// Most failures that a command is held against.
const FAILURES_MAX: usize = 50;

/// Most characters of a step.
const STEP_CHARS_MAX: usize = 300;

pub(super) fn all(case: &Case<'_>) -> Vec<String> {
    let facts = case.facts;
    let mut steps = Vec::new();
    let failures = facts.tests.as_ref().map(|tests| tests.failures.as_slice()).unwrap_or_default();
    steps.extend(unread(case));
    steps.extend(commands(case, failures));
    steps.extend(failures.iter().take(OF_A_KIND_MAX).filter_map(|failure| open(case, failure)));
    steps.extend(case.suspects.iter().map(|suspect| {
        let at = suspect.line.map(|line| format!(", around line {line}")).unwrap_or_default();
        format!("review the change in {}{at}", quoted(&suspect.file.path, 200))
    }));
    if failures.is_empty() {
        steps.extend(largest(case));
    }
    if facts.tests.is_none() && facts.unanswered.iter().any(|(tool, _)| tool == "test_summary") {
        steps.push("look up in the trace why `test_summary` gave no usable answer".to_owned());
    }
    if facts.changes.as_ref().is_some_and(|changes| changes.base.is_none()) {
        steps.push(
            "give the step a base to compare with, so that it can say what changed".to_owned(),
        );
    }
    if !failures.is_empty() {
        steps.push("for a reading of the code itself, run the step with a model".to_owned());
    }
    steps.dedup();
    steps.truncate(STEPS_MAX);
    steps.into_iter().map(|step| plain(&step, STEP_CHARS_MAX)).collect()
}

/// What to do where there is nothing to read about tests, or nobody could read it.
fn unread(case: &Case<'_>) -> Option<String> {
    let has_no_report = case.facts.tests.as_ref().is_some_and(|tests| tests.verdict == "no-report");
    let Some(run) = &case.facts.run else {
        let step = "keep a JUnit report from CI before this step, or set `before = true` in the step's \
                    `[verify]`: then there are test results to read";
        return has_no_report.then(|| step.to_owned());
    };
    if !report::is_unexplained(case.facts) {
        return None;
    }
    let output = run.report.as_ref().map(|path| quoted(path, 160));
    Some(match (run.outcome, output) {
        (Outcome::NotStarted, _) => {
            "see that the test command of the step's `[verify]` can be started where the step runs"
                .to_owned()
        }
        (Outcome::TimedOut, None) => "find out what the test command takes so long for".to_owned(),
        (Outcome::TimedOut, Some(output)) => {
            format!("look in {output} at what the test command did until its time ran out")
        }
        (Outcome::Passed | Outcome::Failed(_), Some(output)) => {
            format!("look at the output of the test command in {output}")
        }
        (Outcome::Passed | Outcome::Failed(_), None) => {
            "run the test command by hand and look at its output".to_owned()
        }
    })
}

/// How to see the failures again: as the step does it, as the reports say, or as is usual.
fn commands(case: &Case<'_>, failures: &[Failure]) -> Vec<String> {
    let run = case.facts.run.as_ref();
    let is_red = !failures.is_empty() || report::is_unexplained(case.facts);
    if let Some(command) = run.filter(|_| is_red).and_then(|run| run.command.as_ref()) {
        return vec![format!("run `{command}`")];
    }
    let said = case.facts.tests.as_ref().map(|tests| tests.rerun.as_slice()).unwrap_or_default();
    let fits = |command: &&String| is_shell_safe(command) && is_for(case, failures, command);
    let said: Vec<String> = said.iter().filter(fits).take(OF_A_KIND_MAX).cloned().collect();
    let commands = match said.as_slice() {
        [] => failures
            .iter()
            .take(OF_A_KIND_MAX)
            .filter_map(|failure| command(case, failure))
            .collect(),
        _ => said,
    };
    commands.into_iter().map(|command| format!("run `{command}`")).collect()
}

/// Whether a command runs tests of the language that fails: cargo runs no others than Rust's.
fn is_for(case: &Case<'_>, failures: &[Failure], command: &str) -> bool {
    if command.split_whitespace().next() != Some("cargo") {
        return true;
    }
    let may_be_rust = |failure: &&Failure| {
        let place = look::locate(case.seen, case.facts, failure);
        place.or_else(|| failure.place.clone()).is_none_or(|place| is_rust(&place.file))
    };
    let is_named = |failure: &&Failure| command.contains(&failure.name);
    let failures = || failures.iter().take(FAILURES_MAX);
    let mut named = failures().filter(is_named).peekable();
    match named.peek() {
        Some(_) => named.all(|failure| may_be_rust(&failure)),
        None => failures().any(|failure| may_be_rust(&failure)),
    }
}

/// The command that runs one test, where the language has one usual way.
fn command(case: &Case<'_>, failure: &Failure) -> Option<String> {
    let place = look::locate(case.seen, case.facts, failure)?;
    let (_, extension) = place.file.rsplit_once('.')?;
    let command = match extension {
        "rs" => format!("cargo test {}", failure.name),
        "py" => format!("pytest {} -k {}", place.file, failure.function()),
        "go" => {
            let package = place.file.rsplit_once('/').map_or(".", |(folder, _)| folder);
            format!("go test ./{package} -run {}", failure.function())
        }
        _ => return None,
    };
    is_shell_safe(&command).then_some(command)
}

fn open(case: &Case<'_>, failure: &Failure) -> Option<String> {
    let place = look::locate(case.seen, case.facts, failure)?;
    let at = place.line.map(|line| format!(":{line}")).unwrap_or_default();
    let what = if failure.is_build() { "the build".to_owned() } else { quoted(&failure.name, 80) };
    Some(format!("open {}, where {what} fails", quoted(&format!("{}{at}", place.file), 200)))
}

/// Nothing fails: what to review first.
fn largest(case: &Case<'_>) -> Vec<String> {
    let Some(changes) = &case.facts.changes else { return Vec::new() };
    let mut files: Vec<_> = changes.files.iter().filter(|file| file.lines() > 0).collect();
    files.sort_by(|a, b| b.lines().cmp(&a.lines()).then_with(|| a.path.cmp(&b.path)));
    let step = |file: &&crate::offline::facts::Changed| {
        format!("review {} (+{} −{} lines)", quoted(&file.path, 200), file.added, file.removed)
    };
    files.iter().take(OF_A_KIND_MAX).map(step).collect()
}
