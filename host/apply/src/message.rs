//! The words that go with a patch. Facts are ours; what a model wrote stands as a quotation, and
//! can neither call somebody, close an issue, nor tell a pipeline to skip its checks.

use std::fmt::Write as _;

use gate::FileChange;
use session::{RunResult, TestCounts, TestsSaid};

use crate::hold::Cleared;

/// The longest quotation of a model, in bytes.
const QUOTED_BYTES_MAX: usize = 4 * 1024;
/// Files that a message names; the patch has all.
const NAMED_MAX: usize = 20;
/// What a line of a commit message has room for.
const LINE_CHARS: usize = 72;

/// The first line: what the step did.
pub(crate) fn title(cleared: &Cleared) -> String {
    let result = &cleared.delivery.result;
    let files = cleared.delivery.patch.files();
    match files {
        [only] => format!("{}: {}", result.step, did(only)),
        files => format!("{}: change {} files", result.step, files.len()),
    }
}

fn did(change: &FileChange) -> String {
    let last = |path: &str| quiet(path.rsplit('/').next().unwrap_or(path));
    match change {
        FileChange::Add { path, .. } => format!("add {}", last(path)),
        FileChange::Modify { path, .. } => format!("change {}", last(path)),
        FileChange::Delete { path, .. } => format!("remove {}", last(path)),
        FileChange::Rename { from, to, .. } => format!("rename {} to {}", last(from), last(to)),
    }
}

/// A commit's message, with trailers that lead back to the run.
pub(crate) fn commit(cleared: &Cleared) -> String {
    let delivery = &cleared.delivery;
    let mut text = format!("{}\n\n", title(cleared));
    for change in delivery.patch.files().iter().take(NAMED_MAX) {
        let names: Vec<String> = change.paths().map(quiet).collect();
        let _ =
            writeln!(text, "- {} (+{} -{})", names.join(" to "), change.added(), change.removed());
    }
    let more = delivery.patch.files().len().saturating_sub(NAMED_MAX);
    if more > 0 {
        let _ = writeln!(text, "- and {more} more");
    }
    if let Some(summary) = summary(&delivery.result) {
        text.push('\n');
        for line in wrapped(&summary, LINE_CHARS - 2) {
            let _ = writeln!(text, "> {line}");
        }
    }
    let _ = writeln!(text, "\nStepwell-Run: {}", delivery.run);
    let _ = writeln!(text, "Stepwell-Patch: {}", delivery.patch_digest);
    let _ = writeln!(text, "Stepwell-Trace: {}", delivery.trace_digest);
    text
}

/// The body of a pull request, or of a comment, in Markdown.
pub(crate) fn page(cleared: &Cleared) -> String {
    let delivery = &cleared.delivery;
    let result = &delivery.result;
    let mut page = String::new();
    if let Some(summary) = summary(result) {
        for line in wrapped(&summary, usize::MAX) {
            let _ = writeln!(page, "> {}", escaped(&line));
        }
        page.push('\n');
    }
    page.push_str("| file | added | removed |\n| --- | --- | --- |\n");
    for change in delivery.patch.files().iter().take(NAMED_MAX) {
        let names: Vec<String> = change.paths().map(|path| escaped(&quiet(path))).collect();
        let (added, removed) = (change.added(), change.removed());
        let _ = writeln!(page, "| {} | {added} | {removed} |", names.join(" → "));
    }
    page.push_str("\nGates, judged again where this was applied:\n\n");
    for verdict in &cleared.verdicts {
        let _ = writeln!(page, "- {}: {}", verdict.gate, escaped(&quiet(&verdict.because)));
    }
    let tests = [("before", &result.tests_before), ("with the patch", &result.tests_after)];
    let told: Vec<String> = tests
        .into_iter()
        .filter_map(|(when, said)| Some(format!("- {when}: {}", counted(said.as_ref()?))))
        .collect();
    if !told.is_empty() {
        let _ = writeln!(page, "\nTests, as the run tells:\n\n{}", told.join("\n"));
    }
    let _ = writeln!(
        page,
        "\n<sub>Stepwell run `{}`, patch `{}`, trace `{}`</sub>",
        delivery.run, delivery.patch_digest, delivery.trace_digest
    );
    page
}

fn counted(said: &TestsSaid) -> String {
    let mark = if said.passed { "passed" } else { "failed" };
    match &said.counts {
        Some(TestCounts { tests: tests @ 1.., passed, .. }) => {
            format!("{mark}, {passed} of {tests}")
        }
        Some(_) | None => mark.to_owned(),
    }
}

fn summary(result: &RunResult) -> Option<String> {
    let summary = quiet(result.analysis.as_ref()?.summary.trim());
    let end = summary.floor_char_boundary(QUOTED_BYTES_MAX);
    let cut = if end < summary.len() { "…" } else { "" };
    (!summary.is_empty()).then(|| format!("{}{cut}", &summary[..end]))
}

/// Words from outside on one line: nothing unprintable; no `@` or `#` that a platform would make a
/// mention of, no `[skip ci]`.
fn quiet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' => out.push('('),
            ']' => out.push(')'),
            '@' | '#' => {
                out.push(c);
                out.push('\u{200b}');
            }
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// Characters that show nothing or turn the text around.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The same within a line of Markdown: no markup, no HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '|' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let Some(line) = lines.last_mut() else { break };
        let long = line.chars().count().saturating_add(word.chars().count() + 1) > width;
        match (line.is_empty(), long) {
            (true, _) => line.push_str(word),
            (false, false) => {
                line.push(' ');
                line.push_str(word);
            }
            (false, true) => lines.push(word.to_owned()),
        }
    }
    lines
}
