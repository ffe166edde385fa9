//! The toolchains of other languages: which a folder needs, where it is, and what it is told.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::subject::BUILD;
use crate::args::Language;
use crate::problem::AuthoringProblem;

/// What Rust is compiled for: no operating system, nothing to import but the contract.
const RUST_TARGET: &str = "wasm32-unknown-unknown";
/// The first release of Go, after `1.`, in which a program can export functions.
const GO_MINOR_MIN: u32 = 24;

const GET_RUST: &str = "install Rust with rustup, then `rustup target add wasm32-unknown-unknown`";
const GET_PYTHON: &str = "in the tool's folder: `python3 -m venv .venv && .venv/bin/pip install \
                          componentize-py==0.25.1`";
const GET_JAVASCRIPT: &str =
    "in the tool's folder: `npm install --save-dev componentize-qjs@0.4.5`";
const GET_TYPESCRIPT: &str =
    "in the tool's folder: `npm install --save-dev typescript@7.0.2 componentize-qjs@0.4.5`";
const GET_GO: &str = "install Go 1.24 or later";
const GET_ZIG: &str = "install Zig, or in the tool's folder: `python3 -m venv .venv && .venv/bin/pip \
                       install ziglang==0.17.1`";

impl Language {
    /// The language of a folder: by the one file that a tool in it cannot be without.
    pub(super) fn of(dir: &Path) -> Result<Self, AuthoringProblem> {
        let all = [
            Self::Rust,
            Self::Go,
            Self::Python,
            Self::Typescript,
            Self::Javascript,
            Self::Zig,
            Self::Cpp,
            Self::C,
        ];
        let found = all.into_iter().find(|language| dir.join(language.main_file()).is_file());
        found.ok_or_else(|| AuthoringProblem::NoSource { dir: dir.to_owned() })
    }

    fn main_file(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "tool.py",
            Self::Javascript => "tool.js",
            Self::Typescript => "tool.ts",
            Self::Go => "go.mod",
            Self::C => "tool.c",
            Self::Cpp => "tool.cpp",
            Self::Zig => "tool.zig",
        }
    }

    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
            Self::Typescript => "TypeScript",
            Self::Go => "Go",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Zig => "Zig",
        }
    }

    /// How a machine gets the toolchain.
    pub(super) fn get(self) -> &'static str {
        match self {
            Self::Rust => GET_RUST,
            Self::Python => GET_PYTHON,
            Self::Javascript => GET_JAVASCRIPT,
            Self::Typescript => GET_TYPESCRIPT,
            Self::Go => GET_GO,
            Self::C | Self::Cpp | Self::Zig => GET_ZIG,
        }
    }

    /// Whether a component says itself what it is: the SDK of Rust writes the manifest into it.
    pub(super) fn writes_manifest(self) -> bool {
        match self {
            Self::Rust => true,
            Self::Python
            | Self::Javascript
            | Self::Typescript
            | Self::Go
            | Self::C
            | Self::Cpp
            | Self::Zig => false,
        }
    }

    /// Runs the toolchain on a folder; what it has built, a core module or a component.
    pub(super) fn compile(self, dir: &Path) -> Result<Vec<u8>, AuthoringProblem> {
        let made = dir.join(BUILD).join("work");
        let output = made.join("built.wasm");
        let failed = |why: std::io::Error| AuthoringProblem::NotWrapped {
            why: format!("{}: {why}", output.display()),
        };
        fs::create_dir_all(&made).map_err(failed)?;
        let relative = Path::new(BUILD).join("work/built.wasm");
        match self {
            Self::Rust => return rust(dir),
            Self::Python => {
                let mut tool = self.program(dir, "componentize-py")?;
                // It would take what is installed there into the component.
                tool.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH");
                tool.args(["--quiet", "--world", "tool", "--wit-path", "wit", "componentize"]);
                tool.args(["tool", "--python-path", ".", "--output"]).arg(&relative);
                run(&mut tool)?;
            }
            Self::Javascript => run(self.quickjs(dir, Path::new("tool.js"))?.arg(&relative))?,
            Self::Typescript => {
                let made = Path::new(BUILD).join("work");
                let mut compiler = self.program(dir, "tsc")?;
                run(compiler.args(["--project", ".", "--outDir"]).arg(&made))?;
                run(self.quickjs(dir, &made.join("tool.js"))?.arg(&relative))?;
            }
            Self::Go => {
                let mut tool = self.go(dir)?;
                tool.args(["build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o"]);
                run(tool.arg(&relative).arg("."))?;
            }
            Self::C => run(self.c(dir, &relative)?.args(sources(dir, &["c"])?))?,
            Self::Cpp => {
                let mut tool = self.c(dir, &relative)?;
                tool.args(["-fno-exceptions", "-lc++", "-lc++abi"]);
                run(tool.args(sources(dir, &["c", "cc", "cpp"])?))?;
            }
            Self::Zig => {
                let mut tool = self.zig(dir)?;
                tool.args(["build-exe", "tool.zig", "-target", "wasm32-freestanding"]);
                tool.args(["-fno-entry", "-rdynamic", "-O", "ReleaseSmall", "-fstrip"]);
                tool.arg(format!("-femit-bin={}", relative.display()));
                run(&mut tool)?;
            }
        }
        fs::read(&output).map_err(failed)
    }

    /// What makes a component of a script; where that goes is its next argument.
    fn quickjs(self, dir: &Path, script: &Path) -> Result<Command, AuthoringProblem> {
        let mut tool = self.program(dir, "componentize-qjs")?;
        tool.args(["--sync", "--world", "tool", "--wit", "wit", "--js"])
            .arg(script)
            .arg("--output");
        Ok(tool)
    }

    /// The compiler of C and C++; the sources are its next arguments.
    fn c(self, dir: &Path, output: &Path) -> Result<Command, AuthoringProblem> {
        let mut tool = self.zig(dir)?;
        tool.args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Oz", "-s"]);
        tool.args(["-Wall", "-Wextra", "-o"]).arg(output);
        Ok(tool)
    }

    /// A program of the folder's own environment, or of the machine.
    fn program(self, dir: &Path, name: &str) -> Result<Command, AuthoringProblem> {
        let own = [dir.join(".venv/bin"), dir.join("node_modules/.bin")];
        let paths = env::var_os("PATH").unwrap_or_default();
        let places = own.into_iter().chain(env::split_paths(&paths));
        let found = places.map(|place| place.join(name)).find(|path| path.is_file());
        // The command runs in the folder, so what is found from here must be found from there.
        let found = found.and_then(|path| std::path::absolute(path).ok());
        let Some(path) = found else { return Err(self.missing(name, "it is not in PATH")) };
        let mut command = Command::new(path);
        command.current_dir(dir);
        Ok(command)
    }

    fn missing(self, program: &str, why: &str) -> AuthoringProblem {
        AuthoringProblem::NoToolchain {
            program: program.to_owned(),
            why: why.to_owned(),
            get: self.get(),
        }
    }

    fn go(self, dir: &Path) -> Result<Command, AuthoringProblem> {
        let mut go = self.program(dir, "go")?;
        let version = said(go.arg("version")).unwrap_or_default();
        if minor(&version).is_none_or(|minor| minor < GO_MINOR_MIN) {
            let why = format!("it takes 1.{GO_MINOR_MIN} to export a function: {}", version.trim());
            return Err(self.missing("go", &why));
        }
        let mut go = self.program(dir, "go")?;
        go.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOWORK", "off"), ("CGO_ENABLED", "0")]);
        Ok(go)
    }

    /// Zig by itself, or as a package of Python.
    fn zig(self, dir: &Path) -> Result<Command, AuthoringProblem> {
        let mut zig = self.program(dir, "zig").or_else(|missing| {
            let mut python = self.program(dir, "python3").map_err(|_| missing)?;
            if said(python.args(["-m", "ziglang", "version"])).is_none() {
                return Err(self.missing("zig", "it is neither in PATH nor a package of python3"));
            }
            let mut zig = self.program(dir, "python3")?;
            zig.args(["-m", "ziglang"]);
            Ok(zig)
        })?;
        zig.env("ZIG_LOCAL_CACHE_DIR", Path::new(BUILD).join("work/cache"));
        Ok(zig)
    }
}

/// A folder's files with such names' ends: the tool and its bindings.
fn sources(dir: &Path, ends: &[&str]) -> Result<Vec<PathBuf>, AuthoringProblem> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.file_name().into()).collect();
    names.retain(|name: &PathBuf| {
        name.extension().is_some_and(|end| ends.iter().any(|one| end == *one))
    });
    names.sort();
    if names.is_empty() {
        return Err(AuthoringProblem::NoSource { dir: dir.to_owned() });
    }
    Ok(names)
}

/// The core module that cargo makes of a crate's `cdylib`.
fn rust(dir: &Path) -> Result<Vec<u8>, AuthoringProblem> {
    let rust = Language::Rust;
    let mut rustc = rust.program(dir, "rustc")?;
    let libraries = said(rustc.args(["--print", "target-libdir", "--target", RUST_TARGET]));
    let has_std = libraries.is_some_and(|dir| {
        let entries = fs::read_dir(dir.trim()).into_iter().flatten().flatten();
        entries.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    });
    if !has_std {
        return Err(rust.missing("rustc", &format!("it has no library for {RUST_TARGET}")));
    }
    let mut cargo = rust.program(dir, "cargo")?;
    cargo.args(["build", "--release", "--lib", "--target", RUST_TARGET]);
    cargo.args(["--message-format", "json-render-diagnostics", "--target-dir"]);
    cargo.arg(Path::new(BUILD).join("work/cargo"));
    let told = told_by(cargo.stdout(Stdio::piped()))?;
    let file = module_in(&told)
        .ok_or(AuthoringProblem::NotWrapped { why: "the crate has no `cdylib`".to_owned() })?;
    fs::read(&file)
        .map_err(|err| AuthoringProblem::NotWrapped { why: format!("{}: {err}", file.display()) })
}

/// The last module among the files that cargo tells of.
fn module_in(told: &str) -> Option<PathBuf> {
    let artifact = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?;
        let file = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"));
        file.map(PathBuf::from)
    };
    told.lines().filter_map(artifact).next_back()
}

/// Runs a toolchain in sight of who asked for it; standard output is for the answer.
fn run(command: &mut Command) -> Result<(), AuthoringProblem> {
    told_by(command.stdout(std::io::stderr())).map(drop)
}

/// Runs a toolchain; what it wrote to its standard output, where that is piped.
fn told_by(command: &mut Command) -> Result<String, AuthoringProblem> {
    let program = name(command);
    let ran = command.stdin(Stdio::null()).spawn().and_then(std::process::Child::wait_with_output);
    let output = ran.map_err(|err| AuthoringProblem::Failed {
        program: program.clone(),
        status: err.to_string(),
    })?;
    if !output.status.success() {
        return Err(AuthoringProblem::Failed { program, status: output.status.to_string() });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a program says when it is asked something, if it answers.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn name(command: &Command) -> String {
    let path = Path::new(command.get_program());
    path.file_name().map(OsString::from).unwrap_or_default().to_string_lossy().into_owned()
}

/// 26 of `go version go1.26.8 linux/amd64`.
fn minor(version: &str) -> Option<u32> {
    let (_, release) = version.split_once(" go1.")?;
    release.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
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
    fn of_what_cargo_tells_the_last_module_counts() {
        let told = "{\"reason\":\"compiler-artifact\",\"filenames\":[\"/a/liba.rlib\"]}\n\
                    {\"reason\":\"compiler-artifact\",\"filenames\":[\"/a/t.wasm\",\"/a/libt.rlib\"]}\n\
                    {\"reason\":\"build-finished\",\"success\":true}\nno json\n";
        assert_eq!(module_in(told), Some(PathBuf::from("/a/t.wasm")));
        assert_eq!(module_in("{}"), None);
    }
}
