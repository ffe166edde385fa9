//! Second readers of what is written a line a fact.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::Ecosystem;
use serde_json::Value;

use super::listed::{Listed, label};

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// `key: value` of YAML, or `key value` of the old yarn, quoted or not.
fn pair(line: &str) -> (&str, &str) {
    let line = line.trim();
    let quote = line.chars().next().filter(|c| "'\"".contains(*c));
    let (key, rest) = match quote {
        Some(quote) => line[1..].split_once(quote).unwrap_or((line, "")),
        None => line.split_at(line.find([':', ' ']).unwrap_or(line.len())),
    };
    (key, unquoted(rest.trim_start_matches([':', ' '])))
}

/// The name at the beginning of `name@what`, and the rest.
fn split(text: &str) -> (&str, &str) {
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(text.len(), |(at, _)| at);
    (&text[..at], text[at..].trim_start_matches('@'))
}

#[derive(Default)]
struct Entry {
    keys: Vec<String>,
    facts: BTreeMap<String, String>,
    needs: Vec<(String, String)>,
}

/// Blocks at the margin, facts below them, dependencies below those.
fn blocks<'a>(lines: impl Iterator<Item = &'a str>, margin: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut is_needs = false;
    for line in lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match depth(line).checked_sub(margin) {
            Some(0) => {
                let key = line.trim().trim_end_matches("{}").trim().trim_end_matches(':');
                let keys = key.split(", ").map(|key| unquoted(key).to_owned()).collect();
                entries.push(Entry { keys, ..Entry::default() });
                is_needs = false;
            }
            Some(2) => {
                let (key, value) = pair(line);
                is_needs = ["dependencies", "optionalDependencies"].contains(&key);
                if let Some(entry) = entries.last_mut() {
                    entry.facts.insert(key.to_owned(), value.to_owned());
                }
            }
            Some(4) if is_needs => {
                let (name, wanted) = pair(line);
                if let Some(entry) = entries.last_mut() {
                    entry.needs.push((name.to_owned(), wanted.to_owned()));
                }
            }
            _ => {}
        }
    }
    entries
}

impl Entry {
    fn fact(&self, key: &str) -> &str {
        self.facts.get(key).map(String::as_str).unwrap_or_default()
    }

    /// What an entry of a yarn.lock is; none of what lies in the repository.
    fn yarn_label(&self) -> Option<String> {
        let resolution = self.fact("resolution");
        let own = ["@workspace:", "@link:", "@portal:", "@file:"];
        let key = self.keys.first().filter(|key| *key != "__metadata")?;
        let is_own = own.iter().any(|kind| resolution.contains(kind) || key.contains(kind));
        if is_own || self.fact("version").is_empty() {
            return None;
        }
        let (name, wanted) = split(if resolution.is_empty() { key } else { resolution });
        let alias = wanted.strip_prefix("npm:").filter(|_| resolution.is_empty());
        let name = match alias.filter(|alias| alias[1..].contains('@')) {
            Some(alias) => split(alias).0,
            None => name,
        };
        Some(label(Ecosystem::Npm, name, Some(self.fact("version"))))
    }
}

/// What is wanted stands word for word over the entry that serves it, but where yarn 2 or later was
/// told by the manifest's `resolutions` to take something else.
pub(super) fn yarn(text: &str, manifest: Option<&str>) -> Option<Listed> {
    let manifest = manifest.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let instead: Vec<(&str, &str)> = manifest
        .iter()
        .filter_map(|manifest| manifest["resolutions"].as_object())
        .flatten()
        .filter_map(|(pattern, range)| Some((pattern.as_str(), range.as_str()?)))
        .filter(|_| text.contains("\n__metadata:"))
        .collect();
    let entries = blocks(text.lines(), 0);
    let keys = entries.iter().flat_map(|entry| entry.keys.iter().map(move |key| (key, entry)));
    // Whose directory a patch is taken from stands behind its key alone.
    let keys = keys.map(|(key, entry)| (key.split("::").next().unwrap_or(key), entry));
    let by_key: BTreeMap<&str, &Entry> = keys.collect();
    let mut listed = Listed::default();
    for entry in &entries {
        let Some(from) = entry.yarn_label() else { continue };
        listed.packages.insert(from.clone());
        for (name, wanted) in &entry.needs {
            let told = instead.iter().filter(|(pattern, _)| is_told(pattern, entry, name, wanted));
            let ranges = told.map(|(_, range)| *range).chain([wanted.as_str()]);
            let mut keys =
                ranges.flat_map(|it| [format!("{name}@{it}"), format!("{name}@npm:{it}")]);
            let found =
                keys.find_map(|key| by_key.get(key.as_str())).and_then(|it| it.yarn_label());
            listed.edges.extend(found.map(|to| (from.clone(), to)));
        }
    }
    Some(listed)
}

/// Whether a pattern of `resolutions` is of what an entry wants: `name`, `name@range`, `**/name`
/// or `by/name`.
fn is_told(pattern: &str, by: &Entry, name: &str, wanted: &str) -> bool {
    let range = wanted.trim_start_matches("npm:");
    let own = [name.to_owned(), format!("{name}@{range}"), format!("{name}@npm:{range}")];
    let above = own.iter().find_map(|own| pattern.strip_suffix(own.as_str()));
    above.is_some_and(|above| match above.strip_suffix('/') {
        None => above.is_empty(),
        Some("**") => true,
        Some(above) => split(above).0 == split(&by.keys[0]).0,
    })
}

/// The lines of a section at the margin.
fn section<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().skip_while(move |line| *line != name).skip(1);
    lines.take_while(|line| line.is_empty() || line.starts_with(' '))
}

/// The newest write a document about pnpm itself before the one about the project.
pub(super) fn pnpm(text: &str) -> Option<Listed> {
    let documents = text.split("\n---\n").filter_map(pnpm_document);
    documents.reduce(|mut all, one| {
        all.packages.extend(one.packages);
        all.edges.extend(one.edges);
        all
    })
}

/// Keys of three generations: `/name/1.0_peer`, `/name@1.0(peer)`, `name@1.0(peer)`.
fn pnpm_document(text: &str) -> Option<Listed> {
    let version = text.lines().find_map(|line| line.strip_prefix("lockfileVersion:"))?;
    let version: f32 = unquoted(version).parse().ok()?;
    let all: Vec<Entry> = blocks(section(text, "packages:"), 2);
    let snapshots = blocks(section(text, "snapshots:"), 2);
    let facts: BTreeMap<&str, &Entry> =
        all.iter().map(|entry| (bare(&entry.keys[0]), entry)).collect();
    let entries = if version >= 9.0 { &snapshots } else { &all };
    let label_of = |key: &str| {
        let path = key.trim_start_matches('/');
        let (name, number) = if version < 6.0 {
            let (name, number) = path.rsplit_once('/')?;
            (name, number.split('_').next()?)
        } else {
            split(bare(path))
        };
        let is_archive = [".tgz", ".tar.gz"].iter().any(|end| bare(key).ends_with(end));
        if key.contains("link:") || (key.contains("file:") && !is_archive) {
            return None;
        }
        let told = facts.get(bare(key));
        let told = |fact: &str| told.map(|it| it.fact(fact)).filter(|text| !text.is_empty());
        let number = told("version").unwrap_or(if number.contains(':') { "" } else { number });
        Some(label(Ecosystem::Npm, told("name").unwrap_or(name), Some(number)))
    };
    let keys: BTreeSet<&str> = entries.iter().map(|entry| entry.keys[0].as_str()).collect();
    let mut listed = Listed::default();
    for entry in entries {
        let Some(from) = label_of(&entry.keys[0]) else { continue };
        listed.packages.insert(from.clone());
        for (name, wanted) in &entry.needs {
            let written = [
                wanted.clone(),
                format!("{name}@{wanted}"),
                format!("/{name}@{wanted}"),
                format!("/{name}/{wanted}"),
            ];
            let found = written.into_iter().find(|key| keys.contains(key.as_str()));
            listed.edges.extend(found.and_then(|key| label_of(&key)).map(|to| (from.clone(), to)));
        }
    }
    Some(listed)
}

/// A key without the packages that it shares.
fn bare(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

/// bundler writes gems at four spaces, and what they need at six. Those under `PATH` are the
/// project's own.
pub(super) fn gem(text: &str) -> Option<Listed> {
    let mut section = "";
    let lines = text.lines().filter(|line| {
        if depth(line) == 0 && !line.is_empty() {
            section = line;
        }
        section != "PATH"
    });
    let lines: Vec<&str> = lines.collect();
    let gem = |line: &str| {
        let (name, version) = line.trim().strip_suffix(')')?.split_once(" (")?;
        let version = version.split('-').next().unwrap_or(version);
        (depth(line) == 4).then(|| (name.to_owned(), format!("{name}@{version}")))
    };
    let gems: BTreeMap<String, String> = lines.iter().filter_map(|line| gem(line)).collect();
    let mut listed = Listed::by_name();
    let mut from = None;
    for line in lines {
        if depth(line) < 6 {
            from = gem(line).map(|(_, label)| label);
            listed.packages.extend(from.clone());
        } else if let Some(from) = &from {
            let name = line.trim().trim_end_matches('!').split(' ').next().unwrap_or_default();
            if gems.contains_key(name) {
                listed.edges.insert((from.clone(), name.to_owned()));
            }
        }
    }
    Some(listed)
}

/// What is required, and what stands in for it.
pub(super) fn go(text: &str) -> Option<Listed> {
    let mut required: Vec<(String, String)> = Vec::new();
    let mut replaced: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    let mut block = String::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let line = format!("{block} {line}");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [directive, "("] => block = (*directive).to_owned(),
            [_, ")"] => block.clear(),
            ["require", path, version] => {
                required.push((unquoted(path).to_owned(), (*version).to_owned()));
            }
            ["replace", old @ .., "=>", path] => {
                replaced.insert(old.join(" "), ((*path).to_owned(), None));
            }
            ["replace", old @ .., "=>", path, version] => {
                replaced.insert(old.join(" "), ((*path).to_owned(), Some((*version).to_owned())));
            }
            _ => {}
        }
    }
    let labels = required.into_iter().filter_map(|(path, version)| {
        let new = replaced.get(&format!("{path} {version}")).or_else(|| replaced.get(&path));
        match new {
            Some((_, None)) => None,
            Some((path, Some(version))) => Some(format!("{path}@{version}")),
            None => Some(format!("{path}@{version}")),
        }
    });
    Some(Listed { packages: labels.collect(), ..Listed::default() })
}

/// Each `# ` begins a module; it counts when anything but another one follows.
pub(super) fn go_vendor(text: &str) -> Option<Listed> {
    let mut packages = BTreeSet::new();
    for block in format!("\n{text}").split("\n# ").skip(1) {
        let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
        let is_used = rest.lines().any(|line| line.contains("explicit") || !line.starts_with('#'));
        let words: Vec<&str> = head.split_whitespace().collect();
        let label = match words.as_slice() {
            [path, version] | [_, _, "=>", path, version] | [_, "=>", path, version] => {
                version.starts_with('v').then(|| format!("{path}@{version}"))
            }
            _ => None,
        };
        packages.extend(label.filter(|_| is_used));
    }
    Some(Listed { packages, ..Listed::default() })
}

/// mix writes a package a line. Of git there is no version.
pub(super) fn mix(text: &str) -> Option<Listed> {
    let package = |line: &str| {
        let (app, rest) = line.trim().strip_prefix('"')?.split_once("\": {")?;
        let mut parts = rest.split(", ");
        let (name, label) = match parts.next()? {
            ":hex" => {
                let name = parts.next()?.strip_prefix(':')?.trim_matches('"').to_owned();
                let label = format!("{name}@{}", parts.next()?.trim_matches('"'));
                (name, label)
            }
            ":git" => (app.to_owned(), app.to_owned()),
            _ => return None,
        };
        Some((app.to_owned(), (name, label, rest.to_owned())))
    };
    let packages: BTreeMap<String, _> = text.lines().filter_map(package).collect();
    let mut listed = Listed::by_name();
    for (_, label, rest) in packages.values() {
        listed.packages.insert(label.clone());
        let apps = rest.split("{:").skip(1).filter_map(|need| need.split([',', '}']).next());
        let needed = apps.filter_map(|app| packages.get(app));
        listed.edges.extend(needed.map(|(name, _, _)| (label.clone(), name.clone())));
    }
    Some(listed)
}

/// Names are one level in, versions at the end.
pub(super) fn pubspec(text: &str) -> Option<Listed> {
    let mut name = "";
    let mut packages = BTreeSet::new();
    for line in text.lines() {
        if (1..=2).contains(&depth(line)) && line.ends_with(':') {
            name = line.trim().trim_end_matches(':');
        }
        if let Some(version) = line.strip_prefix("    version: ") {
            packages.insert(format!("{name}@{}", unquoted(version)));
        }
    }
    text.contains("packages:").then(|| Listed { packages, ..Listed::default() })
}

/// `group:name:version=configurations`.
pub(super) fn gradle(text: &str) -> Option<Listed> {
    let label = |line: &str| {
        let (module, version) = line.split('=').next()?.rsplit_once(':')?;
        module.contains(':').then(|| format!("{module}@{version}"))
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Some(Listed { packages: lines.filter_map(label).collect(), ..Listed::default() })
}

/// `uses: owner/repository/path@revision`.
pub(super) fn actions(text: &str) -> Option<Listed> {
    let label = |line: &str| {
        let step = line.trim_start().trim_start_matches("- ").trim_start();
        // Some write JSON, which is YAML, too.
        let used = step.strip_prefix("uses:").or_else(|| step.strip_prefix("\"uses\":"))?;
        let used = unquoted(used.split(" #").next()?.trim_end().trim_end_matches(','));
        let (path, revision) = used.split_once('@')?;
        let repository = path.split('/').take(2).collect::<Vec<_>>().join("/");
        let usable = !revision.is_empty() && repository.contains('/') && !path.contains([':', '$']);
        (usable && !path.starts_with('.')).then(|| format!("{repository}@{revision}"))
    };
    let packages = text.lines().filter_map(label).collect();
    Some(Listed { packages, ..Listed::default() })
}

/// What stages begin `FROM`, and what is copied from no stage. Variables that the file gives a value
/// are filled in; an image whose name has another is none, and one whose tag has another has none.
pub(super) fn docker(text: &str) -> Option<Listed> {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut stages = BTreeSet::new();
    let mut packages = BTreeSet::new();
    let front = text.lines().next().and_then(|line| line.strip_prefix("# syntax="));
    packages.extend(front.and_then(|image| image_label(image.trim())));
    let mut is_first = true;
    for line in text.replace("\\\n", " ").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((instruction, words)) = words.split_first() else { continue };
        let flag = |flag: &str| words.iter().find_map(|word| word.strip_prefix(flag));
        let plain: Vec<&&str> = words.iter().filter(|word| !word.starts_with("--")).collect();
        let image = match instruction.to_ascii_uppercase().as_str() {
            // Those before the first stage are what `FROM` can name.
            "ARG" if is_first => {
                values.extend(words.iter().filter_map(|word| {
                    let (name, value) = word.split_once('=')?;
                    Some((name.to_owned(), unquoted(value).to_owned()))
                }));
                continue;
            }
            "FROM" => plain.first().map(|image| **image),
            "COPY" => flag("--from="),
            _ => continue,
        };
        let is_own = |image: &str| {
            let image = image.to_lowercase();
            // Docker knows a stage by its number in `COPY` alone.
            let is_number = instruction != &"FROM" && image.parse::<usize>().is_ok();
            image == "scratch" || stages.contains(&image) || is_number
        };
        let image = image.map(|image| filled(image, &values)).filter(|image| !is_own(image));
        packages.extend(image.and_then(|image| image_label(&image)));
        is_first = false;
        if let [_, word, stage, ..] = plain.as_slice()
            && word.eq_ignore_ascii_case("AS")
        {
            stages.insert(stage.to_lowercase());
        }
    }
    Some(Listed { packages, ..Listed::default() })
}

/// A reference with the values of variables; `${NAME:-value}` has one of its own.
fn filled(reference: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = reference.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        text = text.replace(&format!("${{{name}:-"), &format!("{value}${{:-"));
    }
    text
}

/// The name without its registry, and the digest or the tag.
fn image_label(reference: &str) -> Option<String> {
    let (named, digest) = match reference.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (reference, None),
    };
    let slash = named.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match named[slash..].split_once(':') {
        Some((name, tag)) => (format!("{}{name}", &named[..slash]), Some(tag)),
        None => (named.to_owned(), None),
    };
    let name = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest.to_owned(),
        _ => name,
    };
    let version = digest.or(tag).unwrap_or("latest");
    let version = Some(version).filter(|version| !version.contains('$'));
    (!name.contains('$'))
        .then(|| label(Ecosystem::Docker, name.trim_start_matches("library/"), version))
}

/// Terraform writes an address at the margin and a version below it. The host is no part of the
/// name.
pub(super) fn terraform(text: &str) -> Option<Listed> {
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let mut packages = BTreeSet::new();
    let mut name = String::new();
    for line in text.lines() {
        if line.starts_with("provider ") {
            name = quoted(line)?.split_once('/')?.1.to_owned();
        } else if line.trim_start().starts_with("version") {
            packages.insert(format!("{name}@{}", quoted(line)?));
        }
    }
    Some(Listed { packages, ..Listed::default() })
}
