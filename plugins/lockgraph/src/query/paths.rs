//! Why a package is there: the ways that lead to it.

use std::collections::{BTreeSet, VecDeque};

use crate::graph::{Edge, Graph, NodeId};

/// The most steps of the search for ways; enough for thousands of them, little enough for a
/// graph in which they are without number.
const STEPS_MAX: usize = 50_000;

/// The most packages that are looked at again to keep ways from going in circles: in a graph that
/// is one long chain, each step looks at all before it.
const LOOKS_MAX: usize = 5_000_000;

/// Ways from the repository's own packages to one package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// Each from a package of the repository's own to the target; shortest first.
    pub paths: Vec<Vec<NodeId>>,
    /// Whether there are more.
    pub more: bool,
}

/// A way back from the target, as far as it was followed.
struct Trail {
    node: NodeId,
    /// The trail this one continues, towards the target.
    next: Option<usize>,
}

/// At most `max` ways to `target`, shortest first. A way goes through none of the repository's own
/// packages but the one it begins with, and through no package twice.
pub fn shortest_paths(graph: &Graph, target: NodeId, max: usize) -> Paths {
    let heads: BTreeSet<NodeId> = graph.heads().into_iter().collect();
    let distance = distances(graph, &heads);
    let dependents = graph.dependents();
    let mut trails = vec![Trail { node: target, next: None }];
    // By the length that a trail will have at best; that estimate is exact, so the first way out
    // of the queue is the shortest.
    let mut open = BTreeSet::from([(distance[target.index()], 0)]);
    let mut found = Paths::default();
    let mut looks = 0;
    while let Some((length, at)) = open.pop_first() {
        let node = trails[at].node;
        if heads.contains(&node) && (trails[at].next.is_some() || node == target) {
            if found.paths.len() == max {
                found.more = true;
                return found;
            }
            found.paths.push(walk(&trails, at));
            continue;
        }
        let gone = length - distance[node.index()];
        let way = walk(&trails, at);
        looks += way.len();
        if looks > LOOKS_MAX {
            found.more = true;
            break;
        }
        for edge in &dependents[node.index()] {
            if trails.len() == STEPS_MAX {
                found.more = true;
                break;
            }
            if !way.contains(&edge.to) {
                open.insert((gone + 1 + distance[edge.to.index()], trails.len()));
                trails.push(Trail { node: edge.to, next: Some(at) });
            }
        }
    }
    if found.paths.is_empty() && max > 0 {
        found.paths.push(straight(&distance, &dependents, target));
    }
    found
}

/// One shortest way, without looking for others.
fn straight(distance: &[usize], dependents: &[Vec<Edge>], target: NodeId) -> Vec<NodeId> {
    let mut way = vec![target];
    let mut at = target;
    while let Some(nearer) =
        dependents[at.index()].iter().find(|edge| distance[edge.to.index()] < distance[at.index()])
    {
        at = nearer.to;
        way.push(at);
    }
    way.reverse();
    way
}

/// How far each node is from the nearest head.
fn distances(graph: &Graph, heads: &BTreeSet<NodeId>) -> Vec<usize> {
    let mut distance = vec![usize::MAX; graph.node_count()];
    let mut open: VecDeque<NodeId> = heads.iter().copied().collect();
    for head in heads {
        distance[head.index()] = 0;
    }
    while let Some(id) = open.pop_front() {
        for edge in graph.edges(id) {
            if distance[edge.to.index()] == usize::MAX {
                distance[edge.to.index()] = distance[id.index()] + 1;
                open.push_back(edge.to);
            }
        }
    }
    // Every node can be reached from a head, so none is left at the maximum.
    debug_assert!(distance.iter().all(|&d| d != usize::MAX));
    distance
}

fn walk(trails: &[Trail], from: usize) -> Vec<NodeId> {
    let next = |&at: &usize| trails[at].next;
    std::iter::successors(Some(from), next).map(|at| trails[at].node).collect()
}
