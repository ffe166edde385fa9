//! Commits that git would not write and does not check out, but that a server may hand out.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::ops::Range;
use std::process::{Command, Stdio};

use snapshot::{Answer, Question, ReadError, Snapshot};
use tempfile::TempDir;

use crate::questions::{about, glob, search};
use crate::repository::SECRET;
use crate::{check, view};

/// A repository without a work tree, for objects that are made by hand.
struct Objects(TempDir);

impl Objects {
    fn new() -> Self {
        let objects = Self(tempfile::tempdir().unwrap());
        objects.git(&["init", "--quiet", "--bare"], b"");
        objects
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut git = self.command(arguments).spawn().unwrap();
        git.stdin.take().unwrap().write_all(input).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.args(arguments)
            .current_dir(self.0.path())
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
            .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.com")])
            .env_remove("GIT_DIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        git
    }

    fn blob(&self, content: &str) -> String {
        self.git(&["hash-object", "-w", "--stdin"], content.as_bytes())
    }

    /// A tree of these entries, as they are: mode, name, object.
    fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, object) in entries {
            bytes.extend([mode.as_bytes(), b" ", name.as_bytes(), b"\0"].concat());
            let half = |at| u8::from_str_radix(&object[at..at + 2], 16).unwrap();
            bytes.extend((0..object.len()).step_by(2).map(half));
        }
        self.git(&["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], &bytes)
    }

    /// The tree below so many others, each of which has only the next one, by this name.
    fn buried(&self, tree: &str, name: &str, depth: usize) -> String {
        let mut git = self.command(&["mktree", "--batch"]).spawn().unwrap();
        let mut said = BufReader::new(git.stdout.take().unwrap());
        let mut asked = git.stdin.take().unwrap();
        let mut tree = tree.to_owned();
        for _ in 0..depth {
            write!(asked, "040000 tree {tree}\t{name}\n\n").unwrap();
            tree.clear();
            said.read_line(&mut tree).unwrap();
            tree.truncate(tree.trim_end().len());
        }
        drop(asked);
        assert!(git.wait().unwrap().success());
        tree
    }

    fn snapshot(&self, tree: &str) -> Snapshot {
        let commit = self.git(&["commit-tree", "-m", "crafted", tree], b"");
        Snapshot::git(self.0.path(), &commit).unwrap()
    }
}

/// A tree with all kinds of names and kinds that git does not write.
fn odd_tree(objects: &Objects) -> String {
    let (secret, fine) = (objects.blob(SECRET), objects.blob("needle"));
    let link = objects.blob("../../../../../../../etc/passwd");
    let long = objects.blob(&"a/../".repeat(1_000));
    let inner = objects.tree(&[("100644", "inside", &fine), ("100644", "secret", &secret)]);
    objects.tree(&[
        ("100644", "", &secret),
        ("100644", ".", &secret),
        ("100644", "..", &secret),
        ("40000", "../outside", &inner),
        ("40000", ".git", &inner),
        ("40000", ".GIT", &inner),
        ("40000", "git~1", &inner),
        ("100644", "/etc/passwd", &secret),
        ("100644", "a/b", &secret),
        ("100644", "fine", &fine),
        ("120000", "link", &link),
        ("120000", "long-link", &long),
        ("120000", "no-target", &inner),
        ("160000", "module", &fine),
        ("777777", "odd-mode", &fine),
        ("100644", "a-file-that-is-a-tree", &inner),
    ])
}

/// Whether what is asked shows in answers to other questions, too.
fn is_told_by_others(question: &Question) -> bool {
    matches!(
        question,
        Question::Range { .. }
            | Question::Stat { .. }
            | Question::Kind { .. }
            | Question::Size { .. }
            | Question::Executable { .. }
            | Question::Link { .. }
    )
}

#[test]
fn a_tree_with_names_that_are_none_has_no_such_names() {
    let objects = Objects::new();
    let view = view(&objects.snapshot(&odd_tree(&objects)));
    let names = [
        "../outside/secret",
        ".git/secret",
        ".GIT/secret",
        "git~1/secret",
        "/etc/passwd",
        "a/b",
        "fine",
        "link",
        "long-link",
        "no-target",
        "module",
        "odd-mode",
        "a-file-that-is-a-tree",
        "a-file-that-is-a-tree/secret",
    ];
    let wide = [glob("**", true), search(".", "fine"), search("5TEP", "**")];
    let mut said = String::new();
    for question in
        about("").into_iter().chain(names.iter().flat_map(|name| about(name))).chain(wide)
    {
        let answer = view.answer(&question);
        check("crafted", &question, &answer);
        if !is_told_by_others(&question) {
            writeln!(said, "{question}: {answer:?}").unwrap();
        }
    }
    insta::assert_snapshot!(said, @r#"
    the content of "": Denied(NotAFile)
    the names in "": List([Entry { name: "a-file-that-is-a-tree", kind: File }, Entry { name: "fine", kind: File }, Entry { name: "link", kind: Symlink }, Entry { name: "long-link", kind: Symlink }, Entry { name: "no-target", kind: Symlink }])
    the content of "../outside/secret": Denied(InvalidPath("it has `..`; name it from the repository's root"))
    the names in "../outside/secret": Denied(InvalidPath("it has `..`; name it from the repository's root"))
    the content of ".git/secret": Denied(NotFound)
    the names in ".git/secret": Denied(NotFound)
    the content of ".GIT/secret": Denied(NotFound)
    the names in ".GIT/secret": Denied(NotFound)
    the content of "git~1/secret": Denied(NotFound)
    the names in "git~1/secret": Denied(NotFound)
    the content of "/etc/passwd": Denied(InvalidPath("it is absolute; name it from the repository's root"))
    the names in "/etc/passwd": Denied(InvalidPath("it is absolute; name it from the repository's root"))
    the content of "a/b": Denied(NotFound)
    the names in "a/b": Denied(NotFound)
    the content of "fine": Content([110, 101, 101, 100, 108, 101])
    the names in "fine": Denied(NotADirectory)
    the content of "link": Denied(Outside)
    the names in "link": Denied(Outside)
    the content of "long-link": Denied(NotAFile)
    the names in "long-link": Denied(NotADirectory)
    the content of "no-target": Denied(NotAFile)
    the names in "no-target": Denied(NotADirectory)
    the content of "module": Denied(NotFound)
    the names in "module": Denied(NotFound)
    the content of "odd-mode": Denied(NotFound)
    the names in "odd-mode": Denied(NotFound)
    the content of "a-file-that-is-a-tree": Denied(NotAFile)
    the names in "a-file-that-is-a-tree": Denied(NotADirectory)
    the content of "a-file-that-is-a-tree/secret": Denied(NotFound)
    the names in "a-file-that-is-a-tree/secret": Denied(NotFound)
    the files that match ["**"]: Glob(Found { paths: ["a-file-that-is-a-tree", "fine"], truncated: false })
    the lines that match ".": Search(Matches { lines: [LineMatch { path: "fine", line: 1, text: "needle", before: [], after: [] }], truncated: false })
    the lines that match "5TEP": Search(Matches { lines: [], truncated: false })
    "#);
}

#[test]
fn an_object_that_is_not_there_or_not_what_it_is_said_to_be_is_unreadable() {
    let objects = Objects::new();
    let fine = objects.blob("needle");
    for (mode, object) in [("100644", "1".repeat(40)), ("40000", "1".repeat(40)), ("40000", fine)] {
        let tree = objects.tree(&[(mode, "broken", &object)]);
        let view = view(&objects.snapshot(&tree));
        let [content, .., list] = about("broken");
        let question = if mode == "40000" { list } else { content };
        for question in [question, search(".", "**")] {
            let answer = view.answer(&question);
            let unreadable = matches!(answer, Answer::Denied(ReadError::Unreadable(_)));
            assert!(unreadable, "{mode} {object}: {question}: {answer:?}");
        }
    }
}

fn too_many(what: &str) -> Answer {
    let why = format!("there are more than {what}; leave some out in a `.gitignore`");
    Answer::Denied(ReadError::Unreadable(why))
}

/// A few megabytes of objects must not become gigabytes of paths.
#[test]
fn many_names_far_below_the_root_are_too_many() {
    let objects = Objects::new();
    let fine = objects.blob("needle");
    let some = |numbers: Range<usize>| {
        let names: Vec<String> = numbers.map(|n| format!("{n:05}")).collect();
        let files: Vec<_> = names.iter().map(|name| ("100644", &**name, &*fine)).collect();
        objects.tree(&files)
    };
    let (one, other) = (some(0..9_000), some(9_000..18_000));
    let both = objects.tree(&[("40000", "one", &one), ("40000", "other", &other)]);
    for (tree, depth, fits) in [(&both, 0, true), (&both, 15, false)] {
        let view = view(&objects.snapshot(&objects.buried(tree, &"d".repeat(250), depth)));
        let question = glob("**", true);
        let answer = view.answer(&question);
        check("wide", &question, &answer);
        match fits {
            true => assert!(matches!(answer, Answer::Glob(_)), "{answer:?}"),
            false => assert_eq!(answer, too_many("67108864 bytes of paths")),
        }
    }
    let far = objects.buried(&some(0..18_000), &"d".repeat(250), 16);
    let [.., list] = about(&vec!["d".repeat(250); 16].join("/"));
    let answer = view(&objects.snapshot(&far)).answer(&list);
    assert_eq!(answer, too_many("67108864 bytes of paths"));
}

#[test]
fn a_directory_has_only_so_many_names_however_small_it_is_packed() {
    let objects = Objects::new();
    let fine = objects.blob("needle");
    let twice = vec![("100644", "a", &*fine); 250_001];
    for (names, fits) in [(250_000, true), (250_001, false)] {
        let view = view(&objects.snapshot(&objects.tree(&twice[..names])));
        let [.., list] = about("");
        let answer = view.answer(&list);
        match fits {
            true => assert!(matches!(answer, Answer::List(names) if names.len() == 1)),
            false => assert_eq!(answer, too_many("250000 names in one directory")),
        }
    }
}

/// A walk goes as deep as a path can be long, and no deeper.
#[test]
fn a_tree_that_is_deeper_than_a_path_is_walked_as_far_as_paths_reach() {
    let objects = Objects::new();
    let bottom = objects.tree(&[("100644", "needle", &objects.blob("needle"))]);
    let view = view(&objects.snapshot(&objects.buried(&bottom, "d", 2_100)));
    let deepest = vec!["d"; 2_048].join("/");
    for question in about(&deepest).into_iter().chain([glob("**", true), search("n", "**")]) {
        let answer = view.answer(&question);
        check("deep", &question, &answer);
    }
    let [_, _, stat, ..] = about(&deepest);
    assert!(matches!(view.answer(&stat), Answer::Stat(_)), "{:?}", view.answer(&stat));
}
