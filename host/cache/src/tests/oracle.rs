//! The promise itself: a cached output and a fresh one cannot be told apart, and nothing that a
//! call did not ask about makes it miss.

use std::collections::BTreeSet;
use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use snapshot::Answer;

use super::*;

/// A step of a tool that goes where the answers lead it.
#[derive(Debug, Clone)]
enum Act {
    Ask(Question),
    /// Reads every file of a directory.
    ReadAll(String),
    /// Reads a file, and then the file that it names.
    Follow(String),
}

#[derive(Debug, Clone)]
enum Edit {
    Write(String, String),
    Remove(String),
}

fn any_path() -> impl Strategy<Value = String> {
    let names = || prop::sample::select(vec!["a", "b", "c.rs", "d"]);
    vec(names(), 1..3).prop_map(|names| names.join("/"))
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        any_path().prop_map(|path| Act::Ask(content(&path))),
        any_path().prop_map(|path| Act::Ask(stat(&path))),
        any_path().prop_map(|path| Act::Ask(list(&path))),
        prop::sample::select(vec!["**", "*.rs", "a/*", "**/b"])
            .prop_map(|pattern| Act::Ask(glob(pattern))),
        (any_path(), 0..3_u64, 0..3_u32).prop_map(|(path, offset, length)| {
            Act::Ask(Question::Range { tree: Tree::Head, path, offset, length })
        }),
        any_path().prop_map(Act::ReadAll),
        any_path().prop_map(Act::Follow),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let text = prop::sample::select(vec!["", "a", "b", "a/b", "c.rs", "other text"]);
    prop_oneof![
        3 => (any_path(), text).prop_map(|(path, text)| Edit::Write(path, text.to_owned())),
        1 => any_path().prop_map(Edit::Remove),
    ]
}

/// Runs a tool: what it observed, and its output, which shows every answer.
fn run(acts: &[Act], view: &View) -> (Vec<(Question, Digest)>, String) {
    let mut observed = Vec::new();
    let mut output = String::new();
    let mut ask = |question: Question| {
        let (answer, digest) = view.observe(&question);
        writeln!(output, "{question:?} {answer:?}").unwrap();
        observed.push((question, digest));
        answer
    };
    for act in acts {
        match act {
            Act::Ask(question) => drop(ask(question.clone())),
            Act::ReadAll(path) => {
                if let Answer::List(entries) = ask(list(path)) {
                    for entry in entries {
                        ask(content(&format!("{path}/{}", entry.name)));
                    }
                }
            }
            Act::Follow(path) => {
                if let Answer::Content(bytes) = ask(content(path)) {
                    ask(content(&String::from_utf8(bytes).unwrap()));
                }
            }
        }
    }
    (observed, output)
}

/// Edits as far as it can be done: a file is no directory.
fn apply(edit: &Edit, root: &Path) {
    let _done = match edit {
        Edit::Write(path, text) => {
            let at = root.join(path);
            fs::create_dir_all(at.parent().unwrap()).and_then(|()| fs::write(at, text)).is_ok()
        }
        Edit::Remove(path) => fs::remove_file(root.join(path)).is_ok(),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_cached_output_and_a_fresh_one_cannot_be_told_apart(
        acts in vec(any_act(), 0..5),
        edits in vec(vec(any_edit(), 0..3), 1..8),
    ) {
        let world = World::new();
        let cache = world.open();
        let tool = call("tool");
        // What was kept: observations without order, each once.
        let mut kept: Vec<BTreeSet<(Question, Digest)>> = Vec::new();
        for edit in &edits {
            edit.iter().for_each(|edit| apply(edit, world.repository.path()));
            let (observed, output) = run(&acts, &world.view());
            let seen: BTreeSet<_> = observed.iter().cloned().collect();
            let why = cache.why(&tool, &world.view());
            match cache.lookup(&tool, &world.view()) {
                Lookup::Hit(hit) => {
                    prop_assert_eq!(String::from_utf8(hit.output).unwrap(), output);
                    prop_assert!(kept.contains(&seen), "a hit that nobody stored");
                    prop_assert_eq!(why, None);
                }
                Lookup::Miss(missed) => {
                    prop_assert!(!kept.contains(&seen), "a false miss: {}", missed);
                    prop_assert_eq!(why.as_ref(), Some(&missed));
                    if let Why::Changed(changed) = &missed {
                        let question = &changed.question;
                        let now = world.view().answer_digest(question);
                        let before = |set: &BTreeSet<(Question, Digest)>| {
                            set.iter().any(|(asked, then)| asked == question && *then != now)
                        };
                        prop_assert!(kept.iter().any(before), "{} did not change", question);
                    } else {
                        prop_assert!(kept.is_empty(), "{}", missed);
                    }
                    let stored =
                        cache.store(&tool, &observed, Output::Answer, output.as_bytes(), COST_US).unwrap();
                    prop_assert_eq!(stored, Stored::New);
                    kept.push(seen);
                }
            }
        }
    }

    #[test]
    fn an_edit_outside_of_what_was_asked_stays_a_hit(
        acts in vec(any_act(), 0..5),
        before in vec(any_edit(), 0..6),
        text in "[a-z]{0,3}",
    ) {
        let world = World::new();
        before.iter().for_each(|edit| apply(edit, world.repository.path()));
        let (observed, output) = run(&acts, &world.view());
        let asks_everywhere = observed.iter().any(|(question, _)| {
            *question == glob("**") || *question == list("")
        });
        prop_assume!(!asks_everywhere);
        let cache = world.open();
        cache.store(&call("tool"), &observed, Output::Answer, output.as_bytes(), COST_US).unwrap();
        world.write("elsewhere/x.txt", &text);
        prop_assert_eq!(cache.lookup(&call("tool"), &world.view()), hit(&output));
    }
}
