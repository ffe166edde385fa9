//! Which files of a repository are read, and which are left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::{BYTES_MAX, Format, Unreadable, read_lockfile};
use crate::graph::Graph;
use crate::path;
use crate::warning::Warnings;

/// The most lock files of one repository: a monorepo with a service a directory has about a
/// hundred, and as many images and workflows and project files again.
const LOCKFILES_MAX: usize = 1_000;

/// Directories whose lock files are not the project's own: what they list is not shipped.
const ASIDE: [&str; 15] = [
    "__fixtures__",
    "__tests__",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "node_modules",
    "sample",
    "samples",
    "test",
    "testdata",
    "tests",
    "third_party",
    "vendor",
    "vendored",
];

/// The files of a repository, at one state.
///
/// Paths are relative to the repository's root, separated by `/`.
pub trait Files {
    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ReadError::Missing`] when nothing stands there: that is asked often, and no fault.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// The files whose paths match any of `patterns` (`*`, `**`, `?`, `[a-z]`, `{a,b}`), sorted.
    ///
    /// # Errors
    ///
    /// When the repository cannot be searched, or a pattern cannot be used.
    fn find(&self, patterns: &[String]) -> Result<Found, ReadError>;
}

/// Paths that matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Sorted.
    pub paths: Vec<String>,
    /// Whether there were more.
    pub truncated: bool,
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing stands there.
    #[error("there is no such file")]
    Missing,
    /// Anything else, in the words of who tried.
    #[error("{0}")]
    Failed(String),
}

/// Which lock files are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Only these; none means all that are found.
    pub lockfiles: Vec<String>,
    /// Patterns of lock files to take in although they lie in a directory of tests, examples or
    /// copies of others' code.
    pub include: Vec<String>,
}

/// A lock file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockfile {
    /// From the repository's root.
    pub path: String,
    /// Its format.
    pub format: Format,
    /// What it says.
    pub graph: Graph,
}

/// What a repository's lock files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Sorted by path.
    pub lockfiles: Vec<Lockfile>,
    /// What was left out or guessed.
    pub warnings: Warnings,
    /// Whether a lock file that was wanted is missing from `lockfiles`, in whole or in part.
    pub incomplete: bool,
    /// Lock files that are there and could not be read.
    pub unread: BTreeSet<String>,
}

/// Reads the lock files of a repository.
///
/// # Errors
///
/// When the repository cannot be searched at all. A lock file that cannot be read is a warning.
pub fn scan(files: &dyn Files, request: &Request) -> Result<Scan, ReadError> {
    let mut scan = Scan::default();
    let paths = if request.lockfiles.is_empty() {
        scan.find(files, request)?
    } else {
        request.lockfiles.iter().cloned().collect()
    };
    let is_named = !request.lockfiles.is_empty();
    for path in paths {
        scan.read(files, path, is_named);
    }
    Ok(scan)
}

impl Scan {
    /// The paths of all lock files that are wanted.
    fn find(
        &mut self,
        files: &dyn Files,
        request: &Request,
    ) -> Result<BTreeSet<String>, ReadError> {
        let patterns: Vec<String> = Format::ALL
            .iter()
            .flat_map(|format| format.patterns())
            .map(|name| format!("**/{name}"))
            .collect();
        let found = self.search(files, &patterns)?;
        let asked_for = if request.include.is_empty() {
            BTreeSet::new()
        } else {
            self.search(files, &request.include)?.into_iter().collect()
        };
        let mut wanted = BTreeSet::new();
        let mut beside: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in found.into_iter().chain(asked_for.iter().cloned()) {
            match aside(&path) {
                Some(dir) if !asked_for.contains(&path) => {
                    beside.entry(dir.to_owned()).or_default().push(path);
                }
                _ => _ = wanted.insert(path),
            }
        }
        self.tell_beside(&beside);
        self.drop_shadowed(&mut wanted);
        self.drop_excess(&mut wanted);
        Ok(wanted)
    }

    /// Tells of what lies under directories of others' code: once for each name of one.
    fn tell_beside(&mut self, beside: &BTreeMap<String, Vec<String>>) {
        let mut told: Vec<(&String, usize, &String)> = beside
            .iter()
            .filter_map(|(dir, paths)| Some((paths.first()?, paths.len() - 1, dir)))
            .collect();
        told.sort_unstable();
        for (first, more, dir) in told {
            let reason = match more {
                0 => format!("left out because it lies under `{dir}`; ask for it with `include`"),
                more => format!(
                    "left out with {more} more because they lie under `{dir}`; ask for them with \
                     `include`"
                ),
            };
            self.warnings.add(first, None, reason);
        }
    }

    fn search(&mut self, files: &dyn Files, patterns: &[String]) -> Result<Vec<String>, ReadError> {
        let found = files.find(patterns)?;
        if found.truncated {
            self.incomplete = true;
            self.warnings.add("", None, "more lock files match than one search answers with");
        }
        Ok(found.paths.into_iter().filter(|path| Format::detect(path).is_some()).collect())
    }

    /// Of two lock files of one format in one directory, the package manager reads only the first.
    fn drop_shadowed(&mut self, wanted: &mut BTreeSet<String>) {
        for format in Format::ALL.into_iter().filter(|format| format.first_wins()) {
            let [first, rest @ ..] = format.patterns() else { continue };
            for name in rest {
                let shadowed = |path: &String| {
                    path::file_name(path) == *name
                        && wanted.contains(&path::join(path::parent(path), first))
                };
                let paths: Vec<String> =
                    wanted.iter().filter(|path| shadowed(path)).cloned().collect();
                for path in paths {
                    wanted.remove(&path);
                    self.warnings.add(
                        &path,
                        None,
                        format!("left out because `{first}` beside it wins"),
                    );
                }
            }
        }
    }

    fn drop_excess(&mut self, wanted: &mut BTreeSet<String>) {
        let Some(first_left_out) = wanted.iter().nth(LOCKFILES_MAX).cloned() else { return };
        let left_out = wanted.split_off(&first_left_out).len();
        self.incomplete = true;
        let reason = format!(
            "{left_out} lock files from here on are left out; name those you need in `lockfiles`"
        );
        self.warnings.add(&first_left_out, None, reason);
    }

    /// Reads a lock file; `is_named` when the caller asks for this one.
    fn read(&mut self, files: &dyn Files, path: String, is_named: bool) {
        let Some(format) = Format::detect(&path) else {
            let known: BTreeSet<&str> =
                Format::ALL.into_iter().map(|format| format.ecosystem().name()).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let reason = format!("not a lock file this tool knows; it reads those of {known}");
            self.lost(&path, None, &reason);
            return;
        };
        let bytes = match files.read(&path) {
            Ok(bytes) if bytes.len() > BYTES_MAX => {
                return self.lost(&path, None, "left out because it has more than 16 MiB");
            }
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => {
                self.incomplete = true;
                return self.warnings.add(&path, None, ReadError::Missing.to_string());
            }
            Err(err) => return self.lost(&path, None, &err.to_string()),
        };
        let mut warnings = Warnings::default();
        match read_lockfile(format, &path, &bytes, files, &mut warnings) {
            Ok(read) => {
                self.incomplete |= read.incomplete;
                self.lockfiles.push(Lockfile { path, format, graph: read.graph });
            }
            Err(Unreadable::Elsewhere(_)) if !is_named => return,
            Err(err) => self.lost(&path, err.line(), &err.to_string()),
        }
        self.warnings.append(warnings);
    }

    fn lost(&mut self, path: &str, line: Option<u32>, reason: &str) {
        self.incomplete = true;
        self.unread.insert(path.to_owned());
        self.warnings.add(path, line, reason);
    }
}

/// The first directory on the way to `path` whose lock files are not the project's own.
fn aside(path: &str) -> Option<&str> {
    // What is copied beside a go.mod is of the project whose go.mod it is.
    let path = if path::ends_as(path, "vendor/modules.txt") { path::parent(path) } else { path };
    path::parent(path).split('/').find(|name| ASIDE.binary_search(name).is_ok())
}

#[cfg(test)]
mod tests;
