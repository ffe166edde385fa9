//! A CycloneDX 1.6 document, as far as we fill it.

use serde::Serialize;
use uuid::Uuid;

/// The space that serial numbers are made in.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e1c_a6d0_7f3b_4c52_9d84_2b60_1fe7_93aa);

/// The document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compositions: Vec<Composition>,
}

impl Document {
    /// A document whose serial number is made of what it says.
    pub(crate) fn new(
        metadata: Metadata,
        components: Vec<Component>,
        dependencies: Vec<Dependency>,
        compositions: Vec<Composition>,
    ) -> Self {
        let mut document = Self {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: None,
            version: 1,
            metadata,
            components,
            dependencies,
            compositions,
        };
        let serial = Uuid::new_v5(&NAMESPACE, document.text().as_bytes());
        document.serial_number = Some(serial.urn().to_string());
        document
    }

    /// How large it is, written out.
    pub(crate) fn bytes(&self) -> usize {
        self.text().len()
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("plain structures without maps can be written")
    }
}

/// What the document is about, and who made it.
#[derive(Debug, Serialize)]
pub(crate) struct Metadata {
    pub(crate) tools: Tools,
    pub(crate) component: Component,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) properties: Vec<Property>,
}

/// Who made it.
#[derive(Debug, Serialize)]
pub(crate) struct Tools {
    pub(crate) components: Vec<Component>,
}

/// A package.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Component {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(crate) bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) hashes: Vec<HashValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) licenses: Vec<LicenceChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
}

/// A digest of a package's archive.
#[derive(Debug, Serialize)]
pub(crate) struct HashValue {
    pub(crate) alg: &'static str,
    pub(crate) content: String,
}

/// One licence, or an expression of several.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LicenceChoice {
    License(Licence),
    Expression(String),
}

/// One licence.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Licence {
    /// On the SPDX list.
    Id(String),
    /// Any other.
    Name(String),
}

/// Where to find more.
#[derive(Debug, Serialize)]
pub(crate) struct ExternalReference {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) url: String,
}

/// A fact that the specification has no field for.
#[derive(Debug, Serialize)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// Why we say that a package is there.
#[derive(Debug, Serialize)]
pub(crate) struct Evidence {
    pub(crate) identity: Vec<Identity>,
    pub(crate) occurrences: Vec<Occurrence>,
}

/// What the evidence is for.
#[derive(Debug, Serialize)]
pub(crate) struct Identity {
    pub(crate) field: &'static str,
    pub(crate) confidence: u8,
    pub(crate) methods: Vec<Method>,
}

/// How it was found.
#[derive(Debug, Serialize)]
pub(crate) struct Method {
    pub(crate) technique: &'static str,
    pub(crate) confidence: u8,
}

/// A line that says so.
#[derive(Debug, Serialize)]
pub(crate) struct Occurrence {
    pub(crate) location: String,
    pub(crate) line: u32,
}

/// What a package needs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    #[serde(rename = "ref")]
    pub(crate) from: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) depends_on: Vec<String>,
}

/// How complete a part of the document is.
#[derive(Debug, Serialize)]
pub(crate) struct Composition {
    pub(crate) aggregate: &'static str,
    pub(crate) assemblies: Vec<String>,
}
