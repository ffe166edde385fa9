//! A project with what its parents in the repository set.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::pom::{Dependency, Parent, Pom};
use super::reactor::Reactor;
use crate::format::{Faults, PHRASE_BYTES_MAX, word};
use crate::graph::EdgeKind;

/// How many properties may be filled in for one value.
const EXPANSIONS_MAX: usize = 1_000;

/// How deep properties may stand for others, and lists of versions import others.
const DEPTH_MAX: usize = 16;

/// A project and its parents, as far as they lie in the repository.
#[derive(Debug, Clone)]
pub(super) struct Model {
    // Invariant: at least one; each is followed by its parent.
    chain: Vec<Rc<Pom>>,
}

/// The name and version of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
}

/// A dependency with everything filled in that is known.
#[derive(Debug)]
pub(super) struct Needed {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
    pub(super) range: Option<String>,
    /// `jar`, usually.
    pub(super) packaging: String,
    pub(super) classifier: Option<String>,
    pub(super) kind: EdgeKind,
    pub(super) system_path: Option<String>,
    pub(super) path: String,
    pub(super) line: u32,
}

impl Needed {
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.group, self.artifact)
    }
}

/// Group, artifact, type and classifier: what makes two dependencies the same one.
type Key = (String, String, String, Option<String>);

/// What `dependencyManagement` says of a dependency.
#[derive(Debug, Clone)]
struct Managed {
    version: Option<String>,
    scope: Option<String>,
    optional: Option<String>,
}

impl Model {
    pub(super) fn new(chain: Vec<Rc<Pom>>) -> Self {
        assert!(!chain.is_empty());
        Self { chain }
    }

    pub(super) fn pom(&self) -> &Pom {
        &self.chain[0]
    }

    pub(super) fn chain(&self) -> &[Rc<Pom>] {
        &self.chain
    }

    /// The parent that the project itself names, when it is not in the repository.
    pub(super) fn missing_parent(&self) -> Option<&Parent> {
        match self.chain.as_slice() {
            [only] => only.parent.as_ref(),
            _ => None,
        }
    }

    /// Its own name and version; a project may leave all but the artifact to its parent.
    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        let artifact = self.expand(self.pom().artifact.as_deref()?)?;
        let group = self.expand(self.group()?)?;
        let version = self.version().and_then(|version| self.expand(version));
        let fits = word(&artifact).is_some() && word(&group).is_some();
        fits.then_some(Coordinates { group, artifact, version })
    }

    fn group(&self) -> Option<&str> {
        let of_parent = || self.pom().parent.as_ref().map(|parent| parent.group.as_str());
        self.pom().group.as_deref().or_else(of_parent)
    }

    fn version(&self) -> Option<&str> {
        let of_parent = || self.pom().parent.as_ref().and_then(|parent| parent.version.as_deref());
        self.pom().version.as_deref().or_else(of_parent)
    }

    /// Licences are inherited as a whole.
    pub(super) fn licence(&self) -> Option<String> {
        let licences = self.chain.iter().map(|pom| &pom.licences).find(|list| !list.is_empty())?;
        // With several, whoever uses it may choose.
        let licence = licences.join(" OR ");
        (licence.len() <= PHRASE_BYTES_MAX).then_some(licence)
    }

    /// The text with properties filled in; nothing when one of them is not known.
    fn expand(&self, text: &str) -> Option<String> {
        self.expand_in(text, DEPTH_MAX, &mut { EXPANSIONS_MAX })
    }

    fn expand_in(&self, text: &str, depth: usize, left: &mut usize) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            *left = left.checked_sub(1)?;
            let value = self.property(name)?;
            out.push_str(before);
            out.push_str(&self.expand_in(value, depth.checked_sub(1)?, left)?);
            if out.len() > PHRASE_BYTES_MAX {
                return None;
            }
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    fn property(&self, name: &str) -> Option<&str> {
        let parent = self.pom().parent.as_ref();
        let of_project = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom."));
        match of_project.unwrap_or(name) {
            "groupId" => self.group(),
            "artifactId" => self.pom().artifact.as_deref(),
            "version" => self.version(),
            "parent.groupId" => parent.map(|parent| parent.group.as_str()),
            "parent.artifactId" => parent.map(|parent| parent.artifact.as_str()),
            "parent.version" => parent.and_then(|parent| parent.version.as_deref()),
            "packaging" if of_project.is_some() => {
                Some(self.pom().packaging.as_deref().unwrap_or("jar"))
            }
            _ => {
                let mut values = self.chain.iter().filter_map(|pom| pom.properties.get(name));
                values.next().map(String::as_str)
            }
        }
    }

    /// What it needs, what it inherits included; each once, in the order of names.
    pub(super) fn dependencies(
        &self,
        reactor: &mut Reactor<'_>,
        faults: &mut Faults<'_>,
    ) -> Vec<Needed> {
        let mut managed = BTreeMap::new();
        self.manage(&mut managed, reactor, DEPTH_MAX);
        let mut found: BTreeMap<Key, Needed> = BTreeMap::new();
        // From the highest parent down: what is nearer replaces what is further.
        for pom in self.chain.iter().rev() {
            let own = Rc::ptr_eq(pom, &self.chain[0]);
            for dependency in &pom.dependencies {
                match self.needed(dependency, &pom.path, &managed) {
                    Ok((key, needed)) => {
                        // What a profile changes, it changes only where that is on.
                        if dependency.in_profile && found.contains_key(&key) {
                            continue;
                        }
                        let earlier = found.insert(key, needed);
                        let twice = earlier.filter(|earlier| own && earlier.path == pom.path);
                        if let Some(earlier) = twice {
                            let reason = format!(
                                "`{}` is asked for twice; Maven takes the last",
                                earlier.name()
                            );
                            faults.note_some(Some(dependency.line), reason);
                        }
                    }
                    Err(reason) if own => faults.add(Some(dependency.line), reason),
                    // Told where the parent itself is read.
                    Err(_) => {}
                }
            }
        }
        found.into_values().collect()
    }

    fn key(&self, dependency: &Dependency) -> Option<Key> {
        let classifier = match &dependency.classifier {
            Some(classifier) => Some(self.expand(classifier)?),
            None => None,
        };
        let packaging = self.expand(dependency.packaging.as_deref().unwrap_or("jar"))?;
        let (group, artifact) =
            (self.expand(&dependency.group)?, self.expand(&dependency.artifact)?);
        let fits = word(&group).is_some() && word(&artifact).is_some();
        fits.then_some((group, artifact, packaging, classifier))
    }

    fn needed(
        &self,
        dependency: &Dependency,
        path: &str,
        managed: &BTreeMap<Key, Managed>,
    ) -> Result<(Key, Needed), String> {
        let key = self.key(dependency).ok_or_else(|| {
            let Dependency { group, artifact, .. } = dependency;
            format!("what `{group}:{artifact}` stands for is not known here")
        })?;
        let managed = managed.get(&key);
        let version = match &dependency.version {
            Some(version) => self.expand(version),
            None => managed.and_then(|managed| managed.version.clone()),
        };
        let (version, range) = version.map_or((None, None), |version| pinned(&version));
        let scope =
            dependency.scope.as_ref().or(managed.and_then(|managed| managed.scope.as_ref()));
        let optional =
            dependency.optional.as_ref().or(managed.and_then(|managed| managed.optional.as_ref()));
        let scope = scope.and_then(|scope| self.expand(scope));
        let optional = optional.and_then(|optional| self.expand(optional));
        let kind = match scope.as_deref() {
            Some("test") => EdgeKind::Dev,
            _ if dependency.in_profile || optional.as_deref() == Some("true") => EdgeKind::Optional,
            // Whoever runs the result provides it.
            Some("provided" | "system") => EdgeKind::Build,
            Some(_) | None => EdgeKind::Runtime,
        };
        let (group, artifact, packaging, classifier) = key.clone();
        let needed = Needed {
            group,
            artifact,
            version,
            range,
            packaging,
            classifier,
            kind,
            system_path: dependency.system_path.clone(),
            path: path.to_owned(),
            line: dependency.line,
        };
        Ok((key, needed))
    }

    /// Adds what it and its parents manage; what is there already is nearer and stays.
    fn manage(&self, known: &mut BTreeMap<Key, Managed>, reactor: &mut Reactor<'_>, depth: usize) {
        let mut imports = Vec::new();
        for dependency in self.chain.iter().flat_map(|pom| &pom.managed) {
            let Some(key) = self.key(dependency) else { continue };
            let version = dependency.version.as_deref().and_then(|version| self.expand(version));
            if dependency.scope.as_deref() == Some("import") {
                imports.push((key.0, key.1, version));
                continue;
            }
            known.entry(key).or_insert_with(|| Managed {
                version,
                scope: dependency.scope.clone(),
                optional: dependency.optional.clone(),
            });
        }
        let Some(depth) = depth.checked_sub(1) else { return };
        for (group, artifact, version) in imports {
            let imported =
                version.and_then(|version| reactor.find(self, &group, &artifact, Some(&version)));
            if let Some(imported) = imported {
                imported.manage(known, reactor, depth);
            }
        }
    }
}

/// A version, or what will do where it is a range.
fn pinned(text: &str) -> (Option<String>, Option<String>) {
    let text = text.trim();
    if word(text).is_none() {
        return (None, None);
    }
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inner {
        Some(exact) if !exact.contains([',', '(', '[']) => (Some(exact.trim().to_owned()), None),
        Some(_) => (None, Some(text.to_owned())),
        None if text.contains([',', '[', '(', ')', ']'])
            || matches!(text, "LATEST" | "RELEASE") =>
        {
            (None, Some(text.to_owned()))
        }
        None => (Some(text.to_owned()), None),
    }
}
