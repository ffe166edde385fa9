//! One `pom.xml`, as written.

use std::collections::BTreeMap;

use crate::format::xml::Element;
use crate::format::{Faults, phrase, word};

/// The most directories that a project lists as its modules.
pub(super) const MODULES_MAX: usize = 2_000;

/// A project, before properties are filled in and before what its parents set.
#[derive(Debug, Default)]
pub(super) struct Pom {
    /// From the repository's root.
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) parent: Option<Parent>,
    pub(super) group: Option<String>,
    pub(super) artifact: Option<String>,
    pub(super) version: Option<String>,
    pub(super) packaging: Option<String>,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) managed: Vec<Dependency>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) licences: Vec<String>,
    /// Directories or files, as written.
    pub(super) modules: Vec<String>,
}

/// The project whose settings a project inherits.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
    /// Where it lies, as written; empty when it does not lie in the repository.
    pub(super) relative: String,
    pub(super) line: u32,
}

/// A dependency, as written.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) packaging: Option<String>,
    pub(super) classifier: Option<String>,
    pub(super) optional: Option<String>,
    pub(super) system_path: Option<String>,
    /// Whether only a profile that is not on by itself asks for it.
    pub(super) in_profile: bool,
    pub(super) line: u32,
}

impl Pom {
    pub(super) fn read(path: &str, project: &Element<'_>, faults: &mut Faults<'_>) -> Self {
        let mut pom = Self {
            path: path.to_owned(),
            line: project.line,
            parent: project.child("parent").and_then(parent),
            group: usable(project, "groupId"),
            artifact: usable(project, "artifactId"),
            version: usable(project, "version"),
            packaging: usable(project, "packaging"),
            licences: project
                .nested("licenses", "license")
                .filter_map(|licence| phrase(licence.text_at("name")?))
                .map(str::to_owned)
                .collect(),
            ..Self::default()
        };
        pom.take_in(project, false, faults);
        for profile in project.nested("profiles", "profile") {
            let activation = profile.child("activation");
            let on_by_itself = activation
                .and_then(|activation| activation.text_at("activeByDefault"))
                == Some("true");
            pom.take_in(profile, !on_by_itself, faults);
        }
        pom
    }

    /// Takes in what a project and its profiles have in common.
    fn take_in(&mut self, element: &Element<'_>, in_profile: bool, faults: &mut Faults<'_>) {
        // Maven 4 calls them subprojects.
        let modules =
            element.nested("modules", "module").chain(element.nested("subprojects", "subproject"));
        let room = MODULES_MAX.saturating_sub(self.modules.len());
        let modules = modules.filter_map(|module| phrase(module.text()?)).take(room);
        self.modules.extend(modules.map(str::to_owned));
        let mut dependency = |element: &Element<'_>| match Dependency::read(element, in_profile) {
            Ok(dependency) => Some(dependency),
            Err(reason) => {
                faults.add(Some(element.line), reason);
                None
            }
        };
        self.dependencies
            .extend(element.nested("dependencies", "dependency").filter_map(&mut dependency));
        if in_profile {
            return;
        }
        for managed in element.all("dependencyManagement") {
            self.managed
                .extend(managed.nested("dependencies", "dependency").filter_map(&mut dependency));
        }
        for property in element.all("properties").flat_map(Element::children) {
            let value = property.text().unwrap_or_default();
            self.properties.insert(property.name.to_owned(), value.to_owned());
        }
    }
}

impl Dependency {
    fn read(element: &Element<'_>, in_profile: bool) -> Result<Self, &'static str> {
        let group = usable(element, "groupId").ok_or("a dependency without a usable groupId")?;
        let artifact =
            usable(element, "artifactId").ok_or("a dependency without a usable artifactId")?;
        let version = match element.text_at("version") {
            Some(version) => {
                Some(word(version).ok_or("a dependency with an unusable version")?.to_owned())
            }
            None => None,
        };
        Ok(Self {
            group,
            artifact,
            version,
            scope: usable(element, "scope"),
            packaging: usable(element, "type"),
            classifier: usable(element, "classifier"),
            optional: usable(element, "optional"),
            system_path: element.text_at("systemPath").and_then(phrase).map(str::to_owned),
            in_profile,
            line: element.line,
        })
    }
}

fn parent(element: &Element<'_>) -> Option<Parent> {
    let relative = match element.child("relativePath") {
        Some(relative) => relative.text().and_then(phrase).unwrap_or_default(),
        None => "../pom.xml",
    };
    Some(Parent {
        group: usable(element, "groupId")?,
        artifact: usable(element, "artifactId")?,
        version: usable(element, "version"),
        relative: relative.to_owned(),
        line: element.line,
    })
}

fn usable(element: &Element<'_>, name: &str) -> Option<String> {
    element.text_at(name).and_then(word).map(str::to_owned)
}
