//! What spending counts against: one request belongs to a scope of each dimension.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use crate::Name;

/// A kind of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// A repository.
    Repository,
    /// A step of a repository.
    Step,
    /// A pull request of a repository.
    PullRequest,
    /// A branch of a repository.
    Branch,
    /// A workflow of a repository.
    Workflow,
    /// A day, over all repositories.
    Day,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Repository, Self::Step, Self::PullRequest, Self::Branch, Self::Workflow, Self::Day];

    /// The name in patterns, messages and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Step => "step",
            Self::PullRequest => "pull-request",
            Self::Branch => "branch",
            Self::Workflow => "workflow",
            Self::Day => "day",
        }
    }

    /// The column that holds a scope's own name.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::PullRequest => "pull_request",
            Self::Repository | Self::Step | Self::Branch | Self::Workflow | Self::Day => {
                self.name()
            }
        }
    }

    /// What stands between a repository and what is in it.
    pub(crate) fn separator(self) -> &'static str {
        match self {
            Self::PullRequest => "#",
            Self::Branch => "@",
            Self::Step | Self::Workflow => ":",
            Self::Repository | Self::Day => "",
        }
    }

    /// Whether its scopes are parts of a repository.
    pub(crate) fn is_in_repository(self) -> bool {
        !self.separator().is_empty()
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Text that names no dimension, or no pattern of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// No dimension has that name.
    #[error(
        "`{text}` is none of `repository`, `step`, `pull-request`, `branch`, `workflow`, `day`"
    )]
    Dimension {
        /// What was written.
        text: String,
    },
    /// There is no `dimension:name`.
    #[error("`{text}` is not of the form `pull-request:acme/shop#17` or `pull-request:*`")]
    Form {
        /// What was written.
        text: String,
    },
    /// A star that is not the last character.
    #[error("`{text}` has a `*` that is not at its end")]
    Star {
        /// What was written.
        text: String,
    },
}

impl FromStr for Dimension {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let found = Self::ALL.into_iter().find(|dimension| dimension.name() == text);
        found.ok_or_else(|| BadPattern::Dimension { text: text.to_owned() })
    }
}

/// A day of UTC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(String);

/// Text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no day such as `2026-11-24`")]
pub struct BadDay {
    text: String,
}

/// How long `2026-11-24` is.
const DAY_BYTES: usize = 10;

/// The start of 9999-12-31, since 1970.
const LAST_DAY: Duration = Duration::from_secs(253_402_214_400);

impl Day {
    /// The day of a moment; the nearest one from 1970 to 9999.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = SystemTime::UNIX_EPOCH + since.min(LAST_DAY);
        let mut text = humantime::format_rfc3339_seconds(time).to_string();
        text.truncate(DAY_BYTES);
        Self(text)
    }

    /// The day as text, `2026-11-24`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day so many days before, but none before 1970.
    #[must_use]
    pub fn before(&self, days: u32) -> Self {
        let span = Duration::from_hours(24) * days;
        let start = humantime::parse_rfc3339(&format!("{}T00:00:00Z", self.0));
        let start = start.unwrap_or(SystemTime::UNIX_EPOCH);
        let earlier = start.checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH);
        Self::of(earlier)
    }
}

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let time = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
        // Some days that are none (30 February) are read as others.
        let day = time.ok().map(Self::of).filter(|day| day.0 == text);
        day.ok_or_else(|| BadDay { text: text.to_owned() })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Everything that a request counts against.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scopes {
    /// The step's name.
    pub step: Name,
    /// The repository, such as `acme/shop`.
    pub repository: Name,
    /// The number of the pull request.
    pub pull_request: Option<Name>,
    /// The branch.
    pub branch: Option<Name>,
    /// The workflow of the pipeline.
    pub workflow: Option<Name>,
    /// The day, which the caller's clock says.
    pub day: Day,
}

impl Scopes {
    /// The scope of a dimension, if the request belongs to one.
    pub fn of(&self, dimension: Dimension) -> Option<Scope> {
        let name = match dimension {
            Dimension::Repository => Some(self.repository.as_str()),
            Dimension::Step => Some(self.step.as_str()),
            Dimension::PullRequest => self.pull_request.as_ref().map(Name::as_str),
            Dimension::Branch => self.branch.as_ref().map(Name::as_str),
            Dimension::Workflow => self.workflow.as_ref().map(Name::as_str),
            Dimension::Day => Some(self.day.as_str()),
        };
        let repository = if dimension.is_in_repository() { self.repository.as_str() } else { "" };
        name.map(|name| Scope {
            dimension,
            repository: repository.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// One thing that spending counts against, such as a pull request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    pub(crate) dimension: Dimension,
    /// Empty where the dimension is not within a repository.
    pub(crate) repository: String,
    pub(crate) name: String,
}

impl Scope {
    /// What kind it is.
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// Its name, with its repository: `acme/shop#17`.
    pub fn label(&self) -> String {
        format!("{}{}{}", self.repository, self.dimension.separator(), self.name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.dimension, self.label()))
    }
}

/// Which scopes of a dimension: the one with a label, or all that begin alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    dimension: Dimension,
    label: Name,
}

impl Pattern {
    /// The dimension.
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// Whether the scope is meant.
    pub fn matches(&self, scope: &Scope) -> bool {
        self.dimension == scope.dimension
            && match self.prefix() {
                Some(prefix) => scope.label().starts_with(prefix),
                None => scope.label() == self.label.as_str(),
            }
    }

    /// How the labels that are meant begin; `None` where one alone is.
    pub(crate) fn prefix(&self) -> Option<&str> {
        self.label.as_str().strip_suffix('*')
    }

    /// What stands behind the dimension.
    pub(crate) fn label(&self) -> &str {
        self.label.as_str()
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    /// Reads `repository:acme/shop`, `pull-request:acme/*`, `day:*`.
    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let form = || BadPattern::Form { text: text.to_owned() };
        let (dimension, label) = text.split_once(':').ok_or_else(form)?;
        let dimension = dimension.parse()?;
        let label = Name::new(label).map_err(|_| form())?;
        let inner = label.as_str().strip_suffix('*').unwrap_or(label.as_str());
        if inner.contains('*') {
            return Err(BadPattern::Star { text: text.to_owned() });
        }
        Ok(Self { dimension, label })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.dimension, self.label))
    }
}

#[cfg(test)]
mod tests;
