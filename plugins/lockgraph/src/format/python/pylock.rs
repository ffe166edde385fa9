//! `pylock.toml` and `pylock.*.toml`, the format of PEP 751 that several tools write.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lock::{Lock, Need, Package, Pick};
use super::manifest::Manifest;
use super::names::{algorithm_of, archive, is_for_development, normalised};
use super::origin::Origin;
use super::requirement::looked_for;
use super::table::{Fault, add_each, list_at, name_of, tables_at, version_of};
use crate::format::toml::{read as read_toml, table_at, text_at, texts_at};
use crate::format::{Input, Unreadable, phrase, word};
use crate::graph::{Archive, EdgeKind, Graph, Hash, Kind, Scope};
use crate::path;

pub(in crate::format) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    read_toml(input, "packages", |document, input| {
        let scopes = Scopes::read(document, input.path);
        let mut lock = Lock::default();
        add_each(document, "packages", &mut lock, input, |table, line, input| {
            package(table, line, &scopes, input)
        });
        add_root(&mut lock, input);
        lock.graph(input)
    })
}

/// What packages are for, as far as the lock file says it.
struct Scopes<'d> {
    /// Groups that are installed when none is asked for.
    default_groups: Vec<&'d str>,
    /// Of a package that is always installed.
    always: Scope,
}

impl<'d> Scopes<'d> {
    fn read(document: &'d DeTable<'_>, path: &str) -> Self {
        let file = path::file_name(path);
        let for_development = is_for_development(file);
        Self {
            default_groups: texts_at(document, "default-groups"),
            always: if for_development { Scope::Dev } else { Scope::Runtime },
        }
    }

    fn of(&self, marker: &str) -> Scope {
        let groups = looked_for(marker, "dependency_groups");
        if groups.iter().any(|group| self.default_groups.contains(group)) {
            Scope::Runtime
        } else if !looked_for(marker, "extras").is_empty() {
            Scope::Optional
        } else if !groups.is_empty() {
            Scope::Dev
        } else {
            self.always
        }
    }
}

fn package<'d>(
    table: &'d DeTable<'_>,
    line: u32,
    scopes: &Scopes<'_>,
    input: &Input<'_>,
) -> Result<Package<'d>, Fault> {
    let name = name_of(table)?;
    let version = version_of(table)?;
    let origin = origin(table);
    if !origin.is_usable() {
        return Err("a package with an unusable source");
    }
    let mut node = origin.node(name, version, line, input);
    node.condition = text_at(table, "marker").and_then(phrase).map(str::to_owned);
    let files = table_at(table, "sdist").into_iter().chain(tables_at(table, "wheels"));
    node.archives = files.chain(table_at(table, "archive")).filter_map(file).collect();
    let root = node.kind == Kind::Member;
    Ok(Package {
        key: normalised(name),
        node,
        root,
        scope: (!root).then(|| scopes.of(text_at(table, "marker").unwrap_or(""))),
        origin: None,
        needs: needs(table, input),
    })
}

fn origin<'d>(table: &'d DeTable<'_>) -> Origin<'d> {
    let place = |table: &'d DeTable<'_>| text_at(table, "url").or_else(|| text_at(table, "path"));
    if let Some(vcs) = table_at(table, "vcs") {
        let revision = text_at(vcs, "commit-id").or_else(|| text_at(vcs, "requested-revision"));
        return Origin::Git { url: place(vcs).unwrap_or_default(), revision };
    }
    if let Some(directory) = table_at(table, "directory") {
        return match text_at(directory, "path").unwrap_or(".") {
            "." | "./" | "" => Origin::Own(""),
            path => Origin::Directory(path),
        };
    }
    match table_at(table, "archive").and_then(place) {
        Some(url) if url.contains("://") => Origin::Address(url),
        Some(path) => Origin::File(path),
        None => Origin::Index(text_at(table, "index")),
    }
}

fn file(table: &DeTable<'_>) -> Option<Archive> {
    let location = ["url", "path", "name"].iter().find_map(|key| text_at(table, key));
    let digests = table_at(table, "hashes").into_iter().flatten().filter_map(|(name, value)| {
        Hash::from_hex(algorithm_of(name.get_ref())?, value.get_ref().as_str()?)
    });
    archive(location, digests.collect())
}

/// What it needs, which tools need not write.
fn needs<'d>(table: &'d DeTable<'_>, input: &Input<'_>) -> Vec<Need<'d>> {
    let need = |item: &'d Spanned<DeValue<'_>>| {
        let table = item.get_ref().as_table()?;
        Some(Need {
            key: normalised(text_at(table, "name").and_then(word)?),
            extras: Vec::new(),
            of_extra: None,
            pick: Pick::Exact {
                version: text_at(table, "version").map(Cow::Borrowed),
                origin: None,
            },
            kind: EdgeKind::Runtime,
            marker: Cow::Borrowed(""),
            line: input.lines.line_of(&item.span()),
            may_be_absent: false,
        })
    };
    list_at(table, "dependencies").filter_map(need).collect()
}

/// The manifest beside it says what is needed directly.
fn add_root(lock: &mut Lock<'_>, input: &mut Input<'_>) {
    let Some(manifest) = Manifest::read(input.dir(), input) else { return };
    let mut root = manifest.package(input);
    // The lock file may be one of several for parts of what the manifest lists.
    root.needs.iter_mut().for_each(|need| need.may_be_absent = true);
    match lock.packages_mut().iter_mut().find(|package| package.root) {
        Some(listed) => listed.absorb(root),
        None => _ = lock.add(root, 1, &mut input.faults),
    }
}
