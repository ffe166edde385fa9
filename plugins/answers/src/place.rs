//! What a file is for, by its path: what people write, tests, and what machines write.

/// Where a file belongs, most interesting first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What people write and ship.
    Source,
    /// Tests and what they are fed with.
    Test,
    /// What people write for people.
    Prose,
    /// What a program wrote, by its name.
    Generated,
    /// Somebody else's sources.
    Vendored,
    /// Which versions a package manager chose.
    Lock,
}

const VENDORED: &[&str] = &[
    "vendor",
    "node_modules",
    "third_party",
    "third-party",
    "thirdparty",
    "bower_components",
    "Pods",
    "site-packages",
];

const TESTS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "testdata",
    "fixtures",
    "__fixtures__",
    "__snapshots__",
    "snapshots",
    "e2e",
    "__mocks__",
];

const GENERATED: &[&str] = &["dist", "generated", "__generated__"];

const GENERATED_ENDS: &[&str] = &[
    ".min.js",
    ".min.css",
    ".js.map",
    ".css.map",
    ".pb.go",
    "_pb2.py",
    "_pb2_grpc.py",
    ".pb.cc",
    ".pb.h",
    ".g.dart",
    ".freezed.dart",
    ".designer.cs",
    "_generated.go",
    "_generated.rs",
];

const TEST_ENDS: &[&str] = &[
    "_test.go",
    "_test.py",
    "_test.rs",
    "_tests.rs",
    "_test.exs",
    "_spec.rb",
    "_test.rb",
    "Test.java",
    "Tests.java",
    "Test.kt",
    "Tests.cs",
    "Test.php",
    ".snap",
];

const PROSE_ENDS: &[&str] = &[".md", ".markdown", ".rst", ".adoc", ".txt", ".org"];

const LOCKS: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "go.sum",
    "go.work.sum",
    "Gemfile.lock",
    "composer.lock",
    "mix.lock",
    "pubspec.lock",
    "Package.resolved",
    "packages.lock.json",
    "gradle.lockfile",
    "conan.lock",
    "Podfile.lock",
    "flake.lock",
    ".terraform.lock.hcl",
];

/// Where generators write that theirs is generated.
const HEAD_LEN: usize = 2 * 1024;

impl Place {
    /// Of a path.
    pub fn of(path: &str) -> Self {
        let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
        let within = |names: &[&str]| directories.split('/').any(|part| names.contains(&part));
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if within(VENDORED) {
            Self::Vendored
        } else if LOCKS.contains(&name) {
            Self::Lock
        } else if within(GENERATED) || ends(GENERATED_ENDS) || name.contains(".generated.") {
            Self::Generated
        } else if within(TESTS) || ends(TEST_ENDS) || is_test_name(name) {
            Self::Test
        } else if ends(PROSE_ENDS) {
            Self::Prose
        } else {
            Self::Source
        }
    }

    /// Whether nobody wrote it by hand, here at least.
    pub fn is_foreign(self) -> bool {
        self > Self::Prose
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Test => "test",
            Self::Prose => "prose",
            Self::Generated => "generated file",
            Self::Vendored => "vendored file",
            Self::Lock => "lock file",
        }
    }
}

fn is_test_name(name: &str) -> bool {
    let is_python = name.starts_with("test_") && name.ends_with(".py");
    let stem = name.split('.').next().unwrap_or_default();
    is_python
        || name.contains(".test.")
        || name.contains(".spec.")
        || matches!(stem, "test" | "tests" | "conftest")
}

/// Whether a text says of itself that a program wrote it.
pub fn says_generated(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(HEAD_LEN)];
    // In two pieces, so that this file does not say it of itself.
    let mark = concat!("@", "generated");
    head.lines().any(|line| {
        line.contains(mark) || (line.contains("generated") && line.contains("DO NOT EDIT"))
    })
}
