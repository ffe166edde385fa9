//! The lock file itself.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::format::toml::{table_at, text_at};
use crate::format::{Edges, Faults, Input, PACKAGES_MAX, phrase, word};
use crate::text::Lines;

/// The packages of a lock file.
#[derive(Debug, Default)]
pub(super) struct Lock<'a> {
    pub(super) packages: Vec<Package<'a>>,
    // Names to versions and sources (without revision) to the package. The workspace's own
    // packages, which have no source, sort first among those of one version.
    index: BTreeMap<&'a str, BTreeMap<(&'a str, Option<&'a str>), usize>>,
}

/// One package of a lock file.
#[derive(Debug)]
pub(super) struct Package<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    /// None for packages that lie in a directory.
    pub(super) source: Option<&'a str>,
    pub(super) checksum: Option<&'a str>,
    pub(super) line: u32,
    dependencies: Vec<(&'a str, u32)>,
}

impl<'a> Lock<'a> {
    pub(super) fn read(document: &'a DeTable<'_>, input: &mut Input<'_>) -> Self {
        let mut lock = Self::default();
        // Version 1 kept the workspace's root apart, in its first year.
        let root = document.get("root").into_iter();
        let list = document.get("package").and_then(|value| value.get_ref().as_array());
        for entry in root.chain(list.into_iter().flat_map(|list| list.iter())) {
            let line = input.lines.line_of(&entry.span());
            if lock.packages.len() == PACKAGES_MAX {
                input
                    .faults
                    .add(Some(line), format!("only the first {PACKAGES_MAX} packages are read"));
                break;
            }
            match Package::read(entry.get_ref(), line, &input.lines) {
                Ok(package) => lock.add(package, &mut input.faults),
                Err(reason) => input.faults.add(Some(line), reason),
            }
        }
        if let Some(metadata) = table_at(document, "metadata") {
            lock.add_checksums(metadata);
        }
        lock
    }

    fn add(&mut self, package: Package<'a>, faults: &mut Faults<'_>) {
        let source = package.source.map(without_revision);
        let versions = self.index.entry(package.name).or_default();
        if versions.contains_key(&(package.version, source)) {
            let reason = format!("`{} {}` is listed twice", package.name, package.version);
            return faults.add(Some(package.line), reason);
        }
        versions.insert((package.version, source), self.packages.len());
        self.packages.push(package);
    }

    /// Version 1 kept checksums in a table of their own.
    fn add_checksums(&mut self, metadata: &'a DeTable<'_>) {
        for (key, value) in metadata {
            let Some(package) = key.get_ref().strip_prefix("checksum ") else { continue };
            if let (Ok(index), Some(hex)) = (self.resolve(package), value.get_ref().as_str()) {
                self.packages[index].checksum.get_or_insert(hex);
            }
        }
    }

    /// The packages called `name` that lie in a directory.
    pub(super) fn own(&self, name: &str) -> impl Iterator<Item = usize> {
        let versions = self.index.get(name).into_iter().flatten();
        versions.filter(|((_, source), _)| source.is_none()).map(|(_, &index)| index)
    }

    /// Which package needs which.
    pub(super) fn edges(&self, faults: &mut Faults<'_>) -> Vec<(usize, usize)> {
        let mut room = Edges::new();
        let mut edges = Vec::new();
        for (from, package) in self.packages.iter().enumerate() {
            for &(dependency, line) in &package.dependencies {
                if !room.take(faults) {
                    return edges;
                }
                match self.resolve(dependency) {
                    Ok(to) => edges.push((from, to)),
                    Err(why) => {
                        // The source, which may have a password in it, is not needed to find it.
                        let shown = dependency.split(" (").next().unwrap_or_default();
                        faults.add(Some(line), format!("dependency `{shown}` {why}"));
                    }
                }
            }
        }
        edges
    }

    /// The package that `name`, `name version` or `name version (source)` means.
    fn resolve(&self, dependency: &str) -> Result<usize, &'static str> {
        let mut parts = dependency.splitn(3, ' ');
        let name = parts.next().unwrap_or_default();
        let versions = self.index.get(name).ok_or("is not in the lock file")?;
        let Some(version) = parts.next() else {
            return match versions.len() {
                1 => versions.values().next().copied().ok_or("is not in the lock file"),
                _ => Err("could be any of several versions"),
            };
        };
        let source = parts.next().map(|text| text.trim_matches(['(', ')']));
        let exact =
            source.and_then(|source| versions.get(&(version, Some(without_revision(source)))));
        if let Some(&index) = exact {
            return Ok(index);
        }
        if source.is_some() {
            return Err("is not in the lock file");
        }
        // A dependency without a source is the directory's, or the only one of its version.
        let first = versions.range((version, None)..).next();
        match first {
            Some(((found, _), &index)) if *found == version => Ok(index),
            _ => Err("is not in the lock file"),
        }
    }
}

impl<'a> Package<'a> {
    fn read(entry: &'a DeValue<'_>, line: u32, lines: &Lines<'_>) -> Result<Self, &'static str> {
        let table = entry.as_table().ok_or("a package that is no table")?;
        let name =
            text_at(table, "name").and_then(word).ok_or("a package without a usable name")?;
        let version =
            text_at(table, "version").and_then(word).ok_or("a package without a usable version")?;
        let source = match text_at(table, "source") {
            Some(source) => Some(phrase(source).ok_or("a package with an unusable source")?),
            None => None,
        };
        Ok(Self {
            name,
            version,
            source,
            checksum: text_at(table, "checksum"),
            line,
            dependencies: dependencies(table, lines),
        })
    }
}

/// What the package needs, and the package that stands in for it.
fn dependencies<'a>(table: &'a DeTable<'_>, lines: &Lines<'_>) -> Vec<(&'a str, u32)> {
    let list = table.get("dependencies").and_then(|value| value.get_ref().as_array());
    let listed = list.into_iter().flat_map(|list| list.iter());
    let replacement = table.get("replace").into_iter();
    let text = |item: &'a Spanned<DeValue<'_>>| {
        Some((item.get_ref().as_str()?, lines.line_of(&item.span())))
    };
    listed.chain(replacement).filter_map(text).collect()
}

/// A git source without the revision it was found at, which dependencies may leave out.
fn without_revision(source: &str) -> &str {
    source.split_once('#').map_or(source, |(source, _)| source)
}
