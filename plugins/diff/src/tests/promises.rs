//! What holds for any two trees: nothing panics, answers keep to their limits, the parts that the
//! handles lead through are the whole, and the whole applied to base is head.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::TOOL;

type Tree = BTreeMap<String, String>;

fn repository(base: &Tree, head: &Tree) -> Repository {
    // The base is there, also where it has no file.
    let repository = Repository::new().base("same", "").file("same", "");
    let repository =
        base.iter().fold(repository, |repository, (path, text)| repository.base(path, text));
    head.iter().fold(repository, |repository, (path, text)| repository.file(path, text))
}

/// What a hunk says: lines before it in the old text, what it takes there, and what it puts.
struct Hunk {
    start: usize,
    old: Vec<String>,
    new: Vec<String>,
}

fn parse(diff: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut last = ' ';
    for line in diff.split_inclusive('\n') {
        let (sign, text) = (line.chars().next().unwrap(), &line[1..]);
        let hunk = hunks.last_mut();
        match (sign, hunk) {
            ('@', _) => {
                let range = line.split(' ').nth(1).unwrap().trim_start_matches('-');
                let (start, count) = range.split_once(',').unwrap();
                let start: usize = start.parse().unwrap();
                let start = if count == "0" { start } else { start - 1 };
                hunks.push(Hunk { start, old: Vec::new(), new: Vec::new() });
            }
            ('\\', Some(hunk)) => {
                let without_end = |lines: &mut Vec<String>| {
                    lines.last_mut().unwrap().pop();
                };
                if last != '+' {
                    without_end(&mut hunk.old);
                }
                if last != '-' {
                    without_end(&mut hunk.new);
                }
            }
            (_, Some(hunk)) => {
                if sign != '+' {
                    hunk.old.push(text.to_owned());
                }
                if sign != '-' {
                    hunk.new.push(text.to_owned());
                }
            }
            (_, None) => panic!("a line before the first hunk: {diff}"),
        }
        last = sign;
    }
    hunks
}

fn apply(old: &str, hunks: &[Hunk]) -> String {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let mut new = String::new();
    let mut at = 0;
    for hunk in hunks {
        new.extend(old[at..hunk.start].iter().copied());
        at = hunk.start + hunk.old.len();
        assert_eq!(old[hunk.start..at], hunk.old, "what a hunk takes is there");
        new.extend(hunk.new.iter().map(String::as_str));
    }
    new.extend(old[at..].iter().copied());
    new
}

/// Every change, by the path that it is said to have, with all of its lines.
fn read_on(repository: &Repository, context: usize, max_tokens: usize) -> Vec<(Value, Vec<Hunk>)> {
    let mut files = Vec::new();
    let pages = paging::parts(&TOOL, repository, &json!({ "context": context }), max_tokens);
    for file in pages.iter().flat_map(|page| page["files"].as_array().unwrap()) {
        let mut hunks = parse(file["diff"].as_str().unwrap_or_default());
        let mut part = file.clone();
        while let Some(cut) = part.get("cut") {
            let said = paging::within(&TOOL, repository, &cut["next"], max_tokens);
            part = said["files"][0].clone();
            let parsed = parse(part["diff"].as_str().expect("each part has lines"));
            hunks.extend(parsed);
        }
        files.push((file.clone(), hunks));
    }
    files
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab\"é]{0,3}|[c-e]{90}", 0..40)
        .prop_flat_map(|lines| prop_oneof![Just(lines.join("\n")), Just(lines.join("\n") + "\n")])
}

/// A tree and another that was made of it, so that most files are alike.
fn trees() -> impl Strategy<Value = (Tree, Tree)> {
    let path = "(x/)?[f-h]\\.rs";
    let base = proptest::collection::btree_map(path, text(), 0..5);
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[ab]{0,3}\n?");
    let edits = proptest::collection::vec(edit, 0..6);
    let moved = proptest::option::of(path);
    (base, proptest::collection::btree_map(path, text(), 0..2), edits, moved).prop_map(
        |(base, new, edits, moved)| {
            let mut head = base.clone();
            for (file, line, text) in edits {
                let count = head.len();
                let Some(old) =
                    (count > 0).then(|| head.values_mut().nth(file.index(count))).flatten()
                else {
                    continue;
                };
                let mut lines: Vec<&str> = old.split_inclusive('\n').collect();
                if !lines.is_empty() {
                    let at = line.index(lines.len());
                    lines[at] = &text;
                    *old = lines.concat();
                }
            }
            if let (Some(to), Some((_, text))) = (moved, head.pop_first()) {
                head.insert(to, text);
            }
            head.extend(new);
            (base, head)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_hunks_applied_to_base_are_head(
        (base, head) in trees(), context in 0usize..5, max_tokens in 1000usize..1400
    ) {
        let repository = repository(&base, &head);
        let mut result = base.clone();
        let mut made = Tree::new();
        for (file, hunks) in read_on(&repository, context, max_tokens) {
            let path = file["path"].as_str().unwrap().to_owned();
            let from = file.get("from").map_or(path.as_str(), |from| from.as_str().unwrap());
            let old = base.get(from).map_or("", String::as_str);
            let new = apply(old, &hunks);
            result.remove(from);
            if file["status"] == "deleted" {
                prop_assert_eq!(new, "");
            } else {
                made.insert(path, new);
            }
        }
        result.extend(made);
        prop_assert_eq!(result, head);
    }

    #[test]
    fn any_bytes_have_an_answer(
        old in proptest::collection::vec(any::<u8>(), 0..80),
        new in proptest::collection::vec(any::<u8>(), 0..80), stat in any::<bool>()
    ) {
        let repository = Repository::new().base("a", &old).file("a", &new);
        let said = paging::within(&TOOL, &repository, &json!({ "stat": stat }), 12_000);
        prop_assert_eq!(&said["total"], &json!(usize::from(old != new)));
    }
}
