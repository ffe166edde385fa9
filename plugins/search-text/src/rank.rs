//! What comes first: what a line says of the pattern, and where it stands.

use std::collections::BTreeMap;

use answers::Place;
use regex_lite::{Regex, RegexBuilder};
use stepwell::repository::LineMatch;

use crate::defines::{self, Relevance};
use crate::{Input, Order};

/// So many matches of a file come before those of the next file; then there is another round.
const ROUND: usize = 10;
/// Bytes of a compiled pattern. A larger one would take long on thousands of lines, and only
/// rank is lost.
const REGEX_SIZE_MAX: usize = 32 * 1024;
/// Occurrences on one line that are looked at.
const ON_LINE_MAX: usize = 8;

/// A line that matched, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub(crate) path: String,
    pub(crate) line: u32,
    pub(crate) text: String,
    pub(crate) place: Place,
    pub(crate) relevance: Relevance,
    /// Matches of its file, this one included.
    pub(crate) in_file: usize,
}

/// All lines, in the order that is asked for.
pub(crate) fn sorted(input: &Input, lines: Vec<LineMatch>) -> Vec<Ranked> {
    let regex = regex(input);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for found in &lines {
        *counts.entry(found.path.clone()).or_default() += 1;
    }
    let ranked = lines.into_iter().map(|LineMatch { path, line, text, .. }| Ranked {
        place: Place::of(&path),
        relevance: relevance(regex.as_ref(), &text),
        in_file: counts.get(&path).copied().unwrap_or(1),
        path,
        line,
        text,
    });
    let mut all: Vec<Ranked> = ranked.collect();
    all.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    match input.order {
        Order::Path => all,
        Order::Rank => in_rounds(all),
    }
}

/// Sorted by rank, with a limit on how many matches of one file follow each other.
fn in_rounds(mut all: Vec<Ranked>) -> Vec<Ranked> {
    all.sort_by_key(rank);
    let mut seen: BTreeMap<(String, Rank), usize> = BTreeMap::new();
    let mut keyed: Vec<((Rank, usize), Ranked)> = Vec::with_capacity(all.len());
    for found in all {
        let of_file = seen.entry((found.path.clone(), rank(&found))).or_default();
        keyed.push(((rank(&found), *of_file / ROUND), found));
        *of_file += 1;
    }
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, found)| found).collect()
}

type Rank = (bool, Relevance, Place);

fn rank(found: &Ranked) -> Rank {
    (found.place.is_foreign(), found.relevance, found.place)
}

/// The pattern, to see where on a line it matches; none where it is not understood here.
fn regex(input: &Input) -> Option<Regex> {
    let pattern =
        if input.literal { regex_lite::escape(&input.pattern) } else { input.pattern.clone() };
    let mut builder = RegexBuilder::new(&pattern);
    builder.case_insensitive(input.ignore_case).size_limit(REGEX_SIZE_MAX).build().ok()
}

fn relevance(regex: Option<&Regex>, line: &str) -> Relevance {
    let Some(regex) = regex else { return Relevance::Part };
    let spans = regex.find_iter(line).take(ON_LINE_MAX);
    spans.map(|span| defines::relevance(line, span.range())).min().unwrap_or(Relevance::Part)
}
