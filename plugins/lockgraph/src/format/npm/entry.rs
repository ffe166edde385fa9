//! One package of the installed tree.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::format::{phrase, word};
use crate::graph::{EdgeKind, Hash, HashAlgorithm, Kind, Scope};

/// What the lock file says of one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Only where it differs from the directory's name: of aliases and of the repository's own.
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    /// The address it was got from, or the target of a link.
    pub(super) resolved: Option<String>,
    pub(super) link: bool,
    pub(super) hashes: Vec<Hash>,
    pub(super) licence: Option<String>,
    pub(super) scope: Scope,
    /// By the name it is asked for.
    pub(super) needs: BTreeMap<String, Need>,
    pub(super) line: u32,
}

/// How a package needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) kind: EdgeKind,
    /// Whether the tree is in order without it.
    pub(super) may_be_absent: bool,
}

/// The fields of an entry; what has another type than npm writes is as good as absent.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    name: Value,
    version: Value,
    resolved: Value,
    integrity: Value,
    link: Value,
    dev: Value,
    optional: Value,
    dev_optional: Value,
    license: Value,
    licenses: Value,
    dependencies: Value,
    dev_dependencies: Value,
    optional_dependencies: Value,
    peer_dependencies: Value,
}

impl Default for Entry {
    /// A root of which nothing is known.
    fn default() -> Self {
        Self {
            name: None,
            version: None,
            resolved: None,
            link: false,
            hashes: Vec::new(),
            licence: None,
            scope: Scope::Runtime,
            needs: BTreeMap::new(),
            line: 1,
        }
    }
}

impl Entry {
    pub(super) fn read(raw: &RawValue, line: u32) -> Result<Self, &'static str> {
        let written: Written = fields(raw).ok_or("no usable entry")?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            name: text(&written.name).filter(|name| word(name).is_some()),
            version: text(&written.version).filter(|version| word(version).is_some()),
            resolved: text(&written.resolved).filter(|resolved| phrase(resolved).is_some()),
            link: is_true(&written.link),
            hashes: written.integrity.as_str().map(integrity).unwrap_or_default(),
            licence: written_licence(&written.license, &written.licenses),
            scope: scope(
                is_true(&written.dev),
                is_true(&written.optional),
                is_true(&written.dev_optional),
            ),
            needs: needs(&written),
            line,
        })
    }

    /// Where the package comes from, as its address tells.
    pub(super) fn kind(&self) -> Kind {
        let Some(resolved) = self.resolved.as_deref() else { return Kind::Registry };
        let git = ["git+", "git:", "github:", "gitlab:", "bitbucket:"];
        if git.iter().any(|prefix| resolved.starts_with(prefix)) {
            Kind::Git
        } else if let Some(path) = resolved.strip_prefix("file:") {
            if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
                Kind::Archive
            } else {
                Kind::Path
            }
        } else if is_from_registry(resolved) {
            Kind::Registry
        } else {
            Kind::Archive
        }
    }
}

/// Registries serve archives at `…/name/-/name-version.tgz`, or somewhere below the name; an
/// address that names neither the package nor such a path is somebody's own.
pub(in crate::format) fn is_from_registry(resolved: &str) -> bool {
    resolved.starts_with("http") && (resolved.contains("/-/") || resolved.contains("/download/"))
}

/// The fields of an object; a list of values in the right order is none.
pub(super) fn fields<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

/// What npm's flags mean together.
pub(super) fn scope(dev: bool, optional: bool, dev_optional: bool) -> Scope {
    match (dev, optional, dev_optional) {
        (true, _, _) => Scope::Dev,
        // Needed by something optional and by something for development: the stronger counts.
        (false, true, _) | (false, _, true) => Scope::Optional,
        (false, false, false) => Scope::Runtime,
    }
}

fn needs(written: &Written) -> BTreeMap<String, Need> {
    let mut needs = BTreeMap::new();
    let mut add = |section: &Value, need: Need| {
        for name in section.as_object().into_iter().flat_map(|object| object.keys()) {
            if word(name).is_some() {
                needs.insert(name.clone(), need);
            }
        }
    };
    // Later sections win: what is optional is listed as a dependency, too.
    add(&written.dev_dependencies, Need { kind: EdgeKind::Dev, may_be_absent: true });
    // An unmet peer is its user's choice: npm itself only warns, or was told not to.
    add(&written.peer_dependencies, Need { kind: EdgeKind::Peer, may_be_absent: true });
    add(&written.dependencies, Need { kind: EdgeKind::Runtime, may_be_absent: false });
    add(&written.optional_dependencies, Need { kind: EdgeKind::Optional, may_be_absent: true });
    needs
}

/// The licence in `license`, or else what `licenses` lists.
pub(in crate::format) fn written_licence(license: &Value, licenses: &Value) -> Option<String> {
    licence(license).or_else(|| licences(licenses))
}

/// A licence as npm has written it over the years: a text, or an object with a type.
fn licence(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value["type"].as_str())?;
    phrase(text).map(str::to_owned)
}

/// The old list of licences, of which any may be chosen.
fn licences(value: &Value) -> Option<String> {
    let all: Vec<String> = value.as_array()?.iter().filter_map(licence).collect();
    let text = match all.as_slice() {
        [] => return None,
        [one] => one.clone(),
        _ => format!("({})", all.join(" OR ")),
    };
    phrase(&text).map(str::to_owned)
}

/// The digests of a Subresource Integrity text, sorted.
pub(in crate::format) fn integrity(text: &str) -> Vec<Hash> {
    let digest = |item: &str| {
        let (algorithm, rest) = item.split_once('-')?;
        let algorithm = match algorithm {
            "sha1" => HashAlgorithm::Sha1,
            "sha256" => HashAlgorithm::Sha256,
            "sha384" => HashAlgorithm::Sha384,
            "sha512" => HashAlgorithm::Sha512,
            _ => return None,
        };
        let base64 = rest.split_once('?').map_or(rest, |(base64, _options)| base64);
        let bytes = STANDARD.decode(base64).ok()?;
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        Hash::from_hex(algorithm, &hex)
    };
    let mut hashes: Vec<Hash> = text.split_ascii_whitespace().filter_map(digest).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}
