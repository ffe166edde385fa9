//! Conan 2: lists of references, by what they are needed for.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{BUILD_SECTIONS, Reference, manifest};
use crate::Ecosystem;
use crate::format::json::Object;
use crate::format::{Edges, Input, PACKAGES_MAX};
use crate::graph::{Builder, Graph, Kind, Node, Place, Scope};
use crate::purl::Purl;

/// Packages by name and version.
type Named<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

pub(super) fn read(document: &Object<'_>, input: &mut Input<'_>) -> Graph {
    let mut texts: BTreeMap<String, (Scope, u32)> = BTreeMap::new();
    let build = BUILD_SECTIONS.map(|section| (section, Scope::Build));
    for (section, scope) in [("requires", Scope::Runtime)].into_iter().chain(build) {
        add_section(document, section, scope, &mut texts, input);
    }
    let mut builder = Builder::default();
    let mut named = Named::new();
    // The same package may stand in two lists, at another time of upload.
    let mut seen: BTreeMap<Reference<'_>, usize> = BTreeMap::new();
    let mut nodes: Vec<Node> = Vec::new();
    for (text, (scope, line)) in &texts {
        let place = Place { path: input.path.to_owned(), line: *line };
        let Some(reference) = Reference::parse(text) else {
            input.faults.add(Some(*line), "a package without a usable name and version");
            continue;
        };
        if let Some(&number) = seen.get(&reference) {
            nodes[number].scope = nodes[number].scope.min(*scope);
            nodes[number].places.push(place);
            nodes[number].places.sort_unstable();
            continue;
        }
        seen.insert(reference, nodes.len());
        named.entry(reference.name).or_default().insert(reference.version, nodes.len());
        nodes.push(Node { scope: *scope, ..reference.node(Kind::Registry, place) });
    }
    for node in nodes {
        builder.node(node);
    }
    add_root(&mut builder, &named, input);
    builder.finish()
}

fn add_section(
    document: &Object<'_>,
    section: &str,
    scope: Scope,
    texts: &mut BTreeMap<String, (Scope, u32)>,
    input: &mut Input<'_>,
) {
    let Some(raw) = document.get(section).filter(|raw| raw.get() != "null") else { return };
    let line = input.lines.line_of_part(raw.get());
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        return input.faults.add(Some(line), format!("`{section}` is no list"));
    };
    for raw in items {
        let line = input.lines.line_of_part(raw.get());
        if texts.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            return input.faults.add(Some(line), reason);
        }
        // A reference, or a list of it and its packages.
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        match value.as_str().or_else(|| value[0].as_str()) {
            Some(text) => {
                let known = texts.entry(text.to_owned()).or_insert((scope, line));
                known.0 = known.0.min(scope);
            }
            None => input.faults.add(Some(line), "a package that is no text"),
        }
    }
}

/// Adds the project with what its manifest asks for.
fn add_root(builder: &mut Builder, named: &Named<'_>, input: &mut Input<'_>) {
    let Some(manifest) = manifest::read(input) else { return };
    let name = manifest.name.as_deref().unwrap_or(input.dir_name());
    let purl = Purl::new(Ecosystem::Conan, name, manifest.version.as_deref());
    let place = Place { path: manifest.path, line: 1 };
    let location = Some(input.dir().to_owned());
    let root = builder.node(Node {
        location,
        scope: Scope::Runtime,
        ..Node::new(purl, Kind::Member, place)
    });
    builder.root(root);
    let mut room = Edges::new();
    for (name, version, kind) in &manifest.needs {
        let Some(versions) = named.get(name.as_str()) else { continue };
        // A range of versions, which is no key, means the one there is.
        let exact = versions.get(version.as_str());
        if let Some(&to) = exact.or_else(|| versions.values().next())
            && room.take(&mut input.faults)
        {
            builder.edge(root, to, *kind);
        }
    }
}
