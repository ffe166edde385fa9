//! SPDX 3.0.1 as JSON-LD.

use std::collections::BTreeMap;

use lockgraph::EdgeKind;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::v2::full_name;
use super::{
    CustomLicences, comment, digests, download_location, evidence, identifiers, notes, short_name,
};
use crate::bill::{Archive, Bill, OriginKind, Package, Role, TOOL_NAME, TOOL_VERSION};
use crate::timestamp::NO_TIME;

/// The one creation that every element has.
const CREATION: &str = "_:creation";

/// The document as text.
pub(crate) fn json(bill: &Bill) -> Box<RawValue> {
    let space = format!("https://spdx.org/spdxdocs/{}", bill.id());
    let names = Names::new(bill, &space);
    let licences = CustomLicences::of(bill);
    let mut elements = vec![agent(&names), tool(&names)];
    elements.extend(bill.packages.iter().zip(&names.packages).map(|(one, id)| package(one, id)));
    needs(bill, &names, &mut elements);
    declared_licences(bill, &names, &licences, &mut elements);
    let annotations = notes(bill).into_iter().enumerate();
    elements.extend(annotations.map(|(at, statement)| Element {
        annotation_type: Some("other"),
        statement: Some(statement),
        subject: Some(&names.document),
        ..Element::new("Annotation", format!("{space}#annotation-{}", at + 1))
    }));
    let all: Vec<String> = elements.iter().filter_map(|element| element.id.clone()).collect();
    let created = bill.created.as_ref().map_or(NO_TIME, |created| created.as_str());
    let sbom = Element {
        root_element: Some(vec![&names.packages[0]]),
        element: Some(all.iter().map(String::as_str).collect()),
        sbom_type: Some(["source"]),
        ..Element::new("software_Sbom", names.sbom.clone())
    };
    let document = Element {
        name: Some(full_name(bill.subject())),
        root_element: Some(vec![&names.sbom]),
        element: Some(all.iter().map(String::as_str).chain([names.sbom.as_str()]).collect()),
        profiles: Some(["core", "software", "simpleLicensing"]),
        ..Element::new("SpdxDocument", names.document.clone())
    };
    let mut graph = vec![creation(created, &names), document, sbom];
    graph.extend(elements);
    let document = Document { context: "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", graph };
    to_raw_value(&document).expect("plain structures without maps can be written")
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@graph")]
    graph: Vec<Element<'a>>,
}

/// Identifiers of the document's elements.
struct Names {
    document: String,
    sbom: String,
    agent: String,
    tool: String,
    packages: Vec<String>,
    space: String,
}

impl Names {
    fn new(bill: &Bill, space: &str) -> Self {
        Self {
            document: format!("{space}#document"),
            sbom: format!("{space}#sbom"),
            agent: format!("{space}#agent"),
            tool: format!("{space}#tool"),
            packages: identifiers(bill)
                .into_iter()
                .map(|id| format!("{space}#package-{id}"))
                .collect(),
            space: space.to_owned(),
        }
    }
}

/// An element of any type: those fields that its type has, and the rest empty.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Element<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "@id", skip_serializing_if = "Option::is_none")]
    blank: Option<&'static str>,
    #[serde(rename = "spdxId", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_info: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_using: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_element: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<Vec<&'a str>>,
    #[serde(rename = "profileConformance", skip_serializing_if = "Option::is_none")]
    profiles: Option<[&'static str; 3]>,
    #[serde(rename = "software_sbomType", skip_serializing_if = "Option::is_none")]
    sbom_type: Option<[&'static str; 1]>,
    #[serde(rename = "software_packageVersion", skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(rename = "software_packageUrl", skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(rename = "software_downloadLocation", skip_serializing_if = "Option::is_none")]
    download_location: Option<String>,
    #[serde(rename = "software_primaryPurpose", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    #[serde(rename = "software_sourceInfo", skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified_using: Vec<HashMethod<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_ref: Vec<ExternalRef<'a>>,
    #[serde(rename = "simplelicensing_licenseExpression", skip_serializing_if = "Option::is_none")]
    expression: Option<&'a str>,
    #[serde(rename = "simplelicensing_customIdToUri", skip_serializing_if = "Vec::is_empty")]
    custom: Vec<Entry<'a>>,
    #[serde(rename = "simplelicensing_licenseText", skip_serializing_if = "Option::is_none")]
    licence_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationship_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completeness: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HashMethod<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    algorithm: &'static str,
    hash_value: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    external_ref_type: &'static str,
    locator: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// Where the text of a licence of our own stands.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    key: &'a str,
    value: String,
}

impl Element<'_> {
    fn new(kind: &'static str, id: String) -> Self {
        Self { kind, id: Some(id), creation_info: Some(CREATION), ..Self::default() }
    }
}

fn creation<'a>(created: &'a str, names: &'a Names) -> Element<'a> {
    Element {
        kind: "CreationInfo",
        blank: Some(CREATION),
        spec_version: Some("3.0.1"),
        created: Some(created),
        created_by: Some([&names.agent]),
        created_using: Some([&names.tool]),
        ..Element::default()
    }
}

fn agent(names: &Names) -> Element<'_> {
    let name = Some(TOOL_NAME.to_owned());
    Element { name, ..Element::new("SoftwareAgent", names.agent.clone()) }
}

fn tool(names: &Names) -> Element<'_> {
    let name = Some(format!("{TOOL_NAME}-{TOOL_VERSION}"));
    Element { name, ..Element::new("Tool", names.tool.clone()) }
}

fn package<'a>(package: &'a Package, id: &str) -> Element<'a> {
    let origin = package.origin.iter().filter(|origin| origin.kind == OriginKind::Vcs);
    let origin = origin.map(|origin| ExternalRef {
        kind: "ExternalRef",
        external_ref_type: "vcs",
        locator: [&origin.address],
        comment: None,
    });
    let archives = package.archives.iter().map(|Archive { address, hashes }| ExternalRef {
        kind: "ExternalRef",
        external_ref_type: "binaryArtifact",
        locator: [address],
        comment: digests(hashes),
    });
    let hashes = package.hashes.iter().map(|hash| HashMethod {
        kind: "Hash",
        algorithm: short_name(hash.algorithm),
        hash_value: &hash.hex,
    });
    Element {
        name: Some(full_name(package)),
        comment: comment(package),
        version: package.version.as_deref(),
        purl: package.purl.as_deref(),
        download_location: download_location(package),
        purpose: Some(match package.role {
            Role::Application => "application",
            Role::Library => "library",
            Role::Container => "container",
        }),
        source_info: evidence(package),
        verified_using: hashes.collect(),
        external_ref: origin.chain(archives).collect(),
        ..Element::new("software_Package", id.to_owned())
    }
}

/// How a relationship says a kind of dependency: its class, its type and its scope.
fn words(kind: EdgeKind) -> (&'static str, &'static str, Option<&'static str>) {
    const SCOPED: &str = "LifecycleScopedRelationship";
    match kind {
        EdgeKind::Runtime | EdgeKind::Peer => (SCOPED, "dependsOn", Some("runtime")),
        EdgeKind::Unknown => ("Relationship", "dependsOn", None),
        EdgeKind::Optional => ("Relationship", "hasOptionalDependency", None),
        EdgeKind::Build => (SCOPED, "dependsOn", Some("build")),
        EdgeKind::Dev => (SCOPED, "dependsOn", Some("development")),
    }
}

/// One relationship for all that a package needs in one way.
fn needs<'a>(bill: &Bill, names: &'a Names, elements: &mut Vec<Element<'a>>) {
    let mut count = 0;
    for (package, from) in bill.packages.iter().zip(&names.packages) {
        let mut ways: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for need in &package.needs {
            let to = names.packages[need.to].clone();
            ways.entry(words(need.kind)).or_default().push(to);
        }
        for ((class, kind, scope), to) in ways {
            count += 1;
            elements.push(Element {
                from: Some(from),
                relationship_type: Some(kind),
                to: Some(to),
                scope,
                completeness: (!bill.complete).then_some("incomplete"),
                ..Element::new(class, format!("{}#needs-{count}", names.space))
            });
        }
    }
}

/// Each licence once, and which packages declare it.
fn declared_licences<'a>(
    bill: &'a Bill,
    names: &'a Names,
    licences: &'a CustomLicences,
    elements: &mut Vec<Element<'a>>,
) {
    let texts: BTreeMap<&str, String> = licences
        .texts
        .keys()
        .map(|id| (id.as_str(), format!("{}#text-{id}", names.space)))
        .collect();
    for (id, known) in &licences.texts {
        elements.push(Element {
            name: Some(known.name.clone()),
            licence_text: Some(&known.text),
            ..Element::new("simplelicensing_SimpleLicensingText", texts[id.as_str()].clone())
        });
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, package) in bill.packages.iter().enumerate() {
        let Some(licence) = &package.licence else { continue };
        let Some(expression) = licences.expression(licence) else { continue };
        let next = numbers.len() + 1;
        let number = *numbers.entry(expression).or_insert(next);
        let id = format!("{}#licence-{number}", names.space);
        if number == next {
            let custom = licence.references().chain(licences.named.get(expression_name(licence)));
            let custom = custom.map(|key| Entry {
                kind: "DictionaryEntry",
                key,
                value: texts.get(key.as_str()).cloned().unwrap_or_default(),
            });
            elements.push(Element {
                expression: Some(expression),
                custom: custom.collect(),
                ..Element::new("simplelicensing_LicenseExpression", id.clone())
            });
        }
        elements.push(Element {
            from: Some(&names.packages[at]),
            relationship_type: Some("hasDeclaredLicense"),
            to: Some(vec![id]),
            ..Element::new("Relationship", format!("{}#declares-{at}", names.space))
        });
    }
}

/// What a package calls a licence that is on no list; empty for others.
fn expression_name(licence: &crate::licence::Licence) -> &str {
    super::named(licence).unwrap_or_default()
}
