//! What the gates said, for a person who has to decide: Markdown, every word from outside escaped.

use std::fmt::Write as _;

use gate::GateName;
use session::{Place, Ruling, Verdict};

use crate::text::Inline;

/// Most places of a gate that the page shows.
const PLACES_MAX: usize = 20;

/// The verdicts, each with what is asked, what was found and where, why there is such a gate, and
/// which key of the step file decides.
#[must_use]
pub fn explain(verdicts: &[Verdict]) -> String {
    let mut page = String::from("### Gates\n\n");
    if verdicts.is_empty() {
        page.push_str("No patch was judged.\n");
    }
    for verdict in verdicts {
        of_gate(&mut page, verdict);
    }
    page
}

fn of_gate(page: &mut String, verdict: &Verdict) {
    let Verdict { gate, because, places, paths, approved_by, .. } = verdict;
    let ruling = match verdict.ruling() {
        Ruling::Pass => "pass",
        Ruling::Approval => "approval",
        Ruling::Refuse => "refuse",
    };
    let _ = writeln!(page, "#### {} {}: {ruling}\n", mark(verdict), Inline(gate));
    let _ = writeln!(page, "{}.\n", Inline(because));
    if let Some(by) = approved_by {
        let _ = writeln!(page, "Approved by {}.\n", Inline(by));
    }
    for Place { path, line, what } in places.iter().take(PLACES_MAX) {
        let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
        let _ = writeln!(page, "- {}{line}: {}", Inline(path), Inline(what));
    }
    if places.is_empty() {
        for path in paths.iter().take(PLACES_MAX) {
            let _ = writeln!(page, "- {}", Inline(path));
        }
    }
    let all = if places.is_empty() { paths.len() } else { places.len() };
    if let Some(more @ 1..) = all.checked_sub(PLACES_MAX) {
        let _ = writeln!(page, "- and {more} more");
    }
    if all > 0 {
        page.push('\n');
    }
    let Some(known) = GateName::named(gate) else {
        page.push_str("A gate of the step's own. Decided by `gates.own` in the step file.\n\n");
        return;
    };
    let _ = writeln!(page, "{}. {}\n", known.demands(), known.reasoning());
    let _ = match known.key() {
        Some(key) => writeln!(page, "Decided by `{key}` in the step file.\n"),
        None => writeln!(page, "No step file can lower it.\n"),
    };
}

/// The sign of a verdict.
pub(crate) fn mark(verdict: &Verdict) -> &'static str {
    match verdict.ruling() {
        _ if verdict.passed => "✅",
        Ruling::Approval => "✋",
        Ruling::Pass | Ruling::Refuse => "❌",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_was_found_where_and_why_it_matters() {
        let place = |line| Place {
            path: "src/<a>.rs".to_owned(),
            line: Some(line),
            what: "a GitHub token".to_owned(),
        };
        let verdicts = [
            Verdict::new("files-max", Ruling::Pass, "1 file, the most is 20"),
            Verdict {
                places: (1..=21).map(place).collect(),
                ..Verdict::new(
                    "secrets",
                    Ruling::Refuse,
                    "21 secrets: a GitHub token in `src/<a>.rs`",
                )
            },
            Verdict {
                paths: vec!["Cargo.lock".to_owned()],
                passed: true,
                approved_by: Some("@ada".to_owned()),
                ..Verdict::new("dependencies", Ruling::Approval, "`x` 1.0 is new")
            },
            Verdict::new("house-rule", Ruling::Approval, "of another program"),
        ];
        insta::assert_snapshot!(explain(&verdicts));
        assert_eq!(explain(&[]), "### Gates\n\nNo patch was judged.\n");
    }
}
