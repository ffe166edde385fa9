//! Bills of materials that lie in the repository: CycloneDX as JSON and XML, SPDX 2 as JSON and as
//! tags and values, SPDX 3 as JSON-LD. What is in a file is told by its content.
//!
//! A component is a package by its package URL, whatever its type: a type that no lock file here
//! has is kept word for word, in the canonical form. One without a package URL is
//! `pkg:generic/name@version`, which says no more than the bill does. What is no package (a file, a
//! data set) is counted in one warning.
//!
//! A bill says that something is there, not where from: a package of it is the same as one of a
//! lock file with the same package URL, be it the repository's own or another's.

mod cyclonedx;
mod spdx2;
mod spdx3;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Edges, Faults, Input, PACKAGES_MAX, PHRASE_BYTES_MAX, Unreadable, json, phrase, word, xml,
};
use crate::ecosystem::Ecosystem;
use crate::graph::{Builder, EdgeKind, Graph, Hash, HashAlgorithm, Kind, Node, Place, Scope};
use crate::path;
use crate::purl::{PackageUrl, Purl};

/// Names that other files have, too: without a word of a bill in them they are none of ours.
const COMMON_NAMES: [&str; 2] = ["bom.json", "bom.xml"];

/// How CycloneDX says in a document that it is one.
const CYCLONEDX: &str = "CycloneDX";

/// The same in the namespace of XML.
const CYCLONEDX_SPACE: &str = "cyclonedx.org/schema/bom";

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let is_common = COMMON_NAMES.contains(&path::file_name(input.path));
    if is_common && ![CYCLONEDX, CYCLONEDX_SPACE].iter().any(|word| input.text.contains(word)) {
        return Err(Unreadable::Elsewhere("it has only the name of a bill of materials"));
    }
    let mut bill = Bill::new(input.path);
    match input.text.trim_start().chars().next() {
        Some('{') => read_json(input, &mut bill)?,
        Some('<') if !input.text.trim_start().starts_with("<<<<<<<") => {
            let root = xml::read(input)?;
            if root.name != "bom" || !root.tag_has(CYCLONEDX_SPACE) {
                return Err(Unreadable::Shape("it is no `bom` of CycloneDX"));
            }
            cyclonedx::read_xml(&root, input, &mut bill);
        }
        _ if tags::is_one(input.text) => tags::read(input, &mut bill),
        _ => read_json(input, &mut bill)?,
    }
    Ok(bill.finish(&mut input.faults))
}

fn read_json(input: &mut Input<'_>, bill: &mut Bill<'_>) -> Result<(), Unreadable> {
    let document = json::object(input)?;
    if document.get("bomFormat").is_some_and(|format| format.get() == "\"CycloneDX\"") {
        cyclonedx::read_json(&document, input, bill);
    } else if document.contains_key("spdxVersion") {
        spdx2::read(&document, input, bill);
    } else if document.contains_key("@graph") && document.contains_key("@context") {
        spdx3::read(&document, input, bill);
    } else {
        return Err(Unreadable::Shape("it is no document of CycloneDX or SPDX"));
    }
    Ok(())
}

/// What a bill says of one component.
#[derive(Debug)]
struct Entry {
    /// What the rest of the document calls it.
    reference: Option<String>,
    purl: Option<String>,
    group: Option<String>,
    name: String,
    version: Option<String>,
    /// The versions that will do, where the bill says so.
    range: Option<String>,
    scope: Scope,
    hashes: Vec<Hash>,
    licence: Option<String>,
    /// Whether it is what the bill is about.
    is_subject: bool,
    line: u32,
}

/// The most bytes of what somebody wrote that a warning quotes.
const QUOTED_BYTES_MAX: usize = 200;

/// What some write where they do not know the version.
const NO_VERSIONS: [&str; 4] = ["noassertion", "none", "unknown", "unspecified"];

impl Entry {
    fn new(line: u32) -> Self {
        Self {
            reference: None,
            purl: None,
            group: None,
            name: String::new(),
            version: None,
            range: None,
            scope: Scope::Unknown,
            hashes: Vec::new(),
            licence: None,
            is_subject: false,
            line,
        }
    }

    /// The version; what leaves a choice is none.
    fn exact(&self) -> Option<&str> {
        let version = self.version.as_deref().and_then(word)?;
        let is_known = !NO_VERSIONS.iter().any(|none| version.eq_ignore_ascii_case(none));
        (is_known && !is_range(version)).then_some(version)
    }

    /// The versions that will do.
    fn range(&self) -> Option<String> {
        let written = self.version.as_deref().filter(|version| is_range(version));
        written.or(self.range.as_deref()).and_then(phrase).map(str::to_owned)
    }

    fn add_hash(&mut self, algorithm: &str, hex: &str) {
        let known = algorithm_called(algorithm);
        let hash = known.and_then(|algorithm| Hash::from_hex(algorithm, hex.trim()));
        self.hashes.extend(
            hash.filter(|new| self.hashes.iter().all(|hash| hash.algorithm != new.algorithm)),
        );
    }
}

/// Whether it is no version but a choice, in the words of one ecosystem or another.
fn is_range(version: &str) -> bool {
    version.starts_with(['^', '~', '<', '>', '=', '!', '*']) || version.ends_with('*')
}

/// `SHA-256` of CycloneDX, `SHA256` and `sha256` of SPDX; none for what is weaker or rarer.
fn algorithm_called(name: &str) -> Option<HashAlgorithm> {
    match name.to_ascii_uppercase().replace('-', "").as_str() {
        "SHA1" => Some(HashAlgorithm::Sha1),
        "SHA256" => Some(HashAlgorithm::Sha256),
        "SHA384" => Some(HashAlgorithm::Sha384),
        "SHA512" => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

/// The start of what somebody wrote, for a warning: not what follows a package's version, where
/// passwords of addresses are.
fn quoted(written: &str) -> String {
    let end = written.floor_char_boundary(QUOTED_BYTES_MAX);
    let start = written[..end].split(['?', '#']).next().unwrap_or_default();
    path::without_user(start)
}

/// A text that a value is.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The packages of a bill, in the making.
struct Bill<'a> {
    path: &'a str,
    builder: Builder,
    /// By what the document calls them.
    numbers: BTreeMap<String, usize>,
    /// What the document calls components that are no packages.
    others: BTreeSet<String>,
    /// Those that the bill is about.
    roots: BTreeSet<usize>,
    /// Those without a package URL.
    nameless: BTreeSet<usize>,
    count: usize,
    /// How many components are no packages, and the line of the first.
    left_out: (usize, u32),
    room: Edges,
}

impl<'a> Bill<'a> {
    fn new(path: &'a str) -> Self {
        Self {
            path,
            builder: Builder::default(),
            numbers: BTreeMap::new(),
            others: BTreeSet::new(),
            roots: BTreeSet::new(),
            nameless: BTreeSet::new(),
            count: 0,
            left_out: (0, 0),
            room: Edges::new(),
        }
    }

    /// Whether there is room for one more package; says so when there is not.
    fn has_room(&self, line: u32, faults: &mut Faults<'_>) -> bool {
        if self.count == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            faults.add(Some(line), reason);
        }
        self.count < PACKAGES_MAX
    }

    fn add(&mut self, entry: Entry, faults: &mut Faults<'_>) {
        let place = Place { path: self.path.to_owned(), line: entry.line };
        let node = match node(&entry, place, faults) {
            Ok(node) => node,
            Err(reason) => return faults.add(Some(entry.line), reason),
        };
        self.count += 1;
        let number = self.builder.node(node);
        if entry.purl.is_none() {
            self.nameless.insert(number);
        }
        if entry.is_subject {
            self.roots.insert(number);
        }
        let Some(reference) = entry.reference.filter(|it| it.len() <= PHRASE_BYTES_MAX) else {
            return;
        };
        if *self.numbers.entry(reference).or_insert(number) != number {
            faults.note_some(Some(entry.line), "another component has the same identifier");
        }
    }

    /// Leaves out a component that is no package.
    fn leave_out(&mut self, reference: Option<String>, line: u32) {
        self.others.extend(reference.filter(|it| it.len() <= PHRASE_BYTES_MAX));
        let (count, first) = self.left_out;
        self.left_out = (count + 1, if count == 0 { line } else { first });
    }

    /// The bill is about this one.
    fn root(&mut self, reference: &str) {
        self.roots.extend(self.numbers.get(reference));
    }

    fn need(
        &mut self,
        (from, to): (&str, &str),
        kind: EdgeKind,
        line: u32,
        faults: &mut Faults<'_>,
    ) {
        // Each counts, known or not: to look them up takes time, too.
        if !self.room.take(faults) {
            return;
        }
        let mut number = |reference: &str| {
            let is_short = reference.len() <= PHRASE_BYTES_MAX;
            let number = if is_short { self.numbers.get(reference).copied() } else { None };
            if number.is_none() && !(is_short && self.others.contains(reference)) {
                let shown = quoted(reference);
                let reason = format!("`{shown}`, of which it says a need, is not listed");
                faults.note_some(Some(line), reason);
            }
            number
        };
        let (from, to) = (number(from), number(to));
        if let (Some(from), Some(to)) = (from, to)
            && from != to
        {
            self.builder.edge(from, to, kind);
        }
    }

    fn finish(mut self, faults: &mut Faults<'_>) -> Graph {
        if let (count @ 1.., line) = self.left_out {
            let reason =
                format!("components that are no packages (files, data) are left out: {count}");
            faults.note(Some(line), reason);
        }
        // The one thing that a bill is about is the repository's own, unless it says whose it is.
        if let (Some(&only), 1) = (self.roots.first(), self.roots.len())
            && self.nameless.contains(&only)
        {
            self.builder.own(only);
        }
        self.roots.iter().for_each(|&root| self.builder.root(root));
        self.builder.fill_scopes();
        self.builder.finish()
    }
}

fn node(entry: &Entry, place: Place, faults: &mut Faults<'_>) -> Result<Node, &'static str> {
    let version = entry.exact();
    let url = entry.purl.as_deref().and_then(|written| match PackageUrl::parse(written.trim()) {
        Ok(url) => Some(url),
        Err(err) => {
            let written = quoted(written.trim());
            let reason = format!("`{written}` is no package URL ({err}): listed by its name");
            faults.note_some(Some(entry.line), reason);
            None
        }
    });
    let mut node = match url.map(|url| published(&url, version)).transpose()? {
        Some(url) => {
            let ecosystem = Ecosystem::from_name(url.kind()).unwrap_or(Ecosystem::Generic);
            let name = ecosystem.join_name(url.group(), url.name());
            let name = word(&name).ok_or("a component whose name cannot be shown")?;
            let purl = Purl::new(ecosystem, name, url.version());
            Node { purl: url.to_string(), ..Node::new(purl, Kind::Bill, place) }
        }
        None => {
            let name = Ecosystem::Generic.join_name(entry.group.as_deref(), entry.name.trim());
            let name = word(&name).ok_or("a component without a usable name")?;
            Node::new(Purl::new(Ecosystem::Generic, name, version), Kind::Bill, place)
        }
    };
    if node.version.is_none() {
        node.range = entry.range();
    }
    node.scope = entry.scope;
    node.hashes.clone_from(&entry.hashes);
    node.hashes.sort_unstable();
    node.licence = entry.licence.as_deref().and_then(phrase).map(str::to_owned);
    Ok(node)
}

/// The package URL with the version, without passwords, and without where a package lay on the
/// machine that wrote the bill.
fn published(url: &PackageUrl, version: Option<&str>) -> Result<PackageUrl, &'static str> {
    let qualifiers = url.qualifiers().iter();
    let qualifiers = qualifiers.filter(|(_, value)| !value.starts_with("file:"));
    let qualifiers = qualifiers.map(|(key, value)| (key.clone(), path::without_user(value)));
    let version = match url.version() {
        Some(version) => Some(word(version).ok_or("a component whose version cannot be shown")?),
        None => version,
    };
    PackageUrl::build(url.kind(), url.group(), url.name(), version, qualifiers, url.subpath())
        .map_err(|_| "a component whose package URL cannot be used")
}

#[cfg(test)]
mod tests;
