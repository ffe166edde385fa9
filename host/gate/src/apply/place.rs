//! Where lines stand in a file: every place, or the nearest miss.

use std::collections::BTreeMap;

use super::Lines;

/// Most lines that are compared for one patch: a second or so. Only hundreds of hunks that are
/// not where they say, in one huge file, come near it.
const COMPARISONS_MAX: usize = 30_000_000;

/// Most lines of the needle with one text that have a word in where it nearly stands.
const VOTES_MAX: usize = 8;

/// What is left of [`COMPARISONS_MAX`].
#[derive(Debug)]
pub(crate) struct Effort(usize);

/// Looking took more than [`COMPARISONS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuchWork;

impl Effort {
    pub(crate) fn new() -> Self {
        Self(COMPARISONS_MAX)
    }

    fn spend(&mut self, lines: usize) -> Result<(), TooMuchWork> {
        self.0 = self.0.checked_sub(lines).ok_or(TooMuchWork)?;
        Ok(())
    }

    /// Every line, counted from 0, where all of `needle` stands. The work is linear (Knuth,
    /// Morris and Pratt), however often lines repeat.
    pub(crate) fn places(
        &mut self,
        needle: &Lines<'_>,
        file: &Lines<'_>,
    ) -> Result<Vec<usize>, TooMuchWork> {
        self.spend(needle.len().saturating_add(file.len()))?;
        let borders = borders(needle);
        let (mut places, mut matched) = (Vec::new(), 0);
        for (at, line) in file.iter().enumerate() {
            matched = longest(needle, &borders, matched, line);
            if matched > 0 && matched == needle.len() {
                places.push(at + 1 - matched);
            }
        }
        Ok(places)
    }
}

impl Effort {
    /// As [`Effort::places`], and where only white space follows a last line that has no line end:
    /// `git apply --unidiff-zero` takes those, too.
    pub(crate) fn places_for_git(
        &mut self,
        needle: &Lines<'_>,
        file: &Lines<'_>,
    ) -> Result<Vec<usize>, TooMuchWork> {
        let (last, above) = match needle.split_last() {
            Some((last, above)) if is_open(needle) => (*last, above),
            Some(_) | None => return self.places(needle, file),
        };
        let mut places = if above.is_empty() {
            self.spend(file.len())?;
            (0..file.len()).collect()
        } else {
            self.places(above, file)?
        };
        places.retain(|at| {
            let line = file.get(at + above.len()).and_then(|line| line.strip_prefix(last));
            line.is_some_and(|rest| rest.trim_ascii().is_empty())
        });
        Ok(places)
    }
}

/// Whether the last line has no line end.
pub(crate) fn is_open(lines: &Lines<'_>) -> bool {
    lines.last().is_some_and(|line| !line.ends_with(b"\n"))
}

/// For each beginning of `needle`: how much of it, short of all, is also its end.
fn borders(needle: &Lines<'_>) -> Vec<usize> {
    let mut borders = vec![0; needle.len()];
    let mut matched = 0;
    for at in 1..needle.len() {
        matched = longest(needle, &borders, matched, needle[at]);
        borders[at] = matched;
    }
    borders
}

/// How much of `needle` has matched after one more line.
fn longest(needle: &Lines<'_>, borders: &[usize], mut matched: usize, line: &[u8]) -> usize {
    loop {
        match needle.get(matched) {
            Some(wanted) if *wanted == line => return matched + 1,
            _ if matched == 0 => return 0,
            _ => matched = borders[matched - 1],
        }
    }
}

/// The line where most of `needle` would be in its place, white space aside; of several the one
/// nearest to `around`, which is also the answer when no line is known.
pub(crate) fn nearest(needle: &Lines<'_>, file: &Lines<'_>, around: usize) -> usize {
    let mut known: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (index, line) in needle.iter().enumerate() {
        let line = line.trim_ascii();
        let same = known.entry(line).or_default();
        if !line.is_empty() && same.len() < VOTES_MAX {
            same.push(index);
        }
    }
    let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, line) in file.iter().enumerate() {
        let indices = known.get(line.trim_ascii()).into_iter().flatten();
        for first in indices.filter_map(|index| at.checked_sub(*index)) {
            *votes.entry(first).or_default() += 1;
        }
    }
    let best = votes.into_iter().max_by_key(|(at, votes)| {
        (*votes, std::cmp::Reverse(at.abs_diff(around)), std::cmp::Reverse(*at))
    });
    best.map_or(around, |(at, _)| at)
}
