//! `mix.lock`, a map of Elixir's terms, and the mix.exs beside it.
//!
//! A package's entry lists what it needs by the name of the application, which is the name of an
//! entry; the name it was published under may be another. What the project itself needs, and for
//! which environments, is in mix.exs, of an umbrella in those of its projects, too.

mod manifest;
mod term;

use std::collections::BTreeMap;

use super::{Edges, Faults, Input, PACKAGES_MAX, Unreadable, beside, phrase, word};
use crate::graph::{Builder, EdgeKind, Graph, Hash, HashAlgorithm, Kind, Node, Place};
use crate::purl::Purl;
use crate::text::Lines;
use crate::{Ecosystem, path};
use manifest::Manifest;
use term::{Reader, Term};

/// The repository that package URLs mean when they name none.
const DEFAULT_REPOSITORY: &str = "hexpm";

/// The most projects of an umbrella.
const PROJECTS_MAX: usize = 200;

/// An entry of the lock file.
struct Package<'a> {
    /// The published name, with the organisation in front.
    name: String,
    version: Option<&'a str>,
    origin: Origin,
    hash: Option<Hash>,
    inner: Option<&'a str>,
    needs: Vec<(&'a str, EdgeKind)>,
    line: u32,
}

/// Where a package comes from.
enum Origin {
    Registry,
    /// A repository of packages that is not the usual one, by its name.
    Repository(String),
    Git {
        url: String,
        revision: String,
    },
}

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let Some(start) = input.text.find("%{") else {
        return Err(Unreadable::Shape("it is no map of Elixir's"));
    };
    let packages = packages(input.text, start + 2, &input.lines, &mut input.faults);
    let mut builder = Builder::default();
    let mut numbers = BTreeMap::new();
    for (&app, package) in &packages {
        numbers.insert(app, builder.node(node(package, input.path)));
    }
    let mut room = Edges::new();
    for (app, package) in &packages {
        for (needed, kind) in &package.needs {
            match numbers.get(needed) {
                Some(&to) if room.take(&mut input.faults) => {
                    builder.edge(numbers[app], to, *kind);
                }
                None if *kind != EdgeKind::Optional => {
                    let reason = format!("`{needed}`, which {app} needs, is not in the lock file");
                    input.faults.note_some(Some(package.line), reason);
                }
                Some(_) | None => {}
            }
        }
    }
    add_projects(&mut builder, &numbers, &mut room, input);
    builder.spread_scopes();
    Ok(builder.finish())
}

/// The entries by the name of the application.
fn packages<'a>(
    text: &'a str,
    start: usize,
    lines: &Lines<'_>,
    faults: &mut Faults<'_>,
) -> BTreeMap<&'a str, Package<'a>> {
    let mut packages: BTreeMap<&str, Package<'_>> = BTreeMap::new();
    let mut ended = false;
    for (start, part) in parts(text, start) {
        let mut reader = Reader::new(part);
        while let Some(next) = reader.peek() {
            let line = lines.line(start + reader.at());
            match next {
                '}' => {
                    ended = true;
                    break;
                }
                ',' => {
                    reader.take(",");
                    continue;
                }
                _ if packages.len() == PACKAGES_MAX => {
                    let reason = format!("only the first {PACKAGES_MAX} packages are read");
                    faults.add(Some(line), reason);
                    return packages;
                }
                _ => {}
            }
            let (app, term) = match reader.entry() {
                Ok(entry) => entry,
                Err(reason) => {
                    faults.add(Some(line), reason);
                    break;
                }
            };
            match word(app).ok_or("an entry without a usable name") {
                Ok(app) => match Package::read(app, &term, line) {
                    Ok(_) if packages.contains_key(app) => {
                        faults.add(Some(line), format!("`{app}` is listed twice"));
                    }
                    Ok(package) => drop(packages.insert(app, package)),
                    Err(reason) => faults.add(Some(line), format!("`{app}`: {reason}")),
                },
                Err(reason) => faults.add(Some(line), reason),
            }
        }
    }
    if !ended {
        faults.add(Some(lines.line(text.len())), "it ends too early");
    }
    packages
}

/// The text from `start`, parted before each line that looks like the beginning of an entry: what
/// is broken in one never costs the next.
fn parts(text: &str, start: usize) -> impl Iterator<Item = (usize, &str)> {
    let is_entry = |&at: &usize| {
        let line = text[at..].lines().next().unwrap_or_default().trim_start();
        line.starts_with('"') && (line.contains("\": {") || line.contains("\" => {"))
    };
    let after = text[start..].match_indices('\n').map(move |(at, _)| start + at + 1);
    let mut starts = after.filter(is_entry).chain([text.len()]);
    let mut from = start;
    std::iter::from_fn(move || {
        let to = starts.next()?;
        let part = (from, &text[from..to]);
        from = to;
        Some(part)
    })
}

impl<'a> Package<'a> {
    fn read(app: &'a str, term: &Term<'a>, line: u32) -> Result<Self, &'static str> {
        match term.items() {
            [kind, name, version, rest @ ..] if kind.atom() == Some("hex") => {
                Self::hex(name, version, rest, line)
            }
            // As mix wrote it in its first year.
            [kind, version] if kind.atom() == Some("package") => {
                Self::hex(&Term::Atom(app), version, &[], line)
            }
            [kind, url, revision, ..] if kind.atom() == Some("git") => {
                let url = url.text().and_then(phrase).ok_or("an address that is none")?;
                let revision = revision.text().and_then(word).ok_or("a revision that is none")?;
                let url = path::without_user(url);
                Ok(Self {
                    name: app.to_owned(),
                    version: None,
                    origin: Origin::Git { url, revision: revision.to_owned() },
                    hash: None,
                    inner: None,
                    needs: Vec::new(),
                    line,
                })
            }
            _ => Err("neither a package of hex nor a revision of git"),
        }
    }

    fn hex(
        name: &Term<'a>,
        version: &Term<'a>,
        rest: &[Term<'a>],
        line: u32,
    ) -> Result<Self, &'static str> {
        let name = name.atom().and_then(word).ok_or("a package without a usable name")?;
        let version = version.text().and_then(word).ok_or("a package without a usable version")?;
        let text = |at: usize| rest.get(at).and_then(Term::text).and_then(word);
        let repository = text(3).unwrap_or(DEFAULT_REPOSITORY);
        let (name, origin) = match repository.split_once(':') {
            Some((DEFAULT_REPOSITORY, group)) => (format!("{group}/{name}"), Origin::Registry),
            _ if repository == DEFAULT_REPOSITORY => (name.to_owned(), Origin::Registry),
            _ => (name.to_owned(), Origin::Repository(repository.to_owned())),
        };
        Ok(Self {
            name,
            version: Some(version),
            origin,
            hash: text(4).and_then(|hex| Hash::from_hex(HashAlgorithm::Sha256, hex)),
            inner: text(0),
            needs: rest.get(2).map(needs).unwrap_or_default(),
            line,
        })
    }
}

/// `{:name, "~> 1.0", [hex: :name, optional: false]}` for each.
fn needs<'a>(list: &Term<'a>) -> Vec<(&'a str, EdgeKind)> {
    let need = |item: &Term<'a>| {
        let app = item.items().first()?.atom().and_then(word)?;
        let says =
            |options: &Term<'_>| options.get("optional").and_then(Term::atom) == Some("true");
        let optional = item.items().iter().any(says);
        Some((app, if optional { EdgeKind::Optional } else { EdgeKind::Runtime }))
    };
    list.items().iter().filter_map(need).collect()
}

fn node(package: &Package<'_>, lockfile: &str) -> Node {
    let (kind, source, pinned) = match &package.origin {
        Origin::Registry => (Kind::Registry, None, None),
        Origin::Repository(name) => (Kind::Registry, Some(name.clone()), None),
        Origin::Git { url, revision } => {
            (Kind::Git, Some(format!("{url}#{revision}")), Some(format!("{url}@{revision}")))
        }
    };
    let qualifiers: Vec<(&str, &str)> =
        pinned.iter().map(|url| ("vcs_url", url.as_str())).collect();
    let purl = Purl {
        qualifiers: &qualifiers,
        ..Purl::new(Ecosystem::Hex, &package.name, package.version)
    };
    let place = Place { path: lockfile.to_owned(), line: package.line };
    Node {
        source,
        hashes: package.hash.clone().into_iter().collect(),
        integrity: package.inner.map(str::to_owned),
        ..Node::new(purl, kind, place)
    }
}

/// Adds the project, and those of an umbrella, with what they need.
fn add_projects(
    builder: &mut Builder,
    packages: &BTreeMap<&str, usize>,
    room: &mut Edges,
    input: &mut Input<'_>,
) {
    let Some(own) = manifest(input, input.dir()) else { return };
    let mut projects = vec![(input.dir().to_owned(), own)];
    for dir in below(&projects[0].1, input) {
        if let Some(manifest) = manifest(input, &dir) {
            projects.push((dir, manifest));
        }
    }
    let mut apps = BTreeMap::new();
    let mut roots = Vec::new();
    for (dir, manifest) in &projects {
        let name = manifest.app.as_deref().unwrap_or(match path::file_name(dir) {
            "" => "root",
            name => name,
        });
        let purl = Purl::new(Ecosystem::Hex, name, manifest.version.as_deref());
        let place = Place { path: path::join(dir, "mix.exs"), line: 1 };
        let location = Some(dir.clone());
        let root = builder.node(Node { location, ..Node::new(purl, Kind::Member, place) });
        builder.root(root);
        apps.insert(name, root);
        roots.push(root);
    }
    for (&root, (_, manifest)) in roots.iter().zip(&projects) {
        for (app, kind) in &manifest.needs {
            let to = packages.get(app.as_str()).or_else(|| apps.get(app.as_str()));
            if let Some(&to) = to.filter(|&&to| to != root)
                && room.take(&mut input.faults)
            {
                builder.edge(root, to, *kind);
            }
        }
    }
}

fn manifest(input: &mut Input<'_>, dir: &str) -> Option<Manifest> {
    beside::text(input, &path::join(dir, "mix.exs")).map(|text| Manifest::read(&text))
}

/// The directories of an umbrella's projects.
fn below(umbrella: &Manifest, input: &mut Input<'_>) -> Vec<String> {
    let apps = umbrella.apps_path.as_deref().and_then(|apps| path::resolve(input.dir(), apps));
    let Some(apps) = apps else { return Vec::new() };
    let pattern = path::join(&apps, "*/mix.exs");
    let found = match input.files.find(&[pattern]) {
        Ok(found) => found.paths,
        Err(err) => {
            input.faults.warnings.add(&apps, None, err.to_string());
            return Vec::new();
        }
    };
    let dirs = found.iter().map(|path| path::parent(path).to_owned());
    dirs.filter(|dir| path::parent(dir) == apps).take(PROJECTS_MAX).collect()
}

#[cfg(test)]
mod tests;
