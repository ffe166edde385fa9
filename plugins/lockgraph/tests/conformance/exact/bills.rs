//! A second reader of bills of materials, of any format: it makes of each the same flat list.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::Ecosystem;
use serde_json::Value;

use super::listed::{Listed, label};

/// What the document calls it, its package URL, its name and its version.
type Fact = (String, String, String, String);

/// From, to.
type Need = (String, String);

pub(super) fn read(text: &str) -> Option<Listed> {
    let (facts, needs) = if let Ok(document) = serde_json::from_str::<Value>(text) {
        match (&document["bomFormat"], &document["spdxVersion"], &document["@graph"]) {
            (Value::String(_), _, _) => cyclonedx(&document),
            (_, Value::String(_), _) => spdx2(&document),
            (_, _, Value::Array(graph)) => spdx3(graph),
            _ => return None,
        }
    } else if text.contains("cyclonedx.org/schema/bom") {
        xml(text)
    } else if text.contains("SPDXVersion:") {
        tags(text)
    } else {
        return None;
    };
    let mut listed = Listed::default();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (reference, purl, name, version) in facts {
        let written = labelled(&purl, &name, &version);
        listed.packages.insert(written.clone());
        labels.entry(if reference.is_empty() { purl } else { reference }).or_insert(written);
    }
    let ends = needs
        .into_iter()
        .filter_map(|(from, to)| Some((labels.get(&from)?.clone(), labels.get(&to)?.clone())));
    listed.edges = ends.collect();
    Some(listed)
}

/// `name@version`: of the package URL, where there is one, else of the rest.
fn labelled(purl: &str, name: &str, version: &str) -> String {
    let choice = version.starts_with(['^', '~', '<', '>', '=', '!', '*']) || version.ends_with('*');
    let unknown = ["noassertion", "none", "unknown", "unspecified"];
    let is_none = choice || unknown.contains(&version.to_lowercase().as_str());
    let version = if is_none { "" } else { version };
    let Some(rest) = purl.strip_prefix("pkg:") else {
        return label(Ecosystem::Generic, name.trim(), Some(version));
    };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let (kind, path) = path.split_once('/').unwrap_or((path, ""));
    let slash = path.rfind('/').map_or(0, |at| at + 1);
    let at = path[slash..].rfind('@').map(|at| slash + at);
    let (path, own) = at.map_or((path, ""), |at| (&path[..at], &path[at + 1..]));
    let between = if kind == "maven" { ":" } else { "/" };
    let plain = match path.rsplit_once('/') {
        Some((group, name)) => format!("{}{between}{}", decoded(group), decoded(name)),
        None => decoded(path),
    };
    let folds = ["composer", "github", "golang", "hex"].contains(&kind);
    let plain = if folds { plain.to_lowercase() } else { plain };
    let ecosystem = if kind == "pypi" { Ecosystem::Pypi } else { Ecosystem::Generic };
    let own = decoded(own);
    label(ecosystem, &plain, Some(if own.is_empty() { version } else { &own }))
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.extend(u8::from_str_radix(piece.get(..2).unwrap_or_default(), 16));
        bytes.extend(piece.bytes().skip(2));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// With the group in front.
fn grouped(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}

const NO_PACKAGES: [&str; 3] = ["file", "data", "cryptographic-asset"];

fn cyclonedx(document: &Value) -> (Vec<Fact>, Vec<Need>) {
    let mut open: Vec<&Value> = list(&document["components"]).collect();
    open.extend(document["metadata"].get("component"));
    let mut facts = Vec::new();
    while let Some(one) = open.pop() {
        open.extend(list(&one["components"]));
        let field = |key: &str| text(&one[key]);
        if field("purl").is_empty() && NO_PACKAGES.contains(&field("type").as_str()) {
            continue;
        }
        let name = grouped(&field("group"), &field("name"));
        facts.push((field("bom-ref"), field("purl"), name, field("version")));
    }
    let needs = list(&document["dependencies"])
        .flat_map(|one| list(&one["dependsOn"]).map(|to| (text(&one["ref"]), text(to))));
    (facts, needs.collect())
}

/// Whether the first needs the second, or the second the first; none where it is no need.
fn turned(kind: &str) -> Option<bool> {
    match kind {
        "DEPENDS_ON" | "HAS_PREREQUISITE" | "DYNAMIC_LINK" | "STATIC_LINK" => Some(false),
        "PREREQUISITE_FOR" | "OPTIONAL_COMPONENT_OF" => Some(true),
        _ => (kind.ends_with("DEPENDENCY_OF") || kind.ends_with("_TOOL_OF")).then_some(true),
    }
}

fn need(from: String, kind: &str, to: String) -> Option<Need> {
    turned(kind).map(|turned| if turned { (to, from) } else { (from, to) })
}

fn spdx2(document: &Value) -> (Vec<Fact>, Vec<Need>) {
    let fact = |one: &Value| {
        let mut urls = list(&one["externalRefs"]).filter(|it| it["referenceType"] == "purl");
        let purl = urls.next().map_or_else(String::new, |it| text(&it["referenceLocator"]));
        (text(&one["SPDXID"]), purl, text(&one["name"]), text(&one["versionInfo"]))
    };
    let needs = list(&document["relationships"]).filter_map(|one| {
        let (from, to) = (text(&one["spdxElementId"]), text(&one["relatedSpdxElement"]));
        need(from, one["relationshipType"].as_str()?, to)
    });
    (list(&document["packages"]).map(fact).collect(), needs.collect())
}

fn spdx3(graph: &[Value]) -> (Vec<Fact>, Vec<Need>) {
    let of = |kind: &'static str| graph.iter().filter(move |one| one["type"] == kind);
    let fact = |one: &Value| {
        let field = |key: &str| text(&one[key]);
        let purl = field("software_packageUrl");
        (field("spdxId"), purl, field("name"), field("software_packageVersion"))
    };
    let needs = of("Relationship").chain(of("LifecycleScopedRelationship")).filter(|one| {
        let kind = text(&one["relationshipType"]);
        kind == "dependsOn" || kind.ends_with("Dependency") || kind.ends_with("Link")
    });
    let needs = needs.flat_map(|one| list(&one["to"]).map(|to| (text(&one["from"]), text(to))));
    (of("software_Package").map(fact).collect(), needs.collect())
}

/// A package is from its name to the next.
fn tags(text: &str) -> (Vec<Fact>, Vec<Need>) {
    let own: Vec<&str> = text.split("\nPackageName: ").skip(1).collect();
    let fact = |block: &&str| {
        // What comes after the first file is no longer of the package.
        let block = block.split("\nFileName:").next().unwrap_or_default();
        let field = |tag: &str| {
            let mut lines = block.lines().filter_map(|line| line.strip_prefix(tag));
            lines.next().unwrap_or_default().trim().to_owned()
        };
        let purl = block.lines().find_map(|line| line.split_once(" purl ").map(|it| it.1.trim()));
        let name = block.lines().next().unwrap_or_default().to_owned();
        (field("SPDXID:"), purl.unwrap_or_default().to_owned(), name, field("PackageVersion:"))
    };
    let needs =
        text.lines().filter_map(|line| line.strip_prefix("Relationship:")).filter_map(|it| {
            let words: Vec<&str> = it.split_whitespace().collect();
            let [from, kind, to] = words[..] else { return None };
            need(from.to_owned(), kind, to.to_owned())
        });
    (own.iter().map(fact).collect(), needs.collect())
}

/// Tags one after the other, with a list of those that are open.
fn xml(text: &str) -> (Vec<Fact>, Vec<Need>) {
    let mut facts: Vec<Fact> = Vec::new();
    let mut needs = Vec::new();
    // Name, attributes, which fact it is of.
    let mut open: Vec<(String, String, Option<usize>)> = Vec::new();
    let mut left_out = BTreeSet::new();
    for piece in without_remarks(text).split('<').skip(1) {
        let (tag, content) = piece.split_once('>').unwrap_or((piece, ""));
        if tag.starts_with('/') {
            open.pop();
            continue;
        }
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let name = tag.split([' ', '\n', '\t', '/']).next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default().to_owned();
        let above: Vec<&str> = open.iter().map(|(name, _, _)| name.as_str()).collect();
        let parent = open.last().and_then(|(_, _, fact)| *fact);
        let attribute = |key: &str| {
            let tag = tag.replace(['\n', '\t'], " ");
            let value = tag.split_once(&format!(" {key}=\"")).map(|it| it.1);
            value.and_then(|it| it.split('"').next()).unwrap_or_default().to_owned()
        };
        let is_listed = above.iter().skip(1).all(|it| ["components", "component"].contains(it));
        let mut fact = None;
        if name == "component" && (is_listed || above == ["bom", "metadata"]) {
            facts.push((attribute("bom-ref"), String::new(), String::new(), String::new()));
            fact = Some(facts.len() - 1);
            if NO_PACKAGES.contains(&attribute("type").as_str()) {
                left_out.insert(facts.len() - 1);
            }
        }
        let value = content.trim().replace("&amp;", "&");
        if let (Some(at), true) = (parent, above.last() == Some(&"component")) {
            let one = &mut facts[at];
            match name.as_str() {
                "group" => one.2 = format!("{value}/"),
                "name" => one.2.push_str(&value),
                "version" => one.3 = value,
                "purl" => {
                    one.1 = value;
                    left_out.remove(&at);
                }
                _ => {}
            }
        }
        if above == ["bom", "dependencies", "dependency"] && name == "dependency" {
            let from = open.last().map(|(_, reference, _)| reference.clone());
            needs.extend(from.map(|from| (from, attribute("ref"))));
        }
        if !tag.ends_with('/') {
            open.push((name, attribute("ref"), fact));
        }
    }
    let listed = facts.into_iter().enumerate().filter(|(at, _)| !left_out.contains(at));
    (listed.map(|(_, fact)| fact).collect(), needs)
}

/// Without what may have marks of its own in it: no field that is compared has.
fn without_remarks(text: &str) -> String {
    let without = |text: &str, start: &str, end: &str| -> String {
        let mut pieces = text.split(start);
        let first = pieces.next().unwrap_or_default().to_owned();
        let rest = pieces.map(|piece| piece.split_once(end).map_or("", |(_, rest)| rest));
        first + &rest.collect::<String>()
    };
    without(&without(text, "<!--", "-->"), "<![CDATA[", "]]>")
}
