//! A reference to a container image: `registry/name:tag@digest`.

use crate::ecosystem::Ecosystem;
use crate::format::{phrase, word};
use crate::graph::{Kind, Node, Place};
use crate::purl::Purl;

/// Stands for what nobody knows in a reference; no reference has it.
pub(super) const UNKNOWN: char = '\0';

/// The names of the registry that is meant when none is named.
const DEFAULT_REGISTRIES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A reference that is none, for a reader: what may be a password in it is left out.
pub(in crate::format) fn quoted(written: &str) -> String {
    match written.rsplit_once('@') {
        Some((before, after)) if before.contains([':', '@']) && !after.starts_with("sha") => {
            format!("`…@{after}`")
        }
        _ => format!("`{written}`"),
    }
}

/// An image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) struct Image<'a> {
    written: &'a str,
    /// None for the usual one.
    registry: Option<&'a str>,
    name: &'a str,
    /// The digest, else the tag; none when a variable nobody knows decides.
    pub(super) version: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes a reference apart.
    ///
    /// # Errors
    ///
    /// A sentence, when it is none.
    pub(in crate::format) fn parse(written: &'a str) -> Result<Self, &'static str> {
        let (rest, digest) = match written.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (written, None),
        };
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
            _ => (rest, None),
        };
        let (registry, name) = match rest.split_once('/') {
            Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host), name)
            }
            _ => (None, rest),
        };
        let registry = registry.filter(|registry| !DEFAULT_REGISTRIES.contains(registry));
        let name = match (registry, name.strip_prefix("library/")) {
            (None, Some(official)) => official,
            _ => name,
        };
        if [rest, name].iter().any(|part| part.contains(UNKNOWN)) {
            return Err("its name is known only to who builds it");
        }
        let is_plain = |text: &str, others: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let is_name = word(name).is_some()
            && is_plain(name, "._-/")
            && name.split('/').all(|part| !part.is_empty());
        let is_registry =
            registry.is_none_or(|host| phrase(host).is_some() && is_plain(host, ".-:"));
        if !is_name || !is_registry {
            return Err("no name of an image");
        }
        let is_known = |text: &&str| !text.contains(UNKNOWN);
        let is_digest = |text: &&str| {
            text.split_once(':').is_some_and(|(algorithm, hex)| {
                !algorithm.is_empty()
                    && hex.len() >= 32
                    && hex.bytes().all(|b| b.is_ascii_hexdigit())
            })
        };
        if digest.filter(is_known).is_some_and(|digest| !is_digest(&digest)) {
            return Err("what follows `@` is no digest");
        }
        if tag.filter(is_known).is_some_and(|tag| word(tag).is_none() || !is_plain(tag, "._-")) {
            return Err("no tag of an image");
        }
        // Without either, the tag is `latest`: so the specification of references has it.
        let version = digest.or(tag).unwrap_or("latest");
        Ok(Self {
            written,
            registry,
            name,
            version: Some(version).filter(is_known),
            digest: digest.filter(is_known),
        })
    }

    /// The image as a package: its digest is what pins it.
    pub(in crate::format) fn node(&self, place: Place) -> Node {
        let qualifiers: Vec<(&str, &str)> =
            self.registry.iter().map(|registry| ("repository_url", *registry)).collect();
        let purl = Purl {
            qualifiers: &qualifiers,
            ..Purl::new(Ecosystem::Docker, self.name, self.version)
        };
        let known = !self.written.contains(UNKNOWN);
        Node {
            source: known.then(|| self.written.to_owned()),
            integrity: self.digest.map(str::to_owned),
            ..Node::new(purl, Kind::Registry, place)
        }
    }
}
