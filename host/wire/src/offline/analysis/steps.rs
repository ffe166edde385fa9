//! What a person should do next, in order. Commands are only given when every character of
//! them is harmless in a shell: names of tests are other people's words.

use super::Case;
use crate::offline::facts::Failure;
use crate::offline::look;
use crate::offline::text::{is_shell_safe, plain, quoted};

/// Most steps. A longer list is not followed.
const STEPS_MAX: usize = 8;

/// Most of each kind.
const OF_A_KIND_MAX: usize = 3;

/// Most characters of a step.
const STEP_CHARS_MAX: usize = 300;

pub(super) fn all(case: &Case<'_>) -> Vec<String> {
    let facts = case.facts;
    let mut steps = Vec::new();
    let failures = facts.tests.as_ref().map(|tests| tests.failures.as_slice()).unwrap_or_default();
    steps.extend(commands(case, failures));
    steps.extend(failures.iter().take(OF_A_KIND_MAX).filter_map(|failure| open(case, failure)));
    steps.extend(case.suspects.iter().map(|suspect| {
        let at = suspect.line.map(|line| format!(", around line {line}")).unwrap_or_default();
        format!("review the change in {}{at}", quoted(&suspect.file.path, 200))
    }));
    match &facts.tests {
        Some(tests) if tests.verdict == "no-report" => steps.push(
            "run the project's tests before this step and keep their report (JUnit XML, or the output of \
             `cargo test`), so that there is something to read"
                .to_owned(),
        ),
        Some(_) | None => {}
    }
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

/// How to see the failures again.
fn commands(case: &Case<'_>, failures: &[Failure]) -> Vec<String> {
    let said = case.facts.tests.as_ref().map(|tests| tests.rerun.as_slice()).unwrap_or_default();
    let said: Vec<String> =
        said.iter().filter(|command| is_shell_safe(command)).take(OF_A_KIND_MAX).cloned().collect();
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
    Some(format!(
        "open {}, where {} fails",
        quoted(&format!("{}{at}", place.file), 200),
        quoted(&failure.name, 80)
    ))
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
