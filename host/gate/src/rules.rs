//! What a step's author allows a patch to touch. There is no "unlimited", and what runs in
//! other people's pipelines is protected unless it is named.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::name::fold;

/// Most patterns of each kind. More is a list nobody reviews.
const PATTERNS_MAX: usize = 256;

/// Longest pattern, in bytes: as long as a path.
const PATTERN_BYTES_MAX: usize = 1_024;

/// Always protected: files that decide what runs, with whose rights, or who must review.
const PROTECTED: &[&str] = &[
    // Every directory at the root that begins with a dot: .github, .circleci, .claude, .husky,
    // .cargo, .vscode … New tools put their hooks and settings there.
    ".*/**",
    // Pipelines
    "**/.github/**",
    ".gitlab-ci.{yml,yaml}",
    "**/*.gitlab-ci.{yml,yaml}",
    "**/Jenkinsfile*",
    "azure-pipelines*.{yml,yaml}",
    "bitbucket-pipelines.{yml,yaml}",
    "{.travis,appveyor,.appveyor,.drone,cloudbuild,buildspec,codemagic}.{yml,yaml}",
    "{.woodpecker,.cirrus}.{yml,yaml,star}",
    // Who reviews; what git itself obeys
    "**/CODEOWNERS",
    "**/.gitmodules",
    "**/.gitattributes",
    // What agents obey, at any depth
    "**/{AGENTS,CLAUDE,GEMINI,COPILOT}{.md,.local.md,.override.md}",
    "**/{.claude,.gemini,.cursor,.codex,.windsurf,.continue,.aider,.agents,.kiro,.roo}*/**",
    "**/{.mcp,mcp}.json",
    "**/{.cursorrules,.windsurfrules,.clinerules,.aider.conf.yml}",
    // Hooks
    "**/{.husky,.githooks,.git-hooks}/**",
    "**/{.pre-commit-config.yaml,.pre-commit-hooks.yaml,lefthook.yml,.lefthook.yml}",
    // Manifests and lock files: new code comes in through them
    "**/{Cargo.toml,Cargo.lock,rust-toolchain,rust-toolchain.toml}",
    "**/{package.json,package-lock.json,npm-shrinkwrap.json,.npmrc,.yarnrc,.yarnrc.yml}",
    "**/{yarn.lock,pnpm-lock.yaml,pnpm-workspace.yaml,.pnpmfile.cjs,bun.lock,bun.lockb,bunfig.toml}",
    "**/{deno.json,deno.jsonc,deno.lock}",
    "**/{pyproject.toml,setup.py,setup.cfg,Pipfile,Pipfile.lock,poetry.lock,uv.lock,uv.toml}",
    "**/{pdm.lock,pylock.toml,pylock.*.toml,pip.conf,conda-lock.yml,environment.yml}",
    "**/*requirements*.{txt,in}",
    "**/requirements/*.{txt,in}",
    "**/{go.mod,go.sum,go.work,go.work.sum}",
    "**/{Gemfile,Gemfile.lock,gems.rb,gems.locked,*.gemspec}",
    "**/{pom.xml,build.gradle,build.gradle.kts,settings.gradle,settings.gradle.kts}",
    "**/{gradle.lockfile,gradle.properties,libs.versions.toml,gradle-wrapper.properties,gradle-wrapper.jar}",
    "**/{composer.json,composer.lock,mix.exs,mix.lock,pubspec.yaml,pubspec.lock}",
    "**/{Package.swift,Package.resolved,Podfile,Podfile.lock,Cartfile,Cartfile.resolved}",
    "**/{packages.lock.json,packages.config,Directory.Packages.props,nuget.config,*.csproj,*.fsproj}",
    "**/{MODULE.bazel,MODULE.bazel.lock,WORKSPACE,WORKSPACE.bazel,flake.nix,flake.lock}",
    "**/{conan.lock,conanfile.txt,conanfile.py,vcpkg.json}",
];

/// Rules as a step's author writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RuleSpec {
    /// Most files a patch may touch; a rename touches two.
    pub files_max: u64,
    /// Most lines it may add and remove, together.
    pub lines_max: u64,
    /// Patterns over whole paths (`*`, `**`, `?`, `[a-z]`, `{a,b}`) that are protected besides
    /// the built-in ones.
    pub protected: Vec<String>,
    /// Patterns that lift a protection, built-in or not. They are exact about case.
    pub allowed: Vec<String>,
}

/// Rules that can be applied.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(crate) files_max: u64,
    pub(crate) lines_max: u64,
    // Over folded names.
    protected: GlobSet,
    allowed: GlobSet,
}

/// Why rules cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A pattern that cannot be read.
    #[error("the pattern `{}` cannot be used: {why}", pattern.escape_debug())]
    BadPattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// Too many patterns.
    #[error("{found} patterns, the most is {PATTERNS_MAX}; use wider ones")]
    TooMany {
        /// How many there are.
        found: usize,
    },
}

impl Default for RuleSpec {
    /// A change that a person can review at one sitting.
    fn default() -> Self {
        Self { files_max: 20, lines_max: 500, protected: Vec::new(), allowed: Vec::new() }
    }
}

impl Rules {
    /// Rules from what an author wrote, with the built-in protections.
    ///
    /// # Errors
    ///
    /// Fails on a pattern that cannot be read, and on too many of them.
    pub fn new(spec: &RuleSpec) -> Result<Self, RulesError> {
        let built_in = PROTECTED.iter().map(|pattern| fold(pattern));
        let own = bounded(&spec.protected)?.iter().map(|pattern| fold(pattern));
        Ok(Self {
            files_max: spec.files_max,
            lines_max: spec.lines_max,
            protected: set(built_in.chain(own))?,
            allowed: set(bounded(&spec.allowed)?.iter().cloned())?,
        })
    }

    /// Whether a path may only be touched by a person.
    #[must_use]
    pub fn protects(&self, path: &str) -> bool {
        self.protected.is_match(fold(path)) && !self.allowed.is_match(path)
    }
}

fn bounded(patterns: &[String]) -> Result<&[String], RulesError> {
    let found = patterns.len();
    if found > PATTERNS_MAX { Err(RulesError::TooMany { found }) } else { Ok(patterns) }
}

fn set(patterns: impl Iterator<Item = String>) -> Result<GlobSet, RulesError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let bad = |why: String| RulesError::BadPattern { pattern: pattern.clone(), why };
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(bad(format!("it is longer than {PATTERN_BYTES_MAX} bytes")));
        }
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
        set.add(glob.map_err(|err| bad(err.kind().to_string()))?);
    }
    set.build().map_err(|err| RulesError::BadPattern {
        pattern: err.glob().unwrap_or_default().to_owned(),
        why: err.kind().to_string(),
    })
}

#[cfg(test)]
mod tests;
