//! Package URLs, written in their canonical form.

use std::fmt::Write as _;

use crate::graph::Ecosystem;

/// A package URL in the making. Its parts are the plain text; encoding is done here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purl<'a> {
    pub(crate) ecosystem: Ecosystem,
    /// With the scope in front, where the ecosystem has scopes.
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    /// At most one qualifier is ever needed here: where it comes from.
    pub(crate) qualifier: Option<(&'static str, &'a str)>,
}

impl Purl<'_> {
    pub(crate) fn write(self) -> String {
        let mut out = format!("pkg:{}/", self.ecosystem.name());
        let names: Vec<&str> = match self.ecosystem {
            // A scope is the namespace: its slash separates. Nothing else may have one.
            Ecosystem::Npm => self.name.splitn(2, '/').collect(),
            Ecosystem::Cargo => vec![self.name],
        };
        for (at, name) in names.into_iter().enumerate() {
            if at > 0 {
                out.push('/');
            }
            encode(&mut out, name);
        }
        if let Some(version) = self.version {
            out.push('@');
            encode(&mut out, version);
        }
        if let Some((key, value)) = self.qualifier {
            out.push('?');
            out.push_str(key);
            out.push('=');
            encode(&mut out, value);
        }
        out
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
        qualifier: Option<(&'static str, &str)>,
        expected: &str,
    ) {
        assert_eq!(Purl { ecosystem, name, version, qualifier }.write(), expected);
    }

    #[test]
    fn a_package_url_is_canonical() {
        use Ecosystem::{Cargo, Npm};

        check(Cargo, "rand", Some("0.7.2"), None, "pkg:cargo/rand@0.7.2");
        check(Cargo, "wasi", Some("0.11.0+wasi"), None, "pkg:cargo/wasi@0.11.0%2Bwasi");
        check(Npm, "foobar", None, None, "pkg:npm/foobar");
        check(
            Npm,
            "@angular/animation",
            Some("12.3.1"),
            None,
            "pkg:npm/%40angular/animation@12.3.1",
        );
        // The specification's own example.
        check(
            Npm,
            "mypackage",
            Some("12.4.5"),
            Some(("vcs_url", "git://host.com/path/to/repo.git@4345abcd34343")),
            "pkg:npm/mypackage@12.4.5?vcs_url=git:%2F%2Fhost.com%2Fpath%2Fto%2Frepo.git%404345abcd34343",
        );
        check(Npm, "a/b/c", None, None, "pkg:npm/a/b%2Fc");
        check(Cargo, "naïve name", None, None, "pkg:cargo/na%C3%AFve%20name");
    }
}
