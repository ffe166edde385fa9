//! What the tests of this crate share: a repository to change, a cache, and calls that observe.

mod damage;
mod keeping;
mod oracle;
mod sharing;

use std::fs;
use std::path::{Path, PathBuf};

use snapshot::{Digest, GlobQuery, Grant, Question, Snapshot, Tree, View};
use tempfile::TempDir;

use crate::{Cache, CallIdentity, CallKey, Hit, Lookup, Options, Output, Stored, Why};

/// A repository, and a cache beside it.
struct World {
    repository: TempDir,
    cache: TempDir,
}

impl World {
    fn new() -> Self {
        Self { repository: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
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

    fn open(&self) -> Cache {
        Cache::open(self.cache.path()).unwrap()
    }

    fn open_small(&self, bytes_max: u64) -> Cache {
        Cache::open_with(self.cache.path(), Options { bytes_max }).unwrap()
    }

    /// All blobs, sorted by size.
    fn blobs(&self) -> Vec<PathBuf> {
        let below = |at: &Path| {
            fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        let directories = below(&self.cache.path().join("v1/cas"));
        let mut blobs: Vec<_> = directories.iter().flat_map(|at| below(at)).collect();
        blobs.sort_by_key(|at| fs::metadata(at).unwrap().len());
        blobs
    }
}

fn key(tool: &str) -> CallKey {
    let nothing = Digest::of(b"");
    CallKey::new(&CallIdentity {
        component: nothing,
        world: "stepwell:tool@0.1.0",
        tool,
        schema: nothing,
        args: &serde_json::Value::Null,
        grant: nothing,
        profile: nothing,
        salt: "",
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

/// What a call that asks `questions` observes.
fn observe(view: &View, questions: &[Question]) -> Vec<(Question, Digest)> {
    questions.iter().map(|question| (question.clone(), view.answer_digest(question))).collect()
}

/// Keeps `output` for a call that asked `questions`.
fn keep(cache: &Cache, view: &View, questions: &[Question], output: &str) -> Stored {
    let observed = observe(view, questions);
    cache.store(&key("tool"), &observed, Output::Answer, output.as_bytes(), 7).unwrap()
}

fn hit(output: &str) -> Lookup {
    Lookup::Hit(Hit { output: output.into(), kind: Output::Answer, cost_us: 7 })
}

fn changed(question: &Question) -> Lookup {
    Lookup::Miss(Why::Changed(Box::new(question.clone())))
}
