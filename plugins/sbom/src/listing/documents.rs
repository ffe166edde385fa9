//! Documents of CycloneDX, SPDX 2 and SPDX 3 in JSON, as far as a listing needs them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Entry, KIND, RANGE, algorithm, is_own};

/// The packages of a document.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, &'static str> {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|_| "it is not JSON of CycloneDX, SPDX 2 or SPDX 3")?;
    match document {
        Document { components: Some(components), .. } => Ok(cyclonedx(components)),
        Document { packages: Some(packages), relationships, custom, .. } => {
            Ok(spdx2(packages, &relationships, &custom))
        }
        Document { graph: Some(graph), .. } => Ok(spdx3(&graph)),
        Document { format: Some(_), .. } => Ok(Vec::new()),
        _ => Err("it has no list of packages that CycloneDX or SPDX has"),
    }
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
    fn fact(&self, name: &str) -> Option<&str> {
        let fact = self.properties.iter().find(|property| property.name == name);
        fact.and_then(|fact| fact.value.as_deref())
    }

    fn is_own(&self) -> bool {
        self.fact(KIND).is_some_and(is_own)
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
        let range = component.fact(RANGE).map(str::to_owned);
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
            version: component.version.or(range),
            purl: component.purl,
            licence: (!licences.is_empty()).then(|| licences.join(" AND ")),
            hashes: component
                .hashes
                .into_iter()
                .map(|hash| (algorithm(&hash.alg), hash.content.to_ascii_lowercase()))
                .collect(),
            ..Entry::default()
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
        version: package.version_info.or_else(|| range_by(package.comment.as_deref())),
        licence: package.license_declared.filter(|text| !is_nothing(text)).map(by_name),
        hashes: package
            .checksums
            .into_iter()
            .map(|sum| (algorithm(&sum.algorithm), sum.checksum_value.to_ascii_lowercase()))
            .collect(),
        ..Entry::default()
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
            version: element.version.clone().or_else(|| range_by(element.comment.as_deref())),
            licence: licence.and_then(|id| expressions.get(id)).map(|&text| text.to_owned()),
            hashes: element
                .verified_using
                .iter()
                .map(|hash| (algorithm(&hash.algorithm), hash.hash_value.to_ascii_lowercase()))
                .collect(),
            ..Entry::default()
        }
    };
    graph.iter().filter(is_listed).map(entry).collect()
}

/// A fact by its name, from those that our SPDX documents have in a comment.
fn fact<'a>(comment: Option<&'a str>, name: &str) -> Option<&'a str> {
    let (_, rest) = comment?.split_once(name)?;
    let rest = rest.strip_prefix('=')?;
    Some(rest.split_once("; stepwell:").map_or(rest, |(value, _)| value))
}

/// The same of [`is_own`], from such a comment.
fn is_own_by(comment: Option<&str>) -> bool {
    fact(comment, KIND).is_some_and(is_own)
}

/// What an unpinned package has in place of a version, from such a comment.
fn range_by(comment: Option<&str>) -> Option<String> {
    fact(comment, RANGE).map(str::to_owned)
}
