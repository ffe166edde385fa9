//! `uv.lock`.

use super::{details, read};

pub(super) const WORKSPACE: &str = r#"version = 1
revision = 3
requires-python = ">=3.10"

[manifest]
members = ["app", "my-lib"]

[[package]]
name = "app"
version = "1.0.0"
source = { editable = "." }
dependencies = [
    { name = "beside" },
    { name = "my-lib", extra = ["fast"] },
    { name = "numpy", version = "1.26.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.11'" },
    { name = "numpy", version = "2.0.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version >= '3.11'" },
]

[package.optional-dependencies]
plot = [
    { name = "plotter" },
]

[package.dev-dependencies]
dev = [
    { name = "tester" },
]

[package.metadata]
requires-dist = [{ name = "plotter", marker = "extra == 'plot'" }, { name = "unlisted" }]

[[package]]
name = "beside"
version = "0.1.0"
source = { directory = "../beside" }

[[package]]
name = "my-lib"
source = { virtual = "libs/my-lib" }
dependencies = [
    { name = "forked" },
]

[package.optional-dependencies]
fast = [
    { name = "speedups" },
]

[[package]]
name = "forked"
version = "3.0"
source = { git = "https://user:word@git.example.org/forked.git?rev=main&subdirectory=a#0123abcd" }

[[package]]
name = "numpy"
version = "1.26.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.example.org/numpy-1.26.0.tar.gz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", size = 1 }
wheels = [
    { url = "https://files.example.org/numpy-1.26.0-cp310.whl", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", size = 1 },
]

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.example.org/numpy-2.0.0-cp312.whl", hash = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", size = 1 },
]

[[package]]
name = "plotter"
version = "1.1"
source = { registry = "https://me:secret@index.example.org/simple/" }
dependencies = [{ name = "numpy", version = "2.0.0", source = { registry = "https://pypi.org/simple" } }]

[[package]]
name = "speedups"
version = "0.9"
source = { url = "https://files.example.org/speedups-0.9.zip" }
sdist = { hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

[[package]]
name = "tester"
version = "8.0"
source = { path = "wheels/tester-8.0-py3-none-any.whl" }
wheels = [{ filename = "tester-8.0-py3-none-any.whl", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" }]
dependencies = [{ name = "gone" }]
"#;

const MANIFEST: &str = "[project]\nname = \"app\"\nlicense = \"MIT\"\n";

#[test]
fn a_workspace_is_what_the_lock_file_says() {
    insta::assert_snapshot!(read("uv.lock", [("uv.lock", WORKSPACE), ("pyproject.toml", MANIFEST)]), @r"
    root pkg:pypi/app@1.0.0 member runtime at `` :1,8
        runtime beside@0.1.0
        runtime my-lib
        runtime numpy@1.26.0
        runtime numpy@2.0.0
        optional plotter@1.1
        dev tester@8.0
    pkg:pypi/beside@0.1.0 path runtime at `../beside` :32
    pkg:pypi/forked@3.0?vcs_url=git%2Bhttps:%2F%2Fgit.example.org%2Fforked.git%400123abcd git runtime :49
    root pkg:pypi/my-lib member runtime at `libs/my-lib` :37
        runtime forked@3.0
        optional speedups@0.9
    pkg:pypi/numpy@1.26.0 registry runtime :54
    pkg:pypi/numpy@2.0.0 registry runtime :63
    pkg:pypi/plotter@1.1?repository_url=https:%2F%2Findex.example.org%2Fsimple registry optional :71
        runtime numpy@2.0.0
    pkg:pypi/speedups@0.9?download_url=https:%2F%2Ffiles.example.org%2Fspeedups-0.9.zip archive runtime :77
    pkg:pypi/tester@8.0 archive dev :83
    warning: uv.lock:88: `gone`, which `tester` needs, is not listed
    ");
}

#[test]
fn every_file_has_its_digest_and_no_address_has_a_password() {
    insta::assert_snapshot!(details("uv.lock", [("uv.lock", WORKSPACE), ("pyproject.toml", MANIFEST)]), @r"
    app@1.0.0
        licence MIT
    beside@0.1.0
        from ../beside
    forked@3.0
        from https://git.example.org/forked.git#0123abcd
    my-lib
    numpy@1.26.0
        from https://pypi.org/simple
        https://files.example.org/numpy-1.26.0-cp310.whl: Sha256 bbbb…
        https://files.example.org/numpy-1.26.0.tar.gz: Sha256 aaaa…
    numpy@2.0.0
        from https://pypi.org/simple
        Sha256 cccc…
    plotter@1.1
        from https://index.example.org/simple/
    speedups@0.9
        from https://files.example.org/speedups-0.9.zip
        Sha256 aaaa…
    tester@8.0
        from wheels/tester-8.0-py3-none-any.whl
        Sha256 bbbb…
    ");
}

/// Forks of one version differ by where they come from.
#[test]
fn forks_are_told_by_version_and_source() {
    let lock = r#"version = 1
[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "torch", version = "2.0", source = { registry = "https://cpu.example.org/whl" }, marker = "sys_platform == 'linux'" },
    { name = "user" },
]
[[package]]
name = "torch"
version = "2.0"
source = { registry = "https://cpu.example.org/whl" }
[[package]]
name = "torch"
version = "2.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "user"
version = "1"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "torch", version = "2.0", source = { registry = "https://pypi.org/simple" } }]
"#;
    insta::assert_snapshot!(read("uv.lock", [("uv.lock", lock)]), @r"
    root pkg:pypi/app@1 member runtime at `` :2
        runtime torch@2.0
        runtime user@1
    pkg:pypi/torch@2.0 registry runtime :14
    pkg:pypi/torch@2.0?repository_url=https:%2F%2Fcpu.example.org%2Fwhl registry runtime :10
    pkg:pypi/user@1 registry runtime :18
        runtime torch@2.0
    ");
}

/// A workspace whose root is no package has groups of its own.
#[test]
fn a_root_that_is_no_package_needs_its_groups() {
    let lock = r#"version = 1
[manifest]
members = ["child"]
[manifest.dependency-groups]
dev = [{ name = "tester", extras = ["more"], specifier = ">=8" }, { name = "old", marker = "python_full_version < '3'" }]
[[package]]
name = "child"
version = "1"
source = { editable = "child" }
[[package]]
name = "tester"
version = "8.1"
source = { registry = "https://pypi.org/simple" }
[package.optional-dependencies]
more = [{ name = "child" }, { name = "helper" }]
[[package]]
name = "helper"
version = "1"
source = { registry = "https://pypi.org/simple" }
"#;
    insta::assert_snapshot!(read("web/uv.lock", [("web/uv.lock", lock)]), @r"
    root pkg:pypi/child@1 member runtime at `web/child` :6
    pkg:pypi/helper@1 registry dev :16
    pkg:pypi/tester@8.1 registry dev :10
        optional child@1
        optional helper@1
    root pkg:pypi/web member runtime at `web` :5
        dev tester@8.1
    ");
}

/// Extras and groups that exclude each other decide between versions, far from where they stand.
#[test]
fn what_only_a_group_chooses_is_for_development() {
    let lock = r#"version = 1
conflicts = [[{ package = "app", group = "dev" }, { package = "app", extra = "new" }]]
[[package]]
name = "app"
version = "1"
source = { editable = "." }
dependencies = [{ name = "web" }]
[[package]]
name = "lib"
version = "1"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "lib"
version = "2"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "web"
version = "1"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "lib", version = "1", source = { registry = "https://pypi.org/simple" }, marker = "extra == 'group-3-app-dev'" },
    { name = "lib", version = "2", source = { registry = "https://pypi.org/simple" }, marker = "extra == 'extra-3-app-new' or extra != 'group-3-app-dev'" },
]
"#;
    insta::assert_snapshot!(read("uv.lock", [("uv.lock", lock)]), @r"
    root pkg:pypi/app@1 member runtime at `` :3
        runtime web@1
    pkg:pypi/lib@1 registry dev :8
    pkg:pypi/lib@2 registry runtime :12
    pkg:pypi/web@1 registry runtime :16
        dev lib@1
        runtime lib@2
    ");
}
