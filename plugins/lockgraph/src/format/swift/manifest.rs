//! A `Package.swift`, as far as it can be read without running it.

use std::collections::BTreeSet;

use super::repository;
use crate::format::{PACKAGES_MAX, word};

/// What a package says of itself.
#[derive(Debug)]
pub(super) struct Manifest<'a> {
    pub(super) name: Option<&'a str>,
    /// Names of the repositories it names; what is in a remark is left out.
    pub(super) needs: BTreeSet<String>,
}

impl<'a> Manifest<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut manifest = Self { name: None, needs: BTreeSet::new() };
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            if manifest.name.is_none() {
                manifest.name = quoted_after(line, "name:").next().and_then(word);
            }
            let urls = quoted_after(line, "url:").filter_map(repository);
            let ids = quoted_after(line, "id:").map(|id| id.replacen('.', "/", 1));
            for name in urls.chain(ids) {
                if manifest.needs.len() < PACKAGES_MAX {
                    manifest.needs.insert(name);
                }
            }
        }
        manifest
    }
}

/// The texts after each `key`.
fn quoted_after<'t>(line: &'t str, key: &'static str) -> impl Iterator<Item = &'t str> {
    line.split(key).skip(1).filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix('"')?;
        rest.split_once('"').map(|(text, _)| text)
    })
}
