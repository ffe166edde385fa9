//! Each rule is broken once here, and kept once where it is easily mistaken.

use super::*;

/// What is said about a repository of these files; what every repository needs is left out.
fn said(files: &[(&str, &str)]) -> String {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let files: Vec<File> = files.iter().map(file).collect();
    let own = ["/checkouts/mine".to_owned()];
    let complaints = complaints(&files, &own);
    let said = complaints.iter().filter(|complaint| complaint.rule != Rule::NoReadme);
    said.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(path: &str, text: &str, expected: &str) {
    assert_eq!(said(&[(path, text)]), expected, "{text}");
}

#[test]
fn a_file_of_ours_is_short_and_says_what_it_is_for() {
    let lines = |count: usize| format!("//! x\n{}", "\n".repeat(count - 1));
    check("build.rs", &lines(600), "");
    check(
        "build.rs",
        &lines(601),
        "build.rs: 601 lines, the most is 600: find the seam and split it",
    );
    check("docs.md", &lines(601), "");
    check(
        "build.rs",
        "fn main() {}\n",
        "build.rs: does not begin with `//!`: say what the file is for",
    );
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    const ALLOW: &str = "build.rs:2: `allow`: use `expect`, which ends when its cause does";
    const REASON: &str = "build.rs:2: `expect` without a `reason`";
    for (attribute, expected) in [
        ("#[allow(dead_code)]", ALLOW),
        ("    #![allow(dead_code)]", ALLOW),
        ("#[expect(dead_code)]", REASON),
        ("#[expect(\n    dead_code,\n)] // the reason is", REASON),
        ("#[expect(dead_code, reason = \"x\")]", ""),
        ("#[expect(\n    dead_code,\n    reason = \"x\"\n)]", ""),
        ("let text = \"#[allow(x)]\";", ""),
        ("// #[allow(x)] is not used here", ""),
    ] {
        check("build.rs", &format!("//! x\n{attribute}\n"), expected);
    }
}

#[test]
fn unfinished_work_is_found_and_talk_of_it_is_not() {
    for (path, line, mark) in [
        ("build.rs", "// TODO: more", Some("TODO")),
        ("build.rs", "/// FIXME", Some("FIXME")),
        ("build.rs", "let a = \"b\"; // TODO c", Some("TODO")),
        ("build.rs", "    todo!()", Some("todo!(")),
        ("build.rs", "unimplemented!(\"later\")", Some("unimplemented!(")),
        ("a.toml", "# TODO", Some("TODO")),
        ("a.md", "<!-- TODO -->", Some("TODO")),
        ("build.rs", "let text = \"// TODO\";", None),
        ("build.rs", "let text = \"todo!()\";", None),
        ("build.rs", "let text = r#\"{\"a\": \"todo!(\"}\"#;", None),
        ("build.rs", "// counts every TODO of a file", None),
        ("a.md", "Find each TODO.", None),
    ] {
        let number = if path == "build.rs" { 2 } else { 1 };
        let text = if path == "build.rs" { format!("//! x\n{line}\n") } else { line.to_owned() };
        let expected = mark.map_or_else(String::new, |mark| {
            format!(
                "{path}:{number}: `{mark}`: finish it, or write an issue and leave no mark here"
            )
        });
        check(path, &text, &expected);
    }
}

#[test]
fn paths_of_one_machine_are_found_and_made_up_ones_are_not() {
    for (line, path) in [
        ("see /work/x", Some("/work/")),
        ("cd \"/root/x\"", Some("/root/")),
        ("/home/jane/x", Some("/home/jane")),
        ("at /Users/jane.doe", Some("/Users/jane.doe")),
        ("in /checkouts/mine/target", Some("/checkouts/mine")),
        ("a/work/x ~/work/x $HOME/work/x */work/x", None),
        ("/home/user/x, /home/runner/work/x, /home/<name>", None),
        ("/rooted /workshop", None),
    ] {
        let expected = path.map_or_else(String::new, |path| {
            format!("a.md:1: `{path}` is a path of one machine: make it relative, or made up")
        });
        check("a.md", line, &expected);
    }
}

#[test]
fn registries_are_named_only_where_they_are_data() {
    let address = "https://registry.npmjs.org/left-pad";
    check(
        "a.md",
        address,
        "a.md:1: `registry.npmjs.org` is a registry: which one to ask is the machine's choice",
    );
    check("sdk/javascript/package-lock.json", address, "");
    check("plugins/sbom/notes.md", address, "");
    check("tests/data/a.md", address, "");
}

#[test]
fn a_repository_carries_small_sources() {
    let large = "x".repeat(BYTES_MAX + 1);
    check("tests/data/a", &large[1..], "");
    check("tests/data/a", &large, "tests/data/a: 400001 bytes, the most is 400000");
    check("a.wasm", "\0asm", "a.wasm: binary: build it, or keep it in a `data` folder");
    check("tests/data/a.wasm", "\0asm", "");
    let picture = "\0".repeat(150_000);
    check("docs/images/a.png", &picture, "");
    let larger = format!("{picture}x");
    check(
        "docs/images/a.png",
        &larger,
        "docs/images/a.png: a picture of 150001 bytes, the most is 150000",
    );
    check("docs/a.png", &picture, "docs/a.png: binary: build it, or keep it in a `data` folder");
    check("x/a.snap.new", "", "x/a.snap.new: a snapshot nobody reviewed: `cargo insta review`");
}

#[test]
fn material_may_look_as_it_likes() {
    for path in ["examples/failing-test/src/lib.rs", "tests/fixtures/a/src/lib.rs"] {
        check(path, "// TODO\n#[allow(x)]\nfn a() { todo!() }\n", "");
    }
}

#[test]
fn a_folder_at_the_top_has_a_page() {
    let files = ["a/README.md", "a/b/c.md", "d/e.md", ".ci/run", "top.md"];
    let files = files.map(|path| File { path: path.to_owned(), bytes: Vec::new() });
    let said: Vec<String> = complaints(&files, &[]).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["d: no README.md: what lives here, what it may touch, how to add one"]);
}

#[test]
fn a_crate_of_the_host_has_a_sign_on_its_door() {
    let said = said(&[
        ("host/a/Cargo.toml", ""),
        ("host/a/clippy.toml", ""),
        ("host/b/Cargo.toml", ""),
        ("host/b/tests/data/c/Cargo.toml", ""),
    ]);
    assert_eq!(said, "host/b: no clippy.toml: say what this crate may not touch");
}

#[test]
fn a_guest_is_named_by_a_test() {
    let said = said(&[
        ("host/sandbox/tests/guests/loop.wat", ""),
        ("host/sandbox/tests/guests/trap.wat", ""),
        ("host/sandbox/tests/guests/bomb.wat", ""),
        ("host/sandbox/tests/calls.rs", "//! x\nguest(\"loop\")"),
        ("tests/tests/all.rs", "//! x\ninclude_str!(\"guests/trap.wat\")"),
    ]);
    assert_eq!(said, "host/sandbox/tests/guests/bomb.wat: no test names this guest");
}

#[test]
fn a_module_is_part_of_its_crate() {
    let said = said(&[
        ("host/a/src/lib.rs", "//! x\nmod b;\n"),
        ("host/a/src/b.rs", "//! x\n#[cfg(test)]\nmod tests;\n"),
        ("host/a/src/b/tests.rs", "//! x\n"),
        ("host/a/src/bin/tool.rs", "//! x\n"),
        ("host/a/src/c.rs", "//! x\n"),
    ]);
    assert_eq!(said, "host/a/src/c.rs: no `mod c;` in its crate: nothing compiles it");
}

#[test]
fn every_dependency_has_its_reason_and_every_reason_its_dependency() {
    let manifest = "[workspace.dependencies]\nours = { path = \"x\" }\nanyhow = \"1\"\n\
                    serde = { version = \"1\" }\n";
    let page = "| crate | for |\n| --- | --- |\n| `serde` | x |\n| `regex` | x |\n";
    let said = said(&[("Cargo.toml", manifest), ("docs/dependencies.md", page)]);
    assert_eq!(
        said,
        "docs/dependencies.md: `anyhow` has no line: what for, and why this one\n\
         docs/dependencies.md: `regex` is explained, but nothing depends on it any more"
    );
}
