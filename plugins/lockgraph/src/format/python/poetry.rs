//! `poetry.lock`, of Poetry 0.12 to 2: the repository's own package stands beside it only.

use std::borrow::Cow;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lock::{Lock, Need, Package, Pick, either};
use super::manifest::Manifest;
use super::names::{archive, digest, is_name, normalised};
use super::origin::Origin;
use super::requirement::extras_of;
use super::table::{Fault, add_each, file, name_of, tables_at, version_of};
use crate::format::toml::{is_true, read as read_toml, table_at, text_at, texts_at};
use crate::format::{Input, Unreadable, phrase};
use crate::graph::{Archive, EdgeKind, Graph, Hash, HashAlgorithm, Scope};

/// Packages that version 1 left out of every lock file.
const UNLOCKED: [&str; 4] = ["distribute", "pip", "setuptools", "wheel"];

pub(in crate::format) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    read_toml(input, "package", |document, input| {
        let metadata = table_at(document, "metadata");
        let mut lock = Lock::with_all_needs();
        add_each(document, "package", &mut lock, input, |table, line, input| {
            package(table, line, metadata, input)
        });
        if let Some(manifest) = Manifest::read(input.dir(), input) {
            lock.add(manifest.package(input), 1, &mut input.faults);
        }
        lock.graph(input)
    })
}

fn package<'d>(
    table: &'d DeTable<'_>,
    line: u32,
    metadata: Option<&DeTable<'_>>,
    input: &Input<'_>,
) -> Result<Package<'d>, Fault> {
    let name = name_of(table)?;
    let version = version_of(table)?.ok_or("a package without a usable version")?;
    let origin = origin(table);
    if !origin.is_usable() {
        return Err("a package with an unusable source");
    }
    let mut node = origin.node(name, Some(version), line, input);
    node.condition = condition(table);
    node.archives = tables_at(table, "files").filter_map(file).collect();
    if let Some(metadata) = metadata.filter(|_| !table.contains_key("files")) {
        node.archives = shared_files(metadata, name, version);
    }
    Ok(Package {
        key: normalised(name),
        node,
        root: false,
        scope: scope(table),
        origin: None,
        needs: needs(table, input),
    })
}

fn origin<'d>(table: &'d DeTable<'_>) -> Origin<'d> {
    let Some(source) = table_at(table, "source") else { return Origin::Index(None) };
    let Some(url) = text_at(source, "url") else { return Origin::Index(None) };
    match text_at(source, "type") {
        Some("git") => {
            let revision = text_at(source, "resolved_reference");
            Origin::Git { url, revision: revision.or_else(|| text_at(source, "reference")) }
        }
        Some("url") => Origin::Address(url),
        Some("file") => Origin::File(url),
        Some("directory") => Origin::Directory(url),
        _ => Origin::Index(Some(url)),
    }
}

/// What version 2.1 says of a package: one marker, or one for each group.
fn condition(table: &DeTable<'_>) -> Option<String> {
    if let Some(marker) = text_at(table, "markers") {
        return phrase(marker).map(str::to_owned);
    }
    let groups =
        table_at(table, "markers")?.into_iter().filter_map(|(_, it)| it.get_ref().as_str());
    let groups: BTreeSet<&str> = groups.collect();
    // A group without a marker is not in the table.
    let is_all = table_at(table, "markers")?.len() == texts_at(table, "groups").len();
    let any = groups.into_iter().map(str::to_owned).reduce(|one, other| either(&one, &other));
    any.filter(|marker| is_all && phrase(marker).is_some())
}

/// Files of version 1, which stand at the end, by name alone; digests of version 0.
fn shared_files(metadata: &DeTable<'_>, name: &str, version: &str) -> Vec<Archive> {
    let list = |key: &str| {
        let table = table_at(metadata, key)?;
        table.get(name).or_else(|| table.get(normalised(name).as_ref()))?.get_ref().as_array()
    };
    let files = list("files").into_iter().flat_map(|list| list.iter());
    let of_version = |archive: &Archive| archive.location.contains(version);
    let mut archives: Vec<Archive> =
        files.filter_map(|item| file(item.get_ref().as_table()?)).filter(of_version).collect();
    let digests = list("hashes").into_iter().flat_map(|list| list.iter());
    archives.extend(digests.filter_map(|item| {
        let text = item.get_ref().as_str()?;
        let hash = digest(text).or_else(|| Hash::from_hex(HashAlgorithm::Sha256, text))?;
        archive(None, vec![hash])
    }));
    archives
}

/// What the groups say, of version 2.1; the category, of version 1. Between them, only that a
/// package is needed for an extra.
fn scope(table: &DeTable<'_>) -> Option<Scope> {
    let optional = is_true(table, "optional");
    let groups = texts_at(table, "groups");
    let main = match text_at(table, "category") {
        Some(category) => category == "main",
        None if groups.is_empty() => return optional.then_some(Scope::Optional),
        None => groups.contains(&"main"),
    };
    Some(match (main, optional) {
        (true, true) => Scope::Optional,
        (true, false) => Scope::Runtime,
        (false, _) => Scope::Dev,
    })
}

/// What the table `dependencies` of a package says.
pub(super) fn needs<'d>(table: &'d DeTable<'_>, input: &Input<'_>) -> Vec<Need<'d>> {
    let mut needs = Vec::new();
    // What it offers as extras stands apart, in `extras`, and is not locked unless asked for.
    for (name, value) in table_at(table, "dependencies").into_iter().flatten() {
        if !is_name(name.get_ref()) {
            continue;
        }
        let key: &'d str = name.get_ref();
        let line = input.lines.line_of(&name.span());
        match value.get_ref() {
            DeValue::Array(list) => {
                needs.extend(list.iter().flat_map(|item| need(key, item, line)));
            }
            DeValue::String(_)
            | DeValue::Table(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => needs.extend(need(key, value, line)),
        }
    }
    needs
}

/// A range, or a table with a range, extras and a marker; several for several extras.
fn need<'d>(name: &'d str, value: &'d Spanned<DeValue<'_>>, line: u32) -> Vec<Need<'d>> {
    let table = value.get_ref().as_table();
    let text = |key: &str| table.and_then(|table| text_at(table, key));
    let range = value.get_ref().as_str().or_else(|| text("version")).unwrap_or("");
    let marker = text("markers").or_else(|| text("marker")).unwrap_or("");
    let extras = table.map(|table| texts_at(table, "extras")).unwrap_or_default();
    let build = |of_extra: Option<&'d str>| Need {
        key: normalised(name),
        extras: extras.iter().map(|extra| normalised(extra)).collect(),
        of_extra: of_extra.map(normalised),
        pick: Pick::Range(Cow::Borrowed(range)),
        kind: EdgeKind::Runtime,
        marker: Cow::Borrowed(marker),
        line,
        // Where the marker does not hold, the package is not locked.
        may_be_absent: !marker.is_empty()
            || UNLOCKED.contains(&name)
            || table.is_some_and(|table| is_true(table, "optional")),
    };
    match extras_of(marker).as_slice() {
        [] => vec![build(None)],
        extras => extras.iter().map(|extra| build(Some(extra))).collect(),
    }
}
