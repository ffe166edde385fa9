//! Packages that need each other.

use crate::graph::{EdgeKind, Graph, NodeId};

/// Groups of packages in which each needs each other, directly or not; sorted. What is needed only
/// for development counts too when `with_dev`: such circles are usual, and harmless.
pub fn cycles(graph: &Graph, with_dev: bool) -> Vec<Vec<NodeId>> {
    let ids: Vec<NodeId> = graph.nodes().map(|(id, _)| id).collect();
    let next: Vec<Vec<NodeId>> = ids
        .iter()
        .map(|&id| {
            let edges = graph.edges(id).iter();
            edges
                .filter(|edge| with_dev || edge.kind != EdgeKind::Dev)
                .map(|edge| edge.to)
                .collect()
        })
        .collect();
    let mut search = Search {
        next: &next,
        order: vec![None; ids.len()],
        low: vec![0; ids.len()],
        on_stack: vec![false; ids.len()],
        stack: Vec::new(),
        found: Vec::new(),
        count: 0,
    };
    for id in ids {
        if search.order[id.index()].is_none() {
            search.visit(id);
        }
    }
    search.found.sort();
    search.found
}

/// Tarjan's search for strongly connected components, with a stack of its own: a lock file must
/// not be able to exhaust ours.
struct Search<'a> {
    next: &'a [Vec<NodeId>],
    order: Vec<Option<usize>>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<NodeId>,
    found: Vec<Vec<NodeId>>,
    count: usize,
}

impl Search<'_> {
    fn visit(&mut self, start: NodeId) {
        let mut open = vec![(start, 0)];
        self.enter(start);
        while let Some((id, at)) = open.last_mut() {
            let id = *id;
            let Some(&to) = self.next[id.index()].get(*at) else {
                open.pop();
                if let Some((parent, _)) = open.last() {
                    self.lower(*parent, self.low[id.index()]);
                }
                self.leave(id);
                continue;
            };
            *at += 1;
            match self.order[to.index()] {
                None => {
                    self.enter(to);
                    open.push((to, 0));
                }
                Some(order) if self.on_stack[to.index()] => self.lower(id, order),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, id: NodeId) {
        self.order[id.index()] = Some(self.count);
        self.low[id.index()] = self.count;
        self.count += 1;
        self.stack.push(id);
        self.on_stack[id.index()] = true;
    }

    fn lower(&mut self, id: NodeId, to: usize) {
        self.low[id.index()] = self.low[id.index()].min(to);
    }

    /// Takes a whole component off the stack when `id` is the first of it.
    fn leave(&mut self, id: NodeId) {
        if self.order[id.index()] != Some(self.low[id.index()]) {
            return;
        }
        let mut component = Vec::new();
        while let Some(top) = self.stack.pop() {
            self.on_stack[top.index()] = false;
            component.push(top);
            if top == id {
                break;
            }
        }
        if component.len() > 1 {
            component.sort_unstable();
            self.found.push(component);
        }
    }
}
