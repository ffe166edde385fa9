//! Where many files are: counts by directory, finer where there are more.

use std::collections::{BTreeMap, BTreeSet};

use answers::cost::text_len;

/// More directories than these are a listing again.
const DIRECTORIES_MAX: usize = 40;

/// Counts of `paths` by directory, in at most `bytes` of JSON. `src/` counts everything below,
/// `src/*` only what is in it, `*` what is in the root; each path is counted once.
pub(crate) fn directories(paths: &[String], bytes: usize) -> BTreeMap<String, usize> {
    let mut rows = open("", paths);
    if !fits(&rows, bytes) {
        return BTreeMap::new();
    }
    let mut closed = BTreeSet::new();
    // The directory with most files is opened, as long as that fits.
    while let Some(largest) = largest(&rows, &closed) {
        let below: Vec<&String> = paths.iter().filter(|path| path.starts_with(&largest)).collect();
        let mut opened = rows.clone();
        opened.remove(&largest);
        opened.extend(open(&largest, below));
        if fits(&opened, bytes) {
            rows = opened;
        }
        closed.insert(largest);
    }
    rows
}

/// What these rows come to.
pub(crate) fn cost(rows: &BTreeMap<String, usize>) -> usize {
    let around = "\"\":,".len();
    rows.iter().map(|(name, count)| text_len(name) + count.to_string().len() + around).sum()
}

fn fits(rows: &BTreeMap<String, usize>, bytes: usize) -> bool {
    rows.len() <= DIRECTORIES_MAX && cost(rows) <= bytes
}

fn largest(rows: &BTreeMap<String, usize>, closed: &BTreeSet<String>) -> Option<String> {
    let open = rows.iter().filter(|(name, _)| name.ends_with('/') && !closed.contains(*name));
    // The first by name among those with as many.
    open.rev().max_by_key(|(_, count)| **count).map(|(name, _)| name.clone())
}

/// What is directly in a directory: its directories, and its files together.
fn open<'a>(
    directory: &str,
    paths: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<String, usize> {
    let mut rows = BTreeMap::new();
    for path in paths {
        let name = match path[directory.len()..].split_once('/') {
            Some((name, _)) => format!("{directory}{name}/"),
            None => format!("{directory}*"),
        };
        *rows.entry(name).or_default() += 1;
    }
    rows
}
