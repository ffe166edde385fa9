//! Conan 1: numbered packages, each with the numbers of those it needs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Reference, members};
use crate::Ecosystem;
use crate::format::{Edges, Input, PACKAGES_MAX, Unreadable, phrase, word};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place};
use crate::purl::Purl;

/// The fields of a package; what has another type is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    #[serde(rename = "ref")]
    reference: Value,
    /// The same with the package, before version 0.4.
    pref: Value,
    path: Value,
    requires: Value,
    build_requires: Value,
    python_requires: Value,
}

pub(super) fn read(graph: &RawValue, input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let graph = members(graph);
    let listed = graph.as_ref().and_then(|graph| members(graph.get("nodes")?));
    let listed = listed.ok_or(Unreadable::Shape("`graph_lock` has no `nodes`"))?;
    let mut builder = Builder::default();
    let mut numbers = BTreeMap::new();
    let mut packages = Vec::new();
    for (id, raw) in &listed {
        let line = input.lines.line_of_part(raw.get());
        if packages.len() == PACKAGES_MAX {
            input
                .faults
                .add(Some(line), format!("only the first {PACKAGES_MAX} packages are read"));
            break;
        }
        let written: Option<Written> =
            raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten();
        let Some(written) = written else {
            input.faults.add(Some(line), "a package that is no object");
            continue;
        };
        let Some(node) = node(&written, line, input) else {
            input.faults.add(Some(line), "a package without a usable name and version");
            continue;
        };
        let is_root = node.kind == Kind::Member;
        let number = builder.node(node);
        if is_root {
            builder.root(number);
        }
        numbers.insert(id.as_str(), number);
        packages.push((number, written, line));
    }
    add_edges(&mut builder, &numbers, &packages, input);
    builder.spread_scopes();
    Ok(builder.finish())
}

/// A package, or the project itself, which alone has a path or no name.
fn node(written: &Written, line: u32, input: &Input<'_>) -> Option<Node> {
    let place = Place { path: input.path.to_owned(), line };
    let text = written.reference.as_str().or(written.pref.as_str());
    let is_own = text.is_none() || written.path.is_string();
    match text.map(Reference::parse) {
        Some(Some(reference)) if is_own => {
            let location = Some(input.dir().to_owned());
            Some(Node { location, ..reference.node(Kind::Member, place) })
        }
        Some(Some(reference)) => Some(reference.node(Kind::Registry, place)),
        Some(None) | None if is_own => {
            let purl = Purl::new(Ecosystem::Conan, input.dir_name(), None);
            let location = Some(input.dir().to_owned());
            Some(Node { location, ..Node::new(purl, Kind::Member, place) })
        }
        Some(None) | None => None,
    }
}

fn add_edges(
    builder: &mut Builder,
    numbers: &BTreeMap<&str, usize>,
    packages: &[(usize, Written, u32)],
    input: &mut Input<'_>,
) {
    let mut room = Edges::new();
    let mut recipes: BTreeMap<Reference<'_>, usize> = BTreeMap::new();
    for (from, written, line) in packages {
        let sections =
            [(&written.requires, EdgeKind::Runtime), (&written.build_requires, EdgeKind::Build)];
        for (section, kind) in sections {
            for id in ids(section) {
                match numbers.get(id) {
                    Some(&to) if to == *from => {}
                    Some(&to) if room.take(&mut input.faults) => builder.edge(*from, to, kind),
                    Some(_) => return,
                    None => {
                        let id = word(id).unwrap_or("?");
                        let reason = format!("package `{id}` is needed and not usable here");
                        input.faults.note_some(Some(*line), reason);
                    }
                }
            }
        }
        // What recipes are written with is not numbered: it is named where it is needed.
        let python = written.python_requires.as_array().into_iter().flatten();
        for text in python.filter_map(Value::as_str).filter_map(phrase) {
            let Some(reference) = Reference::parse(text) else {
                input.faults.add(Some(*line), "a recipe's requirement without a usable name");
                continue;
            };
            if !room.take(&mut input.faults) {
                return;
            }
            let to = *recipes.entry(reference).or_insert_with(|| {
                let place = Place { path: input.path.to_owned(), line: *line };
                builder.node(reference.node(Kind::Registry, place))
            });
            builder.edge(*from, to, EdgeKind::Build);
        }
    }
}

/// The numbers in a list, or in an object from references to numbers, as it was first.
fn ids(section: &Value) -> impl Iterator<Item = &str> {
    let list = section.as_array().into_iter().flatten();
    let map = section.as_object().into_iter().flat_map(|map| map.values());
    list.chain(map).filter_map(Value::as_str)
}
