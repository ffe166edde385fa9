//! How much of each list fits into an answer, and what was left out.

use std::collections::BTreeMap;

use lockgraph::{Node, Warning, Warnings};
use serde::Serialize;

/// The most packages of one way that are named; the middle of a longer one is left out.
const WAY_MAX: usize = 40;

/// What did not fit.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LeftOut {
    #[serde(flatten)]
    lists: BTreeMap<&'static str, usize>,
    hint: &'static str,
}

/// Room for so many entries a list.
#[derive(Debug)]
pub(crate) struct Room {
    max: usize,
    left_out: BTreeMap<&'static str, usize>,
}

impl Room {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, left_out: BTreeMap::new() }
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// The first entries of the list called `name`; the rest is counted.
    pub(crate) fn cut<T>(
        &mut self,
        name: &'static str,
        entries: impl IntoIterator<Item = T>,
    ) -> Vec<T> {
        let mut entries = entries.into_iter();
        let kept = entries.by_ref().take(self.max).collect();
        self.leave(name, entries.count());
        kept
    }

    /// Counts entries of the list called `name` that are not shown.
    pub(crate) fn leave(&mut self, name: &'static str, count: usize) {
        if count > 0 {
            *self.left_out.entry(name).or_default() += count;
        }
    }

    pub(crate) fn warnings(&mut self, warnings: &Warnings) -> Vec<Warning> {
        self.cut("warnings", warnings.clone().into_vec())
    }

    /// What did not fit, if anything.
    pub(crate) fn left_out(self) -> Option<LeftOut> {
        let hint = "ask again with a larger `max`, a `lockfile` or a `package`";
        (!self.left_out.is_empty()).then_some(LeftOut { lists: self.left_out, hint })
    }
}

/// A way as labels, with the middle left out when it is long.
pub(crate) fn way<'a>(nodes: impl ExactSizeIterator<Item = &'a Node>) -> Vec<String> {
    let count = nodes.len();
    let half = WAY_MAX / 2;
    let mut labels = Vec::with_capacity(count.min(WAY_MAX + 1));
    for (at, node) in nodes.enumerate() {
        if count <= WAY_MAX || at < half || at >= count - half {
            labels.push(node.label());
        } else if at == half {
            labels.push(format!("… {} more …", count - WAY_MAX));
        }
    }
    labels
}
