//! The name of an object: what every service, file system and URL spells the same way.

use std::fmt;
use std::str::FromStr;

/// Longest name in bytes. S3 allows 1024 with the prefix of the store, file systems much more.
const NAME_BYTES_MAX: usize = 512;

/// Longest segment in bytes: what a file system allows, less what a temporary name adds.
const SEGMENT_BYTES_MAX: usize = 200;

/// Most segments: also how deep a listing goes.
pub(crate) const SEGMENTS_MAX: usize = 16;

/// `[a-z0-9._-]+` segments joined by `/`; none begins with a dot.
///
/// A name that is also the folder of another (`a` beside `a/b`) is an error in places made of
/// folders (files, WebDAV) and none elsewhere: do not use such a pair.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It has more bytes than any service is sure to take.
    #[error("a name of {0} bytes; the most is {NAME_BYTES_MAX}")]
    TooLong(usize),
    /// It has more segments than a listing follows.
    #[error("a name of {0} segments; the most is {SEGMENTS_MAX}")]
    TooDeep(usize),
    /// Nothing before, after or between two slashes.
    #[error("an empty segment in a name")]
    EmptySegment,
    /// One segment has more bytes than a file system takes.
    #[error("a segment of {0} bytes in a name; the most is {SEGMENT_BYTES_MAX}")]
    LongSegment(usize),
    /// `.`, `..` and hidden files are no segments.
    #[error("a segment of a name begins with a dot")]
    LeadingDot,
    /// Not one of `a-z`, `0-9`, `.`, `_`, `-`.
    #[error("{0:?} in a name; it may hold a-z, 0-9, `.`, `_`, `-` and `/`")]
    Character(char),
}

impl Name {
    /// Checks that `text` is a name.
    pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
        let text = text.into();
        if text.len() > NAME_BYTES_MAX {
            return Err(BadName::TooLong(text.len()));
        }
        let segments = text.split('/').count();
        if segments > SEGMENTS_MAX {
            return Err(BadName::TooDeep(segments));
        }
        text.split('/').try_for_each(check_segment)?;
        Ok(Self(text))
    }

    /// The name as it was checked.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of `rest` below this one.
    pub fn join(&self, rest: &str) -> Result<Self, BadName> {
        Self::new(format!("{self}/{rest}"))
    }
}

fn check_segment(segment: &str) -> Result<(), BadName> {
    if segment.is_empty() {
        return Err(BadName::EmptySegment);
    }
    if segment.len() > SEGMENT_BYTES_MAX {
        return Err(BadName::LongSegment(segment.len()));
    }
    if segment.starts_with('.') {
        return Err(BadName::LeadingDot);
    }
    let known = |c: &char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    segment.chars().find(|c| !known(c)).map_or(Ok(()), |c| Err(BadName::Character(c)))
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
