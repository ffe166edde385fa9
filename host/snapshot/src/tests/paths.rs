//! Paths that try to lead somewhere else.

use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, Mode, mknodat};

use super::*;

/// What each kind of question says about each path, one path a line.
fn ask_all(view: &View, paths: &[&str]) -> String {
    let line = |at: &&str| {
        let [read, stat, list] =
            [content(at), stat(at), list(at)].map(|question| short(&view.answer(&question)));
        format!("{at:?}: {read} | {stat} | {list}")
    };
    paths.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Paths of [`tricky`] with links in them.
#[rustfmt::skip]
const LINKS: [&str; 23] = [
    "to-file", "to-dir", "to-dir/b.rs", "src/up", "slash/a.rs", "file-slash", "file-dots", "dots",
    "chain", "own-root/run.sh", "missing", "missing/x", "loop", "loop/x", "ping", "passwd",
    "passwd/x", "out", "out/x", "out-deep", "out-and-in", "run.sh/x", "src/none",
];

fn tricky() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("src/a.rs", "a");
    scratch.write("src/deep/b.rs", "bb");
    scratch.write("run.sh", "sh");
    scratch.make_executable("run.sh");
    scratch.write("link-free/.stepwell/out/x", "not ours");
    scratch.write(".stepwell/out/report.md", "ours");
    scratch.write(".stepwell/step.toml", "step");
    for (at, target) in [
        ("to-file", "src/a.rs"),
        ("to-dir", "src/deep"),
        ("src/up", "../run.sh"),
        ("slash", "src/"),
        ("file-slash", "run.sh/"),
        ("file-dots", "run.sh/.."),
        ("dots", "./src//./deep/../a.rs"),
        ("chain", "chain2"),
        ("chain2", "to-dir/b.rs"),
        ("missing", "no/where"),
        ("loop", "loop"),
        ("ping", "pong"),
        ("pong", "ping"),
        ("passwd", "/etc/passwd"),
        ("out", ".."),
        ("out-deep", "src/../../x"),
        ("out-and-in", "../inside-again"),
        ("own-root", "."),
        ("hooks", ".git/hooks"),
        ("report", ".stepwell/out/report.md"),
    ] {
        scratch.link(at, target);
    }
    scratch
}

#[test]
fn links_are_followed_inside_and_never_out() {
    let scratch = tricky();
    let answers = ask_all(&view(&scratch.snapshot()), &LINKS);
    insta::assert_snapshot!(answers, @r#"
    "to-file": "a" | File 1 | NotADirectory
    "to-dir": NotAFile | Directory 0 | b.rs:File
    "to-dir/b.rs": "bb" | File 2 | NotADirectory
    "src/up": "sh" | File 2 executable | NotADirectory
    "slash/a.rs": "a" | File 1 | NotADirectory
    "file-slash": NotAFile | Symlink 0 | NotADirectory
    "file-dots": NotAFile | Symlink 0 | NotADirectory
    "dots": "a" | File 1 | NotADirectory
    "chain": "bb" | File 2 | NotADirectory
    "own-root/run.sh": "sh" | File 2 executable | NotADirectory
    "missing": NotAFile | Symlink 0 | NotADirectory
    "missing/x": NotFound | NotFound | NotFound
    "loop": NotAFile | Symlink 0 | NotADirectory
    "loop/x": NotFound | NotFound | NotFound
    "ping": NotAFile | Symlink 0 | NotADirectory
    "passwd": Outside | Symlink 0 | Outside
    "passwd/x": Outside | Outside | Outside
    "out": Outside | Symlink 0 | Outside
    "out/x": Outside | Outside | Outside
    "out-deep": Outside | Symlink 0 | Outside
    "out-and-in": Outside | Symlink 0 | Outside
    "run.sh/x": NotFound | NotFound | NotFound
    "src/none": NotFound | NotFound | NotFound
    "#);
}

#[test]
fn what_is_not_of_the_repository_is_not_there() {
    let scratch = tricky();
    scratch.commit("all");
    scratch.write("sub/.git", "gitdir: /elsewhere");
    let questions = [
        ".git",
        ".git/config",
        ".GIT/config",
        ".git/HEAD",
        "sub/.git",
        "hooks",
        "hooks/x",
        ".stepwell/out",
        ".stepwell/out/report.md",
        "report",
        ".stepwell/step.toml",
        "link-free/.stepwell/out/x",
    ];
    let directory = view(&scratch.snapshot());
    insta::assert_snapshot!(ask_all(&directory, &questions), @r#"
    ".git": NotFound | NotFound | NotFound
    ".git/config": NotFound | NotFound | NotFound
    ".GIT/config": NotFound | NotFound | NotFound
    ".git/HEAD": NotFound | NotFound | NotFound
    "sub/.git": NotFound | NotFound | NotFound
    "hooks": NotAFile | Symlink 0 | NotADirectory
    "hooks/x": NotFound | NotFound | NotFound
    ".stepwell/out": NotFound | NotFound | NotFound
    ".stepwell/out/report.md": NotFound | NotFound | NotFound
    "report": NotAFile | Symlink 0 | NotADirectory
    ".stepwell/step.toml": "step" | File 4 | NotADirectory
    "link-free/.stepwell/out/x": "not ours" | File 8 | NotADirectory
    "#);
    assert_eq!(short(&directory.answer(&list("sub"))), "");
    assert_eq!(short(&directory.answer(&list(".stepwell"))), "step.toml:File");
    let all = found(&directory, &glob_ignored(&["**"]));
    assert!(!all.split(' ').any(|path| path.starts_with(".git/") || path.contains("report")));
}

#[test]
fn a_commit_says_of_tricky_paths_what_its_checkout_says() {
    let scratch = tricky();
    let commit = scratch.commit("all");
    let tree = Snapshot::git(scratch.path(), &commit).unwrap();
    let (tree, directory) = (view(&tree), view(&scratch.snapshot()));
    let more = "src .git .stepwell .stepwell/out/report.md report hooks no\0pe .. a/";
    for at in LINKS.iter().copied().chain(more.split(' ')).chain([""]) {
        for question in [content(at), stat(at), list(at)] {
            assert_eq!(tree.answer(&question), directory.answer(&question), "{question:?}");
        }
    }
}

#[test]
fn a_path_that_is_no_path_is_answered_with_the_rule_it_breaks() {
    let scratch = tricky();
    let paths = ["/etc/passwd", "../x", "src/../..", "./src", "src/", "src//a.rs", "a\0b"];
    insta::assert_snapshot!(ask_all(&view(&scratch.snapshot()), &paths), @r#"
    "/etc/passwd": InvalidPath("it is absolute; name it from the repository's root") | InvalidPath("it is absolute; name it from the repository's root") | InvalidPath("it is absolute; name it from the repository's root")
    "../x": InvalidPath("it has `..`; name it from the repository's root") | InvalidPath("it has `..`; name it from the repository's root") | InvalidPath("it has `..`; name it from the repository's root")
    "src/../..": InvalidPath("it has `..`; name it from the repository's root") | InvalidPath("it has `..`; name it from the repository's root") | InvalidPath("it has `..`; name it from the repository's root")
    "./src": InvalidPath("it has the name `.`; leave it out") | InvalidPath("it has the name `.`; leave it out") | InvalidPath("it has the name `.`; leave it out")
    "src/": InvalidPath("it has an empty name; use one `/` between names and none at the end") | InvalidPath("it has an empty name; use one `/` between names and none at the end") | InvalidPath("it has an empty name; use one `/` between names and none at the end")
    "src//a.rs": InvalidPath("it has an empty name; use one `/` between names and none at the end") | InvalidPath("it has an empty name; use one `/` between names and none at the end") | InvalidPath("it has an empty name; use one `/` between names and none at the end")
    "a\0b": InvalidPath("it has a NUL character, which no name may have") | InvalidPath("it has a NUL character, which no name may have") | InvalidPath("it has a NUL character, which no name may have")
    "#);
}

#[test]
fn pipes_sockets_and_devices_are_neither_read_nor_listed() {
    let scratch = Scratch::new();
    scratch.write("file", "x");
    let fifo = scratch.path().join("fifo");
    mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let _socket = UnixListener::bind(scratch.path().join("socket")).unwrap();
    scratch.link("to-fifo", "fifo");
    let view = view(&scratch.snapshot());
    insta::assert_snapshot!(ask_all(&view, &["fifo", "socket", "to-fifo", "fifo/x", ""]), @r#"
    "fifo": NotAFile | NotAFile | NotADirectory
    "socket": NotAFile | NotAFile | NotADirectory
    "to-fifo": NotAFile | NotAFile | NotADirectory
    "fifo/x": NotFound | NotFound | NotFound
    "": NotAFile | Directory 0 | file:File to-fifo:Symlink
    "#);
    assert_eq!(found(&view, &glob(&["**"])), "file");
}

#[test]
fn a_file_that_is_too_large_is_named_with_its_size_and_read_in_parts() {
    let scratch = Scratch::new();
    let sparse = fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(scratch.path().join("sparse"))
        .unwrap();
    sparse.set_len(1 << 40).unwrap();
    scratch.write("limit", vec![b'x'; 16 << 20]);
    scratch.write("over", vec![b'x'; (16 << 20) + 1]);
    let view = view(&scratch.snapshot());
    let range = |path: &str, offset, length| {
        let path = path.to_owned();
        view.answer(&Question::Range { tree: Tree::Head, path, offset, length })
    };

    assert_eq!(short(&view.answer(&content("sparse"))), format!("TooLarge({})", 1_u64 << 40));
    assert_eq!(short(&view.answer(&content("over"))), format!("TooLarge({})", (16 << 20) + 1));
    assert!(
        matches!(view.answer(&content("limit")), Answer::Content(bytes) if bytes.len() == 16 << 20)
    );
    assert_eq!(range("sparse", (1 << 40) - 2, 9), Answer::Range(vec![0, 0]));
    assert_eq!(range("over", 16 << 20, u32::MAX), Answer::Range(b"x".to_vec()));
    assert_eq!(range("over", u64::MAX, 1), Answer::Range(Vec::new()));
    assert_eq!(short(&range("over", 0, u32::MAX)), format!("TooLarge({})", (16 << 20) + 1));
}

#[test]
fn the_first_answer_stands_and_a_second_state_is_no_answer() {
    let scratch = Scratch::new();
    scratch.write("pinned", "one");
    scratch.write("known", "one");
    let view = view(&scratch.snapshot());
    let known = view.answer_digest(&content("known"));
    assert_eq!(short(&view.answer(&content("pinned"))), r#""one""#);

    scratch.write("pinned", "two");
    scratch.write("known", "two");
    assert_eq!(short(&view.answer(&content("pinned"))), r#""one""#);
    assert_eq!(view.answer_digest(&content("known")), known);
    let (answer, _) = view.observe(&content("known"));
    assert!(answer.is_failure(), "{answer:?}");
}
