//! CycloneDX as JSON and XML: components, in components again, and which depends on which.
//!
//! That a component contains another says nothing of a need, so it is no edge (the specification
//! says so of `components`); `provides` of 1.6 is about what implements a standard.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Bill, Entry, text};
use crate::format::Input;
use crate::format::json::Object;
use crate::format::xml::Element;
use crate::graph::{EdgeKind, Scope};

/// The deepest nesting of components; assemblies have three or four levels.
const NESTING_MAX: usize = 16;

/// Types of components that are no packages, unless they have a package URL.
const NO_PACKAGES: [&str; 3] = ["cryptographic-asset", "data", "file"];

/// The fields of a component; what has another type is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: Value,
    #[serde(rename = "bom-ref")]
    reference: Value,
    group: Value,
    name: Value,
    version: Value,
    #[serde(rename = "versionRange")]
    range: Value,
    purl: Value,
    scope: Value,
    hashes: Value,
    licenses: Value,
    #[serde(borrow)]
    components: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    component: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Dependency {
    #[serde(rename = "ref")]
    reference: Value,
    #[serde(rename = "dependsOn")]
    needs: Value,
}

/// What has an identifier and is no component.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Service<'a> {
    #[serde(rename = "bom-ref")]
    reference: Value,
    #[serde(borrow)]
    services: Option<&'a RawValue>,
}

pub(super) fn read_json(document: &Object<'_>, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    let metadata = document.get("metadata").and_then(|raw| object::<Metadata<'_>>(raw));
    if let Some(subject) = metadata.and_then(|metadata| metadata.component) {
        component(subject, 0, true, input, bill);
    }
    for raw in members(document.get("components").copied(), "components", input) {
        component(raw, 0, false, input, bill);
    }
    services(document.get("services").copied(), 0, bill, input);
    for raw in members(document.get("dependencies").copied(), "dependencies", input) {
        let line = input.lines.line_of_part(raw.get());
        let Some(Dependency { reference, needs }) = object(raw) else {
            input.faults.add(Some(line), "a dependency that is no object");
            continue;
        };
        let Some(from) = reference.as_str() else {
            input.faults.add(Some(line), "a dependency without a `ref`");
            continue;
        };
        for to in needs.as_array().into_iter().flatten().filter_map(Value::as_str) {
            bill.need((from, to), EdgeKind::Unknown, line, &mut input.faults);
        }
    }
}

/// An object; nothing where another value stands, or a field twice.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    // A list would fill the fields in their order.
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

/// The values of a list; that it is none is told.
pub(super) fn members<'a>(
    raw: Option<&'a RawValue>,
    name: &str,
    input: &mut Input<'_>,
) -> Vec<&'a RawValue> {
    let Some(raw) = raw else { return Vec::new() };
    serde_json::from_str(raw.get()).unwrap_or_else(|_| {
        let line = input.lines.line_of_part(raw.get());
        input.faults.add(Some(line), format!("its `{name}` is no list"));
        Vec::new()
    })
}

fn component(
    raw: &RawValue,
    depth: usize,
    is_subject: bool,
    input: &mut Input<'_>,
    bill: &mut Bill<'_>,
) {
    let line = input.lines.line_of_part(raw.get());
    let Some(found) = object::<Component<'_>>(raw) else {
        return input.faults.add(Some(line), "a component that is no object");
    };
    let kind = found.kind.as_str().unwrap_or_default();
    let nested = found.components;
    if NO_PACKAGES.contains(&kind) && found.purl.as_str().is_none() {
        bill.leave_out(text(&found.reference), line);
    } else if bill.has_room(line, &mut input.faults) {
        bill.add(found.entry(is_subject, line), &mut input.faults);
    } else {
        return;
    }
    if nested.is_some() && depth == NESTING_MAX {
        let reason = format!("components nested more than {NESTING_MAX} times");
        return input.faults.add(Some(line), reason);
    }
    for raw in members(nested, "components", input) {
        component(raw, depth + 1, false, input, bill);
    }
}

impl Component<'_> {
    fn entry(&self, is_subject: bool, line: u32) -> Entry {
        let mut entry = Entry {
            reference: text(&self.reference).or_else(|| text(&self.purl)),
            purl: text(&self.purl),
            group: text(&self.group),
            name: text(&self.name).unwrap_or_default(),
            version: text(&self.version),
            range: text(&self.range),
            scope: scope(self.scope.as_str()),
            is_subject,
            ..Entry::new(line)
        };
        for hash in self.hashes.as_array().into_iter().flatten() {
            let (algorithm, hex) = (hash["alg"].as_str(), hash["content"].as_str());
            entry.add_hash(algorithm.unwrap_or_default(), hex.unwrap_or_default());
        }
        let choices = self.licenses.as_array().into_iter().flatten().filter_map(|choice| {
            let named = &choice["license"];
            let texts = [&choice["expression"], &named["id"], &named["name"]];
            texts.into_iter().find_map(Value::as_str).map(Cow::Borrowed)
        });
        entry.licence = licence(choices);
        entry
    }
}

/// Where a bill does not say it, the specification would have it `required`; that every package is
/// shipped only because nobody said otherwise would be false too often.
fn scope(written: Option<&str>) -> Scope {
    match written {
        Some("required") => Scope::Runtime,
        Some("optional") => Scope::Optional,
        Some("excluded") => Scope::Dev,
        Some(_) | None => Scope::Unknown,
    }
}

/// All that apply: which of several, CycloneDX does not say.
fn licence<'a>(choices: impl Iterator<Item = Cow<'a, str>>) -> Option<String> {
    let choices: Vec<Cow<'_, str>> = choices.filter(|text| !text.trim().is_empty()).collect();
    match choices.as_slice() {
        [] => None,
        [only] => Some(only.trim().to_owned()),
        several => {
            let whole = |text: &Cow<'_, str>| match text.contains(" OR ") {
                true => format!("({})", text.trim()),
                false => text.trim().to_owned(),
            };
            Some(several.iter().map(whole).collect::<Vec<_>>().join(" AND "))
        }
    }
}

fn services(list: Option<&RawValue>, depth: usize, bill: &mut Bill<'_>, input: &mut Input<'_>) {
    if depth > NESTING_MAX {
        return;
    }
    for raw in members(list, "services", input) {
        if let Some(service) = object::<Service<'_>>(raw) {
            bill.others.extend(text(&service.reference));
            services(service.services, depth + 1, bill, input);
        }
    }
}

pub(super) fn read_xml(root: &Element<'_>, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    for subject in root.nested("metadata", "component") {
        element(subject, true, input, bill);
    }
    for found in root.nested("components", "component") {
        element(found, false, input, bill);
    }
    for service in root.nested("services", "service") {
        bill.others.extend(service.attribute("bom-ref").map(Cow::into_owned));
    }
    for dependency in root.nested("dependencies", "dependency") {
        let line = dependency.line;
        let Some(from) = dependency.attribute("ref") else {
            input.faults.add(Some(line), "a dependency without a `ref`");
            continue;
        };
        for needed in dependency.all("dependency") {
            if let Some(to) = needed.attribute("ref") {
                bill.need((&from, &to), EdgeKind::Unknown, needed.line, &mut input.faults);
            }
        }
    }
}

fn element(found: &Element<'_>, is_subject: bool, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    let line = found.line;
    let kind = found.attribute("type").unwrap_or_default();
    let reference = found.attribute("bom-ref").map(Cow::into_owned);
    if NO_PACKAGES.contains(&&*kind) && found.text_at("purl").is_none() {
        bill.leave_out(reference, line);
    } else if bill.has_room(line, &mut input.faults) {
        let entry = element_entry(found, reference, is_subject);
        bill.add(entry, &mut input.faults);
    } else {
        return;
    }
    // The nesting of elements has an end of its own.
    for nested in found.nested("components", "component") {
        element(nested, false, input, bill);
    }
}

fn element_entry(found: &Element<'_>, reference: Option<String>, is_subject: bool) -> Entry {
    let own = |name: &str| found.text_at(name).map(str::to_owned);
    let mut entry = Entry {
        reference: reference.or_else(|| own("purl")),
        purl: own("purl"),
        group: own("group"),
        name: own("name").unwrap_or_default(),
        version: own("version"),
        range: own("versionRange"),
        scope: scope(found.text_at("scope")),
        is_subject,
        ..Entry::new(found.line)
    };
    for hash in found.nested("hashes", "hash") {
        let algorithm = hash.attribute("alg").unwrap_or_default();
        entry.add_hash(&algorithm, hash.text().unwrap_or_default());
    }
    let choices = found.all("licenses").flat_map(Element::children).filter_map(|choice| {
        let named = choice.text_at("id").or_else(|| choice.text_at("name"));
        let text = if choice.name == "expression" { choice.text() } else { named };
        text.map(Cow::Borrowed)
    });
    entry.licence = licence(choices);
    entry
}
