//! What to ask next: first what the context lacks, then the source around each failure.

use serde_json::{Value, json};

use super::facts::{Changed, Facts, Failure, Place, is_line, means};
use super::seen::{Answer, Seen};
use super::{paths, report, text};

/// Most failures that are looked at closely. They are listed all; the first ones are shown with
/// their source.
const FAILURES_LOOKED_MAX: usize = 5;

/// Most calls of a turn: what a host runs side by side without queueing much.
const CALLS_A_TURN_MAX: usize = 10;

/// Most calls of a conversation, the host's own included, after which the analyst submits.
const CALLS_MAX: usize = 60;

/// Most turns in which it asks: what is missing, where it is, what it says, and one to spare.
const TURNS_MAX: u32 = 4;

/// Lines read on each side of a place.
const AROUND: u64 = 20;

/// Most changed files that are read to see what their changes lie within.
const CHANGES_LOOKED_MAX: usize = 5;

/// Lines read above the first change of a file: the function around it begins within them.
const ABOVE: u64 = 200;

/// Most lines read of a changed file.
const CHANGED_LINES_MAX: u64 = 600;

/// Most matches of a search that are looked at.
const MATCHES: u64 = 10;

/// A call to make.
#[derive(Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
}

/// What to ask next; nothing when it is time to submit.
pub(super) fn next(seen: &Seen<'_>, facts: &Facts) -> Vec<Ask> {
    if seen.is_urged() || seen.turn() >= TURNS_MAX || seen.calls().len() >= CALLS_MAX {
        return Vec::new();
    }
    let basics = basics(seen);
    let wanted = if basics.is_empty() { closer(seen, facts) } else { basics };
    let mut asks: Vec<Ask> = Vec::new();
    for ask in wanted {
        if seen.offers(ask.tool) && !was_asked(seen, &ask) && !asks.contains(&ask) {
            asks.push(ask);
        }
    }
    asks.truncate(CALLS_A_TURN_MAX);
    asks
}

fn was_asked(seen: &Seen<'_>, ask: &Ask) -> bool {
    seen.calls_of(ask.tool).any(|call| call.arguments == ask.arguments)
}

/// What every triage begins with, as far as nobody has asked it in any form.
fn basics(seen: &Seen<'_>) -> Vec<Ask> {
    let asked = |tool: &str| seen.calls_of(tool).next().is_some();
    let queried = |query: &str| {
        let query_of = |arguments: &Value| {
            arguments.get("query").and_then(Value::as_str).unwrap_or("summary") == query
        };
        seen.calls_of("dependency_graph").any(|call| query_of(&call.arguments))
    };
    let all = [
        (Ask { tool: "test_summary", arguments: json!({}) }, asked("test_summary")),
        (Ask { tool: "changed_files", arguments: json!({}) }, asked("changed_files")),
        (graph("summary"), queried("summary")),
        (graph("changes"), queried("changes")),
    ];
    let missing = all.into_iter().filter(|(ask, asked)| seen.offers(ask.tool) && !asked);
    missing.map(|(ask, _)| ask).collect()
}

fn graph(query: &str) -> Ask {
    Ask { tool: "dependency_graph", arguments: json!({ "query": query }) }
}

/// What the answers so far make worth asking.
fn closer(seen: &Seen<'_>, facts: &Facts) -> Vec<Ask> {
    let is_lost = facts.tests.is_none() && facts.changes.is_none() && facts.packages.is_none();
    if is_lost && facts.run.is_none() {
        let patterns = ["README*", "*.toml", "*.json", "*.md", "Makefile", "src/**"];
        return vec![Ask {
            tool: "list_files",
            arguments: json!({ "patterns": patterns, "max": 100 }),
        }];
    }
    let failures = facts.tests.as_ref().map(|tests| tests.failures.as_slice()).unwrap_or_default();
    let places =
        failures.iter().take(FAILURES_LOOKED_MAX).flat_map(|failure| around(seen, facts, failure));
    report::ask(seen, facts).into_iter().chain(places).chain(changes(facts, failures)).collect()
}

/// What to read of the changed files, where the diff does not say what its hunks lie within: of
/// those nearest to where the reports say that tests fail. Which
/// these are does not depend on what was read since, so that it stays with them.
fn changes(facts: &Facts, failures: &[Failure]) -> Vec<Ask> {
    let Some(changes) = facts.changes.as_ref().filter(|_| !failures.is_empty()) else {
        return Vec::new();
    };
    let reported = || failures.iter().take(FAILURES_LOOKED_MAX);
    let places = || reported().flat_map(|failure| failure.place.iter().chain(&failure.trace));
    let depth = |file: &Changed| {
        places().map(|place| paths::common_depth(&place.file, &file.path)).max().unwrap_or(0)
    };
    let is_wanted = |file: &&Changed| paths::is_code(&file.path) && file.status != "deleted";
    let mut files: Vec<_> = changes.files.iter().filter(is_wanted).collect();
    files.sort_by_cached_key(|file| {
        (paths::is_test(&file.path), std::cmp::Reverse(depth(file)), file.path.as_str())
    });
    let unclear =
        files.into_iter().take(CHANGES_LOOKED_MAX).filter(|file| file.has_unclear_hunks());
    unclear.filter_map(read_changed).collect()
}

fn read_changed(file: &Changed) -> Option<Ask> {
    let starts = || file.hunks.iter().map(|(start, _)| (*start).max(1));
    let ends = file.hunks.iter().map(|(start, lines)| start.saturating_add(*lines).max(1));
    let first = starts().min()?.saturating_sub(ABOVE).max(1);
    let last = ends.max()?.min(first.saturating_add(CHANGED_LINES_MAX - 1));
    let arguments = json!({ "path": file.path, "start_line": first, "end_line": last });
    Some(Ask { tool: "read_file", arguments })
}

/// What to read or search for one failure.
fn around(seen: &Seen<'_>, facts: &Facts, failure: &Failure) -> Vec<Ask> {
    let place = locate(seen, facts, failure);
    let in_change = failure.trace.iter().find_map(|frame| {
        let file = facts.changed(&frame.file)?.path.clone();
        Some(Place { file, line: frame.line })
    });
    let places = place.iter().chain(&in_change).filter_map(read_around);
    let search = match &place {
        Some(Place { line: Some(_), .. }) => None,
        Some(Place { line: None, .. }) | None => search_for(failure),
    };
    places.chain(search).collect()
}

fn read_around(place: &Place) -> Option<Ask> {
    let line = place.line?;
    let (first, last) = (line.saturating_sub(AROUND).max(1), line.saturating_add(AROUND));
    let arguments = json!({ "path": place.file, "start_line": first, "end_line": last });
    Some(Ask { tool: "read_file", arguments })
}

fn search_for(failure: &Failure) -> Option<Ask> {
    const NAME_CHARS_MIN: usize = 4;
    let name = failure.function();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let fits = (NAME_CHARS_MIN..=200).contains(&name.chars().count()) && name.chars().all(is_name);
    let arguments = json!({ "pattern": name, "literal": true, "max_matches": MATCHES });
    fits.then_some(Ask { tool: "search_text", arguments })
}

/// Where a failure is, as a path that a tool can be asked for: as the report says, by its trace,
/// or by a search for the test's name.
pub(super) fn locate(seen: &Seen<'_>, facts: &Facts, failure: &Failure) -> Option<Place> {
    let own = |place: &Place| own(facts, place).filter(|place| !was_refused(seen, place));
    let reported = failure.place.as_ref().and_then(own);
    let traced = || failure.trace.iter().find_map(own);
    let known = match reported {
        // A file without a line: perhaps the trace goes through it.
        Some(Place { file, line: None }) => {
            let frame = failure.trace.iter().filter_map(own).find(|frame| frame.file == file);
            frame.or(Some(Place { file, line: None }))
        }
        known => known.or_else(traced),
    };
    match known {
        Some(Place { line: Some(_), .. }) => known,
        Some(_) | None => found(seen, failure).or(known),
    }
}

/// Whether the file of a place could not be read: then the report means another one.
fn was_refused(seen: &Seen<'_>, place: &Place) -> bool {
    let asks =
        |arguments: &Value| arguments.get("path").and_then(Value::as_str) == Some(&place.file);
    let refused = |answer: &Answer| matches!(answer, Answer::Nothing(_));
    seen.calls_of("read_file").any(|call| asks(&call.arguments) && refused(&call.answer))
}

/// A place within the repository; none for what belongs to a toolchain or a package.
fn own(facts: &Facts, place: &Place) -> Option<Place> {
    const FOREIGN: &[&str] = &[
        "node_modules/",
        "site-packages/",
        "dist-packages/",
        ".cargo/registry/",
        "vendor/",
        "/rustc/",
    ];
    if FOREIGN.iter().any(|part| place.file.contains(part)) {
        return None;
    }
    let file = match facts.changed(&place.file) {
        Some(changed) => changed.path.clone(),
        None => place.file.strip_prefix("./").unwrap_or(&place.file).to_owned(),
    };
    text::is_plain_path(&file).then_some(Place { file, line: place.line })
}

/// The line that defines a test, by the answer of the search for its name: in the file that the
/// report means if there is one, else where the line looks like a definition.
fn found(seen: &Seen<'_>, failure: &Failure) -> Option<Place> {
    const DEFINES: &[&str] = &["fn ", "def ", "func ", "function ", "void ", "it(", "test("];
    let ask = search_for(failure)?;
    let call = seen.calls_of(ask.tool).find(|call| call.arguments == ask.arguments)?;
    let Answer::Object(answer) = &call.answer else { return None };
    let all = || matches(answer).take(usize::try_from(MATCHES).unwrap_or(usize::MAX));
    let defines = |one: &Match<'_>| DEFINES.iter().any(|word| one.text.contains(word));
    let is_meant = |one: &Match<'_>| {
        let is_end =
            |file: &str| one.path.strip_suffix(file).is_some_and(|rest| rest.ends_with('/'));
        let place = failure.place.as_ref();
        place.is_some_and(|place| means(&place.file, one.path) || is_end(&place.file))
    };
    let meant = all().filter(is_meant).find(defines).or_else(|| all().find(is_meant));
    let is_found = meant.is_some();
    let best = meant.or_else(|| all().find(defines)).or_else(|| all().next())?;
    let file = Some(best.path.to_owned()).filter(|path| text::is_plain_path(path))?;
    let reported = failure.place.as_ref().filter(|_| is_found).and_then(|place| place.line);
    let line = reported.or(best.line.filter(|line| is_line(*line)))?;
    Some(Place { file, line: Some(line) })
}

/// A line that a search found.
struct Match<'a> {
    path: &'a str,
    text: &'a str,
    line: Option<u64>,
}

/// What a search found, the most telling first, as the tool says it: by file.
fn matches(answer: &Value) -> impl Iterator<Item = Match<'_>> {
    fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
        value.get(key).and_then(Value::as_array).into_iter().flatten()
    }
    fn word<'v>(value: &'v Value, key: &str) -> &'v str {
        value.get(key).and_then(Value::as_str).unwrap_or_default()
    }
    list(answer, "files").flat_map(|file| {
        list(file, "matches").map(move |one| Match {
            path: word(file, "path"),
            text: word(one, "text"),
            line: one.get("line").and_then(Value::as_u64),
        })
    })
}
