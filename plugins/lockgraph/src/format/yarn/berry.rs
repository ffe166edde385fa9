//! The YAML of yarn 2 and later.

use std::borrow::Cow;

use super::{Entry, Is, Lock, METADATA, Need};
use crate::format::js::{Origin, documents, split_at_sign};
use crate::format::yaml::Yaml;
use crate::format::{Input, Unreadable, phrase, word};
use crate::graph::{EdgeKind, Kind};
use crate::path;

/// What yarn writes for the version of what lies in the repository.
const LOCAL_VERSION: &str = "0.0.0-use.local";

/// Hands the entries to `then`, in the order of the file.
pub(super) fn read<'a, R>(
    input: &mut Input<'a>,
    then: impl FnOnce(&Lock<'_>, &mut Input<'a>) -> R,
) -> Result<R, Unreadable> {
    documents(input, 0, |documents, input| {
        let mut lock = Lock { entries: Vec::new(), locators: Vec::new() };
        for (key, value) in documents.iter().flat_map(Yaml::members) {
            let Some(keys) = key.text() else { continue };
            if Some(keys) == METADATA.strip_suffix(':') {
                continue;
            }
            match entry(keys, key.line, value, input.dir()) {
                Ok((entry, locator)) => {
                    if !lock.add(entry, locator, input) {
                        break;
                    }
                }
                Err(reason) => input.faults.add(Some(key.line), reason),
            }
        }
        then(&lock, input)
    })
}

fn entry<'y>(
    keys: &'y str,
    line: u32,
    value: &'y Yaml<'_>,
    dir: &str,
) -> Result<(Entry<'y>, Cow<'y, str>), &'static str> {
    let locator = value.text_at("resolution").and_then(phrase);
    let locator = locator.ok_or("an entry without a usable `resolution`")?;
    let (name, reference) = split_at_sign(locator).ok_or("a `resolution` that names nothing")?;
    word(name).ok_or("an entry without a usable name")?;
    let is_somewhere = is_known(reference) || reference.starts_with("patch:");
    let version = value.text_at("version").and_then(word);
    let version = version.filter(|text| *text != LOCAL_VERSION && is_somewhere);
    let entry = Entry {
        keys: split(keys).map(Cow::Borrowed).collect(),
        name: Cow::Borrowed(name),
        version: version.map(Cow::Borrowed),
        line,
        is: is(reference, value, dir),
        needs: needs(value),
    };
    Ok((entry, Cow::Borrowed(locator)))
}

/// Yarn puts a comma and a space between keys; a space at an end is part of a range.
fn split(keys: &str) -> impl Iterator<Item = &str> {
    keys.split(',').map(|key| key.strip_prefix(' ').unwrap_or(key))
}

fn is<'y>(reference: &'y str, value: &'y Yaml<'_>, dir: &str) -> Is<'y> {
    let (plain, bound) = reference.split_once("::").unwrap_or((reference, ""));
    if let Some(dir) = plain.strip_prefix("workspace:") {
        return Is::Member { dir: Cow::Borrowed(dir) };
    }
    if let Some(patch) = plain.strip_prefix("patch:") {
        let of = patch.split_once('#').map_or(patch, |(of, _)| of);
        return Is::Patch { of: decoded(of) };
    }
    let parameter = |name: &str| {
        let mut all = bound.split('&').filter_map(|pair| pair.split_once('='));
        all.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
    };
    let origin = if plain.starts_with("npm:") {
        match parameter("__archiveUrl") {
            Some(url) => Origin { source: Origin::of(&url, dir).source, ..Origin::registry() },
            None => Origin::registry(),
        }
    } else {
        let is_place = ["file:", "link:", "portal:"].iter().any(|place| plain.starts_with(place));
        let place = plain.split_once('#').map_or(plain, |(place, _)| place);
        let of = parameter("locator");
        let of = of.as_deref().and_then(|of| of.split_once("@workspace:")).map_or("", |(_, of)| of);
        let from = path::resolve(dir, of).unwrap_or_default();
        Origin::of(if is_place { place } else { plain }, &from)
    };
    let origin = if is_known(plain) { origin } else { Origin { kind: Kind::Archive, ..origin } };
    let integrity = value.text_at("checksum").and_then(phrase).map(Cow::Borrowed);
    Is::Foreign { origin, hashes: Vec::new(), integrity }
}

/// Whether yarn itself knows what to do with a reference; what a plugin makes is in no registry.
fn is_known(reference: &str) -> bool {
    let Some((protocol, _)) = reference.split_once(':') else { return true };
    let is_plugins = protocol.bytes().all(|byte| byte.is_ascii_lowercase());
    !is_plugins
        || ["npm", "file", "link", "portal", "git", "ssh", "http", "https"].contains(&protocol)
}

fn needs<'y>(value: &'y Yaml<'_>) -> Vec<Need<'y>> {
    let meta = value.get("dependenciesMeta").map(Yaml::members).unwrap_or_default();
    let mut optional: Vec<&str> = meta
        .iter()
        .filter(|(_, meta)| meta.get("optional").is_some_and(Yaml::is_true))
        .filter_map(|(name, _)| name.text())
        .collect();
    optional.sort_unstable();
    let dependencies = value.get("dependencies").map(Yaml::members).unwrap_or_default();
    dependencies
        .iter()
        .filter_map(|(name, range)| {
            let name = word(name.text()?)?;
            let is_optional = optional.binary_search(&name).is_ok();
            let kind = if is_optional { EdgeKind::Optional } else { EdgeKind::Runtime };
            Some(Need {
                name: Cow::Borrowed(name),
                range: Cow::Borrowed(range.text().unwrap_or("")),
                kind,
            })
        })
        .collect()
}

/// A part of a reference, of which yarn encodes what would end it.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(str::from_utf8(code).ok()?, 16).ok());
        out.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}
