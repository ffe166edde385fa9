//! `package.json` and its like, as far as a lock file leaves to it what is needed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::relaxed;
use crate::format::npm::written_licence;
use crate::format::{phrase, word};
use crate::graph::EdgeKind;
use crate::path;
use crate::scan::{Files, ReadError};
use crate::text::decode;
use crate::warning::Warnings;

/// The most manifests that are read: ten times what the largest workspace we know has.
const MANIFESTS_MAX: usize = 2_000;

/// What manifests are called.
const PACKAGE_JSON: &str = "package.json";

/// The most patterns of members, and the most resolutions: twenty times what we have seen.
const PATTERNS_READ_MAX: usize = 500;

/// As many patterns as the host takes at once.
const PATTERNS_MAX: usize = 64;

/// What a manifest says.
#[derive(Debug)]
pub(in crate::format) struct Manifest {
    /// What its file is called.
    pub(in crate::format) file: &'static str,
    pub(in crate::format) name: Option<String>,
    pub(in crate::format) version: Option<String>,
    pub(in crate::format) licence: Option<String>,
    /// By the name it is asked for. Peers are their users' affair and not among them.
    pub(in crate::format) needs: BTreeMap<String, Need>,
    /// Patterns of its members' directories.
    pub(in crate::format) workspaces: Vec<String>,
    /// What yarn takes instead of what a package asks for.
    pub(in crate::format) resolutions: BTreeMap<String, String>,
}

/// How a package needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::format) struct Need {
    pub(in crate::format) range: String,
    pub(in crate::format) kind: EdgeKind,
}

/// The fields of a manifest; what has another type than it should is as good as absent.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    name: Value,
    version: Value,
    license: Value,
    licenses: Value,
    dependencies: Value,
    dev_dependencies: Value,
    optional_dependencies: Value,
    workspaces: Value,
    resolutions: Value,
}

impl Manifest {
    fn parse(bytes: &[u8], file: &'static str) -> Result<Self, (Option<u32>, String)> {
        let text = decode(bytes).map_err(|line| (Some(line), "not UTF-8 text".to_owned()))?;
        let text = if file == PACKAGE_JSON { Cow::Borrowed(text) } else { relaxed(text).into() };
        let written: Written = serde_json::from_str(&text)
            .map_err(|err| (u32::try_from(err.line()).ok(), format!("not a usable {file}")))?;
        let text = |value: &Value| value.as_str().and_then(word).map(str::to_owned);
        let patterns = written.workspaces.get("packages").unwrap_or(&written.workspaces).as_array();
        let patterns = patterns.into_iter().flatten().filter_map(Value::as_str).filter_map(phrase);
        Ok(Self {
            file,
            name: text(&written.name),
            version: text(&written.version),
            licence: written_licence(&written.license, &written.licenses),
            needs: needs(&written),
            workspaces: patterns.take(PATTERNS_READ_MAX).map(str::to_owned).collect(),
            resolutions: texts(&written.resolutions)
                .take(PATTERNS_READ_MAX)
                .map(|(name, range)| (name.to_owned(), range.to_owned()))
                .collect(),
        })
    }
}

fn texts(section: &Value) -> impl Iterator<Item = (&str, &str)> {
    let members = section.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((phrase(name)?, value.as_str()?)))
}

fn needs(written: &Written) -> BTreeMap<String, Need> {
    let mut needs = BTreeMap::new();
    // Later sections win: what is optional is listed as a dependency, too.
    for (section, kind) in [
        (&written.dev_dependencies, EdgeKind::Dev),
        (&written.dependencies, EdgeKind::Runtime),
        (&written.optional_dependencies, EdgeKind::Optional),
    ] {
        for (name, range) in texts(section).filter(|(name, _)| word(name).is_some()) {
            needs.insert(name.to_owned(), Need { range: range.to_owned(), kind });
        }
    }
    needs
}

/// The manifest's path in a directory.
fn path_in(dir: &str) -> String {
    path::join(dir, PACKAGE_JSON)
}

/// The manifests of a repository, each read when it is asked for.
pub(in crate::format) struct Manifests<'a> {
    files: &'a dyn Files,
    left: usize,
}

impl<'a> Manifests<'a> {
    pub(in crate::format) fn new(files: &'a dyn Files) -> Self {
        Self { files, left: MANIFESTS_MAX }
    }

    /// The package.json in a directory. That there is none is no fault.
    pub(in crate::format) fn read(
        &mut self,
        dir: &str,
        warnings: &mut Warnings,
    ) -> Option<Manifest> {
        self.read_called(PACKAGE_JSON, dir, warnings)
    }

    /// The manifest of that name in a directory.
    pub(in crate::format) fn read_called(
        &mut self,
        file: &'static str,
        dir: &str,
        warnings: &mut Warnings,
    ) -> Option<Manifest> {
        let path = path::join(dir, file);
        if self.left <= 1 {
            if self.left == 1 {
                self.left = 0;
                let reason =
                    format!("only {MANIFESTS_MAX} manifests are read; this and others are not");
                warnings.add(&path, None, reason);
            }
            return None;
        }
        let manifest = match self.files.read(&path) {
            Ok(bytes) => Manifest::parse(&bytes, file),
            Err(ReadError::Missing) => return None,
            Err(err @ ReadError::Failed(_)) => Err((None, err.to_string())),
        };
        self.left -= 1;
        manifest.map_err(|(line, reason)| warnings.add(&path, line, reason)).ok()
    }

    /// The directories that patterns of members mean, sorted; a pattern with `!` takes some out.
    pub(in crate::format) fn members(
        &self,
        root: &str,
        patterns: &[String],
        warnings: &mut Warnings,
    ) -> Vec<String> {
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let (list, pattern) = match pattern.strip_prefix('!') {
                Some(pattern) => (&mut unwanted, pattern),
                None => (&mut wanted, pattern.as_str()),
            };
            match path::resolve(root, pattern) {
                Some(pattern) => list.push(path_in(&pattern)),
                None => warnings.add(
                    &path_in(root),
                    None,
                    format!("the workspace `{pattern}` lies outside the repository"),
                ),
            }
        }
        let mut dirs = self.find(root, &wanted, warnings);
        for dir in self.find(root, &unwanted, warnings) {
            dirs.remove(&dir);
        }
        dirs.remove(root);
        dirs.into_iter().filter(|dir| !dir.split('/').any(|name| name == "node_modules")).collect()
    }

    fn find(&self, root: &str, patterns: &[String], warnings: &mut Warnings) -> BTreeSet<String> {
        let mut dirs = BTreeSet::new();
        for patterns in patterns.chunks(PATTERNS_MAX) {
            match self.files.find(patterns) {
                Ok(found) => {
                    dirs.extend(found.paths.iter().map(|at| path::parent(at).to_owned()));
                    if found.truncated {
                        let reason = "more workspaces match than one search answers with";
                        warnings.add(&path_in(root), None, reason);
                    }
                }
                Err(err) => warnings.add(&path_in(root), None, err.to_string()),
            }
        }
        dirs
    }
}
