//! The files that a tool begins with. They are part of this program: nothing is fetched, and whoever
//! has installed stepwell has what a tool is built from, but for the language's own toolchain.
//!
//! A tool in Rust gets the sources of the SDK, as a crate beside it, since stepwell's crates are in no
//! registry: so it builds, and reads, like `examples/custom-tool`.

use crate::args::Language;

/// A file: its path in the tool's folder, and its text.
type File = (&'static str, &'static str);

macro_rules! sdk {
    ($path:literal) => {
        include_str!(concat!("../../../../../sdk/", $path))
    };
}

const CONTRACT: File = ("wit/tool.wit", include_str!("../../../../../wit/tool.wit"));
const CASES: File = ("cases.toml", sdk!("template/cases.toml"));
const IGNORED: File = (".gitignore", "/build\n/.venv\n/node_modules\n__pycache__\n");
const MANIFEST: File = ("tool.json", sdk!("template/tool.json"));

const RUST: &[File] = &[
    ("Cargo.toml", sdk!("rust/template/tool.toml")),
    ("src/lib.rs", sdk!("rust/template/lib.rs")),
    ("sdk/rust/Cargo.toml", sdk!("rust/Cargo.toml")),
    ("sdk/rust/src/environment.rs", sdk!("rust/src/environment.rs")),
    ("sdk/rust/src/gate.rs", sdk!("rust/src/gate.rs")),
    ("sdk/rust/src/guest.rs", sdk!("rust/src/guest.rs")),
    ("sdk/rust/src/lib.rs", sdk!("rust/src/lib.rs")),
    ("sdk/rust/src/log.rs", sdk!("rust/src/log.rs")),
    ("sdk/rust/src/repository.rs", sdk!("rust/src/repository.rs")),
    ("sdk/rust/src/testing.rs", sdk!("rust/src/testing.rs")),
    ("sdk/rust/src/testing/answers.rs", sdk!("rust/src/testing/answers.rs")),
    ("sdk/rust/src/testing/patches.rs", sdk!("rust/src/testing/patches.rs")),
    ("sdk/rust/src/tool.rs", sdk!("rust/src/tool.rs")),
    ("sdk/rust/src/tool/manifest.rs", sdk!("rust/src/tool/manifest.rs")),
];
const PYTHON: &[File] = &[
    ("tool.py", sdk!("python/template/tool.py")),
    ("stepwell.py", sdk!("python/stepwell.py")),
    MANIFEST,
];
const JAVASCRIPT: &[File] = &[("tool.js", sdk!("javascript/template/tool.js")), MANIFEST];
const TYPESCRIPT: &[File] = &[
    ("tool.ts", sdk!("typescript/template/tool.ts")),
    ("stepwell.d.ts", sdk!("typescript/stepwell.d.ts")),
    ("tsconfig.json", sdk!("typescript/template/tsconfig.json")),
    MANIFEST,
];
const GO: &[File] = &[
    ("go.mod", sdk!("go/template/go.mod.txt")),
    ("tool.go", sdk!("go/template/tool.go")),
    ("stepwell/stepwell.go", sdk!("go/stepwell/stepwell.go")),
    ("stepwell/contract.go", sdk!("go/stepwell/contract.go")),
    MANIFEST,
];
const C: &[File] = &[
    ("tool.c", sdk!("c/template/tool.c")),
    ("stepwell.c", sdk!("c/stepwell.c")),
    ("stepwell.h", sdk!("c/stepwell.h")),
    MANIFEST,
];
const CPP: &[File] = &[
    ("tool.cpp", sdk!("cpp/template/tool.cpp")),
    ("stepwell.c", sdk!("c/stepwell.c")),
    ("stepwell.h", sdk!("c/stepwell.h")),
    MANIFEST,
];
const ZIG: &[File] = &[
    ("tool.zig", sdk!("zig/template/tool.zig")),
    ("stepwell.zig", sdk!("zig/stepwell.zig")),
    MANIFEST,
];

/// The files of a tool in a language, all but its README.
pub(super) fn files(language: Language) -> impl Iterator<Item = &'static File> {
    let own = match language {
        Language::Rust => RUST,
        Language::Python => PYTHON,
        Language::Javascript => JAVASCRIPT,
        Language::Typescript => TYPESCRIPT,
        Language::Go => GO,
        Language::C => C,
        Language::Cpp => CPP,
        Language::Zig => ZIG,
    };
    own.iter().chain(&[CONTRACT, CASES, IGNORED])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// The paths of a folder's sources, but for their tests.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            match path.is_dir() {
                true => sources(&path, found),
                false if path.ends_with("tests.rs") => {}
                false => found.push(path),
            }
        }
    }

    #[test]
    fn a_tool_in_rust_gets_the_whole_sdk() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = Vec::new();
        sources(&root.join("sdk/rust/src"), &mut found);
        let there: BTreeSet<&Path> =
            found.iter().map(|path| path.strip_prefix(&root).unwrap()).collect();
        let given: BTreeSet<&Path> = RUST
            .iter()
            .map(|(path, _)| Path::new(*path))
            .filter(|path| path.starts_with("sdk/rust/src"))
            .collect();
        assert_eq!(given, there);
    }
}
