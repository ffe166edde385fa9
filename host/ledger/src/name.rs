//! Names that come from outside: of repositories, branches, runs, holders.

use std::fmt;
use std::str::FromStr;

/// The longest name, in bytes. Git's own references end at about half of it.
const NAME_BYTES_MAX: usize = 512;

/// A name: not empty, not longer than 512 bytes, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Text that is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// There is nothing.
    #[error("a name is empty")]
    Empty,
    /// It is longer than a name can be.
    #[error("a name has {bytes} bytes, the most is {NAME_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It has characters that cannot be seen.
    #[error("a name has a control character in it")]
    Control,
}

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters in it.
    pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
        let text = text.into();
        if text.is_empty() {
            Err(BadName::Empty)
        } else if text.len() > NAME_BYTES_MAX {
            Err(BadName::TooLong { bytes: text.len() })
        } else if text.chars().any(char::is_control) {
            Err(BadName::Control)
        } else {
            Ok(Self(text))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Name);

impl RunId {
    /// Checks the name of a run.
    ///
    /// # Errors
    /// When it is no [`Name`].
    pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
        Name::new(text).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_can_be_seen() {
        let check = |text: &str, expected: Result<(), BadName>| {
            assert_eq!(Name::new(text).map(drop), expected, "{text:?}");
        };
        check("a", Ok(()));
        check("feature/ü #7", Ok(()));
        check(&"x".repeat(NAME_BYTES_MAX), Ok(()));
        check(&"x".repeat(NAME_BYTES_MAX + 1), Err(BadName::TooLong { bytes: NAME_BYTES_MAX + 1 }));
        check("", Err(BadName::Empty));
        check("a\0", Err(BadName::Control));
        check("a\u{1b}[2J", Err(BadName::Control));
    }
}
