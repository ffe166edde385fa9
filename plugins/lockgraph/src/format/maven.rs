//! `pom.xml` of Maven: what a project asks for directly. There is no lock file.
//!
//! What a parent sets counts where the parent lies in the repository; what one from elsewhere sets
//! is unknown, and then a dependency has no version rather than a guessed one. A plain version
//! is the version: for a direct dependency Maven takes no other. Plugins are no dependencies.

mod model;
mod pom;
mod reactor;

use std::collections::BTreeMap;

use super::{Input, PACKAGES_MAX, Unreadable, xml};
use crate::ecosystem::Ecosystem;
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place};
use crate::path;
use crate::purl::Purl;
use model::{Coordinates, Model, Needed};
use pom::Pom;
use reactor::Reactor;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = xml::read(input)?;
    if document.name != "project" {
        return Err(Unreadable::Shape("its element is not `project`"));
    }
    let pom = Pom::read(input.path, &document, &mut input.faults);
    let mut reactor = Reactor::new(input.files);
    let model = reactor.model_of(pom);
    note_parent(&model, input);
    let mut graph = Project::default();
    if let Some(own) = model.coordinates() {
        graph.root = Some(graph.member(&own, &model));
    }
    let mut without_version: Vec<(String, u32)> = Vec::new();
    for needed in model.dependencies(&mut reactor, &mut input.faults) {
        if graph.nodes.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} dependencies are read");
            input.faults.add(Some(needed.line), reason);
            break;
        }
        let number = match reactor.sibling(&model, &needed) {
            Some(sibling) => graph.sibling(&sibling, &needed),
            None => {
                if needed.version.is_none() && needed.range.is_none() {
                    without_version.push((needed.name(), needed.line));
                }
                graph.dependency(&needed)
            }
        };
        graph.edges.push((number, needed.kind));
    }
    if let Some((name, line)) = without_version.first() {
        let more = match without_version.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let reason = format!("which version `{name}`{more} has is said nowhere in this repository");
        input.faults.note(Some(*line), reason);
    }
    Ok(graph.finish())
}

/// A parent from elsewhere is usual, and what it sets is missing here.
fn note_parent(model: &Model, input: &mut Input<'_>) {
    if let Some(parent) = model.missing_parent() {
        let reason = format!(
            "the parent `{}:{}` is not in this repository; what it sets is unknown",
            parent.group, parent.artifact
        );
        input.faults.note(Some(parent.line), reason);
    }
}

/// A graph in the making: the project and what it needs.
#[derive(Debug, Default)]
struct Project {
    nodes: Vec<Node>,
    numbers: BTreeMap<(String, Kind), usize>,
    edges: Vec<(usize, EdgeKind)>,
    root: Option<usize>,
}

impl Project {
    fn dependency(&mut self, needed: &Needed) -> usize {
        let place = Place { path: needed.path.clone(), line: needed.line };
        let kind = if needed.system_path.is_some() { Kind::Archive } else { Kind::Registry };
        let name = needed.name();
        let mut qualifiers: Vec<(&str, &str)> = Vec::new();
        if let Some(classifier) = &needed.classifier {
            qualifiers.push(("classifier", classifier));
        }
        if needed.packaging != "jar" {
            qualifiers.push(("type", &needed.packaging));
        }
        let purl = Purl {
            qualifiers: &qualifiers,
            ..Purl::new(Ecosystem::Maven, &name, needed.version.as_deref())
        };
        let mut node = Node::new(purl, kind, place);
        node.range.clone_from(&needed.range);
        node.source.clone_from(&needed.system_path);
        self.add(node)
    }

    fn sibling(&mut self, sibling: &Model, needed: &Needed) -> usize {
        let number = match sibling.coordinates() {
            Some(own) => self.member(&own, sibling),
            None => self.dependency(needed),
        };
        self.nodes[number].places.push(Place { path: needed.path.clone(), line: needed.line });
        number
    }

    /// One of the repository's own.
    fn member(&mut self, own: &Coordinates, model: &Model) -> usize {
        let pom = model.pom();
        let packaging = pom.packaging.as_deref().filter(|packaging| *packaging != "jar");
        let qualifiers: Vec<(&str, &str)> =
            packaging.iter().map(|packaging| ("type", *packaging)).collect();
        let name = format!("{}:{}", own.group, own.artifact);
        let purl = Purl {
            qualifiers: &qualifiers,
            ..Purl::new(Ecosystem::Maven, &name, own.version.as_deref())
        };
        let place = Place { path: pom.path.clone(), line: pom.line };
        let mut node = Node::new(purl, Kind::Member, place);
        node.location = Some(path::parent(&pom.path).to_owned());
        node.licence = model.licence();
        self.add(node)
    }

    fn add(&mut self, node: Node) -> usize {
        let key = (node.purl.clone(), node.kind);
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

    fn finish(mut self) -> Graph {
        let mut builder = Builder::default();
        if self.root.is_none() {
            for (number, kind) in &self.edges {
                self.nodes[*number].scope = kind.scope();
            }
        }
        for mut node in self.nodes {
            node.places.sort_unstable();
            node.places.dedup();
            builder.node(node);
        }
        if let Some(root) = self.root {
            builder.root(root);
            for (number, kind) in self.edges.into_iter().filter(|(number, _)| *number != root) {
                builder.edge(root, number, kind);
            }
            builder.spread_scopes();
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests;
