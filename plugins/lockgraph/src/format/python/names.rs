//! Names, digests and file names, the way Python's packaging spells them.

use std::borrow::Cow;

use crate::format::phrase;
use crate::graph::{Archive, Hash, HashAlgorithm};
use crate::path;

/// One spelling for all that mean the same package, extra or group: PEP 503.
pub(super) fn normalised(name: &str) -> Cow<'_, str> {
    let separator = |b: u8| matches!(b, b'-' | b'_' | b'.');
    let bytes = name.as_bytes();
    let plain = bytes.iter().all(|&b| !b.is_ascii_uppercase() && b != b'_' && b != b'.')
        && !bytes.windows(2).any(|pair| separator(pair[0]) && separator(pair[1]));
    if plain {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    Cow::Owned(out)
}

/// Whether a text can be the name of a package: PEP 508.
pub(super) fn is_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The digest that `sha256:…` says; none of kinds that are no longer trusted with anything.
pub(super) fn digest(text: &str) -> Option<Hash> {
    let (algorithm, hex) = text.split_once([':', '='])?;
    algorithm_of(algorithm).and_then(|algorithm| Hash::from_hex(algorithm, hex))
}

/// The algorithm called so.
pub(super) fn algorithm_of(name: &str) -> Option<HashAlgorithm> {
    match name {
        "sha1" => Some(HashAlgorithm::Sha1),
        "sha256" => Some(HashAlgorithm::Sha256),
        "sha384" => Some(HashAlgorithm::Sha384),
        "sha512" => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

/// A file with its digests. One without a name or address is called by its digest.
pub(super) fn archive(location: Option<&str>, mut hashes: Vec<Hash>) -> Option<Archive> {
    hashes.sort_unstable();
    let location = match location.and_then(phrase) {
        Some(location) => path::without_user(location),
        None => unnamed(hashes.first()?),
    };
    Some(Archive { location, hashes })
}

fn unnamed(hash: &Hash) -> String {
    let algorithm = match hash.algorithm {
        HashAlgorithm::Sha1 => "sha1",
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha384 => "sha384",
        HashAlgorithm::Sha512 => "sha512",
    };
    format!("{algorithm}:{}", hash.hex)
}

/// The package and the version that a wheel or a source archive says in its name.
pub(super) fn of_archive(location: &str) -> Option<(&str, &str)> {
    let file = location.split(['?', '#']).next().unwrap_or_default();
    let file = path::file_name(file);
    if let Some(stem) = file.strip_suffix(".whl") {
        let mut parts = stem.split('-');
        let (name, version) = (parts.next()?, parts.next()?);
        return is_name(name).then_some((name, version));
    }
    let stem =
        [".tar.gz", ".zip", ".tar.bz2", ".tgz"].iter().find_map(|end| file.strip_suffix(end))?;
    let (name, version) = stem.rsplit_once('-')?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    (is_name(name) && is_version).then_some((name, version))
}

/// Whether a file's name says that what it lists is for development: `requirements-dev.txt`.
pub(super) fn is_for_development(file: &str) -> bool {
    const WORDS: [&str; 11] = [
        "ci",
        "dev",
        "develop",
        "development",
        "doc",
        "docs",
        "lint",
        "test",
        "testing",
        "tests",
        "typing",
    ];
    file.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.binary_search(&word).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        for (name, expected) in [
            ("PyYAML", "pyyaml"),
            ("jaraco.classes", "jaraco-classes"),
            ("a-_-.b", "a-b"),
            ("typing_extensions", "typing-extensions"),
            ("a-b", "a-b"),
        ] {
            assert_eq!(normalised(name), expected);
        }
    }

    #[test]
    fn an_archive_says_what_it_is() {
        let whl = "https://host.example/x/numpy-1.9.2-cp34-none-win32.whl#sha256=ab";
        assert_eq!(of_archive(whl), Some(("numpy", "1.9.2")));
        assert_eq!(of_archive("a/ruamel.yaml-0.17.tar.gz"), Some(("ruamel.yaml", "0.17")));
        assert_eq!(of_archive("https://host.example/archive/main.zip"), None);
        assert_eq!(of_archive("https://host.example/tags/1.26.8.zip"), None);
    }
}
