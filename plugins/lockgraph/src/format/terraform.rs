//! `.terraform.lock.hcl` of Terraform and OpenTofu: the providers that a configuration runs with.
//!
//! The lock file lists providers alone, no modules; who needs which it does not say, nor whose it
//! is: the graph has no root and no edges.
//!
//! The purl specification has no type for them yet. Type, name and `repository_url` are those of
//! the proposal to it (package-url/purl-spec#889), of which `registry.terraform.io` is the usual
//! registry. syft knows the type and writes no package URL until the question is settled
//! (anchore/syft#3378); a provider has two names there and a module three, so neither can be taken
//! for the other.

mod tokens;

use std::collections::BTreeSet;

use super::{Input, PACKAGES_MAX, PHRASE_BYTES_MAX, Unreadable, word};
use crate::ecosystem::Ecosystem;
use crate::graph::{Archive, Builder, Graph, Hash, HashAlgorithm, Kind, Node, Place};
use crate::purl::Purl;
use tokens::{Kind as Token, Tokens};

/// The registry of providers whose package URLs do not say where they come from.
const USUAL_REGISTRY: &str = "registry.terraform.io";

/// The most digests of a provider: there are two for each of about twenty platforms.
const HASHES_MAX: usize = 1_000;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let locked = blocks(input);
    if locked.is_empty() && input.text.lines().any(is_content) {
        return Err(Unreadable::Shape("it has no `provider` block"));
    }
    let mut builder = Builder::default();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for locked in locked {
        let line = locked.line;
        let place = Place { path: input.path.to_owned(), line };
        match locked.node(place) {
            Ok(node) if !seen.insert(node.purl.clone()) => {
                input.faults.add(Some(line), format!("`{}` is locked twice", node.name));
            }
            Ok(_) if seen.len() > PACKAGES_MAX => {
                let reason = format!("only the first {PACKAGES_MAX} providers are read");
                input.faults.add(Some(line), reason);
                break;
            }
            Ok(node) => _ = builder.node(node),
            Err(reason) => input.faults.add(Some(line), reason),
        }
    }
    Ok(builder.finish())
}

/// Whether a line is more than a remark.
fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with(['#', '/'])
}

/// A `provider` block, as it is written.
#[derive(Debug, Default)]
struct Locked<'a> {
    address: &'a str,
    version: Option<&'a str>,
    hashes: Vec<&'a str>,
    line: u32,
}

/// All blocks. Whatever follows a broken part up to the next block is left out.
fn blocks<'a>(input: &mut Input<'a>) -> Vec<Locked<'a>> {
    let mut tokens = Tokens::new(input.text);
    let mut found: Vec<Locked<'a>> = Vec::new();
    // Whether what comes now has been told of.
    let mut is_lost = false;
    while let Some(token) = tokens.next(&mut input.faults) {
        if token.kind != Token::Word("provider") {
            if !is_lost {
                input.faults.add(Some(token.line), "no `provider` block: left out");
            }
            is_lost = true;
            continue;
        }
        if found.len() > PACKAGES_MAX {
            break;
        }
        let (locked, whole) = block(&mut tokens, token.line, input);
        found.extend(locked);
        is_lost = !whole;
        if !whole {
            input.faults.add(Some(token.line), "a `provider` block that is broken");
        }
    }
    found
}

/// What comes after `provider`, and whether it is whole. The version of one that is cut off counts,
/// but not the next block.
fn block<'a>(
    tokens: &mut Tokens<'a>,
    line: u32,
    input: &mut Input<'_>,
) -> (Option<Locked<'a>>, bool) {
    let faults = &mut input.faults;
    let Some(address) = tokens.text(faults) else { return (None, false) };
    if !tokens.mark('{', faults) {
        return (None, false);
    }
    let mut locked = Locked { address, line, ..Locked::default() };
    loop {
        if tokens.mark('}', faults) {
            return (Some(locked), true);
        }
        let Some(key) = tokens.attribute(faults) else { return (Some(locked), false) };
        if !tokens.mark('=', faults) {
            return (Some(locked), false);
        }
        if let Some(value) = tokens.text(faults) {
            if key == "version" {
                locked.version = Some(value);
            }
            continue;
        }
        if !tokens.mark('[', faults) {
            return (Some(locked), false);
        }
        while let Some(value) = tokens.text(faults) {
            if key == "hashes" && locked.hashes.len() < HASHES_MAX {
                locked.hashes.push(value);
            }
            tokens.mark(',', faults);
        }
        if !tokens.mark(']', faults) {
            return (Some(locked), false);
        }
    }
}

impl Locked<'_> {
    fn node(&self, place: Place) -> Result<Node, &'static str> {
        let (host, name) = address(self.address)
            .ok_or("no address of a provider: `host/namespace/type` is what one has")?;
        let version = self.version.and_then(word).ok_or("a provider without a usable version")?;
        let registry = format!("https://{host}");
        let elsewhere = [("repository_url", registry.as_str())];
        let qualifiers = if host == USUAL_REGISTRY { &[][..] } else { &elsewhere[..] };
        let purl = Purl { qualifiers, ..Purl::new(Ecosystem::Terraform, name, Some(version)) };
        let mut node = Node {
            source: Some(self.address.to_owned()),
            ..Node::new(purl, Kind::Registry, place)
        };
        self.fill_digests(&mut node);
        Ok(node)
    }

    /// `zh:` is the SHA-256 of an archive, of which there is one a platform and none has its name
    /// here; `h1:` is made of the digests of what is in one, as in a go.sum.
    fn fill_digests(&self, node: &mut Node) {
        let digest = |text: &&str| Hash::from_hex(HashAlgorithm::Sha256, text.strip_prefix("zh:")?);
        let mut hashes: Vec<Hash> = self.hashes.iter().filter_map(digest).collect();
        hashes.sort_unstable();
        hashes.dedup();
        if let [_] = hashes.as_slice() {
            node.file = Some(String::new());
            node.hashes = hashes;
        } else {
            let archive = |hash| Archive { location: String::new(), hashes: vec![hash] };
            node.archives = hashes.into_iter().map(archive).collect();
        }
        let mut integrity = String::new();
        let mut sums: Vec<&str> = self.hashes.iter().copied().filter(|it| is_sum(it)).collect();
        sums.sort_unstable();
        sums.dedup();
        for sum in sums {
            if integrity.len() + 1 + sum.len() > PHRASE_BYTES_MAX {
                break;
            }
            if !integrity.is_empty() {
                integrity.push(' ');
            }
            integrity.push_str(sum);
        }
        node.integrity = Some(integrity).filter(|text| !text.is_empty());
    }
}

fn is_sum(text: &str) -> bool {
    text.starts_with("h1:") && word(text).is_some() && !text.contains(' ')
}

/// The host, and `namespace/type`.
fn address(text: &str) -> Option<(&str, &str)> {
    let (host, name) = word(text)?.split_once('/')?;
    let (namespace, kind) = name.split_once('/')?;
    let is_part = |part: &str| !part.is_empty() && !part.contains(['/', ' ', '@', ':']);
    let is_host = !host.is_empty() && !host.contains([' ', '@']);
    (is_host && is_part(namespace) && is_part(kind)).then_some((host, name))
}

#[cfg(test)]
mod tests;
