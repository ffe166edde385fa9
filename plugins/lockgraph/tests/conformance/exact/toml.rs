//! Second readers of what is written in TOML.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::Ecosystem;
use toml::{Table, Value};

use super::listed::{Listed, label, python_name};

fn document(text: &str, key: &str) -> Option<Vec<Table>> {
    let document: Table = toml::from_str(text).ok()?;
    let packages = document.get("root").into_iter().chain(list(&document, key));
    Some(packages.filter_map(Value::as_table).cloned().collect())
}

fn list<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Value> {
    table.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn index<'a>(packages: impl Iterator<Item = &'a Table>) -> BTreeMap<&'a str, Vec<&'a Table>> {
    let mut index: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
    packages.for_each(|package| index.entry(text(package, "name")).or_default().push(package));
    index
}

/// `name`, `name version` or `name version (source)`.
pub(super) fn cargo(text_of_file: &str) -> Option<Listed> {
    let packages = document(text_of_file, "package")?;
    let key = |package: &Table| format!("{}@{}", text(package, "name"), text(package, "version"));
    let mut listed = Listed::default();
    let index = index(packages.iter());
    for package in &packages {
        listed.packages.insert(key(package));
        let wanted = list(package, "dependencies").chain(package.get("replace"));
        for wanted in wanted.filter_map(Value::as_str) {
            let mut words = wanted.split(' ');
            let named = index.get(words.next().unwrap_or_default()).into_iter().flatten();
            let version = words.next();
            let meant = named.filter(|other| version.is_none_or(|it| it == text(other, "version")));
            listed.edges.extend(meant.map(|other| (key(package), key(other))));
        }
    }
    Some(listed)
}

fn python_label(package: &Table) -> String {
    let version = Some(text(package, "version"));
    label(Ecosystem::Pypi, text(package, "name"), version)
}

/// All lists of dependencies there are; one may say which version.
pub(super) fn uv(text_of_file: &str) -> Option<Listed> {
    let packages = document(text_of_file, "package")?;
    let is_foreign = |package: &&Table| {
        let source = package.get("source").and_then(Value::as_table);
        let own = ["editable", "virtual", "directory"];
        !source.is_some_and(|source| own.iter().any(|kind| source.contains_key(*kind)))
    };
    let index = index(packages.iter().filter(is_foreign));
    let mut listed = Listed::default();
    for package in index.values().flatten() {
        listed.packages.insert(python_label(package));
        let groups = ["optional-dependencies", "dev-dependencies"].iter();
        let groups = groups.filter_map(|key| package.get(*key)?.as_table());
        let groups = groups.flat_map(|groups| groups.values()).filter_map(Value::as_array);
        let needs = list(package, "dependencies").chain(groups.flatten());
        for need in needs.filter_map(Value::as_table) {
            let named = index.get(text(need, "name")).into_iter().flatten();
            let meant = named.filter(|other| {
                let agrees =
                    |key: &&str| need.get(*key).is_none_or(|it| Some(it) == other.get(*key));
                ["version", "source"].iter().all(agrees)
            });
            listed.edges.extend(meant.map(|other| (python_label(package), python_label(other))));
        }
    }
    Some(listed)
}

/// Packages, and by name what `needs` finds in each of them.
fn by_name(
    packages: &[Table],
    is_own: impl Fn(&Table) -> bool,
    needs: impl Fn(&Table) -> Vec<String>,
) -> Listed {
    let mut listed = Listed::by_name();
    let foreign = || packages.iter().filter(|package| !is_own(package));
    let names: BTreeSet<String> = foreign().map(|it| python_name(text(it, "name"))).collect();
    for package in foreign() {
        listed.packages.insert(python_label(package));
        let named = needs(package).iter().map(|name| python_name(name)).collect::<Vec<_>>();
        let named = named.into_iter().filter(|name| names.contains(name));
        listed.edges.extend(named.map(|name| (python_label(package), name)));
    }
    listed
}

pub(super) fn poetry(text_of_file: &str) -> Option<Listed> {
    let packages = document(text_of_file, "package")?;
    let is_own = |package: &Table| {
        let source = package.get("source").and_then(Value::as_table);
        source.is_some_and(|source| text(source, "type") == "directory")
    };
    let needs = |package: &Table| {
        let needs = package.get("dependencies").and_then(Value::as_table);
        needs.into_iter().flat_map(|needs| needs.keys().cloned()).collect()
    };
    Some(by_name(&packages, is_own, needs))
}

/// `name[extra]>=1; marker`.
pub(super) fn pdm(text_of_file: &str) -> Option<Listed> {
    let packages = document(text_of_file, "package")?;
    let end = |c: char| !(c.is_alphanumeric() || "-_.".contains(c));
    let needs = |package: &Table| {
        let needs = list(package, "dependencies").filter_map(Value::as_str);
        needs.map(|need| need.split(end).next().unwrap_or_default().to_owned()).collect()
    };
    Some(by_name(&packages, |package| package.contains_key("path"), needs))
}

pub(super) fn pylock(text_of_file: &str) -> Option<Listed> {
    let packages = document(text_of_file, "packages")?;
    let needs = |package: &Table| {
        let needs = list(package, "dependencies").filter_map(Value::as_table);
        needs.map(|need| text(need, "name").to_owned()).collect()
    };
    Some(by_name(&packages, |package| package.contains_key("directory"), needs))
}
