//! Lock files that nobody here wrote, and where they lie; not everybody has all of them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use lockgraph::{Files, Format, Found, ReadError};

/// More directories with a repository in each, separated as in `PATH`.
const MORE: &str = "LOCKGRAPH_REPOSITORIES";

/// The most files that are looked at in one place: a registry's folder may have millions.
const FILES_MAX: usize = 1_000_000;

/// Files above this many bytes are not looked at, nor by the library.
const BYTES_MAX: u64 = 16 << 20;

/// A lock file of somebody's.
pub(crate) struct Sample {
    /// The package or repository that it is of.
    pub(crate) repository: String,
    pub(crate) path: PathBuf,
    /// Where it would lie in a repository.
    pub(crate) place: String,
    pub(crate) format: Format,
}

impl Sample {
    pub(crate) fn text(&self) -> Option<String> {
        text(&self.path)
    }

    /// The `package.json` beside it, which may change what a lock file's words mean.
    pub(crate) fn manifest(&self) -> Option<String> {
        let path = self.path.with_file_name("package.json");
        path.is_file().then(|| text(&path)).flatten()
    }
}

/// A repository of the lock file and what lies in its directory and below.
impl Files for Sample {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let dir = self.place.rsplit_once('/').map_or("", |(dir, _)| dir);
        let beside = path.strip_prefix(dir).map(|name| name.trim_start_matches('/'));
        let on_disk = match beside {
            _ if path == self.place => self.path.clone(),
            Some(name) => self.path.with_file_name(name),
            None => return Err(ReadError::Missing),
        };
        fs::read(on_disk).map_err(|_| ReadError::Missing)
    }

    fn find(&self, _patterns: &[String]) -> Result<Found, ReadError> {
        Ok(Found::default())
    }
}

/// The text of a file; none where it is no text.
pub(crate) fn text(path: &Path) -> Option<String> {
    String::from_utf8(fs::read(path).expect("a file that was listed can be read")).ok()
}

/// The name of a file.
pub(crate) fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// The fixtures below a folder of `lockfiles/language`, in order.
pub(crate) fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/conformance/lockfiles")
        .join(folder);
    let files = below(&root);
    if files.is_empty() {
        skipped(&format!("no fixtures in {}", root.display()));
    }
    files
}

/// A module of Go that was published with a workspace file; `cargo xtask test` fetches it.
pub(crate) fn workspace_of_go() -> Option<Sample> {
    of_go("github.com/tailscale/hujson@v0.0.0-20260302212456-ecc657c15afd", "go.mod")
}

/// A lock file in a published module of Go; `cargo xtask test` fetches those that tests name.
pub(crate) fn of_go(module: &str, place: &str) -> Option<Sample> {
    // Go keeps capitals as small letters behind a mark.
    let escaped = |c: char| match c.is_ascii_uppercase() {
        true => format!("!{}", c.to_ascii_lowercase()),
        false => c.to_string(),
    };
    let folder: String = module.chars().map(escaped).collect();
    let caches = registries("GOPATH", "go", "pkg/mod").into_iter();
    let roots = caches.filter_map(|host| Some(host.parent()?.join(&folder)));
    let path = roots.map(|root| root.join(place)).find(|path| path.is_file());
    if path.is_none() {
        skipped(&format!("go has no {place} of {module}"));
    }
    let format = Format::detect(place)?;
    let (repository, place) = (module.to_owned(), place.to_owned());
    path.map(|path| Sample { repository, path, place, format })
}

/// A file of what `cargo xtask test` unpacks below `target/`.
pub(crate) fn unpacked(package: &str, place: &str) -> Option<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/material");
    let path = root.join(package).join(place);
    if !path.is_file() {
        skipped(&format!("no {place} of {package} is unpacked"));
        return None;
    }
    let format = Format::detect(place)?;
    Some(Sample { repository: package.to_owned(), path, place: place.to_owned(), format })
}

/// Bills of CycloneDX that its owners publish, under names of their own: with their specification,
/// and with their library for Go.
pub(crate) fn bills_of_cyclonedx() -> Vec<Sample> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/conformance/cyclonedx/vectors");
    let library = registries("GOPATH", "go", "pkg/mod").into_iter().filter_map(|host| {
        Some(host.parent()?.join("github.com/!cyclone!d!x/cyclonedx-go@v0.9.2/testdata"))
    });
    let library: BTreeSet<PathBuf> = library.collect();
    let mut samples = Vec::new();
    for root in library.into_iter().chain([vectors]) {
        let files = below(&root).into_iter().filter(|path| name(path).starts_with("valid-"));
        let before = samples.len();
        samples.extend(files.filter_map(|path| {
            let end = path.extension()?.to_str().filter(|end| ["json", "xml"].contains(end))?;
            let place = format!("a.cdx.{end}");
            let repository = root.display().to_string();
            Some(Sample { repository, path, place, format: Format::CycloneDx })
        }));
        if samples.len() == before {
            skipped(&format!("no bills in {}", root.display()));
        }
    }
    samples
}

/// The lock files of published packages and of repositories on this machine.
pub(crate) fn published() -> Vec<Sample> {
    let mut places = registries("CARGO_HOME", ".cargo", "registry/src");
    places.extend(registries("GOPATH", "go", "pkg/mod"));
    // What `cargo xtask test` and `cargo xtask compare` unpack.
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/material"));
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/compare/inputs"));
    places.extend(std::env::var_os(MORE).iter().flat_map(std::env::split_paths));
    let samples: Vec<Sample> = places.iter().flat_map(|place| samples_below(place)).collect();
    if samples.is_empty() {
        skipped("neither cargo nor go has a package here");
    }
    samples
}

#[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// The folder of each registry that a package manager unpacks from: its home is in a variable, or
/// lies at home.
fn registries(variable: &str, at_home: &str, folder: &str) -> Vec<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let home = named.or_else(|| std::env::home_dir().map(|home| home.join(at_home)));
    let folder = home.map(|home| home.join(folder));
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.is_dir() && name(path) != "cache");
    found.sort();
    found
}

fn samples_below(place: &Path) -> Vec<Sample> {
    let files = below(place).into_iter().filter_map(|path| {
        let relative = path.strip_prefix(place).ok()?.to_str()?;
        let format = Format::detect(relative)?;
        let repository = relative.split('/').next()?.to_owned();
        let place = relative.to_owned();
        Some(Sample { repository, path, place, format })
    });
    files.collect()
}

/// All files below a directory, in order; links are not followed.
fn below(root: &Path) -> Vec<PathBuf> {
    let mut files = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let is_small = || entry.metadata().is_ok_and(|it| it.len() <= BYTES_MAX);
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && files.len() < FILES_MAX && is_small() {
                files.insert(entry.path());
            }
        }
    }
    files.into_iter().collect()
}
