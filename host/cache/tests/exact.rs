//! The promise itself, by the thousand: random tools, which go where the answers lead them, on
//! random repositories with random edits between their calls. What the cache serves is what the
//! tool says; and what a tool has not asked about makes no call miss.
//!
//! `STEPWELL_CASES` is how many (a case is one tool on one repository with its edits); `STEPWELL_CASE`
//! tells of one. The views have all that could go stale behind them: what is remembered of a
//! directory by its times, and the answers that a run shares.
#![expect(clippy::print_stdout, reason = "the counts are part of what is proved")]
#![expect(clippy::disallowed_methods, reason = "the number of cases comes from outside")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use cache::{Cache, Call, Identity, Lookup, MachineKey, Options, Output, Stored, Why};
use fastrand::Rng;
use snapshot::{
    Answer, Digest, GlobQuery, Grant, Question, SearchQuery, Snapshot, StatCache, Tree, View,
};

/// In the plain suite; the whole one takes a hundred times as many, optimised.
const CASES: u64 = 1_000;

/// Threads that work on cases, each with a repository and a cache of its own.
const THREADS: usize = 2;

/// Cases of one cache; then it begins anew, so that it stays as small as that of a project.
const CASES_A_CACHE: u64 = 500;

const NAMES: [&str; 5] = ["a", "b", "c.rs", "d.toml", "é"];
const TEXTS: [&str; 6] = ["", "a", "a/b", "c.rs", "fn a() {}\nuse b;\n", "other text"];
const PATTERNS: [&str; 6] = ["**", "*.rs", "a/*", "**/b", "**/*.toml", "{a,b}/**"];

/// What happened.
#[derive(Debug, Default)]
struct Counts {
    cases: AtomicU64,
    calls: AtomicU64,
    hits: AtomicU64,
}

#[test]
fn a_cached_answer_and_a_fresh_one_cannot_be_told_apart() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(case) = number("STEPWELL_CASE") {
        let counts = Counts::default();
        Place::new().case(case, &counts);
        return;
    }
    let cases = number("STEPWELL_CASES").unwrap_or(CASES);
    let (next, counts) = (AtomicU64::new(0), Counts::default());
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                loop {
                    let first = next.fetch_add(CASES_A_CACHE, Ordering::Relaxed);
                    if first >= cases {
                        return;
                    }
                    let place = Place::new();
                    for case in first..cases.min(first + CASES_A_CACHE) {
                        place.case(case, &counts);
                    }
                }
            });
        }
    });
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (calls, hits) = (count(&counts.calls), count(&counts.hits));
    println!("exact: {} cases, {calls} calls, {hits} of them hits", count(&counts.cases));
    assert_eq!(count(&counts.cases), cases);
    assert!(hits * 5 > calls && hits * 10 < calls * 9, "too few of one kind to tell");
}

/// A repository and a cache.
struct Place {
    root: tempfile::TempDir,
    is_fine: bool,
    cache: Cache,
}

impl Place {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let root = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let root = root.expect("a temporary directory can be made");
        let key = MachineKey::passing().expect("the system has randomness");
        let cache = Cache::open(&root.path().join("cache"), Options::new(key));
        let is_fine = tells_writes_apart(root.path());
        Self { root, is_fine, cache: cache.expect("the cache can be opened") }
    }

    fn case(&self, seed: u64, counts: &Counts) {
        let mut rng = Rng::with_seed(seed);
        let repository = Repository::new(self.root.path().join("repository"), &mut rng);
        let tool = Tool::any(&mut rng);
        let call = call(seed);
        let stats = Arc::new(StatCache::in_memory(some_clock(&mut rng, self.is_fine)));
        let mut kept: BTreeSet<BTreeMap<Question, Digest>> = BTreeSet::new();
        for step in 0..rng.usize(2..7) {
            if step > 0 {
                repository.edit(&mut rng);
            }
            let (observed, output) = tool.run(&repository.view(None));
            let seen: BTreeMap<_, _> = observed.iter().cloned().collect();
            counts.calls.fetch_add(1, Ordering::Relaxed);
            let of = format!("STEPWELL_CASE={seed}, step {step}: {tool:?}");
            match self.cache.lookup(&call, &repository.view(Some(&stats))) {
                Lookup::Hit(hit) => {
                    counts.hits.fetch_add(1, Ordering::Relaxed);
                    assert!(hit.output == output.as_bytes(), "{of}: a wrong answer");
                    assert!(kept.contains(&seen), "{of}: a hit that nobody stored");
                }
                Lookup::Miss(why) => {
                    assert!(!kept.contains(&seen), "{of}: missed what is there: {why}");
                    let is_new = matches!(why, Why::NeverSeen) && kept.is_empty();
                    assert!(is_new || matches!(why, Why::Changed(_)), "{of}: {why}");
                    let bytes = output.as_bytes();
                    let stored =
                        self.cache.store(&call, &observed, Output::Answer, bytes, 1_000_000);
                    assert_eq!(stored.expect("it can be written"), Stored::New, "{of}");
                    kept.insert(seen);
                }
            }
        }
        counts.cases.fetch_add(1, Ordering::Relaxed);
    }
}

/// A clock that says the truth, or one that is ahead: then files count as settled at once, as if
/// edits were far apart. Where the file system's own clock is coarse that would be a lie.
fn some_clock(rng: &mut Rng, is_fine: bool) -> snapshot::Clock {
    if is_fine && rng.bool() {
        || SystemTime::now() + Duration::from_secs(60 * 60)
    } else {
        SystemTime::now
    }
}

/// Whether two writes, one after the other, always bear different times (Linux 6.13 and later).
fn tells_writes_apart(directory: &Path) -> bool {
    const TRIES: usize = 200;
    let path = directory.join("probe");
    let write = |text: &str| {
        fs::write(&path, text).expect("it can be written");
        let about = fs::metadata(&path).expect("it was written");
        (about.mtime(), about.mtime_nsec(), about.ctime_nsec())
    };
    (0..TRIES).all(|_| write("a") != write("b"))
}

fn call(seed: u64) -> Call {
    let nothing = Digest::of(b"");
    let identity = Identity {
        component: nothing,
        world: String::new(),
        tool: "tool".to_owned(),
        schema: nothing,
        args: serde_json::json!(seed.to_string()),
        grant: nothing,
        profile: nothing,
        salt: String::new(),
    };
    Call::new(identity).expect("a text is an argument")
}

/// A directory that is written to at random.
struct Repository(PathBuf);

impl Repository {
    fn new(root: PathBuf, rng: &mut Rng) -> Self {
        let _gone = fs::remove_dir_all(&root).is_ok();
        fs::create_dir(&root).expect("it can be made");
        let repository = Self(root);
        (0..rng.usize(0..8)).for_each(|_| repository.edit(rng));
        repository
    }

    /// Changes something, as far as that can be done: a file is no directory.
    fn edit(&self, rng: &mut Rng) {
        let at = self.0.join(any_path(rng));
        let other = self.0.join(any_path(rng));
        let _done = match rng.u32(0..12) {
            0..=5 => at
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&at, any(rng, &TEXTS)))
                .is_ok(),
            6 => fs::remove_file(&at).is_ok(),
            7 => fs::remove_dir_all(&at).is_ok(),
            8 => fs::rename(&at, &other).is_ok(),
            9 => std::os::unix::fs::symlink(any(rng, &TEXTS), &at).is_ok(),
            10 => fs::write(self.0.join(".gitignore"), any(rng, &["", "*.rs\n", "b\n"])).is_ok(),
            _ => {
                let mode = if rng.bool() { 0o755 } else { 0o644 };
                let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
                at.is_file() && fs::set_permissions(&at, mode).is_ok()
            }
        };
    }

    fn view(&self, stats: Option<&Arc<StatCache>>) -> View {
        let snapshot = Snapshot::directory_with(&self.0, stats.cloned());
        View::new(snapshot.expect("it is there"), None, Grant::everything())
    }
}

/// A tool: questions, and what it does next for an answer.
#[derive(Debug)]
struct Tool(Vec<Act>);

#[derive(Debug)]
enum Act {
    Ask(Question),
    /// Reads every file of a directory.
    ReadAll(String),
    /// Reads a file, and then the file that it names.
    Follow(String),
    /// Goes on only where something stands.
    If(String, Vec<Self>),
}

impl Tool {
    fn any(rng: &mut Rng) -> Self {
        Self((0..rng.usize(0..5)).map(|_| Act::any(rng, 2)).collect())
    }

    /// What it observed, and its output, which shows every answer.
    fn run(&self, view: &View) -> (Vec<(Question, Digest)>, String) {
        let mut running = Running { view, observed: Vec::new(), output: String::new() };
        self.0.iter().for_each(|act| running.act(act));
        (running.observed, running.output)
    }
}

impl Act {
    fn any(rng: &mut Rng, depth: u32) -> Self {
        match rng.u32(0..8) {
            0 => Self::ReadAll(any_path(rng)),
            1 => Self::Follow(any_path(rng)),
            2 if depth > 0 => {
                let path = any_path(rng);
                Self::If(path, (0..rng.usize(1..3)).map(|_| Self::any(rng, depth - 1)).collect())
            }
            _ => Self::Ask(any_question(rng)),
        }
    }
}

struct Running<'a> {
    view: &'a View,
    observed: Vec<(Question, Digest)>,
    output: String,
}

impl Running<'_> {
    fn ask(&mut self, question: Question) -> Answer {
        let (answer, digest) = self.view.observe(&question);
        writeln!(self.output, "{question:?} {answer:?}").expect("a string takes it");
        self.observed.push((question, digest));
        answer
    }

    fn act(&mut self, act: &Act) {
        let tree = Tree::Head;
        let content = |path: String| Question::Content { tree, path };
        match act {
            Act::Ask(question) => drop(self.ask(question.clone())),
            Act::ReadAll(path) => {
                let list = Question::List { tree, path: path.clone() };
                if let Answer::List(entries) = self.ask(list) {
                    for entry in entries {
                        self.ask(content(format!("{path}/{}", entry.name)));
                    }
                }
            }
            Act::Follow(path) => {
                if let Answer::Content(bytes) = self.ask(content(path.clone())) {
                    self.ask(content(String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
            Act::If(path, acts) => {
                let kind = self.ask(Question::Kind { tree, path: path.clone() });
                if !matches!(kind, Answer::Denied(_)) {
                    acts.iter().for_each(|act| self.act(act));
                }
            }
        }
    }
}

fn any<'a>(rng: &mut Rng, among: &[&'a str]) -> &'a str {
    among[rng.usize(..among.len())]
}

fn any_path(rng: &mut Rng) -> String {
    (0..rng.usize(1..3)).map(|_| any(rng, &NAMES)).collect::<Vec<_>>().join("/")
}

fn any_question(rng: &mut Rng) -> Question {
    let (tree, path) = (Tree::Head, any_path(rng));
    match rng.u32(0..10) {
        0 | 1 => Question::Content { tree, path },
        2 => {
            let (offset, length) = (rng.u64(0..4), rng.u32(0..4));
            Question::Range { tree, path, offset, length }
        }
        3 => Question::Stat { tree, path },
        4 => Question::Kind { tree, path },
        5 if rng.bool() => Question::Size { tree, path },
        5 => Question::Executable { tree, path },
        6 => Question::Link { tree, path },
        7 => Question::List { tree, path },
        8 => {
            let patterns = vec![any(rng, &PATTERNS).to_owned()];
            let (include_ignored, max_paths) = (rng.bool(), rng.u32(1..5));
            Question::Glob { tree, query: GlobQuery { patterns, include_ignored, max_paths } }
        }
        _ => {
            let query = SearchQuery {
                pattern: any(rng, &["a", "fn", "text", "."]).to_owned(),
                literal: rng.bool(),
                ignore_case: rng.bool(),
                globs: if rng.bool() { vec![] } else { vec![any(rng, &PATTERNS).to_owned()] },
                context_lines: rng.u32(0..2),
                max_matches: rng.u32(1..5),
            };
            Question::Search { tree, query }
        }
    }
}
