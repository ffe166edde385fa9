//! `pdm.lock`: a package has one entry for itself and one for each set of extras it is asked for.

use std::borrow::Cow;

use toml::de::DeTable;

use super::lock::{Lock, Need, Package};
use super::manifest::Manifest;
use super::names::normalised;
use super::origin::Origin;
use super::poetry;
use super::table::{Fault, add_each, file, list_at, name_of, needs, tables_at, version_of};
use crate::format::toml::{read as read_toml, table_at, text_at, texts_at};
use crate::format::{Input, Unreadable, phrase};
use crate::graph::{EdgeKind, Graph, Scope};

pub(in crate::format) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    read_toml(input, "package", |document, input| {
        let manifest = Manifest::read(input.dir(), input);
        let metadata = table_at(document, "metadata");
        let mut lock = Lock::with_all_needs();
        add_each(document, "package", &mut lock, input, |table, line, input| {
            package(table, line, metadata, manifest.as_ref(), input)
        });
        if let Some(manifest) = manifest {
            let mut root = manifest.package(input);
            root.needs.iter_mut().for_each(join_extras);
            lock.add(root, 1, &mut input.faults);
        }
        lock.graph(input)
    })
}

fn package<'d>(
    table: &'d DeTable<'_>,
    line: u32,
    metadata: Option<&DeTable<'_>>,
    manifest: Option<&Manifest>,
    input: &Input<'_>,
) -> Result<Package<'d>, Fault> {
    let name = name_of(table)?;
    let version = version_of(table)?;
    let origin = origin(table);
    if version.is_none() && matches!(origin, Origin::Index(_)) {
        return Err("a package without a usable version");
    }
    if !origin.is_usable() {
        return Err("a package with an unusable source");
    }
    let mut node = origin.node(name, version, line, input);
    node.condition = text_at(table, "marker").and_then(phrase).map(str::to_owned);
    node.archives = tables_at(table, "files").filter_map(file).collect();
    if let (Some(metadata), Some(version)) = (metadata, version) {
        // Versions up to 3 keep them at the end.
        let key = format!("{name} {version}");
        let tables = [Some(metadata), table_at(metadata, "files")].into_iter().flatten();
        node.archives.extend(tables.flat_map(|table| tables_at(table, &key)).filter_map(file));
    }
    Ok(Package {
        key: normalised(name),
        node,
        root: false,
        scope: scope(table, manifest),
        origin: None,
        needs: requirements(table, input),
    })
}

fn origin<'d>(table: &'d DeTable<'_>) -> Origin<'d> {
    let text = |key: &str| text_at(table, key);
    if let Some(url) = text("git") {
        return Origin::Git { url, revision: text("revision").or_else(|| text("ref")) };
    }
    match (text("url"), text("path")) {
        (Some(url), _) => Origin::Address(url),
        (None, Some(path)) if is_archive(path) => Origin::File(path),
        (None, Some(path)) => Origin::Directory(path),
        (None, None) => Origin::Index(None),
    }
}

fn is_archive(path: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|end| path.ends_with(end))
}

/// What the groups it is in are for; only the manifest tells extras from groups for development.
fn scope(table: &DeTable<'_>, manifest: Option<&Manifest>) -> Option<Scope> {
    let groups = texts_at(table, "groups").into_iter().chain(texts_at(table, "sections"));
    let of_group = |group: &str| match group {
        "default" => Scope::Runtime,
        group => {
            let known = manifest.and_then(|it| it.groups.get(normalised(group).as_ref()));
            match known {
                Some(kind) => kind.scope(),
                None if group == "dev" => Scope::Dev,
                None => Scope::Unknown,
            }
        }
    };
    groups.map(of_group).min()
}

fn requirements<'d>(table: &'d DeTable<'_>, input: &Input<'_>) -> Vec<Need<'d>> {
    let own = extras_key(texts_at(table, "extras").into_iter().map(normalised));
    // The first releases had a table, as Poetry has.
    let mut all = poetry::needs(table, input);
    for item in list_at(table, "dependencies") {
        let Some(text) = item.get_ref().as_str() else { continue };
        let text = text.strip_prefix("-e ").unwrap_or(text);
        for mut need in needs(text, input.lines.line_of(&item.span()), EdgeKind::Runtime) {
            join_extras(&mut need);
            need.of_extra.clone_from(&own);
            all.push(need);
        }
    }
    all
}

/// A need of several extras is met by the entry that has just these.
fn join_extras(need: &mut Need<'_>) {
    if need.extras.len() > 1 {
        need.extras.extend(extras_key(need.extras.clone()));
    }
}

fn extras_key<'d>(extras: impl IntoIterator<Item = Cow<'d, str>>) -> Option<Cow<'d, str>> {
    let mut extras: Vec<Cow<'d, str>> = extras.into_iter().collect();
    extras.sort_unstable();
    match extras.len() {
        0 | 1 => extras.pop(),
        _ => Some(Cow::Owned(extras.join(","))),
    }
}
