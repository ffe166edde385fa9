//! The keys of packages: paths in versions 5 and 6, `name@version` since.

use crate::format::js::split_at_sign;

/// What a key says without the peers behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'a> {
    /// None when only an address is said.
    pub(super) name: Option<&'a str>,
    /// None when it is no version of a registry.
    pub(super) version: Option<&'a str>,
    /// The version or the address.
    pub(super) reference: &'a str,
}

/// A key without the peers behind it, as version 9 lists packages.
pub(super) fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(key, _)| key)
}

impl<'a> Key<'a> {
    pub(super) fn read(key: &'a str, major: u32) -> Self {
        let plain = without_peers(key);
        if major < 6 {
            return Self::path(plain);
        }
        if major < 9 {
            let relative = plain.strip_prefix('/').unwrap_or(plain);
            let found = relative.rsplit_once('@').and_then(|(name, reference)| {
                let version = Some(version(reference)?);
                (!name.is_empty()).then(|| Self { name: Some(last_name(name)), version, reference })
            });
            return found.unwrap_or_else(|| Self::path(plain));
        }
        match split_at_sign(plain) {
            Some((name, reference)) => {
                Self { name: Some(name), version: version(reference), reference }
            }
            None => Self::address(plain),
        }
    }

    /// `/name/version_peers`, with the registry's host in front or without.
    fn path(plain: &'a str) -> Self {
        let Some((before, last)) = plain.rsplit_once('/') else { return Self::address(plain) };
        let last = last.split_once('_').map_or(last, |(last, _)| last);
        match version(last) {
            Some(found) if !plain.contains(':') => {
                let name = last_name(before);
                let name = (!name.is_empty()).then_some(name);
                Self { name, version: Some(found), reference: last }
            }
            Some(_) | None => Self::address(plain),
        }
    }

    fn address(plain: &'a str) -> Self {
        Self { name: None, version: None, reference: plain }
    }
}

/// A version of a registry; `runtime:` is said of node and the like.
fn version(reference: &str) -> Option<&str> {
    let reference = reference.strip_prefix("runtime:").unwrap_or(reference);
    let is_version = reference.starts_with(|c: char| c.is_ascii_digit())
        && reference.contains('.')
        && !reference.contains(['/', ':']);
    is_version.then_some(reference)
}

/// The name at the end of a path.
fn last_name(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at);
    let (last, before) = (slashes.next(), slashes.next());
    let Some(last) = last else { return path };
    let scope = before.map_or(0, |at| at + 1);
    if path[scope..].starts_with('@') { &path[scope..] } else { &path[last + 1..] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_name_and_version() {
        let cases = [
            (5, "/a/1.0.0", "a 1.0.0"),
            (5, "/@s/a/1.0.0", "@s/a 1.0.0"),
            (5, "r.example.org/a/1.1.0", "a 1.1.0"),
            (5, "r.example.org/@s/a/1.1.0", "@s/a 1.1.0"),
            (5, "/a/1.3.0_b@2.0.0", "a 1.3.0"),
            (5, "/a/1.4.0_@types+babel__core@7.1.14", "a 1.4.0"),
            (5, "/a/b", "- -"),
            (5, "invalid", "- -"),
            (5, "github.com/me/a/590f321b4eb3f692bb211bd74e22947639a6f79d", "- -"),
            (5, "file:projects/a-1.0.0.tgz", "- -"),
            (6, "/a@1.0.0(b@2.0.0)(@s/c@3.0.0(d@4.0.0))", "a 1.0.0"),
            (6, "/@s/a@1.0.0-rc.1", "@s/a 1.0.0-rc.1"),
            (6, "r.example.org/@s/a@1.0.0", "@s/a 1.0.0"),
            (6, "github.com/me/a/abc", "- -"),
            (6, "file:../a(b@1.0.0)", "- -"),
            (6, "@host.example.org/a/-/a-1.0.0.tgz", "- -"),
            (9, "a@1.0.0(b@2.0.0)", "a 1.0.0"),
            (9, "@s/a@1.0.0+build", "@s/a 1.0.0+build"),
            (9, "a@https://codeload.github.com/me/a/tar.gz/abc", "a -"),
            (9, "@s/a@file:packages/a(b@1.0.0)", "@s/a -"),
            (9, "node@runtime:22.0.0", "node 22.0.0"),
        ];
        for (major, key, expected) in cases {
            let Key { name, version, .. } = Key::read(key, major);
            let text = format!("{} {}", name.unwrap_or("-"), version.unwrap_or("-"));
            assert_eq!(text, expected, "{key}");
        }
    }
}
