//! What a bill lists, read from our own or from anybody's document, for comparing.

mod documents;

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Hash, Kind, PackageUrl};

use crate::bill::{Bill, Package};
use crate::licence::Licence;
use crate::spdx::short_name;

/// The most packages that are read of a document.
const PACKAGES_MAX: usize = 200_000;

/// What our documents call these two facts.
const KIND: &str = "stepwell:kind";
const RANGE: &str = "stepwell:range";

/// Packages by type and name, each with its versions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) packages: BTreeMap<Key, BTreeMap<String, Facts>>,
}

/// Whose package it is, where that is known, and its name with its group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) ecosystem: Option<String>,
}

/// What is said of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Facts {
    pub(crate) licence: Option<String>,
    /// Where it comes from, when that is not the usual place.
    pub(crate) source: Option<String>,
    /// Digests by algorithm, named as SPDX does, in lower case.
    pub(crate) hashes: BTreeMap<String, String>,
    /// The same of each file, by its name, where there are several.
    pub(crate) files: BTreeMap<String, BTreeMap<String, String>>,
    /// All digests by algorithm, whatever file they are of, and those in a package manager's own form.
    pub(crate) digests: BTreeMap<String, BTreeSet<String>>,
}

/// One package of a document, whatever its format.
#[derive(Debug, Default)]
struct Entry {
    purl: Option<String>,
    name: String,
    version: Option<String>,
    licence: Option<String>,
    hashes: BTreeMap<String, String>,
    files: BTreeMap<String, BTreeMap<String, String>>,
    digests: BTreeMap<String, BTreeSet<String>>,
}

/// What is said of digests in a package manager's own form, which name their algorithm themselves.
const INTEGRITY: &str = "integrity";

impl Listing {
    /// How many packages there are.
    pub(crate) fn len(&self) -> usize {
        self.packages.values().map(BTreeMap::len).sum()
    }

    fn add(&mut self, entry: Entry) {
        let url = entry.purl.as_deref().and_then(|purl| PackageUrl::parse(purl).ok());
        let (key, version, source) = match &url {
            Some(url) => {
                let key = Key { name: full_name(url), ecosystem: Some(url.kind().to_owned()) };
                (key, url.version().map(str::to_owned).or(entry.version), source(url))
            }
            None => (Key { name: entry.name, ecosystem: None }, entry.version, None),
        };
        let versions = self.packages.entry(key).or_default();
        let Entry { licence, hashes, files, digests, .. } = entry;
        let facts = Facts { licence, source, hashes, files, digests };
        // Of several that differ, the same one stays whatever the order of the document.
        let known = versions.entry(version.unwrap_or_default()).or_insert_with(|| facts.clone());
        if facts < *known {
            *known = facts;
        }
    }

    /// What a bill of ours lists, without the repository's own packages.
    pub(crate) fn of(bill: &Bill) -> Self {
        let mut listing = Self::default();
        let is_foreign =
            |package: &&Package| package.known.is_some_and(|known| !is_own(known.kind.name()));
        for package in bill.packages[1..].iter().filter(is_foreign) {
            listing.add(Entry {
                purl: package.purl.clone(),
                name: package.name.clone(),
                // What is not pinned changes when what is allowed does.
                version: package
                    .version
                    .clone()
                    .or_else(|| package.range.as_ref().map(|range| range.text.clone())),
                licence: package.licence.as_ref().map(licence_text),
                hashes: by_algorithm(&package.hashes),
                files: files(package),
                digests: digests(package),
            });
        }
        listing
    }

    /// What a document lists.
    ///
    /// # Errors
    ///
    /// When it is no document of a format that is read.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let entries = documents::entries(bytes)?;
        if entries.len() > PACKAGES_MAX {
            return Err("it has more than 200,000 packages");
        }
        let mut listing = Self::default();
        entries.into_iter().for_each(|entry| listing.add(entry));
        Ok(listing)
    }
}

fn by_algorithm(hashes: &[Hash]) -> BTreeMap<String, String> {
    hashes.iter().map(|hash| (short_name(hash.algorithm).to_owned(), hash.hex.clone())).collect()
}

/// The files that have a name of their own; one name stands for its first file.
fn files(package: &Package) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for archive in &package.archives {
        let name = archive.address.rsplit('/').next().unwrap_or_default();
        if !name.is_empty() {
            files.entry(name.to_owned()).or_insert_with(|| by_algorithm(&archive.hashes));
        }
    }
    files
}

fn digests(package: &Package) -> BTreeMap<String, BTreeSet<String>> {
    let mut digests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let of_files = package.archives.iter().flat_map(|archive| &archive.hashes);
    for hash in of_files.chain(&package.nameless).chain(&package.hashes) {
        digests.entry(short_name(hash.algorithm).to_owned()).or_default().insert(hash.hex.clone());
    }
    for sum in package.integrity.iter().flat_map(|sums| sums.split(' ')) {
        digests.entry(INTEGRITY.to_owned()).or_default().insert(sum.to_owned());
    }
    digests
}

/// Whether this kind of package is the repository's own.
fn is_own(kind: &str) -> bool {
    kind == Kind::Member.name() || kind == Kind::Path.name()
}

fn licence_text(licence: &Licence) -> String {
    match licence {
        Licence::Listed(text) | Licence::Expression { text, .. } | Licence::Named(text) => {
            text.clone()
        }
    }
}

fn full_name(url: &PackageUrl) -> String {
    match url.group() {
        Some(group) => format!("{group}/{}", url.name()),
        None => url.name().to_owned(),
    }
}

/// The qualifiers that say where a package comes from, in one text.
fn source(url: &PackageUrl) -> Option<String> {
    const KEYS: [&str; 3] = ["vcs_url", "download_url", "repository_url"];
    // To OpenTofu its own registry is the usual one.
    const USUAL: [(&str, &str); 1] = [("terraform", "https://registry.opentofu.org")];
    let registry = url.qualifiers().get("repository_url").map(String::as_str);
    if registry.is_some_and(|registry| USUAL.contains(&(url.kind(), registry))) {
        return None;
    }
    KEYS.iter().find_map(|key| url.qualifiers().get(*key).cloned())
}

/// `SHA-256`, `SHA256` and `Sha256` are one.
fn algorithm(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '_'], "")
}
