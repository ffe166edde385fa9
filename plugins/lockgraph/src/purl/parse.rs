//! A package URL of anybody's, taken apart.

use std::collections::BTreeMap;
use std::fmt;

use super::{Parts, normalised, write};
use crate::ecosystem::Ecosystem;

/// The most bytes of a package URL that is read: four times what the longest we write has.
const BYTES_MAX: usize = 16_384;

/// A package URL in its parts, normalised as its type demands where we know the type. Written
/// out, it is in the canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageUrl {
    kind: String,
    // Names separated by `/`; empty when there are none.
    group: String,
    name: String,
    version: Option<String>,
    qualifiers: BTreeMap<String, String>,
    // Names separated by `/`, none of them `.` or `..`.
    subpath: Option<String>,
}

/// Why a text is no package URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPackageUrl {
    /// It is longer than any package URL.
    #[error("more than {BYTES_MAX} bytes")]
    TooLong,
    /// Another kind of address.
    #[error("it does not begin with `pkg:`")]
    Scheme,
    /// The type is missing, or has characters that no type has.
    #[error("its type is missing or has other characters than letters, digits, `.` and `-`")]
    Type,
    /// There is no name.
    #[error("it has no name")]
    Name,
    /// The type needs a group, and there is none.
    #[error("it has no group, which its type needs")]
    Group,
    /// A qualifier without a key, with a key that is none, or the same key twice.
    #[error(
        "a qualifier has no key or one with other characters than lower-case letters, digits, \
        `.`, `-` and `_`, or a key is there twice"
    )]
    Qualifier,
    /// A percent sign that does not stand for a character.
    #[error("a `%` without the two hex digits of a byte of UTF-8 text")]
    Encoding,
}

impl PackageUrl {
    /// Reads a package URL in any of the forms that the specification takes for the same.
    ///
    /// # Errors
    ///
    /// When it is none, or its type forbids it.
    pub fn parse(text: &str) -> Result<Self, BadPackageUrl> {
        if text.len() > BYTES_MAX {
            return Err(BadPackageUrl::TooLong);
        }
        let (rest, subpath) = text.rsplit_once('#').unwrap_or((text, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let (scheme, rest) = rest.split_once(':').ok_or(BadPackageUrl::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(BadPackageUrl::Scheme);
        }
        let (kind, rest) = rest.trim_matches('/').split_once('/').ok_or(BadPackageUrl::Type)?;
        // The `@` of a scope stands before the last `/`, the one of a version after it.
        let name_at = rest.rfind('/').map_or(0, |at| at + 1);
        let (group, name) = rest.split_at(name_at);
        let (name, version) = name.rsplit_once('@').unwrap_or((name, ""));
        let pairs = qualifiers.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').ok_or(BadPackageUrl::Qualifier)?;
            Ok((key.to_owned(), decode(value)?))
        });
        Self::build(
            kind,
            Some(decode(group)?).as_deref(),
            &decode(name)?,
            Some(decode(version)?).as_deref(),
            pairs.collect::<Result<Vec<_>, _>>()?,
            Some(decode(subpath)?).as_deref(),
        )
    }

    /// A package URL of these parts, which are the plain text.
    ///
    /// # Errors
    ///
    /// When a part that is needed is missing, or one cannot be what it should be.
    pub fn build(
        kind: &str,
        group: Option<&str>,
        name: &str,
        version: Option<&str>,
        qualifiers: impl IntoIterator<Item = (String, String)>,
        subpath: Option<&str>,
    ) -> Result<Self, BadPackageUrl> {
        let kind = kind.to_ascii_lowercase();
        if !is_word(&kind, ".-") {
            return Err(BadPackageUrl::Type);
        }
        let ecosystem = Ecosystem::from_name(&kind);
        let (folds_group, folds_name) = folds(&kind);
        let normal = |text: &str, folds: bool| match ecosystem {
            Some(ecosystem) => normalised(ecosystem, text).into_owned(),
            None if folds => text.to_lowercase(),
            None => text.to_owned(),
        };
        let of_group = |text: &str| normal(text, folds_group);
        let group = joined(group.unwrap_or_default(), |_| true, of_group);
        if name.is_empty() {
            return Err(BadPackageUrl::Name);
        }
        if group.is_empty() && needs_group(ecosystem) {
            return Err(BadPackageUrl::Group);
        }
        let subpath = subpath.unwrap_or_default();
        let subpath = joined(subpath, |part| !matches!(part, "." | ".."), str::to_owned);
        Ok(Self {
            group,
            name: normal(name, folds_name),
            version: version.filter(|text| !text.is_empty()).map(str::to_owned),
            qualifiers: sorted(qualifiers)?,
            subpath: (!subpath.is_empty()).then_some(subpath),
            kind,
        })
    }

    /// Its type: whose package it is.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What its name stands under; names separated by `/`.
    pub fn group(&self) -> Option<&str> {
        Some(self.group.as_str()).filter(|group| !group.is_empty())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Where it comes from, or which variant is meant.
    pub fn qualifiers(&self) -> &BTreeMap<String, String> {
        &self.qualifiers
    }

    /// The part of it that is meant.
    pub fn subpath(&self) -> Option<&str> {
        self.subpath.as_deref()
    }
}

impl fmt::Display for PackageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write(&Parts {
            kind: &self.kind,
            group: &self.group,
            name: &self.name,
            version: self.version.as_deref().unwrap_or_default(),
            qualifiers: self.qualifiers.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            subpath: self.subpath.as_deref().unwrap_or_default(),
        }))
    }
}

/// Whether groups and names are in small letters, of the types that no lock file here has.
fn folds(kind: &str) -> (bool, bool) {
    match kind {
        "alpm" | "apk" | "bitbucket" | "bitnami" | "brew" | "chrome-extension" | "deb"
        | "luarocks" | "oci" | "otp" | "vscode-extension" => (true, true),
        "qpkg" | "rpm" | "yocto" => (true, false),
        _ => (false, false),
    }
}

/// The specification wants a group of these; a Go module without one is in use all the same.
fn needs_group(ecosystem: Option<Ecosystem>) -> bool {
    match ecosystem {
        Some(Ecosystem::Composer | Ecosystem::Github | Ecosystem::Maven | Ecosystem::Swift) => true,
        Some(
            Ecosystem::Cargo
            | Ecosystem::Conan
            | Ecosystem::Docker
            | Ecosystem::Gem
            | Ecosystem::Generic
            | Ecosystem::Golang
            | Ecosystem::Hex
            | Ecosystem::Npm
            | Ecosystem::Nuget
            | Ecosystem::Pub
            | Ecosystem::Pypi
            | Ecosystem::Terraform,
        )
        | None => false,
    }
}

fn sorted(
    qualifiers: impl IntoIterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, BadPackageUrl> {
    let mut sorted = BTreeMap::new();
    for (key, value) in qualifiers {
        let key = key.to_ascii_lowercase();
        if !is_word(&key, ".-_") {
            return Err(BadPackageUrl::Qualifier);
        }
        if !value.is_empty() && sorted.insert(key, value).is_some() {
            return Err(BadPackageUrl::Qualifier);
        }
    }
    Ok(sorted)
}

/// Whether it begins with a letter and has only letters, digits and `others`.
fn is_word(text: &str, others: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn joined(path: &str, keep: fn(&str) -> bool, each: impl Fn(&str) -> String) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && keep(part));
    parts.map(each).collect::<Vec<_>>().join("/")
}

fn decode(text: &str) -> Result<String, BadPackageUrl> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let byte = piece.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.ok_or(BadPackageUrl::Encoding)?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| BadPackageUrl::Encoding)
}
