//! What `.gitignore` files leave out. Git itself is asked wherever it has an opinion.

use super::*;

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

    let commit = scratch.commit("all");
    let tree = Snapshot::git(scratch.path(), &commit).unwrap();
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
