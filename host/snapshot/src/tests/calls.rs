//! What the calls of a run share: answers of a tree that cannot change are found once, and no call
//! is told more for that than it is granted.

use super::*;
use crate::ReadError;

fn all() -> Vec<Question> {
    let mut all = vec![glob(&["**"]), glob_ignored(&["*"]), queries::search("one"), list("")];
    for at in ["a", "b/c", "none", "out"] {
        all.extend([content(at), stat(at), kind(at), size(at), executable(at), link(at)]);
    }
    all
}

fn repository() -> (Scratch, Snapshot) {
    let scratch = Scratch::new();
    scratch.write("a", "one\n");
    scratch.write("b/c", "one\ntwo\n");
    scratch.link("out", "/etc");
    let commit = scratch.commit("all");
    let snapshot = Snapshot::git(scratch.path(), &commit).unwrap();
    (scratch, snapshot)
}

#[test]
fn what_a_commit_was_asked_is_not_read_again_by_another_call() {
    let (scratch, commit) = repository();
    let overlay = commit.overlay([(path("d"), text("one\n"))].into());
    for tree in [commit, overlay] {
        let questions = all();
        let first = view(&tree);
        let answers: Vec<_> = questions.iter().map(|question| first.observe(question)).collect();
        fs::rename(scratch.path().join(".git"), scratch.path().join("aside")).unwrap();
        let second = view(&tree);
        for (question, told) in questions.iter().zip(&answers) {
            assert_eq!(second.observe(question), *told, "{question}");
        }
        let digests: Vec<_> = answers.iter().map(|(_, digest)| *digest).collect();
        assert_eq!(digests_at_once(&view(&tree), &questions), digests);
        fs::rename(scratch.path().join("aside"), scratch.path().join(".git")).unwrap();
    }
}

#[test]
fn what_one_call_was_told_is_not_told_to_who_is_not_granted_it() {
    let (_scratch, commit) = repository();
    let everything = view(&commit);
    for question in all() {
        everything.observe(&question);
    }
    let grant = Grant::read(&["b/**".to_owned()]).unwrap();
    let granted = View::new(commit.clone(), None, grant);
    assert!(matches!(granted.answer(&content("a")), Answer::Denied(ReadError::NotGranted(_))));
    assert_eq!(found(&granted, &glob(&["**"])), "b/c");
    assert_eq!(short(&granted.answer(&queries::search("one"))), "1 matches");
    let nothing = View::new(commit, None, Grant::nothing());
    assert_eq!(nothing.denied(), Vec::<String>::new());
    nothing.answer(&content("a"));
    assert_eq!(nothing.denied(), [r#"read = ["a"]"#], "who is refused again is told why again");
}

#[test]
fn a_variable_is_told_as_each_call_is_granted_it() {
    let (_scratch, commit) = repository();
    for value in [Some("one"), Some("two"), None] {
        let variables = [("V".to_owned(), value.map(str::to_owned))];
        let grant = Grant::everything().with_variables(variables.into());
        let view = View::new(commit.clone(), None, grant);
        let question = Question::Variable { name: "V".to_owned() };
        assert_eq!(view.answer(&question), Answer::Variable(value.map(str::to_owned)));
    }
}

#[test]
fn a_directory_is_read_again_by_each_call() {
    let (scratch, _) = repository();
    let directory = scratch.snapshot();
    let before = view(&directory).answer(&content("a"));
    scratch.write("a", "two\n");
    let after = view(&directory).answer(&content("a"));
    assert_eq!((short(&before), short(&after)), (r#""one\n""#.into(), r#""two\n""#.into()));
}
