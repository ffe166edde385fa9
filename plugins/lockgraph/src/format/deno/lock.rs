//! The sections of a lock file as packages and projects.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::format::js::split_at_sign;
use crate::format::json::{self, Object};
use crate::format::npm::integrity;
use crate::format::{Input, PACKAGES_MAX, Unreadable, phrase, word};
use crate::graph::{EdgeKind, Hash};
use crate::text::Lines;

/// Whose registry a package is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    Npm,
    Jsr,
}

/// A package, with one set of peers.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) registry: Registry,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) hashes: Vec<Hash>,
    /// JSR's digest is of a list of digests.
    pub(super) integrity: Option<String>,
    /// As it is written, with how.
    pub(super) needs: Vec<(String, EdgeKind)>,
    pub(super) line: u32,
}

/// The project, or a member of it.
#[derive(Debug)]
pub(super) struct Project {
    /// From the lock file.
    pub(super) dir: String,
    pub(super) needs: Vec<Need>,
    pub(super) line: u32,
}

/// What a project asks for.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) specifier: String,
    /// Unknown when a package.json must say.
    pub(super) kind: EdgeKind,
}

/// What a lock file says.
#[derive(Debug, Default)]
pub(super) struct Lock {
    pub(super) packages: Vec<Package>,
    pub(super) projects: Vec<Project>,
    /// How many files are imported by address.
    pub(super) files: usize,
    /// `npm:name@range` and `jsr:name@range` to a version.
    specifiers: BTreeMap<String, String>,
    // By registry and key, and the only one by its name.
    npm: Index,
    jsr: Index,
    // The only specifier of a package of JSR.
    jsr_specifiers: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Default)]
struct Index {
    by_key: BTreeMap<String, usize>,
    by_name: BTreeMap<String, Option<usize>>,
}

/// The fields of a package; what has another type than deno writes is as good as absent.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    integrity: Value,
    dependencies: Value,
    optional_dependencies: Value,
    optional_peers: Value,
}

impl Lock {
    /// # Errors
    ///
    /// When it is no JSON, or none of deno's.
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, Unreadable> {
        let document = json::object(input)?;
        let known = ["version", "npm", "jsr", "packages", "remote", "workspace", "specifiers"];
        if !known.iter().any(|key| document.contains_key(*key)) {
            return Err(Unreadable::Shape("it has no section of deno's"));
        }
        let mut lock = Self { files: object(&document, "remote").len(), ..Self::default() };
        // Version 3 has the packages in a section, version 2 those of npm alone.
        let packages = object(&document, "packages");
        let old = object(&document, "npm");
        let (specifiers, npm) = if old.contains_key("packages") {
            (object(&old, "specifiers"), object(&old, "packages"))
        } else if packages.is_empty() {
            (object(&document, "specifiers"), old)
        } else {
            (object(&packages, "specifiers"), object(&packages, "npm"))
        };
        for (key, raw) in specifiers {
            let Ok(value) = serde_json::from_str::<String>(raw.get()) else { continue };
            let key = if key.contains(':') { key } else { format!("npm:{key}") };
            lock.add_specifier(key, &value);
        }
        lock.add_packages(Registry::Npm, npm, input);
        let jsr =
            if packages.is_empty() { object(&document, "jsr") } else { object(&packages, "jsr") };
        lock.add_packages(Registry::Jsr, jsr, input);
        if let Some(workspace) = document.get("workspace") {
            lock.add_project("", workspace, &input.lines);
            let members = serde_json::from_str::<Object<'_>>(workspace.get()).unwrap_or_default();
            for (dir, raw) in object(&members, "members") {
                lock.add_project(&dir, raw, &input.lines);
            }
        }
        Ok(lock)
    }

    /// A specifier came to a version, of which older files repeat the name.
    fn add_specifier(&mut self, key: String, value: &str) {
        let value = value.split_once(':').map_or(value, |(_, value)| value);
        let version = split_at_sign(value).filter(|(name, _)| !name.contains('_'));
        let version = match version {
            Some((name, version))
                if key.split_once(':').is_some_and(|(_, key)| name_of(key) == name) =>
            {
                version
            }
            Some(_) | None => value,
        };
        if let Some(text) = key.strip_prefix("jsr:") {
            let sole = self.jsr_specifiers.entry(name_of(text).to_owned());
            sole.and_modify(|sole| *sole = None).or_insert_with(|| Some(key.clone()));
        }
        self.specifiers.insert(key, version.to_owned());
    }

    fn add_packages(&mut self, registry: Registry, packages: Object<'_>, input: &mut Input<'_>) {
        for (key, raw) in packages {
            let line = input.lines.line_of_part(raw.get());
            if self.packages.len() == PACKAGES_MAX {
                let reason = format!("only the first {PACKAGES_MAX} packages are read");
                return input.faults.add(Some(line), reason);
            }
            match Package::read(registry, &key, raw, line) {
                Ok(package) => {
                    let index = match registry {
                        Registry::Npm => &mut self.npm,
                        Registry::Jsr => &mut self.jsr,
                    };
                    let number = self.packages.len();
                    let sole = index.by_name.entry(package.name.clone());
                    sole.and_modify(|sole| *sole = None).or_insert(Some(number));
                    index.by_key.insert(key, number);
                    self.packages.push(package);
                }
                Err(reason) => input.faults.add(Some(line), format!("`{key}`: {reason}")),
            }
        }
    }

    fn add_project(&mut self, dir: &str, raw: &RawValue, lines: &Lines<'_>) {
        let Ok(project) = serde_json::from_str::<Value>(raw.get()) else { return };
        let sections = [
            (&project["dependencies"], EdgeKind::Runtime),
            (&project["packageJson"]["dependencies"], EdgeKind::Unknown),
            (&project["packageJson"]["devDependencies"], EdgeKind::Dev),
        ];
        let mut needs = Vec::new();
        for (section, kind) in sections {
            for specifier in texts(section).filter_map(phrase) {
                needs.push(Need { specifier: specifier.to_owned(), kind });
            }
        }
        let line = lines.line_of_part(raw.get());
        self.projects.push(Project { dir: dir.to_owned(), needs, line });
    }

    /// The package that a project's specifier means.
    pub(super) fn specified(&self, specifier: &str) -> Option<usize> {
        let (registry, text) = specifier.split_once(':')?;
        let index = match registry {
            "npm" => &self.npm,
            "jsr" => &self.jsr,
            _ => return None,
        };
        match self.specifiers.get(specifier) {
            Some(version) => index.by_key.get(&format!("{}@{version}", name_of(text))).copied(),
            None => None,
        }
    }

    /// The package that another one means.
    pub(super) fn find(&self, registry: Registry, text: &str) -> Option<usize> {
        if text.starts_with("jsr:") || (registry == Registry::Jsr && text.starts_with("npm:")) {
            let whole = self.specified(text);
            return whole.or_else(|| match text.strip_prefix("jsr:") {
                // Where there is one specifier of a package only, its range is left out.
                Some(name) => self.specified(self.jsr_specifiers.get(name)?.as_deref()?),
                None => self.npm.find(&text["npm:".len()..]),
            });
        }
        // An alias: `name@npm:real@version`.
        self.npm.find(text.split_once("@npm:").map_or(text, |(_, real)| real))
    }
}

impl Index {
    fn find(&self, text: &str) -> Option<usize> {
        let exact = self.by_key.get(text).copied();
        exact.or_else(|| self.by_name.get(text).copied().flatten())
    }
}

impl Package {
    fn read(
        registry: Registry,
        key: &str,
        raw: &RawValue,
        line: u32,
    ) -> Result<Self, &'static str> {
        let written: Written = serde_json::from_str(raw.get()).map_err(|_| "no usable entry")?;
        let (name, version) = split_at_sign(key).ok_or("it names no version")?;
        word(name).ok_or("it has no usable name")?;
        // Behind it stand the peers it shares.
        let version = version.split_once('_').map_or(version, |(version, _)| version);
        word(version).ok_or("it has no usable version")?;
        let digest = written.integrity.as_str().and_then(phrase).unwrap_or_default();
        let mut peers: Vec<&str> = texts(&written.optional_peers).map(name_of).collect();
        peers.sort_unstable();
        let mut needs = Vec::new();
        for (section, kind) in [
            (&written.dependencies, EdgeKind::Runtime),
            (&written.optional_dependencies, EdgeKind::Optional),
        ] {
            for text in texts(section).filter_map(phrase) {
                let kind =
                    if peers.binary_search(&name_of(text)).is_ok() { EdgeKind::Peer } else { kind };
                needs.push((text.to_owned(), kind));
            }
        }
        Ok(Self {
            registry,
            name: name.to_owned(),
            version: version.to_owned(),
            hashes: if registry == Registry::Npm { integrity(digest) } else { Vec::new() },
            integrity: (registry == Registry::Jsr && !digest.is_empty()).then(|| digest.to_owned()),
            needs,
            line,
        })
    }
}

/// The texts of a list, or the values of an object as older files have it.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().into_iter().flatten();
    let values = value.as_object().into_iter().flat_map(|object| object.values());
    items.chain(values).filter_map(Value::as_str)
}

fn object<'a>(parent: &Object<'a>, key: &str) -> Object<'a> {
    let raw: Option<&&'a RawValue> = parent.get(key);
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// The name that `name@range` begins with.
pub(super) fn name_of(text: &str) -> &str {
    split_at_sign(text).map_or(text, |(name, _)| name)
}
