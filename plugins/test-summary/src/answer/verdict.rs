//! The answer in a word, and in a line.

use serde::Serialize;

use crate::findings::{Findings, Level};
use crate::report::{Counts, Report, Summary};

/// The most formats or tools named in the line.
const TOOLS_MAX: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// A test did not pass.
    Failed,
    /// Every test passed or was skipped; linters found no error.
    Passed,
    /// No test failed, but not all could run: no build, a crash, a report that is cut off.
    Error,
    /// Tests did not fail, and linters or compilers found something.
    Findings,
    /// The reports have no tests.
    NoTests,
    /// There is no report.
    NoReport,
}

pub(crate) fn of(summary: &Summary) -> Verdict {
    let broken = summary.reports.iter().any(|report| report.broken.is_some());
    // Where a run broke off, its errors are about that and not about a test.
    let tests_failed = summary.reports.iter().any(|Report { counts, broken, .. }| {
        counts.failed > 0 || (counts.errors > 0 && broken.is_none())
    });
    let findings = &summary.findings;
    let no_tests = summary.counts.tests == 0;
    match () {
        () if summary.reports.is_empty() => Verdict::NoReport,
        () if tests_failed => Verdict::Failed,
        () if broken => Verdict::Error,
        () if findings.count(Level::Error) > 0 => Verdict::Findings,
        () if no_tests && findings.total() > 0 => Verdict::Findings,
        () if no_tests && findings.reports == 0 => Verdict::NoTests,
        () => Verdict::Passed,
    }
}

/// `FAIL 3/412 failed, 2 errors, 5 skipped, 1 flaky, 12.3 s — pytest 9.2.0`
pub(crate) fn line(summary: &Summary, verdict: Verdict) -> String {
    let Counts { tests, passed, failed, errors, skipped, flaky } = summary.counts;
    let mut parts = Vec::new();
    match verdict {
        Verdict::Failed | Verdict::Error if failed > 0 => {
            parts.push(format!("{failed}/{tests} failed"));
        }
        Verdict::Failed | Verdict::Error => {
            parts.extend(some(tests, if tests == 1 { "test" } else { "tests" }));
        }
        Verdict::Passed | Verdict::Findings => parts.extend(some(passed, "passed")),
        Verdict::NoTests | Verdict::NoReport => {}
    }
    parts.extend(some(errors, if errors == 1 { "error" } else { "errors" }));
    parts.extend(some(skipped, "skipped"));
    parts.extend(some(flaky, "flaky"));
    parts.extend(findings(&summary.findings));
    if let Some(ms) = summary.duration_ms.filter(|ms| *ms > 0) {
        parts.push(duration(ms));
    }
    let word = match verdict {
        Verdict::Failed => "FAIL".to_owned(),
        Verdict::Passed if parts.is_empty() => "PASS nothing found".to_owned(),
        Verdict::Passed => "PASS".to_owned(),
        Verdict::Error => {
            let why = summary.reports.iter().find_map(|report| report.broken.as_deref());
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            let colon = if parts.is_empty() { "" } else { ":" };
            format!("ERROR not everything could run{why}{colon}")
        }
        Verdict::Findings => "FINDINGS".to_owned(),
        Verdict::NoTests => "NO TESTS in the reports".to_owned(),
        Verdict::NoReport => "NO REPORT".to_owned(),
    };
    let mut line = format!("{word} {}", parts.join(", ")).trim_end().to_owned();
    let tools = tools(&summary.reports);
    if !tools.is_empty() {
        line.push_str(" — ");
        line.push_str(&tools);
    }
    line
}

fn some(number: u64, what: &str) -> Option<String> {
    (number > 0).then(|| format!("{number} {what}"))
}

fn findings(findings: &Findings) -> Option<String> {
    let mut parts = Vec::new();
    let levels = [(Level::Error, "lint error"), (Level::Warning, "warning"), (Level::Note, "note")];
    for (level, word) in levels {
        match findings.count(level) {
            0 => {}
            1 => parts.push(format!("1 {word}")),
            count => parts.push(format!("{count} {word}s")),
        }
    }
    let fixable = findings.fixable();
    if fixable > 0 {
        parts.push(format!("{fixable} can be fixed automatically"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Milliseconds as people say them.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// Who wrote the reports, as far as they say; else their formats.
pub(crate) fn tools(reports: &[Report]) -> String {
    let mut named: Vec<&str> = Vec::new();
    for report in reports {
        let name = report.tool.as_deref().unwrap_or(report.format);
        if !named.contains(&name) {
            named.push(name);
        }
    }
    let more = named.len().saturating_sub(TOOLS_MAX);
    named.truncate(TOOLS_MAX);
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}
