//! Every format, and the only place that lists them.

use super::{
    Graph, Input, NoFiles, Unreadable, actions, bill, bun, cargo, composer, conan, deno, docker,
    gem, go, gradle, maven, mix, npm, nuget, pnpm, pubspec, python, read_lockfile, swift,
    terraform, yarn,
};
use crate::ecosystem::Ecosystem;
use crate::path;
use crate::warning::Warnings;

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
    "**/vendor/modules.txt",
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
    "**/{Dockerfile,Dockerfile.*,*.Dockerfile,*.dockerfile,Containerfile,Containerfile.*}",
    "**/.terraform.lock.hcl",
    "**/{bom.json,bom.xml,*.cdx.json,*.cdx.xml}",
    "**/{*.spdx,*.spdx.json,*.spdx3.json}"
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
    /// `go.mod`, with the `go.sum` and `vendor/modules.txt` beside it and the `go.work` above.
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
    /// `.terraform.lock.hcl` of Terraform and OpenTofu.
    Terraform,
    /// `vendor/modules.txt` of a workspace of Go, or without a `go.mod`.
    GoVendor,
    /// Bills of materials of CycloneDX, as JSON or XML.
    CycloneDx,
    /// Bills of materials of SPDX: 2 as JSON or as tags and values, 3 as JSON-LD.
    Spdx,
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

/// Of several files in one directory, the package manager reads the first.
fn one(patterns: &'static [&'static str], ecosystem: Ecosystem, read: Reader) -> Row {
    Row { patterns, first_wins: true, ecosystem, read }
}

/// Each file counts.
fn each(patterns: &'static [&'static str], ecosystem: Ecosystem, read: Reader) -> Row {
    Row { patterns, first_wins: false, ecosystem, read }
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 30] = [
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
        Self::Terraform,
        Self::GoVendor,
        Self::CycloneDx,
        Self::Spdx,
    ];

    fn row(self) -> Row {
        use Ecosystem::{
            Cargo, Composer, Conan, Docker, Gem, Generic, Github, Golang, Hex, Maven, Npm, Nuget,
            Pub, Pypi, Swift, Terraform,
        };

        match self {
            Self::Cargo => one(&["Cargo.lock"], Cargo, cargo::read),
            Self::Npm => one(&["npm-shrinkwrap.json", "package-lock.json"], Npm, npm::read),
            Self::Yarn => one(&["yarn.lock"], Npm, yarn::read),
            Self::Pnpm => one(&["pnpm-lock.yaml"], Npm, pnpm::read),
            Self::Bun => one(&["bun.lock"], Npm, bun::read),
            Self::Deno => one(&["deno.lock"], Npm, deno::read),
            Self::Pdm => each(&["pdm.lock"], Pypi, python::pdm::read),
            Self::Pipenv => each(&["Pipfile.lock"], Pypi, python::pipfile::read),
            Self::Poetry => each(&["poetry.lock"], Pypi, python::poetry::read),
            Self::Pylock => each(&["pylock.toml", "pylock.*.toml"], Pypi, python::pylock::read),
            Self::Requirements => each(
                &["requirements*.txt", "*-requirements.txt", "requirements/*.txt"],
                Pypi,
                python::requirements::read,
            ),
            Self::Uv => each(&["uv.lock"], Pypi, python::uv::read),
            Self::Composer => one(&["composer.lock"], Composer, composer::read),
            Self::Conan => one(&["conan.lock"], Conan, conan::read),
            Self::Gem => one(&["gems.locked", "Gemfile.lock"], Gem, gem::read),
            Self::Go => one(&["go.mod"], Golang, go::read),
            Self::Mix => one(&["mix.lock"], Hex, mix::read),
            Self::Pubspec => one(&["pubspec.lock"], Pub, pubspec::read),
            Self::Swift => one(&["Package.resolved"], Swift, swift::read),
            Self::Maven => one(&["pom.xml"], Maven, maven::read),
            Self::Gradle => each(
                &["*gradle.lockfile", "gradle/dependency-locks/*.lockfile"],
                Maven,
                gradle::read,
            ),
            Self::Nuget => {
                each(&["packages.lock.json", "packages.*.lock.json"], Nuget, nuget::read_lock)
            }
            Self::NugetConfig => one(&["packages.config"], Nuget, nuget::read_config),
            Self::NugetProject => {
                each(&["*.csproj", "*.fsproj", "*.vbproj"], Nuget, nuget::read_project)
            }
            Self::Actions => each(
                &[
                    ".github/workflows/*.yml",
                    ".github/workflows/*.yaml",
                    "action.yml",
                    "action.yaml",
                ],
                Github,
                actions::read,
            ),
            Self::Docker => each(
                &[
                    "Dockerfile",
                    "Dockerfile.*",
                    "*.Dockerfile",
                    "*.dockerfile",
                    "Containerfile",
                    "Containerfile.*",
                ],
                Docker,
                docker::read,
            ),
            Self::Terraform => one(&[".terraform.lock.hcl"], Terraform, terraform::read),
            Self::GoVendor => one(&["vendor/modules.txt"], Golang, go::read_vendor),
            Self::CycloneDx => {
                each(&["*.cdx.json", "*.cdx.xml", "bom.json", "bom.xml"], Generic, bill::read)
            }
            Self::Spdx => each(&["*.spdx.json", "*.spdx3.json", "*.spdx"], Generic, bill::read),
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

    /// Whether its files say what is there, and not what is to be installed.
    pub fn is_bill(self) -> bool {
        matches!(self, Self::CycloneDx | Self::Spdx)
    }

    /// Whose packages it lists.
    pub fn ecosystem(self) -> Ecosystem {
        self.row().ecosystem
    }

    pub(super) fn read(self, input: &mut Input<'_>) -> Result<Graph, Unreadable> {
        (self.row().read)(input)
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
