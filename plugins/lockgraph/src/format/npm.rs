//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
//!
//! Versions 2 and 3 list every directory of the installed tree; version 1 nests what is installed
//! below what. Both become the same thing here: [`Entry`]s by their place in the [`Tree`]. Which package a
//! dependency means is not written down: it is the nearest `node_modules` that has it, upwards.

mod entry;
mod tree;
mod v1;

use serde_json::value::RawValue;

use super::json::{self, Object};
use super::{Input, PACKAGES_MAX, Unreadable};
use crate::graph::Graph;
pub(super) use entry::{integrity, is_from_registry, written_licence};

use entry::Entry;
use tree::Tree;

/// The longest way to an installed package: file systems allow no more.
const LOCATION_BYTES_MAX: usize = 4_096;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = json::object(input)?;
    let tree = match (document.get("packages"), document.get("dependencies")) {
        (Some(packages), _) => installed(packages, input)?,
        (None, Some(dependencies)) => v1::read(&document, dependencies, input)?,
        (None, None) if document.contains_key("lockfileVersion") => {
            v1::root_alone(&document, input)
        }
        (None, None) => {
            return Err(Unreadable::Shape("it has neither `packages` nor `dependencies`"));
        }
    };
    Ok(tree.graph(input))
}

/// The entries of versions 2 and 3.
fn installed(packages: &RawValue, input: &mut Input<'_>) -> Result<Tree, Unreadable> {
    let packages: Object<'_> = serde_json::from_str(packages.get())
        .map_err(|_| Unreadable::Shape("`packages` is no object"))?;
    let mut tree = Tree::default();
    for (location, raw) in packages {
        let line = input.lines.line_of_part(raw.get());
        if tree.len() == PACKAGES_MAX {
            input
                .faults
                .add(Some(line), format!("only the first {PACKAGES_MAX} packages are read"));
            break;
        }
        if location.len() > LOCATION_BYTES_MAX || location.contains(char::is_control) {
            input.faults.add(Some(line), "a package at a location that no file system allows");
            continue;
        }
        match Entry::read(raw, line) {
            Ok(entry) => tree.add(location, entry),
            Err(reason) => input.faults.add(Some(line), format!("`{location}`: {reason}")),
        }
    }
    Ok(tree)
}

#[cfg(test)]
mod tests;
