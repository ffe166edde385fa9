//! Components that nobody here wrote: examples of public packages, taken out of the packages
//! themselves and built as those say, from which tests make tools.
//!
//! Nothing of them is committed. What cannot be had is left out, and loudly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::tools::{self, COMPONENTIZE_PY, COMPONENTIZE_QJS, ZIG, make};
use crate::command::{output, say};
use crate::kept::kept;
use crate::places;

/// Raised when the recipes below change.
const RECIPE: u32 = 1;

/// Somebody else's component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// The quick start of `componentize-qjs`: a function in JavaScript.
    Greeter,
    /// An example of `componentize-py`: functions in Python that fail with a message.
    Evaluator,
    /// The example in C of `blake3`: a program of the older WASI.
    Hasher,
}

impl Stranger {
    pub(super) const ALL: [Self; 3] = [Self::Greeter, Self::Evaluator, Self::Hasher];

    /// The name of its component.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Greeter => "greeter",
            Self::Evaluator => "evaluator",
            Self::Hasher => "hasher",
        }
    }

    /// What it is made of, in a line.
    fn recipe(self) -> Result<String> {
        let of = match self {
            Self::Greeter => COMPONENTIZE_QJS.to_owned(),
            Self::Evaluator => COMPONENTIZE_PY.to_owned(),
            Self::Hasher => format!("{ZIG} {}", blake3()?.display()),
        };
        Ok(format!("{RECIPE} {of}\n"))
    }

    /// Builds it on the shelf, if it is not there as it should be.
    pub(super) fn renew(self, shelf: &Path) -> Result<()> {
        let name = self.name();
        let (component, recipe) =
            (shelf.join(format!("{name}.wasm")), shelf.join(format!("{name}.recipe")));
        let wanted = match self.recipe() {
            Ok(wanted) => wanted,
            Err(problem) => return skipped(name, &problem),
        };
        if component.exists() && fs::read_to_string(&recipe).is_ok_and(|had| had == wanted) {
            return Ok(());
        }
        for old in [&component, &recipe] {
            if old.exists() {
                fs::remove_file(old)?;
            }
        }
        let began = Instant::now();
        let work = shelf.join("work").join(name);
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir_all(&work)?;
        let built = match self {
            Self::Greeter => greeter(&work),
            Self::Evaluator => evaluator(&work),
            Self::Hasher => hasher(&work),
        };
        let built = match built {
            Ok(built) => built,
            Err(problem) => return skipped(name, &problem),
        };
        fs::copy(&built, &component)?;
        fs::write(recipe, wanted)?;
        let size = fs::metadata(&component)?.len().div_ceil(1000);
        say(&format!("{name}.wasm: {size} KB, in {} s", began.elapsed().as_secs()));
        Ok(())
    }
}

/// Its makers' packages may not be there, or no longer what they were: that is no fault of ours.
fn skipped(name: &str, problem: &anyhow::Error) -> Result<()> {
    say(&format!("SKIPPED LOUDLY: no stranger `{name}`: {problem:#}"));
    Ok(())
}

/// The interface and the program of the README's quick start, built as it says.
fn greeter(work: &Path) -> Result<PathBuf> {
    let bin = tools::componentize_qjs_bin()?;
    let readme = bin.join("../componentize-qjs/README.md");
    let readme =
        fs::read_to_string(&readme).with_context(|| format!("cannot read {}", readme.display()))?;
    fs::write(work.join("hello.wit"), fenced(&readme, "wit")?)?;
    fs::write(work.join("hello.js"), fenced(&readme, "js")?)?;
    let made = work.join("hello.wasm");
    let mut tool = Command::new(bin.join("componentize-qjs"));
    tool.current_dir(work).args(["--sync", "--wit", "hello.wit", "--js", "hello.js", "-o"]);
    make(tool.arg(&made), &made)?;
    Ok(made)
}

/// The first block of a language in a README.
fn fenced<'a>(readme: &'a str, language: &str) -> Result<&'a str> {
    let begin = format!("```{language}\n");
    let block = readme.split_once(&begin).and_then(|(_, rest)| rest.split_once("```"));
    let (block, _) = block.with_context(|| format!("the README has no block in {language}"))?;
    Ok(block)
}

/// The example `sandbox` of the package's sources, built as its README says.
fn evaluator(work: &Path) -> Result<PathBuf> {
    let sources =
        kept(tools::SHELF, &format!("{}-sources", tools::key(COMPONENTIZE_PY)), |home| {
            let mut pip = Command::new("python3");
            pip.args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-input",
                "--no-deps",
                "--retries",
                "1",
            ]);
            pip.args(["--no-binary", "componentize-py", COMPONENTIZE_PY, "--dest"]).arg(home);
            output(&mut pip)?;
            let archive = only(home, ".tar.gz")?;
            let mut unpack = Command::new("python3");
            output(unpack.args(["-m", "tarfile", "-e"]).arg(archive).arg(home)).map(drop)
        })?;
    let example = folder(&sources)?.join("examples/sandbox");
    for file in ["sandbox.wit", "guest.py"] {
        fs::copy(example.join(file), work.join(file))
            .with_context(|| format!("the package has no {file}"))?;
    }
    let made = work.join("sandbox.wasm");
    let mut tool = tools::componentize_py()?;
    tool.current_dir(work).args(["--quiet", "-d", "sandbox.wit", "componentize", "--stub-wasi"]);
    make(tool.args(["guest", "-o"]).arg(&made), &made)?;
    Ok(made)
}

/// The one file of a folder whose name ends so.
fn only(dir: &Path, end: &str) -> Result<PathBuf> {
    let paths = dir.read_dir()?.flatten().map(|entry| entry.path());
    let mut found = paths.filter(|path| path.to_string_lossy().ends_with(end));
    found.next().with_context(|| format!("there is no {end} in {}", dir.display()))
}

/// The one folder in a folder.
fn folder(dir: &Path) -> Result<PathBuf> {
    let mut paths = dir.read_dir()?.flatten().map(|entry| entry.path());
    let found = paths.find(|path| path.is_dir());
    found.with_context(|| format!("there is no folder in {}", dir.display()))
}

/// The example in C, with what it hashes with.
fn hasher(work: &Path) -> Result<PathBuf> {
    let sources = blake3()?.join("c");
    let made = work.join("example.wasm");
    let mut zig = tools::zig()?;
    zig.current_dir(work).args(["cc", "-target", "wasm32-wasi", "-O2", "-s", "-o"]).arg(&made);
    for file in ["example.c", "blake3.c", "blake3_dispatch.c", "blake3_portable.c"] {
        zig.arg(sources.join(file));
    }
    make(zig.env("ZIG_LOCAL_CACHE_DIR", work.join("cache")), &made)?;
    Ok(made)
}

/// The sources of the crate that this workspace uses.
fn blake3() -> Result<PathBuf> {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("blake3-1") && path.join("c/example.c").exists()
    };
    for registry in places::registry_sources() {
        let mut found: Vec<PathBuf> =
            registry.read_dir()?.flatten().map(|entry| entry.path()).filter(is_it).collect();
        found.sort();
        if let Some(last) = found.pop() {
            return Ok(last);
        }
    }
    bail!("the sources of the crate blake3 are not where cargo keeps such")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_of_a_language_is_taken() {
        let readme = "a\n```wit\nworld w {}\n```\n```js\n1\n```\n```js\n2\n```\n";
        assert_eq!(fenced(readme, "wit").unwrap(), "world w {}\n");
        assert_eq!(fenced(readme, "js").unwrap(), "1\n");
        assert!(fenced(readme, "py").is_err());
    }
}
