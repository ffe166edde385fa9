//! Globs, searches and lists: what they find, and where they end.

use super::*;
use crate::{LineMatch, Matches, ReadError, SearchQuery};

pub(super) fn search(pattern: &str) -> Question {
    Question::Search { tree: Tree::Head, query: query(pattern) }
}

fn query(pattern: &str) -> SearchQuery {
    SearchQuery {
        pattern: pattern.to_owned(),
        literal: false,
        ignore_case: false,
        globs: Vec::new(),
        context_lines: 0,
        max_matches: 100,
    }
}

#[track_caller]
fn matches(view: &View, query: SearchQuery) -> Matches {
    let answer = view.answer(&Question::Search { tree: Tree::Head, query });
    let Answer::Search(matches) = answer else { panic!("{answer:?}") };
    matches
}

/// `path:line` of each match, separated by spaces.
fn places(matches: &Matches) -> String {
    let place = |line: &LineMatch| format!("{}:{}", line.path, line.line);
    matches.lines.iter().map(place).collect::<Vec<_>>().join(" ")
}

fn library() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.txt", "Alpha\nbeta\r\ngamma\n\nalpha beta\n");
    scratch.write("b/c.txt", "beta\n");
    scratch.write("b.rs", "fn beta() {}");
    scratch.write("binary", b"beta\0");
    scratch.write("latin", b"beta \xe4\n");
    scratch.write("empty", "");
    scratch.link("link.txt", "a.txt");
    scratch
}

#[test]
fn a_search_finds_lines_in_the_order_of_paths() {
    let scratch = library();
    let view = view(&scratch.snapshot());
    let places = |query| places(&matches(&view, query));
    assert_eq!(places(query("beta")), "a.txt:2 a.txt:5 b.rs:1 b/c.txt:1 latin:1");
    assert_eq!(places(query("^beta$")), "a.txt:2 b/c.txt:1");
    assert_eq!(places(query("^$")), "a.txt:4");
    assert_eq!(places(query("ALPHA")), "");
    assert_eq!(places(SearchQuery { ignore_case: true, ..query("ALPHA") }), "a.txt:1 a.txt:5");
    assert_eq!(places(SearchQuery { literal: true, ..query("beta()") }), "b.rs:1");
    assert_eq!(places(SearchQuery { globs: vec!["**/*.rs".into()], ..query("beta") }), "b.rs:1");
}

#[test]
fn a_match_is_shown_with_its_surroundings_and_cut_between_characters() {
    let scratch = library();
    scratch.write("long", format!("x{}", "ä".repeat(300)));
    let view = view(&scratch.snapshot());
    let found = matches(&view, SearchQuery { context_lines: 1, ..query("gamma") });
    let line = &found.lines[0];
    assert_eq!(
        (line.before.as_slice(), line.after.as_slice()),
        (&["beta".into()][..], &["".into()][..])
    );
    let found = matches(&view, query("xä"));
    assert_eq!(found.lines[0].text.len(), 399);
    assert_eq!(matches(&view, query("beta .$")).lines.len(), 0, "a broken byte is no character");
    assert_eq!(matches(&view, query("beta ")).lines[0].text, "beta \u{fffd}");
}

#[test]
fn an_answer_says_when_there_was_more() {
    let scratch = library();
    let view = view(&scratch.snapshot());
    for (most, truncated) in [(4, true), (5, false), (6, false)] {
        let found = matches(&view, SearchQuery { max_matches: most, ..query("beta") });
        assert_eq!((found.lines.len(), found.truncated), (most.min(5) as usize, truncated));
    }
    for (most, truncated) in [(5, true), (6, false), (7, false)] {
        let query =
            GlobQuery { patterns: vec!["**".into()], include_ignored: false, max_paths: most };
        let Answer::Glob(found) = view.answer(&Question::Glob { tree: Tree::Head, query }) else {
            panic!("it is a glob")
        };
        assert_eq!((found.paths.len(), found.truncated), (most.min(6) as usize, truncated));
    }
}

#[test]
fn a_pattern_that_cannot_be_used_is_answered_with_the_reason() {
    let scratch = library();
    let view = view(&scratch.snapshot());
    let bad = |question: &Question| {
        let answer = view.answer(question);
        let Answer::Denied(ReadError::InvalidPattern(reason)) = answer else {
            panic!("{answer:?}")
        };
        reason
    };
    let bomb = r"(\w{200}){200}";
    let reasons = [
        bad(&search("(")),
        bad(&search("")),
        bad(&search("a(?=b)")),
        bad(&search(bomb)),
        bad(&search(&"a".repeat(1025))),
        bad(&glob(&["src/["])),
        bad(&glob(&["/src"])),
        bad(&glob(&["**"; 65])),
        bad(&Question::Search {
            tree: Tree::Head,
            query: SearchQuery { globs: vec!["a/".into()], ..query("a") },
        }),
    ];
    insta::assert_snapshot!(reasons.join("\n"), @r"
    unclosed group
    it is empty; every line would match
    look-around, including look-ahead and look-behind, is not supported
    Compiled regex exceeds size limit of 4194304 bytes.
    it is longer than 1024 bytes
    `src/[`: unclosed character class; missing ']'
    `/src`: it begins with `/`; patterns begin at the repository's root as they are
    `**`: there are more than 64 patterns
    `a/`: it ends with `/`; add `**` for everything below
    ");
}

#[test]
fn a_list_is_sorted_by_bytes_and_a_question_about_no_base_is_answered() {
    let scratch = library();
    scratch.write("B", "");
    scratch.write("b-c", "");
    let view = view(&scratch.snapshot());
    insta::assert_snapshot!(short(&view.answer(&list(""))), @"B:File a.txt:File b:Directory b-c:File b.rs:File binary:File empty:File latin:File link.txt:Symlink");
    let base = Question::List { tree: Tree::Base, path: String::new() };
    assert_eq!(view.answer(&base), Answer::Denied(ReadError::NoSuchTree));
}

#[test]
fn names_that_are_no_text_are_left_out() {
    use std::os::unix::ffi::OsStrExt;

    let scratch = library();
    let odd = scratch.path().join(std::ffi::OsStr::from_bytes(b"od\xff"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::copy(scratch.path().join("a.txt"), odd.join("x")).unwrap();
    let view = view(&scratch.snapshot());
    assert!(!short(&view.answer(&list(""))).contains("od"));
    assert_eq!(found(&view, &glob(&["**/x"])), "");
}

#[test]
fn a_question_is_kept_as_it_is_written() {
    let questions = [content("a"), stat(""), glob(&["*"]), search("x")];
    let written = questions.map(|question| serde_json::to_string(&question).unwrap());
    insta::assert_snapshot!(written.join("\n"), @r#"
    {"content":{"tree":"head","path":"a"}}
    {"stat":{"tree":"head","path":""}}
    {"glob":{"tree":"head","query":{"patterns":["*"],"include-ignored":false,"max-paths":1000}}}
    {"search":{"tree":"head","query":{"pattern":"x","literal":false,"ignore-case":false,"globs":[],"context-lines":0,"max-matches":100}}}
    "#);
}
