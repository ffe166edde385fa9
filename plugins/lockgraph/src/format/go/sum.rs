//! `go.sum`: digests of modules.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::format::word;

/// Digests by module and version, with the line.
pub(super) type Sums<'a> = BTreeMap<(&'a str, &'a str), (&'a str, u32)>;

/// The digests of whole modules; those of their `go.mod` alone are left out. A line that is none
/// is told.
pub(super) fn read<'a>(text: &'a str, mut fault: impl FnMut(u32)) -> Sums<'a> {
    let mut sums = Sums::new();
    for (line, number) in text.lines().zip(1u32..) {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next(), words.next(), words.next()) {
            (None, ..) => {}
            (Some(path), Some(version), Some(sum), None) if sum.starts_with("h1:") => {
                let usable = [path, version, sum].into_iter().all(|text| word(text).is_some());
                if usable && !version.ends_with("/go.mod") {
                    sums.entry((path, version)).or_insert((sum, number));
                }
            }
            _ => fault(number),
        }
    }
    sums
}

/// Of each module the highest version, with the line.
pub(super) fn highest<'a>(sums: &Sums<'a>) -> BTreeMap<&'a str, (&'a str, u32)> {
    let mut highest: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    for (&(path, version), &(_, line)) in sums {
        let best = highest.entry(path).or_insert((version, line));
        if compare(version, best.0) == Ordering::Greater {
            *best = (version, line);
        }
    }
    highest
}

/// The order of semantic versions, which have a `v` in front.
fn compare(a: &str, b: &str) -> Ordering {
    let (a_core, a_pre) = parts(a);
    let (b_core, b_pre) = parts(b);
    let by_core = compare_dotted(a_core, b_core);
    by_core.then_with(|| match (a_pre, b_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare_dotted(a, b),
    })
}

fn parts(version: &str) -> (&str, Option<&str>) {
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    match version.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (version, None),
    }
}

fn compare_dotted(a: &str, b: &str) -> Ordering {
    let mut a = a.split('.');
    let mut b = b.split('.');
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => compare_part(a, b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Numbers by value, whatever their length, and before words.
fn compare_part(a: &str, b: &str) -> Ordering {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (is_number(a), is_number(b)) {
        (true, true) => {
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_their_meaning() {
        let sorted = [
            "v0.0.0-20191109021931-daa7c04131f5",
            "v0.0.1",
            "v0.9.0",
            "v0.10.0-beta.2",
            "v0.10.0-beta.11",
            "v0.10.0-rc.1",
            "v0.10.0",
            "v2.0.0+incompatible",
            "v10.0.0",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }
}
