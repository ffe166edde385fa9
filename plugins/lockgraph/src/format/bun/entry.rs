//! One package of a bun.lock, and one of the repository's own.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::format::js::{Origin, split_at_sign};
use crate::format::npm::integrity;
use crate::format::{phrase, word};
use crate::graph::{EdgeKind, Hash};

/// What is installed at a path.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) is: Is<'a>,
    pub(super) needs: Vec<Need<'a>>,
    pub(super) line: u32,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Is<'a> {
    Foreign {
        origin: Origin,
        hashes: Vec<Hash>,
    },
    /// One of the repository's own, in a directory as seen from the lock file.
    Member {
        dir: Cow<'a, str>,
    },
}

/// How a package needs another.
#[derive(Debug)]
pub(super) struct Need<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) kind: EdgeKind,
}

/// One of the repository's own packages.
#[derive(Debug)]
pub(super) struct Workspace<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) needs: Vec<Need<'a>>,
    pub(super) line: u32,
}

/// The fields of a package; what has another type than bun writes is as good as absent.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    name: Value,
    version: Value,
    dependencies: Value,
    dev_dependencies: Value,
    optional_dependencies: Value,
    peer_dependencies: Value,
}

impl<'a> Workspace<'a> {
    pub(super) fn read(raw: &RawValue, line: u32) -> Option<Self> {
        let written: Written = object(raw.get())?;
        let text =
            |value: &Value| value.as_str().and_then(word).map(|text| Cow::Owned(text.to_owned()));
        Some(Self {
            name: text(&written.name),
            version: text(&written.version),
            needs: needs(&written),
            line,
        })
    }
}

impl<'a> Entry<'a> {
    /// `["name@reference", …, {what it needs}, "digest"]`; what is between depends on the reference.
    pub(super) fn read(raw: &'a RawValue, line: u32, dir: &str) -> Result<Self, &'static str> {
        let tuple: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| "it is no list")?;
        let text = |raw: &&'a RawValue| {
            serde_json::from_str::<Cow<'_, str>>(raw.get()).ok().map(Cow::into_owned)
        };
        let first = tuple.first().and_then(text).ok_or("its first item is no text")?;
        let (name, reference) =
            split_at_sign(&first).ok_or("its first item is no `name@version`")?;
        word(name).ok_or("it has no usable name")?;
        phrase(reference).ok_or("it has no usable version")?;
        let about = tuple.iter().find_map(|item| object::<Written>(item.get())).unwrap_or_default();
        let (version, is) = if let Some(dir) = reference.strip_prefix("workspace:") {
            (None, Is::Member { dir: Cow::Owned(dir.to_owned()) })
        } else if let Some(of) = reference.strip_prefix("root:") {
            (None, Is::Member { dir: Cow::Owned(of.to_owned()) })
        } else if reference.contains([':', '/']) {
            (None, Is::Foreign { origin: Origin::of(reference, dir), hashes: hashes(&tuple) })
        } else {
            let version = word(reference).ok_or("it has no usable version")?;
            let source = tuple.get(1).and_then(text).filter(|url| url.contains("://"));
            let source = source.map(|url| Origin::of(&url, dir).source);
            let origin = Origin { source: source.flatten(), ..Origin::registry() };
            (Some(Cow::Owned(version.to_owned())), Is::Foreign { origin, hashes: hashes(&tuple) })
        };
        Ok(Self { name: Cow::Owned(name.to_owned()), version, is, needs: needs(&about), line })
    }
}

/// The digests, which stand last.
fn hashes(tuple: &[&RawValue]) -> Vec<Hash> {
    let last = tuple.get(2..).and_then(<[_]>::last);
    let text = last.and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok());
    text.as_deref().map(integrity).unwrap_or_default()
}

fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

fn needs<'a>(written: &Written) -> Vec<Need<'a>> {
    let sections = [
        (&written.optional_dependencies, EdgeKind::Optional),
        (&written.dependencies, EdgeKind::Runtime),
        (&written.peer_dependencies, EdgeKind::Peer),
        (&written.dev_dependencies, EdgeKind::Dev),
    ];
    let mut needs: Vec<Need<'_>> = Vec::new();
    for (section, kind) in sections {
        for name in section.as_object().into_iter().flat_map(|object| object.keys()) {
            if word(name).is_some() {
                needs.push(Need { name: Cow::Owned(name.clone()), kind });
            }
        }
    }
    // The first section that names a package counts: what is optional may be listed twice.
    needs.sort_by(|a, b| a.name.cmp(&b.name));
    needs.dedup_by(|later, first| later.name == first.name);
    needs
}
