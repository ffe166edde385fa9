//! The documents of a lock file as importers and packages.

use std::collections::BTreeMap;

use super::key::{Key, without_peers};
use crate::format::yaml::Yaml;
use crate::format::{Input, PACKAGES_MAX, Unreadable, word};
use crate::path;

/// Sections that make a document of one project a lock file.
const OF_A_PROJECT: [&str; 4] =
    ["lockfileVersion", "dependencies", "devDependencies", "optionalDependencies"];

/// Importers and packages of all documents.
#[derive(Debug, Default)]
pub(super) struct Lock<'y> {
    pub(super) importers: Vec<Importer<'y>>,
    pub(super) packages: Vec<Package<'y>>,
    by_key: BTreeMap<&'y str, usize>,
}

/// One of the repository's own packages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Importer<'y> {
    /// From the lock file.
    relative: &'y str,
    pub(super) line: u32,
    pub(super) value: &'y Yaml<'y>,
    pub(super) major: u32,
}

/// A package, with one set of peers.
#[derive(Debug)]
pub(super) struct Package<'y> {
    pub(super) name: &'y str,
    pub(super) version: Option<&'y str>,
    /// Its version or address, as the key says it.
    pub(super) reference: &'y str,
    pub(super) line: u32,
    pub(super) about_line: Option<u32>,
    /// What it is; before version 9 the same as what it needs.
    pub(super) about: Option<&'y Yaml<'y>>,
    pub(super) needs: &'y Yaml<'y>,
    pub(super) major: u32,
}

impl Importer<'_> {
    /// Its directory from the repository's root.
    pub(super) fn dir(&self, lockfile_dir: &str) -> String {
        path::resolve(lockfile_dir, self.relative).unwrap_or_else(|| self.relative.to_owned())
    }
}

impl Package<'_> {
    /// The names of the peers it asks for, sorted.
    pub(super) fn peers(&self) -> Vec<&str> {
        let peers = self.about.map(|about| members_at(about, "peerDependencies"));
        let mut names: Vec<&str> =
            peers.unwrap_or_default().iter().filter_map(|(name, _)| name.text()).collect();
        names.sort_unstable();
        names
    }
}

impl<'y> Lock<'y> {
    /// # Errors
    ///
    /// When no document is one of pnpm.
    pub(super) fn read(
        documents: &'y [Yaml<'y>],
        input: &mut Input<'_>,
    ) -> Result<Self, Unreadable> {
        let mut lock = Self::default();
        for document in documents {
            let major = major(document);
            lock.add_importers(document, major);
            if major >= 9 || document.get("snapshots").is_some() {
                lock.add_snapshots(document, major, input);
            } else {
                for (key, value) in members_at(document, "packages") {
                    lock.add(key, value, Some((key.line, value)), major, input);
                }
            }
        }
        if lock.importers.is_empty() && lock.packages.is_empty() {
            return Err(Unreadable::Shape("it has neither `importers` nor `packages`"));
        }
        Ok(lock)
    }

    fn add_importers(&mut self, document: &'y Yaml<'y>, major: u32) {
        let listed = members_at(document, "importers");
        for (key, value) in listed {
            let Some(relative) = key.text() else { continue };
            self.importers.push(Importer { relative, line: key.line, value, major });
        }
        if listed.is_empty() && OF_A_PROJECT.iter().any(|section| document.get(section).is_some()) {
            let line = document.members().first().map_or(1, |(key, _)| key.line);
            self.importers.push(Importer { relative: ".", line, value: document, major });
        }
    }

    /// Version 9: what packages need, and apart from it what they are.
    fn add_snapshots(&mut self, document: &'y Yaml<'y>, major: u32, input: &mut Input<'_>) {
        let listed = members_at(document, "packages");
        let about: BTreeMap<&str, (u32, &Yaml<'_>)> = listed
            .iter()
            .filter_map(|(key, value)| Some((key.text()?, (key.line, value))))
            .collect();
        let mut unneeded = about.clone();
        for (key, value) in members_at(document, "snapshots") {
            let Some(plain) = key.text().map(without_peers) else { continue };
            unneeded.remove(plain);
            if !self.add(key, value, about.get(plain).copied(), major, input) {
                return;
            }
        }
        // A file that was torn has lost what they need, not what they are.
        for (key, value) in listed {
            if key.text().is_some_and(|key| unneeded.contains_key(key))
                && !self.add(key, value, Some((key.line, value)), major, input)
            {
                return;
            }
        }
    }

    /// Adds a package; whether there is room for another.
    fn add(
        &mut self,
        key: &'y Yaml<'y>,
        needs: &'y Yaml<'y>,
        about: Option<(u32, &'y Yaml<'y>)>,
        major: u32,
        input: &mut Input<'_>,
    ) -> bool {
        let Some(text) = key.text() else { return true };
        if self.by_key.contains_key(text) {
            // Documents repeat what they share.
            return true;
        }
        if self.packages.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            input.faults.add(Some(key.line), reason);
            return false;
        }
        let said = Key::read(text, major);
        let field = |name: &str| about.and_then(|(_, about)| about.text_at(name)).and_then(word);
        match field("name").or_else(|| said.name.and_then(word)) {
            Some(name) => {
                self.by_key.insert(text, self.packages.len());
                self.packages.push(Package {
                    name,
                    version: field("version").or_else(|| said.version.and_then(word)),
                    reference: said.reference,
                    line: key.line,
                    about_line: about.map(|(line, _)| line),
                    about: about.map(|(_, about)| about),
                    needs,
                    major,
                });
            }
            None => input.faults.add(Some(key.line), "a key that names no package"),
        }
        true
    }

    /// The package that a reference means where it stands beside a name.
    pub(super) fn find(&self, name: &str, reference: &str, major: u32) -> Option<usize> {
        let here = match major {
            0..=5 => format!("/{name}/{reference}"),
            6..=8 => format!("/{name}@{reference}"),
            9.. => format!("{name}@{reference}"),
        };
        // Under another name or from elsewhere, a reference says all.
        self.by_key.get(here.as_str()).or_else(|| self.by_key.get(reference)).copied()
    }
}

/// The number before the point of the format's version.
fn major(document: &Yaml<'_>) -> u32 {
    let text = document.text_at("lockfileVersion").unwrap_or_default();
    let digits = text.split('.').next().and_then(|digits| digits.parse().ok());
    digits.unwrap_or(if document.get("snapshots").is_some() { 9 } else { 6 })
}

/// The members of a section; none when there is no such section.
pub(super) fn members_at<'y>(value: &'y Yaml<'y>, section: &str) -> &'y [(Yaml<'y>, Yaml<'y>)] {
    value.get(section).map(Yaml::members).unwrap_or_default()
}
