//! The conformance tool, the same in every language: each is begun with `stepwell tool new`, built with
//! `stepwell tool build` and held against the same cases with `stepwell tool test`, by the binary of
//! this checkout.
//!
//! Toolchains are those of `languages`. One that cannot be had is left out, loudly.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, run, say};
use crate::languages::tools;
use crate::{places, wasm_std};

/// The languages, as `stepwell tool new` names them, cheapest first.
const LANGUAGES: [&str; 6] = ["zig", "c", "javascript", "go", "python", "rust"];

/// Languages that are one of those to a component: what `stepwell tool new` begins must work.
const DIALECTS: [&str; 2] = ["c++", "typescript"];

/// Builds each, and runs the cases.
pub(crate) fn check() -> Result<()> {
    say("building stepwell for the conformance of languages");
    run(&mut cargo(&["build", "--workspace", "--bin", "stepwell", "--locked"]))?;
    let mut failed = Vec::new();
    for language in LANGUAGES.into_iter().chain(DIALECTS) {
        match toolchain(language) {
            Ok(path) => {
                if let Err(problem) = conforms(language, &path) {
                    say(&format!("{language} does not conform: {problem:#}"));
                    failed.push(language);
                }
            }
            Err(problem) => say(&format!("SKIPPED LOUDLY: no tool in {language}: {problem:#}")),
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{} do not conform", failed.join(", ")) }
}

fn conforms(language: &str, path: &OsString) -> Result<()> {
    let sources = places::root().join("sdk/conformance");
    let work = places::root().join("target/conformance").join(language);
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let dir = work.display().to_string();
    output(stepwell(path).args(["tool", "new", "conformance", "--lang", language, "--dir", &dir]))?;
    let mut cases = work.join("cases.toml");
    if !DIALECTS.contains(&language) {
        fs::copy(sources.join("tool.json"), work.join("tool.json"))?;
        copy(&sources.join(language), &work)?;
        cases = sources.join("cases.toml");
    }
    output(stepwell(path).args(["tool", "build", &dir]))?;
    let cases = cases.display().to_string();
    let tested = stepwell(path).args(["tool", "test", &dir, "--cases", &cases]).output()?;
    let told = String::from_utf8_lossy(&tested.stdout);
    if !tested.status.success() {
        bail!("{told}{}", String::from_utf8_lossy(&tested.stderr));
    }
    say(&format!("{language}: {}", told.lines().last().unwrap_or_default()));
    Ok(())
}

fn stepwell(path: &OsString) -> Command {
    let mut command = Command::new(places::target().join("debug/stepwell"));
    command.env("PATH", path);
    command
}

/// What `PATH` must be for a language's toolchain to be found.
fn toolchain(language: &str) -> Result<OsString> {
    let own = match language {
        "zig" | "c" | "c++" => vec![tools::zig_bin()?],
        "javascript" => vec![tools::componentize_qjs_bin()?],
        "typescript" => vec![tools::componentize_qjs_bin()?, tools::typescript_bin()?],
        "python" => vec![tools::componentize_py_bin()?],
        "go" => {
            tools::go()?;
            Vec::new()
        }
        _ => {
            if !wasm_std::flags()?.is_empty() {
                bail!("the toolchain has no library for {}", wasm_std::TARGET);
            }
            Vec::new()
        }
    };
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths: Vec<PathBuf> = own.into_iter().chain(env::split_paths(&paths)).collect();
    env::join_paths(paths).context("a folder of the PATH has a colon in its name")
}

/// Copies files, and folders of them.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir().with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
