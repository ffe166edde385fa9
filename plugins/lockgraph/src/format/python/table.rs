//! What the TOML lock files have in common: a list of packages, each with files and digests.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lock::{Lock, Need, Package, Pick};
use super::names::{archive, digest, is_name, normalised};
use super::requirement::{Requirement, extras_of};
use crate::format::Input;
use crate::format::toml::text_at;
use crate::format::word;
use crate::graph::{Archive, EdgeKind};

/// A package that is left out, and why.
pub(super) type Fault = &'static str;

/// Adds what `read` makes of each table of the list under `key`; a broken one is a fault.
pub(super) fn add_each<'d, 'i>(
    document: &'d DeTable<'_>,
    key: &str,
    lock: &mut Lock<'d>,
    input: &mut Input<'i>,
    read: impl Fn(&'d DeTable<'_>, u32, &Input<'i>) -> Result<Package<'d>, Fault>,
) {
    for entry in list_at(document, key) {
        let line = input.lines.line_of(&entry.span());
        let package = match entry.get_ref().as_table() {
            Some(table) => read(table, line, input),
            None => Err("a package that is no table"),
        };
        match package {
            Ok(package) => {
                if !lock.add(package, line, &mut input.faults) {
                    break;
                }
            }
            Err(reason) => input.faults.add(Some(line), reason),
        }
    }
}

/// The items of the list under a key.
pub(super) fn list_at<'d, 'i>(
    table: &'d DeTable<'i>,
    key: &str,
) -> impl Iterator<Item = &'d Spanned<DeValue<'i>>> {
    let list = table.get(key).and_then(|value| value.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter())
}

/// The tables of the list under a key.
pub(super) fn tables_at<'d, 'i>(
    table: &'d DeTable<'i>,
    key: &str,
) -> impl Iterator<Item = &'d DeTable<'i>> {
    list_at(table, key).filter_map(|item| item.get_ref().as_table())
}

/// The name of a package.
pub(super) fn name_of<'d>(table: &'d DeTable<'_>) -> Result<&'d str, Fault> {
    let name = text_at(table, "name").and_then(word).filter(|name| is_name(name));
    name.ok_or("a package without a usable name")
}

/// The version of a package that may have none.
pub(super) fn version_of<'d>(table: &'d DeTable<'_>) -> Result<Option<&'d str>, Fault> {
    match table.get("version") {
        Some(value) => {
            let version = value.get_ref().as_str().and_then(word);
            version.map(Some).ok_or("a package without a usable version")
        }
        None => Ok(None),
    }
}

/// Files as poetry, pdm and uv write them: a name or an address, and one digest.
pub(super) fn file(table: &DeTable<'_>) -> Option<Archive> {
    let location = ["url", "file", "path", "filename"].iter().find_map(|key| text_at(table, key));
    archive(location, text_at(table, "hash").and_then(digest).into_iter().collect())
}

/// What `text` requires of a package that it is written in: nothing when it is no requirement,
/// several times when it is for several extras of that package.
pub(super) fn needs<'d>(text: &'d str, line: u32, kind: EdgeKind) -> Vec<Need<'d>> {
    let Some(requirement) = Requirement::parse(text) else { return Vec::new() };
    let of_extras = extras_of(requirement.marker);
    let need = |of_extra: Option<&'d str>| Need {
        key: normalised(requirement.name),
        extras: requirement.extras.iter().map(|extra| normalised(extra)).collect(),
        of_extra: of_extra.map(normalised),
        pick: Pick::Range(Cow::Borrowed(requirement.range)),
        kind,
        marker: Cow::Borrowed(requirement.marker),
        line,
        // Where the marker does not hold, the package is not locked.
        may_be_absent: !requirement.marker.is_empty(),
    };
    if of_extras.is_empty() {
        return vec![need(None)];
    }
    of_extras.into_iter().map(|extra| need(Some(extra))).collect()
}
