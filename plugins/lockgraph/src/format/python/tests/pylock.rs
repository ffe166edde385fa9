//! `pylock.toml`.

use super::{details, read};

pub(super) const LOCK: &str = r#"lock-version = "1.0"
extras = ["fast"]
dependency-groups = ["default", "dev"]
default-groups = ["default"]
created-by = "tool"

[[packages]]
name = "app"
directory = { path = ".", editable = true }

[[packages]]
name = "attrs"
version = "25.1.0"
marker = "'default' in dependency_groups or 'dev' in dependency_groups"
index = "https://pypi.org/simple"
wheels = [
  {name = "attrs-25.1.0-py3-none-any.whl", url = "https://files.example.org/attrs-25.1.0-py3-none-any.whl", hashes = {md5 = "00", sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
]

[[packages]]
name = "cattrs"
version = "24.1.2"
dependencies = [{name = "attrs"}, {name = "gone", version = "1"}]
sdist = {name = "cattrs-24.1.2.tar.gz", hashes = {sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}
wheels = [{path = "wheels/cattrs-24.1.2-py3-none-any.whl", hashes = {sha256 = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}}]

[[packages]]
name = "cloned"
vcs = { type = "git", url = "https://git.example.org/cloned.git", requested-revision = "main", commit-id = "0123abcd" }

[[packages]]
name = "inner"
version = "1"
index = "https://index.example.org/simple/"
marker = "sys_platform == 'win32' and 'fast' in extras"

[[packages]]
name = "local"
directory = { path = "libs/local" }

[[packages]]
name = "packed"
version = "3"
archive = { url = "https://files.example.org/packed-3.zip", hashes = { sha512 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" } }

[[packages]]
name = "tester"
version = "8"
marker = "'dev' in dependency_groups"
"#;

const MANIFEST: &str = r#"[project]
name = "app"
version = "1"
dependencies = ["cattrs", "inner; sys_platform == 'win32'"]
[dependency-groups]
dev = ["tester", "not-locked"]
"#;

#[test]
fn markers_say_what_a_package_is_for() {
    insta::assert_snapshot!(read("pylock.toml", [("pylock.toml", LOCK), ("pyproject.toml", MANIFEST)]), @r"
    root pkg:pypi/app member runtime at `` :7,1
        runtime cattrs@24.1.2
        runtime inner@1
        dev tester@8
    pkg:pypi/attrs@25.1.0 registry runtime :11
    pkg:pypi/cattrs@24.1.2 registry runtime :20
        runtime attrs@25.1.0
    pkg:pypi/cloned?vcs_url=git%2Bhttps:%2F%2Fgit.example.org%2Fcloned.git%400123abcd git runtime :27
    pkg:pypi/inner@1?repository_url=https:%2F%2Findex.example.org%2Fsimple registry optional :31
    pkg:pypi/local path runtime at `libs/local` :37
    pkg:pypi/packed@3?download_url=https:%2F%2Ffiles.example.org%2Fpacked-3.zip archive runtime :41
    pkg:pypi/tester@8 registry dev :46
    warning: pylock.toml:23: `gone`, which `cattrs` needs, is not listed
    ");
}

#[test]
fn every_file_has_its_digest() {
    insta::assert_snapshot!(details("pylock.toml", [("pylock.toml", LOCK)]), @r"
    app
    attrs@25.1.0
        from https://pypi.org/simple
        Sha256 aaaa…
    cattrs@24.1.2
        cattrs-24.1.2.tar.gz: Sha256 bbbb…
        wheels/cattrs-24.1.2-py3-none-any.whl: Sha256 cccc…
    cloned
        from https://git.example.org/cloned.git#0123abcd
    inner@1
        from https://index.example.org/simple/
    local
        from libs/local
    packed@3
        from https://files.example.org/packed-3.zip
        Sha512 aaaa…
    tester@8
    ");
}

#[test]
fn a_named_lock_file_is_for_what_its_name_says() {
    let lock = "lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '1'\n";
    for (path, scope) in [("pylock.dev.toml", "dev"), ("pylock.deploy.toml", "runtime")] {
        let said = read(path, [(path, lock)]);
        assert!(said.starts_with(&format!("pkg:pypi/a@1 registry {scope}")), "{said}");
    }
}
