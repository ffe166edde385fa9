//! Package URLs, written in their canonical form.
//!
//! The rules are the purl specification's (`package-url/purl-spec`, ECMA-427): one for encoding,
//! and for each type how its names are normalised.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::ecosystem::Ecosystem;

/// A package URL in the making. Its parts are the plain text; encoding is done here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purl<'a> {
    pub(crate) ecosystem: Ecosystem,
    /// With the group in front, where the ecosystem has groups: see [`Ecosystem::split_name`].
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    /// Sorted by key: where it comes from, where that is not the usual place, or which variant.
    pub(crate) qualifiers: &'a [(&'static str, &'a str)],
}

impl<'a> Purl<'a> {
    /// A package of the usual registry.
    pub(crate) fn new(ecosystem: Ecosystem, name: &'a str, version: Option<&'a str>) -> Self {
        Self { ecosystem, name, version, qualifiers: &[] }
    }

    pub(crate) fn write(self) -> String {
        let mut out = format!("pkg:{}/", self.ecosystem.name());
        let name = normalised(self.ecosystem, self.name);
        let (group, name) = self.ecosystem.split_name(&name);
        for part in group.into_iter().flat_map(|group| group.split('/')) {
            encode(&mut out, part);
            out.push('/');
        }
        encode(&mut out, name);
        if let Some(version) = self.version {
            out.push('@');
            encode(&mut out, version);
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            out.push(if at == 0 { '?' } else { '&' });
            out.push_str(key);
            out.push('=');
            encode(&mut out, value);
        }
        out
    }
}

/// One spelling for the names that an ecosystem takes for the same.
fn normalised(ecosystem: Ecosystem, name: &str) -> Cow<'_, str> {
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
        | Ecosystem::Maven
        | Ecosystem::Npm
        | Ecosystem::Nuget
        | Ecosystem::Swift => Cow::Borrowed(name),
    }
}

/// Percent-encodes all but the characters that the specification leaves as they are.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        ecosystem: Ecosystem,
        name: &str,
        version: Option<&str>,
        qualifiers: &[(&'static str, &str)],
        expected: &str,
    ) {
        assert_eq!(Purl { ecosystem, name, version, qualifiers }.write(), expected);
    }

    #[test]
    fn a_package_url_is_canonical() {
        use Ecosystem::{Cargo, Golang, Maven, Npm, Pypi};

        check(Cargo, "rand", Some("0.7.2"), &[], "pkg:cargo/rand@0.7.2");
        check(Cargo, "wasi", Some("0.11.0+wasi"), &[], "pkg:cargo/wasi@0.11.0%2Bwasi");
        check(Npm, "foobar", None, &[], "pkg:npm/foobar");
        check(
            Npm,
            "@angular/animation",
            Some("12.3.1"),
            &[],
            "pkg:npm/%40angular/animation@12.3.1",
        );
        // The specification's own example.
        check(
            Npm,
            "mypackage",
            Some("12.4.5"),
            &[("vcs_url", "git://host.com/path/to/repo.git@4345abcd34343")],
            "pkg:npm/mypackage@12.4.5?vcs_url=git:%2F%2Fhost.com%2Fpath%2Fto%2Frepo.git%404345abcd34343",
        );
        check(Npm, "a/b/c", None, &[], "pkg:npm/a/b%2Fc");
        check(Cargo, "naïve name", None, &[], "pkg:cargo/na%C3%AFve%20name");
        check(Pypi, "Django_Rest", Some("3.1"), &[], "pkg:pypi/django-rest@3.1");
        check(Maven, "org.a:b", Some("1"), &[], "pkg:maven/org.a/b@1");
        check(
            Golang,
            "example.org/A/b/v2",
            Some("v2.0.0"),
            &[("goarch", "amd64"), ("goos", "linux")],
            "pkg:golang/example.org/a/b/v2@v2.0.0?goarch=amd64&goos=linux",
        );
    }
}
