//! `graph`: nodes and edges, as data or for a drawing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use lockgraph::{Edge, EdgeKind, Graph, Kind, NodeId, Scan, Scope, Warning, query};
use serde::{Deserialize, Serialize};

use crate::room::{LeftOut, Room};
use crate::words::count;

/// How a graph is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// As data.
    #[default]
    Json,
    /// For Graphviz.
    Dot,
    /// For Mermaid, which Markdown viewers draw.
    Mermaid,
}

/// The answer to `graph`.
#[derive(Debug, Serialize)]
pub(crate) struct Drawing {
    answer: String,
    format: Format,
    #[serde(flatten)]
    content: Content,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content {
    Data { nodes: Vec<DrawnNode>, edges: Vec<DrawnEdge> },
    Text { text: String },
}

#[derive(Debug, Serialize)]
struct DrawnNode {
    id: usize,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    kind: Kind,
    scope: Scope,
}

#[derive(Debug, Serialize)]
struct DrawnEdge {
    from: usize,
    to: usize,
    kind: EdgeKind,
}

pub(crate) fn draw(scan: &Scan, package: Option<&str>, format: Format, mut room: Room) -> Drawing {
    let graph = Graph::union(scan.lockfiles.iter().map(|lockfile| &lockfile.graph));
    let near = near(&graph, package);
    let all = near.len();
    let shown = room.cut("nodes", near);
    let numbers: BTreeMap<NodeId, usize> =
        shown.iter().enumerate().map(|(number, id)| (*id, number)).collect();
    let edges: Vec<DrawnEdge> = shown
        .iter()
        .flat_map(|from| graph.edges(*from).iter().map(|edge| (numbers[from], *edge)))
        .filter_map(|(from, Edge { to, kind })| {
            Some(DrawnEdge { from, to: *numbers.get(&to)?, kind })
        })
        .collect();
    let nodes: Vec<DrawnNode> =
        shown.iter().enumerate().map(|(number, id)| drawn(&graph, number, *id)).collect();
    let answer = match (package, all) {
        (Some(package), 0) => format!("no lock file that was read has `{package}`"),
        (_, all) if all == nodes.len() => {
            format!("{} and {}", count(all, "package"), count(edges.len(), "dependency"))
        }
        (_, all) => format!(
            "{} of {} and {} between them",
            nodes.len(),
            count(all, "package"),
            count(edges.len(), "dependency")
        ),
    };
    let content = match format {
        Format::Json => Content::Data { nodes, edges },
        Format::Dot => Content::Text { text: dot(&nodes, &edges) },
        Format::Mermaid => Content::Text { text: mermaid(&nodes, &edges) },
    };
    Drawing {
        answer,
        format,
        content,
        warnings: room.warnings(&scan.warnings),
        left_out: room.left_out(),
    }
}

/// All packages that have to do with `package`, the nearest first; without it, all packages, from
/// the repository's own downwards.
fn near(graph: &Graph, package: Option<&str>) -> Vec<NodeId> {
    let dependents = graph.dependents();
    let starts = match package {
        Some(package) => query::find(graph, package),
        None => graph.roots().iter().copied().chain(graph.heads()).collect(),
    };
    let starts = unique(starts);
    let mut seen: BTreeSet<NodeId> = starts.iter().copied().collect();
    let mut order = Vec::new();
    let mut open: VecDeque<NodeId> = starts.into();
    while let Some(id) = open.pop_front() {
        order.push(id);
        let up = if package.is_some() { dependents[id.index()].as_slice() } else { &[] };
        for edge in graph.edges(id).iter().chain(up) {
            if seen.insert(edge.to) {
                open.push_back(edge.to);
            }
        }
    }
    order
}

/// Each once, where it comes first.
fn unique(ids: Vec<NodeId>) -> Vec<NodeId> {
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(*id)).collect()
}

fn drawn(graph: &Graph, number: usize, id: NodeId) -> DrawnNode {
    let node = graph.node(id);
    DrawnNode {
        id: number,
        name: node.name.clone(),
        version: node.version.clone(),
        kind: node.kind,
        scope: node.scope,
    }
}

fn label(node: &DrawnNode) -> String {
    match &node.version {
        Some(version) => format!("{}@{version}", node.name),
        None => node.name.clone(),
    }
}

fn dot(nodes: &[DrawnNode], edges: &[DrawnEdge]) -> String {
    let mut text = "digraph dependencies {\n  node [shape=box];\n".to_owned();
    for node in nodes {
        let label = label(node).replace('\\', "\\\\").replace('"', "\\\"");
        line(&mut text, format_args!("  n{} [label=\"{label}\"];", node.id));
    }
    for edge in edges {
        let style = if edge.kind == EdgeKind::Runtime { "" } else { " [style=dashed]" };
        line(&mut text, format_args!("  n{} -> n{}{style};", edge.from, edge.to));
    }
    text.push_str("}\n");
    text
}

fn mermaid(nodes: &[DrawnNode], edges: &[DrawnEdge]) -> String {
    let mut text = "graph LR\n".to_owned();
    for node in nodes {
        let label = label(node);
        // Quoted text may have anything but a quote; angle brackets would be markup.
        let label = label.replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;");
        line(&mut text, format_args!("  n{}[\"{label}\"]", node.id));
    }
    for edge in edges {
        let arrow = if edge.kind == EdgeKind::Runtime { "-->" } else { "-.->" };
        line(&mut text, format_args!("  n{} {arrow} n{}", edge.from, edge.to));
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
