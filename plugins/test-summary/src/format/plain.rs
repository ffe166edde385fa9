//! Logs of whatever else: lines that say that something failed, and where. What passed is known
//! only where a runner's last line says it.

mod block;
mod totals;

use std::collections::BTreeSet;

use crate::findings::{Finding, Level};
use crate::report::{Case, Kind, Test, Writer};
use crate::text::Head;
use block::{Heading, Listing};
use totals::Totals;

/// What is read of one failure; more is the next thing's.
const LINES_MAX: usize = 60;
/// A name that goes on for more lines is none.
const NAME_LINES_MAX: usize = 8;
/// Failures that are counted without a name; a log can claim any number.
const UNNAMED_MAX: u64 = 200;
/// Lines that are no more than a heading.
const NOT_MESSAGES: &[&str] = &[
    "error: Recipe `",
    "error: process didn't exit",
    "error: script \"",
    "Error: Process completed",
    "ERROR: script returned",
];

/// Whether a line of the text says that something failed, or how many did.
pub(super) fn is_it(text: &str) -> bool {
    let mut listing = Listing::Nothing;
    let mut totals = Totals::default();
    text.lines().any(|line| {
        listing = block::listing(line, listing);
        totals.read(line)
            || block::heading(line, listing).is_some()
            || failed_name(line).is_some()
            || crash(line).is_some()
            || located(line).is_some_and(|finding| finding.level == Level::Error)
            || said_error(line).is_some()
    })
}

/// Whether a runner says in the text how many tests there were, or which failed.
pub(super) fn has_runner(text: &str) -> bool {
    let mut listing = Listing::Nothing;
    let mut totals = Totals::default();
    text.lines().any(|line| {
        listing = block::listing(line, listing);
        totals.read(line) || block::heading(line, listing).is_some()
    })
}

/// How much is taken for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Only what stands under the heading of a runner.
    Runners,
    /// Every error that is said.
    All,
}

/// What is known of the log so far.
struct Log<'a, 'b> {
    to: &'a mut Writer<'b>,
    words: Words,
    /// The file that `ESLint` names above its findings.
    file: Option<String>,
    named: BTreeSet<String>,
    listing: Listing,
    totals: Totals,
    has_totals: bool,
    findings: bool,
    passed: u64,
    failed: u64,
}

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    read_words(text, Words::All, to);
}

/// Only what runners say: the rest of the text is read by others.
pub(super) fn read_runners(text: &str, to: &mut Writer<'_>) {
    read_words(text, Words::Runners, to);
}

fn read_words(text: &str, words: Words, to: &mut Writer<'_>) {
    let lines: Vec<&str> = text.lines().collect();
    let (file, named, listing, totals) = Default::default();
    let (has_totals, findings, passed, failed) = (false, false, 0, 0);
    let mut log =
        Log { to, words, file, named, listing, totals, has_totals, findings, passed, failed };
    let mut at = 0;
    while at < lines.len() {
        at += log.take(&lines[at..]).max(1);
    }
    log.finish();
}

impl Log<'_, '_> {
    /// Reads the first of these lines, and those that belong to it; says how many these are.
    fn take(&mut self, lines: &[&str]) -> usize {
        let Some((line, rest)) = lines.split_first() else { return 0 };
        self.listing = block::listing(line, self.listing);
        if self.totals.read(line) {
            self.has_totals = true;
            return 1;
        }
        if let Some(heading) = block::heading(line, self.listing) {
            return 1 + self.failure(heading, rest);
        }
        for (mark, passes) in [("--- PASS: ", true), ("--- SKIP: ", false)] {
            if let Some((name, duration_ms)) = block::go(line, mark) {
                self.passed += 1;
                let test = Test { name: name.to_owned(), duration_ms, ..Test::default() };
                if passes {
                    self.to.passed_test(&test);
                } else {
                    self.to.skipped_test(&test);
                }
                return 1;
            }
        }
        if self.words == Words::Runners {
            return 1;
        }
        if let Some(finding) = located(line).or_else(|| stylish(line, self.file.as_deref())) {
            self.findings = true;
            self.to.finding(finding);
        } else if let Some(what) = crash(line) {
            let body = taken(lines, |line| !line.is_empty());
            let last = body.lines().next_back().unwrap_or(what);
            self.error(if what.starts_with("Traceback") { last } else { what }, &body);
            return body.lines().count();
        } else if let Some(name) = failed_name(line).or_else(|| go_package(line)) {
            if self.named.insert(name.to_owned()) {
                self.failed += 1;
                self.to.failed(Case { name: name.to_owned(), ..Case::default() });
            }
        } else if let Some(message) = said_error(line) {
            // Until the next one, so that no line is read for two.
            let more = taken(rest, |line| !line.is_empty() && said_error(line).is_none());
            self.error(message, &format!("{line}\n{more}"));
            return 1 + more.lines().count();
        }
        if line.contains(['/', '\\']) && !line.contains([' ', ':']) {
            self.file = Some((*line).to_owned());
        }
        1
    }

    /// A test under its heading; says how many more lines it has.
    fn failure(&mut self, heading: Heading, rest: &[&str]) -> usize {
        let Heading { mut name, kind, duration_ms, goes_on, indented } = heading;
        let mut skip = 0;
        if goes_on && let Some((more, lines)) = name_goes_on(rest) {
            name = format!("{name} {more}");
            skip = lines;
        }
        let listing = self.listing;
        let body = taken(&rest[skip..], |line| {
            block::heading(line, listing).is_none()
                && !block::ends(line)
                && (!indented || line.starts_with([' ', '\t']))
        });
        let lines = skip + body.lines().count();
        if self.named.insert(name.clone()) {
            self.failed += 1;
            let is_rule = |line: &&str| line.bytes().all(|c| c == b'-') && !line.is_empty();
            let body = body.lines().filter(|line| !is_rule(line)).map(frame);
            let body = body.collect::<Vec<_>>().join("\n").trim_end().to_owned();
            self.to.failed(Case { name, kind, body, duration_ms, ..Case::default() });
        }
        lines
    }

    fn error(&mut self, name: &str, body: &str) {
        if self.named.insert(name.to_owned()) {
            let (name, body) = (name.to_owned(), body.to_owned());
            self.to.error(Case { name, kind: Kind::Error, body, ..Case::default() });
        }
    }

    fn finish(self) {
        let Self { to, totals, failed, .. } = self;
        if self.findings {
            to.is_of_a_linter();
        }
        if !self.has_totals && self.words == Words::Runners {
            return;
        }
        if !self.has_totals {
            let reason = "is a plain log: only what it says of failures is known, not what passed";
            return to.warn(None, reason);
        }
        to.passed(totals.passed.saturating_sub(self.passed));
        to.skipped(totals.skipped);
        if let Some(ms) = totals.took_ms {
            to.took(ms);
        }
        let unnamed = totals.failed.saturating_sub(failed);
        for _ in 0..unnamed.min(UNNAMED_MAX) {
            let title = "the log counts it and does not name it".to_owned();
            to.failed(Case { name: "(not named)".to_owned(), title, ..Case::default() });
        }
        if totals.failed != failed {
            let said = totals.failed;
            to.warn(None, format!("says {said} tests failed, and names {failed}"));
        }
    }
}

/// The rest of a name that stands on lines of its own, the last with a colon, and their number.
fn name_goes_on(lines: &[&str]) -> Option<(String, usize)> {
    let lines = lines.iter().take(NAME_LINES_MAX).take_while(|line| !line.trim().is_empty());
    let names: Vec<&str> = lines.map(|line| line.trim()).collect();
    let last = names.iter().position(|name| name.ends_with(':'))?;
    let names = &names[..=last];
    let is_name = !names.iter().any(|name| name.starts_with("Failure/Error"));
    is_name.then(|| (names.join(" ").trim_end_matches(':').to_owned(), names.len()))
}

/// `# ./spec/a_spec.rb:7:in …` as other runners have it.
fn frame(line: &str) -> String {
    match line.trim_start().strip_prefix("# ").filter(|frame| frame.contains(":in ")) {
        Some(place) => super::rspec::frame(place),
        None => line.to_owned(),
    }
}

/// `FAIL example.org/a [build failed]`, with a tab: a package of Go that was not run.
fn go_package(line: &str) -> Option<&str> {
    let name = line.strip_prefix("FAIL\t")?;
    (name.ends_with(" failed]")).then_some(name)
}

/// The lines that belong to what came before.
fn taken(lines: &[&str], belongs: impl Fn(&str) -> bool) -> String {
    let mut body = Head::default();
    for line in lines.iter().take(LINES_MAX).take_while(|line| belongs(line)) {
        body.push(line);
        body.push("\n");
    }
    body.0.trim_end().to_owned()
}

/// `FAILED a_name`
fn failed_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix("FAILED ")?;
    let name = name.trim();
    // A sentence is no name.
    let words = name.split(' ').count();
    (!name.is_empty() && words <= 4 && !name.starts_with('(')).then_some(name)
}

/// The first line of what a program says when it dies.
fn crash(line: &str) -> Option<&str> {
    let line = line.trim();
    let begins = ["Traceback (most recent call last):", "panic: ", "fatal error: "];
    let is_panic = line.starts_with("thread '") && line.contains("panicked at ");
    let is_uncaught = line.starts_with("Exception in thread ") || line.starts_with("Uncaught ");
    let is_crash = is_panic || is_uncaught || begins.iter().any(|begin| line.starts_with(begin));
    is_crash.then_some(line)
}

/// `Error: words`, with nothing before it.
fn said_error(line: &str) -> Option<&str> {
    let begins = ["error: ", "Error: ", "ERROR "];
    let is_error = begins.iter().any(|begin| line.starts_with(begin))
        && !NOT_MESSAGES.iter().any(|no| line.starts_with(no));
    is_error.then_some(line)
}

/// `src/a.c:3:5: error: words [-Wrule]`, `src/a.ts(3,5): error TS2304: words`
fn located(line: &str) -> Option<Finding> {
    let (place, level, rest) = [("error", Level::Error), ("warning", Level::Warning)]
        .into_iter()
        .find_map(|(word, level)| {
        let (place, rest) = line.split_once(&format!(": {word}"))?;
        Some((place, level, rest))
    })?;
    let place = place.trim();
    let (file, number, column) = match place.strip_suffix(')').and_then(|at| at.rsplit_once('(')) {
        Some((file, at)) => {
            let (number, column) = at.split_once(',').unwrap_or((at, ""));
            (file, number.parse().ok()?, column.parse().ok())
        }
        None => {
            let mut parts = place.rsplitn(3, ':');
            let (last, middle, first) = (parts.next()?, parts.next()?, parts.next());
            match (middle.parse(), first) {
                (Ok(number), Some(file)) => (file, number, last.parse().ok()),
                (Ok(_) | Err(_), _) => (place.rsplit_once(':')?.0, last.parse().ok()?, None),
            }
        }
    };
    if file.is_empty() || file.contains(' ') {
        return None;
    }
    let (code, message) = rest.split_once(':')?;
    let code = code.trim();
    // gcc, mypy and others name the rule at the end.
    let (message, at_end) = match message.trim().strip_suffix(']').and_then(|m| m.rsplit_once(" ["))
    {
        Some((message, rule)) => (message.trim(), rule),
        None => (message.trim(), ""),
    };
    let rule = [code, at_end].into_iter().find(|rule| !rule.is_empty()).unwrap_or("(no rule)");
    Some(Finding {
        level,
        rule: rule.to_owned(),
        message: message.to_owned(),
        file: Some(file.to_owned()),
        line: Some(number),
        column,
        fixable: false,
    })
}

/// `  1:5   error    Missing semicolon         semi`, below a line with the file.
fn stylish(line: &str, file: Option<&str>) -> Option<Finding> {
    let mut words = line.strip_prefix("  ")?.split_whitespace();
    let (number, column) = words.next()?.split_once(':')?;
    let level = match words.next()? {
        "error" => Level::Error,
        "warning" => Level::Warning,
        _ => return None,
    };
    let mut message: Vec<&str> = words.collect();
    let rule = message.pop()?.to_owned();
    Some(Finding {
        level,
        rule,
        message: message.join(" "),
        file: Some(file?.to_owned()),
        line: Some(number.parse().ok()?),
        column: column.parse().ok(),
        fixable: false,
    })
}
