//! Package URLs, written in their canonical form and read in any.
//!
//! The rules are the purl specification's (`package-url/purl-spec`, ECMA-427): one for encoding,
//! and for each type how its names are normalised.

mod parse;

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::ecosystem::Ecosystem;

pub use parse::{BadPackageUrl, PackageUrl};

/// A package URL in the making. Its parts are the plain text; encoding is done here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purl<'a> {
    pub(crate) ecosystem: Ecosystem,
    /// With the group in front, where the ecosystem has groups: see [`Ecosystem::split_name`].
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    /// Sorted by key: where it comes from, where that is not the usual place, or which variant.
    pub(crate) qualifiers: &'a [(&'static str, &'a str)],
    /// The part of the package that is meant, where it is not all of it.
    pub(crate) subpath: Option<&'a str>,
}

impl<'a> Purl<'a> {
    /// A package of the usual registry.
    pub(crate) fn new(ecosystem: Ecosystem, name: &'a str, version: Option<&'a str>) -> Self {
        Self { ecosystem, name, version, qualifiers: &[], subpath: None }
    }

    pub(crate) fn write(self) -> String {
        let name = normalised(self.ecosystem, self.name);
        let (group, name) = self.ecosystem.split_name(&name);
        write(&Parts {
            kind: self.ecosystem.name(),
            group: group.unwrap_or_default(),
            name,
            version: self.version.unwrap_or_default(),
            qualifiers: self.qualifiers.iter().copied(),
            subpath: self.subpath.unwrap_or_default(),
        })
    }
}

/// The parts of a package URL, normalised; what is empty is not there.
struct Parts<'a, Qualifiers> {
    kind: &'a str,
    group: &'a str,
    name: &'a str,
    version: &'a str,
    /// Sorted by key.
    qualifiers: Qualifiers,
    subpath: &'a str,
}

fn write<'a>(parts: &Parts<'a, impl Iterator<Item = (&'a str, &'a str)> + Clone>) -> String {
    let mut out = format!("pkg:{}/", parts.kind);
    for part in parts.group.split('/').filter(|part| !part.is_empty()) {
        encode(&mut out, part);
        out.push('/');
    }
    encode(&mut out, parts.name);
    if !parts.version.is_empty() {
        out.push('@');
        encode(&mut out, parts.version);
    }
    let qualifiers = parts.qualifiers.clone().filter(|(_, value)| !value.is_empty());
    for (at, (key, value)) in qualifiers.enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        encode(&mut out, value);
    }
    let subpath = parts.subpath.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    for (at, part) in subpath.enumerate() {
        out.push(if at == 0 { '#' } else { '/' });
        encode(&mut out, part);
    }
    out
}

/// One spelling for the names that an ecosystem takes for the same.
pub(crate) fn normalised(ecosystem: Ecosystem, name: &str) -> Cow<'_, str> {
    match ecosystem {
        Ecosystem::Composer | Ecosystem::Github | Ecosystem::Golang | Ecosystem::Hex => {
            Cow::Owned(name.to_lowercase())
        }
        Ecosystem::Pypi => Cow::Owned(name.to_lowercase().replace('_', "-")),
        Ecosystem::Pub => {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            Cow::Owned(name.to_lowercase().chars().map(plain).collect())
        }
        Ecosystem::Cargo
        | Ecosystem::Conan
        | Ecosystem::Docker
        | Ecosystem::Gem
        | Ecosystem::Generic
        | Ecosystem::Maven
        | Ecosystem::Npm
        | Ecosystem::Nuget
        | Ecosystem::Swift
        | Ecosystem::Terraform => Cow::Borrowed(name),
    }
}

/// Percent-encodes all but the characters that the specification leaves as they are.
fn encode(out: &mut String, text: &str) {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        out.push_str(&rest[..at]);
        let special = rest[at..].chars().next().map_or(1, char::len_utf8);
        for byte in rest[at..at + special].bytes() {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        rest = &rest[at + special..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests;
