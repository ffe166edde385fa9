//! What the tools' answers say. They are other people's words: whatever is missing, of another
//! type or too much is left out, and nothing here fails.

mod diff;
mod run;

use std::collections::BTreeSet;

use serde_json::Value;

use super::seen::{Answer, Seen};
use super::{paths, text};

pub(super) use diff::{About, Abouts, body};
pub(super) use run::{Outcome, Part, Run};

/// Most entries read of any list. Reports are cut by the tools long before.
const LIST_MAX: usize = 1_000;

/// Most failures read, and frames of a trace. What breaks more has the same few causes.
const FAILURES_MAX: usize = 200;
const TRACE_MAX: usize = 50;

/// Highest line. What is above is no line of a file that people read.
const LINE_MAX: u64 = 10_000_000;

/// Most characters kept of a text. A message that is longer is not read to its end by anyone.
const TEXT_CHARS_MAX: usize = 2_000;

/// The tools whose answers a triage rests on. The others only look closer.
const BASICS: &[&str] = &["test_summary", "changed_files", "dependency_graph"];

/// Everything the tools said.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The step's own run of the tests.
    pub(super) run: Option<Run>,
    pub(super) tests: Option<Tests>,
    pub(super) changes: Option<Changes>,
    pub(super) packages: Option<Packages>,
    pub(super) upgrades: Option<Upgrades>,
    /// Files that `list_files` found when there was nothing else to look at.
    pub(super) files: Vec<String>,
    /// Source that was read, in the order of the calls.
    pub(super) sources: Vec<Source>,
    /// Tools of [`BASICS`] that gave no usable answer, and why.
    pub(super) unanswered: Vec<(String, String)>,
}

/// What `test_summary` said.
#[derive(Debug, Default)]
pub(super) struct Tests {
    pub(super) verdict: String,
    pub(super) counts: Counts,
    pub(super) reports: usize,
    pub(super) failures: Vec<Failure>,
    pub(super) rerun: Vec<String>,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) tests: u64,
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) errors: u64,
    pub(super) skipped: u64,
}

/// A test that did not pass.
#[derive(Debug, Default)]
pub(super) struct Failure {
    pub(super) id: String,
    pub(super) suite: String,
    pub(super) name: String,
    pub(super) message: String,
    pub(super) expected: Option<String>,
    pub(super) actual: Option<String>,
    pub(super) place: Option<Place>,
    pub(super) trace: Vec<Place>,
    /// The functions of the trace, where it names them.
    pub(super) functions: Vec<String>,
}

/// A file, and perhaps a line of it, counted from 1. The file is as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: Option<u64>,
}

/// What `changed_files` said.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) base: Option<String>,
    pub(super) files: Vec<Changed>,
    pub(super) truncated: bool,
}

/// A file that differs from the base.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) path: String,
    pub(super) status: String,
    pub(super) added: u64,
    pub(super) removed: u64,
    /// First line in the head, and how many.
    pub(super) hunks: Vec<(u64, u64)>,
    /// What its change defines, or lies within.
    pub(super) about: Abouts,
}

/// What `dependency_graph` said of the whole.
#[derive(Debug, Default)]
pub(super) struct Packages {
    pub(super) lockfiles: Vec<String>,
    pub(super) count: u64,
    pub(super) duplicates: Vec<(String, Vec<String>)>,
    pub(super) warnings: Vec<String>,
}

/// What `dependency_graph` said of base and head.
#[derive(Debug, Default)]
pub(super) struct Upgrades {
    pub(super) base_present: bool,
    /// `name 1.0 → 2.0`, `+ name 1.0`, `- name 1.0`
    pub(super) changes: Vec<String>,
    pub(super) lockfiles: BTreeSet<String>,
}

/// Lines of a file that were read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) first: u64,
    pub(super) lines: Vec<String>,
}

impl Facts {
    pub(super) fn of(seen: &Seen<'_>) -> Self {
        let mut facts = Self::default();
        // The last answer counts, so calls are taken from the last on.
        for call in seen.calls().iter().rev() {
            let query = call.arguments.get("query").and_then(Value::as_str).unwrap_or("summary");
            let answer = match &call.answer {
                Answer::Object(answer) => answer,
                Answer::Nothing(why) => {
                    let unanswered = (call.tool.to_owned(), why.clone());
                    if BASICS.contains(&call.tool) && !facts.unanswered.contains(&unanswered) {
                        facts.unanswered.push(unanswered);
                    }
                    continue;
                }
            };
            match (call.tool, query) {
                (run::CALL, _) => keep(&mut facts.run, Run::of(answer)),
                ("test_summary", _) => keep(&mut facts.tests, Tests::of(answer)),
                ("changed_files", _) => keep(&mut facts.changes, Changes::of(answer)),
                ("dependency_graph", "summary") => keep(&mut facts.packages, Packages::of(answer)),
                ("dependency_graph", "changes") => keep(&mut facts.upgrades, Upgrades::of(answer)),
                ("list_files", _) => facts.files = texts(answer, "files"),
                ("read_file", _) => facts.sources.extend(Source::of(answer)),
                _ => {}
            }
        }
        facts.sources.reverse();
        facts.unanswered.reverse();
        facts.read_around_changes();
        facts
    }

    /// Takes from the sources that were read what the changes lie within.
    fn read_around_changes(&mut self) {
        let files = self.changes.as_mut().map(|changes| changes.files.as_mut_slice());
        for file in files.unwrap_or_default() {
            let mut about = Abouts::new();
            for source in self.sources.iter().filter(|source| source.path == file.path) {
                let is_changed = |line| file.touches(line);
                diff::enclosing(&source.lines, source.first, is_changed, |name, found| {
                    about.entry(name).or_insert(found);
                });
            }
            for (name, found) in about {
                file.about.entry(name).or_insert(found);
            }
        }
    }

    /// The changed file that somebody means by `file`: a path from the root, from within a
    /// package, or absolute.
    pub(super) fn changed(&self, file: &str) -> Option<&Changed> {
        let files = self.changes.as_ref().map(|changes| changes.files.as_slice())?;
        files.iter().find(|changed| means(file, &changed.path))
    }

    /// A line that was read, if it was.
    pub(super) fn line(&self, place: &Place) -> Option<&str> {
        let line = place.line?;
        self.sources.iter().filter(|source| source.path == place.file).find_map(|source| {
            let index = usize::try_from(line.checked_sub(source.first)?).ok()?;
            source.lines.get(index).map(String::as_str)
        })
    }
}

/// Whether `said` is `path`, or the end of one is the whole of the other.
pub(super) fn means(said: &str, path: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|rest| rest.ends_with(['/', '\\']))
    };
    !said.is_empty()
        && (said == path || ends(said, path) || (said.contains('/') && ends(path, said)))
}

fn keep<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

impl Tests {
    fn of(answer: &Value) -> Option<Self> {
        let verdict = string(answer, "verdict")?;
        let count = |key| answer.get("summary").and_then(|counts| number(counts, key));
        let counts = Counts {
            tests: count("tests").unwrap_or(0),
            passed: count("passed").unwrap_or(0),
            failed: count("failed").unwrap_or(0),
            errors: count("errors").unwrap_or(0),
            skipped: count("skipped").unwrap_or(0),
        };
        Some(Self {
            verdict,
            counts,
            reports: list(answer, "reports").count(),
            failures: list(answer, "failures").take(FAILURES_MAX).map(Failure::of).collect(),
            rerun: texts(answer, "rerun"),
            warnings: warnings(answer),
        })
    }

    /// Tests that did not pass, by the counts or by the list, whichever has more.
    pub(super) fn bad(&self) -> u64 {
        let listed = u64::try_from(self.failures.len()).unwrap_or(u64::MAX);
        self.counts.failed.saturating_add(self.counts.errors).max(listed)
    }
}

impl Failure {
    fn of(failure: &Value) -> Self {
        let text = |key| string(failure, key).unwrap_or_default();
        let frames = || list(failure, "trace").take(TRACE_MAX);
        let (id, name) = (text("id"), text("name"));
        let name = if name.is_empty() { id.clone() } else { name };
        Self {
            id: if id.is_empty() { name.clone() } else { id },
            suite: text("suite"),
            message: text("message"),
            expected: string(failure, "expected"),
            actual: string(failure, "actual"),
            place: Place::of(failure),
            trace: frames().filter_map(Place::of).collect(),
            functions: frames().filter_map(|frame| string(frame, "function")).collect(),
            name,
        }
    }

    /// Whether it is no test, but code that cannot be built.
    pub(super) fn is_build(&self) -> bool {
        self.name.starts_with("error") && self.message.contains(&self.name)
    }

    /// The name of the function, without its path and its parameters.
    pub(super) fn function(&self) -> &str {
        let name = self.name.split(['[', '(']).next().unwrap_or_default();
        name.rsplit(['.', ':', '>', '#', '/', ' '])
            .find(|part| !part.is_empty())
            .unwrap_or_default()
    }
}

impl Place {
    /// An object with `file` and `line`, or a text with `file:line` in it.
    fn of(value: &Value) -> Option<Self> {
        if let Some(frame) = value.as_str() {
            return frame.split([' ', '(', ')', '"', ',', '\t']).find_map(Self::parse);
        }
        let file = string(value, "file").filter(|file| !file.is_empty())?;
        Some(Self { file, line: number(value, "line").filter(|line| is_line(*line)) })
    }

    fn parse(word: &str) -> Option<Self> {
        let word: String = word.chars().take(TEXT_CHARS_MAX).collect();
        let mut parts = word.split(':').peekable();
        let file = parts.next().filter(|file| file.contains('.'))?;
        let line = parts.next()?.parse().ok().filter(|line| is_line(*line))?;
        Some(Self { file: file.to_owned(), line: Some(line) })
    }
}

impl Changes {
    fn of(answer: &Value) -> Option<Self> {
        answer.get("files").and_then(Value::as_array)?;
        let mut files: Vec<Changed> = list(answer, "files").filter_map(Changed::of).collect();
        let diff = answer.get("diff").and_then(Value::as_str).unwrap_or_default();
        diff::definitions(diff, |path, name, about| {
            if let Some(file) = files.iter_mut().find(|file| file.path == path) {
                file.about.entry(name).or_insert(about);
            }
        });
        let truncated = answer.get("truncated").and_then(Value::as_bool).unwrap_or(false);
        Some(Self { base: string(answer, "base"), files, truncated })
    }
}

impl Changed {
    fn of(file: &Value) -> Option<Self> {
        let path = string(file, "path")
            .filter(|path| text::is_plain_path(path) && !paths::is_ours(path))?;
        let hunk = |hunk: &Value| {
            let start = number(hunk, "start").filter(|start| *start <= LINE_MAX)?;
            Some((start, number(hunk, "lines")?))
        };
        Some(Self {
            path,
            status: string(file, "status").unwrap_or_default(),
            added: number(file, "added").unwrap_or(0),
            removed: number(file, "removed").unwrap_or(0),
            hunks: list(file, "hunks").filter_map(hunk).collect(),
            about: Abouts::new(),
        })
    }

    /// Whether there is a change of which it is not known what it is about.
    pub(super) fn has_unclear_hunks(&self) -> bool {
        let is_clear = |start: u64, lines: u64| {
            let hunk = start..start.saturating_add(lines.max(1));
            self.about.values().any(|about| hunk.contains(&about.line))
        };
        self.hunks.iter().any(|(start, lines)| !is_clear((*start).max(1), *lines))
    }

    /// The changed line that is nearest to a line.
    pub(super) fn nearest(&self, line: u64) -> Option<u64> {
        let nearest = |(start, lines): &(u64, u64)| {
            let first = (*start).max(1);
            line.clamp(first, first.saturating_add(lines.saturating_sub(1)))
        };
        self.hunks.iter().map(nearest).min_by_key(|changed| changed.abs_diff(line))
    }

    /// Whether a line of the head is one that changed.
    pub(super) fn touches(&self, line: u64) -> bool {
        let holds = |(start, lines): &(u64, u64)| {
            (*start..start.saturating_add((*lines).max(1))).contains(&line)
        };
        self.hunks.iter().any(holds)
    }

    pub(super) fn lines(&self) -> u64 {
        self.added.saturating_add(self.removed)
    }
}

impl Packages {
    fn of(answer: &Value) -> Option<Self> {
        answer.get("lockfiles").and_then(Value::as_array)?;
        let duplicate = |entry: &Value| Some((string(entry, "name")?, texts(entry, "versions")));
        Some(Self {
            lockfiles: list(answer, "lockfiles").filter_map(|file| string(file, "path")).collect(),
            count: number(answer, "packages").unwrap_or(0),
            duplicates: list(answer, "duplicates").filter_map(duplicate).collect(),
            warnings: warnings(answer),
        })
    }
}

impl Upgrades {
    fn of(answer: &Value) -> Option<Self> {
        let base_present = answer.get("base_present").and_then(Value::as_bool)?;
        let entries = |key| list(answer, key);
        let text = |entry: &Value, key| string(entry, key).unwrap_or_else(|| "?".to_owned());
        let named = |sign: &str, entry: &Value| {
            format!("{sign} {} {}", text(entry, "name"), text(entry, "version"))
        };
        let changed = entries("changed").map(|entry| {
            let [name, from, to] = ["name", "from", "to"].map(|key| text(entry, key));
            format!("{name} {from} → {to}")
        });
        let added = entries("added").map(|entry| named("+", entry));
        let removed = entries("removed").map(|entry| named("-", entry));
        let all = ["changed", "added", "removed"].into_iter().flat_map(entries);
        Some(Self {
            base_present,
            changes: changed.chain(added).chain(removed).collect(),
            lockfiles: all.filter_map(|entry| string(entry, "lockfile")).collect(),
        })
    }
}

impl Source {
    fn of(answer: &Value) -> Option<Self> {
        let text = answer.get("text").and_then(Value::as_str)?;
        Some(Self {
            path: string(answer, "path")?,
            first: number(answer, "start_line").filter(|first| *first > 0)?,
            lines: text.lines().take(LIST_MAX).map(str::to_owned).collect(),
        })
    }
}

fn string(value: &Value, key: &str) -> Option<String> {
    let text = value.get(key)?.as_str()?;
    Some(text.chars().take(TEXT_CHARS_MAX).collect())
}

pub(super) fn is_line(line: u64) -> bool {
    (1..=LINE_MAX).contains(&line)
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().take(LIST_MAX)
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let text = |entry: &Value| Some(entry.as_str()?.chars().take(TEXT_CHARS_MAX).collect());
    list(value, key).filter_map(text).collect()
}

/// Warnings of a tool: texts, or objects with a path and a reason.
fn warnings(answer: &Value) -> Vec<String> {
    let warning = |entry: &Value| match (entry.as_str(), string(entry, "reason")) {
        (Some(text), _) => Some(text.chars().take(TEXT_CHARS_MAX).collect()),
        (None, Some(reason)) => match string(entry, "path") {
            Some(path) => Some(format!("{path}: {reason}")),
            None => Some(reason),
        },
        (None, None) => None,
    };
    list(answer, "warnings").filter_map(warning).collect()
}
