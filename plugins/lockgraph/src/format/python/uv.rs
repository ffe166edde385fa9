//! `uv.lock`: exact about everything but licences, the repository's own packages included.

use std::borrow::Cow;
use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::lock::{Lock, Need, Package, Pick};
use super::manifest::{Manifest, name_of_directory};
use super::names::normalised;
use super::origin::Origin;
use super::requirement::any_extra_of;
use super::table::{Fault, add_each, file, name_of, tables_at, version_of};
use crate::format::toml::{read as read_toml, table_at, text_at, texts_at};
use crate::format::{Input, Unreadable, word};
use crate::graph::{EdgeKind, Graph, Kind};

/// The most manifests that are read for licences: ten times what the largest workspace we know has.
const MANIFESTS_MAX: usize = 500;

pub(in crate::format) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    read_toml(input, "package", |document, input| {
        let members = Members::read(document);
        let mut lock = Lock::with_all_needs();
        add_each(document, "package", &mut lock, input, |table, line, input| {
            package(table, line, &members, input)
        });
        complete(&mut lock, input);
        if let Some(manifest) = table_at(document, "manifest") {
            add_root_without_package(manifest, &mut lock, input);
        }
        lock.graph(input)
    })
}

/// The packages of the workspace.
struct Members<'d> {
    /// None are listed where there is but one.
    names: Option<BTreeSet<Cow<'d, str>>>,
}

impl<'d> Members<'d> {
    fn read(document: &'d DeTable<'_>) -> Self {
        let manifest = table_at(document, "manifest");
        let listed = manifest.filter(|manifest| manifest.contains_key("members"));
        let names = listed.map(|it| texts_at(it, "members").into_iter().map(normalised).collect());
        Self { names }
    }

    fn has(&self, name: &str, directory: &str) -> bool {
        match &self.names {
            Some(names) => names.contains(&normalised(name)),
            None => directory == ".",
        }
    }
}

fn package<'d>(
    table: &'d DeTable<'_>,
    line: u32,
    members: &Members<'_>,
    input: &Input<'_>,
) -> Result<Package<'d>, Fault> {
    let name = name_of(table)?;
    let version = version_of(table)?;
    let written = origin(table);
    let mut origin = written;
    if let Origin::Directory(directory) = written
        && members.has(name, directory)
    {
        origin = Origin::Own(directory);
    }
    if !origin.is_usable() {
        return Err("a package with an unusable source");
    }
    let mut node = origin.node(name, version, line, input);
    let sdist = table_at(table, "sdist").into_iter();
    let files = sdist.chain(tables_at(table, "wheels")).filter_map(|table| {
        let mut archive = file(table)?;
        if let (Origin::Address(url), false) = (origin, table.contains_key("url")) {
            archive.location = crate::path::without_user(url);
        }
        Some(archive)
    });
    node.archives = files.collect();
    Ok(Package {
        key: normalised(name),
        root: node.kind == Kind::Member,
        node,
        scope: None,
        origin: Some(written),
        needs: needs(table, input),
    })
}

/// Where a package, or a dependency that says so, comes from.
fn origin<'d>(table: &'d DeTable<'_>) -> Origin<'d> {
    let Some(source) = table_at(table, "source") else { return Origin::Index(None) };
    let text = |key: &str| text_at(source, key);
    let directory = || text("editable").or_else(|| text("virtual")).or_else(|| text("directory"));
    if let Some(git) = text("git") {
        let (url, revision) = git.split_once('#').unwrap_or((git, ""));
        // The query only says which branch or tag the revision was found by.
        let url = url.split('?').next().unwrap_or_default();
        return Origin::Git { url, revision: Some(revision).filter(|text| !text.is_empty()) };
    }
    match (text("url"), text("path"), directory()) {
        (Some(url), _, _) => Origin::Address(url),
        (None, Some(path), _) => Origin::File(path),
        (None, None, Some(directory)) => Origin::Directory(directory),
        (None, None, None) => Origin::Index(text("registry")),
    }
}

fn needs<'d>(table: &'d DeTable<'_>, input: &Input<'_>) -> Vec<Need<'d>> {
    let mut needs = Vec::new();
    add_needs(&mut needs, table, "dependencies", None, EdgeKind::Runtime, input);
    let extras = table_at(table, "optional-dependencies");
    for (extra, list) in extras.into_iter().flat_map(|groups| groups.iter()) {
        let extra = Some(normalised(extra.get_ref()));
        add_list(&mut needs, list.get_ref(), extra.as_ref(), EdgeKind::Runtime, input);
    }
    // The first releases had one group for development.
    let groups = table_at(table, "dev-dependencies");
    for (_, list) in groups.into_iter().flat_map(|groups| groups.iter()) {
        add_list(&mut needs, list.get_ref(), None, EdgeKind::Dev, input);
    }
    needs
}

fn add_needs<'d>(
    needs: &mut Vec<Need<'d>>,
    table: &'d DeTable<'_>,
    key: &str,
    of_extra: Option<&Cow<'d, str>>,
    kind: EdgeKind,
    input: &Input<'_>,
) {
    if let Some(value) = table.get(key) {
        add_list(needs, value.get_ref(), of_extra, kind, input);
    }
}

fn add_list<'d>(
    needs: &mut Vec<Need<'d>>,
    list: &'d DeValue<'_>,
    of_extra: Option<&Cow<'d, str>>,
    kind: EdgeKind,
    input: &Input<'_>,
) {
    for item in list.as_array().into_iter().flat_map(|list| list.iter()) {
        let Some(table) = item.get_ref().as_table() else { continue };
        let Some(name) = text_at(table, "name").and_then(word) else { continue };
        // Packages have `extra`, of old one text; what the workspace itself requires has `extras`.
        let one = text_at(table, "extra");
        let lists = ["extra", "extras"].into_iter().flat_map(|key| texts_at(table, key));
        let extras = one.into_iter().chain(lists);
        let extras: Vec<Cow<'d, str>> = extras.map(normalised).collect();
        needs.push(Need {
            key: normalised(name),
            extras,
            of_extra: of_extra.cloned(),
            pick: Pick::Exact {
                version: text_at(table, "version").map(Cow::Borrowed),
                origin: table.contains_key("source").then(|| origin(table)),
            },
            kind: text_at(table, "marker").and_then(chosen_by).map_or(kind, |it| it.max(kind)),
            marker: Cow::Borrowed(text_at(table, "marker").unwrap_or_default()),
            line: input.lines.line_of(&item.span()),
            may_be_absent: false,
        });
    }
}

/// How a dependency is needed that is only there with some of the workspace's extras and groups:
/// where these exclude each other, uv writes them as extras with a number and the package's name.
fn chosen_by(marker: &str) -> Option<EdgeKind> {
    let choices = any_extra_of(marker)?;
    let kind = |choice: &str| match choice.split_once('-') {
        Some(("extra", _)) => Some(EdgeKind::Optional),
        Some(("group", _)) => Some(EdgeKind::Dev),
        _ => None,
    };
    choices.into_iter().map(kind).min().flatten()
}

/// Licences of the repository's own packages stand in their manifests.
fn complete(lock: &mut Lock<'_>, input: &mut Input<'_>) {
    let own = lock.packages_mut().iter_mut().filter(|package| package.root);
    for package in own.take(MANIFESTS_MAX) {
        let Some(dir) = package.node.location.clone() else { continue };
        if let Some(manifest) = Manifest::read(&dir, input) {
            manifest.complete(package);
        }
    }
}

/// A workspace whose root is no package, or a script, may need packages itself.
fn add_root_without_package<'d>(
    manifest: &'d DeTable<'_>,
    lock: &mut Lock<'d>,
    input: &mut Input<'_>,
) {
    let mut needs = Vec::new();
    add_needs(&mut needs, manifest, "requirements", None, EdgeKind::Runtime, input);
    for (_, list) in table_at(manifest, "dependency-groups").into_iter().flatten() {
        add_list(&mut needs, list.get_ref(), None, EdgeKind::Dev, input);
    }
    for need in &mut needs {
        // These have ranges where dependencies of packages have versions, and markers that may
        // hold nowhere.
        need.pick = Pick::Range(Cow::Borrowed(""));
        need.may_be_absent = true;
    }
    let Some(line) = needs.first().map(|need| need.line) else { return };
    let name = name_of_directory(input.dir());
    let node = Origin::Own("").node(&name, None, line, input);
    let key = Cow::Owned(normalised(&name).into_owned());
    let package = Package { key, node, root: true, scope: None, origin: None, needs };
    lock.add(package, line, &mut input.faults);
}
