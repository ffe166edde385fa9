//! The sections of a `Gemfile.lock`: what a line means is said by its indentation.

use std::collections::BTreeMap;

use crate::format::{Faults, Input, PACKAGES_MAX, phrase, word};
use crate::graph::{Hash, HashAlgorithm};
use crate::text::is_conflict_mark;

/// What a lock file says.
#[derive(Debug, Default)]
pub(super) struct Lock<'a> {
    pub(super) sources: Vec<Source<'a>>,
    pub(super) specs: Vec<Spec<'a>>,
    /// What the Gemfile asks for, with the line.
    pub(super) direct: BTreeMap<&'a str, u32>,
    /// Digests by gem and version with platform.
    checksums: BTreeMap<(&'a str, &'a str), Vec<Hash>>,
    /// Whether it has any section of a Gemfile.lock.
    pub(super) is_one: bool,
}

/// Where the gems of a section come from.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) kind: SourceKind,
    pub(super) remotes: Vec<&'a str>,
    pub(super) revision: Option<&'a str>,
}

/// What kind of section it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceKind {
    Registry,
    Git,
    Path,
}

/// A gem for one platform.
#[derive(Debug)]
pub(super) struct Spec<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) platform: Option<&'a str>,
    /// An index of `sources`.
    pub(super) source: usize,
    pub(super) needs: Vec<(&'a str, u32)>,
    pub(super) line: u32,
}

/// The most addresses of one source: there are one or two.
const REMOTES_MAX: usize = 16;

/// Which section a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Source,
    Dependencies,
    Checksums,
    Other,
}

impl<'a> Lock<'a> {
    pub(super) fn read(input: &mut Input<'a>) -> Self {
        let mut lock = Self::default();
        let mut section = Section::Other;
        // The gem that the lines below say the needs of; none when it is left out.
        let mut open = None;
        for (line, number) in input.text.lines().zip(1u32..) {
            let line = line.trim_end();
            let content = line.trim_start_matches(' ');
            if content.is_empty() {
                continue;
            }
            match (line.len() - content.len(), section) {
                (0, _) if is_conflict_mark(line) => {
                    input.faults.add(Some(number), "the mark of a merge conflict");
                }
                (0, _) => section = lock.header(line),
                (2, Section::Source) => lock.field(content),
                (4, Section::Source) => {
                    open = lock.spec(content, number, &mut input.faults);
                }
                (6.., Section::Source) => {
                    if let (Some(spec), Some(name)) = (open, word(gem(content).0)) {
                        let spec: &mut Spec<'_> = &mut lock.specs[spec];
                        spec.needs.push((name, number));
                    }
                }
                (2, Section::Dependencies) => {
                    let name = gem(content.trim_end_matches('!')).0;
                    match word(name) {
                        Some(name) => _ = lock.direct.entry(name).or_insert(number),
                        None => input.faults.add(Some(number), "a gem without a usable name"),
                    }
                }
                (2, Section::Checksums) => lock.checksum(content),
                (_, Section::Source) => {
                    input.faults.add(Some(number), "a line that stands too far in, or not enough");
                }
                (_, Section::Dependencies | Section::Checksums | Section::Other) => {}
            }
        }
        lock
    }

    fn header(&mut self, line: &str) -> Section {
        let source = |kind| Source { kind, remotes: Vec::new(), revision: None };
        let section = match line {
            "GEM" | "PLUGIN SOURCE" => {
                self.sources.push(source(SourceKind::Registry));
                Section::Source
            }
            "GIT" => {
                self.sources.push(source(SourceKind::Git));
                Section::Source
            }
            "PATH" => {
                self.sources.push(source(SourceKind::Path));
                Section::Source
            }
            "DEPENDENCIES" => Section::Dependencies,
            "CHECKSUMS" => Section::Checksums,
            "PLATFORMS" | "RUBY VERSION" | "BUNDLED WITH" => Section::Other,
            // A section of a bundler to come.
            _ => return Section::Other,
        };
        self.is_one = true;
        section
    }

    fn field(&mut self, content: &'a str) {
        let Some(source) = self.sources.last_mut() else { return };
        match content.split_once(": ").map(|(key, value)| (key, phrase(value.trim()))) {
            Some(("remote", Some(remote))) if source.remotes.len() < REMOTES_MAX => {
                source.remotes.push(remote);
            }
            Some(("revision", revision)) => source.revision = revision,
            // Branches and tags only say how the revision was found.
            _ => {}
        }
    }

    fn spec(&mut self, content: &'a str, line: u32, faults: &mut Faults<'_>) -> Option<usize> {
        if self.specs.len() == PACKAGES_MAX {
            faults.add(Some(line), format!("only the first {PACKAGES_MAX} gems are read"));
            return None;
        }
        let source = self.sources.len().checked_sub(1)?;
        let (name, version) = gem(content);
        let (version, platform) = match version.split_once('-') {
            Some((version, platform)) => (version, Some(platform)),
            None => (version, None),
        };
        let usable = word(name).zip(word(version));
        let Some((name, version)) = usable.filter(|(name, _)| !name.contains(' ')) else {
            faults.add(Some(line), "a gem without a usable name and version");
            return None;
        };
        let needs = Vec::new();
        self.specs.push(Spec { name, version, platform, source, needs, line });
        Some(self.specs.len() - 1)
    }

    fn checksum(&mut self, content: &'a str) {
        let Some((gem_part, digests)) = content.rsplit_once(' ') else { return };
        let (name, version) = gem(gem_part);
        let digest = |text: &str| {
            let (algorithm, hex) = text.split_once('=')?;
            let algorithm = match algorithm {
                "sha1" => HashAlgorithm::Sha1,
                "sha256" => HashAlgorithm::Sha256,
                "sha384" => HashAlgorithm::Sha384,
                "sha512" => HashAlgorithm::Sha512,
                _ => return None,
            };
            Hash::from_hex(algorithm, hex)
        };
        let mut hashes: Vec<Hash> = digests.split(',').filter_map(digest).collect();
        hashes.sort_unstable();
        hashes.dedup();
        self.checksums.insert((name, version), hashes);
    }

    /// The digests of a gem's archive.
    pub(super) fn hashes(&self, spec: &Spec<'_>) -> Vec<Hash> {
        let full = match spec.platform {
            Some(platform) => format!("{}-{platform}", spec.version),
            None => spec.version.to_owned(),
        };
        self.checksums.get(&(spec.name, full.as_str())).cloned().unwrap_or_default()
    }
}

/// `name (what is in brackets)`.
fn gem(content: &str) -> (&str, &str) {
    match content.split_once(" (") {
        Some((name, rest)) => (name, rest.trim_end_matches(')')),
        None => (content, ""),
    }
}
