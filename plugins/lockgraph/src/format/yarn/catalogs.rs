//! Catalogues of `.yarnrc.yml`: ranges that several packages of a project share by name.

use std::collections::BTreeMap;

use crate::format::yaml::{self, Yaml};
use crate::path;
use crate::scan::{Files, ReadError};
use crate::text::decode;
use crate::warning::Warnings;

/// The ranges of a project's catalogues, by catalogue and package; the common one has no name.
#[derive(Debug, Default)]
pub(super) struct Catalogs(BTreeMap<(String, String), String>);

impl Catalogs {
    /// Reads the settings in a directory, of which nothing but the catalogues is looked at.
    pub(super) fn read(dir: &str, files: &dyn Files, warnings: &mut Warnings) -> Self {
        let path = path::join(dir, ".yarnrc.yml");
        let bytes = match files.read(&path) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return Self::default(),
            Err(err @ ReadError::Failed(_)) => {
                warnings.add(&path, None, err.to_string());
                return Self::default();
            }
        };
        let parsed = match decode(&bytes) {
            Ok(text) => yaml::parse(text),
            Err(line) => Err(crate::format::Unreadable::NotText { line }),
        };
        let mut catalogs = Self::default();
        match parsed {
            Ok(documents) => documents.iter().for_each(|document| catalogs.add(document)),
            // The parser's words may quote what is secret.
            Err(err) => warnings.add(&path, err.line(), "not valid YAML; catalogues are unknown"),
        }
        catalogs
    }

    fn add(&mut self, document: &Yaml<'_>) {
        let common = document.get("catalog").map(|catalog| ("", catalog));
        let named = document.get("catalogs").map(Yaml::members).unwrap_or_default();
        let named = named.iter().filter_map(|(name, catalog)| Some((name.text()?, catalog)));
        for (catalog, ranges) in common.into_iter().chain(named) {
            for (name, range) in ranges.members() {
                if let (Some(name), Some(range)) = (name.text(), range.text()) {
                    self.0.insert((catalog.to_owned(), name.to_owned()), range.to_owned());
                }
            }
        }
    }

    /// The range that `catalog:` or `catalog:name` means for a package.
    pub(super) fn range(&self, name: &str, range: &str) -> Option<&str> {
        let catalog = range.strip_prefix("catalog:")?;
        self.0.get(&(catalog.to_owned(), name.to_owned())).map(String::as_str)
    }
}
