//! This program started again as a process of its own, so that nobody else's memory is counted with
//! it; and what such a process says of itself.

use std::process::{Child, Command, Stdio};

/// Starts this program with other arguments; its input and output are pipes.
#[must_use]
pub fn start(arguments: &[&str]) -> Child {
    let me = std::env::current_exe().expect("this program is a file");
    let mut command = Command::new(me);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("it can be started again")
}

/// The numbers of a text that must have exactly so many.
#[must_use]
pub fn numbers<const N: usize>(text: &str) -> [u64; N] {
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{N} numbers are due: {text}"))
}

/// The most resident memory this process has had (`VmHWM` of proc(5)), in KiB.
#[must_use]
pub fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    numbers::<1>(peak.expect("Linux tells"))[0]
}
