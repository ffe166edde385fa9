//! The chores cargo cannot do: `cargo xtask CHORE`.
//!
//! Each chore is a list of plain commands, cheapest first, and stops at the first that fails. What
//! it leaves behind lies in `target/` and in the user's cache directory. It must not know any crate
//! of ours: it is built first, and judges them from outside.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to a terminal")]

mod bench;
mod check;
mod command;
mod components;
mod conformance;
mod debian;
mod deny;
mod fuzz;
mod instructions;
mod kept;
mod languages;
mod layers;
mod material;
mod mutate;
mod places;
mod services;
mod simulate;
mod tidy;
mod wasm_std;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, run, say};

const USAGE: &str = "\
usage: cargo xtask CHORE

  demo [NAME]   run an example with a recorded model: that of the README, or another of examples/
  test [ARGS]   build the components, then run every test, with faults simulated and one promise
                after the other broken; ARGS go to `cargo test` of the host, and then that is all
  check         what a change must pass before it is tested: layout, layers, tidy, lints, licences
  simulate      more runs under faults: --seeds N, or --seed S for the story of one
  mutate        break each promise on purpose, and see a test fail; NAME takes some of them
  fuzz          throw bytes at what reads bytes that nobody trusts: [TARGET] [--seconds N]
  instructions  count the instructions of the paths that matter most, and fail if one does more;
                `--accept` takes what was counted
  components    build the tools that `stepwell` carries, for WebAssembly
  languages     build the tools in other languages that tests call
  conformance   build the same tool in every language, and hold each against the same cases
  services      bring the servers that tests start, as far as they can be had
  layers        which crate may know which
  tidy          the rules of the house that no lint knows
  deny          licences, bans and sources of what we depend on
  bench         measure, and write docs/performance.md
  compare       hold `sbom` against others' tools on real lock files, and write docs/tools-compared.md
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match chore(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            problem.chain().skip(1).for_each(|cause| eprintln!("because: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn chore(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["demo"] => demo("failing-test"),
        ["demo", name] => demo(name),
        ["test", args @ ..] => test(args),
        ["check"] => check::check(),
        ["simulate", args @ ..] => simulate::chore(args),
        ["mutate", args @ ..] => mutate::chore(args),
        ["fuzz", args @ ..] => fuzz::chore(args),
        ["instructions", args @ ..] => instructions::chore(args),
        ["components"] => components::build(),
        ["languages"] => languages::build(),
        ["conformance"] => conformance::check(),
        ["services"] => {
            services::install();
            Ok(())
        }
        ["layers"] => layers::check(),
        ["tidy"] => tidy::check(),
        ["deny"] => deny::check(),
        ["bench"] => bench::bench(),
        ["compare"] => bench::compare(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => bail!("no chore `{}`\n\n{USAGE}", unknown.join(" ")),
    }
}

/// An example, run by the binary that was just built.
fn demo(name: &str) -> Result<()> {
    let examples = places::root().join("examples");
    let script = examples.join(name).join("demo.sh");
    if name.contains('/') || !script.is_file() {
        bail!("no example `{name}` with a demo; there are {}", demos(&examples)?.join(", "));
    }
    components::build()?;
    say("building stepwell");
    run(&mut cargo(&["build", "--release", "--locked", "--package", "cli"]))?;
    say(&format!("running examples/{name}"));
    let stepwell = places::target().join("release/stepwell");
    run(Command::new(script).env("STEPWELL", stepwell))
}

/// The examples that have one.
fn demos(examples: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(examples).context("cannot read the folder `examples`")?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("demo.sh").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// Every test there is.
fn test(args: &[&str]) -> Result<()> {
    components::build()?;
    languages::build()?;
    services::install();
    say("testing the host");
    // A snapshot that differs must fail where nobody can review it.
    let insta = if env::var_os("CI").is_some() { "no" } else { "auto" };
    let mut host = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    // One failure must not hide another: what is learned late is learned an hour later.
    let mut failures: Vec<_> =
        run(host.args(args).env("INSTA_UPDATE", insta)).err().into_iter().collect();
    material::fetch();
    for folder in places::GUESTS {
        say(&format!("testing {folder}, as native code"));
        let mut guests = components::guest_cargo("test", folder);
        failures.extend(run(guests.arg("--locked").env("INSTA_UPDATE", insta)).err());
    }
    if args.is_empty() {
        failures.extend(conformance::check().err());
        failures.extend(instructions::check().err());
        failures.extend(simulate::seeds(simulate::SUITE_SEEDS).err());
        failures.extend(simulate::cases(simulate::SUITE_CASES).err());
        failures.extend(mutate::chore(&["--first"]).err());
    }
    if let Some(last) = failures.pop() {
        failures.iter().for_each(|failure| say(&format!("failed: {failure:#}")));
        return Err(last);
    }
    Ok(())
}
