//! Counts the instructions of the paths that matter most, below valgrind, and holds them against
//! `benches/instructions.toml`: work that grew fails where a time could not, since machines are noisy
//! and counts are not.
//!
//! The *dev* build is counted, which the tests need anyway. Our own crates are not optimised there, so
//! this sees more work being done, and not whether the optimiser does well.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::command::{cargo, output, say};
use crate::{components, places, services};

/// What was counted when it was last accepted.
const TABLE: &str = "benches/instructions.toml";

/// How much a path may grow that has no margin of its own, in percent. Counts of one program on one
/// machine differ by less than a thousandth (the seeds of hash tables); the rest is for C libraries.
const MARGIN_PERCENT: f64 = 3.0;

const VALGRIND: &str = "/usr/bin/valgrind";

/// The table, as it lies in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    /// What decides counts beside the program. Counts of others are shown and not judged.
    made_with: String,
    path: Vec<Row>,
}

/// A path of `benches/instructions.rs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    name: String,
    /// Of doing it once.
    instructions: u64,
    /// How far a count may be above.
    margin_percent: f64,
}

/// What a count says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fits,
    /// Above the margin.
    Grew,
    /// As far below.
    Shrank,
    /// Nothing says what it was.
    New,
}

/// `instructions`: counts and compares; `instructions --accept`: counts and writes the table.
pub(crate) fn chore(args: &[&str]) -> Result<()> {
    match args {
        [] => {
            components::build()?;
            check()
        }
        ["--accept"] => {
            components::build()?;
            match counts()? {
                Some(counts) => accept(&counts),
                None => Ok(()),
            }
        }
        _ => bail!("write `instructions`, or `instructions --accept` to take what is counted"),
    }
}

/// Counts, and fails if a path does more than the table allows. The tools are built already.
pub(crate) fn check() -> Result<()> {
    let Some(counts) = counts()? else { return Ok(()) };
    let (table, here) = (table()?, made_with()?);
    let rows = judged(&table, &counts);
    println!("{}", shown(&table, &rows));
    if table.made_with != here {
        say("SKIPPED LOUDLY: the counts of the table are not comparable, and nothing was judged:");
        println!("    the table: {}\n    here:      {here}", table.made_with);
        println!("    `cargo xtask instructions --accept` takes what is counted here");
        return Ok(());
    }
    concluded(&table, &rows)
}

/// What is to be done about verdicts.
fn concluded(table: &Table, rows: &[Judged]) -> Result<()> {
    let of = |wanted: Verdict| -> Vec<&str> {
        let rows = rows.iter().filter(|row| row.verdict == wanted);
        rows.map(|row| row.name.as_str()).collect()
    };
    let gone = table.path.iter().map(|row| row.name.as_str());
    let gone: Vec<&str> = gone.filter(|name| rows.iter().all(|row| row.name != *name)).collect();
    let accept = "`cargo xtask instructions --accept`";
    let shrank = of(Verdict::Shrank);
    if !shrank.is_empty() {
        say(&format!("{} became cheaper: keep it with {accept}", shrank.join(", ")));
    }
    let grew = of(Verdict::Grew);
    if !grew.is_empty() {
        bail!("{} became dearer; if it is worth it: {accept}", grew.join(", "));
    }
    let unlisted = [of(Verdict::New), gone].concat();
    if !unlisted.is_empty() {
        bail!("{TABLE} and benches/instructions.rs differ in {}: {accept}", unlisted.join(", "));
    }
    Ok(())
}

/// A path, and what became of it.
#[derive(Debug, Clone, PartialEq)]
struct Judged {
    name: String,
    counted: u64,
    expected: Option<u64>,
    verdict: Verdict,
}

fn judged(table: &Table, counts: &[(String, u64)]) -> Vec<Judged> {
    let of = |(name, counted): &(String, u64)| {
        let row = table.path.iter().find(|row| row.name == *name);
        let verdict = match row.map(|row| (percent(*counted, row.instructions), row)) {
            None => Verdict::New,
            Some((more, row)) if more > row.margin_percent => Verdict::Grew,
            Some((more, row)) if more < -row.margin_percent => Verdict::Shrank,
            Some(_) => Verdict::Fits,
        };
        let expected = row.map(|row| row.instructions);
        Judged { name: name.clone(), counted: *counted, expected, verdict }
    };
    counts.iter().map(of).collect()
}

/// How much more a count is than another.
fn percent(counted: u64, expected: u64) -> f64 {
    // Below 2^53, and then exact: an hour of instructions.
    let (counted, expected) = (counted as f64, expected.max(1) as f64);
    (counted - expected) / expected * 100.0
}

fn shown(table: &Table, rows: &[Judged]) -> String {
    let head =
        format!("{:<16} {:>12} {:>12} {:>8} {:>8}", "path", "counted", "expected", "", "margin");
    let row = |Judged { name, counted, expected, verdict }: &Judged| {
        let expectation = expected.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let more = expected.map(|expected| format!("{:+.1} %", percent(*counted, expected)));
        let margin = table.path.iter().find(|row| row.name == *name);
        let margin = margin.map(|row| format!("{} %", row.margin_percent));
        let word = match verdict {
            Verdict::Fits => "",
            Verdict::Grew => "  GREW",
            Verdict::Shrank => "  shrank: accept it",
            Verdict::New => "  not in the table",
        };
        let (more, margin) = (more.unwrap_or_default(), margin.unwrap_or_default());
        format!("\n{name:<16} {counted:>12} {expectation:>12} {more:>8} {margin:>8}{word}")
    };
    head + &rows.iter().map(row).collect::<String>()
}

fn table() -> Result<Table> {
    let text = fs::read_to_string(places::root().join(TABLE));
    let text = text.with_context(|| format!("cannot read {TABLE}"))?;
    toml::from_str(&text).with_context(|| format!("{TABLE} is no table of counts"))
}

/// Writes what was counted. Margins that somebody has chosen stay.
fn accept(counts: &[(String, u64)]) -> Result<()> {
    let old = table().map(|table| table.path).unwrap_or_default();
    let row = |(name, counted): &(String, u64)| {
        let before = old.iter().find(|row| row.name == *name);
        let margin_percent = before.map_or(MARGIN_PERCENT, |row| row.margin_percent);
        Row { name: name.clone(), instructions: *counted, margin_percent }
    };
    let table = Table { made_with: made_with()?, path: counts.iter().map(row).collect() };
    let text = format!(
        "# Instructions of each path of instructions.rs, done once, in the dev build: written by\n\
         # `cargo xtask instructions --accept`, held against what is counted by `cargo xtask test`.\n\
         # Margins are chosen by hand, and stay.\n{}",
        toml::to_string(&table)?
    );
    fs::write(places::root().join(TABLE), text).with_context(|| format!("cannot write {TABLE}"))?;
    println!("{}", shown(&table, &judged(&table, counts)));
    say(&format!("written to {TABLE}"));
    Ok(())
}

/// The compiler writes the instructions; valgrind says which of them the processor has.
fn made_with() -> Result<String> {
    let rustc = output(Command::new("rustc").arg("--version"))?;
    let valgrind = output(Command::new(VALGRIND).arg("--version"))?;
    let arch = std::env::consts::ARCH;
    let (processor, parts) = (processor()?, parts());
    Ok(format!("{}, {}, {arch}, {processor}, {parts}", rustc.trim(), valgrind.trim()))
}

/// Libraries choose their code by it, and guests are compiled for it.
fn processor() -> Result<String> {
    let about = fs::read_to_string("/proc/cpuinfo").context("cannot see which processor it is")?;
    let mut lines = about.lines().filter_map(|line| line.split_once(':'));
    let model = lines.find(|(name, _)| name.trim() == "model name");
    Ok(model.map_or("a processor without a name", |(_, model)| model.trim()).to_owned())
}

/// Whether crates are compiled in the parts that a later build can keep: more is inlined without.
fn parts() -> &'static str {
    match std::env::var("CARGO_INCREMENTAL").as_deref() {
        Ok("0") => "CARGO_INCREMENTAL=0",
        Ok(_) | Err(_) => "incremental",
    }
}

/// Every path and its count; nothing where valgrind cannot be had.
fn counts() -> Result<Option<Vec<(String, u64)>>> {
    if !services::has("valgrind") {
        say("SKIPPED LOUDLY: no valgrind here, so instructions were not counted");
        return Ok(None);
    }
    say("building what is counted");
    let program = program()?;
    let dir = places::target().join("instructions");
    fs::create_dir_all(&dir)?;
    say("counting instructions");
    output(ready(&program).arg("ready").arg(&dir))?;
    let paths = output(Command::new(&program).arg("paths"))?;
    let paths: Vec<(&str, u64)> = paths
        .lines()
        .map(|line| {
            let (name, times) = line.split_once(' ').context("a path has a number of times")?;
            Ok((name, times.parse()?))
        })
        .collect::<Result<_>>()?;
    let counts = side_by_side(&paths, |(name, times)| count(&program, &dir, name, *times))?;
    say("counted");
    Ok(Some(counts))
}

/// What compiles the guests: they are not to be compiled while something is counted. Where the
/// processor has what valgrind's has not, its code would not run there, and it takes a minute more.
fn ready(program: &Path) -> Command {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        let mut valgrind = Command::new(VALGRIND);
        valgrind.args(["--tool=none", "--quiet"]).arg(program);
        return valgrind;
    }
    Command::new(program)
}

/// One thread a processor, each taking what comes next.
fn side_by_side<T: Sync, O: Send>(
    all: &[T],
    act: impl Fn(&T) -> Result<O> + Sync,
) -> Result<Vec<O>> {
    let (next, done) = (Mutex::new(all.iter().enumerate()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().ok().and_then(|mut next| next.next());
                    let Some((at, one)) = taken else { return };
                    let did = act(one);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, did));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().ok().context("a thread panicked")?;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, did)| did).collect()
}

/// A path by its name, and the instructions of doing it once.
fn count(program: &Path, dir: &Path, name: &str, times: u64) -> Result<(String, u64)> {
    let into = dir.join(format!("{name}.callgrind"));
    let mut valgrind = Command::new(VALGRIND);
    valgrind.args(["--tool=callgrind", "--collect-atstart=no"]);
    valgrind.arg("--toggle-collect=*instructions*counted*");
    valgrind.arg(format!("--callgrind-out-file={}", into.display()));
    output(valgrind.arg(program).arg(name).arg(dir))?;
    let text = fs::read_to_string(&into).context("callgrind wrote nothing")?;
    let total = total(&text).with_context(|| format!("{name}: callgrind counted nothing"))?;
    Ok((name.to_owned(), total / times.max(1)))
}

/// The line that holds it in what callgrind writes (its manual, "Callgrind Format Specification").
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok().filter(|total| *total > 0)
}

/// What of cargo's messages is looked at.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// Builds the bench as tests are built, so that nothing is built twice; where it lies.
fn program() -> Result<PathBuf> {
    let words = ["test", "--workspace", "--locked", "--no-run", "--bench", "instructions"];
    let messages = output(cargo(&words).args(["--quiet", "--message-format=json"]))?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let is_it = |message: &Message| {
        message.target.as_ref().is_some_and(|target| target.name == "instructions")
    };
    let mut found = messages.filter(is_it).filter_map(|message| message.executable);
    found.next().context("cargo built no `instructions`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(rows: &[(&str, u64)]) -> Table {
        let row = |(name, instructions): &(&str, u64)| Row {
            name: (*name).to_owned(),
            instructions: *instructions,
            margin_percent: MARGIN_PERCENT,
        };
        Table { made_with: "m".to_owned(), path: rows.iter().map(row).collect() }
    }

    #[test]
    fn what_grows_beyond_its_margin_fails() {
        for (counted, verdict, fails) in [
            (1_000, Verdict::Fits, false),
            (1_030, Verdict::Fits, false),
            (1_031, Verdict::Grew, true),
            (2_000, Verdict::Grew, true),
            (970, Verdict::Fits, false),
            (969, Verdict::Shrank, false),
            (1, Verdict::Shrank, false),
        ] {
            let table = table_of(&[("a", 1_000)]);
            let rows = judged(&table, &[("a".to_owned(), counted)]);
            assert_eq!(rows[0].verdict, verdict, "{counted}");
            assert_eq!(concluded(&table, &rows).is_err(), fails, "{counted}");
        }
    }

    #[test]
    fn a_path_that_only_one_side_knows_fails() {
        for (expected, counted) in [("a", "b"), ("b", "a")] {
            let table = table_of(&[("both", 7), (expected, 7)]);
            let counts = [("both".to_owned(), 7), (counted.to_owned(), 7)];
            let problem = concluded(&table, &judged(&table, &counts)).unwrap_err();
            assert!(problem.to_string().contains("differ in"), "{problem}");
        }
        let table = table_of(&[("a", 7), ("b", 7)]);
        let problem = concluded(&table, &judged(&table, &[("a".to_owned(), 7)])).unwrap_err();
        assert!(problem.to_string().contains("differ in b"), "{problem}");
    }

    #[test]
    fn a_margin_may_be_a_rows_own() {
        let mut table = table_of(&[("a", 1_000)]);
        table.path[0].margin_percent = 20.0;
        let rows = judged(&table, &[("a".to_owned(), 1_190)]);
        assert_eq!(rows[0].verdict, Verdict::Fits);
        let shown = shown(&table, &rows);
        assert!(shown.contains("+19.0 %") && shown.contains("20 %"), "{shown}");
    }

    #[test]
    fn what_callgrind_wrote_is_read() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(1) f\n1 2\ntotals: 1234\n"), Some(1_234));
        assert_eq!(total("totals: 0\n"), None);
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn the_committed_table_is_one() {
        let table = table().unwrap();
        assert!(table.path.len() >= 6, "{table:?}");
        assert!(table.path.iter().all(|row| row.instructions > 0 && row.margin_percent >= 1.0));
    }
}
