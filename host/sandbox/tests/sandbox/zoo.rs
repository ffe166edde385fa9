//! The zoo: a guest for each way to misbehave, and the end that each of them finds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Ending, Level, Limits, Outcome};

use crate::Bench;
use crate::endings::{check, small};
use crate::guests::in_words;

/// Everything below the folder of tests that ends in `.rs`.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    let all = entries.flat_map(below);
    all.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

#[test]
fn every_guest_has_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let texts: Vec<String> =
        sources(&tests).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut guests: Vec<String> = fs::read_dir(tests.join("guests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "wat"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    guests.retain(|guest| !texts.iter().any(|text| text.contains(&format!("\"{guest}\""))));
    assert_eq!(guests, [""; 0], "name each in a test, or remove it");
}

#[test]
fn work_inside_one_instruction_is_work() {
    let out = "ended: out of fuel: it did more work than the limit of 20000000 units";
    for guest in ["fills-forever", "copies-forever"] {
        check(small(), guest, "", out);
    }
    for guest in ["fills-tables-forever", "copies-tables-forever"] {
        check(small(), guest, "", out);
    }
}

#[test]
fn time_ends_work_inside_one_instruction_too() {
    let limits = Limits {
        wall: Duration::from_millis(20),
        fuel: Limits::MAX.fuel,
        memory_bytes: 8 << 20,
        ..Limits::default()
    };
    let out = "ended: out of time: it took longer than the limit of 20 ms";
    for guest in
        ["fills-forever", "copies-forever", "fills-tables-forever", "copies-tables-forever"]
    {
        check(limits, guest, "", out);
    }
}

#[test]
fn memory_counts_by_the_page() {
    let out = "ended: out of memory: it needs more than the limit of 8388608 bytes";
    check(small(), "grows-page-by-page", "", out);
    let limits = Limits { memory_bytes: (8 << 20) + 65_535, ..small() };
    let out = "ended: out of memory: it needs more than the limit of 8454143 bytes";
    check(limits, "grows-page-by-page", "", out);
}

#[tokio::test]
async fn what_was_grown_and_touched_is_on_the_bill_to_the_byte() {
    for bench in [Bench::new(), Bench::on_demand()] {
        let report = bench.limits(small()).run("grows-page-by-page", "").await;
        assert_eq!(report.usage.memory_peak, 8 << 20);
    }
}

#[test]
fn the_stack_ends_however_it_is_used_up() {
    for guest in ["recurses", "recurses-by-turns", "recurses-in-wide-frames"] {
        for stack_bytes in [1 << 14, 1 << 20, 8 << 20] {
            let limits = Limits { stack_bytes, fuel: 1_000_000_000, ..small() };
            let out = format!(
                "ended: out of stack: its calls go deeper than the limit of {stack_bytes} bytes"
            );
            check(limits, guest, "", &out);
        }
    }
}

#[test]
fn a_guest_that_gives_up_before_it_is_called_is_named() {
    check(
        small(),
        "traps-at-start",
        "",
        "ended: it trapped: wasm `unreachable` instruction executed",
    );
}

#[test]
fn a_guest_is_given_its_input_where_it_has_memory_and_not_for_ever() {
    check(
        small(),
        "allocates-beyond-its-memory",
        "{}",
        "ended: it trapped: realloc return: beyond end of memory",
    );
    check(
        small(),
        "loops-in-its-allocator",
        "{}",
        "ended: out of fuel: it did more work than the limit of 20000000 units",
    );
}

#[test]
fn an_answer_that_is_built_deep_is_no_answer() {
    check(
        small(),
        "answers-too-deep",
        "",
        "ended: its answer cannot be used: it is nested more than 64 deep",
    );
}

#[tokio::test]
async fn an_answer_of_controls_is_no_answer_and_says_so_in_clean_words() {
    let report = Bench::new().run("answers-controls", "").await;
    let Outcome::Ended(Ending::BadAnswer { why }) = &report.outcome else {
        panic!("{}", in_words(&report))
    };
    assert!(!why.contains(char::is_control), "{why:?}");
}

/// Whoever shows a line escapes it; until then it is kept as it came.
#[tokio::test]
async fn a_forged_log_is_a_log_of_as_many_lines_as_it_was_written_in() {
    let report = Bench::new().run("logs-forgeries", "").await;
    assert_eq!(in_words(&report), r#"answered: "ok""#);
    let lines: Vec<(Level, &str)> =
        report.log.iter().map(|line| (line.level, line.text.as_str())).collect();
    let forged = "done\r\n::error::forged\n##[error]forged\n##vso[task.complete]";
    assert_eq!(
        lines,
        [(Level::Warning, "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[1A"), (Level::Warning, forged)]
    );
}

#[test]
fn a_storm_of_questions_has_an_end() {
    let limits = Limits { host_calls: 600, questions: 10_000, ..small() };
    let out = "ended: it asked the repository more often than the limit of 600 times";
    check(limits, "asks-everything", "", out);
    check(limits, "asks-again-when-refused", "../secret", out);
    let limits = Limits { host_calls: 10_000, questions: 600, ..small() };
    let out = "ended: it asked the repository more different questions than the limit of 600";
    check(limits, "asks-everything", "", out);
    check(limits, "asks-again-when-refused", "../secret", out);
}
