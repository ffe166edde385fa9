//! What pytest prints: sections with what failed, a list of it, and a line with totals.

use std::collections::{BTreeMap, BTreeSet};

use super::number::milliseconds;
use crate::report::{Case, Kind, Runner, Writer};
use crate::text::Head;

/// Whether the text has a line that only pytest writes.
pub(super) fn is_it(text: &str) -> bool {
    text.lines().any(|line| heading(line, '=').is_some_and(is_section) || totals(line).is_some())
}

fn is_section(title: &str) -> bool {
    matches!(title, "FAILURES" | "ERRORS" | "short test summary info" | "test session starts")
}

/// What stands between the signs of a heading: many on either side, or one where it is long.
fn heading(line: &str, sign: char) -> Option<&str> {
    let title = line.trim_start_matches(sign).strip_prefix(' ')?;
    let title = title.trim_end_matches(sign).strip_suffix(' ')?.trim();
    let is_rule = title.chars().all(|c| c == sign || c == ' ');
    (line.starts_with(sign) && line.ends_with(sign) && !is_rule).then_some(title)
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    errors: u64,
    skipped: u64,
    took_ms: Option<u64>,
}

/// `=== 3 failed, 4 passed, 1 skipped in 0.12s ===`, without the signs in quiet runs.
fn totals(line: &str) -> Option<Totals> {
    let line = line.trim_matches('=').trim();
    let (counts, time) = line.rsplit_once(" in ")?;
    let took = time.split_once('s')?.0;
    let mut totals = Totals { took_ms: Some(milliseconds(took)?), ..Totals::default() };
    if counts == "no tests ran" {
        return Some(totals);
    }
    for part in counts.split(", ") {
        let (count, what) = part.split_once(' ')?;
        let count: u64 = count.parse().ok()?;
        match what {
            "passed" | "xpassed" => totals.passed = totals.passed.saturating_add(count),
            "failed" => totals.failed = count,
            "error" | "errors" => totals.errors = count,
            "skipped" | "xfailed" => totals.skipped = totals.skipped.saturating_add(count),
            "rerun" | "deselected" | "warning" | "warnings" | "subtests passed" => {}
            _ => return None,
        }
    }
    Some(totals)
}

/// What one section of the text is about.
#[derive(Debug, Default)]
struct Told {
    kind: Kind,
    title: String,
    body: Head,
    output: Head,
}

#[derive(Debug, Default)]
struct Open {
    told: Vec<Told>,
    /// Lines of the list at the end: whether it is an error, the id, the message.
    listed: Vec<(Kind, String, String)>,
    totals: Option<Totals>,
}

/// Which part of the text a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Progress,
    Failures(Kind),
    /// What the test printed.
    Output(Kind),
    List,
}

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let mut open = Open::default();
    let mut part = Part::Progress;
    for line in text.lines() {
        part = open.line(line, part);
        // `platform linux -- Python 3.11.7, pytest-9.2.0, pluggy-1.6.0`
        if let Some((_, rest)) =
            line.split_once(", pytest-").filter(|_| line.starts_with("platform "))
        {
            let version = rest.split([',', ' ']).next().unwrap_or_default();
            to.tool(&format!("pytest {version}"));
        }
    }
    open.finish(to);
}

impl Open {
    /// A run is over; a log can have several.
    fn ran(&mut self, more: Totals) {
        let all = self.totals.get_or_insert_default();
        all.passed = all.passed.saturating_add(more.passed);
        all.failed = all.failed.saturating_add(more.failed);
        all.errors = all.errors.saturating_add(more.errors);
        all.skipped = all.skipped.saturating_add(more.skipped);
        let took = [all.took_ms, more.took_ms].into_iter().flatten().reduce(u64::saturating_add);
        all.took_ms = took;
    }

    fn line(&mut self, line: &str, part: Part) -> Part {
        if let Some(title) = heading(line, '=') {
            if let Some(totals) = totals(line) {
                self.ran(totals);
                return Part::Progress;
            }
            return match title {
                "FAILURES" => Part::Failures(Kind::Failure),
                "ERRORS" => Part::Failures(Kind::Error),
                "short test summary info" => Part::List,
                _ => Part::Progress,
            };
        }
        if let Part::Failures(kind) | Part::Output(kind) = part {
            if let Some(title) = heading(line, '_') {
                let title = title.to_owned();
                self.told.push(Told { kind, title, ..Told::default() });
                return Part::Failures(kind);
            }
            if heading(line, '-').is_some_and(|title| title.starts_with("Captured ")) {
                return Part::Output(kind);
            }
            if let Some(told) = self.told.last_mut() {
                let words =
                    if part == Part::Failures(kind) { &mut told.body } else { &mut told.output };
                words.push(line);
                words.push("\n");
            }
            // The list is left out with `-r N`; the totals then end the last section.
            if let Some(totals) = totals(line) {
                self.ran(totals);
            }
            return part;
        }
        if part == Part::List {
            for (word, kind) in [("FAILED ", Kind::Failure), ("ERROR ", Kind::Error)] {
                if let Some(rest) = line.strip_prefix(word) {
                    let (id, message) = rest.split_once(" - ").unwrap_or((rest, ""));
                    self.listed.push((kind, id.trim().to_owned(), message.to_owned()));
                }
            }
        }
        if let Some(totals) = totals(line) {
            self.ran(totals);
            return Part::Progress;
        }
        part
    }

    fn finish(self, to: &mut Writer<'_>) {
        let totals = self.totals;
        let (mut failed, mut errors) = (0, 0);
        for (kind, case, collection) in self.cases() {
            match kind {
                Kind::Failure => failed += 1,
                Kind::Error => errors += 1,
            }
            if collection { to.error(case) } else { to.failed(case) }
        }
        let Some(totals) = totals else {
            return to.broken(
                None,
                "has no line with totals: the run was ended, or the text is cut off",
            );
        };
        to.passed(totals.passed);
        to.skipped(totals.skipped);
        if let Some(ms) = totals.took_ms {
            to.took(ms);
        }
        let said = (totals.failed, totals.errors);
        if said != (failed, errors) {
            let (said, found) = (said.0.saturating_add(said.1), failed + errors);
            to.warn(None, format!("says {said} tests did not pass, and names {found}"));
        }
    }

    /// Each failure once: the list names it, and a section tells about it.
    fn cases(self) -> Vec<(Kind, Case, bool)> {
        let mut by_title: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        let order: Vec<String> = self.told.iter().map(|told| told.title.clone()).collect();
        for told in self.told {
            by_title.entry(told.title.clone()).or_default().push(told);
        }
        by_title.values_mut().for_each(|told| told.reverse());
        let mut cases = Vec::new();
        for (kind, id, message) in self.listed {
            let title = title_of(&id);
            let of_file = format!("ERROR collecting {id}");
            let titles = [
                title.clone(),
                format!("ERROR at setup of {title}"),
                format!("ERROR at teardown of {title}"),
                of_file.clone(),
            ];
            let found = titles.iter().find_map(|title| by_title.get_mut(title)?.pop());
            let collection = kind == Kind::Error && !id.contains("::");
            cases.push((kind, case(&id, kind, &message, found), collection));
        }
        // What no list names: it was switched off, or the text is cut off.
        let mut rest: BTreeSet<&String> = BTreeSet::new();
        for title in order.iter().filter(|title| rest.insert(title)) {
            while let Some(told) = by_title.get_mut(title).and_then(Vec::pop) {
                let kind = told.kind;
                let collection = title.starts_with("ERROR collecting ");
                cases.push((kind, case_of_section(title, told), collection));
            }
        }
        cases
    }
}

fn case(id: &str, kind: Kind, message: &str, told: Option<Told>) -> Case {
    let (suite, name) = split(id);
    let told = told.unwrap_or_default();
    let body = said(&told.body.0);
    // The list cuts messages to the width of the terminal.
    let title = if body.is_empty() { message.to_owned() } else { String::new() };
    let file = (!suite.is_empty()).then(|| id.split("::").next().unwrap_or_default().to_owned());
    let stdout = told.output.0;
    Case { runner: Runner::Pytest, suite, name, kind, file, title, body, stdout, ..Case::default() }
}

/// Only the name is known. A trace begins in the test's own file, but for that of a fixture.
fn case_of_section(title: &str, told: Told) -> Case {
    let name = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "]
        .iter()
        .find_map(|prefix| title.strip_prefix(prefix))
        .unwrap_or(title);
    let first = told.body.0.lines().find_map(|line| place(line).map(|(path, _)| path));
    let id = match first {
        Some(path) if !title.starts_with("ERROR ") => {
            format!("{path}::{}", name.replace('.', "::"))
        }
        Some(_) | None => name.to_owned(),
    };
    let kind = told.kind;
    case(&id, kind, "", Some(told))
}

/// The heading that a test gets: `TestA::test_b[1]` is `TestA.test_b[1]`.
fn title_of(id: &str) -> String {
    let (head, parameters) = id.split_at(id.find('[').unwrap_or(id.len()));
    let names: Vec<&str> = head.split("::").skip(1).collect();
    format!("{}{parameters}", names.join("."))
}

/// The part of an id that JUnit calls the class, with dots as pytest writes it there, and the test.
pub(super) fn split(id: &str) -> (String, String) {
    let (head, parameters) = id.split_at(id.find('[').unwrap_or(id.len()));
    match head.rsplit_once("::") {
        Some((suite, name)) => (suite.to_owned(), format!("{name}{parameters}")),
        None if head.ends_with(".py") => (id.to_owned(), "(collection)".to_owned()),
        None => (String::new(), id.to_owned()),
    }
}

/// `test_a.py:18: AssertionError`: where a frame of a section ends.
fn place(line: &str) -> Option<(&str, u32)> {
    let (path, rest) = line.split_once(".py:")?;
    let path = &line[..path.len() + 3];
    let number = rest.split_once(':').map_or(rest, |(number, _)| number);
    (!path.contains(' ')).then_some(())?;
    Some((path, number.parse().ok()?))
}

/// A section as the words of what went wrong and the frames as Python prints them.
pub(super) fn said(section: &str) -> String {
    let errors: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("E ").or_else(|| (line == "E").then_some("")))
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect();
    if errors.is_empty() {
        return section.trim().to_owned();
    }
    let frames = section.lines().filter_map(place);
    let frames: Vec<String> =
        frames.map(|(path, line)| format!("File \"{path}\", line {line}")).collect();
    format!("{}\n{}", errors.join("\n"), frames.join("\n"))
}
