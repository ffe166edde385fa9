//! The summary: one paragraph, first of all that no model was used.

use super::{Case, as_u64};
use crate::offline::facts::{Changes, Tests};
use crate::offline::text::{quoted, things};

pub(super) fn of(case: &Case<'_>) -> String {
    let facts = case.facts;
    let mut parts = vec!["This is a deterministic triage; no model was used.".to_owned()];
    parts.push(match &facts.tests {
        Some(tests) => about_tests(tests),
        None => format!("Nothing is known about tests: {}.", absent(case, "test_summary")),
    });
    if let Some(run) = &facts.run {
        let command = run.command.as_ref().map(|command| format!(" {}", quoted(command, 200)));
        parts.push(format!("The test command{} {}.", command.unwrap_or_default(), run.ended()));
    }
    parts.push(match &facts.changes {
        Some(changes) => about_changes(changes),
        None => format!("What changed is not known: {}.", absent(case, "changed_files")),
    });
    parts.extend(about_packages(case));
    let failing = facts.tests.as_ref().is_some_and(|tests| tests.bad() > 0);
    let compared = facts.changes.as_ref().is_some_and(|changes| changes.base.is_some());
    match case.suspects.first() {
        Some(suspect) if failing && suspect.is_neighbour() => parts.push(format!(
            "No changed file could be tied to a failure by trace, place or name; {} is changed source of \
             the same package (low confidence).",
            quoted(&suspect.file.path, 200)
        )),
        Some(suspect) if failing => parts.push(format!(
            "The change with the strongest tie to a failure is {} ({} confidence).",
            quoted(&suspect.file.path, 200),
            suspect.confidence()
        )),
        Some(_) | None if failing && compared => {
            parts.push(
                "No changed file could be tied to a failure by trace, place or name.".to_owned(),
            );
        }
        Some(_) | None => {}
    }
    if failing && compared {
        parts.push("Whether these tests passed before the change is not known.".to_owned());
    }
    parts.join(" ")
}

/// Why a tool's answer is not there.
fn absent(case: &Case<'_>, tool: &str) -> String {
    let why = case.facts.unanswered.iter().rev().find(|(name, _)| name == tool);
    match why {
        Some((_, why)) => format!("`{tool}` gave no usable answer ({why})"),
        None if case.seen.offers(tool) => format!("`{tool}` was not asked in time"),
        None => format!("the step does not offer `{tool}`"),
    }
}

fn about_tests(tests: &Tests) -> String {
    let counts = tests.counts;
    match tests.verdict.as_str() {
        "no-report" => "No test report was found.".to_owned(),
        "no-tests" => "The test reports hold no tests.".to_owned(),
        verdict if counts.tests == 0 && tests.reports == 0 => {
            format!("The verdict on the tests is {}, without counts.", quoted(verdict, 40))
        }
        _ => {
            let mut parts = vec![format!("{} passed", counts.passed)];
            let more = [
                (counts.failed, "failed"),
                (counts.errors, "could not run"),
                (counts.skipped, "skipped"),
            ];
            parts.extend(
                more.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")),
            );
            format!(
                "{} in {}: {}.",
                things(counts.tests, "test"),
                things(as_u64(tests.reports), "report"),
                parts.join(", ")
            )
        }
    }
}

fn about_changes(changes: &Changes) -> String {
    let Some(base) = &changes.base else {
        return "There is no base to compare with, so what changed is not known.".to_owned();
    };
    let added = changes.files.iter().map(|file| file.added).fold(0, u64::saturating_add);
    let removed = changes.files.iter().map(|file| file.removed).fold(0, u64::saturating_add);
    let cut = if changes.truncated { "; the list is cut" } else { "" };
    format!(
        "Against {}, {} changed (+{added} −{removed} lines{cut}).",
        quoted(base, 80),
        things(as_u64(changes.files.len()), "file")
    )
}

fn about_packages(case: &Case<'_>) -> Option<String> {
    let packages = case.facts.packages.as_ref()?;
    let changes = match &case.facts.upgrades {
        Some(upgrades) if upgrades.base_present => {
            format!(", {} against the base", things(as_u64(upgrades.changes.len()), "change"))
        }
        Some(_) | None => String::new(),
    };
    let files = things(as_u64(packages.lockfiles.len()), "lock file");
    Some(format!("{files} with {}{changes}.", things(packages.count, "package")))
}
