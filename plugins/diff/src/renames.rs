//! Which files that are gone and which that are new are the same: by their bytes, and then by
//! how many of their lines they share.

use std::collections::{BTreeMap, BTreeSet};

use answers::Content;
use stepwell::Tree;
use stepwell::repository;

use crate::changes::{Change, What};

/// Files of one side that are looked at. More is a reorganisation, which directories tell better.
const FILES_MAX: usize = 300;
/// Bytes of one side that are held at once.
const BYTES_MAX: usize = 24 * 1024 * 1024;
/// Pairs whose lines are compared.
const COMPARISONS_MAX: usize = 2_000;
/// A longer text is taken for a rename only when it is the same.
const TEXT_BYTES_MAX: usize = 512 * 1024;
/// What counts as the same file, in percent.
const SIMILARITY_MIN: usize = 50;

/// What moved.
#[derive(Debug, Default)]
pub(crate) struct Renames {
    /// By the new path.
    pairs: BTreeMap<String, (String, u8)>,
    /// Whether there was more than was looked at.
    pub(crate) is_cut: bool,
}

/// A file on one side.
struct Side<'a> {
    path: &'a str,
    bytes: Vec<u8>,
}

impl Renames {
    /// Changes of files that are in one tree only, where either path is asked about.
    pub(crate) fn one_sided(
        &self,
        deleted: &[String],
        added: &[String],
        is_asked: impl Fn(&String) -> bool,
    ) -> Vec<Change> {
        let moved: BTreeSet<&String> = self.pairs.values().map(|(from, _)| from).collect();
        let gone = deleted.iter().filter(|path| !moved.contains(path) && is_asked(path));
        let gone = gone.map(|path| Change { path: path.clone(), what: What::Deleted });
        let new = added.iter().filter_map(|path| match self.pairs.get(path) {
            Some((from, similarity)) => (is_asked(path) || is_asked(from)).then(|| Change {
                path: path.clone(),
                what: What::Renamed { from: from.clone(), similarity: *similarity },
            }),
            None => is_asked(path).then(|| Change { path: path.clone(), what: What::Added }),
        });
        gone.chain(new).collect()
    }
}

/// Pairs of files that are gone and new ones.
pub(crate) fn among(deleted: &[String], added: &[String]) -> Renames {
    if deleted.is_empty() || added.is_empty() {
        return Renames::default();
    }
    let (old, old_cut) = read(Tree::Base, deleted);
    let (new, new_cut) = read(Tree::Head, added);
    let mut renames = Renames { pairs: BTreeMap::new(), is_cut: old_cut || new_cut };
    let (old, new) = same(old, new, &mut renames);
    similar(&old, &new, &mut renames);
    renames
}

/// The files that can be read, without empty ones: those are alike by chance.
fn read(tree: Tree, paths: &[String]) -> (Vec<Side<'_>>, bool) {
    let mut left = BYTES_MAX;
    let mut files = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let Ok(bytes) = repository::read(tree, path) else { continue };
        if at >= FILES_MAX || bytes.len() > left {
            return (files, true);
        }
        left -= bytes.len();
        if !bytes.is_empty() {
            files.push(Side { path, bytes });
        }
    }
    (files, false)
}

/// Pairs what has the same bytes, the same name first, and returns the rest.
fn same<'a>(
    old: Vec<Side<'a>>,
    new: Vec<Side<'a>>,
    renames: &mut Renames,
) -> (Vec<Side<'a>>, Vec<Side<'a>>) {
    let mut by_bytes: BTreeMap<Vec<u8>, Vec<&str>> = BTreeMap::new();
    for Side { path, bytes } in old {
        by_bytes.entry(bytes).or_default().push(path);
    }
    let mut pair = |new: Vec<Side<'a>>, is_pair: fn(&str, &str) -> bool| {
        let mut rest = Vec::new();
        for side in new {
            let candidates = by_bytes.get_mut(&side.bytes);
            let from = candidates.and_then(|paths| {
                let at = paths.iter().position(|path| is_pair(path, side.path))?;
                Some(paths.remove(at))
            });
            match from {
                Some(from) => {
                    renames.pairs.insert(side.path.to_owned(), (from.to_owned(), 100));
                }
                None => rest.push(side),
            }
        }
        rest
    };
    let rest = pair(new, |before, now| name(before) == name(now));
    let rest = pair(rest, |_, _| true);
    let left = by_bytes.into_iter().flat_map(|(bytes, paths)| {
        paths.into_iter().map(move |path| Side { path, bytes: bytes.clone() })
    });
    (left.collect(), rest)
}

/// Pairs what shares most lines.
fn similar(old: &[Side<'_>], new: &[Side<'_>], renames: &mut Renames) {
    let old: Vec<Lines<'_>> = old.iter().filter_map(Lines::of).collect();
    let new: Vec<Lines<'_>> = new.iter().filter_map(Lines::of).collect();
    let mut pairs: Vec<(&Lines<'_>, &Lines<'_>)> = Vec::new();
    for before in &old {
        let may_be = |now: &&Lines<'_>| {
            before.bytes.min(now.bytes) * 100 >= before.bytes.max(now.bytes) * SIMILARITY_MIN
        };
        pairs.extend(new.iter().filter(may_be).map(|now| (before, now)));
    }
    pairs.sort_by_key(|(before, now)| {
        let is_other_name = name(before.path) != name(now.path);
        let is_other_kind = extension(before.path) != extension(now.path);
        (is_other_name, is_other_kind, before.bytes.abs_diff(now.bytes), before.path, now.path)
    });
    renames.is_cut |= pairs.len() > COMPARISONS_MAX;
    let scored = pairs
        .into_iter()
        .take(COMPARISONS_MAX)
        .map(|(before, now)| (before.similarity(now), before.path, now.path));
    let mut scored: Vec<_> = scored.filter(|(score, ..)| *score >= SIMILARITY_MIN).collect();
    scored.sort_by_key(|(score, before, now)| {
        (std::cmp::Reverse(*score), name(before) != name(now), *before, *now)
    });
    let mut taken: Vec<&str> = Vec::new();
    for (score, before, now) in scored {
        if !taken.contains(&before) && !renames.pairs.contains_key(now) {
            taken.push(before);
            let similarity = u8::try_from(score.min(99)).unwrap_or(99);
            renames.pairs.insert(now.to_owned(), (before.to_owned(), similarity));
        }
    }
}

/// The lines of a text, sorted.
struct Lines<'a> {
    path: &'a str,
    bytes: usize,
    lines: Vec<&'a [u8]>,
}

impl<'a> Lines<'a> {
    fn of(side: &'a Side<'_>) -> Option<Self> {
        if side.bytes.len() > TEXT_BYTES_MAX || Content::of(&side.bytes).text().is_none() {
            return None;
        }
        let mut lines: Vec<&[u8]> = side.bytes.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        Some(Self { path: side.path, bytes: side.bytes.len(), lines })
    }

    /// Bytes of lines that both have, in percent of the larger.
    fn similarity(&self, other: &Self) -> usize {
        let (mut mine, mut theirs) = (self.lines.iter().peekable(), other.lines.iter().peekable());
        let mut shared = 0;
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => drop(mine.next()),
                std::cmp::Ordering::Greater => drop(theirs.next()),
                std::cmp::Ordering::Equal => {
                    shared += a.len();
                    mine.next();
                    theirs.next();
                }
            }
        }
        shared * 100 / self.bytes.max(other.bytes).max(1)
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn extension(path: &str) -> &str {
    name(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}
