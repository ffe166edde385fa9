//! Version 1, of npm 5 and 6: dependencies nested the way they are installed.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::LOCATION_BYTES_MAX;
use super::entry::{Entry, Need, fields, integrity, scope};
use super::tree::Tree;
use crate::format::json::Object;
use crate::format::{Input, PACKAGES_MAX, Unreadable, phrase, word};
use crate::graph::EdgeKind;
use crate::path;
use crate::scan::ReadError;

/// The deepest nesting: npm's own tree never went beyond about ten.
const DEPTH_MAX: usize = 64;

/// The fields of a dependency; what has another type than npm writes is as good as absent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written<'a> {
    version: Value,
    resolved: Value,
    integrity: Value,
    dev: Value,
    optional: Value,
    requires: Value,
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
}

/// What is installed where, and the root from the manifest beside it.
pub(super) fn read(
    document: &Object<'_>,
    dependencies: &RawValue,
    input: &mut Input<'_>,
) -> Result<Tree, Unreadable> {
    let mut tree = root_alone(document, input);
    let known = !tree.root().needs.is_empty();
    install(&mut tree, "", dependencies, 0, input);
    if tree.len() == 1 && !input.faults.is_empty() {
        return Err(Unreadable::Shape("`dependencies` has no usable entry"));
    }
    if !known && tree.len() > 1 {
        input.faults.note(
            None,
            "no package.json beside it says what is needed directly: taken is what nothing else needs",
        );
        guess_direct(&mut tree);
    }
    Ok(tree)
}

/// The root, as far as the lock file and the manifest beside it know it.
pub(super) fn root_alone(document: &Object<'_>, input: &mut Input<'_>) -> Tree {
    let mut root = manifest(input).unwrap_or_default();
    let text = |key: &str| document.get(key).and_then(|raw| serde_json::from_str(raw.get()).ok());
    root.name = text("name").filter(|name: &String| word(name).is_some()).or(root.name);
    root.version =
        text("version").filter(|version: &String| word(version).is_some()).or(root.version);
    let mut tree = Tree::default();
    tree.add(String::new(), root);
    tree
}

/// The package.json beside the lock file: it has the fields of an entry.
fn manifest(input: &mut Input<'_>) -> Option<Entry> {
    let path = path::join(input.dir(), "package.json");
    let bytes = match input.files.read(&path) {
        Ok(bytes) => bytes,
        Err(ReadError::Missing) => return None,
        Err(err) => {
            input.faults.warnings.add(&path, None, err.to_string());
            return None;
        }
    };
    let raw: Option<&RawValue> = serde_json::from_slice(&bytes).ok();
    let entry = raw.and_then(|raw| Entry::read(raw, 1).ok());
    if entry.is_none() {
        input.faults.warnings.add(&path, None, "not a usable package.json");
    }
    entry
}

/// Adds what is installed below `location`, and what is installed below that.
fn install(
    tree: &mut Tree,
    location: &str,
    dependencies: &RawValue,
    depth: usize,
    input: &mut Input<'_>,
) {
    let line = input.lines.line_of_part(dependencies.get());
    let Ok(dependencies) = serde_json::from_str::<Object<'_>>(dependencies.get()) else {
        return input
            .faults
            .add(Some(line), format!("`dependencies` below `{location}` is no object"));
    };
    if depth == DEPTH_MAX {
        return input.faults.add(Some(line), format!("nested more than {DEPTH_MAX} times"));
    }
    for (name, raw) in dependencies {
        let line = input.lines.line_of_part(raw.get());
        if tree.len() == PACKAGES_MAX {
            input
                .faults
                .add(Some(line), format!("only the first {PACKAGES_MAX} packages are read"));
            return;
        }
        let below = path::join(location, &format!("node_modules/{name}"));
        if word(&name).is_none() || below.len() > LOCATION_BYTES_MAX {
            input.faults.add(Some(line), "a package at a location that no file system allows");
            continue;
        }
        match fields::<Written<'_>>(raw) {
            Some(written) => {
                tree.add(below.clone(), entry(&written, line));
                if let Some(nested) = written.dependencies {
                    install(tree, &below, nested, depth + 1, input);
                }
            }
            None => input.faults.add(Some(line), format!("`{below}`: no usable entry")),
        }
    }
}

fn entry(written: &Written<'_>, line: u32) -> Entry {
    let flag = |value: &Value| value.as_bool().unwrap_or(false);
    let text = |value: &Value| value.as_str().and_then(phrase).map(str::to_owned);
    let (name, version, source) = match text(&written.version) {
        Some(version) => version_or_source(version),
        None => (None, None, None),
    };
    let required = written.requires.as_object().into_iter().flat_map(|object| object.keys());
    Entry {
        name,
        version,
        resolved: text(&written.resolved).or(source),
        link: false,
        hashes: written.integrity.as_str().map(integrity).unwrap_or_default(),
        licence: None,
        scope: scope(flag(&written.dev), flag(&written.optional), false),
        needs: required
            .filter(|name| word(name).is_some())
            // Version 1 does not say which of them are optional.
            .map(|name| (name.clone(), Need { kind: EdgeKind::Runtime, may_be_absent: true }))
            .collect(),
        line,
    }
}

/// Version 1 has one field for a version, an alias and an address: `(name, version, source)`.
fn version_or_source(text: String) -> (Option<String>, Option<String>, Option<String>) {
    if let Some(alias) = text.strip_prefix("npm:") {
        return match alias.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() => {
                (Some(name.to_owned()), Some(version.to_owned()), None)
            }
            _ => (Some(alias.to_owned()), None, None),
        };
    }
    if text.contains([':', '/']) {
        return (None, None, Some(text));
    }
    (None, Some(text), None)
}

/// Lets the root need what is installed at the top and nothing else needs.
fn guess_direct(tree: &mut Tree) {
    let direct = tree.unneeded_at_top();
    let needs = direct.into_iter().map(|(name, kind)| (name, Need { kind, may_be_absent: false }));
    tree.root().needs.extend(needs);
}
