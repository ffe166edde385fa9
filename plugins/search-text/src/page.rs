//! What of the matches fits, and how it is said.

use std::collections::{BTreeMap, BTreeSet};

use answers::Place;
use answers::cost::{Room, text_len};
use serde::Serialize;

use crate::defines::Relevance;
use crate::find::{Around, Context};
use crate::rank::Ranked;

/// Bytes of a match besides its texts, and of a file besides its path.
const MATCH_LEN: usize = 64;
const FILE_LEN: usize = 64;
/// More files are better asked for by a glob.
const REST_MAX: usize = 20;

/// A file, and lines of it.
#[derive(Debug, Serialize)]
pub(crate) struct File {
    path: String,
    /// What kind of file it is, where that is worth saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'static str>,
    matches: Vec<Match>,
    /// Matches of it that are for a later page.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

/// A line that matched, and those around it that are not shown already.
#[derive(Debug, Serialize)]
struct Match {
    line: u32,
    text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    defines: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
}

/// The first matches that there is room for; one at least, so that the next page gets somewhere.
pub(crate) fn fitting<'a>(wanted: &'a [Ranked], around: &Context, room: &mut Room) -> &'a [Ranked] {
    let mut files = BTreeSet::new();
    let mut count = 0;
    for found in wanted {
        let is_new = files.insert(found.path.as_str());
        let file = if is_new { FILE_LEN + text_len(&found.path) } else { 0 };
        let lines = around.get(&(found.path.clone(), found.line));
        let lines = lines.into_iter().flat_map(|around| around.before.iter().chain(&around.after));
        let lines = lines.map(|line| text_len(line) + 3).sum::<usize>();
        if !room.take(MATCH_LEN + text_len(&found.text) + lines + file) {
            break;
        }
        count += 1;
    }
    &wanted[..count.max(1).min(wanted.len())]
}

/// The files that match and are not on this page or one before, the best first, as far as there
/// is room; and how many there are.
pub(crate) fn rest(
    all: &[Ranked],
    start: usize,
    end: usize,
    room: &mut Room,
) -> (BTreeMap<String, usize>, usize) {
    let seen: BTreeSet<&str> =
        all[..end.max(start)].iter().map(|found| found.path.as_str()).collect();
    let mut rest = BTreeMap::new();
    let mut others = BTreeSet::new();
    for found in &all[end..] {
        if seen.contains(found.path.as_str()) || !others.insert(found.path.as_str()) {
            continue;
        }
        if rest.len() < REST_MAX && room.take(text_len(&found.path) + 12) {
            rest.insert(found.path.clone(), found.in_file);
        }
    }
    (rest, others.len())
}

/// Matches by file: the files in the order of their first match, the lines in theirs.
pub(crate) fn files(shown: &[Ranked], around: &Context, later: &[Ranked]) -> Vec<File> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_file: BTreeMap<&str, Vec<&Ranked>> = BTreeMap::new();
    for found in shown {
        let of_file = by_file.entry(&found.path).or_default();
        if of_file.is_empty() {
            order.push(&found.path);
        }
        of_file.push(found);
    }
    let mut more: BTreeMap<&str, usize> = BTreeMap::new();
    for found in later {
        *more.entry(&found.path).or_default() += 1;
    }
    let file = |path: &str| File {
        path: path.to_owned(),
        place: Some(Place::of(path)).filter(|place| *place != Place::Source).map(Place::name),
        matches: lines(by_file.remove(path).unwrap_or_default(), around),
        more: more.get(path).copied(),
    };
    order.into_iter().map(file).collect()
}

/// The matches of a file by line, each line of context once.
fn lines(mut found: Vec<&Ranked>, around: &Context) -> Vec<Match> {
    found.sort_by_key(|found| found.line);
    let nothing = Around::default();
    let mut shown_to = 0;
    let mut lines = Vec::with_capacity(found.len());
    for (at, this) in found.iter().enumerate() {
        let Around { before, after } =
            around.get(&(this.path.clone(), this.line)).unwrap_or(&nothing);
        // Lines after the last one shown and before this one.
        let free = this.line.saturating_sub(shown_to + 1) as usize;
        let before = before[before.len().saturating_sub(free)..].to_vec();
        let until_next = found
            .get(at + 1)
            .map_or(usize::MAX, |next| next.line.saturating_sub(this.line + 1) as usize);
        let after = after[..after.len().min(until_next)].to_vec();
        shown_to = this.line + u32::try_from(after.len()).unwrap_or(0);
        let defines = this.relevance == Relevance::Definition;
        lines.push(Match { line: this.line, text: this.text.clone(), defines, before, after });
    }
    lines
}
