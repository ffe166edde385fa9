//! `Pipfile.lock`: sections of packages without edges; the `Pipfile` beside it says which of them
//! are needed directly.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};

use super::lock::{Lock, Need, Package, Pick};
use super::manifest::{Manifest, name_of_directory};
use super::names::{archive, digest, is_name, normalised};
use super::origin::Origin;
use super::requirement::pinned;
use crate::format::json::{self, Object};
use crate::format::toml::texts_at;
use crate::format::{Input, Unreadable};
use crate::graph::{EdgeKind, Graph, Kind, Place, Scope};
use crate::path;
use crate::scan::ReadError;
use crate::text::{Lines, decode};

pub(in crate::format) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = json::object(input)?;
    if !document.contains_key("_meta") && !document.contains_key("default") {
        return Err(Unreadable::Shape("it has neither `_meta` nor `default`"));
    }
    let sources = Sources::read(document.get("_meta").copied());
    let mut lock = Lock::default();
    for (section, raw) in document.iter().filter(|(section, _)| *section != "_meta") {
        add_section(section, raw, &sources, &mut lock, input);
    }
    if let Some(root) = root(input) {
        match lock.packages_mut().iter_mut().find(|package| package.root) {
            Some(installed) => installed.absorb(root),
            None => _ = lock.add(root, 1, &mut input.faults),
        }
    }
    Ok(lock.graph(input))
}

/// Addresses of indexes, by the names that packages use.
struct Sources {
    addresses: BTreeMap<String, String>,
}

impl Sources {
    fn read(meta: Option<&RawValue>) -> Self {
        let meta: Value =
            meta.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let text = |source: &Value, key: &str| source[key].as_str().map(str::to_owned);
        let listed = meta["sources"].as_array().into_iter().flatten();
        let named = listed.filter_map(|it| Some((text(it, "name")?, text(it, "url")?)));
        Self { addresses: named.collect() }
    }

    /// The index of a package; the only one when it names none.
    fn address(&self, name: Option<&str>) -> Option<&str> {
        match name {
            Some(name) => self.addresses.get(name).map(String::as_str),
            None if self.addresses.len() == 1 => self.addresses.values().next().map(String::as_str),
            None => None,
        }
    }
}

fn add_section(
    section: &str,
    raw: &RawValue,
    sources: &Sources,
    lock: &mut Lock<'static>,
    input: &mut Input<'_>,
) {
    let Ok(packages) = serde_json::from_str::<Object<'_>>(raw.get()) else {
        let line = input.lines.line_of_part(raw.get());
        return input.faults.add(Some(line), format!("`{section}` is no object"));
    };
    // Of a category that is neither of the two, nobody says what it is for.
    let scope = match section {
        "default" => Scope::Runtime,
        "develop" => Scope::Dev,
        _ => Scope::Unknown,
    };
    for (name, raw) in packages {
        let line = input.lines.line_of_part(raw.get());
        match package(&name, raw, scope, line, sources, input) {
            Ok(package) => {
                if !lock.add(package, line, &mut input.faults) {
                    return;
                }
            }
            Err(reason) => input.faults.add(Some(line), reason),
        }
    }
}

fn package(
    name: &str,
    raw: &RawValue,
    scope: Scope,
    line: u32,
    sources: &Sources,
    input: &Input<'_>,
) -> Result<Package<'static>, &'static str> {
    if !is_name(name) || crate::format::word(name).is_none() {
        return Err("a package without a usable name");
    }
    let entry: Value = serde_json::from_str(raw.get()).map_err(|_| "no usable entry")?;
    let text = |key: &str| entry[key].as_str();
    let range = text("version").or_else(|| entry.as_str()).unwrap_or("");
    let version = pinned(range).and_then(crate::format::word);
    let local = text("path").or_else(|| text("file"));
    let origin = match (text("git"), local) {
        (Some(url), _) => Origin::Git { url, revision: text("ref") },
        (None, Some(at)) if at.contains("://") => Origin::Address(at),
        (None, Some(at)) if at.ends_with(".whl") || at.ends_with(".tar.gz") => Origin::File(at),
        (None, Some("." | "./")) => Origin::Own(""),
        (None, Some(at)) => Origin::Directory(at),
        (None, None) => Origin::Index(sources.address(text("index"))),
    };
    if !entry.is_object() && !entry.is_string() {
        return Err("no usable entry");
    }
    if !origin.is_usable() {
        return Err("a package with an unusable source");
    }
    let mut node = origin.node(name, version, line, input);
    let ranged = version.is_none() && !matches!(range, "" | "*");
    node.range = ranged.then(|| crate::format::phrase(range)).flatten().map(str::to_owned);
    node.condition = text("markers").and_then(crate::format::phrase).map(str::to_owned);
    let hashes = entry["hashes"].as_array().into_iter().flatten();
    node.archives =
        hashes.filter_map(|hash| archive(None, vec![digest(hash.as_str()?)?])).collect();
    let root = node.kind == Kind::Member;
    Ok(Package {
        key: Cow::Owned(normalised(name).into_owned()),
        node,
        root,
        scope: (!root).then_some(scope),
        origin: None,
        needs: Vec::new(),
    })
}

/// The repository's own package, which the `Pipfile` gives needs and no name.
fn root(input: &mut Input<'_>) -> Option<Package<'static>> {
    let at = path::join(input.dir(), "Pipfile");
    let needs = match input.files.read(&at) {
        Ok(bytes) => parse(&bytes),
        Err(ReadError::Missing) => return None,
        Err(err) => Err((None, err.to_string())),
    };
    let tell = |(line, reason): (Option<u32>, String)| {
        let reason = format!("{reason}; what is needed directly is unknown");
        input.faults.warnings.add(&at, line, reason);
    };
    let needs = needs.map_err(tell).ok()?;
    let place = Place { path: at.clone(), line: 1 };
    // A manifest of another tool beside it knows what the package is called.
    let mut package = match Manifest::read(input.dir(), input).filter(|it| it.name.is_some()) {
        Some(manifest) => manifest.package(input),
        None => {
            let name = name_of_directory(input.dir());
            let node = Origin::Own("").node(&name, None, 1, input);
            let key = Cow::Owned(normalised(&name).into_owned());
            let needs = Vec::new();
            let mut package = Package { key, node, root: true, scope: None, origin: None, needs };
            package.node.places.clear();
            package
        }
    };
    package.node.places.push(place);
    package.needs = needs;
    Some(package)
}

fn parse(bytes: &[u8]) -> Result<Vec<Need<'static>>, (Option<u32>, String)> {
    let text = decode(bytes).map_err(|line| (Some(line), "not UTF-8 text".to_owned()))?;
    let document = DeTable::parse(text).map_err(|err| {
        let line = err.span().map(|span| Lines::new(text).line_of(&span));
        (line, format!("not valid TOML: {}", err.message()))
    })?;
    let mut needs = Vec::new();
    for (section, table) in document.get_ref() {
        let kind = match section.get_ref().as_ref() {
            "packages" => EdgeKind::Runtime,
            "dev-packages" => EdgeKind::Dev,
            "source" | "requires" | "scripts" | "pipenv" | "pipfile" => continue,
            _ => EdgeKind::Unknown,
        };
        let entries = table.get_ref().as_table().into_iter().flatten();
        needs.extend(
            entries
                .filter(|(name, _)| is_name(name.get_ref()))
                .map(|(name, value)| need(name.get_ref(), value.get_ref(), kind)),
        );
    }
    Ok(needs)
}

fn need(name: &str, value: &DeValue<'_>, kind: EdgeKind) -> Need<'static> {
    let table = value.as_table();
    let extras = table.map(|table| texts_at(table, "extras")).unwrap_or_default();
    let range = value
        .as_str()
        .or_else(|| table.and_then(|table| crate::format::toml::text_at(table, "version")));
    Need {
        key: Cow::Owned(normalised(name).into_owned()),
        extras: extras.iter().map(|it| Cow::Owned(normalised(it).into_owned())).collect(),
        of_extra: None,
        pick: Pick::Range(Cow::Owned(range.unwrap_or("").to_owned())),
        kind,
        marker: Cow::Borrowed(""),
        line: 0,
        may_be_absent: kind != EdgeKind::Runtime || table.is_some(),
    }
}
