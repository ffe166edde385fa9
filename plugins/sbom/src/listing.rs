//! What a bill lists, read from our own or from anybody's document, for comparing.

use std::collections::BTreeMap;

use lockgraph::{Kind, PackageUrl};
use serde::Deserialize;

use crate::bill::{Bill, Package};
use crate::licence::Licence;
use crate::spdx::short_name;

/// The most packages that are read of a document.
const PACKAGES_MAX: usize = 200_000;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) licence: Option<String>,
    /// Where it comes from, when that is not the usual place.
    pub(crate) source: Option<String>,
    /// Digests by algorithm, named as SPDX does, in lower case.
    pub(crate) hashes: BTreeMap<String, String>,
}

/// One package of a document, whatever its format.
#[derive(Debug, Default)]
struct Entry {
    purl: Option<String>,
    name: String,
    version: Option<String>,
    licence: Option<String>,
    hashes: BTreeMap<String, String>,
}

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
        let facts = Facts { licence: entry.licence, source, hashes: entry.hashes };
        versions.entry(version.unwrap_or_default()).or_insert(facts);
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
                version: package.version.clone(),
                licence: package.licence.as_ref().map(licence_text),
                hashes: package
                    .hashes
                    .iter()
                    .map(|hash| (short_name(hash.algorithm).to_owned(), hash.hex.clone()))
                    .collect(),
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
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|_| "it is not JSON of CycloneDX, SPDX 2 or SPDX 3")?;
        let mut entries = match document {
            Document { components: Some(components), .. } => cyclonedx(components),
            Document { packages: Some(packages), relationships, custom, .. } => {
                spdx2(packages, &relationships, &custom)
            }
            Document { graph: Some(graph), .. } => spdx3(&graph),
            Document { format: Some(_), .. } => Vec::new(),
            _ => return Err("it has no list of packages that CycloneDX or SPDX has"),
        };
        if entries.len() > PACKAGES_MAX {
            return Err("it has more than 200,000 packages");
        }
        let mut listing = Self::default();
        entries.drain(..).for_each(|entry| listing.add(entry));
        Ok(listing)
    }
}

/// Whether this kind of package is the repository's own.
fn is_own(kind: &str) -> bool {
    kind == Kind::Member.name() || kind == Kind::Path.name()
}

/// The same, from the facts that SPDX has in a comment.
fn is_own_by(comment: Option<&str>) -> bool {
    let facts = comment.unwrap_or_default().split("; ");
    facts.filter_map(|fact| fact.strip_prefix("stepwell:kind=")).any(is_own)
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
    KEYS.iter().find_map(|key| url.qualifiers().get(*key).cloned())
}

/// `SHA-256`, `SHA256` and `Sha256` are one.
fn algorithm(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '_'], "")
}

/// Any of the documents, as far as it is read.
#[derive(Debug, Deserialize)]
struct Document {
    #[serde(rename = "bomFormat")]
    format: Option<String>,
    components: Option<Vec<CdxComponent>>,
    packages: Option<Vec<Spdx2Package>>,
    #[serde(default)]
    relationships: Vec<Spdx2Relationship>,
    #[serde(rename = "hasExtractedLicensingInfos", default)]
    custom: Vec<Spdx2Licence>,
    #[serde(rename = "@graph")]
    graph: Option<Vec<Spdx3Element>>,
}

#[derive(Debug, Deserialize)]
struct CdxComponent {
    group: Option<String>,
    #[serde(default)]
    name: String,
    version: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    licenses: Vec<CdxLicence>,
    #[serde(default)]
    hashes: Vec<CdxHash>,
    #[serde(default)]
    properties: Vec<CdxProperty>,
    #[serde(default)]
    components: Vec<Self>,
}

#[derive(Debug, Deserialize)]
struct CdxProperty {
    name: String,
    value: Option<String>,
}

impl CdxComponent {
    fn is_own(&self) -> bool {
        let kind = self.properties.iter().find(|property| property.name == "stepwell:kind");
        kind.and_then(|kind| kind.value.as_deref()).is_some_and(is_own)
    }
}

#[derive(Debug, Deserialize)]
struct CdxHash {
    alg: String,
    content: String,
}

#[derive(Debug, Deserialize)]
struct CdxLicence {
    license: Option<CdxLicenceName>,
    expression: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CdxLicenceName {
    id: Option<String>,
    name: Option<String>,
}

fn cyclonedx(components: Vec<CdxComponent>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut open = components;
    while let Some(mut component) = open.pop() {
        open.append(&mut component.components);
        if component.is_own() {
            continue;
        }
        let licences = component.licenses.into_iter().filter_map(|choice| {
            let named = choice.license.and_then(|licence| licence.id.or(licence.name));
            choice.expression.or(named)
        });
        let licences: Vec<String> = licences.collect();
        entries.push(Entry {
            name: match component.group {
                Some(group) => format!("{group}/{}", component.name),
                None => component.name,
            },
            version: component.version,
            purl: component.purl,
            licence: (!licences.is_empty()).then(|| licences.join(" AND ")),
            hashes: component
                .hashes
                .into_iter()
                .map(|hash| (algorithm(&hash.alg), hash.content.to_ascii_lowercase()))
                .collect(),
        });
    }
    entries
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx2Package {
    #[serde(rename = "SPDXID", default)]
    id: String,
    #[serde(default)]
    name: String,
    version_info: Option<String>,
    license_declared: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    external_refs: Vec<Spdx2Ref>,
    #[serde(default)]
    checksums: Vec<Spdx2Checksum>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx2Ref {
    reference_type: String,
    reference_locator: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx2Checksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx2Relationship {
    relationship_type: String,
    related_spdx_element: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx2Licence {
    license_id: String,
    name: Option<String>,
}

/// What the document is about is not in it.
fn spdx2(
    packages: Vec<Spdx2Package>,
    relationships: &[Spdx2Relationship],
    custom: &[Spdx2Licence],
) -> Vec<Entry> {
    let names: BTreeMap<&str, &str> = custom
        .iter()
        .filter_map(|licence| Some((licence.license_id.as_str(), licence.name.as_deref()?)))
        .collect();
    let by_name = |text: String| names.get(text.as_str()).map_or(text.clone(), |&name| name.into());
    let about: Vec<&str> = relationships
        .iter()
        .filter(|relationship| relationship.relationship_type == "DESCRIBES")
        .map(|relationship| relationship.related_spdx_element.as_str())
        .collect();
    let others = packages.into_iter().filter(|package| {
        !about.contains(&package.id.as_str()) && !is_own_by(package.comment.as_deref())
    });
    let entries = others.map(|package| Entry {
        purl: package
            .external_refs
            .into_iter()
            .find(|reference| reference.reference_type == "purl")
            .map(|reference| reference.reference_locator),
        name: package.name,
        version: package.version_info,
        licence: package.license_declared.filter(|text| !is_nothing(text)).map(by_name),
        hashes: package
            .checksums
            .into_iter()
            .map(|sum| (algorithm(&sum.algorithm), sum.checksum_value.to_ascii_lowercase()))
            .collect(),
    });
    entries.collect()
}

fn is_nothing(licence: &str) -> bool {
    matches!(licence, "NOASSERTION" | "NONE" | "")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx3Element {
    #[serde(rename = "type", default)]
    kind: String,
    spdx_id: Option<String>,
    name: Option<String>,
    comment: Option<String>,
    #[serde(rename = "software_packageVersion")]
    version: Option<String>,
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(rename = "simplelicensing_licenseExpression")]
    expression: Option<String>,
    from: Option<String>,
    relationship_type: Option<String>,
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    root_element: Vec<String>,
    #[serde(default)]
    verified_using: Vec<Spdx3Hash>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx3Hash {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    hash_value: String,
}

fn spdx3(graph: &[Spdx3Element]) -> Vec<Entry> {
    let mut expressions: BTreeMap<&str, &str> = BTreeMap::new();
    let mut declared: BTreeMap<&str, &str> = BTreeMap::new();
    let mut about: Vec<&str> = Vec::new();
    for element in graph {
        if let (Some(id), Some(text)) = (&element.spdx_id, &element.expression) {
            expressions.insert(id, text);
        }
        if let (Some("hasDeclaredLicense"), Some(from), [to, ..]) =
            (element.relationship_type.as_deref(), &element.from, element.to.as_slice())
        {
            declared.insert(from, to);
        }
        about.extend(element.root_element.iter().map(String::as_str));
    }
    let is_listed = |element: &&Spdx3Element| {
        element.kind == "software_Package"
            && !element.spdx_id.as_deref().is_some_and(|id| about.contains(&id))
            && !is_own_by(element.comment.as_deref())
    };
    let entry = |element: &Spdx3Element| {
        let licence = element.spdx_id.as_deref().and_then(|id| declared.get(id));
        Entry {
            purl: element.purl.clone(),
            name: element.name.clone().unwrap_or_default(),
            version: element.version.clone(),
            licence: licence.and_then(|id| expressions.get(id)).map(|&text| text.to_owned()),
            hashes: element
                .verified_using
                .iter()
                .map(|hash| (algorithm(&hash.algorithm), hash.hash_value.to_ascii_lowercase()))
                .collect(),
        }
    };
    graph.iter().filter(is_listed).map(entry).collect()
}
