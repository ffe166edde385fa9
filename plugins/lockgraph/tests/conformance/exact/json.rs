//! Second readers of what is written in JSON.

use std::collections::BTreeMap;

use lockgraph::Ecosystem;
use serde_json::{Map, Value};

use super::listed::{Listed, label};

fn document(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn keys<'a>(entry: &'a Value, sections: &'a [&str]) -> impl Iterator<Item = &'a String> {
    sections.iter().filter_map(|key| entry[*key].as_object()).flat_map(|object| object.keys())
}

fn npm_label(name: &str, version: &str) -> String {
    label(Ecosystem::Npm, name, Some(version))
}

/// What is installed where; in version 1 it is nested the same way.
pub(super) fn npm(text_of_file: &str) -> Option<Listed> {
    let document = document(text_of_file)?;
    if let Some(installed) = document.get("packages").and_then(Value::as_object) {
        let sections =
            ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
        return Some(npm_installed(installed, &sections));
    }
    let mut installed = Map::new();
    flatten("", document.get("dependencies")?, &mut installed);
    Some(npm_installed(&installed, &["requires"]))
}

/// Version 1 the way later versions write it.
fn flatten(above: &str, dependencies: &Value, installed: &mut Map<String, Value>) {
    for (name, entry) in dependencies.as_object().into_iter().flatten() {
        let location = format!("{above}node_modules/{name}");
        let mut entry = entry.clone();
        let nested = entry["dependencies"].take();
        let version = text(&entry["version"]).to_owned();
        if let Some((name, version)) =
            version.strip_prefix("npm:").and_then(|it| it.rsplit_once('@'))
        {
            entry["name"] = name.into();
            entry["version"] = version.into();
        } else if version.contains([':', '/']) {
            entry["version"] = Value::Null;
            entry["resolved"] = version.into();
        }
        flatten(&format!("{location}/"), &nested, installed);
        installed.insert(location, entry);
    }
}

/// Of all directories that have the name, the deepest above the package is the one it finds.
fn npm_installed(installed: &Map<String, Value>, sections: &[&str]) -> Listed {
    let is_own = |entry: &Value| {
        let resolved = text(&entry["resolved"]);
        let archive = [".tgz", ".tar.gz"].iter().any(|end| resolved.ends_with(end));
        entry["link"] == true || (resolved.starts_with("file:") && !archive)
    };
    let foreign =
        |location: &String| location.contains("node_modules/") && !is_own(&installed[location]);
    let label_of = |location: &String| {
        let entry = &installed[location];
        let directory = location.rsplit("node_modules/").next().unwrap_or_default();
        npm_label(entry["name"].as_str().unwrap_or(directory), text(&entry["version"]))
    };
    let mut listed = Listed::default();
    for location in installed.keys().filter(|location| foreign(location)) {
        listed.packages.insert(label_of(location));
        for name in keys(&installed[location], sections) {
            let mut above = location.as_str();
            let found = loop {
                let candidate = format!("{above}/node_modules/{name}");
                let candidate = candidate.trim_start_matches('/').to_owned();
                if installed.contains_key(&candidate) || above.is_empty() {
                    break candidate;
                }
                above = above.rsplit_once("node_modules/").map_or("", |(above, _)| above);
                above = above.trim_end_matches('/');
            };
            if installed.contains_key(&found) && foreign(&found) {
                listed.edges.insert((label_of(location), label_of(&found)));
            }
        }
    }
    listed
}

/// bun writes a package a line: `"where": ["name@version", "registry", {…}, "digest"],`.
pub(super) fn bun(text_of_file: &str) -> Option<Listed> {
    let entry = |line: &str| {
        let line = line.strip_prefix("    ").filter(|line| line.starts_with('"'))?;
        let entry = document(&format!("{{{}}}", line.trim_end_matches(',')))?;
        entry.into_iter().next().filter(|(_, entry)| entry.is_array())
    };
    if !text_of_file.starts_with('{') || !text_of_file.contains("lockfileVersion") {
        return None;
    }
    let installed: BTreeMap<String, Value> = text_of_file.lines().filter_map(entry).collect();
    let sections = ["dependencies", "optionalDependencies", "peerDependencies"];
    let own = ["@workspace:", "@link:", "@file:", "@root:"];
    let label_of = |entry: &Value| {
        let written = text(&entry[0]);
        let at = written.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at)?;
        let (name, version) = (&written[..at], &written[at + 1..]);
        let registry = !version.contains([':', '/']);
        let foreign = !own.iter().any(|kind| written.contains(kind));
        foreign.then(|| npm_label(name, if registry { version } else { "" }))
    };
    let mut listed = Listed::default();
    for (place, entry) in &installed {
        let Some(from) = label_of(entry) else { continue };
        listed.packages.insert(from.clone());
        let needs = entry.as_array().into_iter().flatten().find(|part| part.is_object());
        for name in needs.into_iter().flat_map(|needs| keys(needs, &sections)) {
            let mut above: Vec<&str> = place.split('/').collect();
            let found = loop {
                let candidate = above.iter().chain([&name.as_str()]).copied().collect::<Vec<_>>();
                let is_scope = above.last().is_some_and(|last| last.starts_with('@'));
                match installed.get(&candidate.join("/")) {
                    Some(found) if !is_scope => break Some(found),
                    _ if above.pop().is_none() => break None,
                    _ => {}
                }
            };
            listed.edges.extend(found.and_then(label_of).map(|to| (from.clone(), to)));
        }
    }
    Some(listed)
}

/// `name` and `version` of `name@version`.
fn parts(key: &str) -> (&str, &str) {
    let at = key.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(key.len(), |(at, _)| at);
    (&key[..at], key[at..].trim_start_matches('@'))
}

/// Packages of both registries by `name@version`, in npm's followed by the peers that it is with.
/// What one needs is such a key, or the name alone where there is only one; of JSR it is what a
/// specifier came to. Versions 2 and 3 have it all one level deeper.
pub(super) fn deno(text_of_file: &str) -> Option<Listed> {
    let document = Value::Object(document(text_of_file)?);
    document.get("version")?;
    let section = |pointers: &[&str]| {
        let found = pointers.iter().find_map(|pointer| document.pointer(pointer)?.as_object());
        found.cloned().unwrap_or_default()
    };
    let npm = section(&["/npm/packages", "/packages/npm", "/npm"]);
    let jsr = section(&["/packages/jsr", "/jsr"]);
    let specifiers = section(&["/packages/specifiers", "/specifiers"]);
    let label_of = |key: &str| {
        let (name, version) = parts(key);
        npm_label(name, version.split('_').next().unwrap_or_default())
    };
    let find = |registry: &str, need: &str| {
        let among = if registry == "jsr" { &jsr } else { &npm };
        let wanted = format!("{registry}:{need}");
        let mut came_to = specifiers.iter().filter(|(specifier, _)| {
            **specifier == wanted || specifier.starts_with(&format!("{wanted}@"))
        });
        let version = came_to.next().map(|(_, to)| text(to).rsplit('@').next().unwrap_or_default());
        let specified = version.map(|version| format!("{}@{version}", parts(need).0));
        let exact = [Some(need.to_owned()), specified];
        let exact = exact.into_iter().flatten().find(|key| among.contains_key(key));
        exact.or_else(|| among.keys().find(|key| parts(key).0 == need).cloned())
    };
    let mut listed = Listed::default();
    let packages = npm.iter().map(|it| ("npm", it)).chain(jsr.iter().map(|it| ("jsr", it)));
    for (registry, (key, entry)) in packages {
        listed.packages.insert(label_of(key));
        let needs = ["dependencies", "optionalDependencies"].map(|section| &entry[section]);
        let needs = needs.into_iter().flat_map(|needs| {
            let inside = needs.as_object().into_iter().flat_map(Map::values);
            needs.as_array().into_iter().flatten().chain(inside)
        });
        for need in needs.map(text) {
            let (registry, need) = need.split_once(':').unwrap_or((registry, need));
            listed.edges.extend(find(registry, need).map(|to| (label_of(key), label_of(&to))));
        }
    }
    Some(listed)
}

pub(super) fn pipenv(text_of_file: &str) -> Option<Listed> {
    let document = document(text_of_file)?;
    let mut listed = Listed::default();
    for (_, section) in document.iter().filter(|(section, _)| *section != "_meta") {
        for (name, entry) in section.as_object().into_iter().flatten() {
            let version = text(&entry["version"]).trim_start_matches('=');
            listed.packages.insert(label(Ecosystem::Pypi, name, Some(version)));
        }
    }
    Some(listed)
}

/// A package may stand in for others: those names mean it where no package bears them.
pub(super) fn composer(text_of_file: &str) -> Option<Listed> {
    let document = document(text_of_file)?;
    let sections = ["packages", "packages-dev"].iter().filter_map(|key| document.get(*key));
    let packages: Vec<&Value> = sections.filter_map(Value::as_array).flatten().collect();
    let label =
        |package: &Value| format!("{}@{}", text(&package["name"]), text(&package["version"]));
    let gives = |package: &Value, name: &str| {
        keys(package, &["provide", "replace"]).any(|given| given.eq_ignore_ascii_case(name))
    };
    let mut listed = Listed::default();
    for package in &packages {
        listed.packages.insert(label(package));
        for name in keys(package, &["require"]).filter(|name| name.contains('/')) {
            let is_named = |other: &&&Value| text(&other["name"]).eq_ignore_ascii_case(name);
            let named: Vec<&&Value> = packages.iter().filter(is_named).collect();
            let given = packages.iter().filter(|other| named.is_empty() && gives(other, name));
            let meant = named.iter().copied().chain(given);
            listed.edges.extend(meant.map(|other| (label(package), label(other))));
        }
    }
    document.contains_key("packages").then_some(listed)
}

pub(super) fn swift(text_of_file: &str) -> Option<Listed> {
    let document = document(text_of_file)?;
    let pins = document.get("pins").or_else(|| document.get("object")?.get("pins"))?;
    let label = |pin: &Value| {
        let location = pin["location"].as_str().or_else(|| pin["repositoryURL"].as_str())?;
        let name = location.strip_prefix("https://")?.trim_end_matches(".git");
        Some(label(Ecosystem::Swift, name, pin["state"]["version"].as_str()))
    };
    let packages = pins.as_array().into_iter().flatten().filter_map(label).collect();
    Some(Listed { packages, ..Listed::default() })
}

/// `name/version@user/channel#revision`, in lists or as numbered nodes.
pub(super) fn conan(text_of_file: &str) -> Option<Listed> {
    let document = document(text_of_file)?;
    let label = |value: &Value| {
        let reference = value.as_str()?.split(['@', '#', ':', '%']).next()?;
        reference.split_once('/').map(|(name, version)| format!("{name}@{version}"))
    };
    let lists = ["requires", "build_requires", "python_requires"].iter();
    let listed = lists.filter_map(|list| document.get(*list)?.as_array()).flatten();
    let nodes = document.get("graph_lock").and_then(|graph| graph["nodes"].as_object());
    // The project itself has a path, or nothing else.
    let others = nodes.into_iter().flatten().filter(|(_, node)| !node["path"].is_string());
    let numbered =
        others.map(|(_, node)| if node["ref"].is_string() { &node["ref"] } else { &node["pref"] });
    let packages = listed.chain(numbered).filter_map(label).collect();
    Some(Listed { packages, ..Listed::default() })
}

/// Each framework is a graph of its own.
pub(super) fn nuget(text_of_file: &str) -> Option<Listed> {
    let document = document(text_of_file)?;
    let mut listed = Listed::default();
    for section in document.get("dependencies")?.as_object()?.values() {
        let entries = || {
            let entries = section.as_object().into_iter().flatten();
            entries.filter(|(_, entry)| entry["type"] != "Project")
        };
        let label =
            |(name, entry): (&String, &Value)| format!("{name}@{}", text(&entry["resolved"]));
        for from in entries() {
            listed.packages.insert(label(from));
            for need in keys(from.1, &["dependencies"]) {
                let to = entries().find(|(name, _)| name.eq_ignore_ascii_case(need));
                listed.edges.extend(to.map(|to| (label(from), label(to))));
            }
        }
    }
    Some(listed)
}
