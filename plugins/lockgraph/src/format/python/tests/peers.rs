//! What peers get wrong: extras, edges with markers, names without versions, manifests of PEP 621.

use super::read;

const LOCK: &str = r#"version = 1
[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "web" }]
[package.dev-dependencies]
dev = [{ name = "web", extra = ["test"] }]
[[package]]
name = "client"
version = "1"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "web"
version = "1"
source = { registry = "https://pypi.org/simple" }
[package.optional-dependencies]
test = [{ name = "client" }]
"#;

#[test]
fn what_is_behind_an_extra_is_for_what_it_is_asked_for() {
    insta::assert_snapshot!(read("uv.lock", [("uv.lock", LOCK)]), @r"
    root pkg:pypi/app@1 member runtime at `` :2
        runtime web@1
    pkg:pypi/client@1 registry dev :9
    pkg:pypi/web@1 registry runtime :13
        optional client@1
    ");
    let asked = LOCK.replace("[{ name = \"web\" }]", "[{ name = \"web\", extra = [\"test\"] }]");
    assert!(read("uv.lock", [("uv.lock", &*asked)]).contains("pkg:pypi/client@1 registry runtime"));
}

/// Peers turn the list of what a package offers around: 74 false edges in Poetry's own lock file.
#[test]
fn what_a_package_offers_as_an_extra_is_no_edge() {
    let lock = r#"[[package]]
name = "a"
version = "1"
[package.extras]
more = ["b (>=1)", "a[other]"]
[[package]]
name = "b"
version = "1"
"#;
    insta::assert_snapshot!(read("poetry.lock", [("poetry.lock", lock)]), @r"
    pkg:pypi/a@1 registry unknown :1
    pkg:pypi/b@1 registry unknown :6
    ");
}

/// One component, and no edge from it to itself: a peer has four of them in PDM's own lock file.
#[test]
fn several_entries_of_a_package_are_one_package_without_an_edge_to_itself() {
    let said = read("pdm.lock", [("pdm.lock", super::pdm::LOCK)]);
    assert_eq!(said.matches("pkg:pypi/coverage@").count(), 1, "{said}");
    assert_eq!(said.matches("    runtime coverage@").count(), 0, "{said}");
}

/// A marker says where an edge holds, and not that there is none: a peer drops one in seven.
#[test]
fn an_edge_with_a_marker_is_an_edge() {
    let lock = r#"[[package]]
name = "a"
version = "1"
[package.dependencies]
b = {version = "*", markers = "sys_platform == 'win32'"}
[[package]]
name = "b"
version = "1"
"#;
    assert!(read("poetry.lock", [("poetry.lock", lock)]).contains("    runtime b@1\n"));
}

/// What refers to a package without a version means the one there is, and is no package itself.
#[test]
fn a_name_without_a_version_is_no_package() {
    let lock = r#"version = 1
[[package]]
name = "a"
version = "1"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "b" }]
[[package]]
name = "b"
version = "2"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "a" }]
"#;
    insta::assert_snapshot!(read("uv.lock", [("uv.lock", lock)]), @r"
    pkg:pypi/a@1 registry unknown :2
        runtime b@2
    pkg:pypi/b@2 registry unknown :7
        runtime a@1
    ");
}

/// A peer stops at a manifest that names its package in `[project]` and not in `[tool.poetry]`.
#[test]
fn a_manifest_of_pep_621_beside_a_lock_file_of_poetry_is_read() {
    let files = [
        ("poetry.lock", "[[package]]\nname = \"b\"\nversion = \"1\"\n"),
        ("pyproject.toml", "[project]\nname = \"a\"\ndependencies = [\"b\"]\n[tool.poetry]\n"),
    ];
    insta::assert_snapshot!(read("poetry.lock", files), @r"
    root pkg:pypi/a member runtime at `` :1
        runtime b@1
    pkg:pypi/b@1 registry runtime :1
    ");
}
