//! Which lines of two texts belong together, with work that is bounded for any input.
//!
//! The library's own search is bounded, too, but for two long texts of the same few lines in
//! another order it takes seconds. So long texts are first cut at lines that each has once.

use std::collections::BTreeMap;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff, capture_diff_slices};

/// When to cut, and what is too much between two cuts; in lines of both texts together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    whole: usize,
    piece: usize,
}

/// Tens of milliseconds at most, each.
pub(crate) const LIMITS: Limits = Limits { whole: 20_000, piece: 10_000 };

/// Counts and places of a line.
#[derive(Debug, Default)]
struct Line {
    old: usize,
    new: usize,
    old_at: usize,
    new_at: usize,
}

/// What makes the new lines of the old ones.
pub(crate) fn compare(old: &[&str], new: &[&str], limits: Limits) -> Vec<DiffOp> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let before = old.iter().zip(new).take_while(same).count();
    let tails = old[before..].iter().rev().zip(new[before..].iter().rev());
    let after = tails.take_while(same).count();
    let (old_end, new_end) = (old.len() - after, new.len() - after);
    if (old_end - before) + (new_end - before) <= limits.whole {
        return capture_diff_slices(Algorithm::Myers, old, new);
    }
    let mut pieces = Pieces { old, new, limits, ops: Vec::new(), old_at: 0, new_at: 0 };
    pieces.equal(before);
    for (old_at, new_at) in anchors(old, new, before, (old_end, new_end)) {
        pieces.compare_to(old_at, new_at);
        pieces.equal(1);
    }
    pieces.compare_to(old_end, new_end);
    pieces.equal(after);
    pieces.ops
}

/// Lines that stand once in either text, and in the same order in both.
fn anchors(old: &[&str], new: &[&str], start: usize, ends: (usize, usize)) -> Vec<(usize, usize)> {
    let mut lines: BTreeMap<&str, Line> = BTreeMap::new();
    for (at, line) in old[..ends.0].iter().enumerate().skip(start) {
        let line = lines.entry(line).or_default();
        (line.old, line.old_at) = (line.old + 1, at);
    }
    for (at, line) in new[..ends.1].iter().enumerate().skip(start) {
        let line = lines.entry(line).or_default();
        (line.new, line.new_at) = (line.new + 1, at);
    }
    let once = lines.values().filter(|line| line.old == 1 && line.new == 1);
    let mut pairs: Vec<(usize, usize)> = once.map(|line| (line.old_at, line.new_at)).collect();
    pairs.sort_unstable();
    longest_rising(&pairs)
}

/// The longest run of pairs, not necessarily side by side, whose second parts rise.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // Of each length, the run that ends lowest; and of each pair, what comes before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (_, new_at)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].1 < *new_at);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut last = ends.last().copied();
    while let Some(at) = last {
        run.push(pairs[at]);
        last = before[at];
    }
    run.reverse();
    run
}

/// Two texts, compared piece by piece from their beginnings on.
struct Pieces<'a> {
    old: &'a [&'a str],
    new: &'a [&'a str],
    limits: Limits,
    ops: Vec<DiffOp>,
    old_at: usize,
    new_at: usize,
}

impl Pieces<'_> {
    fn equal(&mut self, len: usize) {
        let (old_index, new_index) = (self.old_at, self.new_at);
        self.push(DiffOp::Equal { old_index, new_index, len });
    }

    /// Compares what is before these places; what is too much is all taken for changed.
    fn compare_to(&mut self, old_end: usize, new_end: usize) {
        let (old, new) = (self.old_at..old_end, self.new_at..new_end);
        let (old_index, new_index) = (self.old_at, self.new_at);
        let (old_len, new_len) = (old.len(), new.len());
        if old_len + new_len > self.limits.piece && old_len > 0 && new_len > 0 {
            self.push(DiffOp::Replace { old_index, old_len, new_index, new_len });
            return;
        }
        for op in capture_diff(Algorithm::Myers, self.old, old, self.new, new) {
            self.push(op);
        }
    }

    fn push(&mut self, op: DiffOp) {
        self.old_at = op.old_range().end;
        self.new_at = op.new_range().end;
        if op.old_range().is_empty() && op.new_range().is_empty() {
            return;
        }
        match self.ops.last_mut() {
            Some(DiffOp::Equal { len, .. }) if op.tag() == DiffTag::Equal => {
                *len += op.old_range().len();
            }
            Some(_) | None => self.ops.push(op),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(old: &[&str], new: &[&str], ops: &[DiffOp]) -> Vec<String> {
        let (mut made, mut old_at, mut new_at) = (Vec::new(), 0, 0);
        for op in ops {
            assert_eq!((op.old_range().start, op.new_range().start), (old_at, new_at));
            (old_at, new_at) = (op.old_range().end, op.new_range().end);
            let lines = if op.tag() == DiffTag::Equal {
                &old[op.old_range()]
            } else {
                &new[op.new_range()]
            };
            made.extend(lines.iter().map(|line| (*line).to_owned()));
        }
        assert_eq!((old_at, new_at), (old.len(), new.len()));
        made
    }

    proptest! {
        #[test]
        fn what_is_cut_into_pieces_comes_to_the_same_text(
            old in "[a-e]{0,30}", new in "[a-e]{0,30}", unique in "[f-p]{0,6}",
            whole in 0usize..20, piece in 0usize..20
        ) {
            // Some lines that are there once, in either text.
            let (old, new) = (unique.clone() + &old + "qr", new + &unique + "rq");
            let old: Vec<&str> = old.split_inclusive(|_| true).collect();
            let new: Vec<&str> = new.split_inclusive(|_| true).collect();
            let ops = compare(&old, &new, Limits { whole, piece });
            prop_assert_eq!(apply(&old, &new, &ops), new);
            let pairs = ops.windows(2).filter(|pair| pair.iter().all(|op| op.tag() == DiffTag::Equal));
            prop_assert_eq!(pairs.count(), 0);
        }
    }

    #[test]
    fn an_edit_of_a_long_text_is_found_as_it_was_made() {
        let line =
            |n: usize| if n.is_multiple_of(7) { "}\n".to_owned() } else { format!("line {n}\n") };
        let old: Vec<String> = (0..40_000).map(line).collect();
        let mut new = old.clone();
        new[10] = "first\n".to_owned();
        new.remove(20_000);
        new[39_990] = "last\n".to_owned();
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let ops = compare(&old, &new, LIMITS);
        let changed: Vec<(usize, usize)> = ops
            .iter()
            .filter(|op| op.tag() != DiffTag::Equal)
            .map(|op| (op.old_range().len(), op.new_range().len()))
            .collect();
        assert_eq!(changed, [(1, 1), (1, 0), (1, 1)]);
        assert_eq!(apply(&old, &new, &ops), new);
    }
}
