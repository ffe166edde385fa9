//! What both versions of SPDX need: identifiers, licences and places to download from.

pub(crate) mod v2;
pub(crate) mod v3;

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Hash, HashAlgorithm, PackageUrl};

use crate::address::is_address;
use crate::bill::{Bill, OriginKind, Package};
use crate::licence::Licence;

/// An identifier for each package, of the characters that SPDX allows; unique in the document and
/// in other case than only upper and lower.
fn identifiers(bill: &Bill) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let each = bill.packages.iter().map(|package| {
        let plain = identifier(package.reference.trim_start_matches("pkg:"));
        let folded = plain.to_ascii_lowercase();
        if taken.insert(folded.clone()) {
            return plain;
        }
        let count = counts.entry(folded.clone()).or_insert(1);
        loop {
            *count += 1;
            if taken.insert(format!("{folded}-{count}")) {
                return format!("{plain}-{count}");
            }
        }
    });
    each.collect()
}

/// Letters, digits, `.` and `-`; runs of other characters become one `-`.
fn identifier(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

/// Licences that are on no list and get an identifier in the document, with what is known of them.
#[derive(Debug, Default)]
struct CustomLicences {
    /// By the name that a package gives.
    named: BTreeMap<String, String>,
    /// All identifiers, with the text that explains each.
    texts: BTreeMap<String, CustomLicence>,
}

#[derive(Debug)]
struct CustomLicence {
    name: String,
    text: String,
}

impl CustomLicences {
    fn of(bill: &Bill) -> Self {
        let mut found = Self::default();
        let licences = || bill.packages.iter().filter_map(|package| package.licence.as_ref());
        // What packages call a reference themselves must keep its name.
        for licence in licences() {
            if let Licence::Expression { references, .. } = licence {
                for reference in references {
                    let text = format!("The text of {reference} is not in the lock file.");
                    let known = CustomLicence { name: reference.clone(), text };
                    found.texts.entry(reference.clone()).or_insert(known);
                }
            }
        }
        let names: BTreeSet<&str> = licences().filter_map(named).collect();
        for name in names {
            found.name(name);
        }
        found
    }

    fn name(&mut self, name: &str) {
        let plain = identifier(name);
        let numbered = (2..).map(|count| format!("LicenseRef-{plain}-{count}"));
        let is_free = |reference: &String| !self.texts.contains_key(reference);
        let mut candidates = std::iter::once(format!("LicenseRef-{plain}")).chain(numbered);
        let Some(reference) = candidates.find(is_free) else { return };
        let known = CustomLicence { name: name.to_owned(), text: name.to_owned() };
        self.named.insert(name.to_owned(), reference.clone());
        self.texts.insert(reference, known);
    }

    /// The licence as an expression.
    fn expression<'a>(&'a self, licence: &'a Licence) -> Option<&'a str> {
        match licence {
            Licence::Listed(text) | Licence::Expression { text, .. } => Some(text),
            Licence::Named(name) => self.named.get(name).map(String::as_str),
        }
    }
}

fn named(licence: &Licence) -> Option<&str> {
    match licence {
        Licence::Named(name) => Some(name),
        Licence::Listed(_) | Licence::Expression { .. } => None,
    }
}

/// Where a package can be downloaded from, where validators take the address for one.
fn download_location(package: &Package) -> Option<String> {
    let origin = package.origin.as_ref();
    let address = match origin.map(|origin| origin.kind) {
        Some(OriginKind::Vcs) => return vcs_location(package),
        Some(OriginKind::Distribution) => origin.map(|origin| origin.address.as_str()),
        None => match package.archives.as_slice() {
            [only] => Some(only.address.as_str()),
            _ => None,
        },
    };
    let address = address?;
    let (scheme, rest) = address.split_once("://")?;
    (matches!(scheme, "http" | "https" | "ftp" | "sftp") && is_public_host(rest))
        .then(|| address.to_owned())
}

/// `git+https://host/path@revision`: the package URL has it in this form.
fn vcs_location(package: &Package) -> Option<String> {
    let url = PackageUrl::parse(package.purl.as_deref()?).ok()?;
    let location = url.qualifiers().get("vcs_url")?;
    let plain = location.strip_prefix("git+").unwrap_or(location);
    let (scheme, rest) = plain.split_once("://")?;
    let known = matches!(scheme, "http" | "https" | "ssh" | "git");
    (known && is_address(plain) && is_public_host(rest)).then(|| format!("git+{plain}"))
}

/// Whether an address begins with a host that validators know for one: names with a domain of two
/// to five letters, and after it a port or a path.
fn is_public_host(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let after = &rest[host.len()..];
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (host, port) = host.split_once(':').unwrap_or((host, "0"));
    let Some((start, domain)) = host.rsplit_once('.') else { return false };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    };
    (2..=5).contains(&domain.len())
        && domain.bytes().all(|byte| byte.is_ascii_alphabetic())
        && start.split('.').all(is_name)
        && (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (after.is_empty() || after.starts_with('/'))
}

/// The lines that say that a package is there, in one text.
fn evidence(package: &Package) -> Option<String> {
    let shown = package.evidence().iter();
    let lines: Vec<String> = shown.map(|place| format!("{}:{}", place.path, place.line)).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// Facts that SPDX has no field for, in one text.
fn comment(package: &Package) -> Option<String> {
    let facts: Vec<String> =
        package.facts().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// Which lock files were read, and what was left out or guessed; one text each.
fn notes(bill: &Bill) -> Vec<String> {
    let lockfiles = bill.lockfiles.iter().map(|path| format!("stepwell:lockfile={path}"));
    let warnings = bill
        .warnings
        .iter()
        .map(|warning| format!("stepwell:warning={}", crate::bill::line(warning)));
    let left_out = bill.detail.note().map(|note| format!("stepwell:left-out={note}"));
    let incomplete =
        (!bill.complete).then(|| "stepwell:completeness=incomplete: see the warnings".to_owned());
    lockfiles.chain(warnings).chain(left_out).chain(incomplete).collect()
}

/// Digests of a file as one text.
fn digests(hashes: &[Hash]) -> Option<String> {
    let each: Vec<String> =
        hashes.iter().map(|hash| format!("{}:{}", short_name(hash.algorithm), hash.hex)).collect();
    (!each.is_empty()).then(|| each.join(", "))
}

/// An algorithm's name in SPDX 3, which is SPDX 2's in lower case.
pub(crate) fn short_name(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Sha1 => "sha1",
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha384 => "sha384",
        HashAlgorithm::Sha512 => "sha512",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_that_validators_know() {
        for is in ["host.example.org/a", "git@a-b.org:8080/x", "host.org"] {
            assert!(is_public_host(is), "{is}");
        }
        for not in ["localhost/a", "10.0.0.1/a", "host.example/a", "a_b.org/x", "host.org?x", ""] {
            assert!(!is_public_host(not), "{not}");
        }
    }

    #[test]
    fn an_identifier_has_only_what_is_allowed() {
        assert_eq!(identifier("npm/%40s/a@1.0.0#2"), "npm-40s-a-1.0.0-2");
    }
}
