//! `difference`: what one bill has that another has not.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Warning, query};
use serde::Serialize;
use stepwell::repository::{self, Reason};
use stepwell::{Refusal, Tree};

use crate::compose::{Subject, compose, leave_out_bills};
use crate::listing::{Facts, Key, Listing};
use crate::{Input, scan};

/// Entries of a list where the call does not say.
const ENTRIES: usize = 100;
/// The most entries a call may ask for.
const ENTRIES_MAX: usize = 1_000;
/// The most bytes of an answer: about 40,000 tokens. With less room, lists are cut shorter.
const ANSWER_BYTES_MAX: usize = 160 * 1024;

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// The counts of all lists, in one sentence.
    answer: String,
    before: Side,
    after: Side,
    added: Vec<Entry>,
    removed: Vec<Entry>,
    upgraded: Vec<Change>,
    downgraded: Vec<Change>,
    licence_changed: Vec<Change>,
    source_changed: Vec<Change>,
    /// The version is the same and the digest is not: the most suspicious of all changes.
    content_changed: Vec<Change>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    left_out: BTreeMap<&'static str, usize>,
}

/// One of the two bills.
#[derive(Debug, Clone, Serialize)]
struct Side {
    /// A state of the repository, or a document in it.
    of: String,
    packages: usize,
}

/// A package that is new or gone.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecosystem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    /// Where it comes from, if that is not its registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

/// A package that is another one.
#[derive(Debug, Clone, Serialize)]
struct Change {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecosystem: Option<String>,
    /// Its version now, where that is not what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    from: String,
    to: String,
}

/// All changes, uncut.
#[derive(Debug, Default)]
struct Changes {
    added: Vec<Entry>,
    removed: Vec<Entry>,
    upgraded: Vec<Change>,
    downgraded: Vec<Change>,
    licence: Vec<Change>,
    source: Vec<Change>,
    content: Vec<Change>,
}

pub(crate) fn difference(input: &Input) -> Result<Difference, Refusal> {
    let mut warnings = Vec::new();
    let before = side(input.before.as_deref(), Tree::Base, input, &mut warnings)?;
    let after = side(input.after.as_deref(), Tree::Head, input, &mut warnings)?;
    let changes = Changes::between(&before.1, &after.1);
    let mut max = input.max.unwrap_or(ENTRIES).clamp(1, ENTRIES_MAX);
    loop {
        let answer = changes.answer(&before, &after, &warnings, max);
        let size = serde_json::to_string(&answer).map_or(0, |text| text.len());
        if max == 1 || size <= ANSWER_BYTES_MAX {
            return Ok(answer);
        }
        max /= 2;
    }
}

/// A document where one is named, and otherwise what the lock files of a state say.
fn side(
    path: Option<&str>,
    tree: Tree,
    input: &Input,
    warnings: &mut Vec<Warning>,
) -> Result<(Side, Listing), Refusal> {
    let (of, listing) = match path {
        Some(path) => {
            let bytes = repository::read(Tree::Head, path)?;
            let listing = Listing::read(&bytes).map_err(|why| {
                Refusal::new(format!("`{path}` cannot be compared: {why}; XML is not read"))
            })?;
            (path.to_owned(), listing)
        }
        None => {
            let name = if tree == Tree::Base { "base" } else { "head" };
            (format!("the lock files of the {name}"), locked(tree, input, warnings)?)
        }
    };
    Ok((Side { of, packages: listing.len() }, listing))
}

fn locked(tree: Tree, input: &Input, warnings: &mut Vec<Warning>) -> Result<Listing, Refusal> {
    let is_missing = |err: &repository::Error| matches!(err.reason, Reason::NoSuchTree);
    if tree == Tree::Base && repository::kind(tree, "").is_err_and(|err| is_missing(&err)) {
        return Err(Refusal::new(
            "there is no base to compare with: name a bill in the repository in `before`",
        ));
    }
    let mut scan = scan(tree, input)?;
    // A bill says what it likes of a package: it would hide what a lock file says of it.
    if input.lockfiles.is_empty() {
        leave_out_bills(&mut scan);
    }
    let known: BTreeSet<Warning> = warnings.iter().cloned().collect();
    let found = scan.warnings.clone().into_vec().into_iter();
    warnings.extend(found.filter(|warning| !known.contains(warning)));
    Ok(Listing::of(&compose(scan, &Subject::default(), None)))
}

impl Changes {
    fn between(before: &Listing, after: &Listing) -> Self {
        let mut changes = Self::default();
        let keys: BTreeSet<&Key> = before.packages.keys().chain(after.packages.keys()).collect();
        let none = BTreeMap::new();
        for key in keys {
            let old = before.packages.get(key).unwrap_or(&none);
            let new = after.packages.get(key).unwrap_or(&none);
            for (version, is) in new {
                if let Some(was) = old.get(version) {
                    changes.kept(key, version, was, is);
                }
            }
            changes.versions(key, old, new);
        }
        changes
    }

    /// A version that is in both.
    fn kept(&mut self, key: &Key, version: &str, was: &Facts, is: &Facts) {
        self.facts(key, version, was, is);
        if let Some((from, to)) = other_content(was, is) {
            self.content.push(change(key, Some(version), from, to));
        }
    }

    fn facts(&mut self, key: &Key, version: &str, was: &Facts, is: &Facts) {
        let words =
            |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
        if was.licence != is.licence {
            let (from, to) = (words(&was.licence, "unknown"), words(&is.licence, "unknown"));
            self.licence.push(change(key, Some(version), from, to));
        }
        if was.source.as_deref().map(without_revision) != is.source.as_deref().map(without_revision)
        {
            let (from, to) = (words(&was.source, "registry"), words(&is.source, "registry"));
            self.source.push(change(key, Some(version), from, to));
        }
    }

    /// One version gone and one come is one package changed; of several, the nearest ages pair up.
    fn versions(
        &mut self,
        key: &Key,
        old: &BTreeMap<String, Facts>,
        new: &BTreeMap<String, Facts>,
    ) {
        let gone = only_in(old, new);
        let come = only_in(new, old);
        for at in 0..gone.len().max(come.len()) {
            match (gone.get(at), come.get(at)) {
                (Some((from, was)), Some((to, is))) => {
                    let found = change(key, None, (*from).to_owned(), (*to).to_owned());
                    match query::natural_order(from, to) {
                        Ordering::Greater => self.downgraded.push(found),
                        Ordering::Less | Ordering::Equal => self.upgraded.push(found),
                    }
                    self.facts(key, to, was, is);
                }
                (Some((version, was)), None) => self.removed.push(entry(key, version, was)),
                (None, Some((version, is))) => self.added.push(entry(key, version, is)),
                (None, None) => {}
            }
        }
    }

    fn answer(
        &self,
        before: &(Side, Listing),
        after: &(Side, Listing),
        warnings: &[Warning],
        max: usize,
    ) -> Difference {
        let mut left_out = BTreeMap::new();
        Difference {
            answer: self.sentence(),
            before: before.0.clone(),
            after: after.0.clone(),
            added: cut("added", &self.added, max, &mut left_out),
            removed: cut("removed", &self.removed, max, &mut left_out),
            upgraded: cut("upgraded", &self.upgraded, max, &mut left_out),
            downgraded: cut("downgraded", &self.downgraded, max, &mut left_out),
            licence_changed: cut("licence_changed", &self.licence, max, &mut left_out),
            source_changed: cut("source_changed", &self.source, max, &mut left_out),
            content_changed: cut("content_changed", &self.content, max, &mut left_out),
            warnings: cut("warnings", warnings, max, &mut left_out),
            left_out,
        }
    }

    fn sentence(&self) -> String {
        let counts = [
            (self.added.len(), "added"),
            (self.removed.len(), "removed"),
            (self.upgraded.len(), "upgraded"),
            (self.downgraded.len(), "downgraded"),
            (self.licence.len(), "with another licence"),
            (self.source.len(), "from another source"),
            (self.content.len(), "with other content under the same version"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if told.is_empty() { "no package differs".to_owned() } else { told.join(", ") }
    }
}

/// The first digest that is another one: of the one file, of one of several by its name, or of any
/// where none is as before. A file or a platform more is no other content.
fn other_content(was: &Facts, is: &Facts) -> Option<(String, String)> {
    let files = was.files.iter().filter_map(|(name, old)| Some((old, is.files.get(name)?)));
    let mut same = std::iter::once((&was.hashes, &is.hashes)).chain(files);
    let differs = |(old, new): (&BTreeMap<String, String>, &BTreeMap<String, String>)| {
        old.iter().find_map(|(algorithm, old)| {
            let new = new.get(algorithm).filter(|new| *new != old)?;
            Some((format!("{algorithm}:{old}"), format!("{algorithm}:{new}")))
        })
    };
    let replaced = || {
        was.digests.iter().find_map(|(algorithm, old)| {
            let new = is.digests.get(algorithm).filter(|new| new.is_disjoint(old))?;
            Some((format!("{algorithm}:{}", old.first()?), format!("{algorithm}:{}", new.first()?)))
        })
    };
    same.find_map(differs).or_else(replaced)
}

/// Where a repository stands, without the revision: that changes with every version.
fn without_revision(source: &str) -> &str {
    let path = source.rfind('/').unwrap_or(0);
    source[path..].find('@').map_or(source, |at| &source[..path + at])
}

/// The versions that `other` has not, oldest first.
fn only_in<'a>(
    versions: &'a BTreeMap<String, Facts>,
    other: &BTreeMap<String, Facts>,
) -> Vec<(&'a str, &'a Facts)> {
    let mut only: Vec<(&str, &Facts)> = versions
        .iter()
        .filter(|(version, _)| !other.contains_key(*version))
        .map(|(version, facts)| (version.as_str(), facts))
        .collect();
    only.sort_by(|(a, _), (b, _)| query::natural_order(a, b));
    only
}

fn change(key: &Key, version: Option<&str>, from: String, to: String) -> Change {
    let Key { name, ecosystem } = key.clone();
    Change { name, ecosystem, version: version.map(str::to_owned), from, to }
}

fn entry(key: &Key, version: &str, facts: &Facts) -> Entry {
    let Key { name, ecosystem } = key.clone();
    let (licence, source) = (facts.licence.clone(), facts.source.clone());
    Entry { name, version: version.to_owned(), ecosystem, licence, source }
}

fn cut<T: Clone>(
    name: &'static str,
    entries: &[T],
    max: usize,
    left_out: &mut BTreeMap<&'static str, usize>,
) -> Vec<T> {
    if entries.len() > max {
        left_out.insert(name, entries.len() - max);
    }
    entries.iter().take(max).cloned().collect()
}
