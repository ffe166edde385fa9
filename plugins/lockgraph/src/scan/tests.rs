//! Which lock files are read.

use crate::memory::Memory;
use crate::{Request, Scan, scan};

const LOCK: &str = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";
const TREE: &str = r#"{"lockfileVersion": 3, "packages": {"": {"name": "a"}}}"#;

fn repository() -> Memory {
    Memory::new([
        ("Cargo.lock", LOCK),
        ("broken/Cargo.lock", "[[package"),
        ("tests/fixtures/x/Cargo.lock", LOCK),
        ("contest/Cargo.lock", LOCK),
        ("web/npm-shrinkwrap.json", TREE),
        ("web/package-lock.json", TREE),
        ("web/node_modules/a/package-lock.json", TREE),
    ])
}

fn told(scan: Scan) -> String {
    let mut lines: Vec<String> =
        scan.lockfiles.iter().map(|lockfile| lockfile.path.clone()).collect();
    for warning in scan.warnings.into_vec() {
        lines.push(format!("warning: {} {:?}: {}", warning.path, warning.line, warning.reason));
    }
    lines.push(format!("incomplete: {}, unread: {:?}", scan.incomplete, scan.unread));
    lines.join("\n")
}

#[test]
fn one_bad_lock_file_never_loses_the_others_and_those_of_tests_are_left_out() {
    insta::assert_snapshot!(told(scan(&repository(), &Request::default()).unwrap()), @r#"
    Cargo.lock
    contest/Cargo.lock
    web/npm-shrinkwrap.json
    warning: tests/fixtures/x/Cargo.lock None: left out because it lies under `tests`; ask for it with `include`
    warning: web/node_modules/a/package-lock.json None: left out because it lies under `node_modules`; ask for it with `include`
    warning: web/package-lock.json None: left out because `npm-shrinkwrap.json` beside it wins
    warning: broken/Cargo.lock Some(1): not valid TOML: unclosed array table, expected `]]`
    incomplete: true, unread: {"broken/Cargo.lock"}
    "#);
}

#[test]
fn lock_files_of_tests_can_be_asked_for() {
    let request = Request { include: vec!["tests/**".to_owned()], ..Request::default() };
    let paths: Vec<String> = scan(&repository(), &request)
        .unwrap()
        .lockfiles
        .into_iter()
        .map(|lockfile| lockfile.path)
        .collect();
    assert!(paths.contains(&"tests/fixtures/x/Cargo.lock".to_owned()), "{paths:?}");
    assert!(paths.contains(&"Cargo.lock".to_owned()), "{paths:?}");
}

#[test]
fn a_lock_file_that_is_named_is_read_wherever_it_is() {
    let lockfiles = ["tests/fixtures/x/Cargo.lock", "gone/Cargo.lock", "README.md"];
    let request =
        Request { lockfiles: lockfiles.map(str::to_owned).to_vec(), ..Request::default() };
    insta::assert_snapshot!(told(scan(&repository(), &request).unwrap()), @r#"
    tests/fixtures/x/Cargo.lock
    warning: README.md None: not a lock file this tool knows; it reads those of cargo, composer, conan, docker, gem, generic, github, golang, hex, maven, npm, nuget, pub, pypi, swift, terraform
    warning: gone/Cargo.lock None: there is no such file
    incomplete: true, unread: {"README.md"}
    "#);
}
