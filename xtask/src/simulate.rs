//! Whole runs under seeded faults, by the thousand: `host/runner/tests/simulation`.

use anyhow::{Context, Result, bail};

use crate::command::{cargo, run, say};

/// What the suite runs: enough that each kind of fault meets each kind of moment.
pub(crate) const SUITE_SEEDS: u64 = 20_000;

/// Random tools on random repositories, with and without the cache: what the suite compares.
pub(crate) const SUITE_CASES: u64 = 100_000;

/// `simulate [--seeds N] [--seed S]`.
pub(crate) fn chore(args: &[&str]) -> Result<()> {
    match args {
        [] => seeds(SUITE_SEEDS),
        ["--seeds", number] => seeds(number.parse().context("`--seeds` takes a number")?),
        ["--seed", seed] => one(seed.parse().context("`--seed` takes a number")?),
        _ => bail!("write `simulate --seeds N`, or `simulate --seed S` for the story of one"),
    }
}

/// Runs so many seeds; one that breaks a promise is named.
pub(crate) fn seeds(number: u64) -> Result<()> {
    say(&format!("simulating {number} runs under faults"));
    simulation("STEPWELL_SEEDS", number)
        .context("a promise was broken: `cargo xtask simulate --seed S` tells the story of a seed")
}

fn one(seed: u64) -> Result<()> {
    simulation("STEPWELL_SEED", seed)
}

/// Compares cached and fresh answers in so many cases; one that differs is named.
pub(crate) fn cases(number: u64) -> Result<()> {
    say(&format!("comparing cached answers with fresh ones in {number} cases"));
    many("exact", "STEPWELL_CASES", number)
        .context("a cached answer was not the answer: STEPWELL_CASE tells the story of a case")
}

fn simulation(variable: &str, value: u64) -> Result<()> {
    many("simulation", variable, value)
}

/// The whole workspace decides the features of what it depends on, so that nothing is built again.
fn many(test: &str, variable: &str, value: u64) -> Result<()> {
    let args = ["test", "--workspace", "--locked", "--test", test, "--", "--nocapture"];
    run(cargo(&args).env(variable, value.to_string()))
}
