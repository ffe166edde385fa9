//! What a bill of materials says, whatever format it is written in.
//!
//! Formats differ in words and in shape, never in content: whatever one of them needs is here, and
//! each writer takes it from here alone.

mod content;

use std::borrow::Cow;

use lockgraph::{EdgeKind, Hash, Kind, Place, Scope, Warning};
use uuid::Uuid;

use crate::licence::Licence;
use crate::timestamp::Timestamp;
use crate::vers::Range;
use content::Content;

/// The space that identifiers are made in.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e1c_a6d0_7f3b_4c52_9d84_2b60_1fe7_93aa);

/// Who writes it.
pub(crate) const TOOL_NAME: &str = "stepwell-sbom";
/// Which version of it.
pub(crate) const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most lines that are given as evidence for one package.
const PLACES_MAX: usize = 20;

/// How much is said of each package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// All there is.
    Full,
    /// Not the lines that say so.
    NoEvidence,
    /// Not the addresses either.
    Bare,
}

impl Detail {
    /// What a document says of that, when something is missing.
    pub(crate) fn note(self) -> Option<String> {
        let what = match self {
            Self::Full => return None,
            Self::NoEvidence => "evidence",
            Self::Bare => "evidence, external references",
        };
        Some(format!("{what}: the document would be larger than allowed"))
    }
}

/// A bill of materials.
#[derive(Debug)]
pub(crate) struct Bill {
    /// What it is about, and then everything else; references are unique, every other package can
    /// be reached from the first, and no package needs itself.
    pub(crate) packages: Vec<Package>,
    /// The lock files that were read.
    pub(crate) lockfiles: Vec<String>,
    /// What was left out or guessed.
    pub(crate) warnings: Vec<Warning>,
    /// Whether everything that was wanted is in it.
    pub(crate) complete: bool,
    pub(crate) detail: Detail,
    /// When it was made, if the caller says so.
    pub(crate) created: Option<Timestamp>,
}

impl Bill {
    /// What the bill is about.
    pub(crate) fn subject(&self) -> &Package {
        &self.packages[0]
    }

    /// An identifier made of what it says: equal bills have the same.
    pub(crate) fn id(&self) -> Uuid {
        let mut content = Content::default();
        content.bill(self);
        Uuid::new_v5(&NAMESPACE, &content.0)
    }

    /// Fewer bytes than any document of it has: each of these texts is in there.
    pub(crate) fn bytes_min(&self) -> usize {
        let hashes = |hashes: &[Hash]| hashes.iter().map(|hash| hash.hex.len()).sum::<usize>();
        let archive = |archive: &Archive| archive.address.len() + hashes(&archive.hashes);
        let package = |package: &Package| {
            let archives: usize = package.archives.iter().map(archive).sum();
            let places: usize = package.evidence().iter().map(|place| place.path.len()).sum();
            archives + places + hashes(&package.hashes) + package.name.len()
        };
        self.packages.iter().map(package).sum()
    }

    /// The same with less detail.
    pub(crate) fn reduce(&mut self, detail: Detail) {
        self.detail = self.detail.max(detail);
        for package in &mut self.packages {
            if self.detail >= Detail::NoEvidence {
                package.places.clear();
            }
            if self.detail >= Detail::Bare {
                package.origin = None;
                package.archives.clear();
            }
        }
    }
}

/// A package's part in the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Application,
    Library,
    Container,
}

/// One package.
#[derive(Debug)]
pub(crate) struct Package {
    /// No other package of the bill has it.
    pub(crate) reference: String,
    pub(crate) role: Role,
    pub(crate) group: Option<String>,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// The versions that will do, where no exact one is pinned.
    pub(crate) range: Option<Range>,
    /// Where it is installed at all, as a marker of Python says it.
    pub(crate) condition: Option<String>,
    pub(crate) purl: Option<String>,
    /// None of what merely stands for the repository.
    pub(crate) known: Option<Known>,
    /// Digests of the one file it is installed from.
    pub(crate) hashes: Vec<Hash>,
    pub(crate) archives: Vec<Archive>,
    /// Digests of files that the lock file does not name. They are compared; no document has a
    /// place for them.
    pub(crate) nameless: Vec<Hash>,
    pub(crate) origin: Option<Origin>,
    /// A digest in the package manager's own form.
    pub(crate) integrity: Option<String>,
    pub(crate) licence: Option<Licence>,
    /// Lines that say it is there.
    pub(crate) places: Vec<Place>,
    /// Sorted by package.
    pub(crate) needs: Vec<Need>,
}

/// What a lock file knows of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
}

/// That a package needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// Its place in [`Bill::packages`].
    pub(crate) to: usize,
    pub(crate) kind: EdgeKind,
}

/// A file that a package can be installed from.
#[derive(Debug)]
pub(crate) struct Archive {
    /// An address, or a relative one: it can stand where an address is wanted.
    pub(crate) address: String,
    pub(crate) hashes: Vec<Hash>,
}

/// Where a package was got from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) kind: OriginKind,
    pub(crate) address: String,
}

/// What stands at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OriginKind {
    /// A repository.
    Vcs,
    /// A file to install from.
    Distribution,
}

impl Package {
    /// Facts that formats have no field of their own for, by name.
    pub(crate) fn facts(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let known = self.known.into_iter();
        let known = known.flat_map(|known| {
            [("stepwell:kind", known.kind.name()), ("stepwell:scope", known.scope.name())]
        });
        let range = self.range.iter().map(|range| ("stepwell:range", range.text.as_str()));
        let condition = self.condition.iter().map(|text| ("stepwell:condition", text.as_str()));
        let integrity = self.integrity.iter().map(|text| ("stepwell:integrity", text.as_str()));
        let all = known.chain(range).chain(condition).chain(integrity);
        let all = all.map(|(name, value)| (name, Cow::Borrowed(value)));
        let left_out = self.places.len().saturating_sub(PLACES_MAX);
        let left_out = (left_out > 0)
            .then(|| ("stepwell:left-out", Cow::Owned(format!("{left_out} more lines say so"))));
        all.chain(left_out).collect()
    }

    /// The first lines that say it is there.
    pub(crate) fn evidence(&self) -> &[Place] {
        &self.places[..self.places.len().min(PLACES_MAX)]
    }
}

/// A warning in one line.
pub(crate) fn line(warning: &Warning) -> String {
    match (warning.path.as_str(), warning.line) {
        ("", _) => warning.reason.clone(),
        (path, Some(line)) => format!("{path}:{line}: {}", warning.reason),
        (path, None) => format!("{path}: {}", warning.reason),
    }
}
