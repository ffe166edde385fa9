//! A history of small commits with one cache: what a commit costs is what it changed of what a tool has
//! read, and a commit that touches no manifest and no lock file costs nothing.

use std::fmt::Write;

use crate::support::World;

/// What a commit writes, and what for. `None` removes.
type Commit = (&'static str, &'static [(&'static str, Option<&'static str>)]);

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const LOCK_1: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";
const LOCK_2: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\
    dependencies = [\"dep\"]\n\n[[package]]\nname = \"dep\"\nversion = \"1.2.3\"\n\
    source = \"registry+https://example.org/index\"\n\
    checksum = \"1111111111111111111111111111111111111111111111111111111111111111\"\n";
const NPM: &str = "{\"name\":\"web\",\"version\":\"1.0.0\",\"lockfileVersion\":3,\"packages\":\
    {\"\":{\"name\":\"web\",\"version\":\"1.0.0\"}}}";

const COMMITS: [Commit; 20] = [
    ("begin", &[("Cargo.toml", Some(MANIFEST)), ("Cargo.lock", Some(LOCK_1))]),
    ("write the program", &[("src/main.rs", Some("fn main() {}\n"))]),
    ("add a module", &[("src/parse.rs", Some("pub fn parse() {}\n"))]),
    (
        "say more",
        &[("src/parse.rs", Some("pub fn parse() { todo() }\n")), ("README.md", Some("#"))],
    ),
    ("ignore what is built", &[(".gitignore", Some("target/\n*.log\n"))]),
    ("depend on dep", &[("Cargo.lock", Some(LOCK_2))]),
    ("use dep", &[("src/main.rs", Some("fn main() { dep::run() }\n"))]),
    ("go back", &[("Cargo.lock", Some(LOCK_1))]),
    ("forth again", &[("Cargo.lock", Some(LOCK_2))]),
    ("move a module", &[("src/parse.rs", None), ("src/parse/mod.rs", Some("pub fn parse() {}\n"))]),
    ("add a page", &[("docs/guide.md", Some("one\n")), ("docs/more/page.md", Some("two\n"))]),
    ("add a web page", &[("web/package-lock.json", Some(NPM))]),
    ("style it", &[("web/style.css", Some("body {}\n")), ("web/app.js", Some("run()\n"))]),
    ("add a fixture", &[("tests/fixtures/data.txt", Some("1\n"))]),
    ("mend a word", &[("README.md", Some("# app"))]),
    ("ignore less", &[(".gitignore", Some("target/\n"))]),
    ("drop the web page", &[("web/package-lock.json", None)]),
    ("add a script", &[("ci/run.sh", Some("#!/bin/sh\n"))]),
    ("rename the script", &[("ci/run.sh", None), ("ci/test.sh", Some("#!/bin/sh\n"))]),
    ("empty the docs", &[("docs/guide.md", None), ("docs/more/page.md", None)]),
];

const CALLS: [(&str, &str); 2] = [("sbom", "{}"), ("dependency_graph", r#"{"query":"summary"}"#)];

/// What a call came from; why, where that is not the cache.
fn call(world: &World, (tool, arguments): (&str, &str), on: &[&str]) -> String {
    let arguments = [&["tool", "call", tool, "--json", "--args", arguments], on].concat();
    let ran = world.stepwell(&arguments).code(0);
    let called: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    match called["missed"].as_str() {
        None => called["source"].as_str().unwrap().to_owned(),
        Some(missed) => missed.to_owned(),
    }
}

#[test]
fn a_commit_that_touches_no_manifest_costs_nothing() {
    let world = World::files(&[]);
    let mut table = String::new();
    for (message, changes) in COMMITS {
        for (path, text) in changes {
            match text {
                Some(text) => world.write(path, text),
                None => std::fs::remove_file(world.path(path)).unwrap(),
            }
        }
        world.commit(message);
        let is_manifest = |path: &str| path.ends_with("Cargo.toml") || path.contains("lock");
        let touches = changes.iter().any(|(path, _)| is_manifest(path));
        for asked in CALLS {
            let told = call(&world, asked, &["--rev", "HEAD"]);
            assert!(touches || told == "cache", "{message}: {}: {told}", asked.0);
            if told != "cache" {
                writeln!(table, "{message}: {}: {told}", asked.0).unwrap();
            }
            // Its checkout is the same repository.
            assert_eq!(call(&world, asked, &[]), "cache", "{message}: {}, checked out", asked.0);
        }
    }
    insta::assert_snapshot!(table, @r#"
    begin: sbom: not called like this before
    begin: dependency_graph: not called like this before
    depend on dep: sbom: the content of "Cargo.lock" changed
    depend on dep: dependency_graph: the content of "Cargo.lock" changed
    add a web page: sbom: the files that match ["**/Cargo.lock", "**/npm-shrinkwrap.json", "**/package-lock.json", "**/yarn.lock"] and 48 more changed
    add a web page: dependency_graph: the files that match ["**/Cargo.lock", "**/npm-shrinkwrap.json", "**/package-lock.json", "**/yarn.lock"] and 48 more changed
    "#);
}
