//! A repository in memory, for tests.

use std::collections::BTreeMap;

use crate::path;
use crate::scan::{Files, Found, ReadError};

/// Files by path.
#[derive(Debug, Default)]
pub(crate) struct Memory(BTreeMap<String, String>);

impl Memory {
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        Self(files.into_iter().map(owned).collect())
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let text = self.0.get(path).ok_or(ReadError::Missing)?;
        Ok(text.clone().into_bytes())
    }

    fn find(&self, patterns: &[String]) -> Result<Found, ReadError> {
        let is_meant = |path: &&String| {
            let names: Vec<&str> = path.split('/').collect();
            patterns.iter().any(|pattern| {
                let pattern: Vec<&str> = pattern.split('/').collect();
                matches(&pattern, &names)
            })
        };
        Ok(Found { paths: self.0.keys().filter(is_meant).cloned().collect(), truncated: false })
    }
}

/// `**` for any names, and one `*` in a name for any part of it.
fn matches(pattern: &[&str], names: &[&str]) -> bool {
    match (pattern, names) {
        ([], []) => true,
        (["**", rest @ ..], _) => {
            matches(rest, names)
                || names.split_first().is_some_and(|(_, names)| matches(pattern, names))
        }
        ([first, rest @ ..], [name, names @ ..]) => {
            path::ends_as(name, first) && matches(rest, names)
        }
        _ => false,
    }
}
