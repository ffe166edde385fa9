//! `gradle/verification-metadata.xml`: the digests that Gradle expects of what it fetches.

use std::collections::BTreeMap;

use crate::format::xml::{self, Element};
use crate::format::{BYTES_MAX, Input, phrase};
use crate::graph::{Archive, Hash, HashAlgorithm, Node};
use crate::path;
use crate::scan::ReadError;
use crate::text::{Lines, decode};

/// Where it lies, from the root of a build.
const LOCATION: &str = "gradle/verification-metadata.xml";

/// The elements that have a digest; `md5` and `pgp` say less than a reader may rely on.
const ALGORITHMS: [(&str, HashAlgorithm); 3] = [
    ("sha1", HashAlgorithm::Sha1),
    ("sha256", HashAlgorithm::Sha256),
    ("sha512", HashAlgorithm::Sha512),
];

/// Files that describe a package: its archive is another.
const DESCRIPTIONS: [&str; 3] = [".pom", ".module", "ivy.xml"];

/// A package's files by `group:name` and version.
#[derive(Debug, Default)]
pub(super) struct Digests(BTreeMap<(String, String), Vec<Archive>>);

impl Digests {
    /// Those of the build that the lock file belongs to: the nearest directory upwards has them.
    pub(super) fn find(input: &mut Input<'_>) -> Self {
        let mut dir = input.dir();
        loop {
            let path = path::join(dir, LOCATION);
            match input.files.read(&path) {
                Ok(bytes) => return Self::read(&path, &bytes, input),
                Err(ReadError::Missing) if dir.is_empty() => return Self::default(),
                Err(ReadError::Missing) => dir = path::parent(dir),
                Err(err) => {
                    input.faults.warnings.add(&path, None, err.to_string());
                    return Self::default();
                }
            }
        }
    }

    fn read(path: &str, bytes: &[u8], input: &mut Input<'_>) -> Self {
        let mut tell = |line: Option<u32>, reason: &str| {
            input.faults.warnings.add(path, line, format!("{reason}; digests may be missing"));
        };
        if bytes.len() > BYTES_MAX {
            tell(None, "it is too large");
            return Self::default();
        }
        let text = match decode(bytes) {
            Ok(text) => text,
            Err(line) => {
                tell(Some(line), "not UTF-8 text");
                return Self::default();
            }
        };
        match xml::parse(text, &Lines::new(text)) {
            Ok(parsed) => {
                for (line, reason) in &parsed.broken {
                    tell(Some(*line), reason);
                }
                Self::of(&parsed.root)
            }
            Err(err) => {
                tell(err.line(), &err.to_string());
                Self::default()
            }
        }
    }

    fn of(document: &Element<'_>) -> Self {
        let mut digests: BTreeMap<(String, String), Vec<Archive>> = BTreeMap::new();
        for component in document.nested("components", "component") {
            let attribute = |name: &str| component.attribute(name);
            let (Some(group), Some(name), Some(version)) =
                (attribute("group"), attribute("name"), attribute("version"))
            else {
                continue;
            };
            let archives = component.all("artifact").filter_map(archive);
            digests
                .entry((format!("{group}:{name}"), version.into_owned()))
                .or_default()
                .extend(archives);
        }
        for archives in digests.values_mut() {
            archives.sort_unstable();
            archives.dedup();
            let is_description =
                |archive: &Archive| DESCRIPTIONS.iter().any(|end| archive.location.ends_with(end));
            if !archives.iter().all(is_description) {
                archives.retain(|archive| !is_description(archive));
            }
        }
        Self(digests)
    }

    /// Gives a package its digests; of several files each has its own.
    pub(super) fn fill(&mut self, node: &mut Node) {
        let version = node.version.clone().unwrap_or_default();
        let Some(archives) = self.0.remove(&(node.name.clone(), version)) else { return };
        match archives.as_slice() {
            [only] => node.hashes.clone_from(&only.hashes),
            _ => node.archives = archives,
        }
    }
}

/// A file and its digests.
fn archive(artifact: &Element<'_>) -> Option<Archive> {
    let name = artifact.attribute("name")?;
    let location = phrase(&name)?.to_owned();
    let mut hashes: Vec<Hash> = ALGORITHMS
        .iter()
        .flat_map(|(element, algorithm)| {
            artifact.all(element).map(move |found| (found, *algorithm))
        })
        .filter_map(|(found, algorithm)| Hash::from_hex(algorithm, &found.attribute("value")?))
        .collect();
    hashes.sort_unstable();
    hashes.dedup_by_key(|hash| hash.algorithm);
    (!hashes.is_empty()).then_some(Archive { location, hashes })
}
