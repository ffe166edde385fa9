//! SPDX 2 as JSON: packages, and how they are related. Files are no packages.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cyclonedx::members;
use super::{Bill, Entry, text};
use crate::format::Input;
use crate::format::json::Object;
use crate::graph::EdgeKind;

/// The fields of a package; what has another type is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: Value,
    name: Value,
    version_info: Value,
    license_declared: Value,
    license_concluded: Value,
    external_refs: Value,
    checksums: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identified {
    #[serde(rename = "SPDXID")]
    id: Value,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: Value,
    related_spdx_element: Value,
    relationship_type: Value,
}

pub(super) fn read(document: &Object<'_>, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    for raw in members(document.get("packages").copied(), "packages", input) {
        let line = input.lines.line_of_part(raw.get());
        if !bill.has_room(line, &mut input.faults) {
            break;
        }
        match object::<Package>(raw) {
            Some(package) => bill.add(package.entry(line), &mut input.faults),
            None => input.faults.add(Some(line), "a package that is no object"),
        }
    }
    for list in ["files", "snippets"] {
        for raw in members(document.get(list).copied(), list, input) {
            bill.others.extend(object::<Identified>(raw).and_then(|it| text(&it.id)));
        }
    }
    for raw in members(document.get("documentDescribes").copied(), "documentDescribes", input) {
        if let Ok(id) = serde_json::from_str::<String>(raw.get()) {
            bill.root(&id);
        }
    }
    for raw in members(document.get("relationships").copied(), "relationships", input) {
        let line = input.lines.line_of_part(raw.get());
        let found: Option<Relationship> = object(raw);
        let found = found.as_ref().and_then(|it| {
            let related = it.related_spdx_element.as_str()?;
            Some((it.spdx_element_id.as_str()?, it.relationship_type.as_str()?, related))
        });
        match found {
            Some(found) => relate(found, line, input, bill),
            None => input.faults.add(Some(line), "a relationship that lacks an end or its type"),
        }
    }
}

fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

impl Package {
    fn entry(&self, line: u32) -> Entry {
        let mut entry = Entry {
            reference: text(&self.id),
            name: text(&self.name).unwrap_or_default(),
            version: text(&self.version_info),
            ..Entry::new(line)
        };
        for reference in self.external_refs.as_array().into_iter().flatten() {
            if reference["referenceType"] == "purl" && entry.purl.is_none() {
                entry.purl = text(&reference["referenceLocator"]);
            }
        }
        for sum in self.checksums.as_array().into_iter().flatten() {
            let (algorithm, hex) = (sum["algorithm"].as_str(), sum["checksumValue"].as_str());
            entry.add_hash(algorithm.unwrap_or_default(), hex.unwrap_or_default());
        }
        let licences = [&self.license_declared, &self.license_concluded];
        entry.licence = licences.into_iter().filter_map(text).find(|text| is_said(text));
        entry
    }
}

/// Whether a field says anything.
pub(super) fn is_said(text: &str) -> bool {
    !matches!(text, "NOASSERTION" | "NONE" | "")
}

/// Which of two the other needs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The second is what the document is about, or the first.
    Describes,
    DescribedBy,
    Needs(EdgeKind),
    NeededBy(EdgeKind),
}

/// The types of relationship that say who needs whom, as section 11 of SPDX 2.3 has them. That one
/// contains the other is no need.
fn relation(kind: &str) -> Option<Relation> {
    use Relation::{DescribedBy, Describes, NeededBy, Needs};
    Some(match kind {
        "DESCRIBES" => Describes,
        "DESCRIBED_BY" => DescribedBy,
        "DEPENDS_ON" | "HAS_PREREQUISITE" => Needs(EdgeKind::Unknown),
        "DYNAMIC_LINK" | "STATIC_LINK" => Needs(EdgeKind::Runtime),
        "DEPENDENCY_OF" | "PREREQUISITE_FOR" => NeededBy(EdgeKind::Unknown),
        "RUNTIME_DEPENDENCY_OF" => NeededBy(EdgeKind::Runtime),
        "PROVIDED_DEPENDENCY_OF" => NeededBy(EdgeKind::Peer),
        "OPTIONAL_DEPENDENCY_OF" | "OPTIONAL_COMPONENT_OF" => NeededBy(EdgeKind::Optional),
        "BUILD_DEPENDENCY_OF" | "BUILD_TOOL_OF" => NeededBy(EdgeKind::Build),
        "DEV_DEPENDENCY_OF" | "DEV_TOOL_OF" | "TEST_DEPENDENCY_OF" | "TEST_TOOL_OF" => {
            NeededBy(EdgeKind::Dev)
        }
        _ => return None,
    })
}

/// What one relationship comes to.
pub(super) fn relate(
    (from, kind, to): (&str, &str, &str),
    line: u32,
    input: &mut Input<'_>,
    bill: &mut Bill<'_>,
) {
    // What stands in another document, or is left open.
    if [from, to].iter().any(|id| !is_said(id) || id.starts_with("DocumentRef-")) {
        return;
    }
    match relation(kind) {
        Some(Relation::Describes) => bill.root(to),
        Some(Relation::DescribedBy) => bill.root(from),
        Some(Relation::Needs(kind)) => bill.need((from, to), kind, line, &mut input.faults),
        Some(Relation::NeededBy(kind)) => bill.need((to, from), kind, line, &mut input.faults),
        None => {}
    }
}
