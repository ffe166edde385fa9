//! Breaks the program on purpose, one promise at a time, and looks whether a test notices: a copy
//! of the workspace in `target/mutants`, a text of one of its files put in place of another, and
//! the test that must fail then.
//!
//! A mutant whose text is no longer there, that does not compile, or that survives fails the
//! chore.

mod mutants;

#[cfg(test)]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, run, say};
use crate::places;
use mutants::{MUTANTS, Mutant, Test};

/// Seeds that a mutant must not survive: most fall within the first ten.
const SEEDS: &str = "400";
/// How long a mutant's test may take: one that runs in circles has been noticed, too.
const TIME_MAX: Duration = Duration::from_mins(4);
/// How often a test is looked after.
const PAUSE: Duration = Duration::from_millis(50);

/// `mutate [NAME]`: all of them, or those whose name contains a text; `mutate --first`: the first
/// of each promise.
pub(crate) fn chore(args: &[&str]) -> Result<()> {
    match args {
        [] => all(&MUTANTS.iter().collect::<Vec<_>>()),
        ["--first"] => {
            let mut seen = BTreeSet::new();
            all(&MUTANTS.iter().filter(|one| seen.insert(one.invariant)).collect::<Vec<_>>())
        }
        [name] => {
            let some: Vec<_> = MUTANTS.iter().filter(|one| one.name.contains(name)).collect();
            if some.is_empty() {
                bail!("no mutant's name contains `{name}`");
            }
            all(&some)
        }
        _ => bail!("write `mutate`, `mutate --first`, or `mutate NAME` for some of them"),
    }
}

/// How many mutants each promise has, as the page of reliability says it.
#[cfg(test)]
fn census() -> String {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    MUTANTS.iter().for_each(|mutant| *counts.entry(mutant.invariant).or_default() += 1);
    let rows = counts.iter().map(|(invariant, count)| format!("| {invariant} | {count} |\n"));
    rows.collect()
}

fn all(mutants: &[&Mutant]) -> Result<()> {
    let copy = Copy::make()?;
    mutants.iter().try_for_each(|mutant| copy.mutated(mutant).map(drop))?;
    say(&format!("{} mutants; without any, these tests pass:", mutants.len()));
    for test in Test::ALL {
        if mutants.iter().any(|mutant| mutant.test == test) {
            say(test.name());
            run(copy.test(test).args(test.filter()))?;
        }
    }
    let mut survivors = Vec::new();
    for mutant in mutants {
        let Mutant { name, invariant, test, .. } = mutant;
        let began = Instant::now();
        let noticed = copy.is_noticed(mutant)?;
        let word = if noticed { "noticed" } else { "SURVIVED" };
        let (seconds, test) = (began.elapsed().as_secs(), test.name());
        say(&format!("{word:<8}  {invariant:>2}  {name}  ({test}, {seconds} s)"));
        survivors.extend((!noticed).then_some(*name));
    }
    if !survivors.is_empty() {
        bail!("no test notices: {}", survivors.join(", "));
    }
    say(&format!("mutations: {} of {} were noticed", mutants.len(), mutants.len()));
    Ok(())
}

/// A copy of what git knows of the workspace, as it lies here.
struct Copy {
    root: PathBuf,
}

impl Copy {
    fn make() -> Result<Self> {
        let root = places::root().join("target/mutants");
        let mut git = Command::new("git");
        git.current_dir(places::root()).args(["ls-files", "--cached", "--others"]);
        for file in output(git.arg("--exclude-standard"))?.lines() {
            let (from, to) = (places::root().join(file), root.join(file));
            let Ok(new) = fs::read(&from) else { continue };
            let new = match file {
                "Cargo.toml" | "Cargo.lock" => set_apart(&String::from_utf8(new)?).into_bytes(),
                _ => new,
            };
            // What is the same keeps its time, so that nothing is built again for it.
            if fs::read(&to).is_ok_and(|old| old == new) {
                continue;
            }
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::write(&to, new).with_context(|| format!("cannot write {}", to.display()))?;
        }
        Ok(Self { root })
    }

    /// Where a mutant is made, what stands there, and what is to.
    fn mutated(&self, mutant: &Mutant) -> Result<(PathBuf, String, String)> {
        let path = self.root.join(mutant.file);
        let text = fs::read_to_string(&path).with_context(|| missing(&path))?;
        let new = mutant.of(&text)?;
        Ok((path, text, new))
    }

    fn is_noticed(&self, mutant: &Mutant) -> Result<bool> {
        let (path, text, new) = self.mutated(mutant)?;
        fs::write(&path, new)?;
        let built = output(self.test(mutant.test).arg("--no-run"));
        let ended = built.and_then(|_| passes(self.test(mutant.test).args(mutant.test.filter())));
        fs::write(&path, text)?;
        let passed = ended.with_context(|| format!("the mutant `{}` is none", mutant.name))?;
        Ok(!passed)
    }

    /// The test as a command. What the workspace depends on is built already, for itself.
    fn test(&self, test: Test) -> Command {
        let mut cargo = cargo(&["test", "--quiet", "--locked"]);
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", places::target());
        cargo.args(test.arguments()).env("STEPWELL_SEEDS", SEEDS).env("CARGO_INCREMENTAL", "1");
        cargo
    }
}

/// The workspace's manifest or lock with another version for our own packages. Cargo tells those by
/// name and version, not by their folder: it would take a mutant, built into the same target
/// directory, for this workspace's own.
fn set_apart(text: &str) -> String {
    const VERSION: &str = "\nversion = \"0.1.0\"\n";
    const APART: &str = "\nversion = \"0.1.0-mutant\"\n";
    let ours = |block: &&str| block.contains(VERSION) && !block.contains("\nsource = ");
    let blocks = text.split_inclusive("\n\n");
    blocks
        .map(
            |block| if ours(&block) { block.replacen(VERSION, APART, 1) } else { block.to_owned() },
        )
        .collect()
}

impl Mutant {
    /// The file with the mistake in it.
    fn of(&self, text: &str) -> Result<String> {
        let Self { name, file, find, put, .. } = self;
        match text.matches(find).count() {
            1 => Ok(text.replacen(find, put, 1)),
            found => bail!("the mutant `{name}` finds its text {found} times in {file}:\n{find}"),
        }
    }
}

fn missing(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// Whether a command succeeds in its time.
fn passes(command: &mut Command) -> Result<bool> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if began.elapsed() > TIME_MAX {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_never_taken_for_this_workspace() {
        let lock = "[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\ndependencies = []\n\n\
                    [[package]]\nname = \"theirs\"\nversion = \"0.1.0\"\nsource = \"registry\"\n";
        let apart = set_apart(lock);
        assert_eq!(apart.matches("0.1.0-mutant").count(), 1, "{apart}");
        assert!(apart.contains("name = \"ours\"\nversion = \"0.1.0-mutant\""), "{apart}");
        for file in ["Cargo.toml", "Cargo.lock"] {
            let text = fs::read_to_string(places::root().join(file)).unwrap();
            assert!(set_apart(&text).contains("0.1.0-mutant"), "{file}");
        }
    }

    #[test]
    fn every_mutant_finds_what_it_breaks_exactly_once() {
        for mutant in MUTANTS {
            let text = fs::read_to_string(places::root().join(mutant.file)).unwrap();
            assert_ne!(mutant.of(&text).unwrap(), text, "{}", mutant.name);
        }
    }

    #[test]
    fn every_promise_has_two_mutants_and_the_page_counts_them() {
        for invariant in [1, 2, 3, 4, 5, 6, 7, 15] {
            let mutants = MUTANTS.iter().filter(|mutant| mutant.invariant == invariant);
            assert!(mutants.count() >= 2, "invariant {invariant}");
        }
        let page = fs::read_to_string(places::root().join("docs/reliability.md")).unwrap();
        assert!(page.contains(&census()), "docs/reliability.md lacks:\n{}", census());
    }
}
