//! A directory, the commit of it, an overlay that comes to the same files and a copy: nobody who
//! asks can tell them apart.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::racy::{cached, later};
use super::*;
use crate::{SearchQuery, StatCache, materialize};

#[derive(Debug, Clone, PartialEq)]
enum Leaf {
    File { text: String, executable: bool },
    Link(String),
}

type Files = BTreeMap<String, Leaf>;

fn any_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "b.rs", "B", "sub", "ü", ".x", "-"])
}

fn any_path() -> impl Strategy<Value = String> {
    vec(any_name(), 1..4).prop_map(|names| names.join("/"))
}

fn any_file() -> impl Strategy<Value = Leaf> {
    let text =
        prop::sample::select(vec!["", "one\n", "one\ntwo\n", "b\0", "needle", "a\r\nneedle"]);
    (text, any::<bool>())
        .prop_map(|(text, executable)| Leaf::File { text: text.into(), executable })
}

fn any_link() -> impl Strategy<Value = Leaf> {
    let targets =
        vec!["a", "sub", "sub/a", "../a", "../..", "./b/", "sub/../b.rs", "/etc", "B/sub/x", "-"];
    prop::sample::select(targets).prop_map(|target| Leaf::Link(target.to_owned()))
}

/// What lies about in a checkout.
fn any_strays() -> impl Strategy<Value = Files> {
    vec((any_path(), any_file()), 0..12).prop_map(consistent)
}

fn any_rules() -> impl Strategy<Value = Files> {
    let rules = prop::sample::select(vec!["a\n", "*.rs\n", "sub/\n!a\n", "/b\n", "**/sub/B\n"]);
    let at = prop::sample::select(vec![".gitignore", "sub/.gitignore", "a/.gitignore"]);
    let file = |text: &str| Leaf::File { text: text.to_owned(), executable: false };
    btree_map(at.prop_map(str::to_owned), rules.prop_map(file), 0..3)
}

/// Files that can stand side by side: none is where another needs a directory.
fn consistent(leaves: impl IntoIterator<Item = (String, Leaf)>) -> Files {
    let mut files = Files::new();
    for (at, leaf) in leaves {
        let clash = |other: &String| {
            path(other).is_below(&path(&at)) || path(&at).is_below(&path(other)) || *other == at
        };
        if !files.keys().any(clash) {
            files.insert(at, leaf);
        }
    }
    files
}

/// A tree, and another one that has the same links (a patch makes none).
fn any_trees() -> impl Strategy<Value = (Files, Files)> {
    let leaf = prop_oneof![4 => any_file(), 1 => any_link()];
    let tree = || vec((any_path(), any_file()), 0..8);
    (vec((any_path(), leaf), 0..10), any_rules(), tree()).prop_map(|(leaves, rules, other)| {
        let tree = consistent(leaves.into_iter().chain(rules));
        let links = tree.clone().into_iter().filter(|(_, leaf)| matches!(leaf, Leaf::Link(_)));
        let other = consistent(links.chain(other));
        (tree, other)
    })
}

fn write(files: &Files) -> Scratch {
    let scratch = Scratch::new();
    write_into(&scratch, files);
    scratch
}

fn write_into(scratch: &Scratch, files: &Files) {
    for (at, leaf) in files {
        match leaf {
            Leaf::File { text, executable } => {
                scratch.write(at, text);
                if *executable {
                    scratch.make_executable(at);
                }
            }
            Leaf::Link(target) => scratch.link(at, target),
        }
    }
}

/// Those of `more` that can stand beside `files`.
fn beside(files: &Files, more: Files) -> Files {
    let all = consistent(files.clone().into_iter().chain(more));
    all.into_iter().filter(|(at, _)| !files.contains_key(at)).collect()
}

/// What turns `from` into `to`.
fn difference(from: &Files, to: &Files) -> BTreeMap<RepoPath, Option<FileContent>> {
    let gone = from.keys().filter(|at| !to.contains_key(*at)).map(|at| (path(at), None));
    let come = to.iter().filter(|(at, leaf)| from.get(*at) != Some(*leaf));
    let come = come.filter_map(|(at, leaf)| match leaf {
        Leaf::File { text, executable } => {
            let bytes = text.clone().into_bytes();
            Some((path(at), Some(FileContent { bytes, executable: *executable })))
        }
        Leaf::Link(_) => None,
    });
    gone.chain(come).collect()
}

/// Everything, one variable that is set and one that is not.
fn view(snapshot: &Snapshot) -> View {
    let variables = [("SET".to_owned(), Some("value".to_owned())), ("UNSET".to_owned(), None)];
    let grant = Grant::everything().with_variables(variables.into());
    View::new(snapshot.clone(), None, grant)
}

/// Every kind of question about everything that is or could be there.
fn questions(files: &Files, other: &Files) -> Vec<Question> {
    let mut paths: Vec<String> =
        ["", "none", "a/b/-", "sub/a", "..", "b/"].map(str::to_owned).into();
    for at in files.keys().chain(other.keys()) {
        paths.push(at.clone());
        paths.push(format!("{at}/a"));
        paths.extend(path(at).ancestors().map(String::from));
    }
    paths.sort();
    paths.dedup();
    let about = |at: &String| {
        let path = at.clone();
        let range = Question::Range { tree: Tree::Head, path, offset: 1, length: 3 };
        let about = [content(at), stat(at), kind(at), size(at), executable(at), link(at), list(at)];
        about.into_iter().chain([range])
    };
    let mut questions: Vec<Question> = paths.iter().flat_map(about).collect();
    for patterns in [&["**"][..], &["**/*.rs", "sub/*"], &["*"], &["{a,b}/**"]] {
        questions.extend([glob(patterns), glob_ignored(patterns)]);
    }
    questions.push(Question::Time { tree: Tree::Head });
    let variable = |name: &str| Question::Variable { name: name.to_owned() };
    questions.extend([variable("SET"), variable("UNSET"), variable("OTHER"), Question::Variables]);
    let all = Question::Search {
        tree: Tree::Head,
        query: SearchQuery {
            pattern: "ne|two".into(),
            literal: false,
            ignore_case: true,
            globs: Vec::new(),
            context_lines: 1,
            max_matches: 5,
        },
    };
    questions.push(all);
    questions
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_same_files_give_the_same_answers_however_they_are_stored((files, other) in any_trees()) {
        let scratch = write(&files);
        let commit = scratch.commit("all");
        let directory = scratch.snapshot();
        let other_scratch = write(&other);
        let other_commit = other_scratch.commit("other");
        let other_commit = Snapshot::git(other_scratch.path(), &other_commit).unwrap();
        let changes = difference(&other, &files);
        let (first, second): (BTreeMap<_, _>, BTreeMap<_, _>) =
            changes.clone().into_iter().partition(|(path, _)| path.as_str().len() % 2 == 0);
        let copy = Scratch::new();
        materialize(&other_scratch.snapshot(), copy.path()).unwrap();

        let stats = Arc::new(StatCache::in_memory(later));
        let stored = [
            ("commit", Snapshot::git(scratch.path(), &commit).unwrap()),
            ("overlay", other_scratch.snapshot().overlay(changes.clone())),
            ("overlay of a commit", other_commit.overlay(changes)),
            ("overlay of an overlay", other_scratch.snapshot().overlay(first).overlay(second)),
            ("directory with stats that are empty", cached(&scratch, &stats)),
            ("directory with stats that are not", cached(&scratch, &stats)),
        ];
        let expected = view(&directory);
        let questions = questions(&files, &other);
        let wanted_digests = digests_at_once(&expected, &questions);
        for (name, snapshot) in &stored {
            let digests = digests_at_once(&view(snapshot), &questions);
            let (asked, one_by_one) = (view(snapshot), view(snapshot));
            for (place, question) in questions.iter().enumerate() {
                let (answer, digest) = asked.observe(question);
                let (wanted, wanted_digest) = expected.observe(question);
                prop_assert_eq!(&answer, &wanted, "{} about {:?}", name, question);
                prop_assert_eq!(digest, wanted_digest);
                prop_assert_eq!(digest, answer.digest());
                prop_assert_eq!(digest, digests[place], "{} about {:?}", name, question);
                prop_assert_eq!(digest, wanted_digests[place]);
                prop_assert_eq!(digest, one_by_one.answer_digest(question));
            }
            prop_assert_eq!(snapshot.digest(), directory.digest(), "{}", name);
            prop_assert_eq!(snapshot.files(), directory.files(), "{}", name);
            prop_assert_eq!(crate::changes(&directory, snapshot), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_file_that_does_not_match_changes_no_glob_and_no_search(
        (files, _) in any_trees(), at in any_path(), text in "[xyz\n]{0,8}",
    ) {
        let added = Leaf::File { text, executable: false };
        let added = beside(&files, Files::from([(format!("new/{at}.other"), added)]));
        prop_assume!(!added.is_empty());
        let scratch = write(&files);
        let commit = scratch.commit("before");
        let overlaid = scratch.snapshot().overlay(difference(&Files::new(), &added));
        let before = view(&Snapshot::git(scratch.path(), &commit).unwrap());
        write_into(&scratch, &added);
        let commit = scratch.commit("after");
        let after =
            [scratch.snapshot(), Snapshot::git(scratch.path(), &commit).unwrap(), overlaid];
        let patterns = [&["**/*.rs", "sub/*"][..], &["*"], &["{a,b}/**"], &["**/{a,b}"]];
        let globs = patterns.into_iter().flat_map(|some| [glob(some), glob_ignored(some)]);
        let searches = ["ne|two", "needle", "^a$"].map(queries::search);
        for question in globs.chain(searches) {
            let wanted = before.answer_digest(&question);
            for snapshot in &after {
                prop_assert_eq!(view(snapshot).answer_digest(&question), wanted, "{}", question);
            }
        }
    }

    #[test]
    fn ignored_files_that_are_not_tracked_change_no_answer(
        (files, other) in any_trees(), strays in any_strays()
    ) {
        let scratch = write(&files);
        let commit = scratch.commit("all");
        let commit = Snapshot::git(scratch.path(), &commit).unwrap();
        write_into(&scratch, &beside(&files, strays));
        // What is left lying about is what git does not see either.
        let seen = ["-c", "core.quotePath=false", "ls-files", "--others", "--exclude-standard"];
        for at in scratch.git(&seen).lines() {
            fs::remove_file(scratch.path().join(at)).unwrap();
        }
        let directory = scratch.snapshot();
        let is_rules = |path: &RepoPath| path.name() == ".gitignore";
        let mut changes = difference(&files, &other);
        changes.retain(|path, _| !is_rules(path));

        let pairs = [
            ("itself", commit.clone(), directory.clone()),
            ("overlay", commit.overlay(changes.clone()), directory.overlay(changes)),
        ];
        for (name, commit, directory) in pairs {
            let (expected, asked) = (view(&commit), view(&directory));
            for patterns in [&["**"][..], &["**/*.rs", "sub/*"], &["*"], &["{a,b}/**"]] {
                let question = glob(patterns);
                prop_assert_eq!(asked.answer(&question), expected.answer(&question), "{}", name);
                let in_commit = expected.answer(&glob_ignored(patterns));
                prop_assert_eq!(in_commit, expected.answer(&question), "{}", name);
            }
            let question = queries::search("ne|two");
            prop_assert_eq!(asked.answer(&question), expected.answer(&question), "{}", name);
            prop_assert_eq!(directory.files(), commit.files(), "{}", name);
            prop_assert_eq!(directory.digest(), commit.digest(), "{}", name);
            prop_assert_eq!(crate::changes(&commit, &directory), Ok(Vec::new()), "{}", name);
        }
    }

    #[test]
    fn a_copy_with_changes_is_the_overlay_of_them((files, other) in any_trees()) {
        // Ignored files are not copied, so the rules stay out of it.
        let plain = |files: &Files| -> Files {
            files.clone().into_iter().filter(|(at, _)| !at.ends_with(".gitignore")).collect()
        };
        let (files, other) = (plain(&files), plain(&other));
        let scratch = write(&other);
        let snapshot = scratch.snapshot();
        let copy = Scratch::new();
        materialize(&snapshot, copy.path()).unwrap();
        prop_assert_eq!(copy.snapshot().digest(), snapshot.digest());

        let changes = difference(&other, &files);
        crate::apply_overlay(&changes, copy.path()).unwrap();
        let copied = view(&copy.snapshot());
        let overlaid = view(&snapshot.overlay(changes));
        for question in questions(&files, &other) {
            prop_assert_eq!(copied.answer(&question), overlaid.answer(&question), "{:?}", question);
        }
    }
}
