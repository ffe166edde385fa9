//! Lock file formats: one module each, and the only place that lists them.

mod bun;
mod cargo;
mod deno;
mod js;
mod beside;
mod cargo;
mod composer;
mod conan;
mod conflict;
mod gem;
mod go;
mod json;
mod mix;
mod npm;
mod pnpm;
mod python;
mod pubspec;
mod swift;
mod actions;
mod cargo;
mod docker;
mod gradle;
mod json;
mod maven;
mod npm;
mod nuget;
mod toml;
mod xml;
mod yaml;
mod yarn;

use crate::ecosystem::Ecosystem;
use crate::graph::Graph;
use crate::path;
use crate::scan::{Files, Found, ReadError};
use crate::text::{Lines, decode};
use crate::warning::Warnings;

/// The most bytes of a lock file: as much as the host gives in one answer.
pub(crate) const BYTES_MAX: usize = 16 << 20;

/// The most packages of a lock file: seventy times what the largest lock file we know has.
const PACKAGES_MAX: usize = 100_000;

/// The most dependencies of a lock file: seventy times what the largest lock file we know has.
const EDGES_MAX: usize = 600_000;

/// The most bytes of a name or a version: registries allow 214 and less.
const WORD_BYTES_MAX: usize = 256;

/// The most bytes of a source or a licence: browsers cut addresses about there.
const PHRASE_BYTES_MAX: usize = 2_048;

/// The most broken entries that are told of one by one in one lock file.
const FAULTS_TOLD_MAX: usize = 10;

/// What a tool that scans for lock files may need to be granted: them, and the manifests beside
/// them.
pub const GRANTS: &str = r#"{"read":[
    "**/{Cargo.lock,Cargo.toml}",
    "**/{package-lock.json,npm-shrinkwrap.json,package.json}",
    "**/{yarn.lock,.yarnrc.yml,pnpm-lock.yaml,bun.lock}",
    "**/{deno.lock,deno.json,deno.jsonc}",
    "**/{poetry.lock,uv.lock,pdm.lock,Pipfile.lock,Pipfile,pylock.toml,pylock.*.toml,pyproject.toml}",
    "**/{requirements*.txt,*-requirements.txt,*constraints*.txt}",
    "**/requirements/*.txt",
    "**/{composer.lock,composer.json}",
    "**/{conan.lock,conanfile.py,conanfile.txt}",
    "**/{Gemfile.lock,Gemfile,gems.locked,gems.rb}",
    "**/{go.mod,go.sum,go.work}",
    "**/{mix.lock,mix.exs}",
    "**/{pubspec.lock,pubspec.yaml}",
    "**/{Package.resolved,Package.swift}",
    "**/pom.xml",
    "**/*gradle.lockfile",
    "**/gradle/dependency-locks/*.lockfile",
    "**/gradle/verification-metadata.xml",
    "**/{packages.lock.json,packages.*.lock.json,packages.config}",
    "**/{*.csproj,*.fsproj,*.vbproj}",
    "**/{Directory.Build.props,Directory.Build.targets,Directory.Packages.props}",
    "**/.github/workflows/{*.yml,*.yaml}",
    "**/{action.yml,action.yaml}",
    "**/{Dockerfile,Dockerfile.*,*.Dockerfile,*.dockerfile,Containerfile,Containerfile.*}"
]}"#;

/// A format of lock files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `Cargo.lock`, versions 1 to 4.
    Cargo,
    /// `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
    Npm,
    /// `yarn.lock`, of any yarn.
    Yarn,
    /// `pnpm-lock.yaml`, versions 5 to 9.
    Pnpm,
    /// `bun.lock`.
    Bun,
    /// `deno.lock`, versions 2 to 5.
    Deno,
    /// `pdm.lock`, versions 2 to 4.
    Pdm,
    /// `Pipfile.lock`.
    Pipenv,
    /// `poetry.lock`, of Poetry 0.12 to 2.
    Poetry,
    /// `pylock.toml` and `pylock.*.toml`: PEP 751.
    Pylock,
    /// `requirements*.txt` of pip, with what it includes.
    Requirements,
    /// `uv.lock`.
    Uv,
    /// `composer.lock`.
    Composer,
    /// `conan.lock`, of Conan 1 and 2.
    Conan,
    /// `Gemfile.lock` and `gems.locked`.
    Gem,
    /// `go.mod`, with the `go.sum` beside it and the `go.work` above.
    Go,
    /// `mix.lock`.
    Mix,
    /// `pubspec.lock`.
    Pubspec,
    /// `Package.resolved`, versions 1 to 3.
    Swift,
    /// `pom.xml` of Maven.
    Maven,
    /// `gradle.lockfile`, and the older files for one configuration each.
    Gradle,
    /// `packages.lock.json` of NuGet.
    Nuget,
    /// `packages.config` of NuGet.
    NugetConfig,
    /// Project files of .NET, where no lock file lies beside them.
    NugetProject,
    /// Workflows and actions of GitHub: what they use.
    Actions,
    /// Dockerfiles: the images they build on.
    Docker,
}

/// What there is to know of a format.
struct Row {
    /// What its files are called: the end of a path, with at most one `*` in each name.
    patterns: &'static [&'static str],
    /// Whether the package manager reads only the first of several in one directory.
    first_wins: bool,
    ecosystem: Ecosystem,
    read: Reader,
}

type Reader = for<'a, 'b> fn(&'a mut Input<'b>) -> Result<Graph, Unreadable>;

fn python_row(patterns: &'static [&'static str], read: Reader) -> Row {
    Row { patterns, first_wins: false, ecosystem: Ecosystem::Pypi, read }
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 26] = [
        Self::Cargo,
        Self::Npm,
        Self::Yarn,
        Self::Pnpm,
        Self::Bun,
        Self::Deno,
        Self::Pdm,
        Self::Pipenv,
        Self::Poetry,
        Self::Pylock,
        Self::Requirements,
        Self::Uv,
        Self::Composer,
        Self::Conan,
        Self::Gem,
        Self::Go,
        Self::Mix,
        Self::Pubspec,
        Self::Swift,
        Self::Maven,
        Self::Gradle,
        Self::Nuget,
        Self::NugetConfig,
        Self::NugetProject,
        Self::Actions,
        Self::Docker,
    ];

    fn row(self) -> Row {
        match self {
            Self::Cargo => Row {
                patterns: &["Cargo.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Cargo,
                read: cargo::read,
            },
            Self::Npm => Row {
                patterns: &["npm-shrinkwrap.json", "package-lock.json"],
                first_wins: true,
                ecosystem: Ecosystem::Npm,
                read: npm::read,
            },
            Self::Yarn => Row {
                patterns: &["yarn.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Npm,
                read: yarn::read,
            },
            Self::Pnpm => Row {
                patterns: &["pnpm-lock.yaml"],
                first_wins: true,
                ecosystem: Ecosystem::Npm,
                read: pnpm::read,
            },
            Self::Bun => Row {
                patterns: &["bun.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Npm,
                read: bun::read,
            },
            Self::Deno => Row {
                patterns: &["deno.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Npm,
                read: deno::read,
            },
            Self::Pdm => python_row(&["pdm.lock"], python::pdm::read),
            Self::Pipenv => python_row(&["Pipfile.lock"], python::pipfile::read),
            Self::Poetry => python_row(&["poetry.lock"], python::poetry::read),
            Self::Pylock => python_row(&["pylock.toml", "pylock.*.toml"], python::pylock::read),
            Self::Requirements => python_row(
                &["requirements*.txt", "*-requirements.txt", "requirements/*.txt"],
                python::requirements::read,
            ),
            Self::Uv => python_row(&["uv.lock"], python::uv::read),
            Self::Composer => Row {
                patterns: &["composer.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Composer,
                read: composer::read,
            },
            Self::Conan => Row {
                patterns: &["conan.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Conan,
                read: conan::read,
            },
            Self::Gem => Row {
                patterns: &["gems.locked", "Gemfile.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Gem,
                read: gem::read,
            },
            Self::Go => Row {
                patterns: &["go.mod"],
                first_wins: true,
                ecosystem: Ecosystem::Golang,
                read: go::read,
            },
            Self::Mix => Row {
                patterns: &["mix.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Hex,
                read: mix::read,
            },
            Self::Pubspec => Row {
                patterns: &["pubspec.lock"],
                first_wins: true,
                ecosystem: Ecosystem::Pub,
                read: pubspec::read,
            },
            Self::Swift => Row {
                patterns: &["Package.resolved"],
                first_wins: true,
                ecosystem: Ecosystem::Swift,
                read: swift::read,
            Self::Maven => Row {
                patterns: &["pom.xml"],
                first_wins: true,
                ecosystem: Ecosystem::Maven,
                read: maven::read,
            },
            Self::Gradle => Row {
                patterns: &["*gradle.lockfile", "gradle/dependency-locks/*.lockfile"],
                first_wins: false,
                ecosystem: Ecosystem::Maven,
                read: gradle::read,
            },
            Self::Nuget => Row {
                patterns: &["packages.lock.json", "packages.*.lock.json"],
                first_wins: false,
                ecosystem: Ecosystem::Nuget,
                read: nuget::read_lock,
            },
            Self::NugetConfig => Row {
                patterns: &["packages.config"],
                first_wins: true,
                ecosystem: Ecosystem::Nuget,
                read: nuget::read_config,
            },
            Self::NugetProject => Row {
                patterns: &["*.csproj", "*.fsproj", "*.vbproj"],
                first_wins: false,
                ecosystem: Ecosystem::Nuget,
                read: nuget::read_project,
            },
            Self::Actions => Row {
                patterns: &[
                    ".github/workflows/*.yml",
                    ".github/workflows/*.yaml",
                    "action.yml",
                    "action.yaml",
                ],
                first_wins: false,
                ecosystem: Ecosystem::Github,
                read: actions::read,
            },
            Self::Docker => Row {
                patterns: &[
                    "Dockerfile",
                    "Dockerfile.*",
                    "*.Dockerfile",
                    "*.dockerfile",
                    "Containerfile",
                    "Containerfile.*",
                ],
                first_wins: false,
                ecosystem: Ecosystem::Docker,
                read: docker::read,
            },
        }
    }

    /// The format of the file at `path`, by its name and the directories it lies in.
    pub fn detect(path: &str) -> Option<Self> {
        let is_called = |pattern: &&str| path::ends_as(path, pattern);
        Self::ALL.into_iter().find(|format| format.patterns().iter().any(is_called))
    }

    /// What its files are called: ends of paths, with at most one `*` in each name.
    pub fn patterns(self) -> &'static [&'static str] {
        self.row().patterns
    }

    /// Whether only the first of [`Format::patterns`] counts where several are in one directory.
    pub(crate) fn first_wins(self) -> bool {
        self.row().first_wins
    }

    /// Whose packages it lists.
    pub fn ecosystem(self) -> Ecosystem {
        self.row().ecosystem
    }

    /// Reads a lock file of this format whatever its name is, without the manifests beside it.
    ///
    /// # Errors
    ///
    /// When nothing of it can be used. What is broken in part is told in `warnings`.
    pub fn parse(
        self,
        path: &str,
        bytes: &[u8],
        warnings: &mut Warnings,
    ) -> Result<Graph, Unreadable> {
        read_lockfile(self, path, bytes, &NoFiles, warnings).map(|read| read.graph)
    }
}

/// Reads one lock file, without the manifests beside it; its format is told by its name.
///
/// # Errors
///
/// When nothing of it can be used. What is broken in part is told in `warnings`.
pub fn parse(path: &str, bytes: &[u8], warnings: &mut Warnings) -> Result<Graph, Unreadable> {
    Format::detect(path).ok_or(Unreadable::UnknownFormat)?.parse(path, bytes, warnings)
}

/// Why nothing of a lock file can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its name is not one of a known format.
    #[error("not a lock file this tool knows")]
    UnknownFormat,
    /// More bytes than any lock file has.
    #[error("{0} bytes are more than the {BYTES_MAX} that are read")]
    TooLarge(usize),
    /// Some bytes are no text.
    #[error("not UTF-8 text")]
    NotText {
        /// Where.
        line: u32,
    },
    /// It is not the language it should be written in.
    #[error("not valid {language}: {message}")]
    Syntax {
        /// TOML or JSON.
        language: &'static str,
        /// Where.
        line: Option<u32>,
        /// What the parser says, without the input.
        message: String,
    },
    /// The language is right, what it says is not what a lock file says.
    #[error("not a lock file: {0}")]
    Shape(&'static str),
}

impl Unreadable {
    /// The line it is about, counted from 1.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::NotText { line } => Some(*line),
            Self::Syntax { line, .. } => *line,
            Self::UnknownFormat | Self::TooLarge(_) | Self::Shape(_) => None,
        }
    }
}

/// A lock file as a graph.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) graph: Graph,
    /// Whether something in it was left out.
    pub(crate) incomplete: bool,
}

pub(crate) fn read_lockfile(
    format: Format,
    path: &str,
    bytes: &[u8],
    files: &dyn Files,
    warnings: &mut Warnings,
) -> Result<Read, Unreadable> {
    if bytes.len() > BYTES_MAX {
        return Err(Unreadable::TooLarge(bytes.len()));
    }
    let text = decode(bytes).map_err(|line| Unreadable::NotText { line })?;
    let mut input = Input {
        path,
        text,
        lines: Lines::new(text),
        files,
        faults: Faults { path, warnings, count: 0, notes: 0 },
    };
    let read = format.row().read;
    let err = match read(&mut input) {
        Ok(graph) => return Ok(Read { graph, incomplete: input.faults.finish() }),
        Err(err @ Unreadable::Syntax { .. }) => err,
        Err(err) => return Err(err),
    };
    let mut faults = input.faults;
    let text = conflict::first_sides(text, &mut faults).ok_or_else(|| err.clone())?;
    let mut input = Input { path, text: &text, lines: Lines::new(&text), files, faults };
    let graph = read(&mut input).map_err(|_| err)?;
    Ok(Read { graph, incomplete: input.faults.finish() })
}

/// What a format's reader has to go by.
struct Input<'a> {
    path: &'a str,
    text: &'a str,
    lines: Lines<'a>,
    files: &'a dyn Files,
    faults: Faults<'a>,
}

impl<'a> Input<'a> {
    /// The directory the lock file lies in.
    fn dir(&self) -> &'a str {
        path::parent(self.path)
    }

    /// The name of that directory, for a root that has none of its own.
    fn dir_name(&self) -> &'a str {
        match path::file_name(self.dir()) {
            "" => "root",
            name => name,
        }
    }
}

/// Parts of a lock file that had to be left out: the first few are told, all are counted.
struct Faults<'a> {
    path: &'a str,
    warnings: &'a mut Warnings,
    count: usize,
    notes: usize,
}

impl Faults<'_> {
    /// A part is left out.
    fn add(&mut self, line: Option<u32>, reason: impl AsRef<str>) {
        self.count += 1;
        if self.count <= FAULTS_TOLD_MAX {
            self.warnings.add(self.path, line, reason);
        }
    }

    /// Nothing is left out, but the reader should know.
    fn note(&mut self, line: Option<u32>, reason: impl AsRef<str>) {
        self.warnings.add(self.path, line, reason);
    }

    /// Nothing is left out, but the reader should know; only the first few of these are told.
    fn note_some(&mut self, line: Option<u32>, reason: impl AsRef<str>) {
        if self.notes < FAULTS_TOLD_MAX {
            self.notes += 1;
            self.warnings.add(self.path, line, reason);
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there were any.
    fn finish(self) -> bool {
        if let Some(more @ 1..) = self.count.checked_sub(FAULTS_TOLD_MAX) {
            self.warnings.add(self.path, None, format!("{more} more entries are left out"));
        }
        self.count > 0
    }
}

/// Room for the dependencies of one lock file.
struct Edges {
    left: usize,
}

impl Edges {
    fn new() -> Self {
        Self { left: EDGES_MAX }
    }

    /// Whether there is room for one more; says so once when there is not.
    fn take(&mut self, faults: &mut Faults<'_>) -> bool {
        match self.left {
            0 => false,
            1 => {
                self.left = 0;
                faults.add(None, format!("only the first {EDGES_MAX} dependencies are read"));
                false
            }
            _ => {
                self.left -= 1;
                true
            }
        }
    }
}

/// A name or a version, when it can be one.
fn word(text: &str) -> Option<&str> {
    let fits = !text.is_empty() && text.len() <= WORD_BYTES_MAX && !text.contains(char::is_control);
    fits.then_some(text)
}

/// A source or a licence, when it can be one.
fn phrase(text: &str) -> Option<&str> {
    let fits =
        !text.is_empty() && text.len() <= PHRASE_BYTES_MAX && !text.contains(char::is_control);
    fits.then_some(text)
}

/// A repository of which nothing but the lock file is at hand.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<Vec<u8>, ReadError> {
        Err(ReadError::Missing)
    }

    fn find(&self, _patterns: &[String]) -> Result<Found, ReadError> {
        Ok(Found::default())
    }
}

#[cfg(test)]
mod damage;
#[cfg(test)]
mod sketch;
#[cfg(test)]
mod tests;
