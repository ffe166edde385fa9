//! What the tests of this crate share: a repository to change, a cache, and calls that observe.

mod attacks;
mod damage;
mod keeping;
mod oracle;
mod proofs;
mod remote;
mod sharing;

use std::fs;
use std::path::{Path, PathBuf};

use snapshot::{Digest, GlobQuery, Grant, Question, Snapshot, Tree, View};
use tempfile::TempDir;

use crate::{Cache, Call, Hit, Identity, Lookup, MachineKey, Options, Output, Stored, Why};

/// A repository, a cache beside it, and the key of the machine.
struct World {
    repository: TempDir,
    cache: TempDir,
    machine: TempDir,
}

impl World {
    fn new() -> Self {
        let directory = || tempfile::tempdir().unwrap();
        Self { repository: directory(), cache: directory(), machine: directory() }
    }

    fn write(&self, path: &str, text: &str) {
        let at = self.repository.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.repository.path().join(path)).unwrap();
    }

    /// The repository as it is now.
    fn view(&self) -> View {
        let snapshot = Snapshot::directory(self.repository.path()).unwrap();
        View::new(snapshot, None, Grant::everything())
    }

    fn options(&self) -> Options {
        options(self.machine.path())
    }

    fn open(&self) -> Cache {
        Cache::open(self.cache.path(), self.options()).unwrap()
    }

    fn open_small(&self, bytes_max: u64) -> Cache {
        let options = Options { bytes_max, ..self.options() };
        Cache::open(self.cache.path(), options).unwrap()
    }

    /// All blobs, sorted by size.
    fn blobs(&self) -> Vec<PathBuf> {
        let below = |at: &Path| {
            fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        let directories = below(&self.cache.path().join("v2/cas"));
        let mut blobs: Vec<_> = directories.iter().flat_map(|at| below(at)).collect();
        blobs.sort_by_key(|at| fs::metadata(at).unwrap().len());
        blobs
    }
}

fn options(machine: &Path) -> Options {
    Options::new(MachineKey::at(&machine.join("machine.key")).unwrap())
}

fn call(tool: &str) -> Call {
    let nothing = Digest::of(b"");
    Call::new(Identity {
        component: nothing,
        world: "stepwell:tool@0.1.0".to_owned(),
        tool: tool.to_owned(),
        schema: nothing,
        args: serde_json::Value::Null,
        grant: nothing,
        profile: nothing,
        salt: String::new(),
    })
    .unwrap()
}

fn content(path: &str) -> Question {
    Question::Content { tree: Tree::Head, path: path.to_owned() }
}

fn stat(path: &str) -> Question {
    Question::Stat { tree: Tree::Head, path: path.to_owned() }
}

fn list(path: &str) -> Question {
    Question::List { tree: Tree::Head, path: path.to_owned() }
}

fn glob(pattern: &str) -> Question {
    let patterns = vec![pattern.to_owned()];
    let query = GlobQuery { patterns, include_ignored: false, max_paths: 100 };
    Question::Glob { tree: Tree::Head, query }
}

/// What computing an output is said to have taken: more than a lookup of any size.
const COST_US: u64 = 1_000_000;

/// What a call that asks `questions` observes.
fn observe(view: &View, questions: &[Question]) -> Vec<(Question, Digest)> {
    questions.iter().map(|question| (question.clone(), view.answer_digest(question))).collect()
}

/// Keeps `output` for a call that asked `questions`.
fn keep(cache: &Cache, view: &View, questions: &[Question], output: &str) -> Stored {
    let observed = observe(view, questions);
    cache.store(&call("tool"), &observed, Output::Answer, output.as_bytes(), COST_US).unwrap()
}

fn hit(output: &str) -> Lookup {
    let (kind, cost_us, origin) = (Output::Answer, COST_US, None);
    Lookup::Hit(Hit { output: output.into(), kind, cost_us, origin })
}
