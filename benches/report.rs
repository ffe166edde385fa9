//! The page of a run of 50,000 records in a real browser: how long until it is there, and how long
//! a search through its records takes, as the page itself measures it.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use benches::{runs, traces};
use report::Run;

/// Debian's.
const CHROMIUM: &str = "/usr/bin/chromium";
/// Records of the run.
const RECORDS: u64 = 50_000;
/// Calls of one turn.
const CALLS: u32 = 24;
/// How often the page is opened: a browser starts cold each time.
const OPENED: usize = 5;
/// What is looked for, and is in one record.
const WORDS: &str = "module_700%2Ffile_7.rs";

fn main() {
    if !runs::is_measured() {
        return;
    }
    let trace = traces::long_run(RECORDS, CALLS);
    let began = Instant::now();
    let run = Run::read(&trace).expect("the trace was just written");
    let read = began.elapsed();
    let began = Instant::now();
    let page = report::html(&run);
    let made = began.elapsed();
    println!(
        "report: {} records, {} KiB of trace, {} calls",
        run.records,
        trace.len() / 1_024,
        run.calls.len()
    );
    println!(
        "  read in {} ms, made a page of {} KiB in {} ms",
        read.as_millis(),
        page.len() / 1_024,
        made.as_millis()
    );
    if !Path::new(CHROMIUM).exists() {
        println!("SKIPPED LOUDLY: no {CHROMIUM}: the page was not opened");
        return;
    }
    let (mut loads, mut filters): (Vec<u64>, Vec<u64>) = (0..OPENED).map(|_| open(&page)).unzip();
    loads.sort_unstable();
    filters.sort_unstable();
    let of = |sorted: &[u64]| {
        format!(
            "{} ms (median of {OPENED}; {} to {} ms)",
            sorted[OPENED / 2],
            sorted[0],
            sorted[OPENED - 1]
        )
    };
    println!("  in Chromium it is there after {}", of(&loads));
    println!("  a search through all records takes {}", of(&filters));
}

/// Milliseconds until the page is there, and of a search.
fn open(page: &str) -> (u64, u64) {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let file = dir.path().join("report.html");
    fs::write(&file, page).expect("it can be written");
    let mut command = Command::new(CHROMIUM);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args(["--no-first-run", "--disable-extensions", "--disable-background-networking"]);
    command.args(["--disable-component-update", "--dump-dom"]);
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
    command.arg(format!("--user-data-dir={}", dir.path().join("profile").display()));
    command.arg(format!("file://{}#records&q={WORDS}", file.display()));
    let out = command.stdin(Stdio::null()).output().expect("the browser starts");
    let dom = String::from_utf8_lossy(&out.stdout).into_owned();
    let number = |name: &str| -> u64 {
        let text = dom.split_once(&format!("data-{name}=\"")).expect("the page says it").1;
        text.split('"').next().and_then(|text| text.parse().ok()).expect("it is a number")
    };
    assert_eq!((number("found"), number("errors")), (1, 0), "the page found what there is");
    (number("load-ms"), number("filter-ms"))
}
