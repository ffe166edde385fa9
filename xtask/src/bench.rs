//! Measures, and writes what came out into pages of `docs`, between two markers: what stands around
//! them is written by people.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use crate::command::{cargo, output, run, say};
use crate::{components, languages, places, services};

/// Runs the benches on this machine.
pub(crate) fn bench() -> Result<()> {
    build_release()?;
    // What some rows call, and what others are held against.
    languages::build()?;
    services::install();
    say("measuring: a quarter of an hour, and the machine should do nothing else");
    let numbers = output(&mut cargo(&["bench", "--locked", "--workspace", "--bench", "*"]))?;
    print!("{numbers}");
    let measured = format!("{}\n\n```text\n{}\n```", machine()?, numbers.trim_end());
    write("docs/performance.md", "cargo xtask bench", &measured)
}

/// Compares `sbom` with the tools of others on real lock files, which come from registries.
pub(crate) fn compare() -> Result<()> {
    build_release()?;
    say("comparing; what it compares with comes from package registries");
    let script = places::root().join("xtask/compare/compare.py");
    let stepwell = places::target().join("release/stepwell");
    let folder = places::target().join("compare");
    let table = output(Command::new("python3").arg(script).args([stepwell, folder]))?;
    print!("{table}");
    let measured = format!("{}\n\n{}", machine()?, table.trim_end());
    write("docs/tools-compared.md", "cargo xtask compare", &measured)
}

/// What is measured. Some benches start it, and so it is built of the whole workspace like them.
fn build_release() -> Result<()> {
    components::build()?;
    run(&mut cargo(&["build", "--release", "--locked", "--workspace", "--bin", "stepwell"]))
}

/// Puts what was measured by a command into its place in a page.
fn write(page: &str, command: &str, measured: &str) -> Result<()> {
    let file = places::root().join(page);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {page}"))?;
    let text = between_markers(&text, command, measured).with_context(|| {
        let (begin, end) = markers(command);
        format!("{page} has no place for numbers: it needs the lines `{begin}` and `{end}`")
    })?;
    fs::write(&file, text).with_context(|| format!("cannot write {page}"))?;
    say(&format!("written to {page}"));
    Ok(())
}

fn markers(command: &str) -> (String, &'static str) {
    (format!("<!-- measured: begin ({command}) -->"), "<!-- measured: end -->")
}

/// Numbers without their machine mean nothing.
fn machine() -> Result<String> {
    let rustc = output(Command::new("rustc").arg("--version"))?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // Linux's; elsewhere the number of cores has to do.
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    Ok(format!("{cores} × {model}, {}.", rustc.trim()))
}

fn between_markers(page: &str, command: &str, text: &str) -> Option<String> {
    let (begin, end) = markers(command);
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let (begin, end) = markers("c");
        let page = format!("a\n{begin}\nold\n{end}\nb\n");
        let new = format!("a\n{begin}\nnew\n{end}\nb\n");
        assert_eq!(between_markers(&page, "c", "new"), Some(new.clone()));
        assert_eq!(between_markers(&new, "c", "new"), Some(new));
    }

    #[test]
    fn a_page_without_markers_is_left_alone() {
        let (begin, end) = markers("c");
        assert_eq!(between_markers(&format!("{end} {begin}"), "c", "new"), None);
        assert_eq!(between_markers("", "c", "new"), None);
        assert_eq!(between_markers(&format!("{begin}\n{end}"), "d", "new"), None);
    }
}
