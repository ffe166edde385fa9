//! Failures by what caused them: the same words, but for what differs from test to test, at the
//! same place.

use std::collections::BTreeMap;

use crate::evidence::Evidence;
use crate::report::{Case, Kind};

/// What is compared of a message: its beginning says what went wrong.
const COMPARED_LEN_MAX: usize = 400;
/// A group beyond these is one failure among too many.
const CAUSES_MAX: usize = 1_000;
/// A quoted value that is longer is no value.
const QUOTED_LEN_MAX: usize = 200;

/// What failures of one cause have in common.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Said {
        kind: Kind,
        message: String,
        place: Option<(String, u32)>,
    },
    /// Nothing was said, so nothing is known to be common.
    Nothing {
        suite: String,
        name: String,
    },
    /// It failed because a test below it did.
    Others,
}

/// The groups, in the order they were seen.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    known: BTreeMap<Key, usize>,
    // Invariant: at most CAUSES_MAX.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    first: usize,
    count: u64,
    derived: bool,
}

impl Key {
    pub(crate) fn of(case: &Case, evidence: &Evidence) -> Self {
        if case.derived {
            return Self::Others;
        }
        let message = normalised(&evidence.message);
        let place = evidence.trace.first().map(|frame| (frame.file.clone(), frame.line));
        if message.is_empty() && place.is_none() {
            return Self::Nothing { suite: case.suite.clone(), name: case.name.clone() };
        }
        Self::Said { kind: case.kind, message, place }
    }
}

impl Causes {
    /// The group of a failure; none where there are too many already.
    pub(crate) fn add(&mut self, key: Key, failure: usize, derived: bool) -> Option<usize> {
        if let Some(known) = self.known.get(&key) {
            self.groups[*known].count += 1;
            return Some(*known);
        }
        if self.groups.len() == CAUSES_MAX {
            return None;
        }
        let new = self.groups.len();
        self.known.insert(key, new);
        self.groups.push(Group { first: failure, count: 1, derived });
        Some(new)
    }

    pub(crate) fn first_of(&self, cause: usize) -> usize {
        self.groups[cause].first
    }

    pub(crate) fn count_of(&self, cause: usize) -> u64 {
        self.groups[cause].count
    }

    /// What explains most comes first, what only follows from others last.
    pub(crate) fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|cause| {
            let group = &self.groups[*cause];
            (group.derived, std::cmp::Reverse(group.count), *cause)
        });
        order
    }
}

/// A message without what differs from test to test: numbers, addresses, paths, quoted values.
pub(crate) fn normalised(message: &str) -> String {
    let message = &message[..message.floor_char_boundary(COMPARED_LEN_MAX)];
    let mut normal = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = quoted(rest, c) {
            normal.push_str("<value>");
            rest = &rest[length..];
            continue;
        }
        let word_len = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if word_len == 0 {
            // Runs of white space differ by how lines are wrapped.
            if !(c.is_whitespace() && normal.ends_with(' ')) {
                normal.push(if c.is_whitespace() { ' ' } else { c });
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        normal.push_str(placeholder(&rest[..word_len]));
        rest = &rest[word_len..];
    }
    normal.trim().to_owned()
}

/// How long the quoted value is that begins here.
fn quoted(text: &str, quote: char) -> Option<usize> {
    if !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    let end = text[1..].find(quote)? + 2;
    // An apostrophe is followed by what belongs to its word.
    let closes = !text[end..].starts_with(|c: char| c.is_alphanumeric());
    (end <= QUOTED_LEN_MAX && closes && !text[..end].contains('\n')).then_some(end)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_-./\\:+~".contains(c)
}

/// A word, or what stands for all words like it.
fn placeholder(word: &str) -> &str {
    let bare = word.trim_end_matches(['.', ':', '-']);
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_hexdigit());
    let has_digit = bare.bytes().any(|c| c.is_ascii_digit());
    let is_uuid = bare.len() == 36
        && bare.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && bare.split('-').all(is_hex);
    if is_uuid {
        return "<id>";
    }
    let hex = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X"));
    if hex.is_some_and(is_hex) || (bare.len() >= 8 && has_digit && is_hex(bare)) {
        return "<hex>";
    }
    let is_path = bare.contains(['/', '\\']) && bare.len() > 1 && !bare.starts_with("//");
    if is_path {
        return "<path>";
    }
    let is_number = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        let unit = digits.trim_start_matches(|c: char| c.is_ascii_digit() || ".:_-".contains(c));
        digits.starts_with(|c: char| c.is_ascii_digit()) && unit.len() <= 3
    };
    if is_number(bare) { "<n>" } else { word }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn what_differs_from_test_to_test_is_taken_out() {
        let table = [
            ("index 3 out of 0", "index <n> out of <n>"),
            ("took 12.5ms, not 3s.", "took <n>, not <n>"),
            ("at 0xdeadBEEF and deadbeef01", "at <hex> and <hex>"),
            ("id 123e4567-e89b-12d3-a456-426614174000!", "id <id>!"),
            ("cannot open /tmp/a1/b.txt: gone", "cannot open <path> gone"),
            ("expected 'a' but was \"b c\"", "expected <value> but was <value>"),
            ("don't do this, it's 5", "don't do this, it's <n>"),
            ("KeyError:  `x`\n  more", "KeyError: <value> more"),
            ("", ""),
        ];
        for (message, normal) in table {
            assert_eq!(normalised(message), normal);
        }
    }
}
