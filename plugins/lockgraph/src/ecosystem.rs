//! Whose packages they are, and how each calls them.

use serde::Serialize;

/// Whose packages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ecosystem {
    /// Rust crates.
    Cargo,
    /// PHP packages.
    Composer,
    /// C and C++ packages of Conan.
    Conan,
    /// Container images.
    Docker,
    /// Ruby gems.
    Gem,
    /// What a bill of materials lists of any other kind: a distribution's packages, things without
    /// a registry.
    Generic,
    /// Repositories of GitHub: what a workflow uses.
    Github,
    /// Go modules.
    Golang,
    /// Elixir and Erlang packages.
    Hex,
    /// Java packages.
    Maven,
    /// JavaScript packages.
    Npm,
    /// .NET packages.
    Nuget,
    /// Dart packages.
    Pub,
    /// Python packages.
    Pypi,
    /// Swift packages.
    Swift,
    /// Providers of Terraform and OpenTofu.
    Terraform,
}

impl Ecosystem {
    /// Every ecosystem, in order.
    pub const ALL: [Self; 16] = [
        Self::Cargo,
        Self::Composer,
        Self::Conan,
        Self::Docker,
        Self::Gem,
        Self::Generic,
        Self::Github,
        Self::Golang,
        Self::Hex,
        Self::Maven,
        Self::Npm,
        Self::Nuget,
        Self::Pub,
        Self::Pypi,
        Self::Swift,
        Self::Terraform,
    ];

    /// The ecosystem of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.name() == name)
    }

    /// Its name, which is also its package URL type; of [`Ecosystem::Generic`] it is that of packages
    /// that have no other.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Conan => "conan",
            Self::Docker => "docker",
            Self::Gem => "gem",
            Self::Generic => "generic",
            Self::Github => "github",
            Self::Golang => "golang",
            Self::Hex => "hex",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pub => "pub",
            Self::Pypi => "pypi",
            Self::Swift => "swift",
            Self::Terraform => "terraform",
        }
    }

    /// The group a package's name begins with, and the rest of the name: `@scope` and `name`,
    /// `vendor` and `name`, a Maven group and an artifact.
    pub fn split_name(self, name: &str) -> (Option<&str>, &str) {
        let split = match self {
            Self::Cargo | Self::Gem | Self::Nuget | Self::Pub | Self::Pypi => None,
            // A name of any number of parts, of which the last is the name proper.
            Self::Docker | Self::Generic | Self::Golang | Self::Swift | Self::Terraform => {
                name.rsplit_once('/')
            }
            Self::Composer | Self::Conan | Self::Github | Self::Hex | Self::Npm => {
                name.split_once('/')
            }
            Self::Maven => name.split_once(':'),
        };
        match split {
            Some((group, name)) if !group.is_empty() && !name.is_empty() => (Some(group), name),
            _ => (None, name),
        }
    }

    /// The name of which [`Ecosystem::split_name`] makes these two.
    pub fn join_name(self, group: Option<&str>, name: &str) -> String {
        let between = if self == Self::Maven { ':' } else { '/' };
        match group.filter(|group| !group.is_empty()) {
            Some(group) => format!("{group}{between}{name}"),
            None => name.to_owned(),
        }
    }
}
