//! `Gemfile.lock`, also called `gems.locked`, and the Gemfile beside it.
//!
//! The lock file lists a gem once for each platform it is installed on; here it is one package
//! with several archives. What the Gemfile asks for is listed, what for is not: groups come from
//! the Gemfile. When the repository is a gem itself, or several, whatever else the Gemfile asks for
//! is needed to develop it.

mod gemfile;
mod lock;

use std::collections::{BTreeMap, BTreeSet};

use super::{Edges, Input, Unreadable, beside};
use crate::graph::{Archive, Builder, EdgeKind, Graph, Kind, Node, Place};
use crate::purl::Purl;
use crate::{Ecosystem, path};
use lock::{Lock, Source, SourceKind, Spec};

/// The registry that package URLs mean when they name none.
const DEFAULT_HOST: &str = "rubygems.org";

/// Part of ruby: a lock file never lists it, however many gems need it.
const BUNDLER: &str = "bundler";

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let lock = Lock::read(input);
    if !lock.is_one {
        return Err(Unreadable::Shape("it has no section of a Gemfile.lock"));
    }
    let mut gems = Gems::default();
    let numbers: Vec<usize> =
        lock.specs.iter().map(|spec| gems.place(spec, &lock, input)).collect();
    let root = gems.build(&lock, input);
    let mut room = Edges::new();
    for (spec, &from) in lock.specs.iter().zip(&numbers) {
        for &(name, line) in &spec.needs {
            let found = gems.link(from, name, EdgeKind::Runtime, &mut room, input);
            if !found && name != BUNDLER {
                let reason = format!("`{name}` is needed and not in the lock file");
                input.faults.note_some(Some(line), reason);
            }
        }
    }
    gems.add_direct(&lock, root, &mut room, input);
    gems.builder.spread_scopes();
    Ok(gems.builder.finish())
}

/// The gems found so far.
#[derive(Default)]
struct Gems<'a> {
    /// Until they are in the builder.
    nodes: Vec<Node>,
    builder: Builder,
    /// By name, then by version and source.
    numbers: BTreeMap<&'a str, BTreeMap<(&'a str, usize), usize>>,
    /// Those of the repository itself.
    own: BTreeSet<usize>,
}

/// What the direct dependencies are dependencies of.
#[derive(Clone, Copy)]
enum Root {
    /// The repository is this gem.
    Gem(usize),
    /// It is several gems in a directory.
    Gems(usize),
    /// It is an application.
    Application(usize),
}

impl<'a> Gems<'a> {
    /// The number of the gem that `spec` is an archive of.
    fn place(&mut self, spec: &Spec<'a>, lock: &Lock<'a>, input: &Input<'_>) -> usize {
        let known = self.numbers.entry(spec.name).or_default();
        let number = *known.entry((spec.version, spec.source)).or_insert(self.nodes.len());
        let archive = archive(spec, lock);
        match self.nodes.get_mut(number) {
            Some(node) => {
                node.archives.push(archive);
                node.places.push(Place { path: input.path.to_owned(), line: spec.line });
            }
            None => {
                let node = node(spec, &lock.sources[spec.source], input);
                self.nodes.push(Node { archives: vec![archive], ..node });
            }
        }
        number
    }

    /// Moves the gems into the builder, which numbers them alike, and sets the roots.
    fn build(&mut self, lock: &Lock<'_>, input: &Input<'_>) -> Option<Root> {
        for mut node in std::mem::take(&mut self.nodes) {
            node.archives.sort_unstable();
            node.archives.dedup();
            if node.archives.len() == 1 || node.kind != Kind::Registry {
                node.hashes = node.archives.pop().map(|archive| archive.hashes).unwrap_or_default();
                node.archives.clear();
            }
            let is_own = node.kind == Kind::Member;
            let number = self.builder.node(node);
            if is_own {
                self.builder.root(number);
                self.own.insert(number);
            }
        }
        if let (Some(&own), 1) = (self.own.first(), self.own.len()) {
            return Some(Root::Gem(own));
        }
        let line = lock.direct.values().copied().min()?;
        let purl = Purl::new(Ecosystem::Gem, input.dir_name(), None);
        let place = Place { path: input.path.to_owned(), line };
        let location = Some(input.dir().to_owned());
        let root = self.builder.node(Node { location, ..Node::new(purl, Kind::Member, place) });
        self.builder.root(root);
        Some(if self.own.is_empty() { Root::Application(root) } else { Root::Gems(root) })
    }

    fn add_direct(
        &mut self,
        lock: &Lock<'_>,
        root: Option<Root>,
        room: &mut Edges,
        input: &mut Input<'_>,
    ) {
        let Some(root) = root else { return };
        let gemfile = match path::file_name(input.path) {
            "gems.locked" => "gems.rb",
            _ => "Gemfile",
        };
        let text = beside::text(input, &path::join(input.dir(), gemfile));
        let groups = text.as_deref().map(gemfile::read).unwrap_or_default();
        for &name in lock.direct.keys() {
            let (from, kind) = match root {
                Root::Gem(root) | Root::Gems(root) => (root, EdgeKind::Dev),
                Root::Application(root) => {
                    (root, groups.get(name).copied().unwrap_or(EdgeKind::Unknown))
                }
            };
            // One that is not there is for other platforms.
            self.link(from, name, kind, room, input);
        }
    }

    /// Whether there is such a gem.
    fn link(
        &mut self,
        from: usize,
        name: &str,
        kind: EdgeKind,
        room: &mut Edges,
        input: &mut Input<'_>,
    ) -> bool {
        let Some(found) = self.numbers.get(name) else { return false };
        for &to in found.values().filter(|&&to| to != from) {
            if room.take(&mut input.faults) {
                let kind = if self.own.contains(&to) { EdgeKind::Runtime } else { kind };
                self.builder.edge(from, to, kind);
            }
        }
        true
    }
}

fn archive(spec: &Spec<'_>, lock: &Lock<'_>) -> Archive {
    let platform = spec.platform.map(|platform| format!("-{platform}")).unwrap_or_default();
    let location = format!("{}-{}{platform}.gem", spec.name, spec.version);
    Archive { location, hashes: lock.hashes(spec) }
}

fn node(spec: &Spec<'_>, source: &Source<'_>, input: &Input<'_>) -> Node {
    let remote = source.remotes.first().map(|remote| path::without_user(remote));
    let location = match (source.kind, &remote) {
        (SourceKind::Path, Some(remote)) => path::resolve(input.dir(), remote),
        (SourceKind::Path | SourceKind::Git | SourceKind::Registry, _) => None,
    };
    let kind = match source.kind {
        SourceKind::Registry => Kind::Registry,
        SourceKind::Git => Kind::Git,
        SourceKind::Path if location.as_deref() == Some(input.dir()) => Kind::Member,
        SourceKind::Path => Kind::Path,
    };
    let origin = match kind {
        Kind::Registry if source.remotes.iter().any(|remote| is_default(remote)) => None,
        Kind::Registry => {
            remote.as_deref().map(|url| ("repository_url", url.trim_end_matches('/').to_owned()))
        }
        Kind::Git => remote.as_deref().map(|url| ("vcs_url", revised(url, source.revision, '@'))),
        Kind::Member | Kind::Path | Kind::Archive | Kind::Bill => None,
    };
    let qualifiers: Vec<(&str, &str)> =
        origin.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let purl = Purl {
        qualifiers: &qualifiers,
        ..Purl::new(Ecosystem::Gem, spec.name, Some(spec.version))
    };
    let source = match (kind, &origin) {
        (Kind::Git, _) => remote.map(|url| revised(&url, source.revision, '#')),
        (_, Some((_, url))) => Some(url.clone()),
        (_, None) => None,
    };
    let place = Place { path: input.path.to_owned(), line: spec.line };
    Node { location, source, ..Node::new(purl, kind, place) }
}

fn revised(url: &str, revision: Option<&str>, mark: char) -> String {
    revision.map_or_else(|| url.to_owned(), |revision| format!("{url}{mark}{revision}"))
}

fn is_default(remote: &str) -> bool {
    let host = remote.split_once("://").map_or(remote, |(_, rest)| rest);
    host.trim_end_matches('/') == DEFAULT_HOST
}

#[cfg(test)]
mod tests;
