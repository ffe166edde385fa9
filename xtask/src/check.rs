//! What a change must pass before anybody runs a test, cheapest first.

use anyhow::Result;

use crate::command::{cargo, run, say};
use crate::{components, deny, layers, places, tidy};

/// Everything but the tests.
pub(crate) fn check() -> Result<()> {
    say("layout");
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    for folder in places::GUESTS {
        run(&mut cargo(&["fmt", "--check", "--all", "--manifest-path", &manifest(folder)]))?;
    }
    layers::check()?;
    tidy::check()?;
    say("lints of the host");
    // The binary carries the components, so even its lints need them built.
    components::build()?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    for folder in places::GUESTS {
        say(&format!("lints of {folder}"));
        let mut clippy = components::guest_cargo("clippy", folder);
        run(clippy.args(["--all-targets", "--locked", "--", "-D", "warnings"]))?;
    }
    say("lints of guests, as WebAssembly");
    components::lint()?;
    deny::check()
}

pub(crate) fn manifest(folder: &str) -> String {
    format!("{folder}/Cargo.toml")
}
