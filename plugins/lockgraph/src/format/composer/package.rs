//! One package of a `composer.lock`, and a composer.json, which has the same fields.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::format::{Input, phrase, word};
use crate::graph::{Hash, HashAlgorithm, Kind, Node, Place, Scope};
use crate::purl::Purl;
use crate::{Ecosystem, path};

/// What a lock file says of a package.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    /// The name as others may spell it: composer does not tell case apart.
    pub(super) key: String,
    pub(super) version: Option<String>,
    pub(super) licence: Option<String>,
    /// Names of packages, platforms left out; lower case.
    pub(super) requires: Vec<String>,
    pub(super) requires_dev: Vec<String>,
    /// Names it provides or replaces; lower case.
    pub(super) gives: BTreeSet<String>,
    pub(super) line: u32,
    scope: Scope,
    origin: Origin,
    hash: Option<Hash>,
}

/// Where a package comes from.
#[derive(Debug)]
enum Origin {
    /// A registry, and the address of the archive there.
    Registry(Option<String>),
    Git {
        url: String,
        revision: String,
    },
    Archive(String),
    Directory(String),
}

/// The fields; what has another type than composer writes is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Written {
    name: Value,
    version: Value,
    source: Value,
    dist: Value,
    require: Value,
    require_dev: Value,
    provide: Value,
    replace: Value,
    license: Value,
    notification_url: Value,
}

impl Package {
    pub(super) fn read(raw: &RawValue, scope: Scope, line: u32) -> Result<Self, &'static str> {
        let written = fields(raw).ok_or("a package that is no object")?;
        let name = text(&written.name).and_then(word).ok_or("a package without a usable name")?;
        let version =
            text(&written.version).and_then(word).ok_or("a package without a usable version")?;
        Ok(Self::new(&written, name, Some(version), scope, line))
    }

    /// A composer.json; it need not have a name or a version.
    pub(super) fn manifest(raw: &RawValue) -> Option<Self> {
        let written = fields(raw)?;
        let name = text(&written.name).and_then(word).unwrap_or_default();
        let version = text(&written.version).and_then(word);
        Some(Self::new(&written, name, version, Scope::Runtime, 1))
    }

    fn new(written: &Written, name: &str, version: Option<&str>, scope: Scope, line: u32) -> Self {
        let provided = names(&written.provide).into_iter();
        let shasum = text(&written.dist["shasum"]);
        Self {
            name: name.to_owned(),
            key: name.to_lowercase(),
            version: version.map(str::to_owned),
            licence: licence(&written.license),
            requires: names(&written.require),
            requires_dev: names(&written.require_dev),
            gives: provided.chain(names(&written.replace)).collect(),
            line,
            scope,
            origin: origin(written, version.unwrap_or_default()),
            hash: shasum.and_then(|hex| Hash::from_hex(HashAlgorithm::Sha1, hex)),
        }
    }

    /// Whether it stands in for a name, or bears it.
    pub(super) fn gives(&self, name: &str) -> bool {
        self.key == name || self.gives.contains(name)
    }

    pub(super) fn node(&self, input: &Input<'_>) -> Node {
        let (kind, source, qualifier, location) = match &self.origin {
            Origin::Registry(url) => (Kind::Registry, url.clone(), None, None),
            Origin::Git { url, revision } => {
                let pinned = ("vcs_url", format!("{url}@{revision}"));
                (Kind::Git, Some(format!("{url}#{revision}")), Some(pinned), None)
            }
            Origin::Archive(url) => {
                (Kind::Archive, Some(url.clone()), Some(("download_url", url.clone())), None)
            }
            Origin::Directory(dir) => (Kind::Path, None, None, path::resolve(input.dir(), dir)),
        };
        let qualifiers: Vec<(&str, &str)> =
            qualifier.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let purl = Purl {
            qualifiers: &qualifiers,
            ..Purl::new(Ecosystem::Composer, &self.name, self.version.as_deref())
        };
        let place = Place { path: input.path.to_owned(), line: self.line };
        Node {
            scope: self.scope,
            location,
            source,
            hashes: self.hash.clone().into_iter().collect(),
            licence: self.licence.clone(),
            ..Node::new(purl, kind, place)
        }
    }
}

fn fields(raw: &RawValue) -> Option<Written> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// The keys that can be packages: `php`, `ext-json` and the like are the platform.
fn names(value: &Value) -> Vec<String> {
    let keys = value.as_object().into_iter().flat_map(|object| object.keys());
    keys.filter(|name| name.contains('/') && word(name).is_some())
        .map(|name| name.to_lowercase())
        .collect()
}

/// A list of licences, of which any may be chosen, or one.
fn licence(value: &Value) -> Option<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(value));
    let all: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let joined = match all.as_slice() {
        [one] => (*one).to_owned(),
        _ => format!("({})", all.join(" OR ")),
    };
    if all.is_empty() { None } else { phrase(&joined).map(str::to_owned) }
}

fn origin(written: &Written, version: &str) -> Origin {
    let url = |value: &Value| text(&value["url"]).and_then(phrase).map(path::without_user);
    let dist = url(&written.dist);
    if let (Some("path"), Some(dir)) = (text(&written.dist["type"]), &dist) {
        return Origin::Directory(dir.clone());
    }
    // A registry wants to be told of installations; a branch is no version of it.
    let from_registry = text(&written.notification_url).is_some();
    let is_branch = version.starts_with("dev-") || version.ends_with("-dev");
    let revision = text(&written.source["reference"]).and_then(word);
    match (url(&written.source), revision, dist) {
        (Some(url), Some(revision), _)
            if text(&written.source["type"]) == Some("git") && (!from_registry || is_branch) =>
        {
            Origin::Git { url, revision: revision.to_owned() }
        }
        (None, _, Some(dist)) if !from_registry => Origin::Archive(dist),
        (_, _, dist) => Origin::Registry(dist),
    }
}
