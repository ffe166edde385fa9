//! SPDX 2.3 as JSON.

use lockgraph::EdgeKind;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    CustomLicences, comment, digests, download_location, evidence, identifiers, notes, short_name,
};
use crate::bill::{Bill, Need, Package, Role, TOOL_NAME, TOOL_VERSION};
use crate::timestamp::NO_TIME;

const NO_ASSERTION: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo<'a>,
    packages: Vec<SpdxPackage<'a>>,
    relationships: Vec<Relationship<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<ExtractedLicence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation<'a>>,
}

#[derive(Debug, Serialize)]
struct CreationInfo<'a> {
    created: &'a str,
    creators: [String; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage<'a> {
    #[serde(rename = "SPDXID")]
    id: &'a str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<&'a str>,
    supplier: &'static str,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum<'a>>,
    license_concluded: &'static str,
    license_declared: &'a str,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef<'a>>,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    algorithm: String,
    checksum_value: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    spdx_element_id: &'a str,
    relationship_type: &'static str,
    related_spdx_element: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicence<'a> {
    license_id: &'a str,
    name: &'a str,
    extracted_text: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation<'a> {
    annotation_type: &'static str,
    annotator: &'a str,
    annotation_date: &'a str,
    comment: String,
}

/// The document as text.
pub(crate) fn json(bill: &Bill) -> Box<RawValue> {
    let ids: Vec<String> =
        identifiers(bill).into_iter().map(|id| format!("SPDXRef-{id}")).collect();
    let licences = CustomLicences::of(bill);
    let tool = format!("Tool: {TOOL_NAME}-{TOOL_VERSION}");
    let created = bill.created.as_ref().map_or(NO_TIME, |created| created.as_str());
    let packages = bill.packages.iter().zip(&ids);
    let annotations = notes(bill).into_iter().map(|comment| Annotation {
        annotation_type: "OTHER",
        annotator: &tool,
        annotation_date: created,
        comment,
    });
    let document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: full_name(bill.subject()),
        document_namespace: format!("https://spdx.org/spdxdocs/{}", bill.id()),
        creation_info: CreationInfo { created, creators: [tool.clone()] },
        packages: packages.map(|(one, id)| package(one, id, &licences)).collect(),
        relationships: relationships(bill, &ids),
        has_extracted_licensing_infos: licences
            .texts
            .iter()
            .map(|(id, known)| ExtractedLicence {
                license_id: id,
                name: &known.name,
                extracted_text: &known.text,
            })
            .collect(),
        annotations: annotations.collect(),
    };
    to_raw_value(&document).expect("plain structures without maps can be written")
}

fn package<'a>(package: &'a Package, id: &'a str, licences: &'a CustomLicences) -> SpdxPackage<'a> {
    let location = download_location(package);
    let purl = package.purl.iter().map(|purl| ExternalRef {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl",
        reference_locator: purl,
        comment: None,
    });
    let archives = package.archives.iter().map(|archive| ExternalRef {
        reference_category: "OTHER",
        reference_type: "distribution",
        reference_locator: &archive.address,
        comment: digests(&archive.hashes),
    });
    let checksums = package.hashes.iter().map(|hash| Checksum {
        algorithm: short_name(hash.algorithm).to_uppercase(),
        checksum_value: &hash.hex,
    });
    let declared = package.licence.as_ref().and_then(|licence| licences.expression(licence));
    SpdxPackage {
        id,
        name: full_name(package),
        version_info: package.version.as_deref(),
        supplier: NO_ASSERTION,
        download_location: location.unwrap_or_else(|| NO_ASSERTION.to_owned()),
        files_analyzed: false,
        checksums: checksums.collect(),
        license_concluded: NO_ASSERTION,
        license_declared: declared.unwrap_or(NO_ASSERTION),
        copyright_text: NO_ASSERTION,
        external_refs: purl.chain(archives).collect(),
        primary_package_purpose: match package.role {
            Role::Application => "APPLICATION",
            Role::Library => "LIBRARY",
            Role::Container => "CONTAINER",
        },
        source_info: evidence(package),
        comment: comment(package),
    }
}

/// The name with its group: SPDX has no field for groups.
pub(super) fn full_name(package: &Package) -> String {
    match &package.group {
        Some(group) => format!("{group}/{}", package.name),
        None => package.name.clone(),
    }
}

fn relationships<'a>(bill: &Bill, ids: &'a [String]) -> Vec<Relationship<'a>> {
    let mut all: Vec<Relationship<'_>> = Vec::new();
    for (package, from) in bill.packages.iter().zip(ids) {
        all.extend(package.needs.iter().map(|need| relationship(from, *need, ids)));
    }
    all.sort_unstable();
    let describes = Relationship {
        spdx_element_id: DOCUMENT,
        relationship_type: "DESCRIBES",
        related_spdx_element: &ids[0],
    };
    all.insert(0, describes);
    all
}

/// Most kinds of dependencies are said from the side of what is needed.
fn relationship<'a>(from: &'a str, need: Need, ids: &'a [String]) -> Relationship<'a> {
    let to = ids[need.to].as_str();
    let (spdx_element_id, relationship_type, related_spdx_element) = match need.kind {
        EdgeKind::Runtime | EdgeKind::Peer | EdgeKind::Unknown => (from, "DEPENDS_ON", to),
        EdgeKind::Optional => (to, "OPTIONAL_DEPENDENCY_OF", from),
        EdgeKind::Build => (to, "BUILD_DEPENDENCY_OF", from),
        EdgeKind::Dev => (to, "DEV_DEPENDENCY_OF", from),
    };
    Relationship { spdx_element_id, relationship_type, related_spdx_element }
}
