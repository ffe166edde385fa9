//! `Pipfile.lock`.

use super::{details, read};

pub(super) const LOCK: &str = r#"{
    "_meta": {
        "hash": { "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
        "pipfile-spec": 6,
        "sources": [
            { "name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true },
            { "name": "private", "url": "https://me:secret@index.example.org/simple", "verify_ssl": true }
        ]
    },
    "default": {
        "attrs": { "hashes": ["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"], "index": "pypi", "version": "==25.1.0" },
        "broken": 7,
        "cloned": { "git": "https://token@git.example.org/cloned.git", "ref": "0123abcd", "editable": true },
        "inner": { "hashes": ["sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"], "index": "private", "version": "==1.0", "extras": ["fast"] },
        "local": { "editable": true, "path": "./libs/local" },
        "loose": { "version": ">=1.0" },
        "old": "*",
        "wide": { "version": "*" }
    },
    "develop": {
        "attrs": { "hashes": ["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"], "version": "==25.1.0" },
        "tester": { "markers": "python_version >= '3.8'", "version": "==8.0" }
    },
    "docs": {
        "theme": { "version": "==1.0" }
    }
}
"#;

const PIPFILE: &str = r#"[[source]]
url = "https://pypi.org/simple"
[packages]
Attrs = "*"
inner = {version = "==1.0", index = "private", extras = ["fast"]}
absent = "*"
[dev-packages]
tester = "*"
[docs]
theme = "*"
[requires]
python_version = "3.12"
"#;

#[test]
fn every_section_is_read_and_the_pipfile_says_what_is_direct() {
    insta::assert_snapshot!(read("web/Pipfile.lock", [("web/Pipfile.lock", LOCK), ("web/Pipfile", PIPFILE)]), @r"
    pkg:pypi/attrs@25.1.0 registry runtime :11,21
    pkg:pypi/cloned?vcs_url=git%2Bhttps:%2F%2Fgit.example.org%2Fcloned.git%400123abcd git runtime :13
    pkg:pypi/inner@1.0?repository_url=https:%2F%2Findex.example.org%2Fsimple registry runtime :14
    pkg:pypi/local path runtime at `web/libs/local` :15
    pkg:pypi/loose registry runtime range `>=1.0` :16
    pkg:pypi/old registry runtime :17
    pkg:pypi/tester@8.0 registry dev :22
    pkg:pypi/theme@1.0 registry unknown :25
    root pkg:pypi/web member runtime at `web` :1
        runtime attrs@25.1.0
        runtime inner@1.0
        dev tester@8.0
        unknown theme@1.0
    pkg:pypi/wide registry runtime :18
    warning: web/Pipfile.lock:12: no usable entry
    warning: web/Pipfile.lock: `absent`, which `web` needs, is not listed
    ");
}

#[test]
fn a_digest_without_a_file_is_a_file_called_by_it() {
    insta::assert_snapshot!(details("Pipfile.lock", [("Pipfile.lock", LOCK)]), @r"
    attrs@25.1.0
        from https://pypi.org/simple
        sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: Sha256 aaaa…
        sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: Sha256 bbbb…
    cloned
        from https://git.example.org/cloned.git#0123abcd
    inner@1.0
        from https://index.example.org/simple
        Sha256 cccc…
    local
        from ./libs/local
    loose
    old
    tester@8.0
    theme@1.0
    wide
    ");
}

#[test]
fn without_a_pipfile_there_is_no_root() {
    assert!(!read("Pipfile.lock", [("Pipfile.lock", LOCK)]).contains("root"));
}

#[test]
fn what_is_no_lock_file_is_an_error_with_a_reason() {
    for (text, reason) in [
        ("", "not valid JSON: it ends too early"),
        ("[]", "it is no JSON object"),
        ("{}", "it has neither `_meta` nor `default`"),
        ("{\"default\": 7}", "`default` is no object"),
    ] {
        let said = read("Pipfile.lock", [("Pipfile.lock", text)]);
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn what_is_installed_from_here_is_the_repositorys_own_package() {
    let lock =
        r#"{"default": {"app": {"editable": true, "path": "."}, "six": {"version": "==1.16"}}}"#;
    let files = [
        ("Pipfile.lock", lock),
        ("Pipfile", "[packages]\napp = {editable = true, path = \".\"}\nsix = \"*\"\n"),
    ];
    insta::assert_snapshot!(read("Pipfile.lock", files), @r"
    root pkg:pypi/app member runtime at `` :1,1
        runtime six@1.16
    pkg:pypi/six@1.16 registry runtime :1
    ");
}
