//! Why a change was made: from the failing test over what was seen to the hunk.
//!
//! A model does not say what made it write a line. What is told here is what the trace shows: which
//! test failed, which finding names the file, which calls had shown the file before, what the gates
//! and the tests said after.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use session::{Finding, Verdict};

use crate::amount::{count, millis, money};
use crate::plain::{Plain, fit};
use crate::run::{Call, Hunk, Proposal, Run};
use crate::words::{round_word, tests_words};

/// The most calls that are shown as evidence of one hunk.
const EVIDENCE_MAX: usize = 6;
/// The most hunks that are explained.
const HUNKS_MAX: usize = 200;
/// The most tests that are named.
const TESTS_MAX: usize = 10;
/// Bytes around the mention of a file that are shown.
const EXCERPT_BYTES: usize = 160;
/// Columns of a line.
const COLUMNS: usize = 100;

/// A call that had shown the file before the patch was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The call, for people.
    pub call: String,
    /// The tool.
    pub tool: String,
    /// The number of the record that started it.
    pub seq: u64,
    /// Where it names the file.
    pub excerpt: String,
}

/// Why a hunk was written, as far as the trace shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trail {
    /// Which hunk of the patch, counted from 1.
    pub hunk: usize,
    /// The file.
    pub path: String,
    /// Its first line with the patch.
    pub line: u64,
    /// Its last line with the patch.
    pub last_line: u64,
    /// The tests that failed before: those that a finding on the file names, or all.
    pub tests: Vec<String>,
    /// What the analysis says of the file.
    pub findings: Vec<Finding>,
    /// Calls that had shown it.
    pub evidence: Vec<Evidence>,
    /// The call that proposed it.
    pub proposed: String,
    /// The number of the record that judged it.
    pub seq: u64,
    /// The model's reason.
    pub why: String,
    /// The gates that say something of the file, and those that refused.
    pub verdicts: Vec<Verdict>,
    /// What the tests said with the patch.
    pub after: Option<String>,
}

/// The trails of the hunks (the first 200) of the patch that left the gates; of the last that was judged where none
/// did.
pub fn trails(run: &Run) -> Vec<Trail> {
    let Some(patch) = run.patch().or(run.patches.last()) else { return Vec::new() };
    let mut seen: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
    let files = patch.changes.iter();
    let hunks = files.flat_map(|file| file.hunks.iter().map(move |hunk| (file.path(), hunk)));
    let numbered = hunks.zip(1..).take(HUNKS_MAX);
    numbered
        .map(|((path, hunk), number)| {
            let evidence = seen.entry(path).or_insert_with(|| evidence(run, patch, path)).clone();
            Trail { evidence, ..trail(run, patch, path, hunk, number) }
        })
        .collect()
}

fn trail(run: &Run, patch: &Proposal, path: &str, hunk: &Hunk, number: usize) -> Trail {
    let (before, after) = run.tests_before_and_after();
    let findings: Vec<Finding> = run
        .analysis
        .iter()
        .flat_map(|analysis| &analysis.findings)
        .filter(|finding| finding.file.as_deref().is_some_and(|file| same_file(file, path)))
        .cloned()
        .collect();
    let mut tests: Vec<String> =
        findings.iter().filter_map(|finding| finding.test.clone()).collect();
    if tests.is_empty() {
        let counts = before.and_then(|round| round.said.as_ref()?.counts.as_ref());
        tests = counts.map(|counts| counts.failing.clone()).unwrap_or_default();
    }
    tests.dedup();
    tests.truncate(TESTS_MAX);
    let verdicts = patch
        .verdicts
        .iter()
        .filter(|verdict| !verdict.passed || verdict.paths.iter().any(|named| named == path));
    Trail {
        hunk: number,
        path: path.to_owned(),
        line: hunk.new_line,
        last_line: hunk.last_new_line(),
        tests,
        findings,
        evidence: Vec::new(),
        proposed: patch.call.to_string(),
        seq: patch.seq,
        why: patch.why.text.clone(),
        verdicts: verdicts.cloned().collect(),
        after: after
            .and_then(|round| Some((round.round, round.said.as_ref()?)))
            .map(|(round, said)| format!("{}: {}", round_word(round), tests_words(said))),
    }
}

/// Whether two spellings name one file: a finding may say less of the path, or more.
fn same_file(one: &str, other: &str) -> bool {
    let below = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    !one.is_empty() && !other.is_empty() && (below(one, other) || below(other, one))
}

fn evidence(run: &Run, patch: &Proposal, path: &str) -> Vec<Evidence> {
    if path.is_empty() {
        return Vec::new();
    }
    let shown = run.calls.iter().filter(|call| call.seq < patch.seq).filter_map(|call| {
        let excerpt =
            excerpt(&call.output.text, path).or_else(|| excerpt(&call.arguments.text, path))?;
        let Call { name, tool, seq, .. } = call;
        Some(Evidence { call: name.clone(), tool: tool.clone(), seq: *seq, excerpt })
    });
    shown.take(EVIDENCE_MAX).collect()
}

/// What stands around the first mention of `path` in `text`.
fn excerpt(text: &str, path: &str) -> Option<String> {
    let at = text.find(path)?;
    let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let begin = boundary(at.saturating_sub(EXCERPT_BYTES / 4));
    let end = boundary((at + path.len() + EXCERPT_BYTES).min(text.len()));
    let (before, after) =
        (if begin > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
    Some(format!("{before}{}{after}", &text[begin..end]))
}

/// What is to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Every hunk of the patch, and the end of the run.
    Everything,
    /// One hunk of it, counted from 1.
    Hunk(usize),
    /// The record of this number, and what led to it.
    Record(u64),
}

/// Why things are as they are, in lines for people. None where there is no such hunk or record.
pub fn explain(run: &Run, subject: Subject) -> Option<String> {
    let mut page = String::new();
    let trails = trails(run);
    match subject {
        Subject::Everything => {
            if trails.is_empty() {
                page.push_str("no patch was proposed\n");
            }
            trails.iter().for_each(|trail| told(&mut page, trail));
            ending(&mut page, run);
        }
        Subject::Hunk(number) => told(&mut page, trails.get(number.checked_sub(1)?)?),
        Subject::Record(seq) => record(&mut page, run, seq)?,
    }
    Some(page)
}

fn told(page: &mut String, trail: &Trail) {
    let Trail { hunk, path, line, last_line, .. } = trail;
    let _ = writeln!(page, "hunk {hunk}: {}:{line}-{last_line}", Plain(path));
    let mut say = |word: &str, text: &str| {
        let _ = writeln!(page, "  {word:<10}  {}", fit(text, COLUMNS));
    };
    if trail.tests.is_empty() {
        say("test", "no failing test is named");
    }
    trail.tests.iter().for_each(|test| say("test", test));
    for finding in &trail.findings {
        let line = finding.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        say("finding", &format!("{}{line}", finding.title));
        if !finding.evidence.is_empty() {
            say("", &finding.evidence);
        }
    }
    for Evidence { call, tool, seq, excerpt } in &trail.evidence {
        say("seen", &format!("{call} {tool} (record {seq}): {excerpt}"));
    }
    say("proposed", &format!("{} (record {}): {}", trail.proposed, trail.seq, trail.why));
    for verdict in &trail.verdicts {
        let passed = if verdict.passed { "passed" } else { "refused" };
        say("gate", &format!("{} {passed}: {}", verdict.gate, verdict.because));
    }
    say("tests", trail.after.as_deref().unwrap_or("were not run with this patch"));
    page.push('\n');
}

fn ending(page: &mut String, run: &Run) {
    let Some(stop) = &run.stop else {
        page.push_str("the run has no end: its process died, or is still at work\n");
        return;
    };
    let spent = run.total().spend;
    let _ = writeln!(
        page,
        "stopped: {} in {}, after {}, {}",
        Plain(&stop.said),
        stop.phase,
        millis(stop.at),
        money(spent.0)
    );
    let bad = run.events.iter().rev().filter(|event| event.level > crate::run::Level::Plain);
    let mut last: Vec<_> = bad.take(EVIDENCE_MAX).collect();
    last.reverse();
    for event in last {
        let text = fit(&event.text, COLUMNS);
        let _ = writeln!(page, "  {:<10}  {text} (record {})", event.word, event.seq);
    }
}

/// A record, and those before it that belong to it: of the same call or turn, or what was heard.
fn record(page: &mut String, run: &Run, seq: u64) -> Option<()> {
    let at = run.events.iter().position(|event| event.seq == seq)?;
    let event = &run.events[at];
    let subject = |text: &str| {
        let mut words = text.split([' ', ':', ',']);
        let first = words.next().unwrap_or_default().to_owned();
        if first == "turn" { format!("turn {}", words.next().unwrap_or_default()) } else { first }
    };
    let ours = subject(&event.text);
    let before = run.events[..at].iter().rev();
    // The rules decide on what they heard last.
    let cause = before.clone().find(|earlier| earlier.kind == "heard").map(|found| found.seq);
    let mut led: Vec<_> = before
        .filter(|earlier| Some(earlier.seq) == cause || subject(&earlier.text) == ours)
        .take(EVIDENCE_MAX)
        .collect();
    led.reverse();
    let _ =
        writeln!(page, "record {seq}: {} {} {}", event.kind, event.word, fit(&event.text, COLUMNS));
    let _ = writeln!(page, "after {} of {}:", count(led.len() as u64, "record"), Plain(&ours));
    for earlier in led {
        let text = fit(&earlier.text, COLUMNS);
        let _ = writeln!(page, "  {:>6}  {:<10}  {text}", earlier.seq, earlier.word);
    }
    Some(())
}
