//! A repository in memory, so that a tool is tested by a plain `cargo test`.
//!
//! ```
//! use stepwell::{Tree, repository, testing::{Question, Repository}};
//!
//! let repository = Repository::new().file("src/lib.rs", "fn f() {}").base("src/lib.rs", "");
//! let run = repository.run(|| repository::read_text(Tree::Base, "src/lib.rs"));
//!
//! assert_eq!(run.answer, Ok(String::new()));
//! assert_eq!(run.questions, [Question::Read(Tree::Base, "src/lib.rs".to_owned())]);
//! ```
//!
//! It answers as the host does, with the host's limits. Outside of [`Repository::run`] and
//! [`Repository::call`] there is no repository, and a question panics.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::log::Level;
use crate::repository::{Entry, Found, Glob, Kind, Matches, Metadata, Reason, Search, Tree};
use crate::tool::{Refusal, Tool};

mod answers;
mod patches;

thread_local! {
    static ENTERED: RefCell<Option<Entered>> = const { RefCell::new(None) };
}

/// A repository in memory: files, what is ignored among them, and what it is compared with.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    head: Files,
    // None: the step has nothing to compare with.
    base: Option<Files>,
    // What is answered about a path instead of what stands there.
    instead: BTreeMap<String, Reason>,
    // The variables that are granted.
    variables: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone, Default)]
struct Files(BTreeMap<String, File>);

#[derive(Debug, Clone)]
struct File {
    bytes: Vec<u8>,
    executable: bool,
    ignored: bool,
}

/// What a tool asked, in the order it asked; the same question is here as often as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The bytes of a file.
    Read(Tree, String),
    /// Some bytes of a file: from where, and how many.
    ReadRange(Tree, String, u64, u32),
    /// What stands at a path, its size and its mode.
    Stat(Tree, String),
    /// What stands at a path.
    Kind(Tree, String),
    /// How many bytes a file has.
    Size(Tree, String),
    /// Whether a file may be executed.
    Executable(Tree, String),
    /// The names in a directory.
    List(Tree, String),
    /// The files whose paths match.
    Glob(Tree, Glob),
    /// The lines that match.
    Search(Tree, Search),
    /// The value of a variable.
    Variable(String),
}

/// What came of a call, and what it did on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<T> {
    /// What the tool answered.
    pub answer: T,
    /// What it asked. A cached answer stays valid for as long as these are answered alike.
    pub questions: Vec<Question>,
    /// What it logged.
    pub log: Vec<(Level, String)>,
}

#[derive(Debug)]
struct Entered {
    repository: Repository,
    questions: Vec<Question>,
    log: Vec<(Level, String)>,
}

impl Repository {
    /// A repository without a file, with nothing to compare it with.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a file in the head tree.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.head.insert(path, bytes.as_ref(), false);
        self
    }

    /// With a file in the head tree that the repository's ignore files leave out.
    #[must_use]
    pub fn ignored(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.head.insert(path, bytes.as_ref(), true);
        self
    }

    /// With a file in the base tree, which is there from the first such file on.
    #[must_use]
    pub fn base(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.base.get_or_insert_default().insert(path, bytes.as_ref(), false);
        self
    }

    /// With a file of the head tree made executable.
    ///
    /// # Panics
    ///
    /// When there is no such file.
    #[must_use]
    pub fn executable(mut self, path: &str) -> Self {
        self.head.0.get_mut(path).expect("a file of the head tree").executable = true;
        self
    }

    /// With a reason instead of an answer to whatever is asked about a path of either tree.
    #[must_use]
    pub fn instead(mut self, path: &str, reason: Reason) -> Self {
        self.instead.insert(path.to_owned(), reason);
        self
    }

    /// With a variable of the environment granted, and set if it has a value.
    #[must_use]
    pub fn variable(mut self, name: &str, value: Option<&str>) -> Self {
        self.variables.insert(name.to_owned(), value.map(str::to_owned));
        self
    }

    /// Calls a tool as the host does.
    ///
    /// # Panics
    ///
    /// When the tool does, or inside another run.
    pub fn call(&self, tool: &Tool, input: &str) -> Run<Result<String, Refusal>> {
        self.run(|| tool.call(input))
    }

    /// Runs a piece of a tool before this repository.
    ///
    /// # Panics
    ///
    /// When `piece` does, or inside another run.
    pub fn run<T>(&self, piece: impl FnOnce() -> T) -> Run<T> {
        let entered = Entered { repository: self.clone(), questions: Vec::new(), log: Vec::new() };
        let before = ENTERED.replace(Some(entered));
        assert!(before.is_none(), "a run inside another run");
        let leave = Leave;
        let answer = piece();
        let Entered { repository: _, questions, log } =
            ENTERED.take().expect("nobody else leaves a run");
        drop(leave);
        Run { answer, questions, log }
    }

    fn tree(&self, tree: Tree) -> Result<&Files, Reason> {
        match tree {
            Tree::Head => Ok(&self.head),
            Tree::Base => self.base.as_ref().ok_or(Reason::NoSuchTree),
        }
    }

    /// The tree, if `path` may be asked of it.
    fn at(&self, tree: Tree, path: &str) -> Result<&Files, Reason> {
        let files = self.tree(tree)?;
        answers::check_path(path)?;
        self.instead.get(path).map_or(Ok(files), |reason| Err(reason.clone()))
    }
}

impl Files {
    fn insert(&mut self, path: &str, bytes: &[u8], ignored: bool) {
        let file = File { bytes: bytes.to_vec(), executable: false, ignored };
        self.0.insert(path.to_owned(), file);
    }
}

/// Also after a panic: the thread runs other tests.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        ENTERED.set(None);
    }
}

fn asked<T>(question: Question, answer: impl FnOnce(&Repository) -> T) -> T {
    ENTERED.with_borrow_mut(|entered| {
        let entered = entered.as_mut().unwrap_or_else(|| {
            panic!("no repository here: ask inside `stepwell::testing::Repository::run`")
        });
        entered.questions.push(question);
        answer(&entered.repository)
    })
}

pub(crate) fn log(level: Level, line: &str) {
    ENTERED.with_borrow_mut(|entered| {
        // A helper that logs may well be tested without a repository.
        if let Some(entered) = entered {
            entered.log.push((level, line.to_owned()));
        }
    });
}

pub(crate) fn read(tree: Tree, path: &str) -> Result<Vec<u8>, Reason> {
    asked(Question::Read(tree, path.to_owned()), |repository| {
        answers::read(repository.at(tree, path)?, path)
    })
}

pub(crate) fn read_range(
    tree: Tree,
    path: &str,
    offset: u64,
    length: u32,
) -> Result<Vec<u8>, Reason> {
    asked(Question::ReadRange(tree, path.to_owned(), offset, length), |repository| {
        answers::read_range(repository.at(tree, path)?, path, offset, length)
    })
}

pub(crate) fn stat(tree: Tree, path: &str) -> Result<Metadata, Reason> {
    asked(Question::Stat(tree, path.to_owned()), |repository| {
        answers::stat(repository.at(tree, path)?, path)
    })
}

pub(crate) fn kind_of(tree: Tree, path: &str) -> Result<Option<Kind>, Reason> {
    asked(Question::Kind(tree, path.to_owned()), |repository| {
        answers::kind(repository.at(tree, path)?, path)
    })
}

pub(crate) fn size_of(tree: Tree, path: &str) -> Result<u64, Reason> {
    asked(Question::Size(tree, path.to_owned()), |repository| {
        repository.at(tree, path)?.file(path).map(answers::size)
    })
}

pub(crate) fn is_executable(tree: Tree, path: &str) -> Result<bool, Reason> {
    asked(Question::Executable(tree, path.to_owned()), |repository| {
        repository.at(tree, path)?.file(path).map(|file| file.executable)
    })
}

pub(crate) fn list_directory(tree: Tree, path: &str) -> Result<Vec<Entry>, Reason> {
    asked(Question::List(tree, path.to_owned()), |repository| {
        answers::list_directory(repository.at(tree, path)?, path)
    })
}

pub(crate) fn glob(tree: Tree, glob: &Glob) -> Result<Found, Reason> {
    asked(Question::Glob(tree, glob.clone()), |repository| {
        answers::glob(repository.tree(tree)?, glob)
    })
}

pub(crate) fn search(tree: Tree, search: &Search) -> Result<Matches, Reason> {
    asked(Question::Search(tree, search.clone()), |repository| {
        answers::search(repository.tree(tree)?, search)
    })
}

pub(crate) fn variable(name: &str) -> Result<Option<String>, Reason> {
    asked(Question::Variable(name.to_owned()), |repository| {
        let granted = repository.variables.get(name).cloned();
        granted.ok_or_else(|| Reason::NotGranted(format!("[{name:?}] for this tool")))
    })
}

/// The directories above a path, outermost first, without the root.
fn directories(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

impl Files {
    fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.0.keys().any(|file| directories(file).any(|above| above == path))
    }

    /// The file at a path, or why there is none.
    fn file(&self, path: &str) -> Result<&File, Reason> {
        match self.0.get(path) {
            Some(file) => Ok(file),
            None if self.is_directory(path) => Err(Reason::NotAFile),
            None => Err(Reason::NotFound),
        }
    }

    fn names_in(&self, directory: &str) -> BTreeSet<Entry> {
        let below = |file: &str| match directory {
            "" => Some(file.to_owned()),
            _ => Some(file.strip_prefix(directory)?.strip_prefix('/')?.to_owned()),
        };
        let entry = |rest: String| match rest.split_once('/') {
            Some((name, _)) => Entry { name: name.to_owned(), kind: Kind::Directory },
            None => Entry { name: rest, kind: Kind::File },
        };
        self.0.keys().filter_map(|file| below(file)).map(entry).collect()
    }
}

#[cfg(test)]
mod tests;
