//! The workspace a module may belong to: `go.work`, the modules it uses, what stands in for what.

use std::collections::BTreeMap;

use super::modfile::{ModFile, Replace, Target};
use crate::format::{Input, beside};
use crate::graph::Place;
use crate::path;

/// The most modules of a workspace: the largest we know has forty.
const USES_MAX: usize = 200;

/// What decides which module a requirement means.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Directories of the workspace's modules by their path.
    members: BTreeMap<String, String>,
    // By module, then by version; `None` stands for every version. Those of go.work come first.
    of_workspace: Replacements,
    of_modules: Replacements,
}

type Replacements = BTreeMap<String, BTreeMap<Option<String>, Replacement>>;

/// What stands in for a module, and where that is said.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    pub(super) new: Replaced,
    pub(super) place: Place,
}

/// What stands in for a module.
#[derive(Debug, Clone)]
pub(super) enum Replaced {
    Module {
        path: String,
        version: String,
    },
    /// From the repository's root; none for what lies outside.
    Directory(Option<String>),
}

impl Workspace {
    /// The workspace of the module whose `go.mod` is read.
    pub(super) fn discover(own: &ModFile<'_>, input: &mut Input<'_>) -> Self {
        let mut workspace = Self::default();
        let (dir, path) = (input.dir(), input.path);
        add(&mut workspace.of_modules, &own.replaces, dir, path);
        let mut above = Some(dir);
        while let Some(root) = above {
            let path = path::join(root, "go.work");
            if let Some(text) = beside::text(input, &path) {
                workspace.join(root, &path, &text, input);
                break;
            }
            above = (!root.is_empty()).then(|| path::parent(root));
        }
        workspace
    }

    /// Takes in a `go.work`, unless it does not use the module.
    fn join(&mut self, root: &str, path: &str, text: &str, input: &mut Input<'_>) {
        let warnings = &mut *input.faults.warnings;
        let work = ModFile::parse(text, |line, reason| warnings.add(path, Some(line), reason));
        let uses: Vec<String> =
            work.uses.iter().filter_map(|dir| path::resolve(root, dir)).collect();
        if !uses.iter().any(|dir| dir == input.dir()) {
            return;
        }
        if uses.len() > USES_MAX {
            let reason = format!("only the first {USES_MAX} modules of the workspace are read");
            input.faults.warnings.add(path, None, reason);
        }
        add(&mut self.of_workspace, &work.replaces, root, path);
        let own = input.dir();
        for dir in uses.into_iter().take(USES_MAX).filter(|dir| dir != own) {
            let path = path::join(&dir, "go.mod");
            let Some(text) = beside::text(input, &path) else { continue };
            // What is wrong with it is told when it is read for itself.
            let module = ModFile::parse(&text, |_, _| {});
            add(&mut self.of_modules, &module.replaces, &dir, &path);
            if let Some((name, _)) = module.module {
                self.members.entry(name.to_owned()).or_insert(dir);
            }
        }
    }

    /// The directory of the workspace's module of that path.
    pub(super) fn member(&self, module: &str) -> Option<&str> {
        self.members.get(module).map(String::as_str)
    }

    /// What stands in for a version of a module.
    pub(super) fn replacement(&self, module: &str, version: &str) -> Option<&Replacement> {
        [&self.of_workspace, &self.of_modules].into_iter().find_map(|replacements| {
            let of_module = replacements.get(module)?;
            of_module.get(&Some(version.to_owned())).or_else(|| of_module.get(&None))
        })
    }
}

fn add(to: &mut Replacements, replaces: &[Replace<'_>], dir: &str, path: &str) {
    for replace in replaces {
        let new = match replace.new {
            Target::Module { path, version } => {
                Replaced::Module { path: path.to_owned(), version: version.to_owned() }
            }
            Target::Directory(target) => Replaced::Directory(path::resolve(dir, target)),
        };
        let place = Place { path: path.to_owned(), line: replace.line };
        let of_module = to.entry(replace.old.to_owned()).or_default();
        of_module.entry(replace.version.map(str::to_owned)).or_insert(Replacement { new, place });
    }
}
