//! CycloneDX 1.6 and 1.7: the document, which both JSON and XML are written from.

pub(crate) mod xml;

use lockgraph::{Hash, HashAlgorithm, Scope};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::bill::{
    Archive, Bill, Known, Origin, OriginKind, Package, Role, TOOL_NAME, TOOL_VERSION, line,
};
use crate::licence::Licence;

/// Identifiers of the SPDX list that are younger than the list in the schemas of CycloneDX 1.6 and
/// 1.7, which take no others. Sorted.
const YOUNGER: [&str; 19] = [
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Bugroff",
    "CC-BY-NC-3.0-IGO",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "Hippocratic-3.0-core",
    "Informatica",
    "MVT-1.1",
    "atc-game",
];

/// A version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1_6,
    V1_7,
}

impl Version {
    fn name(self) -> &'static str {
        match self {
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        }
    }

    fn schema(self) -> &'static str {
        match self {
            Self::V1_6 => "http://cyclonedx.org/schema/bom-1.6.schema.json",
            Self::V1_7 => "http://cyclonedx.org/schema/bom-1.7.schema.json",
        }
    }
}

/// The document. Lists that may be missing are left out when they are empty.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
    dependencies: Vec<Dependency<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compositions: Vec<Composition<'a>>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a str>,
    lifecycles: [Lifecycle; 1],
    tools: Tools,
    component: Component<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Debug, Serialize)]
struct Tools {
    components: [Tool; 1],
}

#[derive(Debug, Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_range: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_external: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<HashValue<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenceChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
}

#[derive(Debug, Serialize)]
struct HashValue<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenceChoice<'a> {
    License(LicenceName<'a>),
    Expression(&'a str),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenceName<'a> {
    Id(&'a str),
    Name(&'a str),
}

#[derive(Debug, Serialize)]
struct ExternalReference<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<HashValue<'a>>,
}

#[derive(Debug, Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Evidence<'a> {
    identity: [Identity; 1],
    occurrences: Vec<Occurrence<'a>>,
}

#[derive(Debug, Serialize)]
struct Identity {
    field: &'static str,
    confidence: u8,
    methods: [Method; 1],
}

#[derive(Debug, Serialize)]
struct Method {
    technique: &'static str,
    confidence: u8,
}

#[derive(Debug, Serialize)]
struct Occurrence<'a> {
    location: &'a str,
    line: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    from: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Composition<'a> {
    aggregate: &'static str,
    assemblies: [&'a str; 1],
}

impl<'a> Document<'a> {
    pub(crate) fn new(bill: &'a Bill, version: Version) -> Self {
        let subject = bill.subject();
        let incomplete = Composition { aggregate: "incomplete", assemblies: [&subject.reference] };
        let mut dependencies: Vec<Dependency<'_>> =
            bill.packages.iter().map(|package| dependency(bill, package)).collect();
        dependencies.sort_by_key(|dependency| dependency.from);
        Self {
            schema: version.schema(),
            bom_format: "CycloneDX",
            spec_version: version.name(),
            serial_number: bill.id().urn().to_string(),
            version: 1,
            metadata: Metadata {
                timestamp: bill.created.as_ref().map(|created| created.as_str()),
                lifecycles: [Lifecycle { phase: "pre-build" }],
                tools: Tools {
                    components: [Tool {
                        kind: "application",
                        name: TOOL_NAME,
                        version: TOOL_VERSION,
                    }],
                },
                component: Component {
                    scope: None,
                    version_range: None,
                    is_external: None,
                    ..component(subject, version)
                },
                properties: facts(bill),
            },
            components: bill.packages[1..].iter().map(|one| component(one, version)).collect(),
            dependencies,
            compositions: if bill.complete { Vec::new() } else { vec![incomplete] },
        }
    }

    pub(crate) fn json(&self) -> Box<RawValue> {
        to_raw_value(self).expect("plain structures without maps can be written")
    }
}

fn component(package: &Package, version: Version) -> Component<'_> {
    let evidence = Evidence {
        identity: [Identity {
            field: "purl",
            confidence: 1,
            methods: [Method { technique: "manifest-analysis", confidence: 1 }],
        }],
        occurrences: package
            .evidence()
            .iter()
            .map(|place| Occurrence { location: &place.path, line: place.line })
            .collect(),
    };
    let range = version_range(package, version);
    Component {
        kind: match package.role {
            Role::Application => "application",
            Role::Library => "library",
            Role::Container => "container",
        },
        bom_ref: &package.reference,
        group: package.group.as_deref(),
        name: &package.name,
        version: package.version.as_deref(),
        version_range: range,
        is_external: range.map(|_| true),
        scope: package.known.and_then(scope),
        hashes: package.hashes.iter().map(hash).collect(),
        licenses: package.licence.iter().map(licence).collect(),
        purl: package.purl.as_deref(),
        external_references: references(package),
        properties: package
            .facts()
            .into_iter()
            .map(|(name, value)| Property { name, value: value.into_owned() })
            .collect(),
        evidence: (!package.places.is_empty()).then_some(evidence),
    }
}

/// The specification knows ranges since 1.7, and only of what the environment brings along at run
/// time: what a repository does not pin, it leaves to that.
fn version_range(package: &Package, version: Version) -> Option<&str> {
    let shipped = package.known.and_then(scope) != Some("excluded");
    match version {
        Version::V1_7 if shipped => package.range.as_ref()?.vers.as_deref(),
        Version::V1_7 | Version::V1_6 => None,
    }
}

/// The specification has no word for what only the build needs; like what only development needs,
/// it is not part of what is shipped.
fn scope(known: Known) -> Option<&'static str> {
    match known.scope {
        Scope::Runtime => Some("required"),
        Scope::Optional => Some("optional"),
        Scope::Build | Scope::Dev => Some("excluded"),
        Scope::Unknown => None,
    }
}

fn hash(hash: &Hash) -> HashValue<'_> {
    let alg = match hash.algorithm {
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha384 => "SHA-384",
        HashAlgorithm::Sha512 => "SHA-512",
    };
    HashValue { alg, content: &hash.hex }
}

fn licence(licence: &Licence) -> LicenceChoice<'_> {
    match licence {
        // The younger ones may still stand in an expression.
        Licence::Listed(id) if YOUNGER.binary_search(&id.as_str()).is_ok() => {
            LicenceChoice::Expression(id)
        }
        Licence::Listed(id) => LicenceChoice::License(LicenceName::Id(id)),
        Licence::Expression { text, .. } => LicenceChoice::Expression(text),
        Licence::Named(name) => LicenceChoice::License(LicenceName::Name(name)),
    }
}

fn references(package: &Package) -> Vec<ExternalReference<'_>> {
    let origin = package.origin.iter().map(|Origin { kind, address }| ExternalReference {
        kind: match kind {
            OriginKind::Vcs => "vcs",
            OriginKind::Distribution => "distribution",
        },
        url: address,
        hashes: Vec::new(),
    });
    let archives = package.archives.iter().map(|Archive { address, hashes }| ExternalReference {
        kind: "distribution",
        url: address,
        hashes: hashes.iter().map(hash).collect(),
    });
    origin.chain(archives).collect()
}

fn dependency<'a>(bill: &'a Bill, package: &'a Package) -> Dependency<'a> {
    let mut depends_on: Vec<&str> =
        package.needs.iter().map(|need| bill.packages[need.to].reference.as_str()).collect();
    depends_on.sort_unstable();
    Dependency { from: &package.reference, depends_on }
}

/// Which lock files were read, and what was left out or guessed.
fn facts(bill: &Bill) -> Vec<Property> {
    let property = |name| move |value| Property { name, value };
    let lockfiles = bill.lockfiles.iter().cloned().map(property("stepwell:lockfile"));
    let warnings = bill.warnings.iter().map(line).map(property("stepwell:warning"));
    let left_out = bill.detail.note().map(property("stepwell:left-out"));
    lockfiles.chain(warnings).chain(left_out).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn younger_licences_are_sorted() {
        assert!(YOUNGER.is_sorted());
    }
}
