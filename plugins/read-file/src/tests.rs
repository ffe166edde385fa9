//! The tool's promises, through its JSON.

mod promises;

use serde_json::{Value, json};
use stepwell::repository::Reason;
use stepwell::testing::Repository;

use crate::{TEXT_BYTES, TEXT_BYTES_MAX, TOKENS_MAX, TOKENS_MIN, TOOL};

fn repository() -> Repository {
    Repository::new()
        .file("src/main.rs", "fn main() {\n    run();\n}\n")
        .file("src/windows.txt", "a\r\nb\r\n")
        .file("src/mixed.txt", "a\r\nb\n")
        .file("docs/Guide.md", "\u{feff}# Guide\n")
        .file("utf16.txt", b"\xff\xfeh\0i\0\n\0")
        .file("utf16-unmarked.txt", b"h\0e\0l\0l\0o\0\n\0")
        .file("latin.txt", b"na\xefve\n")
        .file("damaged.txt", b"gr\xc3\xbcn \xc3\xb6de \xff\n")
        .file("logo.png", b"\x89PNG\r\n\x1a\n0000")
        .file("data.bin", b"\x01\0\x02")
        .file("empty", "")
        .file("big.psd", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
        .base("src/gone.rs", "")
}

#[track_caller]
fn answer(input: &Value) -> Value {
    paging::said(&TOOL, &repository(), input)
}

#[track_caller]
fn refused(input: &Value) -> String {
    paging::refused(&TOOL, &repository(), input)
}

#[test]
fn a_small_file_is_shown_whole() {
    insta::assert_json_snapshot!(answer(&json!({"path": "src/main.rs"})), @r#"
    {
      "encoding": "utf-8",
      "end_line": 3,
      "eol": "lf",
      "kind": "text",
      "path": "src/main.rs",
      "start_line": 1,
      "text": "fn main() {\n    run();\n}\n",
      "tokens": 49,
      "total_bytes": 25,
      "total_lines": 3,
      "truncated": false
    }
    "#);
}

#[test]
fn a_part_is_shown_by_lines() {
    let part = answer(&json!({"path": "src/main.rs", "start_line": 2, "end_line": 2}));
    assert_eq!(part["text"], "    run();\n");
    assert_eq!((&part["start_line"], &part["end_line"]), (&json!(2), &json!(2)));
    assert_eq!(part["truncated"], json!(false), "what was asked for is shown");
    let clamped = answer(&json!({"path": "src/main.rs", "start_line": 3, "end_line": 99}));
    assert_eq!(clamped["end_line"], 3);
}

#[test]
fn a_file_that_does_not_fit_says_how_to_read_on() {
    let part = answer(&json!({"path": "src/main.rs", "max_bytes": 15}));
    assert_eq!(part["text"], "fn main() {\n");
    assert_eq!(part["next"], json!({"start_line": 2}));
    assert_eq!(part["truncated"], json!(true));
    let part = answer(&json!({"path": "src/main.rs", "start_byte": 3, "max_bytes": 4}));
    assert_eq!((&part["text"], &part["next"]), (&json!("main"), &json!({"start_byte": 7})));
}

#[test]
fn lines_are_numbered_when_asked_for() {
    let part = answer(&json!({"path": "src/main.rs", "start_line": 2, "numbered": true}));
    assert_eq!(part["text"], "2\t    run();\n3\t}\n");
    let file = "line\n".repeat(100);
    let run = Repository::new()
        .file("a", &file)
        .call(&TOOL, r#"{"path": "a", "start_line": 9, "end_line": 10, "numbered": true}"#);
    let part: Value = serde_json::from_str(&run.answer.unwrap()).unwrap();
    assert_eq!(part["text"], "  9\tline\n 10\tline\n");
}

#[test]
fn a_long_line_is_cut_and_says_where_it_goes_on() {
    let text = format!("short\r\n{}\r\nlast", "ä".repeat(1010));
    for (bytes, start_byte) in [
        (text.clone().into_bytes(), 7 + 2000),
        (text.encode_utf16().flat_map(u16::to_le_bytes).collect(), 14 + 2000),
    ] {
        let repository = Repository::new().file("a", bytes);
        let call = |input: Value| -> Value {
            let run = repository.call(&TOOL, &input.to_string());
            serde_json::from_str(&run.answer.unwrap()).unwrap()
        };
        let all = call(json!({"path": "a"}));
        let cut = all["cut_lines"][0].clone();
        assert_eq!((&cut["line"], &cut["start_byte"]), (&json!(2), &json!(start_byte)));
        let mark = format!("ä…[{} bytes cut; start_byte {start_byte}]\nlast", cut["bytes"]);
        assert!(all["text"].as_str().unwrap().ends_with(&mark), "{all}");
        assert_eq!((all.get("next"), &all["truncated"]), (None, &json!(true)));
        let rest = call(json!({"path": "a", "start_byte": start_byte, "max_bytes": 20}));
        assert_eq!(rest["text"], "ä".repeat(10), "{rest}");
    }
}

#[test]
fn what_a_file_is_is_said() {
    let facts = ["src/windows.txt", "src/mixed.txt", "docs/Guide.md", "utf16.txt", "latin.txt"]
        .into_iter()
        .chain(["utf16-unmarked.txt", "damaged.txt"])
        .chain(["logo.png", "data.bin", "empty", "big.psd"])
        .map(|path| {
            let said = answer(&json!({"path": path}));
            let word = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
            let (kind, encoding, eol) = (word("kind"), word("encoding"), word("eol"));
            let (text, about) = (word("text"), word("about"));
            format!("{path}: {kind} {encoding} {eol} {text:?} {about}\n")
        })
        .collect::<String>();
    insta::assert_snapshot!(facts, @r##"
    src/windows.txt: text utf-8 crlf "a\nb\n" 
    src/mixed.txt: text utf-8 mixed "a\r\nb\n" 
    docs/Guide.md: text utf-8-bom lf "# Guide\n" 
    utf16.txt: text utf-16le lf "hi\n" 
    latin.txt: text windows-1252 lf "naïve\n" not UTF-8; taken for Windows-1252, the most likely of the encodings that it may be
    utf16-unmarked.txt: text utf-16le lf "hello\n" no byte order mark; taken for UTF-16 by its zero bytes
    damaged.txt: text damaged-utf-8 lf "grün öde �\n" bytes that are not UTF-8 are shown as U+FFFD
    logo.png: binary binary none "" a PNG image
    data.bin: binary binary none "" binary data of a kind not known here
    empty: empty utf-8 none "" 
    big.psd: text utf-8 lf "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n" a pointer of Git LFS: the file itself (12345 bytes) is not in the repository
    "##);
}

#[test]
fn what_cannot_be_shown_says_what_would_work() {
    insta::assert_snapshot!(refused(&json!({"path": "src/mian.rs"})), @"`src/mian.rs`: there is nothing at this path; there is `src/main.rs`");
    insta::assert_snapshot!(refused(&json!({"path": "guide.md"})), @"`guide.md`: there is nothing at this path; there is `docs/Guide.md`");
    insta::assert_snapshot!(refused(&json!({"path": "src/gone.rs"})), @"`src/gone.rs`: there is nothing at this path; it is in the base tree: the change deletes or moves it");
    insta::assert_snapshot!(refused(&json!({"path": "nowhere/at.all"})), @"`nowhere/at.all`: there is nothing at this path; `list_files` finds files by pattern");
    insta::assert_snapshot!(refused(&json!({"path": "src/"})), @"`src`: this is not a file; it is a directory with `main.rs`, `mixed.txt`, `windows.txt`; `list_files` with the pattern `src/**` finds its files");
    insta::assert_snapshot!(refused(&json!({"path": "/etc/passwd"})), @"`/etc/passwd`: the path cannot be used: it is absolute; name it from the repository's root");
    insta::assert_snapshot!(refused(&json!({"path": "src/main.rs", "start_line": 9})), @"`start_line` 9 is after the end: `src/main.rs` has 3 lines");
    insta::assert_snapshot!(refused(&json!({"path": "src/main.rs", "start_line": 3, "end_line": 2})), @"`end_line` is before `start_line`");
    insta::assert_snapshot!(refused(&json!({"path": "src/main.rs", "start_byte": 99})), @"`start_byte` 99 is after the end: `src/main.rs` has 25 bytes");
    insta::assert_snapshot!(refused(&json!({"path": "src/main.rs", "start_byte": 2, "numbered": true})), @"`numbered` goes with lines, not with `start_byte`");
}

#[test]
fn paths_are_taken_as_models_write_them() {
    for path in ["./src/main.rs", "src//main.rs", "src/./main.rs"] {
        assert_eq!(answer(&json!({"path": path}))["path"], "src/main.rs", "{path}");
    }
}

#[test]
fn a_file_too_large_to_read_is_read_in_windows() {
    let size = 17 * 1024 * 1024;
    let repository = Repository::new().file("huge.log", "ä".repeat(size / 2));
    let call = |input: Value| repository.call(&TOOL, &input.to_string()).answer;
    let first: Value =
        serde_json::from_str(&call(json!({"path": "huge.log", "max_bytes": 9})).unwrap()).unwrap();
    assert_eq!(first["text"], "ääää");
    assert_eq!(first["next"], json!({"start_byte": 8}));
    assert_eq!((&first["total_bytes"], first.get("total_lines")), (&json!(size), None));
    let refused = call(json!({"path": "huge.log", "start_line": 5})).unwrap_err();
    assert!(refused.message().contains("`start_byte`"), "{refused}");
}

#[test]
fn a_grant_that_is_missing_is_passed_on() {
    let reason = Reason::NotGranted("read = [\"secret/**\"]".to_owned());
    let repository = Repository::new().instead("secret/key", reason);
    let run = repository.call(&TOOL, r#"{"path": "secret/key"}"#);
    insta::assert_snapshot!(run.answer.unwrap_err(), @r#"`secret/key`: the step does not let tools see this: read = ["secret/**"]"#);
}

#[test]
fn the_model_is_told_what_is_true() {
    let limits = |name: &str| paging::limits(&TOOL, name);
    assert_eq!(limits("max_bytes"), [1, TEXT_BYTES_MAX, TEXT_BYTES].map(|limit| json!(limit)));
    assert_eq!(
        limits("max_tokens"),
        [TOKENS_MIN, TOKENS_MAX, TOKENS_MAX].map(|limit| json!(limit))
    );
    paging::examples_fit(&TOOL, &repository());
}
