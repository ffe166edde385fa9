//! Licences, bans and sources of what we depend on, by cargo-deny.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::check::manifest;
use crate::command::{cargo, run, say};
use crate::places;

/// Built where there is none. Raise it when a newer one builds with our compiler.
const VERSION: &str = "0.20.2";

/// No optimisations: it is built in a minute instead of many, and runs for seconds.
const QUICK_BUILD: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "64"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

/// Judges every lock by `deny.toml`. Without cargo-deny, and without a way to get it, says so and
/// lets the rest go on: a check that cannot be had must not stop a machine without a network.
pub(crate) fn check() -> Result<()> {
    let Some(program) = find().or_else(install) else {
        say("SKIPPED: licences and bans are not checked, since cargo-deny cannot be had");
        return Ok(());
    };
    for lock in [&[""], places::GUESTS.as_slice()].concat() {
        let manifest = if lock.is_empty() { "Cargo.toml".to_owned() } else { manifest(lock) };
        say(&format!("licences, bans and sources of {manifest}"));
        let mut deny = Command::new(&program);
        deny.current_dir(places::root()).args(["--manifest-path", &manifest, "--locked"]);
        run(deny.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;
    }
    Ok(())
}

/// The machine's own, or the one we built before.
fn find() -> Option<PathBuf> {
    [PathBuf::from("cargo-deny"), root().join("bin/cargo-deny")].into_iter().find(|program| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

fn install() -> Option<PathBuf> {
    say(&format!("building cargo-deny {VERSION} (once, about 100 s of CPU)"));
    let root = root();
    let mut install = cargo(&["install", "--quiet", "--locked", "--no-default-features", "--root"]);
    install.arg(&root).arg(format!("cargo-deny@{VERSION}"));
    let target = root.join("target");
    let built = run(install.arg("--target-dir").arg(&target).envs(QUICK_BUILD));
    // What is left of the build is worth nothing; that it stays is harmless.
    let _gone = std::fs::remove_dir_all(target);
    match built {
        Ok(()) => Some(root.join("bin/cargo-deny")),
        Err(problem) => {
            say(&format!("no cargo-deny: {problem:#}"));
            None
        }
    }
}

fn root() -> PathBuf {
    places::cache().join(format!("tools/cargo-deny-{VERSION}"))
}
