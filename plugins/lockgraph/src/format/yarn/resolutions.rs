//! `resolutions` of the root's package.json: what is looked up instead of what was asked for.

use std::collections::BTreeMap;

use super::keys::Asked;
use crate::format::js::Manifest;

/// The resolutions of a project, by the name they are for.
#[derive(Debug, Default)]
pub(super) struct Resolutions(BTreeMap<String, Vec<Resolution>>);

#[derive(Debug)]
struct Resolution {
    /// Only for packages that this one asks for.
    parent: Option<Part>,
    /// Only below packages that are on the way, at a depth nobody here can tell.
    somewhere: bool,
    /// Only for this range.
    range: Option<String>,
    target: String,
}

/// A package's name, and its version where that matters.
#[derive(Debug)]
struct Part {
    name: String,
    version: Option<String>,
}

impl Resolutions {
    pub(super) fn read(root: Option<&Manifest>) -> Self {
        let mut resolutions = Self::default();
        for (pattern, target) in root.into_iter().flat_map(|root| &root.resolutions) {
            let parts = parts(pattern);
            let Some((name, above)) = parts.split_last() else { continue };
            let (name, range) = versioned(name);
            // `**/name` is the same as `name`.
            let above: Vec<&str> = above.iter().copied().skip_while(|part| *part == "**").collect();
            let parent = above.last().filter(|part| **part != "**").map(|part| {
                let (name, version) = versioned(part);
                Part { name: name.to_owned(), version: version.map(str::to_owned) }
            });
            let resolution = Resolution {
                somewhere: above.last() == Some(&"**"),
                parent,
                range: range.map(str::to_owned),
                target: target.clone(),
            };
            resolutions.0.entry(name.to_owned()).or_default().push(resolution);
        }
        resolutions
    }

    /// The range that is looked up instead. The narrowest resolution counts.
    pub(super) fn instead(&self, asked: &Asked<'_>) -> Option<&str> {
        let fits = |one: &&Resolution| {
            let same_range =
                one.range.as_deref().is_none_or(|range| plain(range) == plain(asked.range));
            let same_parent = one.parent.as_ref().is_none_or(|parent| {
                let version = parent.version.as_deref();
                parent.name == asked.by
                    && version.is_none_or(|version| Some(plain(version)) == asked.version)
            });
            !one.somewhere && same_range && same_parent
        };
        let narrowness = |one: &&Resolution| (one.parent.is_some(), one.range.is_some());
        let all = self.0.get(asked.name)?.iter();
        all.filter(fits).max_by_key(narrowness).map(|one| one.target.as_str())
    }

    /// A range for packages below others, at whatever depth.
    pub(super) fn somewhere_below(&self, name: &str) -> Option<&str> {
        let mut all = self.0.get(name)?.iter();
        all.find(|one| one.somewhere).map(|one| one.target.as_str())
    }
}

/// A pattern's names, scopes with what they are of. A slash in a range is not between names.
fn parts(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let scope = if rest.starts_with('@') { rest.find('/').map_or(0, |at| at + 1) } else { 0 };
        let end = rest[scope..].find('/').map_or(rest.len(), |at| scope + at);
        let (part, after) = rest.split_at(end);
        // A range goes on to the next thing that can be a name; scoped aliases have a slash.
        let has_scope_in_range = part[scope..].contains("@npm:@") && !after.is_empty();
        let end = if has_scope_in_range {
            after[1..].find('/').map_or(rest.len(), |at| end + 1 + at)
        } else {
            end
        };
        parts.push(&rest[..end]);
        rest = rest[end..].strip_prefix('/').unwrap_or_default();
    }
    parts
}

fn versioned(part: &str) -> (&str, Option<&str>) {
    match crate::format::js::split_at_sign(part) {
        Some((name, version)) => (name, Some(version)),
        None => (part, None),
    }
}

fn plain(range: &str) -> &str {
    range.strip_prefix("npm:").unwrap_or(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_names() {
        let cases: [(&str, &[&str]); 6] = [
            ("a", &["a"]),
            ("**/a", &["**", "a"]),
            ("@s/a/b", &["@s/a", "b"]),
            ("a@npm:1.0.0/@s/b@^2", &["a@npm:1.0.0", "@s/b@^2"]),
            ("a@npm:@s/b@^1.0.0/c", &["a@npm:@s/b@^1.0.0", "c"]),
            ("@s", &["@s"]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(parts(pattern), expected, "{pattern}");
        }
    }
}
