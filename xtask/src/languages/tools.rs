//! Toolchains of other languages, from the machine's own package registries, each in a folder of
//! ours. Where one cannot be had, whoever asks hears why.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::output;
use crate::kept::kept;
use crate::places;

/// A C compiler that brings a libc along.
pub(super) const ZIG: &str = "ziglang==0.17.1";
/// CPython as a component, and what puts a program into it.
pub(super) const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
/// The same with QuickJS.
pub(super) const COMPONENTIZE_QJS: &str = "componentize-qjs@0.4.5";
/// The compiler of TypeScript.
const TYPESCRIPT: &str = "typescript@7.0.2";

/// The first release of Go, after `1.`, in which a program can export functions.
const GO_MINOR_MIN: u32 = 24;

/// Where the shelf of toolchains is in the user's cache.
pub(super) const SHELF: &str = "languages";

/// What a package manager is told: a registry that is not there must not be waited for.
const PIP: [&str; 6] =
    ["install", "--quiet", "--no-input", "--retries", "1", "--no-warn-script-location"];
const NPM: [&str; 6] = [
    "install",
    "--loglevel=error",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--fetch-retries=1",
];

/// A compiler for C, with the folder where it keeps the libc that it has built.
pub(super) fn zig() -> Result<Command> {
    let home = python_package(ZIG)?;
    let mut zig = Command::new(home.join("bin/python"));
    zig.args(["-m", "ziglang"]);
    zig.env("ZIG_GLOBAL_CACHE_DIR", home.join("cache"));
    Ok(zig)
}

/// Go, if the machine has it; with a cache of ours, and nothing fetched.
pub(crate) fn go() -> Result<Command> {
    let version =
        output(Command::new("go").arg("version")).context("there is no Go on this machine")?;
    if minor(&version).is_none_or(|minor| minor < GO_MINOR_MIN) {
        bail!("it takes Go 1.{GO_MINOR_MIN} to export a function, and this is {version}");
    }
    let mut go = Command::new("go");
    for (name, value) in [
        ("GOOS", "wasip1"),
        ("GOARCH", "wasm"),
        ("GOFLAGS", ""),
        ("GOPROXY", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GOWORK", "off"),
        ("CGO_ENABLED", "0"),
    ] {
        go.env(name, value);
    }
    go.env("GOCACHE", places::cache().join(SHELF).join("go"));
    Ok(go)
}

/// 26 of `go version go1.26.8 linux/amd64`.
fn minor(version: &str) -> Option<u32> {
    let (_, release) = version.split_once(" go1.")?;
    release.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// What makes a component of a module in Python.
pub(super) fn componentize_py() -> Result<Command> {
    let mut componentize =
        Command::new(python_package(COMPONENTIZE_PY)?.join("bin/componentize-py"));
    // It would take what is installed there into the component.
    componentize.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH");
    Ok(componentize)
}

/// What makes a component of a module in JavaScript.
pub(super) fn componentize_qjs() -> Result<Command> {
    let home = node_package(COMPONENTIZE_QJS)?;
    Ok(Command::new(home.join("node_modules/.bin/componentize-qjs")))
}

/// Where Zig's package for Python is run from.
pub(crate) fn zig_bin() -> Result<PathBuf> {
    Ok(python_package(ZIG)?.join("bin"))
}

/// Where `componentize-py` is.
pub(crate) fn componentize_py_bin() -> Result<PathBuf> {
    Ok(python_package(COMPONENTIZE_PY)?.join("bin"))
}

/// Where `componentize-qjs` is.
pub(crate) fn componentize_qjs_bin() -> Result<PathBuf> {
    Ok(node_package(COMPONENTIZE_QJS)?.join("node_modules/.bin"))
}

/// Where the compiler of TypeScript is.
pub(crate) fn typescript_bin() -> Result<PathBuf> {
    Ok(node_package(TYPESCRIPT)?.join("node_modules/.bin"))
}

/// A folder with one package of npm in it.
fn node_package(package: &str) -> Result<PathBuf> {
    kept(SHELF, &key(package), |home| {
        let mut npm = Command::new("npm");
        npm.args(NPM).arg("--prefix").arg(home).arg(package);
        output(&mut npm).map(drop)
    })
}

/// A Python environment with one package in it.
fn python_package(package: &str) -> Result<PathBuf> {
    kept(SHELF, &key(package), |home| {
        output(Command::new("python3").args(["-m", "venv"]).arg(home))?;
        let mut pip = Command::new(home.join("bin/python"));
        pip.args(["-m", "pip"]).args(PIP).arg(package);
        output(&mut pip).map(drop)
    })
}

/// A package and its release as the name of a folder.
pub(super) fn key(package: &str) -> String {
    package.replace("==", "-").replace('@', "-")
}

/// Runs a tool that must leave `made` behind.
pub(super) fn make(tool: &mut Command, made: &Path) -> Result<()> {
    output(tool)?;
    if !made.exists() {
        bail!("it left no {}", made.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_go_are_told_apart() {
        assert_eq!(minor("go version go1.26.8 linux/amd64\n"), Some(26));
        assert_eq!(minor("go version go1.24rc1 linux/arm64\n"), Some(24));
        assert_eq!(minor("gccgo (Debian 12.2.0) 12.2.0"), None);
    }

    #[test]
    fn a_package_is_kept_apart_from_its_other_releases() {
        assert_eq!(key("ziglang==0.17.1"), "ziglang-0.17.1");
        assert_eq!(key("componentize-qjs@0.4.5"), "componentize-qjs-0.4.5");
    }
}
