//! Where a package comes from, and the node that follows from it.

use super::names::normalised;
use crate::format::{Input, phrase};
use crate::graph::{Kind, Node, Place};
use crate::purl::Purl;
use crate::{Ecosystem, path};

/// Where a package comes from, in the words of the lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin<'a> {
    /// An index; none is said where it is the usual one.
    Index(Option<&'a str>),
    /// A revision of a repository.
    Git { url: &'a str, revision: Option<&'a str> },
    /// An archive at an address.
    Address(&'a str),
    /// An archive in the repository, from the lock file's directory.
    File(&'a str),
    /// A directory, from the lock file's.
    Directory(&'a str),
    /// A directory of the repository's own, from the lock file's.
    Own(&'a str),
}

impl Origin<'_> {
    /// Whether every text in it can be one.
    pub(super) fn is_usable(self) -> bool {
        let (first, second) = match self {
            Self::Index(index) => (index, None),
            Self::Git { url, revision } => (Some(url), revision),
            Self::Address(text) | Self::File(text) => (Some(text), None),
            // The lock file's own directory is the empty text.
            Self::Directory(text) | Self::Own(text) => {
                (Some(text).filter(|at| !at.is_empty()), None)
            }
        };
        first.into_iter().chain(second).all(|text| phrase(text).is_some())
    }

    /// The package from there that is called `name`, with all that follows from these.
    pub(super) fn node(
        self,
        name: &str,
        version: Option<&str>,
        line: u32,
        input: &Input<'_>,
    ) -> Node {
        let qualifier = self.qualifier();
        let qualifiers: Vec<(&str, &str)> =
            qualifier.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let spelling = normalised(name);
        let purl =
            Purl { qualifiers: &qualifiers, ..Purl::new(Ecosystem::Pypi, &spelling, version) };
        let place = Place { path: input.path.to_owned(), line };
        Node {
            name: name.to_owned(),
            location: self.location(input.dir()),
            source: self.source(),
            ..Node::new(purl, self.kind(), place)
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Index(_) => Kind::Registry,
            Self::Git { .. } => Kind::Git,
            Self::Address(_) | Self::File(_) => Kind::Archive,
            Self::Directory(_) => Kind::Path,
            Self::Own(_) => Kind::Member,
        }
    }

    fn source(self) -> Option<String> {
        match self {
            Self::Index(index) => index.map(path::without_user),
            Self::Git { url, revision } => Some(at(&path::without_user(url), revision, "#")),
            Self::Address(text) | Self::File(text) | Self::Directory(text) => {
                Some(path::without_user(text)).filter(|source| !source.is_empty())
            }
            Self::Own(_) => None,
        }
    }

    fn location(self, dir: &str) -> Option<String> {
        match self {
            Self::Directory(at) | Self::Own(at) => {
                Some(path::resolve(dir, at).unwrap_or_else(|| at.to_owned()))
            }
            Self::Index(_) | Self::Git { .. } | Self::Address(_) | Self::File(_) => None,
        }
    }

    fn qualifier(self) -> Option<(&'static str, String)> {
        match self {
            Self::Index(Some(index)) if index.contains("://") && !is_usual(index) => {
                let index = path::without_user(index);
                Some(("repository_url", index.trim_end_matches('/').to_owned()))
            }
            Self::Git { url, revision } => {
                let plain = url.strip_prefix("git+").unwrap_or(url);
                let url = format!("git+{}", path::without_user(plain));
                Some(("vcs_url", at(&url, revision, "@")))
            }
            Self::Address(url) => {
                let url = path::without_user(url);
                let url = url.split('#').next().unwrap_or_default();
                Some(("download_url", url.to_owned()))
            }
            Self::Index(_) | Self::File(_) | Self::Directory(_) | Self::Own(_) => None,
        }
    }
}

fn at(url: &str, revision: Option<&str>, separator: &str) -> String {
    match revision {
        Some(revision) => format!("{url}{separator}{revision}"),
        None => url.to_owned(),
    }
}

/// Whether an index is the one that package URLs mean when they name none.
fn is_usual(index: &str) -> bool {
    let rest = index.split_once("://").map_or(index, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    matches!(host, "pypi.org" | "pypi.python.org")
}

/// The address and the revision of `git+https://host/a.git@revision#egg=a`.
pub(super) fn split_git(url: &str) -> (&str, Option<&str>) {
    let url = url.split(['#', '?']).next().unwrap_or_default();
    let path = url.find("://").map_or(0, |at| at + 3);
    // A name of a user stands before the first slash, a revision behind it.
    let path = url[path..].find('/').map_or(url.len(), |at| path + at);
    match url[path..].rfind('@') {
        Some(at) => {
            (&url[..path + at], Some(&url[path + at + 1..]).filter(|text| !text.is_empty()))
        }
        None => (url, None),
    }
}

/// Whether an address is one of a repository.
pub(super) fn is_git(url: &str) -> bool {
    url.starts_with("git+") || url.starts_with("git://")
}
