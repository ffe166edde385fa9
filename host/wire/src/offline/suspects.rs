//! Which change may have broken what: changed files, ranked by evidence that can be pointed at.

use std::collections::BTreeSet;

use super::facts::{Changed, Facts, Failure, Place, means};
use super::look;
use super::seen::Seen;
use super::text::quoted;

/// Most failures that are held against the changes. More have the same few causes.
const FAILURES_MAX: usize = 50;

/// Most suspects. Behind the third nobody looks.
const SUSPECTS_MAX: usize = 3;

/// Most reasons given for one.
const REASONS_MAX: usize = 4;

/// A changed file that evidence ties to a failure.
#[derive(Debug)]
pub(super) struct Suspect<'f> {
    pub(super) file: &'f Changed,
    /// Where to look: the line of a trace, or the first that changed.
    pub(super) line: Option<u64>,
    /// What ties it, strongest first; in words.
    pub(super) reasons: Vec<String>,
    /// How many failures it is tied to.
    pub(super) failures: u64,
    score: u32,
}

/// What ties a changed file to a failure, strongest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Clue {
    /// A line of the trace is a line that changed.
    TraceInChange(u64),
    /// The trace goes through the file.
    Trace(Option<u64>),
    /// The test is in the file.
    Home,
    /// The test's source, message or trace has a name that the change defines.
    Defines(String),
    /// The message names the file.
    Message,
    /// File and test are called alike.
    Alike,
    /// The test's source, message or trace has the file's name as a word.
    Mentions(String),
}

impl Clue {
    fn weight(&self) -> u32 {
        match self {
            Self::TraceInChange(_) => 8,
            Self::Trace(_) => 5,
            Self::Home => 4,
            Self::Defines(_) | Self::Message => 3,
            Self::Alike | Self::Mentions(_) => 2,
        }
    }

    fn reason(&self, failure: &Failure) -> String {
        let test = quoted(&failure.name, 80);
        match self {
            Self::TraceInChange(line) => {
                format!("the trace of {test} goes through line {line}, which changed")
            }
            Self::Trace(Some(line)) => format!("the trace of {test} goes through line {line}"),
            Self::Trace(None) => format!("the trace of {test} goes through it"),
            Self::Home => format!("{test} is in it"),
            Self::Defines(name) => {
                format!("its change is about {}, which {test} mentions", quoted(name, 80))
            }
            Self::Message => format!("the message of {test} names it"),
            Self::Alike => format!("it is named like {test}"),
            Self::Mentions(word) => {
                format!("{test} mentions {}, which it is named after", quoted(word, 80))
            }
        }
    }
}

impl Suspect<'_> {
    /// How sure it is that the change has to do with the failures.
    pub(super) fn confidence(&self) -> &'static str {
        match self.score {
            8.. => "high",
            4.. => "medium",
            _ => "low",
        }
    }
}

/// The changed files with the strongest ties to the failures.
pub(super) fn rank<'f>(seen: &Seen<'_>, facts: &'f Facts) -> Vec<Suspect<'f>> {
    let (Some(tests), Some(changes)) = (&facts.tests, &facts.changes) else {
        return Vec::new();
    };
    let failures: Vec<Scene<'_>> = tests
        .failures
        .iter()
        .take(FAILURES_MAX)
        .map(|failure| Scene::of(seen, facts, failure))
        .collect();
    let mut suspects: Vec<Suspect<'_>> =
        changes.files.iter().filter_map(|file| suspect(file, &failures)).collect();
    suspects.sort_by(|a, b| {
        (b.score, b.failures)
            .cmp(&(a.score, a.failures))
            .then_with(|| a.file.path.cmp(&b.file.path))
    });
    suspects.truncate(SUSPECTS_MAX);
    suspects
}

fn suspect<'f>(file: &'f Changed, failures: &[Scene<'_>]) -> Option<Suspect<'f>> {
    let (mut score, mut tied, mut reasons) = (0, 0, Vec::new());
    let mut line = file.hunks.first().map(|(start, _)| (*start).max(1));
    for scene in failures {
        let clues = scene.clues(file);
        let sum = clues.iter().map(Clue::weight).sum();
        tied += u64::from(sum > 0);
        if let (true, Some(Clue::TraceInChange(at))) = (sum > score, clues.first()) {
            line = Some(*at);
        }
        score = score.max(sum);
        reasons.extend(clues.iter().map(|clue| (clue.clone(), clue.reason(scene.failure))));
    }
    reasons.sort();
    reasons.dedup();
    reasons.truncate(REASONS_MAX);
    let reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
    (score > 0).then_some(Suspect { file, line, reasons, failures: tied, score })
}

/// A failure, and what is known around it.
struct Scene<'f> {
    failure: &'f Failure,
    place: Option<Place>,
    /// Every word of its message, trace and source.
    words: BTreeSet<&'f str>,
    /// What it and its file are called.
    names: BTreeSet<String>,
}

impl<'f> Scene<'f> {
    fn of(seen: &Seen<'_>, facts: &'f Facts, failure: &'f Failure) -> Self {
        let place = look::locate(seen, facts, failure);
        let said = failure.functions.iter().chain([&failure.message]);
        let mut words: BTreeSet<&str> = said.flat_map(|text| self::words(text)).collect();
        let file = place.as_ref().map(|place| place.file.as_str());
        let sources = facts.sources.iter().filter(|source| Some(source.path.as_str()) == file);
        sources.flat_map(|source| &source.lines).for_each(|line| words.extend(self::words(line)));

        // A file that only a trace names is not what the test is called after.
        let is_own = failure.place.is_some() || failure.trace.is_empty();
        let mut names: BTreeSet<String> = file.filter(|_| is_own).map(stem).into_iter().collect();
        let parts = [&failure.suite, &failure.name].into_iter().flat_map(|text| self::words(text));
        names.extend(parts.map(stem));
        Self { failure, place, words, names }
    }

    fn clues(&self, file: &Changed) -> Vec<Clue> {
        let mut clues = Vec::new();
        let frames = self.failure.trace.iter().chain(&self.failure.place);
        let mut through = frames.filter(|frame| means(&frame.file, &file.path)).peekable();
        let first = through.peek().map(|frame| frame.line);
        match (through.filter_map(|frame| frame.line).find(|line| file.touches(*line)), first) {
            (Some(line), _) => clues.push(Clue::TraceInChange(line)),
            (None, Some(line)) if !self.is_home(file) => clues.push(Clue::Trace(line)),
            (None, _) => {}
        }
        if self.is_home(file) {
            clues.push(Clue::Home);
        }
        if let Some(name) = file.defines.iter().find(|name| self.words.contains(name.as_str())) {
            clues.push(Clue::Defines(name.clone()));
        }
        if self.failure.message.contains(&file.path) {
            clues.push(Clue::Message);
        }
        let stem = stem(&file.path);
        if !self.is_home(file) && self.names.contains(&stem) {
            clues.push(Clue::Alike);
        } else if !self.is_home(file) && self.words.contains(stem.as_str()) {
            clues.push(Clue::Mentions(stem));
        }
        clues
    }

    /// Whether the test itself is in the file. Where only a trace says where it failed, that is
    /// not known.
    fn is_home(&self, file: &Changed) -> bool {
        let reported = self.failure.place.as_ref();
        let is_here = |place: &Place| place.file == file.path;
        match reported {
            Some(reported) => means(&reported.file, &file.path),
            None => self.failure.trace.is_empty() && self.place.as_ref().is_some_and(is_here),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// What a file or a module is about: its last name, without what says that it is a test. Names
/// that every project has are about nothing.
fn stem(path: &str) -> String {
    const EVERYWHERE: &[&str] = &[
        "lib", "mod", "main", "index", "init", "__init__", "tests", "test", "util", "utils", "src",
    ];
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default().to_lowercase();
    let bare =
        ["test_", "tests_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name);
    let bare = ["_test", "_tests", "_spec", "-test"]
        .iter()
        .find_map(|end| bare.strip_suffix(end))
        .unwrap_or(bare);
    // What is too short or too common gets a name that nothing else has.
    if bare.len() < 3 || EVERYWHERE.contains(&bare) { path.to_owned() } else { bare.to_owned() }
}
