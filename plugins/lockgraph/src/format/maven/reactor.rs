//! The projects of a repository that belong together: parents, and modules of those above.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::model::{Model, Needed};
use super::pom::{MODULES_MAX, Parent, Pom};
use crate::format::{BYTES_MAX, Faults, xml};
use crate::path;
use crate::scan::Files;
use crate::text::{Lines, decode};
use crate::warning::Warnings;

/// The most project files that are read for one: a module's name usually tells where it lies.
const READS_MAX: usize = 200;

/// The most parents of a project.
const PARENTS_MAX: usize = 16;

/// What was read of the repository.
pub(super) struct Reactor<'a> {
    files: &'a dyn Files,
    poms: BTreeMap<String, Option<Rc<Pom>>>,
    /// By group and artifact.
    models: BTreeMap<(String, String), Model>,
    /// Project files that are listed as modules and were not looked at, in order.
    unread: VecDeque<String>,
    /// Whether the directories above the project were looked at.
    entered: bool,
}

impl<'a> Reactor<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            poms: BTreeMap::new(),
            models: BTreeMap::new(),
            unread: VecDeque::new(),
            entered: false,
        }
    }

    /// The project with its parents in the repository.
    pub(super) fn model_of(&mut self, pom: Pom) -> Model {
        let pom = Rc::new(pom);
        self.poms.insert(pom.path.clone(), Some(pom.clone()));
        self.model(pom)
    }

    fn model(&mut self, pom: Rc<Pom>) -> Model {
        let mut chain = vec![pom];
        while let Some(last) = chain.last().filter(|_| chain.len() < PARENTS_MAX) {
            let Some(parent) = &last.parent else { break };
            let Some(path) = location(path::parent(&last.path), &parent.relative) else { break };
            let Some(found) = self.pom(&path).filter(|found| is_meant(found, parent)) else {
                break;
            };
            if chain.iter().any(|known| known.path == found.path) {
                break;
            }
            chain.push(found);
        }
        Model::new(chain)
    }

    /// A project file of the repository. What is wrong with it is told where it is read itself.
    fn pom(&mut self, path: &str) -> Option<Rc<Pom>> {
        if let Some(known) = self.poms.get(path) {
            return known.clone();
        }
        if self.poms.len() >= READS_MAX {
            return None;
        }
        let pom = self.read(path).map(Rc::new);
        self.poms.insert(path.to_owned(), pom.clone());
        pom
    }

    fn read(&self, path: &str) -> Option<Pom> {
        let bytes = self.files.read(path).ok().filter(|bytes| bytes.len() <= BYTES_MAX)?;
        let text = decode(&bytes).ok()?;
        let parsed = xml::parse(text, &Lines::new(text)).ok()?;
        let mut told = Warnings::default();
        let mut faults = Faults { path, warnings: &mut told, count: 0, notes: 0 };
        (parsed.root.name == "project").then(|| Pom::read(path, &parsed.root, &mut faults))
    }

    /// The project of the repository that a dependency means, if it is one.
    pub(super) fn sibling(&mut self, model: &Model, needed: &Needed) -> Option<Model> {
        if needed.range.is_some() {
            return None;
        }
        let version = needed.version.as_deref();
        let found = self.find(model, &needed.group, &needed.artifact, version)?;
        let version = found.coordinates()?.version;
        (needed.version.is_none() || needed.version == version).then_some(found)
    }

    /// The project of that name among the parents of `model`, and the modules of those above it.
    ///
    /// Only what is called and numbered like `model` is looked for: to find out of each package
    /// from elsewhere that it is none of them would take reading all of them.
    pub(super) fn find(
        &mut self,
        model: &Model,
        group: &str,
        artifact: &str,
        version: Option<&str>,
    ) -> Option<Model> {
        let own = model.coordinates()?;
        let is_ours = |version: &str| {
            let mut versions = model.chain().iter().filter_map(|pom| pom.version.as_deref());
            own.version.as_deref() == Some(version) || versions.any(|known| known == version)
        };
        if two_names(&own.group) != two_names(group) || !version.is_none_or(is_ours) {
            return None;
        }
        if !self.entered {
            self.entered = true;
            self.enter_above(model);
        }
        let key = (group.to_owned(), artifact.to_owned());
        // First where the directory is called like it, then everywhere; what is looked at may list
        // more.
        while !self.models.contains_key(&key) {
            let called = self.unread.iter().position(|path| is_called(path, artifact));
            let Some(path) = self.unread.remove(called.unwrap_or(0)) else { break };
            self.look_at(&path);
        }
        self.models.get(&key).cloned()
    }

    fn look_at(&mut self, path: &str) {
        if let Some(pom) = self.pom(path) {
            self.enter(&pom);
        }
    }

    /// Takes in the parents, and the projects in the directories above.
    fn enter_above(&mut self, model: &Model) {
        for pom in model.chain() {
            self.enter(pom);
        }
        let mut dir = path::parent(&model.pom().path);
        while !dir.is_empty() {
            dir = path::parent(dir);
            self.look_at(&path::join(dir, "pom.xml"));
        }
    }

    fn enter(&mut self, pom: &Rc<Pom>) {
        let model = self.model(pom.clone());
        let Some(own) = model.coordinates() else { return };
        let dir = path::parent(&pom.path);
        for module in &pom.modules {
            let path = location(dir, module);
            let has_room = self.unread.len() < MODULES_MAX;
            if let Some(path) = path.filter(|path| has_room && !self.poms.contains_key(path)) {
                self.unread.push_back(path);
            }
        }
        self.models.entry((own.group, own.artifact)).or_insert(model);
    }
}

/// The project file that is meant from `dir`: a file, or one in a directory.
fn location(dir: &str, relative: &str) -> Option<String> {
    if relative.is_empty() {
        return None;
    }
    let path = path::resolve(dir, relative)?;
    Some(if path.ends_with(".xml") { path } else { path::join(&path, "pom.xml") })
}

/// Whether it is the parent that is named: what lies there may be another.
fn is_meant(found: &Pom, parent: &Parent) -> bool {
    let of_parent = || found.parent.as_ref().map(|parent| &parent.group);
    found.artifact.as_ref() == Some(&parent.artifact)
        && found.group.as_ref().or_else(of_parent) == Some(&parent.group)
}

/// Whether the directory of a project file is called like an artifact, or like its end.
fn is_called(path: &str, artifact: &str) -> bool {
    let name = path::file_name(path::parent(path));
    !name.is_empty() && (artifact.ends_with(name) || name.ends_with(artifact))
}

/// The beginning of a group that projects of one house share.
fn two_names(group: &str) -> (Option<&str>, Option<&str>) {
    let mut names = group.split('.');
    (names.next(), names.next())
}
