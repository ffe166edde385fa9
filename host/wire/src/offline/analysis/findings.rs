//! The findings, most important first: what fails, what may have broken it, what else is risky.

use std::collections::BTreeMap;

use super::{Case, Finding, as_u64};
use crate::offline::facts::{Changed, Failure, Outcome, Upgrades};
use crate::offline::look;
use crate::offline::paths::{is_code, is_pipeline, is_test};
use crate::offline::report;
use crate::offline::text::{plain, quoted, things};

/// Most names listed within one finding.
const NAMED_MAX: usize = 8;

/// Most groups of failures that get a finding of their own, so that the changes are still heard.
const GROUPS_MAX: usize = 12;

/// Most characters shown of a line of output.
const LINE_CHARS_MAX: usize = 200;

/// A change of more lines is called large: more than is reviewed with care at one sitting.
const LARGE_LINES: u64 = 400;

pub(super) fn all(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = failures(case);
    findings.extend(run(case));
    let failing = !findings.is_empty();
    findings.extend(case.suspects.iter().map(|suspect| {
        let path = quoted(&suspect.file.path, 100);
        let tied = things(suspect.failures, "failure");
        let title = if suspect.is_neighbour() {
            format!("{path} changed, in the package of {tied}")
        } else {
            format!("the change in {path} has ties to {tied}")
        };
        let evidence = suspect.reasons.join("; ");
        Finding::new("warning", suspect.confidence(), title, evidence)
            .at(&suspect.file.path, suspect.line)
    }));
    findings.extend(upgrades(case, failing));
    findings.extend(risks(case, failing));
    findings.extend(notes(case));
    findings
}

/// Tests that did not pass, those with the same message together.
fn failures(case: &Case<'_>) -> Vec<Finding> {
    let Some(tests) = &case.facts.tests else { return Vec::new() };
    let mut groups: BTreeMap<String, Vec<&Failure>> = BTreeMap::new();
    let mut order = Vec::new();
    for failure in &tests.failures {
        let key = alike(failure);
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(failure);
    }
    let mut findings: Vec<Finding> =
        order.iter().take(GROUPS_MAX).filter_map(|key| group(case, groups.get(key)?)).collect();
    let rest: Vec<&str> = order
        .iter()
        .skip(GROUPS_MAX)
        .filter_map(|key| groups.get(key)?.first())
        .map(|failure| failure.name.as_str())
        .collect();
    if !rest.is_empty() {
        let title = format!("{} of failure", things(as_u64(rest.len()), "further kind"));
        let evidence = format!("one test of each: {}", names(rest.into_iter()));
        findings.push(Finding::new("error", "high", title, evidence));
    }
    let unnamed = tests.bad().saturating_sub(as_u64(tests.failures.len()));
    if unnamed > 0 {
        let title =
            format!("{} that the summary does not name", things(unnamed, "further failure"));
        findings.push(Finding::new("error", "high", title, "the counts of the test reports"));
    } else if findings.is_empty()
        && !report::is_unexplained(case.facts)
        && matches!(tests.verdict.as_str(), "failed" | "error")
    {
        let title = "the test run did not come to its end";
        let evidence = format!("the verdict of the reports is {}", quoted(&tests.verdict, 40));
        findings.push(Finding::new("error", "high", title, evidence));
    }
    findings
}

/// A test command that ended badly in a way that the test reports do not explain.
fn run(case: &Case<'_>) -> Option<Finding> {
    let run = case.facts.run.as_ref().filter(|_| report::is_unexplained(case.facts))?;
    let title = match run.outcome {
        Outcome::Passed | Outcome::Failed(_) => {
            format!("the test command {}, and its output was not understood", run.ended())
        }
        Outcome::TimedOut | Outcome::NotStarted => format!("the test command {}", run.ended()),
    };
    let mut evidence = match &run.command {
        Some(command) => format!("the command is {}", quoted(command, 200)),
        None => "the command is the one that the step sets".to_owned(),
    };
    let lines = report::last_lines(case.seen, case.facts);
    let Some(path) = &run.report else {
        evidence.push_str("; it left no output to read");
        return Some(Finding::new("error", "high", title, evidence));
    };
    if lines.is_empty() {
        evidence.push_str("; its output was not read");
    } else {
        evidence.push_str("; its output ends with: ");
        // What comes last says most, so what is too much is cut off before it.
        let room = super::EVIDENCE_CHARS_MAX.saturating_sub(evidence.chars().count());
        evidence.push_str(&tail(&lines, room));
    }
    Some(Finding::new("error", "high", title, evidence).at(path, None))
}

/// As many of the last lines as `max` characters hold, on one line.
fn tail(lines: &[String], max: usize) -> String {
    const BETWEEN: &str = " | ";
    let (mut shown, mut room) = (Vec::new(), max);
    for line in lines.iter().rev() {
        let line = plain(line, LINE_CHARS_MAX);
        let Some(left) = room.checked_sub(line.chars().count() + BETWEEN.len()) else { break };
        room = left;
        shown.push(line);
    }
    shown.reverse();
    shown.join(BETWEEN)
}

/// What failures with one cause have in common: the message, but for its numbers.
fn alike(failure: &Failure) -> String {
    let mut key: String = plain(&failure.message, 200);
    key.retain(|c| !c.is_ascii_digit());
    if key.trim().is_empty() { failure.id.clone() } else { key }
}

fn group(case: &Case<'_>, failures: &[&Failure]) -> Option<Finding> {
    let first = *failures.first()?;
    let message = match plain(&first.message, 100) {
        empty if empty.is_empty() => "the report gives no message".to_owned(),
        message => message,
    };
    let title = match failures.len() {
        1 if first.is_build() => format!("the build fails: {message}"),
        1 => format!("{} fails: {message}", quoted(&first.name, 80)),
        count => format!("{} fail alike: {message}", things(as_u64(count), "test")),
    };
    let mut evidence = Vec::new();
    if !first.is_build() || plain(&first.message, 400) != message {
        evidence.push(format!("message: {}", plain(&first.message, 400)));
    }
    if let (Some(expected), Some(actual)) = (&first.expected, &first.actual) {
        evidence.push(format!("expected {}, got {}", quoted(expected, 120), quoted(actual, 120)));
    }
    let place = look::locate(case.seen, case.facts, first);
    if let Some(line) = place.as_ref().and_then(|place| case.facts.line(place)) {
        evidence.push(format!("the line says {}", quoted(line, 160)));
    }
    if evidence.is_empty() {
        evidence.push("the compiler's message, as the report has it".to_owned());
    }
    if failures.len() > 1 {
        evidence.push(format!(
            "tests: {}",
            names(failures.iter().map(|failure| failure.name.as_str()))
        ));
    }
    let mut finding = Finding::new("error", "high", title, evidence.join("; "));
    finding.test = (!first.is_build()).then(|| plain(&first.name, super::TITLE_CHARS_MAX));
    Some(match place {
        Some(place) => finding.at(place.file, place.line),
        None => finding,
    })
}

fn names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let shown: Vec<String> = names.take(NAMED_MAX).map(|name| quoted(name, 80)).collect();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &tail
}

/// What came in, left or moved among the dependencies.
fn upgrades(case: &Case<'_>, failing: bool) -> Option<Finding> {
    let upgrades = case.facts.upgrades.as_ref().filter(|upgrades| !upgrades.changes.is_empty())?;
    let count = things(as_u64(upgrades.changes.len()), "dependency change");
    let list = names(upgrades.changes.iter().map(String::as_str));
    let finding = match (failing, blamed(case, upgrades)) {
        (true, Some(change)) => {
            let evidence = format!(
                "the message of a failure names the package of {}; all: {list}",
                quoted(change, 80)
            );
            Finding::new(
                "warning",
                "medium",
                format!("{count}, one of which a failure names"),
                evidence,
            )
        }
        (true, None) => {
            let evidence = format!("nothing ties them to the failures but the time: {list}");
            Finding::new("warning", "low", count, evidence)
        }
        (false, _) => Finding::note(count, list),
    };
    Some(match upgrades.lockfiles.first() {
        Some(lockfile) => finding.at(lockfile, None),
        None => finding,
    })
}

/// The first change whose package a failure's message names.
fn blamed<'c>(case: &Case<'c>, upgrades: &'c Upgrades) -> Option<&'c str> {
    const NAME_CHARS_MIN: usize = 4;
    let failures = || case.facts.tests.iter().flat_map(|tests| &tests.failures);
    let is_named = |change: &&String| {
        let package = change.split_whitespace().find(|word| word.len() >= NAME_CHARS_MIN);
        package.is_some_and(|package| {
            let is_part = |c: char| !c.is_alphanumeric() && !"_-@".contains(c);
            failures().any(|failure| failure.message.split(is_part).any(|word| word == package))
        })
    };
    upgrades.changes.iter().find(is_named).map(String::as_str)
}

/// Changes that deserve a second look although no test speaks against them.
fn risks(case: &Case<'_>, failing: bool) -> Vec<Finding> {
    let Some(changes) = &case.facts.changes else { return Vec::new() };
    let all = |is: &dyn Fn(&Changed) -> bool| -> Vec<&Changed> {
        changes.files.iter().filter(|file| is(file)).collect()
    };
    let mut findings = Vec::new();
    let mut add = |severity, files: &[&Changed], title: &str, why: &str| {
        if let Some(first) = files.first() {
            let evidence = format!("{why}: {}", names(files.iter().map(|file| file.path.as_str())));
            findings.push(Finding::new(severity, "high", title, evidence).at(&first.path, None));
        }
    };
    let gone = all(&|file| file.status == "deleted" && is_test(&file.path));
    add("warning", &gone, "tests were deleted", "a test that is gone cannot fail");
    let pipelines = all(&|file| is_pipeline(&file.path));
    add(
        "warning",
        &pipelines,
        "pipeline files changed",
        "they decide what runs, and with which rights",
    );
    if failing {
        return findings;
    }
    let large = all(&|file| file.lines() > LARGE_LINES);
    add(
        "note",
        &large,
        "large changes",
        "changes of more lines than are reviewed with care at one sitting",
    );
    let code = all(&|file| is_code(&file.path) && !is_test(&file.path));
    if !code.is_empty()
        && !changes.files.iter().any(|file| is_test(&file.path) && file.status != "deleted")
    {
        add("note", &code, "code changed and no test file did", "tests may lie in the same files");
    }
    findings
}

/// What a reader of the other findings should know.
fn notes(case: &Case<'_>) -> Vec<Finding> {
    let facts = case.facts;
    let mut findings = Vec::new();
    let said = facts.tests.as_ref().map(|tests| tests.warnings.as_slice()).unwrap_or_default();
    let locked =
        facts.packages.as_ref().map(|packages| packages.warnings.as_slice()).unwrap_or_default();
    let (harmless, lost): (Vec<&String>, Vec<&String>) =
        locked.iter().partition(|warning| is_harmless(warning));
    if !lost.is_empty() {
        let title = "lock files could not be read completely";
        let evidence = names(lost.iter().map(|warning| warning.as_str()));
        findings.push(Finding::new("warning", "high", title, evidence));
    }
    let warnings: Vec<&str> = said.iter().chain(harmless).map(String::as_str).collect();
    if !warnings.is_empty() {
        let title = format!("tools gave {}", things(as_u64(warnings.len()), "warning"));
        findings.push(Finding::note(title, names(warnings.into_iter())));
    }
    let duplicates =
        facts.packages.as_ref().map(|packages| packages.duplicates.as_slice()).unwrap_or_default();
    if !duplicates.is_empty() {
        let title = format!("{} in several versions", things(as_u64(duplicates.len()), "package"));
        let list: Vec<String> = duplicates
            .iter()
            .map(|(name, versions)| format!("{name} {}", versions.join(", ")))
            .collect();
        findings.push(Finding::note(title, names(list.iter().map(String::as_str))));
    }
    if !facts.unanswered.is_empty() {
        let list: Vec<String> =
            facts.unanswered.iter().map(|(tool, why)| format!("{tool}: {why}")).collect();
        let title = "tools gave no usable answer";
        findings.push(Finding::note(title, names(list.iter().map(String::as_str))));
    }
    if !facts.files.is_empty() {
        let title = "no tool could say anything about tests, changes or dependencies";
        findings.push(Finding::note(
            title,
            format!("files that are there: {}", names(facts.files.iter().map(String::as_str))),
        ));
    }
    findings
}

/// Whether a warning about a lock file says that nothing of what counts is missing. What is not
/// known to be harmless is taken to be none.
fn is_harmless(warning: &str) -> bool {
    const CHOSEN: &[&str] =
        &["left out because it lies under", "beside it wins", "no package.json beside it"];
    CHOSEN.iter().any(|reason| warning.contains(reason))
}
