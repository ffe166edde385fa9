//! Where a package comes from, as its address tells.

use super::source;
use crate::format::npm::is_from_registry;
use crate::format::phrase;
use crate::graph::Kind;
use crate::path;

/// Hosts of git repositories whose names package managers shorten.
const SHORT: [(&str, &str); 3] =
    [("github:", "github.com"), ("gitlab:", "gitlab.com"), ("bitbucket:", "bitbucket.org")];

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::format) struct Origin {
    pub(in crate::format) kind: Kind,
    /// As the lock file has it, without a password.
    pub(in crate::format) source: Option<String>,
    /// Of its package URL, where it is not from a registry.
    pub(in crate::format) qualifier: Option<(&'static str, String)>,
    /// The directory, from the repository's root.
    pub(in crate::format) location: Option<String>,
}

impl Origin {
    /// A registry, at an address that nobody gave.
    pub(in crate::format) fn registry() -> Self {
        Self { kind: Kind::Registry, source: None, qualifier: None, location: None }
    }

    /// A directory, as seen from `dir`.
    pub(in crate::format) fn directory(dir: &str, relative: &str) -> Self {
        let location = path::resolve(dir, relative).unwrap_or_else(|| relative.to_owned());
        let is_usable = location.is_empty() || phrase(&location).is_some();
        Self { kind: Kind::Path, location: is_usable.then_some(location), ..Self::registry() }
    }

    /// Whatever is at an address; `dir` is where relative paths begin.
    pub(in crate::format) fn of(address: &str, dir: &str) -> Self {
        if let Some(revision) = git(address) {
            return Self { source: source(address), ..Self::git(&revision) };
        }
        let is_web = address.starts_with("http://") || address.starts_with("https://");
        let relative = ["file:", "link:", "portal:"].iter().find_map(|p| address.strip_prefix(p));
        match relative {
            Some(path) if !is_archive(path) => {
                Self { source: source(address), ..Self::directory(dir, path) }
            }
            None if is_from_registry(address) || !is_web => {
                Self { source: source(address), ..Self::registry() }
            }
            Some(_) | None => Self {
                kind: Kind::Archive,
                source: source(address),
                qualifier: source(address).map(|address| ("download_url", address)),
                location: None,
            },
        }
    }

    /// A commit of a repository.
    pub(in crate::format) fn of_git(repository: &str, commit: &str) -> Self {
        let address = format!("{repository}#{commit}");
        Self::git(&git(&address).unwrap_or_else(|| revision(repository, commit)))
    }

    /// A revision of a repository, `address#commit`.
    fn git(revision: &str) -> Self {
        let url = source(&revision.replacen('#', "@", 1));
        Self {
            kind: Kind::Git,
            source: source(revision),
            qualifier: url.map(|url| ("vcs_url", url)),
            location: None,
        }
    }
}

fn is_archive(path: &str) -> bool {
    let path = path.split_once(['#', '?']).map_or(path, |(path, _)| path);
    [".tgz", ".tar.gz", ".tar"].iter().any(|end| path.ends_with(end))
}

/// `git+address#commit`, when the address is one of a git repository.
fn git(address: &str) -> Option<String> {
    let (base, fragment) = address.split_once('#').unwrap_or((address, ""));
    let commit = commit(fragment);
    for (short, host) in SHORT {
        if let Some(name) = base.strip_prefix(short) {
            return Some(revision(
                &format!("https://{host}/{}.git", name.trim_end_matches(".git")),
                commit,
            ));
        }
    }
    if let Some(archive) = base.strip_prefix("https://codeload.github.com/") {
        let (name, commit) = archive.split_once("/tar.gz/")?;
        return Some(revision(&format!("https://github.com/{name}.git"), commit));
    }
    if let Some((user, rest)) = base.split_once('@')
        && !user.contains([':', '/'])
        && let Some((host, name)) = rest.split_once(':')
        && !name.starts_with("//")
    {
        return Some(revision(&format!("ssh://{user}@{host}/{name}"), commit));
    }
    let is_git = ["git+", "git:", "ssh:"].iter().any(|scheme| base.starts_with(scheme))
        || base.ends_with(".git")
        || is_repository(base, commit);
    is_git.then(|| revision(base, commit))
}

/// Whether an address is a page of a repository, at a commit.
fn is_repository(base: &str, commit: &str) -> bool {
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = SHORT.iter().find_map(|(_, host)| base.strip_prefix("https://")?.strip_prefix(host));
    is_commit && name.is_some_and(|name| name.matches('/').count() == 2)
}

/// Berry writes more than the commit, by name; its first versions with a colon.
fn commit(fragment: &str) -> &str {
    let named = |part: &'_ str| {
        part.strip_prefix("commit=").or_else(|| part.strip_prefix("commit:")).map(str::len)
    };
    match fragment
        .split('&')
        .find_map(|part| named(part).map(|length| &part[part.len() - length..]))
    {
        Some(commit) => commit,
        None => fragment,
    }
}

fn revision(base: &str, commit: &str) -> String {
    let prefix = if base.starts_with("git") { "" } else { "git+" };
    let mark = if commit.is_empty() { "" } else { "#" };
    format!("{prefix}{base}{mark}{commit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_where_a_package_comes_from() {
        let cases = [
            ("https://r.example.org/a/-/a-1.0.0.tgz#abc", "registry"),
            (
                "https://user:word@example.org/a.tgz",
                "archive download_url=https://example.org/a.tgz",
            ),
            ("file:../a.tgz", "archive download_url=file:../a.tgz"),
            ("file:../a", "path at `a`"),
            ("link:deps/a", "path at `dir/deps/a`"),
            ("a-1.0.0.tgz#abc", "registry"),
            ("github:me/a#abc", "git vcs_url=git+https://github.com/me/a.git@abc"),
            (
                "https://codeload.github.com/me/a/tar.gz/abc",
                "git vcs_url=git+https://github.com/me/a.git@abc",
            ),
            ("git@example.org:me/a.git#abc", "git vcs_url=git+ssh://git@example.org/me/a.git@abc"),
            (
                "https://example.org/a.git#workspace=b&commit=abc",
                "git vcs_url=git+https://example.org/a.git@abc",
            ),
            (
                "https://example.org/a.git#commit:abc",
                "git vcs_url=git+https://example.org/a.git@abc",
            ),
            (
                "https://github.com/me/a#4bdd58d3fbcdce3209033d44d884e87add1d8405",
                "git vcs_url=git+https://github.com/me/a@4bdd58d3fbcdce3209033d44d884e87add1d8405",
            ),
            ("git+ssh://token@example.org/a.git", "git vcs_url=git+ssh://example.org/a.git"),
        ];
        for (address, expected) in cases {
            let origin = Origin::of(address, "dir");
            let qualifier = origin.qualifier.map(|(key, value)| format!(" {key}={value}"));
            let location = origin.location.map(|at| format!(" at `{at}`"));
            let text = [Some(origin.kind.name().to_owned()), qualifier, location];
            let text: String = text.into_iter().flatten().collect();
            assert_eq!(text, expected, "{address}");
        }
    }
}
