//! SPDX 3 as JSON-LD: a graph of elements, of which packages and relationships count.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::cyclonedx::members;
use super::spdx2::is_said;
use super::{Bill, Entry, text};
use crate::format::Input;
use crate::format::json::Object;
use crate::graph::EdgeKind;

/// The fields of any element; what has another type is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Element {
    #[serde(rename = "type", alias = "@type")]
    kind: Value,
    #[serde(alias = "@id")]
    spdx_id: Value,
    name: Value,
    #[serde(rename = "software_packageVersion")]
    version: Value,
    #[serde(rename = "software_packageUrl")]
    purl: Value,
    external_identifier: Value,
    verified_using: Value,
    #[serde(rename = "simplelicensing_licenseExpression")]
    expression: Value,
    root_element: Value,
    from: Value,
    to: Value,
    relationship_type: Value,
    scope: Value,
}

/// Where the identifiers of listed licences begin.
const LISTED: &str = "spdx.org/licenses/";

pub(super) fn read(document: &Object<'_>, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    let mut packages = Vec::new();
    let mut expressions: BTreeMap<String, String> = BTreeMap::new();
    let mut relationships: Vec<(Element, u32)> = Vec::new();
    let mut roots: BTreeSet<String> = BTreeSet::new();
    for raw in members(document.get("@graph").copied(), "@graph", input) {
        let line = input.lines.line_of_part(raw.get());
        let element = raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok());
        let Some(element) = element.flatten() else {
            input.faults.add(Some(line), "an element that is no object");
            continue;
        };
        let element: Element = element;
        let kind = element.kind.as_str().unwrap_or_default();
        // `software_Package`, or the same as an address.
        if kind.rsplit(['_', ':', '/']).next() == Some("Package") {
            packages.push((element.entry(line), line));
        } else if element.relationship_type.is_string() {
            relationships.push((element, line));
        } else {
            let id = text(&element.spdx_id);
            roots.extend(texts(&element.root_element).map(str::to_owned));
            if let (Some(id), Some(expression)) = (&id, text(&element.expression)) {
                expressions.insert(id.clone(), expression);
            }
            bill.others.extend(id);
        }
    }
    let mut licences = licences(&relationships, &expressions);
    for (mut entry, line) in packages {
        if !bill.has_room(line, &mut input.faults) {
            break;
        }
        let licence = entry.reference.as_ref().and_then(|id| licences.remove(id));
        entry.licence = licence.map(|(_, text)| text);
        entry.is_subject = entry.reference.as_ref().is_some_and(|id| roots.contains(id));
        bill.add(entry, &mut input.faults);
    }
    for (relationship, line) in &relationships {
        relate(relationship, *line, input, bill);
    }
}

/// A text, or several.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let several = value.as_array().into_iter().flatten();
    value.as_str().into_iter().chain(several.filter_map(Value::as_str))
}

impl Element {
    fn entry(&self, line: u32) -> Entry {
        let mut entry = Entry {
            reference: text(&self.spdx_id),
            purl: text(&self.purl),
            name: text(&self.name).unwrap_or_default(),
            version: text(&self.version),
            ..Entry::new(line)
        };
        for identifier in self.external_identifier.as_array().into_iter().flatten() {
            let kind = identifier["externalIdentifierType"].as_str().unwrap_or_default();
            if kind.eq_ignore_ascii_case("packageUrl") && entry.purl.is_none() {
                entry.purl = text(&identifier["identifier"]);
            }
        }
        for hash in self.verified_using.as_array().into_iter().flatten() {
            let (algorithm, hex) = (hash["algorithm"].as_str(), hash["hashValue"].as_str());
            entry.add_hash(algorithm.unwrap_or_default(), hex.unwrap_or_default());
        }
        entry
    }
}

/// The licence of each package, a declared one before a concluded one.
fn licences(
    relationships: &[(Element, u32)],
    expressions: &BTreeMap<String, String>,
) -> BTreeMap<String, (u8, String)> {
    let mut licences: BTreeMap<String, (u8, String)> = BTreeMap::new();
    for (relationship, _) in relationships {
        let rank = match relationship.relationship_type.as_str() {
            Some("hasDeclaredLicense") => 0,
            Some("hasConcludedLicense") => 1,
            Some(_) | None => continue,
        };
        let Some(from) = text(&relationship.from) else { continue };
        let licence = texts(&relationship.to).find_map(|id| {
            let listed = || Some(id.split_once(LISTED)?.1.to_owned());
            expressions.get(id).cloned().or_else(listed).filter(|text| is_said(text))
        });
        let Some(licence) = licence else { continue };
        if licences.get(&from).is_none_or(|(best, _)| rank < *best) {
            licences.insert(from, (rank, licence));
        }
    }
    licences
}

/// How a relationship says that one needs the other; none where it says something else.
fn kind(relationship: &Element) -> Option<EdgeKind> {
    Some(match (relationship.relationship_type.as_str()?, relationship.scope.as_str()) {
        ("dependsOn", Some("runtime")) => EdgeKind::Runtime,
        ("dependsOn", Some("build")) => EdgeKind::Build,
        ("dependsOn", Some("development" | "test")) => EdgeKind::Dev,
        ("dependsOn" | "hasPrerequisite", _) => EdgeKind::Unknown,
        ("hasDynamicLink" | "hasStaticLink", _) => EdgeKind::Runtime,
        ("hasOptionalDependency" | "hasOptionalComponent", _) => EdgeKind::Optional,
        ("hasProvidedDependency", _) => EdgeKind::Peer,
        _ => return None,
    })
}

fn relate(relationship: &Element, line: u32, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    let (Some(kind), Some(from)) = (kind(relationship), relationship.from.as_str()) else {
        return;
    };
    for to in texts(&relationship.to) {
        // `NoneElement` and `NoAssertionElement`.
        if !to.ends_with("Element") {
            bill.need((from, to), kind, line, &mut input.faults);
        }
    }
}
