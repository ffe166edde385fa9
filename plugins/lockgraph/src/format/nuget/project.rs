//! Project files of .NET, with the properties and versions that directories above them set.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::stem;
use crate::format::xml::{self, Element};
use crate::format::{BYTES_MAX, Faults, phrase, word};
use crate::graph::EdgeKind;
use crate::path;
use crate::scan::Files;
use crate::text::{Lines, decode};

/// The most project files that one is followed to.
const PROJECTS_MAX: usize = 200;

/// The most packages of a project; the largest have about a hundred.
const REFERENCES_MAX: usize = 10_000;

/// How often a property may stand for another.
const EXPANSIONS_MAX: usize = 16;

/// The most bytes of a value after its properties are filled in.
const VALUE_BYTES_MAX: usize = 2_048;

/// A project file.
#[derive(Debug, Clone)]
pub(super) struct Project {
    /// From the repository's root.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) licence: Option<String>,
    pub(super) line: u32,
    pub(super) packages: Vec<Reference>,
    pub(super) projects: Vec<ProjectReference>,
    is_test: bool,
}

/// A package that a project asks for.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) name: String,
    /// As written, with properties filled in where they are known.
    pub(super) version: Option<String>,
    pub(super) kind: EdgeKind,
    /// Where it is asked for.
    pub(super) path: String,
    pub(super) line: u32,
}

/// A project that a project asks for.
#[derive(Debug, Clone)]
pub(super) struct ProjectReference {
    pub(super) written: String,
    /// From the repository's root; empty when it leads out of it.
    pub(super) path: String,
    pub(super) line: u32,
}

impl Project {
    /// The project file at `path`, if there is a usable one.
    pub(super) fn at(path: &str, files: &dyn Files) -> Option<Self> {
        let bytes = files.read(path).ok().filter(|bytes| bytes.len() <= BYTES_MAX)?;
        let text = decode(&bytes).ok()?;
        let parsed = xml::parse(text, &Lines::new(text)).ok()?;
        let mut project = Evaluation::new(path, files, None).project(&parsed.root);
        project.path = path.to_owned();
        Some(project)
    }

    pub(super) fn read(
        path: &str,
        document: &Element<'_>,
        files: &dyn Files,
        faults: &mut Faults<'_>,
    ) -> Self {
        Evaluation::new(path, files, Some(faults)).project(document)
    }

    /// The name of its file without the ending.
    pub(super) fn stem(&self) -> &str {
        stem(&self.path)
    }

    /// How it needs what it asks for, unless it says something else.
    pub(super) fn edge_kind(&self) -> EdgeKind {
        if self.is_test { EdgeKind::Dev } else { EdgeKind::Runtime }
    }

    /// How it needs each package it asks for, by name in lower case.
    pub(super) fn kinds(&self) -> BTreeMap<String, EdgeKind> {
        let mut kinds: BTreeMap<String, EdgeKind> = BTreeMap::new();
        for package in &self.packages {
            let kind = kinds.entry(package.name.to_lowercase()).or_insert(package.kind);
            *kind = package.kind.min(*kind);
        }
        kinds
    }

    /// The names of the projects it asks for, in lower case, as its lock file may have them.
    pub(super) fn asked_for(&self) -> BTreeSet<String> {
        self.projects.iter().map(|project| stem(&project.path).to_lowercase()).collect()
    }

    /// The projects it asks for, and those they ask for, by every name a lock file may have.
    pub(super) fn reachable(&self, files: &dyn Files) -> BTreeMap<String, Self> {
        let mut found = BTreeMap::new();
        let mut seen = BTreeSet::from([self.path.clone()]);
        let paths = |project: &Self| -> Vec<String> {
            project.projects.iter().map(|project| project.path.clone()).collect()
        };
        let mut open: VecDeque<String> = paths(self).into();
        while let Some(path) = open.pop_front() {
            if seen.len() > PROJECTS_MAX {
                break;
            }
            if path.is_empty() || !seen.insert(path.clone()) {
                continue;
            }
            let Some(project) = Self::at(&path, files) else { continue };
            open.extend(paths(&project));
            for name in [project.stem().to_lowercase(), project.name.to_lowercase()] {
                found.entry(name).or_insert_with(|| project.clone());
            }
        }
        found
    }
}

/// What is known while a project file is read.
struct Evaluation<'a, 'f> {
    path: &'a str,
    files: &'a dyn Files,
    faults: Option<&'a mut Faults<'f>>,
    /// By name in lower case.
    properties: BTreeMap<String, String>,
    /// Versions that the repository sets for all its projects, by name in lower case.
    central: BTreeMap<String, String>,
    packages: Vec<Reference>,
    /// The file above the project that is being read.
    above: Option<String>,
}

impl<'a, 'f> Evaluation<'a, 'f> {
    fn new(path: &'a str, files: &'a dyn Files, faults: Option<&'a mut Faults<'f>>) -> Self {
        Self {
            path,
            files,
            faults,
            properties: BTreeMap::new(),
            central: BTreeMap::new(),
            packages: Vec::new(),
            above: None,
        }
    }

    fn project(mut self, document: &Element<'_>) -> Project {
        let name = stem(self.path).to_owned();
        self.properties.insert("msbuildprojectname".to_owned(), name.clone());
        self.enter_above("Directory.Build.props");
        self.set_properties(document);
        self.enter_above("Directory.Packages.props");
        self.enter_packages(document, self.path);
        self.enter_above("Directory.Build.targets");
        self.fill_versions();
        let property = |evaluation: &Self, key: &str| {
            let value = evaluation.expand(evaluation.properties.get(key)?);
            word(&value).filter(|value| !value.contains("$(")).map(str::to_owned)
        };
        let licence =
            property(&self, "packagelicenseexpression").filter(|text| phrase(text).is_some());
        let says_test =
            property(&self, "istestproject").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let is_runner =
            |package: &Reference| package.name.eq_ignore_ascii_case("Microsoft.NET.Test.Sdk");
        let is_test = says_test || self.packages.iter().any(is_runner);
        let mut project = Project {
            path: self.path.to_owned(),
            name: property(&self, "packageid").unwrap_or(name),
            version: property(&self, "version").or_else(|| property(&self, "versionprefix")),
            licence,
            line: document.line,
            packages: Vec::new(),
            projects: self.project_references(document),
            is_test,
        };
        project.packages = std::mem::take(&mut self.packages);
        if is_test {
            project.packages.iter_mut().for_each(|package| package.kind = EdgeKind::Dev);
        }
        project
    }

    /// The nearest file of that name upwards; and the next, when it asks for that.
    fn enter_above(&mut self, name: &str) {
        let mut above = Vec::new();
        let mut dir = path::parent(self.path);
        loop {
            let path = path::join(dir, name);
            if let Ok(bytes) = self.files.read(&path) {
                let asks = String::from_utf8_lossy(&bytes)
                    .lines()
                    .any(|line| line.contains("<Import") && line.contains(name));
                above.push((path, bytes));
                if !asks {
                    break;
                }
            }
            if dir.is_empty() {
                break;
            }
            dir = path::parent(dir);
        }
        // The highest counts first.
        for (path, bytes) in above.into_iter().rev() {
            self.enter(&path, &bytes);
        }
    }

    fn enter(&mut self, path: &str, bytes: &[u8]) {
        let Ok(text) = decode(bytes) else { return self.note(path, "not UTF-8 text") };
        if bytes.len() > BYTES_MAX {
            return self.note(path, "it is too large");
        }
        match xml::parse(text, &Lines::new(text)) {
            Ok(parsed) => {
                if !parsed.broken.is_empty() {
                    self.note(path, "it is not wholly XML");
                }
                self.above = Some(path.to_owned());
                self.set_properties(&parsed.root);
                self.set_central(&parsed.root);
                self.enter_packages(&parsed.root, path);
                self.above = None;
            }
            Err(err) => self.note(path, &err.to_string()),
        }
    }

    fn note(&mut self, path: &str, reason: &str) {
        if let Some(faults) = &mut self.faults {
            let reason = format!("{reason}; what it sets for projects below it is unknown");
            faults.warnings.add(path, None, reason);
        }
    }

    fn fault(&mut self, item: &Element<'_>, reason: &str) {
        match (&mut self.faults, &self.above) {
            (None, _) => {}
            (Some(faults), None) => faults.add(Some(item.line), reason),
            (Some(faults), Some(path)) => faults.warnings.add(path, Some(item.line), reason),
        }
    }

    fn set_properties(&mut self, document: &Element<'_>) {
        for property in items(document, "PropertyGroup").into_iter().flat_map(Element::children) {
            if let Some(value) = property.text() {
                self.properties.insert(property.name.to_lowercase(), value.to_owned());
            }
        }
    }

    fn set_central(&mut self, document: &Element<'_>) {
        for item in items(document, "PackageVersion") {
            let version = metadata(item, "Version");
            for name in names(item, "Include").into_iter().chain(names(item, "Update")) {
                if let Some(version) = &version {
                    self.central.insert(name.to_lowercase(), version.clone());
                }
            }
        }
    }

    fn enter_packages(&mut self, document: &Element<'_>, path: &str) {
        for (item_name, is_global) in
            [("PackageReference", false), ("GlobalPackageReference", true)]
        {
            for item in items(document, item_name) {
                let included = names(item, "Include");
                if included.is_empty() {
                    self.update(item);
                }
                for name in included {
                    self.enter_package(item, &name, is_global, path);
                }
            }
        }
    }

    fn enter_package(&mut self, item: &Element<'_>, name: &str, is_global: bool, path: &str) {
        let name = self.expand(name);
        if word(&name).is_none() || name.contains('$') || self.packages.len() == REFERENCES_MAX {
            return self.fault(item, "a package whose name is not known here");
        }
        let version = metadata(item, "VersionOverride").or_else(|| metadata(item, "Version"));
        let kind = if is_global || is_private(item) { EdgeKind::Dev } else { EdgeKind::Runtime };
        self.packages.push(Reference {
            name,
            version,
            kind,
            path: path.to_owned(),
            line: item.line,
        });
    }

    /// Properties count as they are in the end, wherever an item stands.
    fn fill_versions(&mut self) {
        let mut packages = std::mem::take(&mut self.packages);
        for package in &mut packages {
            let central = || self.central.get(&package.name.to_lowercase());
            let written = package.version.as_ref().or_else(central);
            package.version = written.map(|version| self.expand(version));
        }
        self.packages = packages;
    }

    /// An item that says more of packages which were asked for before.
    fn update(&mut self, item: &Element<'_>) {
        let updated = names(item, "Update");
        if updated.is_empty() && names(item, "Remove").is_empty() {
            self.fault(item, "a package without a name");
        }
        let version = metadata(item, "VersionOverride").or_else(|| metadata(item, "Version"));
        for package in &mut self.packages {
            if updated.iter().any(|name| name.eq_ignore_ascii_case(&package.name)) {
                if is_private(item) {
                    package.kind = EdgeKind::Dev;
                }
                if version.is_some() {
                    package.version.clone_from(&version);
                }
            }
        }
    }

    fn project_references(&self, document: &Element<'_>) -> Vec<ProjectReference> {
        let dir = path::parent(self.path);
        let mut found = Vec::new();
        for item in items(document, "ProjectReference") {
            for written in names(item, "Include") {
                if found.len() == REFERENCES_MAX {
                    return found;
                }
                let expanded = self.expand(&written);
                let path = path::resolve(dir, &expanded).unwrap_or_default();
                found.push(ProjectReference { written, path, line: item.line });
            }
        }
        found
    }

    /// The text with known properties in place of `$(name)`.
    fn expand(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..EXPANSIONS_MAX {
            let Some((before, rest)) = text.split_once("$(") else { break };
            let Some((name, after)) = rest.split_once(')') else { break };
            let Some(value) = self.properties.get(&name.to_lowercase()) else { break };
            text = format!("{before}{value}{after}");
            if text.len() > VALUE_BYTES_MAX {
                break;
            }
        }
        text
    }
}

/// All items of a name, wherever they stand but in targets: those run only when they are called.
fn items<'e, 'a>(element: &'e Element<'a>, name: &str) -> Vec<&'e Element<'a>> {
    let mut found = Vec::new();
    let mut open = vec![element];
    while let Some(element) = open.pop() {
        if element.name == name {
            found.push(element);
        } else if element.name != "Target" {
            open.extend(element.children().iter().rev());
        }
    }
    found
}

/// Whether nobody who uses the project gets what the item brings.
fn is_private(item: &Element<'_>) -> bool {
    let assets = metadata(item, "PrivateAssets").unwrap_or_default();
    assets.split(';').any(|part| part.trim().eq_ignore_ascii_case("all"))
}

/// The names in an attribute of an item.
fn names(item: &Element<'_>, key: &str) -> Vec<String> {
    let list = item.attribute(key).unwrap_or_default();
    list.split(';').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What an item says of itself, in an attribute or in an element.
fn metadata(item: &Element<'_>, key: &str) -> Option<String> {
    let value = match item.attribute(key) {
        Some(value) => value.into_owned(),
        None => item.text_at(key)?.to_owned(),
    };
    Some(value).filter(|value| !value.trim().is_empty())
}
