//! What `.gitignore` files leave out. Git itself is asked wherever it has an opinion.

use std::collections::BTreeMap;

use super::*;
use crate::{ChangeStatus, changes, materialize};

/// Rules (file, text), files beside them, and what is left of all.
type Row = (Vec<(&'static str, &'static str)>, &'static [&'static str], &'static str);

/// Writes `rules` (file, text) and `files`, and returns what is left of them.
fn left(rules: &[(&str, &str)], files: &[&str]) -> String {
    let scratch = Scratch::new();
    for (at, text) in rules {
        scratch.write(at, text);
    }
    for at in files {
        scratch.write(at, "x");
    }
    let directory = found(&view(&scratch.snapshot()), &glob(&["**"]));

    scratch.git(&["init", "--quiet"]);
    let listed = scratch.git(&["ls-files", "--others", "--exclude-standard"]);
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    assert_eq!(directory, listed.join(" "), "git says otherwise");

    scratch.git(&["add", "--all"]);
    scratch.git(&["commit", "--quiet", "--message", "what is not ignored"]);
    let tree = Snapshot::git(scratch.path(), "HEAD").unwrap();
    assert_eq!(directory, found(&view(&tree), &glob(&["**"])), "the commit says otherwise");
    directory
}

#[test]
fn ignore_files_mean_what_git_says_they_mean() {
    let root = |rules| vec![(".gitignore", rules)];
    let table: [Row; 12] = [
        (root("*.log"), &["a.log", "x/b.log", "c"], ".gitignore c"),
        (root("/a"), &["a", "x/a"], ".gitignore x/a"),
        (root("target/"), &["target/x", "a/target/y", "b/target"], ".gitignore b/target"),
        (root("*.log\n!keep.log"), &["a.log", "keep.log"], ".gitignore keep.log"),
        (root("out/\n!out/keep"), &["out/keep"], ".gitignore"),
        (root("out/*\n!out/keep"), &["out/keep", "out/x"], ".gitignore out/keep"),
        (root("# a\n\n\\#b\n\\!c"), &["a", "#b", "!c"], ".gitignore a"),
        (root("a/**/z"), &["a/z", "a/b/c/z", "z"], ".gitignore z"),
        (root("a?c\n[x-y]*"), &["abc", "x1", "y", "w"], ".gitignore w"),
        (
            root("doc/*.txt"),
            &["doc/a.txt", "doc/b/a.txt", "x/doc/a.txt"],
            ".gitignore doc/b/a.txt x/doc/a.txt",
        ),
        (
            vec![("sub/.gitignore", "*.o\n/only")],
            &["a.o", "sub/a.o", "sub/only", "sub/b/only"],
            "a.o sub/.gitignore sub/b/only",
        ),
        (
            vec![(".gitignore", "*.o"), ("sub/.gitignore", "!*.o")],
            &["a.o", "sub/a.o"],
            ".gitignore sub/.gitignore sub/a.o",
        ),
    ];
    for (rules, files, expected) in table {
        assert_eq!(left(&rules, files), expected, "{rules:?}");
    }
}

#[test]
fn a_rules_file_that_is_broken_a_link_or_huge_ignores_nothing_wrongly() {
    assert_eq!(left(&[(".gitignore", "*.log\r\n[z-a]\n{\n")], &["a.log", "b"]), ".gitignore b");

    let scratch = Scratch::new();
    scratch.write("a.log", "x");
    scratch.write("rules", "*.log");
    scratch.link(".gitignore", "rules");
    scratch.write("sub/a.log", "x");
    scratch.write("sub/.gitignore", "*.log\n".repeat(200_000));
    let all = found(&view(&scratch.snapshot()), &glob(&["**/*.log"]));
    assert_eq!(all, "a.log sub/a.log");
}

#[test]
fn ignored_files_are_read_and_listed_and_found_only_when_asked_for() {
    let scratch = Scratch::new();
    scratch.write(".gitignore", "target/");
    scratch.write("target/report.xml", "<needle/>");
    scratch.write("a", "needle");
    let view = view(&scratch.snapshot());
    assert_eq!(short(&view.answer(&content("target/report.xml"))), r#""<needle/>""#);
    assert_eq!(short(&view.answer(&list("target"))), "report.xml:File");
    assert_eq!(found(&view, &glob(&["**/*.xml"])), "");
    assert_eq!(found(&view, &glob_ignored(&["target/**/*.xml"])), "target/report.xml");
    assert_eq!(found(&view, &glob_ignored(&["**"])), ".gitignore a target/report.xml");
    let answer = view.answer(&queries::search("needle"));
    assert!(matches!(&answer, Answer::Search(found) if found.lines.len() == 1), "{answer:?}");
}

/// A repository that ignores its lock file and `out`, and has committed some of it all the same.
fn forced() -> Scratch {
    let scratch = Scratch::new();
    scratch.write(".gitignore", "Cargo.lock\nout/\n");
    for at in ["Cargo.lock", "a", "out/kept/x", "out/.gitkeep"] {
        scratch.write(at, "needle\n");
    }
    scratch.link("out/link", "kept");
    scratch.commit("forced");
    for at in ["sub/Cargo.lock", "out/kept/y", "out/new/z", "out/.gitignore"] {
        scratch.write(at, "needle\n");
    }
    scratch
}

const COMMITTED: &str = ".gitignore Cargo.lock a out/.gitkeep out/kept/x";

#[test]
fn what_is_committed_is_not_ignored() {
    let scratch = forced();
    let directory = scratch.snapshot();
    let commit = Snapshot::git(scratch.path(), "HEAD").unwrap();
    for snapshot in [&directory, &commit] {
        let view = view(snapshot);
        assert_eq!(found(&view, &glob(&["**"])), COMMITTED);
        let answer = view.answer(&queries::search("needle"));
        assert!(matches!(&answer, Answer::Search(found) if found.lines.len() == 4), "{answer:?}");
        let files = snapshot.files().unwrap();
        assert!(files.iter().any(|file| file.path.as_str() == "out/link"));
        let copy = Scratch::new();
        materialize(snapshot, copy.path()).unwrap();
        assert_eq!(found(&super::view(&copy.snapshot()), &glob_ignored(&["**"])), COMMITTED);
    }
    assert_eq!(directory.digest(), commit.digest());
    assert_eq!(changes(&commit, &directory), Ok(Vec::new()));
    assert_eq!(found(&view(&commit), &glob_ignored(&["**"])), COMMITTED);
    assert_eq!(
        found(&view(&directory), &glob_ignored(&["**"])),
        ".gitignore Cargo.lock a out/.gitignore out/.gitkeep out/kept/x out/kept/y out/new/z \
         sub/Cargo.lock"
    );

    scratch.write("Cargo.lock", "other");
    let changed = changes(&commit, &scratch.snapshot()).unwrap();
    let changed: Vec<_> =
        changed.iter().map(|change| (change.path.as_str(), change.status)).collect();
    assert_eq!(changed, [("Cargo.lock", ChangeStatus::Modified)]);
}

#[test]
fn what_a_patch_adds_is_not_ignored() {
    let scratch = forced();
    let patch = BTreeMap::from([
        (path("out/new/w"), text("")),
        (path("sub/Cargo.lock"), text("")),
        (path("out/kept/x"), None),
    ]);
    let expected = ".gitignore Cargo.lock a out/.gitkeep out/new/w sub/Cargo.lock";
    let commit = Snapshot::git(scratch.path(), "HEAD").unwrap().overlay(patch.clone());
    let directory = scratch.snapshot().overlay(patch.clone());
    assert_eq!(found(&view(&commit), &glob(&["**"])), expected);
    assert_eq!(found(&view(&directory), &glob(&["**"])), expected);
    assert_eq!(commit.digest(), directory.digest());

    let plain = Scratch::new();
    plain.write(".gitignore", "out/\n");
    plain.write("out/x", "");
    let patched = plain.snapshot().overlay(patch);
    assert_eq!(found(&view(&patched), &glob(&["**"])), ".gitignore out/new/w sub/Cargo.lock");
}

#[test]
fn the_index_counts_for_the_files_on_disk_and_for_its_own_work_tree_only() {
    let all = |scratch: &Scratch| found(&view(&scratch.snapshot()), &glob(&["**"]));

    let scratch = forced();
    fs::remove_dir_all(scratch.path().join("out/kept")).unwrap();
    scratch.write("out/kept", "a file where the index has a directory");
    fs::remove_file(scratch.path().join("Cargo.lock")).unwrap();
    scratch.write("Cargo.lock/x", "a directory where the index has a file");
    assert_eq!(all(&scratch), ".gitignore a out/.gitkeep");
    scratch.git(&["rm", "--quiet", "--cached", "out/.gitkeep"]);
    scratch.git(&["add", "--force", "--intent-to-add", "out/new/z"]);
    let module = format!("160000,{},out/module", scratch.git(&["rev-parse", "HEAD"]));
    scratch.git(&["update-index", "--add", "--cacheinfo", &module]);
    scratch.write("out/module", "a file where the index has a submodule");
    assert_eq!(all(&scratch), ".gitignore a out/new/z");

    let index = scratch.path().join(".git/index");
    scratch.write(".git/index", "no index");
    assert_eq!(all(&scratch), ".gitignore a", "it is broken");
    fs::remove_file(index).unwrap();
    assert_eq!(all(&scratch), ".gitignore a", "there is none");

    let scratch = forced();
    let elsewhere = Scratch::new();
    scratch.git(&["config", "core.worktree", elsewhere.path().to_str().unwrap()]);
    assert_eq!(all(&scratch), ".gitignore a", "it is the index of another directory");
}

#[test]
fn a_linked_work_tree_has_its_own_index() {
    let scratch = forced();
    let linked = Scratch::new();
    let at = linked.path().join("tree");
    scratch.git(&["worktree", "add", "--quiet", "--detach", at.to_str().unwrap()]);
    std::os::unix::fs::symlink(&at, linked.path().join("name")).unwrap();
    for name in ["tree", "name"] {
        let snapshot = Snapshot::directory(&linked.path().join(name)).unwrap();
        assert_eq!(found(&view(&snapshot), &glob(&["**"])), COMMITTED, "{name}");
    }
    scratch.git(&["worktree", "remove", "--force", at.to_str().unwrap()]);
}

#[test]
fn rules_have_a_ceiling_together() {
    let scratch = Scratch::new();
    // A comment of the most bytes that one file may have.
    let rules = format!("#{}", "x".repeat((1 << 20) - 1));
    for number in 0..4 {
        scratch.write(&format!("{number:02}/.gitignore"), &rules);
    }
    assert_eq!(scratch.snapshot().files().unwrap().len(), 4);
    scratch.write("17/.gitignore", &rules);
    let refused = scratch.snapshot().files().unwrap_err().to_string();
    assert!(refused.contains("4194304 bytes of `.gitignore` files"), "{refused}");
}
