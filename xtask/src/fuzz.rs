//! Fuzzing without a nightly compiler: the instrumentation is LLVM's, and the stable compiler passes
//! it on.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, run, say};
use crate::places;

/// The crates of fuzz targets, and their targets. No name is twice.
const CRATES: [(&str, &[&str]); 3] = [
    ("host/gate/fuzz", &["patch", "apply"]),
    ("host/sandbox/fuzz", &["manifest", "frames", "paths", "values"]),
    ("plugins/fuzz", &["lock", "report", "diff"]),
];

/// What a target takes without `--seconds`.
const SECONDS: u32 = 60;

/// What `cargo fuzz` instruments with, but for the sanitizers, which need a nightly compiler.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Ccodegen-units=1",
    "--cfg",
    "fuzzing",
];

/// `fuzz [TARGET] [--seconds N]`.
pub(crate) fn chore(args: &[&str]) -> Result<()> {
    let (target, seconds) = match args {
        [] => (None, SECONDS),
        ["--seconds", number] => (None, number.parse().context("`--seconds` takes a number")?),
        [target] => (Some(*target), SECONDS),
        [target, "--seconds", number] => {
            (Some(*target), number.parse().context("`--seconds` takes a number")?)
        }
        _ => bail!("write `fuzz [TARGET] [--seconds N]`; a target is {}", all().join(", ")),
    };
    if let Some(unknown) = target.filter(|target| !all().contains(target)) {
        bail!("no target `{unknown}`; there are {}", all().join(", "));
    }
    for (home, targets) in CRATES {
        let is_meant = |name: &&str| target.is_none_or(|target| target == *name);
        let meant: Vec<&str> = targets.iter().copied().filter(is_meant).collect();
        if !meant.is_empty() {
            fuzz(home, &meant, seconds)?;
        }
    }
    Ok(())
}

fn all() -> Vec<&'static str> {
    CRATES.iter().flat_map(|(_, targets)| targets.iter().copied()).collect()
}

/// Builds a crate of targets, and runs some of them.
fn fuzz(home: &str, targets: &[&str], seconds: u32) -> Result<()> {
    let out = places::target().join("fuzz");
    let flags = FLAGS.join("\u{1f}");
    run(cargo(&["build", "--release", "--locked", "--bins"])
        .args(["--manifest-path", &format!("{home}/Cargo.toml")])
        .args(["--target", &host()?])
        .arg("--target-dir")
        .arg(&out)
        .env("CARGO_ENCODED_RUSTFLAGS", flags))?;
    for name in targets {
        say(&format!("fuzzing {name} for {seconds} s"));
        let found = out.join("found").join(name);
        fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
        let program = out.join(host()?).join("release").join(name);
        // New inputs go to the first directory; the corpus itself is only read.
        run(Command::new(program)
            .arg(&found)
            .arg(places::root().join(home).join("corpus").join(name))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", out.display())))
        .with_context(|| format!("an input broke a promise; it lies in {}", out.display()))?;
    }
    Ok(())
}

/// The machine that this runs on, in rustc's words: with a target named, build scripts and macros
/// are not instrumented.
fn host() -> Result<String> {
    let about = crate::command::output(Command::new("rustc").arg("-vV"))?;
    let line = about.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).context("`rustc -vV` names no host")
}
