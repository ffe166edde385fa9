//! What the lock files of JavaScript's package managers share.

mod jsonc;
mod manifest;
mod origin;
mod torn;

pub(super) use jsonc::relaxed;
pub(super) use manifest::{Manifest, Manifests};
pub(super) use origin::Origin;
pub(super) use torn::documents;

use super::{Input, name_of_dir, phrase};
use crate::ecosystem::Ecosystem;
use crate::graph::{Kind, Node, Place};
use crate::path;
use crate::purl::Purl;

/// Lines that git leaves where it could not merge.
const CONFLICT_MARKS: [&str; 4] = ["<<<<<<< ", "||||||| ", "=======", ">>>>>>> "];

/// Whether a line is one that git leaves where it could not merge.
pub(super) fn is_conflict_mark(line: &str) -> bool {
    CONFLICT_MARKS.iter().any(|mark| line.starts_with(mark))
}

/// A package that is not the repository's own.
pub(super) fn foreign(
    input: &Input<'_>,
    name: &str,
    version: Option<&str>,
    origin: Origin,
    line: u32,
) -> Node {
    let qualifiers: Vec<(&str, &str)> =
        origin.qualifier.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let purl = Purl { qualifiers: &qualifiers, ..Purl::new(Ecosystem::Npm, name, version) };
    let place = Place { path: input.path.to_owned(), line };
    Node { source: origin.source, location: origin.location, ..Node::new(purl, origin.kind, place) }
}

/// What a lock file says of one of the repository's own packages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    /// The directory, from the repository's root.
    pub(super) dir: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) version: Option<&'a str>,
    /// None when only the manifest says it is there.
    pub(super) line: Option<u32>,
}

/// One of the repository's own packages; what its manifest says counts more than the lock file.
pub(super) fn member(input: &Input<'_>, own: Own<'_>, manifest: Option<&Manifest>) -> Node {
    let named = manifest.and_then(|manifest| manifest.name.as_deref()).or(own.name);
    let name = named.unwrap_or_else(|| name_of_dir(own.dir));
    let version = manifest.and_then(|manifest| manifest.version.as_deref()).or(own.version);
    let listed = own.line.map(|line| Place { path: input.path.to_owned(), line });
    let written =
        manifest.map(|manifest| Place { path: path::join(own.dir, manifest.file), line: 1 });
    let mut places: Vec<Place> = listed.into_iter().chain(written).collect();
    places.sort_unstable();
    let first = Place { path: input.path.to_owned(), line: 1 };
    let purl = Purl::new(Ecosystem::Npm, name, version);
    let node = Node::new(purl, Kind::Member, first);
    Node {
        location: Some(own.dir.to_owned()),
        licence: manifest.and_then(|manifest| manifest.licence.clone()),
        places: if places.is_empty() { node.places.clone() } else { places },
        ..node
    }
}

/// `name@rest`, where the name may begin with `@`.
pub(super) fn split_at_sign(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

/// A text that may have a password in it, when it can be a source.
fn source(text: &str) -> Option<String> {
    phrase(text).map(path::without_user)
}

#[cfg(test)]
pub(super) mod drawn;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod tests;
