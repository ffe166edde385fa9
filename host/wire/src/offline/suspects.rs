//! Which change may have broken what: changed files, ranked by evidence that can be pointed at.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::facts::{About, Changed, Facts, Failure, Place, body, means};
use super::seen::Seen;
use super::text::quoted;
use super::{look, paths};

/// Most failures that are held against the changes. More have the same few causes.
const FAILURES_MAX: usize = 50;

/// Most suspects. Behind the third nobody looks.
const SUSPECTS_MAX: usize = 3;

/// Most reasons given for one.
const REASONS_MAX: usize = 4;

/// The weight of being in the same package: less than that of any tie.
const NEIGHBOUR: u32 = 1;

/// A changed file that evidence ties to a failure.
#[derive(Debug)]
pub(super) struct Suspect<'f> {
    pub(super) file: &'f Changed,
    /// Where to look: the line that the strongest tie means, or the first that changed.
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
    /// The trace goes through the file; the changed line that is nearest to it.
    Trace(Option<u64>, Option<u64>),
    /// The test is in the file; the changed line that is nearest to it.
    Home(Option<u64>),
    /// The test's source has a name that the change defines or lies within, at a line.
    Calls(String, u64),
    /// The test's message or trace has such a name.
    Says(String, u64),
    /// The message names the file.
    Message,
    /// File and test are called alike.
    Alike,
    /// The test's source, message or trace has the file's name as a word.
    Mentions(String),
    /// It is only of the same package, in this folder.
    Neighbour(String),
}

impl Clue {
    fn weight(&self) -> u32 {
        match self {
            Self::TraceInChange(_) => 8,
            Self::Trace(..) => 5,
            Self::Home(_) | Self::Calls(..) => 4,
            Self::Says(..) | Self::Message => 3,
            Self::Alike | Self::Mentions(_) => 2,
            Self::Neighbour(_) => NEIGHBOUR,
        }
    }

    /// The changed line that it points at.
    fn line(&self) -> Option<u64> {
        match self {
            Self::TraceInChange(line) | Self::Calls(_, line) | Self::Says(_, line) => Some(*line),
            Self::Trace(_, near) | Self::Home(near) => *near,
            Self::Message | Self::Alike | Self::Mentions(_) | Self::Neighbour(_) => None,
        }
    }

    fn reason(&self, failure: &Failure) -> String {
        let test = quoted(&failure.name, 80);
        match self {
            Self::TraceInChange(line) => {
                format!("the trace of {test} goes through line {line}, which changed")
            }
            Self::Trace(Some(line), _) => format!("the trace of {test} goes through line {line}"),
            Self::Trace(None, _) => format!("the trace of {test} goes through it"),
            Self::Home(_) => format!("{test} is in it"),
            Self::Calls(name, line) => {
                let name = quoted(name, 80);
                format!("its change in line {line} is about {name}, which {test} mentions")
            }
            Self::Says(name, line) => {
                let name = quoted(name, 80);
                format!(
                    "its change in line {line} is about {name}, which the message or trace of {test} names"
                )
            }
            Self::Message => format!("the message of {test} names it"),
            Self::Alike => format!("it is named like {test}"),
            Self::Mentions(word) => {
                format!("{test} mentions {}, which it is named after", quoted(word, 80))
            }
            Self::Neighbour(package) => {
                format!(
                    "it is source of the same package as {test} ({package}); nothing else ties them"
                )
            }
        }
    }
}

impl Suspect<'_> {
    /// Whether nothing ties it but the package that it is in.
    pub(super) fn is_neighbour(&self) -> bool {
        self.score <= NEIGHBOUR
    }

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
        .map(|failure| Scene::of(seen, facts, failure).beside(&changes.files))
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
        if sum > score {
            line = clues.iter().find_map(Clue::line).or(line);
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
    /// Every word of its message and trace.
    said: BTreeSet<&'f str>,
    /// Every word of its own source.
    source: BTreeSet<&'f str>,
    /// Every word of the source around it.
    around: BTreeSet<&'f str>,
    /// What it and its file are called.
    names: BTreeSet<String>,
    /// Where nothing ties it to any change: how deep the nearest source of its package lies.
    nearest: Option<usize>,
}

impl<'f> Scene<'f> {
    fn of(seen: &Seen<'_>, facts: &'f Facts, failure: &'f Failure) -> Self {
        let place = look::locate(seen, facts, failure);
        let said = failure.functions.iter().chain([&failure.message]);
        let said = said.flat_map(|text| words(text)).collect();
        let file = place.as_ref().map(|place| place.file.as_str());
        let line = place.as_ref().and_then(|place| place.line);
        let (mut source, mut around) = (BTreeSet::new(), BTreeSet::new());
        for read in facts.sources.iter().filter(|read| Some(read.path.as_str()) == file) {
            around.extend(read.lines.iter().flat_map(|text| words(text)));
            let at = line.and_then(|line| usize::try_from(line.checked_sub(read.first)?).ok());
            let at = at.filter(|at| *at < read.lines.len());
            let own = at.and_then(|at| read.lines.get(body(&read.lines, at)));
            source.extend(own.unwrap_or_default().iter().flat_map(|text| words(text)));
        }

        // A file that only a trace names is not what the test is called after.
        let is_own = failure.place.is_some() || failure.trace.is_empty();
        let mut names: BTreeSet<String> = file.filter(|_| is_own).map(stem).into_iter().collect();
        let parts = [&failure.suite, &failure.name].into_iter().flat_map(|text| self::words(text));
        names.extend(parts.map(stem));
        Self { failure, place, said, source, around, names, nearest: None }
    }

    /// The same, knowing whether any of the changed files has a tie to it.
    fn beside(mut self, files: &[Changed]) -> Self {
        if files.iter().all(|file| self.clues(file).is_empty()) {
            self.nearest = files.iter().filter_map(|file| Some(self.package(file)?.1)).max();
        }
        self
    }

    /// The package that the failure shares with a changed file, and how deep they share folders.
    fn package<'p>(&'p self, file: &'p Changed) -> Option<(&'p str, usize)> {
        let place = self.place.as_ref()?;
        if paths::is_test(&file.path) {
            return None;
        }
        paths::shared_package(&place.file, &file.path)
    }

    /// What the change is about that the test has to do with: its own source first, then the
    /// name that lies furthest in.
    fn about(&self, file: &Changed) -> Option<Clue> {
        let own = self.failure.function();
        let best = |words: &BTreeSet<&str>| {
            let known = |(name, _): &(&String, &About)| {
                words.contains(name.as_str()) && name.as_str() != own
            };
            let found = file.about.iter().filter(known);
            let (name, about) =
                found.max_by_key(|(_, about)| (about.indent, Reverse(about.line)))?;
            Some((name.clone(), about.line))
        };
        let calls = best(&self.source).map(|(name, line)| Clue::Calls(name, line));
        calls.or_else(|| best(&self.said).map(|(name, line)| Clue::Says(name, line)))
    }

    fn clues(&self, file: &Changed) -> Vec<Clue> {
        let mut clues = Vec::new();
        let frames = self.failure.trace.iter().chain(&self.failure.place);
        let mut through = frames.filter(|frame| means(&frame.file, &file.path)).peekable();
        let first = through.peek().map(|frame| frame.line);
        match (through.filter_map(|frame| frame.line).find(|line| file.touches(*line)), first) {
            (Some(line), _) => clues.push(Clue::TraceInChange(line)),
            (None, Some(line)) if !self.is_home(file) => {
                clues.push(Clue::Trace(line, line.and_then(|line| file.nearest(line))));
            }
            (None, _) => {}
        }
        if self.is_home(file) {
            let line = self.place.as_ref().and_then(|place| place.line);
            clues.push(Clue::Home(line.and_then(|line| file.nearest(line))));
        }
        clues.extend(self.about(file));
        if self.failure.message.contains(&file.path) {
            clues.push(Clue::Message);
        }
        let stem = stem(&file.path);
        if !self.is_home(file) && self.names.contains(&stem) {
            clues.push(Clue::Alike);
        } else if clues.is_empty() && self.mentions(&stem) {
            clues.push(Clue::Mentions(stem));
        }
        if let (Some(nearest), Some((package, depth))) = (self.nearest, self.package(file))
            && nearest == depth
        {
            let folder =
                if package.is_empty() { "the root".to_owned() } else { quoted(package, 80) };
            clues.push(Clue::Neighbour(folder));
        }
        clues
    }

    fn mentions(&self, word: &str) -> bool {
        self.said.contains(word) || self.around.contains(word)
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
