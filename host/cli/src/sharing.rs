//! Who shares outputs with whom: the cache policy of a machine or a pipeline, and opening the cache
//! by it.
//!
//! It is not a file of the repository: a change under test must not choose whom to believe.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cache::{
    Cache, Domain, LOOKUP_WAIT, MachineKey, Options, PUBLISH_WAIT, PublicKey, Remote, Revoked,
    Signer, Signers, Trust,
};
use serde::Deserialize;
use session::Capability;
use store::Store;

use crate::dirs;
use crate::pipeline::{Pipeline, whose};
use crate::problem::{Problem, SharingProblem};
use crate::say::note;

/// In a domain's URL this stands for the number of the pull request.
const PULL_REQUEST: &str = "{pull-request}";

/// Domains of a policy; each costs a request a lookup.
const DOMAINS_MAX: usize = 8;

/// A policy file is a page.
const POLICY_BYTES_MAX: u64 = 256 << 10;

/// The longest that a policy may let a lookup, or the end of a run, wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// `cache.toml`: which places are read and written, and whose word counts there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Policy {
    #[serde(default)]
    domain: Vec<PolicyDomain>,
    #[serde(default)]
    remote: Waits,
    #[serde(default)]
    revoked: PolicyRevoked,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PolicyDomain {
    name: String,
    url: String,
    signers: PolicySigners,
    #[serde(default = "yes")]
    read: bool,
    #[serde(default)]
    write: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PolicySigners {
    Listed(Vec<String>),
    Word(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Waits {
    lookup: Option<String>,
    publish: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PolicyRevoked {
    #[serde(default)]
    signers: Vec<String>,
    #[serde(default)]
    runs: BTreeSet<String>,
    #[serde(default)]
    components: Vec<String>,
}

/// What a policy comes to.
#[derive(Debug)]
struct Sharing {
    trust: Trust,
    remote: Remote,
}

/// Opens the cache of tool outputs, with what the policy shares.
pub(crate) fn open(policy: Option<&Path>) -> Result<Cache, Problem> {
    let path = dirs::cache().join("tools");
    let sharing = sharing(policy)?;
    let mut options = Options::new(machine_key()?);
    let remote = sharing.map(|Sharing { trust, remote }| {
        options.trust = trust;
        remote
    });
    let cache = Cache::open(&path, options).map_err(|source| Problem::Cache { path, source })?;
    Ok(match remote {
        Some(remote) => cache.with_remote(remote),
        None => cache,
    })
}

/// Opens it, and insists on a policy.
pub(crate) fn open_shared(policy: Option<&Path>) -> Result<Cache, Problem> {
    let cache = open(policy)?;
    match cache.remote() {
        Some(_) => Ok(cache),
        None => Err(SharingProblem::NoPolicy { path: place(policy).0 }.into()),
    }
}

/// The key of this machine. Where none can be kept, what is cached is for this process alone.
fn machine_key() -> Result<MachineKey, Problem> {
    let path = dirs::machine_key();
    MachineKey::at(&path).or_else(|err| {
        let because = std::error::Error::source(&err).map_or(String::new(), ToString::to_string);
        note(&format!("{err}: {because}: what is cached now is not believed later"));
        MachineKey::passing().map_err(|source| Problem::Cache { path, source })
    })
}

/// Where the policy is, and whether somebody named it.
fn place(named: Option<&Path>) -> (PathBuf, bool) {
    let variable = || env::var_os("STEPWELL_CACHE_POLICY").filter(|path| !path.is_empty());
    match named.map(Path::to_owned).or_else(|| variable().map(PathBuf::from)) {
        Some(path) => (path, true),
        None => (dirs::config().join("cache.toml"), false),
    }
}

fn sharing(named: Option<&Path>) -> Result<Option<Sharing>, Problem> {
    let (path, is_named) = place(named);
    let text = match read(&path) {
        Ok(text) => text,
        Err(err) if err.kind() == io::ErrorKind::NotFound && !is_named => return Ok(None),
        Err(source) => return Err(Problem::File { what: "read the cache policy", path, source }),
    };
    let bad = |why: String| SharingProblem::Policy { path: path.clone(), why };
    let policy: Policy = toml::from_str(&text).map_err(|err| bad(err.to_string()))?;
    let pipeline = Pipeline::of(|name| env::var(name).ok());
    let lookup = |name: &str| env::var(name).ok();
    let mut policy = policy;
    if !whose::here().trust.may(Capability::VouchForAnswers) {
        policy.keep_to_own_domains();
    }
    Ok(Some(policy.check(&path, pipeline.pull_request.as_deref(), &lookup)?))
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > POLICY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than any policy"));
    }
    fs::read_to_string(path)
}

impl Policy {
    /// What a stranger's run has computed is for runs of the same pull request: it is written to no
    /// domain that others read, whatever key this pipeline was given.
    fn keep_to_own_domains(&mut self) {
        for domain in &mut self.domain {
            domain.write &= domain.url.contains(PULL_REQUEST);
        }
    }

    fn check(
        self,
        path: &Path,
        pull_request: Option<&str>,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Sharing, SharingProblem> {
        let bad = |why: String| SharingProblem::Policy { path: path.to_owned(), why };
        if self.domain.len() > DOMAINS_MAX {
            return Err(bad(format!("it has more than {DOMAINS_MAX} domains")));
        }
        let (mut domains, mut reads, mut writes) = (BTreeMap::new(), Vec::new(), None);
        for domain in self.domain {
            let signers = domain.signers().map_err(bad)?;
            let Some(url) = url_of(&domain, pull_request) else { continue };
            if domains.contains_key(&domain.name) {
                return Err(bad(format!("it has two domains `{}`", domain.name)));
            }
            let store = open_store(&domain.name, &url, lookup)?;
            let place = Domain { name: domain.name.clone(), store };
            if domain.write && writes.is_some() {
                return Err(bad("it writes to more than one domain".to_owned()));
            }
            // How a call has asked is written again and again.
            if domain.write && !place.store.capabilities().replace {
                return Err(bad(format!(
                    "the domain `{}` is written to, and its store cannot replace what it holds",
                    domain.name
                )));
            }
            if domain.write {
                let signer = signer(&domain.name, &signers, lookup)?;
                writes = Some((place.clone(), signer));
            }
            if domain.read {
                reads.push(place);
            }
            domains.insert(domain.name, signers);
        }
        let trust = Trust { domains, revoked: self.revoked.check().map_err(bad)? };
        let wait = |text: Option<String>, default| wait(text, default).map_err(bad);
        let lookup_wait = wait(self.remote.lookup, LOOKUP_WAIT)?;
        let publish_wait = wait(self.remote.publish, PUBLISH_WAIT)?;
        Ok(Sharing { trust, remote: Remote::new(reads, writes, lookup_wait, publish_wait) })
    }
}

impl PolicyDomain {
    fn signers(&self) -> Result<Signers, String> {
        match &self.signers {
            PolicySigners::Word(word) if word == "anyone" => Ok(Signers::Anyone),
            PolicySigners::Word(word) => {
                Err(format!("`{word}` is not who signs: write a list of keys, or `anyone`"))
            }
            PolicySigners::Listed(listed) if listed.is_empty() => {
                Err(format!("the domain `{}` believes nobody", self.name))
            }
            PolicySigners::Listed(listed) => Ok(Signers::Listed(keys(listed)?)),
        }
    }
}

impl PolicyRevoked {
    fn check(self) -> Result<Revoked, String> {
        let component = |text: String| text.parse().map_err(|err| format!("{err}"));
        Ok(Revoked {
            signers: keys(&self.signers)?,
            runs: self.runs,
            components: self.components.into_iter().map(component).collect::<Result<_, _>>()?,
        })
    }
}

fn keys(texts: &[String]) -> Result<BTreeSet<PublicKey>, String> {
    let key = |text: &String| text.parse().map_err(|err| format!("`{text}`: {err}"));
    texts.iter().map(key).collect()
}

/// Where a domain lies; none for one of a pull request where there is none.
fn url_of(domain: &PolicyDomain, pull_request: Option<&str>) -> Option<String> {
    if !domain.url.contains(PULL_REQUEST) {
        return Some(domain.url.clone());
    }
    // It ends up in a path: digits are all that a number has.
    let number = pull_request.filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    number.map(|number| domain.url.replace(PULL_REQUEST, number))
}

fn open_store(
    domain: &str,
    url: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Store, SharingProblem> {
    Store::open(url, lookup).map_err(|source| SharingProblem::Store {
        domain: domain.to_owned(),
        source: Box::new(source),
    })
}

/// Who signs for a domain that is written to. Where anyone is believed, a key that is gone with the
/// process will do.
fn signer(
    domain: &str,
    signers: &Signers,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Signer, SharingProblem> {
    if let Some((place, text)) = secret(lookup)? {
        return Signer::of_text(&text).map_err(|source| SharingProblem::Key { place, source });
    }
    match signers {
        Signers::Listed(_) => Err(SharingProblem::NoKey { domain: domain.to_owned() }),
        Signers::Anyone => match Signer::generate() {
            Ok((_, signer)) => Ok(signer),
            Err(_) => Err(SharingProblem::NoKey { domain: domain.to_owned() }),
        },
    }
}

/// The signing key, and where it was found.
fn secret(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(String, String)>, SharingProblem> {
    let set = |name: &str| lookup(name).filter(|text| !text.trim().is_empty());
    if let Some(text) = set("STEPWELL_CACHE_KEY") {
        return Ok(Some(("STEPWELL_CACHE_KEY".to_owned(), text)));
    }
    let Some(path) = set("STEPWELL_CACHE_KEY_FILE") else { return Ok(None) };
    let text = read(Path::new(&path)).map_err(|_| SharingProblem::Key {
        place: format!("`{path}`, which cannot be read,"),
        source: cache::BadKey,
    })?;
    Ok(Some((format!("`{path}`"), text)))
}

fn wait(text: Option<String>, default: Duration) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(default) };
    let time = humantime::parse_duration(&text).map_err(|err| format!("`{text}`: {err}"))?;
    if time > WAIT_MAX {
        return Err(format!("`{text}` is longer than a minute"));
    }
    Ok(time)
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
