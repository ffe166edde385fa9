//! Every guest comes to an end, and the end has a name.

use std::time::Duration;

use sandbox::{Ending, Level, Limits, LogLine, Outcome};

use crate::Bench;
use crate::guests::in_words;

/// Small enough that a guest that runs into them is over in milliseconds.
pub(crate) fn small() -> Limits {
    Limits { fuel: 20_000_000, memory_bytes: 8 << 20, ..Limits::default() }
}

/// The outcome of `guest` under `limits`, with memory from a pool and on demand alike.
#[track_caller]
pub(crate) fn check(limits: Limits, guest: &str, input: &str, expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for bench in [Bench::new(), Bench::on_demand()] {
        let bench = bench.limits(limits);
        let report = runtime.block_on(bench.run(guest, input));
        assert_eq!(in_words(&report), expected, "{guest}, {}", bench.sandbox.isolation());
        assert!(report.usage.memory_peak <= limits.memory_bytes, "{guest}: {:?}", report.usage);
        assert!(report.usage.fuel <= limits.fuel, "{guest}: {:?}", report.usage);
        assert!(report.usage.fuel > 0, "{guest}: {:?}", report.usage);
    }
}

#[test]
fn a_guest_that_behaves_is_heard() {
    check(small(), "answers", "{}", r#"answered: "ok""#);
    check(small(), "echoes", r#"{"a": [1, "ä"]}"#, r#"answered: {"a": [1, "ä"]}"#);
    check(small(), "refuses", "no such line", "refused: no such line");
}

#[test]
fn a_guest_that_breaks_is_named() {
    check(small(), "traps", "", "ended: it trapped: wasm `unreachable` instruction executed");
    check(small(), "divides", "", "ended: it trapped: integer divide by zero");
    check(
        small(),
        "answers-out-of-bounds",
        "",
        "ended: it trapped: string pointer/length out of bounds of memory",
    );
    check(
        small(),
        "answers-garbage",
        "",
        "ended: it trapped: invalid utf-8 sequence of 1 bytes from index 1",
    );
}

#[test]
fn work_has_an_end() {
    let out = "ended: out of fuel: it did more work than the limit of 20000000 units";
    check(small(), "loops", "", out);
    check(small(), "loops-at-start", "", out);
}

#[test]
fn time_has_an_end() {
    let limits =
        Limits { wall: Duration::from_millis(20), host_calls: 1_000_000, ..Limits::default() };
    let out = "ended: out of time: it took longer than the limit of 20 ms";
    check(limits, "loops", "", out);
    check(limits, "loops-at-start", "", out);
    check(limits, "reads-forever", "a.txt", out);
}

#[test]
fn a_stack_has_an_end_and_more_of_it_goes_deeper() {
    let out = "ended: out of stack: its calls go deeper than the limit of 1048576 bytes";
    check(small(), "recurses", "", out);
    for (stack_bytes, levels) in [(1 << 12, "999"), (1 << 16, "9999"), (1 << 20, "9999999")] {
        let limits = Limits { stack_bytes, fuel: 200_000_000, ..small() };
        let out = format!(
            "ended: out of stack: its calls go deeper than the limit of {stack_bytes} bytes"
        );
        check(limits, "recurses-as-told", levels, &out);
    }
    let limits = Limits { stack_bytes: Limits::MAX.stack_bytes, ..small() };
    check(limits, "recurses-as-told", "9999", r#"answered: "ok""#);
}

#[tokio::test]
async fn with_no_stack_at_all_a_guest_does_not_get_as_far_as_its_first_instruction() {
    for stack_bytes in [0, 1] {
        let limits = Limits { stack_bytes, ..small() };
        let report = Bench::new().limits(limits).run("answers", "").await;
        let ending = Ending::StackExhausted { limit: stack_bytes };
        assert_eq!(report.outcome, Outcome::Ended(ending));
        assert_eq!(report.usage.fuel, 0);
    }
}

#[tokio::test]
async fn the_stack_of_one_call_is_not_that_of_the_next() {
    let mut bench = Bench::new();
    let tool = bench.load("recurses-as-told");
    for (stack_bytes, fits) in [(1 << 12, false), (8 << 20, true), (1 << 13, false)].repeat(2) {
        bench.limits = Limits { stack_bytes, ..small() };
        let report = bench.call(&tool, "9999").await;
        let ended = Outcome::Ended(Ending::StackExhausted { limit: stack_bytes });
        let expected = if fits { Outcome::Answered("\"ok\"".to_owned()) } else { ended };
        assert_eq!(report.outcome, expected);
    }
}

#[test]
fn handles_have_an_end() {
    for guest in ["hoards-handles", "hoards-streams"] {
        let out = "ended: it holds more than the limit of 1024 handles at a time";
        check(small(), guest, "", out);
        let limits = Limits { handles: 3, ..small() };
        let out = "ended: it holds more than the limit of 3 handles at a time";
        check(limits, guest, "", out);
    }
    // One that is closed is not held.
    check(Limits { handles: 3, ..small() }, "closes-streams", "", r#"answered: "ok""#);
}

#[test]
fn random_bytes_at_once_have_an_end() {
    let ended = |bytes: &str| format!("ended: it trapped: it wants {bytes} random bytes at once");
    for (bytes, said) in [
        ("1048576", r#"answered: "ok""#),
        ("1048577", &ended("1048577")),
        ("18446744073709551615", &ended("18446744073709551615")),
    ] {
        check(small(), "asks-for-randomness", bytes, said);
    }
}

#[test]
fn memory_has_an_end_wherever_it_is_taken() {
    let out = "ended: out of memory: it needs more than the limit of 8388608 bytes";
    check(small(), "grows", "", out);
    check(small(), "grows-memories", "", out);
    check(small(), "grows-politely", "", r#"answered: "full""#);

    let limits = Limits { memory_bytes: 1 << 20, ..small() };
    let out = "ended: out of memory: it needs more than the limit of 1048576 bytes";
    check(limits, "grows-tables", "", out);
}

#[tokio::test]
async fn memory_that_is_wanted_at_the_start_counts_too() {
    for bench in [Bench::new(), Bench::on_demand()] {
        let report = bench.limits(small()).run("grows-at-start", "").await;
        let ending = Ending::OutOfMemory { limit: 8 << 20 };
        assert_eq!(report.outcome, Outcome::Ended(ending));
    }
}

#[test]
fn an_answer_is_at_most_as_large_as_allowed() {
    let limits = Limits { output_bytes: 10, ..small() };
    check(limits, "echoes", r#""8 bytes!""#, r#"answered: "8 bytes!""#);
    check(
        limits,
        "echoes",
        r#""9 bytes!!""#,
        "ended: its output is larger than the limit of 10 bytes",
    );
    check(
        Limits { fuel: 1_000_000_000, memory_bytes: 256 << 20, ..Limits::default() },
        "answers-100-mib",
        "",
        "ended: its output is larger than the limit of 1048576 bytes",
    );
}

#[test]
fn an_answer_is_shallow_json() {
    let deepest = format!("{}{}", "[".repeat(64), "]".repeat(64));
    check(small(), "echoes", &deepest, &format!("answered: {deepest}"));
    check(
        small(),
        "echoes",
        &format!("[{deepest}]"),
        "ended: its answer cannot be used: it is nested more than 64 deep",
    );
    check(
        small(),
        "echoes",
        "nonsense",
        "ended: its answer cannot be used: it is not JSON: expected ident at line 1 column 2",
    );
    check(
        small(),
        "echoes",
        "",
        "ended: its answer cannot be used: it is not JSON: EOF while parsing a value at line 1 column 0",
    );
}

#[tokio::test]
async fn a_refusal_is_one_or_two_sentences() {
    let report = Bench::new().run("refuses", &"ä".repeat(5_000)).await;
    let Outcome::Refused { message } = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(message, "ä".repeat(2_048));
}

#[test]
fn questions_have_an_end() {
    let limits = Limits { host_calls: 100, questions: 1_000, ..small() };
    let out = "ended: it asked the repository more often than the limit of 100 times";
    check(limits, "reads-forever", "a.txt", out);
    check(limits, "reads-names-without-end", "", out);

    let limits = Limits { host_calls: 1_000, questions: 100, ..small() };
    let out = "ended: it asked the repository more different questions than the limit of 100";
    check(limits, "reads-names-without-end", "", out);
    let out = "ended: it asked the repository more often than the limit of 1000 times";
    check(limits, "reads-forever", "a.txt", out);
}

#[tokio::test]
async fn questions_are_few_bytes_however_long_they_are() {
    let limits = Limits { memory_bytes: 256 << 20, ..Limits::default() };
    let bench = Bench::new().limits(limits);
    let too_long = "x".repeat(900_000);
    let report = bench.run("reads", &too_long).await;
    assert!(matches!(report.outcome, Outcome::Refused { .. }), "{}", in_words(&report));
}

#[tokio::test]
async fn a_log_is_cut_and_its_flood_costs_the_guest_nothing_but_lines() {
    let bench = Bench::new();
    let report = bench.run("logs", "careful").await;
    let line = LogLine { level: Level::Warning, text: "careful".to_owned() };
    assert_eq!((report.log, report.log_dropped), (vec![line], 0));

    let report = bench.run("logs", &"ä".repeat(10_000)).await;
    assert_eq!(report.log[0].text, "ä".repeat(2_048));

    // What a line has too much is cut; what nobody would call a line ends the call, uncopied.
    let report = bench.run("logs", &"x".repeat(1_100_000)).await;
    assert_eq!(in_words(&report), "ended: its output is larger than the limit of 1048576 bytes");

    // 256 KiB of log are 64 lines of 4 KiB.
    let report = bench.run("logs-a-flood", "").await;
    assert_eq!(in_words(&report), r#"answered: "ok""#);
    assert_eq!((report.log.len(), report.log_dropped), (64, 3_000 - 64));

    let limits = Limits { log_bytes: Limits::MAX.log_bytes, ..Limits::default() };
    let report = bench.limits(limits).run("logs-a-flood", "").await;
    assert_eq!((report.log.len(), report.log_dropped), (1_000, 2_000));
}

#[tokio::test]
async fn an_input_has_a_limit_before_anything_runs() {
    let bench = Bench::new();
    let fits = format!("\"{}\"", "x".repeat(1_000_000));
    assert_eq!(in_words(&bench.run("echoes", &fits).await), format!("answered: {fits}"));

    let report = bench.run("echoes", &"x".repeat(sandbox::INPUT_BYTES_MAX + 1)).await;
    let ending = Ending::BadInput { limit: 4 << 20 };
    assert_eq!(report.outcome, Outcome::Ended(ending));
    assert_eq!(report.usage.fuel, 0);
}

#[tokio::test]
async fn the_same_call_takes_the_same_fuel() {
    let (pooled, on_demand) = (Bench::new(), Bench::on_demand());
    let mut fuel = Vec::new();
    for bench in [&pooled, &on_demand] {
        let tool = bench.load("grows-politely");
        for _ in 0..20 {
            fuel.push(bench.call(&tool, "{}").await.usage.fuel);
        }
    }
    fuel.dedup();
    assert_eq!(fuel.len(), 1, "{fuel:?}");
    // It takes 256 MiB: the work that memory makes for the host is on the bill.
    assert!(fuel[0] > 4_000 * 255, "{fuel:?}");
}

#[tokio::test]
async fn nothing_is_left_of_one_call_in_the_next() {
    let bench = Bench::new();
    let tool = bench.load("echoes");
    for n in 0..200 {
        let input = format!("[{n}]");
        assert_eq!(in_words(&bench.call(&tool, &input).await), format!("answered: {input}"));
    }
}
