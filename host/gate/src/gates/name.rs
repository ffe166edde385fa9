//! The gates by name, and what a person should know of each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which gate spoke. The order is that in which they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateName {
    /// The patch can be read, and its names are harmless.
    PatchValid,
    /// It touches few enough files.
    FilesMax,
    /// It changes few enough lines.
    LinesMax,
    /// It touches nothing that only a person may touch.
    ProtectedPaths,
    /// It adds no character that makes text look like other text.
    HiddenCharacters,
    /// It adds no secret.
    Secrets,
    /// It changes no dependency otherwise than the rules allow.
    Dependencies,
    /// The tests run, pass, and are as many as before.
    Tests,
}

impl GateName {
    /// Every gate, in the order in which they speak.
    pub const ALL: [Self; 8] = [
        Self::PatchValid,
        Self::FilesMax,
        Self::LinesMax,
        Self::ProtectedPaths,
        Self::HiddenCharacters,
        Self::Secrets,
        Self::Dependencies,
        Self::Tests,
    ];

    /// The gate of that name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == name)
    }

    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PatchValid => "patch-valid",
            Self::FilesMax => "files-max",
            Self::LinesMax => "lines-max",
            Self::ProtectedPaths => "protected-paths",
            Self::HiddenCharacters => "hidden-characters",
            Self::Secrets => "secrets",
            Self::Dependencies => "dependencies",
            Self::Tests => "tests",
        }
    }

    /// What it asks of a patch, in a few words.
    #[must_use]
    pub fn demands(self) -> &'static str {
        match self {
            Self::PatchValid => "The patch can be read, and its names are harmless",
            Self::FilesMax => "The patch touches few enough files",
            Self::LinesMax => "The patch changes few enough lines",
            Self::ProtectedPaths => "The patch touches nothing that only a person may touch",
            Self::HiddenCharacters => "The patch adds no hidden characters",
            Self::Secrets => "The patch adds no secret",
            Self::Dependencies => "The patch changes dependencies only as the step allows",
            Self::Tests => "The tests run, pass, and are as many as before",
        }
    }

    /// Why there is such a gate, in a sentence or two.
    #[must_use]
    pub fn reasoning(self) -> &'static str {
        match self {
            Self::PatchValid => {
                "A patch is text from a stranger. One that two programs read differently, or whose \
                 names lead out of the repository or into git's own directory on some system, is \
                 refused before any rule is asked."
            }
            Self::FilesMax => {
                "A change over many files is not reviewed but waved through. The most is what a \
                 person can look at in one sitting."
            }
            Self::LinesMax => {
                "A long change is not reviewed but waved through. The most is what a person can \
                 look at in one sitting."
            }
            Self::ProtectedPaths => {
                "Pipelines, hooks, owners, settings of agents and manifests decide what runs next \
                 time, and with whose rights. A model that obeys an attacker writes there first."
            }
            Self::HiddenCharacters => {
                "Characters that change the direction of text, or that show nothing, make a \
                 reviewer read something else than what is executed, or carry orders for the next \
                 model that reads the file."
            }
            Self::Secrets => {
                "What leaves in a patch is public soon, and stays in the history. Values that the \
                 host holds are looked for in plain text, base64, hexadecimal and URL encoding; \
                 other secrets by their published shapes."
            }
            Self::Dependencies => {
                "A dependency is code of others that runs with all rights of the project. New and \
                 changed ones are told by comparing two bills of materials, not by what a manifest \
                 seems to say."
            }
            Self::Tests => {
                "The cheapest way to make tests pass is to take them away. So the tests must run \
                 with the patch, pass, and be no fewer than without it."
            }
        }
    }

    /// Where a step file says what it does, if anywhere.
    #[must_use]
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::PatchValid | Self::Secrets => None,
            Self::FilesMax => Some("gates.files-max, gates.then.files-max"),
            Self::LinesMax => Some("gates.lines-max, gates.then.lines-max"),
            Self::ProtectedPaths => {
                Some("gates.protected, gates.allowed, gates.then.protected-paths")
            }
            Self::HiddenCharacters => Some("gates.then.hidden-characters"),
            Self::Dependencies => Some("gates.dependencies"),
            Self::Tests => Some("gates.then.tests"),
        }
    }
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
