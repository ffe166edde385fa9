//! Patches between two trees, some of them changed afterwards, and trees that have moved on.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use similar::{Algorithm, ChangeTag, DiffOp};

use super::scratch::Files;

/// A patch, and the tree that it meets.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    files: Vec<File>,
    context: usize,
    heads: Heads,
    mutations: Vec<Mutation>,
    drift: Vec<Edit>,
}

/// One file, before and after.
#[derive(Debug, Clone)]
struct File {
    path: &'static str,
    /// Another name afterwards, if the file is there before and after.
    to: Option<&'static str>,
    old: Option<String>,
    new: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heads {
    Git,
    Plain,
    /// No diff at all: between `*** Begin Patch` and `*** End Patch`.
    Envelope,
}

/// A line more, less, or another one.
#[derive(Debug, Clone)]
struct Edit {
    at: usize,
    removed: usize,
    added: Option<&'static str>,
}

/// What is done to the text of a patch; places are counted round and round.
#[derive(Debug, Clone)]
enum Mutation {
    Drop(usize),
    Repeat(usize),
    Swap(usize),
    Sign(usize, char),
    Starts(usize, i64, i64),
    Put(usize, &'static str),
}

/// Few, so that places repeat; some look like lines of a patch.
const LINES: [&str; 10] = [
    "a",
    "b",
    "c",
    "",
    "  x",
    "-- d",
    "++ e",
    "f\r",
    "@@ -1 +1 @@",
    "\\ No newline at end of file",
];

const PATHS: [(&str, &str); 4] =
    [("a.txt", "z.txt"), ("b c.txt", "d/b c.txt"), ("d/e.txt", "e.txt"), ("é.txt", "d/ö.txt")];

fn any_text() -> impl Strategy<Value = String> {
    (vec(select(&LINES[..]), 0..16), any::<bool>()).prop_map(|(lines, open)| {
        let text = lines.join("\n");
        if open || text.is_empty() { text } else { text + "\n" }
    })
}

fn any_edit() -> impl Strategy<Value = Edit> {
    (0_usize..16, 0_usize..3, option::of(select(&LINES[..])))
        .prop_map(|(at, removed, added)| Edit { at, removed, added })
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for Edit { at, removed, added } in edits {
        let at = at % (lines.len() + 1);
        let end = (at + removed).min(lines.len());
        // A line after one without an end would be part of it.
        let can = lines[..at].last().is_none_or(|line| line.ends_with('\n'));
        let added = added.filter(|_| can).map(|line| format!("{line}\n"));
        lines.splice(at..end, added);
    }
    lines.concat()
}

fn any_file() -> impl Strategy<Value = File> {
    let kind = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2), 2 => Just(3)];
    (any_text(), vec(any_edit(), 0..5), kind).prop_map(|(old, edits, kind)| {
        let new = edited(&old, &edits);
        let (old, new) = match kind {
            1 => (None, Some(new)),
            2 => (Some(old), None),
            _ => (Some(old), Some(new)),
        };
        File { path: "", to: (kind == 3).then_some(""), old, new }
    })
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let at = 0_usize..64;
    prop_oneof![
        at.clone().prop_map(Mutation::Drop),
        at.clone().prop_map(Mutation::Repeat),
        at.clone().prop_map(Mutation::Swap),
        (at.clone(), select(vec!['+', '-', ' ', '\\'])).prop_map(|(at, c)| Mutation::Sign(at, c)),
        (0_usize..8, -4_i64..5, -4_i64..5)
            .prop_map(|(at, old, new)| Mutation::Starts(at, old, new)),
        (0_usize..8, -4_i64..5).prop_map(|(at, both)| Mutation::Starts(at, both, both)),
        (at, select(&LINES[..])).prop_map(|(at, line)| Mutation::Put(at, line)),
    ]
}

pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let mutations = prop_oneof![2 => Just(0..1), 3 => Just(0..3)];
    let drift = prop_oneof![3 => Just(0..1), 2 => Just(1..4)];
    (
        vec(any_file(), PATHS.len()),
        0_usize..4,
        select(vec![Heads::Git, Heads::Git, Heads::Plain, Heads::Envelope]),
        mutations.prop_flat_map(|count| vec(any_mutation(), count)),
        drift.prop_flat_map(|count| vec(any_edit(), count)),
    )
        .prop_map(|(mut files, context, heads, mutations, drift)| {
            for (file, (path, to)) in files.iter_mut().zip(PATHS) {
                (file.path, file.to) = (path, file.to.map(|_| to));
            }
            Case { files, context, heads, mutations, drift }
        })
}

impl Case {
    /// What the patch meets, in a folder of its own.
    pub(crate) fn tree(&self, folder: &str) -> Files {
        let there = self.files.iter().filter_map(|file| Some((file, file.old.as_ref()?)));
        there
            .map(|(file, old)| {
                (format!("{folder}/{}", file.path), edited(old, &self.drift).into_bytes())
            })
            .collect()
    }

    /// The patch. Nothing, where nothing differs.
    pub(crate) fn text(&self, folder: &str) -> String {
        let file = |file: &File| match self.heads {
            Heads::Git | Heads::Plain => file.diff(folder, self.context, self.heads),
            Heads::Envelope => file.section(folder, self.context),
        };
        let mut text: String = self.files.iter().map(file).collect();
        if self.heads == Heads::Envelope {
            text = format!("*** Begin Patch\n{text}*** End Patch\n");
        }
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for mutation in &self.mutations {
            mutation.mutate(&mut lines);
        }
        lines.concat()
    }
}

impl Mutation {
    fn mutate(&self, lines: &mut Vec<String>) {
        let len = lines.len();
        if len == 0 {
            return;
        }
        match self {
            Self::Drop(at) => drop(lines.remove(at % len)),
            Self::Repeat(at) => lines.insert(at % len, lines[at % len].clone()),
            Self::Swap(at) => lines.swap(at % len, (at + 1) % len),
            Self::Sign(at, sign) => {
                let line = &mut lines[at % len];
                let rest = line.get(1..).unwrap_or_default().to_owned();
                *line = format!("{sign}{rest}");
            }
            Self::Put(at, line) => lines.insert(at % len, format!(" {line}\n")),
            Self::Starts(nth, old, new) => {
                let heads: Vec<usize> =
                    (0..len).filter(|at| lines[*at].starts_with("@@ -")).collect();
                if let Some(at) = heads.get(nth % heads.len().max(1)) {
                    let moved = moved(&lines[*at], *old, *new);
                    lines[*at] = moved.unwrap_or_else(|| lines[*at].clone());
                }
            }
        }
    }
}

/// A hunk's first line with other starts.
fn moved(head: &str, old: i64, new: i64) -> Option<String> {
    let (olds, rest) = head.strip_prefix("@@ -")?.split_once(" +")?;
    let (news, rest) = rest.split_once(" @@")?;
    let shift = |range: &str, by: i64| {
        let (start, count) = range.split_once(',')?;
        Some(format!("{},{count}", (start.parse::<i64>().ok()? + by).max(0)))
    };
    Some(format!("@@ -{} +{} @@{rest}", shift(olds, old)?, shift(news, new)?))
}

impl File {
    fn diff(&self, folder: &str, context: usize, heads: Heads) -> String {
        let from = format!("{folder}/{}", self.path);
        let to = format!("{folder}/{}", self.to.unwrap_or(self.path));
        let (old, new) = (self.old.as_deref(), self.new.as_deref());
        let mut text = match (heads, old, new) {
            (Heads::Git, None, _) => format!("diff --git a/{from} b/{to}\nnew file mode 100644\n"),
            (Heads::Git, _, None) => {
                format!("diff --git a/{from} b/{to}\ndeleted file mode 100644\n")
            }
            (Heads::Git, ..) if from != to => {
                format!("diff --git a/{from} b/{to}\nrename from {from}\nrename to {to}\n")
            }
            (Heads::Git, ..) if old == new => String::new(),
            (Heads::Git, ..) => format!("diff --git a/{from} b/{to}\n"),
            (Heads::Plain, Some(_), Some(_)) if from != to => return String::new(),
            (Heads::Plain | Heads::Envelope, ..) => String::new(),
        };
        let hunks = hunks(old.unwrap_or_default(), new.unwrap_or_default(), context);
        if !hunks.is_empty() {
            let tab = |name: &str| if name.contains(' ') { "\t" } else { "" };
            let from = old.map_or("/dev/null".to_owned(), |_| format!("a/{from}{}", tab(&from)));
            let to = new.map_or("/dev/null".to_owned(), |_| format!("b/{to}{}", tab(&to)));
            text = format!("{text}--- {from}\n+++ {to}\n{hunks}");
        }
        text
    }

    fn section(&self, folder: &str, context: usize) -> String {
        let path = format!("{folder}/{}", self.path);
        match (&self.old, &self.new) {
            (None, new) => {
                let lines = new.as_deref().unwrap_or_default().split_terminator('\n');
                let lines: String = lines.map(|line| format!("+{line}\n")).collect();
                format!("*** Add File: {path}\n{lines}")
            }
            (Some(_), None) => format!("*** Delete File: {path}\n"),
            (Some(old), Some(new)) if old == new && self.to.is_none() => String::new(),
            (Some(old), Some(new)) => {
                let to = self.to.map(|to| format!("*** Move to: {folder}/{to}\n"));
                let hunks = hunks(old, new, context);
                let lines = hunks.split_terminator('\n').filter(|line| !line.starts_with('\\'));
                let line = |line: &str| match line {
                    line if line.starts_with("@@") => "@@\n".to_owned(),
                    line => format!("{line}\n"),
                };
                let lines: String = lines.map(line).collect();
                format!("*** Update File: {path}\n{}{lines}", to.unwrap_or_default())
            }
        }
    }
}

fn hunks(old: &str, new: &str, context: usize) -> String {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let ops = similar::capture_diff_slices(Algorithm::Myers, &old, &new);
    let ops = if old.is_empty() && new.is_empty() { Vec::new() } else { ops };
    let groups = similar::group_diff_ops(ops, context);
    groups.iter().map(|group| hunk(group, &old, &new)).collect()
}

fn hunk(group: &[DiffOp], old: &[&str], new: &[&str]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return String::new() };
    let range = |start: usize, end: usize| {
        let count = end - start;
        format!("{},{count}", if count == 0 { start } else { start + 1 })
    };
    let olds = range(first.old_range().start, last.old_range().end);
    let news = range(first.new_range().start, last.new_range().end);
    let mut text = format!("@@ -{olds} +{news} @@\n");
    for change in group.iter().flat_map(|op| op.iter_changes(old, new)) {
        text.push(match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        });
        text += change.value();
        if !change.value().ends_with('\n') {
            text += "\n\\ No newline at end of file\n";
        }
    }
    text
}
