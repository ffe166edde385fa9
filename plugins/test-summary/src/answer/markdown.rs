//! The answer as Markdown for people: a summary page or a comment of a pipeline.
//!
//! What comes from reports stands in code only, in spans and blocks that it cannot end.

use super::verdict::duration;
use super::view::{Failed, Told, View};
use crate::previous::Names;
use crate::text;

/// GitHub takes 65,535 bytes of a comment or a summary.
const BYTES_MAX: usize = 60_000;
/// The most causes told; all failures are listed.
const CAUSES_MAX: usize = 20;
/// The most rules of linters told.
const RULES_MAX: usize = 50;
/// Kept for the last lines.
const NOTE_LEN: usize = 300;

/// Text of which no more than so many bytes are written.
struct Page {
    text: String,
    full: bool,
}

impl Page {
    fn push(&mut self, block: &str) {
        if self.full || self.text.len() + block.len() > BYTES_MAX - NOTE_LEN {
            self.full = true;
        } else {
            self.text.push_str(block);
        }
    }
}

pub(crate) fn write(view: &View) -> String {
    let mut page = Page { text: String::new(), full: false };
    page.push(&format!("## {}\n", escaped(&text::cut(&view.line, 300))));
    compared(view, &mut page);
    causes(view, &mut page);
    names(view, &mut page);
    findings(view, &mut page);
    around(view, &mut page);
    let Page { mut text, full } = page;
    if full {
        text.push_str("\n_There is more; it did not fit on this page._\n");
    }
    text
}

fn compared(view: &View, page: &mut Page) {
    let Some(difference) = &view.difference else { return };
    page.push("\n### Against the previous run\n\n| | tests | |\n| --- | ---: | --- |\n");
    let rows = [
        ("newly failing", &difference.newly_failing),
        ("fixed", &difference.fixed),
        ("still failing", &difference.still_failing),
        ("new", &difference.new),
        ("vanished", &difference.vanished),
    ];
    for (what, Names { count, tests }) in rows {
        let shown: Vec<String> = tests.iter().take(5).map(|test| cell(test)).collect();
        page.push(&format!("| {what} | {count} | {} |\n", shown.join(" ")));
    }
    if let Some(caution) = difference.caution {
        page.push(&format!("\n{caution}.\n"));
    }
}

fn causes(view: &View, page: &mut Page) {
    let told = view.failed.iter().filter_map(|failed| match &failed.told {
        Told::Full(full) => Some((failed, full)),
        Told::SameAs { .. } => None,
    });
    for (number, (failed, full)) in told.take(CAUSES_MAX.min(view.max_failures)).enumerate() {
        let mut block = format!("\n### {}. {}\n", number + 1, span(&failed.id));
        if let Some(place) = place(failed) {
            text::add(&mut block, format_args!("\nat {}\n", span(&place)));
        }
        if let Some(same) = &full.same_cause {
            let others: Vec<String> = same.others.iter().map(|other| span(other)).collect();
            let (count, others) = (same.count, others.join(", "));
            text::add(&mut block, format_args!("\n{count} failed for this cause, also {others}\n"));
        }
        block.push_str(&fence(&full.message));
        for (word, side) in [("expected", &full.expected), ("actual", &full.actual)] {
            if let Some(side) = side {
                text::add(&mut block, format_args!("\n{word}\n{}", fence(side)));
            }
        }
        let frames = full.trace.iter().map(|place| {
            let function = place.function.as_deref().unwrap_or_default();
            format!("{}:{} {function}", place.file, place.line).trim_end().to_owned()
        });
        let frames = frames.collect::<Vec<_>>().join("\n");
        if !frames.is_empty() {
            block.push_str(&fence(&frames));
        }
        if !full.stdout_tail.is_empty() {
            text::add(&mut block, format_args!("\nit printed\n{}", fence(&full.stdout_tail)));
        }
        page.push(&block);
    }
}

/// All that did not pass, where that is more than the causes.
fn names(view: &View, page: &mut Page) {
    if view.failed.len() < 2 {
        return;
    }
    page.push("\n### Everything that did not pass\n\n");
    for failed in &view.failed {
        let place = place(failed).map(|place| format!(" at {}", span(&place))).unwrap_or_default();
        page.push(&format!("- {}{place}\n", span(&failed.id)));
    }
    if view.unnamed > 0 {
        page.push(&format!("- and {} more\n", view.unnamed));
    }
}

fn place(failed: &Failed) -> Option<String> {
    Some(format!("{}:{}", failed.file.as_ref()?, failed.line?))
}

fn findings(view: &View, page: &mut Page) {
    let rules = view.findings.in_order();
    if rules.is_empty() {
        return;
    }
    page.push("\n### Findings\n\n| level | rule | count | fixable | first |\n");
    page.push("| --- | --- | ---: | ---: | --- |\n");
    for (level, name, rule) in rules.iter().take(RULES_MAX) {
        let level = format!("{level:?}").to_lowercase();
        let file = rule.file.as_deref().unwrap_or_default();
        let line = rule.line.map(|line| format!(":{line}")).unwrap_or_default();
        let message = text::cut(rule.message.lines().next().unwrap_or_default(), 200);
        let first = format!("{} {}", cell(&format!("{file}{line}")), cell(&message));
        let (count, fixable) = (rule.count, rule.fixable);
        page.push(&format!("| {level} | {} | {count} | {fixable} | {first} |\n", cell(name)));
    }
    let more = rules.len().saturating_sub(RULES_MAX);
    if more > 0 {
        page.push(&format!("\nand {more} more rules\n"));
    }
}

/// What is good to know besides.
fn around(view: &View, page: &mut Page) {
    for command in &view.rerun {
        page.push(&format!("\nTo run them again:\n{}", fence(command)));
    }
    if !view.slowest.is_empty() {
        page.push("\n### Slowest\n\n");
        for (ms, test) in &view.slowest {
            page.push(&format!("- {} {}\n", span(&test.shown()), duration(*ms)));
        }
    }
    if !view.flaky.is_empty() {
        page.push(&format!("\n### Passed at a later try ({})\n\n", view.counts.flaky));
        for test in &view.flaky {
            page.push(&format!("- {}\n", span(&test.shown())));
        }
    }
    if !view.warnings.is_empty() {
        page.push("\n### Warnings\n\n");
        for warning in &view.warnings {
            let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = span(&format!("{}{line}", warning.path));
            page.push(&format!("- {place} {}\n", span(&text::cut(&warning.reason, 300))));
        }
    }
}

/// The longest run of backticks in a text.
fn ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Code in a line, which its text cannot end.
fn span(text: &str) -> String {
    let text = text.replace(['\n', '\t'], " ");
    if text.trim().is_empty() {
        return String::new();
    }
    let marks = "`".repeat(ticks(&text) + 1);
    // A space on either side is taken off again, and keeps backticks apart.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{marks}{pad}{text}{pad}{marks}")
}

/// Code in a cell of a table, where a bar would begin the next.
fn cell(text: &str) -> String {
    span(text).replace('|', "\\|")
}

/// A block of code, which its text cannot end.
fn fence(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let marks = "`".repeat((ticks(text) + 1).max(3));
    format!("\n{marks}text\n{}\n{marks}\n", text.trim_end())
}

/// Text in which nothing is markup, nor a mention of somebody.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '@' => escaped.push_str("&#64;"),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '>' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_ended_from_within() {
        assert_eq!(span("a"), "`a`");
        assert_eq!(span("a`b``c"), "```a`b``c```");
        assert_eq!(span("`a\nb"), "`` `a b ``");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(fence("a\n```\nb"), "\n````text\na\n```\nb\n````\n");
        assert_eq!(escaped("a@b <i> [x](y)"), "a&#64;b &lt;i\\> \\[x\\](y)");
    }
}
