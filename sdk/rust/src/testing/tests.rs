//! The repository in memory answers as `wit/tool.wit` says.

use super::*;
use crate::repository::{self, Error, READ_BYTES_MAX};

fn repository() -> Repository {
    Repository::new()
        .file("Cargo.toml", "[package]\n")
        .file("src/lib.rs", "fn one() {}\nfn two() {}\nfn three() {}\n")
        .file("src/deep/mod.rs", "FN\n")
        .file("run.sh", "#!/bin/sh\n")
        .executable("run.sh")
        .ignored("target/out.rs", "fn built() {}\n")
}

#[track_caller]
fn reason<T: std::fmt::Debug>(asked: impl FnOnce() -> Result<T, Error>) -> Reason {
    repository().run(asked).answer.expect_err("no answer").reason
}

#[test]
fn a_path_is_what_stands_there() {
    let stat = |path: &'static str| repository().run(|| repository::stat(Tree::Head, path)).answer;
    let file = Metadata { kind: Kind::File, size: 10, executable: true };
    assert_eq!(stat("run.sh"), Ok(file));
    let directory = Metadata { kind: Kind::Directory, size: 0, executable: false };
    assert_eq!(stat("src"), Ok(directory));
    assert_eq!(stat(""), Ok(directory));
    assert_eq!(reason(|| repository::stat(Tree::Head, "sr")), Reason::NotFound);
}

#[test]
fn a_directory_has_names_with_ignored_ones() {
    let list = |path: &'static str| {
        let entries = repository().run(|| repository::list(Tree::Head, path)).answer.unwrap();
        entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
    };
    assert_eq!(list(""), ["Cargo.toml", "run.sh", "src", "target"]);
    assert_eq!(list("src"), ["deep", "lib.rs"]);
    assert_eq!(reason(|| repository::list(Tree::Head, "run.sh")), Reason::NotADirectory);
}

#[test]
fn a_range_ends_with_the_file() {
    let range = |offset, length| {
        let asked = || repository::read_range(Tree::Head, "run.sh", offset, length);
        repository().run(asked).answer.unwrap()
    };
    assert_eq!(range(2, 4), b"/bin");
    assert_eq!(range(8, u32::MAX), b"h\n");
    assert_eq!(range(u64::MAX, 1), b"");
}

#[test]
fn a_glob_finds_whole_paths_and_no_more_than_asked() {
    let find = |glob: Glob| repository().run(|| glob.find(Tree::Head)).answer.unwrap();
    assert_eq!(find(Glob::new(["*.rs"])).paths, [""; 0]);
    assert_eq!(find(Glob::new(["**/*.rs"])).paths, ["src/deep/mod.rs", "src/lib.rs"]);
    assert_eq!(
        find(Glob::new(["{target,run}*/**"]).include_ignored(true)).paths,
        ["target/out.rs"]
    );
    let one = find(Glob::new(["src/**"]).max(1));
    assert!(one.paths == ["src/deep/mod.rs"] && one.truncated);
    let exactly = find(Glob::new(["src/**"]).max(2));
    assert!(exactly.paths.len() == 2 && !exactly.truncated);
}

#[test]
fn a_search_finds_lines_with_what_is_around_them() {
    let find = |search: Search| repository().run(|| search.find(Tree::Head)).answer.unwrap();
    let found = find(Search::new("fn t..()").context(1).max(1));
    let line = &found.lines[0];
    assert_eq!((line.path.as_str(), line.line), ("src/lib.rs", 2));
    assert_eq!(
        (&line.before[..], &line.after[..]),
        (&["fn one() {}".to_owned()][..], &["fn three() {}".to_owned()][..])
    );
    assert!(found.truncated);
    assert_eq!(find(Search::new("fn").ignore_case(true)).lines.len(), 4);
    assert_eq!(find(Search::new("{}").literal(true).within(["**/mod.rs"])).lines, []);
}

#[test]
fn what_cannot_be_asked_says_why() {
    let read = |path: &'static str| reason(move || repository::read(Tree::Head, path));
    for path in ["/etc", "../a", "a/../b", "a//b", "a/", "./a", "a\0"] {
        assert!(matches!(read(path), Reason::InvalidPath(_)), "{path:?}");
    }
    assert_eq!(read("src"), Reason::NotAFile);
    assert_eq!(reason(|| repository::read(Tree::Base, "a")), Reason::NoSuchTree);
    for pattern in ["", "/a", "a/", "./a", "[a", &"a".repeat(1025)] {
        let found = reason(|| Glob::new([pattern]).find(Tree::Head));
        assert!(matches!(found, Reason::InvalidPattern(_)), "{pattern}");
    }
    for pattern in ["", "(", &"a".repeat(1025)] {
        let found = reason(|| Search::new(pattern).find(Tree::Head));
        assert!(matches!(found, Reason::InvalidPattern(_)), "{pattern}");
    }
    let size = READ_BYTES_MAX + 1;
    let huge = Repository::new().file("huge", vec![0; usize::try_from(size).unwrap()]);
    let run = huge.run(|| repository::read(Tree::Head, "huge"));
    assert_eq!(run.answer.unwrap_err().reason, Reason::TooLarge(size));
}

#[test]
fn a_reason_instead_stands_for_every_question_about_the_path() {
    let repository = repository().instead("src", Reason::Outside);
    let run = repository
        .run(|| (repository::stat(Tree::Head, "src"), repository::list(Tree::Head, "src")));
    assert_eq!(run.answer.0.unwrap_err().reason, Reason::Outside);
    assert_eq!(run.answer.1.unwrap_err().reason, Reason::Outside);
    assert_eq!(run.questions.len(), 2);
}

#[test]
#[should_panic = "no repository here"]
fn outside_of_a_run_there_is_no_repository() {
    drop(repository::read(Tree::Head, "a"));
}

#[test]
fn a_panic_leaves_the_thread_usable() {
    let panicked = std::panic::catch_unwind(|| repository().run(|| panic!("as it may")));
    assert!(panicked.is_err());
    assert_eq!(repository().run(|| 7).answer, 7);
}
