//! What names a tool: a file of the repository, a file on the web, an artifact in a registry.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

use crate::Sha256;

/// Bytes of a reference: what proxies and registries still take as an address.
const BYTES_MAX: usize = 1024;
/// Bytes of a repository's name, and of a tag (OCI distribution specification, "Pulling manifests").
const REPOSITORY_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 128;

/// Where a tool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A file, from the repository's root.
    Path(String),
    /// A file that a server of the web has.
    Web(WebReference),
    /// An artifact of an OCI registry.
    Oci(OciReference),
}

/// A file on the web, as `https://host/path#sha256:…`; the digest may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebReference {
    pub(crate) url: Url,
    pub(crate) digest: Option<Sha256>,
}

/// An artifact, as `oci://registry/repository:tag` or `oci://registry/repository@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciReference {
    /// Host, and port if there is one.
    pub(crate) registry: String,
    pub(crate) repository: String,
    /// Which one.
    pub version: Version,
}

/// Which one of a repository's artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The one that has the tag today.
    Tag(String),
    /// The one whose manifest has that digest.
    Digest(Sha256),
}

/// Why a text names no tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no tool: {why}")]
pub struct BadReference {
    text: String,
    why: &'static str,
}

impl Reference {
    /// Whether it can never name other bytes than it does today.
    pub fn is_pinned(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Web(web) => web.digest.is_some(),
            Self::Oci(oci) => matches!(oci.version, Version::Digest(_)),
        }
    }
}

impl OciReference {
    /// Where the registry listens: Docker Hub's has another name than people write.
    pub(crate) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// The address of something below the repository.
    pub(crate) fn url(&self, below: &str) -> String {
        let name = self.registry.rsplit_once(':').map_or(&*self.registry, |(name, _)| name);
        let scheme = if is_loopback_name(name) { "http" } else { "https" };
        format!("{scheme}://{}/v2/{}/{below}", self.host(), self.repository)
    }
}

/// This machine itself is the one place where nobody listens in, so registries there may do without
/// TLS, as Docker has it.
fn is_loopback_name(name: &str) -> bool {
    let ip = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Whether bytes on their way there can be read by nobody else.
pub(crate) fn is_private(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Domain(name)) => is_loopback_name(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

impl FromStr for Reference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Self, BadReference> {
        let parsed = if text.is_empty() || text.len() > BYTES_MAX {
            Err("it is empty, or longer than 1024 bytes")
        } else if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            Err("it has blanks or control characters in it")
        } else if let Some(rest) = text.strip_prefix("oci://") {
            oci(rest).map(Self::Oci)
        } else if text.starts_with("https://") || text.starts_with("http://") {
            web(text).map(Self::Web)
        } else if text.contains("://") {
            Err("write a path, `https://…` or `oci://…`")
        } else {
            path(text).map(Self::Path)
        };
        parsed.map_err(|why| BadReference { text: without_password(text), why })
    }
}

/// The text for a message, which more people see than a command line.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{path}"),
        None => text.to_owned(),
    }
}

fn path(text: &str) -> Result<String, &'static str> {
    let text = text.strip_prefix("./").unwrap_or(text);
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if text.starts_with('/') || !text.split('/').all(is_plain) {
        return Err("a path begins at the repository's root and stays below it");
    }
    Ok(text.to_owned())
}

fn web(text: &str) -> Result<WebReference, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "it is no URL")?;
    if !is_private(&url) {
        return Err("only this machine is asked without TLS: write `https://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a password in it, which a lock would show to everybody");
    }
    let digest = match url.fragment() {
        None => None,
        Some(fragment) => {
            Some(fragment.parse().map_err(|_| "what is after `#` is no digest: `#sha256:…`")?)
        }
    };
    url.set_fragment(None);
    Ok(WebReference { url, digest })
}

fn oci(rest: &str) -> Result<OciReference, &'static str> {
    let (registry, rest) =
        rest.split_once('/').ok_or("write `oci://REGISTRY/REPOSITORY:TAG` or `…@sha256:…`")?;
    let (repository, version) = if let Some((repository, digest)) = rest.split_once('@') {
        // A tag beside a digest says nothing that the digest does not.
        if repository.contains(':') {
            return Err("name a tag or a digest, and not both");
        }
        let digest = digest.parse().map_err(|_| "what is after `@` is no `sha256:` digest")?;
        (repository, Version::Digest(digest))
    } else if let Some((repository, tag)) = rest.split_once(':') {
        (repository, Version::Tag(tag_of(tag)?))
    } else {
        return Err("it names no tag: write `:TAG`, or `@sha256:…`");
    };
    let origin = Url::parse(&format!("https://{registry}/")).map_err(|_| "its host is none")?;
    let is_host = origin.host_str().is_some() && !registry.contains('@');
    if !is_host || registry.to_ascii_lowercase() != registry {
        return Err("its host is none");
    }
    if !is_repository(repository) {
        return Err("its repository is none: a-z, 0-9, `.`, `_`, `-` and `/` between");
    }
    let (registry, repository) = (registry.to_owned(), repository.to_owned());
    Ok(OciReference { registry, repository, version })
}

fn tag_of(tag: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    let begins = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if !begins || tag.len() > TAG_BYTES_MAX || !tag.chars().all(fits) {
        return Err("its tag is none: letters, digits, `_`, `.` and `-`, 128 at most");
    }
    Ok(tag.to_owned())
}

fn is_repository(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| {
        part.starts_with(is_word)
            && part.ends_with(is_word)
            && part.chars().all(|c| is_word(c) || matches!(c, '.' | '_' | '-'))
            && !part.contains("..")
    };
    name.len() <= REPOSITORY_BYTES_MAX && name.split('/').all(is_part)
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Web(WebReference { url, digest: None }) => write!(f, "{url}"),
            Self::Web(WebReference { url, digest: Some(digest) }) => write!(f, "{url}#{digest}"),
            Self::Oci(oci) => write!(f, "{oci}"),
        }
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, repository, version } = self;
        match version {
            Version::Tag(tag) => write!(f, "oci://{registry}/{repository}:{tag}"),
            Version::Digest(digest) => write!(f, "oci://{registry}/{repository}@{digest}"),
        }
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_are_told_apart_and_pinned_ones_known() {
        let digest = Sha256::of(b"x");
        let table = [
            "tools/x.wasm".to_owned(),
            "https://host.example/x.wasm".to_owned(),
            format!("https://host.example/x.wasm?v=1#{digest}"),
            "http://127.0.0.1:9/x.wasm".to_owned(),
            "oci://ghcr.example/acme/x:1.2".to_owned(),
            format!("oci://localhost:5000/x@{digest}"),
        ];
        let shown = table.map(|text| {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string(), text);
            let asked = match &reference {
                Reference::Oci(oci) => oci.url("blobs/…"),
                Reference::Web(web) => web.url.to_string(),
                Reference::Path(path) => path.clone(),
            };
            format!("{asked} {}", if reference.is_pinned() { "pinned" } else { "moves" })
        });
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn what_names_no_tool_is_told_why() {
        let table = [
            "",
            "/etc/passwd",
            "../x.wasm",
            "a//b",
            "a b",
            "ftp://host/x",
            "http://host.example/x.wasm",
            "https://user:word@host.example/x",
            "https://host.example/x#sha256:12",
            "oci://host",
            "oci://host/x",
            "oci://host/X:1",
            "oci://host/../x:1",
            "oci://me@host/x:1",
            "oci://host/x:.1",
            "oci://host/x:1@sha256:12",
            "oci://host/x@sha512:12",
        ];
        let told = table.map(|text| text.parse::<Reference>().unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "(oci://|https://|)[a-z0-9.:@/_#-]{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                let written = reference.to_string();
                prop_assert_eq!(written.parse::<Reference>(), Ok(reference));
            }
        }
    }
}
