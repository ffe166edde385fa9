//! NuGet: `packages.lock.json`, `packages.config`, and project files that have neither beside them.
//!
//! A lock file lists, for each target framework, what was restored and what needs what; names are
//! alike in any case. It does not say whose it is: that is the project file beside it.
//!
//! A plain version in a project file is formally a lower bound, but a restore takes exactly it or
//! fails (NU1605) or warns (NU1603), so it counts as the version; ranges and `1.*` do not.

mod lock;
mod project;

use std::collections::BTreeMap;

use super::{Faults, Input, PACKAGES_MAX, Unreadable, word, xml};
use crate::ecosystem::Ecosystem;
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place, Scope};
use crate::path;
use crate::purl::Purl;
use project::Project;

/// What project files are called.
const PROJECT_FILES: [&str; 3] = ["*.csproj", "*.fsproj", "*.vbproj"];

/// A lock file of the whole tree.
pub(super) fn read_lock(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    lock::read(input)
}

/// `packages.config`: everything a project of the old kind uses, in one flat list.
pub(super) fn read_config(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = xml::read(input)?;
    if document.name != "packages" {
        return Err(Unreadable::Shape("its element is not `packages`"));
    }
    let mut packages = Packages::default();
    let root = beside(input).map(|project| packages.root(&project));
    for element in document.all("package") {
        let line = Some(element.line);
        let Some(name) = element.attribute("id").filter(|id| word(id).is_some()) else {
            input.faults.add(line, "a package without a usable id");
            continue;
        };
        let version = element.attribute("version");
        let Some(version) = version.filter(|version| word(version).is_some()) else {
            input.faults.add(line, format!("`{name}` has no usable version"));
            continue;
        };
        if !packages.has_room(line, &mut input.faults) {
            break;
        }
        let number = packages.registry(&name, Wanted::exactly(&version), input.path, element.line);
        let is_dev = element.attribute("developmentDependency").as_deref() == Some("true");
        packages.direct(root, number, if is_dev { EdgeKind::Dev } else { EdgeKind::Runtime });
    }
    Ok(packages.finish())
}

/// A project file. Where a lock file lies beside it, that says what it needs.
pub(super) fn read_project(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = xml::read(input)?;
    if document.name != "Project" {
        return Err(Unreadable::Shape("its element is not `Project`"));
    }
    let project = Project::read(input.path, &document, input.files, &mut input.faults);
    let mut packages = Packages::default();
    let root = packages.root(&project);
    let lock_names =
        ["packages.lock.json".to_owned(), format!("packages.{}.lock.json", project.stem())];
    if lock_names.iter().any(|name| input.files.read(&path::join(input.dir(), name)).is_ok()) {
        return Ok(packages.finish());
    }
    for package in &project.packages {
        if !packages.has_room(Some(package.line), &mut input.faults) {
            break;
        }
        let wanted = Wanted::parse(package.version.as_deref());
        if wanted.is_open() {
            let reason = format!("`{}` has no version that is known here", package.name);
            input.faults.note_some(Some(package.line), reason);
        }
        let number = packages.registry(&package.name, wanted, &package.path, package.line);
        packages.direct(Some(root), number, package.kind);
    }
    for reference in &project.projects {
        let Some(to) = Project::at(&reference.path, input.files) else {
            let reason = format!("the project `{}` is not in this repository", reference.written);
            input.faults.note_some(Some(reference.line), reason);
            continue;
        };
        let number = packages.member(&to);
        packages.direct(Some(root), number, project.edge_kind());
    }
    Ok(packages.finish())
}

/// The project whose packages a file beside it lists: the only one there, or the one it names.
fn beside(input: &mut Input<'_>) -> Option<Project> {
    // A name of the repository must not become a pattern.
    let dir = input.dir().replace(['*', '?', '[', ']', '{', '}'], "?");
    let patterns = PROJECT_FILES.map(|name| path::join(&dir, name));
    let found = match input.files.find(&patterns) {
        Ok(found) => found,
        Err(err) => {
            input.faults.note(None, format!("no project was looked for beside it: {err}"));
            return None;
        }
    };
    let named = path::file_name(input.path)
        .strip_prefix("packages.")
        .and_then(|name| name.strip_suffix(".lock.json"))
        .filter(|name| !name.is_empty());
    let is_meant = |path: &&String| match named {
        Some(name) => stem(path) == name,
        None => path::parent(path) == input.dir(),
    };
    let mut meant = found.paths.iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(path), None) => Project::at(path, input.files),
        _ => None,
    }
}

/// The name of a project file without its ending.
fn stem(path: &str) -> &str {
    let name = path::file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// What is asked for of a package.
#[derive(Debug, Default, Clone, Copy)]
struct Wanted<'a> {
    version: Option<&'a str>,
    range: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn exactly(version: &'a str) -> Self {
        Self { version: Some(version), range: None }
    }

    /// A version as project files have it; one that an unknown property makes is none.
    fn parse(text: Option<&'a str>) -> Self {
        let Some(text) = text.map(str::trim).and_then(word) else { return Self::default() };
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        match inner {
            _ if text.contains('$') => Self::default(),
            Some(inner) if !inner.contains([',', '*']) => Self::exactly(inner.trim()),
            Some(_) => Self { version: None, range: Some(text) },
            None if text.contains(['*', '[', '(', ',', ')', ']']) => {
                Self { version: None, range: Some(text) }
            }
            None => Self::exactly(text),
        }
    }

    fn is_open(self) -> bool {
        self.version.is_none() && self.range.is_none()
    }
}

/// A graph of NuGet packages in the making: the same package is one node, whatever its case.
#[derive(Debug, Default)]
struct Packages {
    builder: Builder,
    numbers: BTreeMap<(String, Option<String>), usize>,
    nodes: Vec<Node>,
    edges: Vec<(usize, usize, EdgeKind)>,
    roots: Vec<usize>,
}

impl Packages {
    /// Whether there is room for one more; that there is not is a fault.
    fn has_room(&self, line: Option<u32>, faults: &mut Faults<'_>) -> bool {
        let has_room = self.nodes.len() < PACKAGES_MAX;
        if !has_room {
            faults.add(line, format!("only the first {PACKAGES_MAX} packages are read"));
        }
        has_room
    }

    fn registry(&mut self, name: &str, wanted: Wanted<'_>, path: &str, line: u32) -> usize {
        let place = Place { path: path.to_owned(), line };
        let key = wanted.version.or(wanted.range);
        let purl = Purl::new(Ecosystem::Nuget, name, wanted.version);
        let mut node = Node::new(purl, Kind::Registry, place);
        node.range = wanted.range.map(str::to_owned);
        self.add(name, key, node)
    }

    /// One of the repository's own.
    fn member(&mut self, project: &Project) -> usize {
        let place = Place { path: project.path.clone(), line: project.line };
        let purl = Purl::new(Ecosystem::Nuget, &project.name, project.version.as_deref());
        let mut node = Node::new(purl, Kind::Member, place);
        node.location = Some(path::parent(&project.path).to_owned());
        node.licence.clone_from(&project.licence);
        // A project and a package of the same name are two things.
        let key = format!("project {}", project.path);
        self.add(&key, None, node)
    }

    /// One of the repository's own, of which no more is known than its name.
    fn unknown_project(&mut self, name: &str, path: &str, line: u32) -> usize {
        let place = Place { path: path.to_owned(), line };
        let purl = Purl::new(Ecosystem::Nuget, name, None);
        self.add(&format!("project {name}"), None, Node::new(purl, Kind::Path, place))
    }

    fn root(&mut self, project: &Project) -> usize {
        let number = self.member(project);
        self.roots.push(number);
        number
    }

    fn add(&mut self, name: &str, version: Option<&str>, node: Node) -> usize {
        let key = (name.to_lowercase(), version.map(str::to_owned));
        match self.numbers.get(&key) {
            Some(&number) => {
                self.nodes[number].places.extend(node.places);
                number
            }
            None => {
                self.numbers.insert(key, self.nodes.len());
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        }
    }

    /// A package that the project itself asks for; without a project only its scope is known.
    fn direct(&mut self, root: Option<usize>, to: usize, kind: EdgeKind) {
        match root {
            Some(root) => self.edges.push((root, to, kind)),
            None => {
                let node = &mut self.nodes[to];
                let known = node.scope != Scope::Unknown;
                node.scope = if known { node.scope.min(kind.scope()) } else { kind.scope() };
            }
        }
    }

    fn finish(mut self) -> Graph {
        for mut node in self.nodes {
            node.places.sort_unstable();
            node.places.dedup();
            self.builder.node(node);
        }
        for (from, to, kind) in self.edges {
            self.builder.edge(from, to, kind);
        }
        let has_root = !self.roots.is_empty();
        for root in self.roots {
            self.builder.root(root);
        }
        if has_root {
            self.builder.spread_scopes();
        }
        self.builder.finish()
    }
}

#[cfg(test)]
mod tests;
