//! `Package.resolved` of SwiftPM, versions 1 to 3, and the Package.swift beside it.
//!
//! The lock file is a list of revisions of repositories; which of them the package needs itself
//! is in Package.swift, where there is one: Xcode writes its lock files elsewhere.

mod manifest;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{self, Object};
use super::{Edges, Input, PACKAGES_MAX, Unreadable, beside, phrase, word};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place};
use crate::purl::Purl;
use crate::{Ecosystem, path};
use manifest::Manifest;

/// The fields of a pin over the versions; what has another type is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    identity: Value,
    package: Value,
    kind: Value,
    location: Value,
    #[serde(rename = "repositoryURL")]
    repository_url: Value,
    state: Value,
}

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = json::object(input)?;
    let pins = pins(&document).ok_or(Unreadable::Shape("it has no list of `pins`"))?;
    let mut builder = Builder::default();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for raw in pins {
        let line = input.lines.line_of_part(raw.get());
        if numbers.len() == PACKAGES_MAX {
            input.faults.add(Some(line), format!("only the first {PACKAGES_MAX} pins are read"));
            break;
        }
        let place = Place { path: input.path.to_owned(), line };
        match node(raw, place, input.dir()) {
            Ok(node) if numbers.contains_key(&node.name.to_lowercase()) => {
                input.faults.add(Some(line), format!("`{}` is pinned twice", node.name));
            }
            Ok(node) => {
                let name = node.name.to_lowercase();
                numbers.insert(name, builder.node(node));
            }
            Err(reason) => input.faults.add(Some(line), reason),
        }
    }
    let path = path::join(input.dir(), "Package.swift");
    if let Some(text) = beside::text(input, &path) {
        let manifest = Manifest::read(&text);
        let name = manifest.name.unwrap_or(input.dir_name());
        let place = Place { path, line: 1 };
        let location = Some(input.dir().to_owned());
        let purl = Purl::new(Ecosystem::Swift, name, None);
        let root = builder.node(Node { location, ..Node::new(purl, Kind::Member, place) });
        builder.root(root);
        let mut room = Edges::new();
        for needed in manifest.needs {
            if let Some(&to) = numbers.get(&needed.to_lowercase())
                && room.take(&mut input.faults)
            {
                builder.edge(root, to, EdgeKind::Runtime);
            }
        }
    }
    builder.spread_scopes();
    Ok(builder.finish())
}

/// The list of pins: version 1 keeps it in an object of its own.
fn pins<'a>(document: &Object<'a>) -> Option<Vec<&'a RawValue>> {
    let pins = match document.get("pins") {
        Some(pins) => *pins,
        None => {
            let object: Object<'a> = serde_json::from_str(document.get("object")?.get()).ok()?;
            *object.get("pins")?
        }
    };
    serde_json::from_str(pins.get()).ok()
}

fn node(raw: &RawValue, place: Place, dir: &str) -> Result<Node, &'static str> {
    let written: Option<Written> =
        raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten();
    let written = written.ok_or("a pin that is no object")?;
    let location = written.location.as_str().or(written.repository_url.as_str());
    let location = location.and_then(phrase).map(path::without_user);
    let identity = written.identity.as_str().or(written.package.as_str()).and_then(word);
    let state = |key: &str| written.state[key].as_str().and_then(word);
    let (version, revision) = (state("version"), state("revision"));
    let is_local = location.as_deref().is_some_and(|location| repository(location).is_none());
    let kind = match written.kind.as_str() {
        Some("registry") => Kind::Registry,
        Some("remoteSourceControl") if !is_local => Kind::Git,
        _ if is_local => Kind::Path,
        _ => Kind::Git,
    };
    let name = match (kind, location.as_deref().and_then(repository), identity) {
        (Kind::Git, Some(name), _) => name,
        (Kind::Git, None, Some(_)) => return Err("a pin without the address of its repository"),
        // `scope.name`, which a package URL writes in two parts, and must have both.
        (Kind::Registry, _, Some(identity)) => match identity.split_once('.') {
            Some((scope, name)) if !scope.is_empty() && !name.is_empty() => {
                format!("{scope}/{name}")
            }
            Some(_) | None => return Err("a pin of a registry whose identity has no scope"),
        },
        (_, _, Some(identity)) => identity.to_owned(),
        (_, _, None) => return Err("a pin without a usable name"),
    };
    let name = word(&name).ok_or("a pin without a usable name")?;
    if version.is_none() && revision.is_none() && kind != Kind::Path {
        return Err("a pin without a version and a revision");
    }
    let at = |mark: char| match (&location, revision) {
        (Some(location), Some(revision)) => format!("{location}{mark}{revision}"),
        (Some(location), None) => location.clone(),
        (None, _) => String::new(),
    };
    // The name says where it is from; of a branch only the revision says which.
    let pinned = (kind == Kind::Git && version.is_none()).then(|| at('@'));
    let qualifiers: Vec<(&str, &str)> =
        pinned.iter().map(|url| ("vcs_url", url.as_str())).collect();
    let purl = Purl { qualifiers: &qualifiers, ..Purl::new(Ecosystem::Swift, name, version) };
    let directory = location.as_deref().filter(|_| kind == Kind::Path);
    Ok(Node {
        location: directory.and_then(|path| path::resolve(dir, path)),
        source: (kind == Kind::Git).then(|| at('#')),
        ..Node::new(purl, kind, place)
    })
}

/// `host/owner/name` of the address of a repository; none for what is a directory.
fn repository(address: &str) -> Option<String> {
    let rest = match address.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.to_owned(),
        // As secure shell writes it: `user@host:path`.
        None => address.split_once(':').map(|(host, path)| format!("{host}/{path}"))?,
    };
    let (host, path) = rest.split_once('/')?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _port)| host).to_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| format!("{host}/{path}"))
}

#[cfg(test)]
mod tests;
