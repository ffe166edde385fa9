//! Files of the repository behind the paths that reports name: absolute ones of another
//! machine, ones relative to a package, bare names of Java.

use std::collections::BTreeMap;

use stepwell::Tree;
use stepwell::repository::{self, Glob};

/// The most questions asked for one summary: each is recorded with its cached answer.
const QUESTIONS_MAX: usize = 200;
/// How many directories of another machine are taken off a path.
const PREFIX_MAX: usize = 12;

/// Asks each path once.
#[derive(Debug)]
pub(crate) struct Locator {
    tree: Tree,
    known: BTreeMap<String, Option<String>>,
    questions_left: usize,
}

impl Locator {
    pub(crate) fn new(tree: Tree) -> Self {
        Self { tree, known: BTreeMap::new(), questions_left: QUESTIONS_MAX }
    }

    /// The file of the repository that is meant, if there is exactly one.
    pub(crate) fn find(&mut self, named: &str) -> Option<String> {
        if let Some(known) = self.known.get(named) {
            return known.clone();
        }
        let found = self.ask(named);
        self.known.insert(named.to_owned(), found.clone());
        found
    }

    fn ask(&mut self, named: &str) -> Option<String> {
        let path = named.replace('\\', "/");
        let names: Vec<&str> =
            path.split('/').filter(|name| !matches!(*name, "" | "." | "..")).collect();
        // The whole path first, then without the directories of whoever ran the test.
        for from in 0..names.len().min(PREFIX_MAX) {
            let candidate = names[from..].join("/");
            if self.is_file(&candidate) {
                return Some(candidate);
            }
        }
        self.only_one(&names)
    }

    /// A path relative to a package, or a bare name: what ends with it, if that is one file.
    fn only_one(&mut self, names: &[&str]) -> Option<String> {
        let is_plain = |name: &&str| !name.contains(['*', '?', '[', ']', '{', '}', ',']);
        if names.is_empty() || !names.iter().all(is_plain) || !self.may_ask() {
            return None;
        }
        let end = names[names.len().saturating_sub(3)..].join("/");
        let found = Glob::new([format!("**/{end}")]).max(2).find(self.tree).ok()?;
        match found.paths.as_slice() {
            [path] if !found.truncated => Some(path.clone()),
            _ => None,
        }
    }

    fn is_file(&mut self, path: &str) -> bool {
        self.may_ask() && repository::is_file(self.tree, path).unwrap_or(false)
    }

    fn may_ask(&mut self) -> bool {
        let may = self.questions_left > 0;
        self.questions_left = self.questions_left.saturating_sub(1);
        may
    }
}
