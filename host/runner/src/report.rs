//! `report.md`: what came of a run, for people. Status first, details folded; every word from
//! outside is escaped.

use std::fmt::Write as _;

use session::{
    Accounting, Finding, Need, NeedKind, Outcome, RunResult, Severity, StopReason, TestCounts,
    TestsCompared, TestsSaid,
};

use crate::explain;
use crate::numbers::{bytes, count, grouped, micros};
use crate::text::{Inline, cut, fenced};

/// The most bytes of a patch that the report shows; job summaries end at 1 MiB.
const PATCH_BYTES_MAX: usize = 256 * 1024;

/// The report as Markdown.
pub fn markdown(result: &RunResult, accounting: &Accounting, patch: Option<&str>) -> String {
    let mut page = String::new();
    status(&mut page, result);
    failure(&mut page, result, accounting);
    findings(&mut page, result);
    tests(&mut page, result);
    changes(&mut page, result, patch);
    took(&mut page, accounting);
    page
}

fn status(page: &mut String, result: &RunResult) {
    let RunResult { step, stop_reason, outcome, head, base, model_used, .. } = result;
    let mark = if *stop_reason == StopReason::Done { "✅" } else { "⚠️" };
    let _ = writeln!(page, "### {mark} {}: {}\n", Inline(step), Inline(&stop_reason.to_string()));
    let base = base.as_deref().unwrap_or("nothing to compare with");
    let _ = writeln!(page, "{} · {} against {}\n", came_to(*outcome), Inline(head), Inline(base));
    if !model_used {
        page.push_str("_No model was used: this is the deterministic offline triage._\n\n");
    }
    if let Some(analysis) = &result.analysis {
        let _ = writeln!(page, "{}\n", Inline(&analysis.summary));
    }
}

fn failure(page: &mut String, result: &RunResult, accounting: &Accounting) {
    if !result.stop_reason.is_open() {
        return;
    }
    if let Some(failure) = &accounting.last_failure {
        let _ = writeln!(page, "Last failure: {}\n", Inline(failure));
    }
    page.push_str("The same command goes on from here; what was answered is not paid again.\n\n");
    if let Some(resume) = &accounting.resume {
        let _ = writeln!(page, "{}", fenced("sh", resume));
    }
}

fn came_to(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::PatchTested => "A patch that passed the gates and the tests",
        Outcome::PatchUntested => "A patch that passed the gates, untested",
        Outcome::PatchFailing => "A patch that passed the gates, and fails the tests",
        Outcome::PatchFailingAsBefore => {
            "A patch that passed the gates; the tests that fail with it failed before it, too"
        }
        Outcome::PatchUnapproved => "A patch that waits for a person's approval",
        Outcome::PatchRefused => "A diagnosis; the gates refused the patch",
        Outcome::Diagnosis => "A diagnosis, no patch",
        Outcome::ContextOnly => "The context, no diagnosis",
        Outcome::Nothing => "Nothing came out",
    }
}

fn findings(page: &mut String, result: &RunResult) {
    let Some(analysis) = &result.analysis else { return };
    if !analysis.findings.is_empty() {
        page.push_str("#### Findings\n\n");
        analysis.findings.iter().for_each(|found| finding(page, found));
        page.push('\n');
    }
    if !analysis.needs.is_empty() {
        page.push_str("#### What only you can say\n\n");
        analysis.needs.iter().zip(1..).for_each(|(need, number)| asked(page, need, number));
        page.push('\n');
    }
    if !analysis.next_steps.is_empty() {
        page.push_str("#### What to do next\n\n");
        for (step, number) in analysis.next_steps.iter().zip(1..) {
            let _ = writeln!(page, "{number}. {}", Inline(step));
        }
        page.push('\n');
    }
}

fn asked(page: &mut String, need: &Need, number: u32) {
    let kind = match need.kind {
        NeedKind::Decision => "decision",
        NeedKind::Permission => "permission",
        NeedKind::Information => "information",
        NeedKind::Access => "access",
    };
    let _ = writeln!(page, "{number}. **{kind}:** {}", Inline(&need.question));
    for option in &need.options {
        let _ = writeln!(page, "   - {}", Inline(option));
    }
    if !need.why.is_empty() {
        let _ = writeln!(page, "\n   {}", Inline(&need.why));
    }
}

fn finding(page: &mut String, finding: &Finding) {
    let mark = match finding.severity {
        Severity::Error => "🔴",
        Severity::Warning => "🟡",
        Severity::Note => "🔵",
    };
    let _ = write!(page, "- {mark} **{}**", Inline(&finding.title));
    if let Some(file) = &finding.file {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = write!(page, " — {}{line}", Inline(file));
    }
    page.push('\n');
    if !finding.evidence.is_empty() {
        let _ = writeln!(page, "  {}", Inline(&finding.evidence));
    }
}

fn tests(page: &mut String, result: &RunResult) {
    if result.tests_before.is_none() && result.tests_after.is_none() {
        return;
    }
    page.push_str("#### Tests\n\n| | tests | passed | failed | could not run | skipped |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- |\n");
    let rows = [("before", &result.tests_before), ("with the patch", &result.tests_after)];
    for (when, said) in rows {
        let Some(TestsSaid { passed: fine, exit_code, counts, .. }) = said else { continue };
        match counts {
            Some(TestCounts { tests: tests @ 1.., passed, failed, errors, skipped, .. }) => {
                let cells = [tests, passed, failed, errors, skipped].map(u64::to_string);
                let _ = writeln!(page, "| {when} | {} |", cells.join(" | "));
            }
            Some(_) | None => {
                let mark = if *fine { "passed" } else { "failed" };
                let code =
                    exit_code.map_or("no exit code".to_owned(), |code| format!("exit {code}"));
                let _ =
                    writeln!(page, "| {when} | the command {mark}, {code}; no report | | | | |");
            }
        }
    }
    page.push('\n');
    let after = result.tests_after.as_ref();
    if let Some(compared) = after.and_then(|said| said.compared.as_ref()) {
        against_before(page, compared);
    }
    if let Some(said) = after.filter(|said| said.failed_before > 0) {
        again(page, said);
    }
}

fn against_before(page: &mut String, compared: &TestsCompared) {
    let TestsCompared { newly_failing, fixed, still_failing, vanished, caution } = compared;
    let kinds = [
        ("newly failing", newly_failing),
        ("fixed", fixed),
        ("failed before, too", still_failing),
        ("no longer there", vanished),
    ];
    for (what, names) in kinds.into_iter().filter(|(_, names)| names.count > 0) {
        let _ = write!(page, "- {} {what}", grouped(names.count));
        listed(page, &names.tests, names.count);
    }
    if let Some(caution) = caution {
        let _ = writeln!(page, "- with caution: {}", Inline(caution));
    }
    page.push('\n');
}

/// What came of a command that failed and ran again with the same files.
fn again(page: &mut String, said: &TestsSaid) {
    let times = count(u64::from(said.failed_before), "time");
    let came = match (said.passed, said.exit_code) {
        (true, _) => ", then it passed, and counts as passed",
        (false, Some(0)) => ", then it passed, and counts as failed: it may fail again",
        (false, _) => "",
    };
    let _ = writeln!(page, "The same command failed {times} before with the same files{came}.\n");
    if !said.flaky.is_empty() {
        page.push_str("- ⚠️ flaky, failed and then did not");
        listed(page, &said.flaky, said.flaky.len() as u64);
        page.push('\n');
    }
}

/// The first names, and how many there are beside them.
fn listed(page: &mut String, names: &[String], all: u64) {
    /// Names that are shown; `result.json` has more.
    const SHOWN: usize = 10;
    for (name, before) in
        names.iter().take(SHOWN).zip(std::iter::once(": ").chain(std::iter::repeat(", ")))
    {
        let _ = write!(page, "{before}{}", Inline(name));
    }
    let more = all.saturating_sub(names.len().min(SHOWN) as u64);
    if more > 0 && !names.is_empty() {
        let _ = write!(page, " and {} more", grouped(more));
    }
    page.push('\n');
}

fn changes(page: &mut String, result: &RunResult, patch: Option<&str>) {
    if !result.verdicts.is_empty() {
        page.push_str("#### Gates\n\n");
        for verdict in &result.verdicts {
            let mark = explain::mark(verdict);
            let _ = write!(page, "- {mark} {}: {}", verdict.gate, Inline(&verdict.because));
            if let Some(by) = &verdict.approved_by {
                let _ = write!(page, " (approved by {})", Inline(by));
            }
            page.push('\n');
        }
        page.push('\n');
    }
    let Some(diff) = patch else { return };
    let files = count(result.patch_files.len() as u64, "file");
    let size = bytes(diff.len() as u64);
    let _ = writeln!(page, "<details><summary>patch.diff: {files}, {size}</summary>\n");
    page.push_str(&fenced("diff", &cut(diff, PATCH_BYTES_MAX)));
    page.push_str("\n</details>\n\n");
}

fn took(page: &mut String, accounting: &Accounting) {
    let Accounting { total, turns, requests, calls_fresh, calls_cached, .. } = accounting;
    page.push_str("<details><summary>What it took</summary>\n\n");
    let _ = writeln!(page, "- {} tokens, {}", grouped(total.tokens), total.spend);
    let _ = writeln!(
        page,
        "- {} in {}, {} and {} from the cache ({} of tool time saved)",
        count(u64::from(*turns), "turn"),
        count(u64::from(*requests), "request"),
        count(u64::from(*calls_fresh), "call"),
        calls_cached,
        micros(accounting.cache_saved_us),
    );
    let seconds = accounting.wall_ms / 1_000;
    let attempts = count(u64::from(accounting.attempts), "attempt");
    let _ = writeln!(page, "- {seconds} s in {attempts}");
    if accounting.resumed_turns + accounting.resumed_calls > 0 {
        let _ = writeln!(
            page,
            "- the last attempt did not repeat {} and {}, which had cost {}",
            count(u64::from(accounting.resumed_turns), "turn"),
            count(u64::from(accounting.resumed_calls), "call"),
            accounting.resumed_spend,
        );
    }
    let _ = writeln!(page, "- tools guarded by: {}", Inline(&accounting.isolation));
    if let Some(isolation) = &accounting.tests_isolation {
        let _ = writeln!(page, "- tests guarded by: {}", Inline(isolation));
    }
    page.push_str("\n</details>\n");
}
