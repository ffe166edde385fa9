//! Files whose owners' tests say what is in them, where that is hard to read; and files that are
//! none of their kind.

use std::collections::BTreeSet;
use std::fs;

use lockgraph::{Format, Kind, Node, Warnings};

use crate::exact::listed::label;
use crate::material::{fixtures, name};

/// Format, folder and file; the packages that are not the repository's own, sorted.
const VALUES: [(Format, &str, &str, &str); 29] = [
    (
        Format::Bun,
        "javascript/bunlock",
        "alias.json5",
        "has-flag@3.0.0 has-flag@4.0.0 supports-color@6.1.0 supports-color@7.2.0",
    ),
    (Format::Go, "golang/gomod", "indirect-1.16.mod", "github.com/sirupsen/logrus@v1.9.3"),
    (
        Format::Go,
        "golang/gomod",
        "indirect-packages.mod",
        "github.com/BurntSushi/toml@v1.0.0 github.com/mattn/go-colorable@v0.1.9 \
         github.com/mattn/go-isatty@v0.0.14 golang.org/x/sys@v0.0.0-20210630005230-0f9fa26af87c \
         gopkg.in/yaml.v2@v2.4.0",
    ),
    (Format::Go, "golang/gomod", "one-package.mod", "github.com/BurntSushi/toml@v1.0.0"),
    (
        Format::Go,
        "golang/gomod",
        "replace-different.mod",
        "example.com/fork/foe@v1.4.2 example.com/fork/foe@v1.4.5",
    ),
    // A directory in the repository is its own.
    (Format::Go, "golang/gomod", "replace-local.mod", "github.com/BurntSushi/toml@v1.0.0"),
    (
        Format::Go,
        "golang/gomod",
        "replace-mixed.mod",
        "example.com/fork/net@v1.4.5 golang.org/x/net@v0.5.6",
    ),
    (Format::Go, "golang/gomod", "replace-no-version.mod", "example.com/fork/net@v1.4.5"),
    (
        Format::Go,
        "golang/gomod",
        "replace-not-required.mod",
        "github.com/BurntSushi/toml@v1.0.0 golang.org/x/net@v0.5.6",
    ),
    (Format::Go, "golang/gomod", "replace-one.mod", "example.com/fork/net@v1.4.5"),
    (Format::Go, "golang/gomod", "toolchain.mod", "github.com/BurntSushi/toml@v1.0.0"),
    (Format::Go, "golang/gomod", "toolchain-with-suffix.mod", "github.com/BurntSushi/toml@v1.0.0"),
    (
        Format::Go,
        "golang/gomod",
        "two-packages.mod",
        "github.com/BurntSushi/toml@v1.0.0 gopkg.in/yaml.v2@v2.4.0",
    ),
    (
        Format::Pnpm,
        "javascript/pnpmlock",
        "commits.yaml",
        "@my-scope/my-other-package@1.0.0 @my-scope/my-package@1.0.0 faker-parser@0.0.1 \
         mocks@20.0.1 my-bitbucket-package@1.0.0",
    ),
    (Format::Pnpm, "javascript/pnpmlock", "commits.v9.yaml", "ansi-regex@6.0.1 is-number@7.0.0"),
    (
        Format::Pnpm,
        "javascript/pnpmlock",
        "exotic.yaml",
        "@foo/bar@1.0.0 @foo/bar@1.1.0 foo@1.0.0 foo@1.1.0 foo@1.2.0 foo@1.3.0 foo@1.4.0",
    ),
    (Format::Pnpm, "javascript/pnpmlock", "tarball.yaml", "@my-org/my-package@3.2.3"),
    // What a requirement file does not pin has no version.
    (
        Format::Requirements,
        "python/requirements",
        "comments.txt",
        "gmpy2@1 pycrypto@1.2-alpha requests@1.0 six@1.2 sympy@1.2",
    ),
    (Format::Requirements, "python/requirements", "env_var.txt", "another@1.0 asdf@1.2 qwert"),
    (Format::Requirements, "python/requirements", "extras.txt", "celery@4.4.7 pyjwt@2.1.0"),
    (
        Format::Requirements,
        "python/requirements",
        "multiline_and_comments.txt",
        "pkga@1.0 pkgb@2.0",
    ),
    (Format::Requirements, "python/requirements", "no_version.txt", "gmpy2 pycrypto sympy"),
    (Format::Requirements, "python/requirements", "other-requirements.txt", "pandas@2.2.3"),
    (
        Format::Requirements,
        "python/requirements",
        "per_req_options.txt",
        "foo11@1.0 foo12@1.0 foo13@1.0 foo14@1.0 foo16-client@1.0 foo17-hash@1.0 foo18-client@1.0 \
         foo1@1.0 foo2@1.0 foo3@1.0 foo4@1.0 foo5@1.0 foo6@1.0 foo8@1.0 foo9@1.0",
    ),
    (Format::Requirements, "python/requirements", "trailing_backslash.txt", "pkg1@1.0"),
    (
        Format::Requirements,
        "python/requirements",
        "with_versions.txt",
        "asdf combination-also-valid hy-phen@1.2 newspaper3k nltk@3.2.2 pkg pkg-dot-name@5.0.0 \
         qwerty@0.1 tabulate@0.7.7 under-score@1.3 yolo@1.0",
    ),
    (Format::Yarn, "javascript/yarnlock", "exclude-root.v2.lock", "ansi-regex@6.1.0"),
    (
        Format::Yarn,
        "javascript/yarnlock",
        "with-aliases.v1.lock",
        "@babel/helper-validator-identifier@7.22.20 ansi-regex@5.0.1 ansi-regex@6.0.1",
    ),
    (
        Format::Yarn,
        "javascript/yarnlock",
        "with-aliases.v2.lock",
        "@babel/helper-validator-identifier@7.22.20 ansi-regex@5.0.1 ansi-regex@6.0.1",
    ),
];

#[test]
fn packages_are_those_that_the_fixtures_owners_expect() {
    for (format, folder, wanted, expected) in VALUES {
        let files = fixtures(&format!("language/{folder}"));
        for path in files.iter().filter(|path| name(path) == wanted) {
            let bytes = fs::read(path).unwrap();
            let graph = format
                .parse(&format.patterns()[0].replace('*', ""), &bytes, &mut Warnings::default())
                .unwrap();
            let others = graph.nodes().filter(|(_, node)| node.kind != Kind::Member);
            let label = |node: &Node| label(node.ecosystem, &node.name, node.version.as_deref());
            let found: BTreeSet<String> = others.map(|(_, node)| label(node)).collect();
            assert_eq!(Vec::from_iter(found).join(" "), expected, "{folder}/{wanted}");
        }
    }
}

/// Format, folder and files that are no lock files of that format.
const BROKEN: [(Format, &str, [&str; 2]); 15] = [
    (Format::Bun, "javascript/bunlock", ["empty.json5", "not-json.txt"]),
    (Format::Cargo, "rust/cargolock", ["not-toml.txt", "not-toml.txt"]),
    (Format::Composer, "php/composerlock", ["not-json.txt", "null.jsontest"]),
    (Format::Conan, "cpp/conanlock", ["not-json.txt", "null.v2.jsontest"]),
    (Format::Go, "golang/gomod", ["not-go-mod.mod", "empty.mod"]),
    (Format::Maven, "java/pomxml", ["not-pom.txt", "not-pom.txt"]),
    (Format::Npm, "javascript/packagelockjson", ["not-json.txt", "null.v2.jsontest"]),
    (Format::Pdm, "python/pdmlock", ["not-toml.txt", "not-toml.txt"]),
    (Format::Pipenv, "python/pipfilelock", ["not-json.txt", "not-json.txt"]),
    (Format::Pnpm, "javascript/pnpmlock", ["empty.yaml", "not-yaml.txt"]),
    (Format::Poetry, "python/poetrylock", ["not-toml.txt", "not-toml.txt"]),
    (Format::Pubspec, "dart/pubspec", ["not-yaml.txt", "empty.lock"]),
    (Format::Pylock, "python/pylock", ["not-toml.txt", "not-toml.txt"]),
    (Format::Swift, "swift/packageresolved", ["invalid", "empty"]),
    (Format::Uv, "python/uvlock", ["not-toml.txt", "not-toml.txt"]),
];

#[test]
fn what_is_no_lock_file_is_an_error() {
    for (format, folder, names) in BROKEN {
        let files = fixtures(&format!("language/{folder}"));
        for path in files.iter().filter(|path| names.contains(&name(path))) {
            let bytes = fs::read(path).unwrap();
            let read = format.parse(format.patterns()[0], &bytes, &mut Warnings::default());
            assert!(read.is_err(), "{}", path.display());
        }
    }
}
