//! Measures, and writes what came out into `docs/performance.md`, between two markers: what stands
//! around them is written by people.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use crate::command::{cargo, output, run, say};
use crate::{components, places};

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- measured: begin (cargo xtask bench) -->";
const END: &str = "<!-- measured: end -->";

/// Runs the benches on this machine.
pub(crate) fn bench() -> Result<()> {
    components::build()?;
    // One of the benches starts it. Both are built of the whole workspace, so that they share what
    // they are built of.
    run(&mut cargo(&["build", "--release", "--locked", "--workspace", "--bin", "stepwell"]))?;
    say("measuring");
    let numbers = output(&mut cargo(&["bench", "--locked", "--workspace", "--bench", "*"]))?;
    print!("{numbers}");

    let file = places::root().join(PAGE);
    let page = fs::read_to_string(&file).with_context(|| format!("cannot read {PAGE}"))?;
    let measured = format!("{}\n\n```text\n{}\n```", machine()?, numbers.trim_end());
    let page = between_markers(&page, &measured).with_context(|| {
        format!("{PAGE} has no place for numbers: it needs the lines `{BEGIN}` and `{END}`")
    })?;
    fs::write(&file, page).with_context(|| format!("cannot write {PAGE}"))?;
    say(&format!("written to {PAGE}"));
    Ok(())
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

fn between_markers(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = format!("a\n{BEGIN}\nnew\n{END}\nb\n");
        assert_eq!(between_markers(&page, "new"), Some(new.clone()));
        assert_eq!(between_markers(&new, "new"), Some(new));
    }

    #[test]
    fn a_page_without_markers_is_left_alone() {
        assert_eq!(between_markers(&format!("{END} {BEGIN}"), "new"), None);
        assert_eq!(between_markers("", "new"), None);
    }
}
