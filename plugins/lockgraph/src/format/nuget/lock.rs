//! `packages.lock.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::project::Project;
use super::{Packages, Wanted, beside};
use crate::format::json::{self, Object};
use crate::format::{Edges, Input, Unreadable, phrase, word};
use crate::graph::{EdgeKind, Graph};

/// The fields of an entry; what has another type than NuGet writes is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    r#type: Value,
    resolved: Value,
    #[serde(rename = "contentHash")]
    content_hash: Value,
    dependencies: Value,
}

/// How a package came to be in the lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The project asks for it.
    Direct,
    /// Something it asks for needs it.
    Transitive,
    /// A directory of the repository.
    Project,
}

/// An entry and what it says of others.
struct Entry {
    number: usize,
    way: Way,
    needs: Vec<String>,
    line: u32,
}

/// The entries of one target framework, by names in lower case.
type Section = BTreeMap<String, Entry>;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = json::object(input)?;
    let Some(frameworks) = document.get("dependencies") else {
        return Err(Unreadable::Shape("it has no `dependencies`"));
    };
    let frameworks: Object<'_> = serde_json::from_str(frameworks.get())
        .map_err(|_| Unreadable::Shape("`dependencies` is no object"))?;
    let project = beside(input);
    let others = project.as_ref().map(|project| project.reachable(input.files)).unwrap_or_default();
    let mut packages = Packages::default();
    let root = project.as_ref().map(|project| packages.root(project));
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    for (framework, raw) in frameworks {
        let Ok(listed) = serde_json::from_str::<Object<'_>>(raw.get()) else {
            let line = input.lines.line_of_part(raw.get());
            input.faults.add(Some(line), format!("`{framework}` is no object"));
            continue;
        };
        let section = section(&listed, &others, &mut packages, input);
        sections.insert(framework, section);
    }
    connect(&sections, project.as_ref(), root, &mut packages, input);
    Ok(packages.finish())
}

fn section(
    listed: &Object<'_>,
    others: &BTreeMap<String, Project>,
    packages: &mut Packages,
    input: &mut Input<'_>,
) -> Section {
    let mut section = Section::new();
    for (name, raw) in listed {
        let line = input.lines.line_of_part(raw.get());
        if !packages.has_room(Some(line), &mut input.faults) {
            break;
        }
        let written = serde_json::from_str::<Written>(raw.get());
        let (Some(name), Ok(written)) = (word(name), written) else {
            input.faults.add(Some(line), "an entry that is no package");
            continue;
        };
        match entry(name, &written, line, others, packages, input.path) {
            Ok(entry) => {
                if section.insert(name.to_lowercase(), entry).is_some() {
                    input.faults.add(Some(line), format!("`{name}` is listed twice"));
                }
            }
            Err(reason) => input.faults.add(Some(line), reason),
        }
    }
    section
}

fn entry(
    name: &str,
    written: &Written,
    line: u32,
    others: &BTreeMap<String, Project>,
    packages: &mut Packages,
    path: &str,
) -> Result<Entry, String> {
    let way = match written.r#type.as_str() {
        Some("Project") => Way::Project,
        Some("Direct") => Way::Direct,
        // `CentralTransitive` is a transitive one whose version the repository chose.
        Some(_) => Way::Transitive,
        None => return Err(format!("`{name}` has no type")),
    };
    let number = match (way, others.get(&name.to_lowercase())) {
        (Way::Project, Some(project)) => packages.member(project),
        (Way::Project, None) => packages.unknown_project(name, path, line),
        (Way::Direct | Way::Transitive, _) => {
            let version = written.resolved.as_str().and_then(word);
            let version = version.ok_or_else(|| format!("`{name}` has no usable version"))?;
            let number = packages.registry(name, Wanted::exactly(version), path, line);
            let digest = written.content_hash.as_str().and_then(phrase);
            // Of a signed package it is not the digest of the archive: the signature is left out.
            packages.nodes[number].integrity = digest.map(|digest| format!("sha512-{digest}"));
            number
        }
    };
    let needs = written.dependencies.as_object().into_iter().flat_map(|needs| needs.keys());
    Ok(Entry { number, way, needs: needs.map(|name| name.to_lowercase()).collect(), line })
}

/// Adds which package needs which. A section for one runtime says only what differs there.
fn connect(
    sections: &BTreeMap<String, Section>,
    project: Option<&Project>,
    root: Option<usize>,
    packages: &mut Packages,
    input: &mut Input<'_>,
) {
    let mut room = Edges::new();
    let kinds = project.map(Project::kinds).unwrap_or_default();
    let usual = project.map_or(EdgeKind::Runtime, Project::edge_kind);
    for (framework, section) in sections {
        let base = framework.split_once('/').and_then(|(base, _)| sections.get(base));
        for (name, entry) in section {
            if entry.way == Way::Direct {
                packages.direct(root, entry.number, *kinds.get(name).unwrap_or(&usual));
            }
            for need in &entry.needs {
                let found = section.get(need).or_else(|| base?.get(need));
                match found {
                    Some(found) if room.take(&mut input.faults) => {
                        packages.edges.push((entry.number, found.number, EdgeKind::Runtime));
                    }
                    Some(_) => return,
                    None => {
                        let reason = format!("`{need}`, which `{name}` needs, is not listed");
                        input.faults.note_some(Some(entry.line), reason);
                    }
                }
            }
        }
        if let Some(root) = root {
            for number in projects_asked_for(section, project) {
                packages.edges.push((root, number, usual));
            }
        }
    }
}

/// The projects that the project itself asks for: as its file says, or those that no other needs.
fn projects_asked_for(section: &Section, project: Option<&Project>) -> Vec<usize> {
    let projects = section.iter().filter(|(_, entry)| entry.way == Way::Project);
    let asked_for = project.map(Project::asked_for).unwrap_or_default();
    let needed: BTreeSet<&String> = section.values().flat_map(|entry| &entry.needs).collect();
    let is_direct = |name: &String| {
        if asked_for.is_empty() { !needed.contains(name) } else { asked_for.contains(name) }
    };
    projects.filter(|(name, _)| is_direct(name)).map(|(_, entry)| entry.number).collect()
}
