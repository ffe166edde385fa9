//! Tools in other languages are deterministic: a guest that looks at everything its language gives
//! it answers with the same bytes wherever, whenever and around whatever it is called.
//!
//! `cargo xtask languages` builds the guests, from `tests/languages`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "a test may fail, has files and other programs, and says what it skips"
)]

mod places;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sandbox::{Allocator, Config, Guests, Limits, Outcome, Program, Report, Sandbox};
use serde_json::Value;
use snapshot::{Grant, Question, Snapshot, View};
use tokio_util::sync::CancellationToken;

use places::{COMMITTED_S, Places, SEEN};

/// The worker that guests run in.
const WORKER: &str = env!("CARGO_BIN_EXE_worker");

/// What the environment of a worker holds where it must not matter, and nobody may see.
const VARIABLES: [&str; 6] = [
    "HOME=/canary-of-home",
    "TZ=Pacific/Kiritimati",
    "LANG=tr_TR.UTF-8",
    "PYTHONHASHSEED=417",
    "GODEBUG=canary-of-go",
    "TOKEN=canary-of-token",
];

/// Where and how a guest is called: what must not matter.
struct Around {
    what: &'static str,
    head: Snapshot,
    allocator: Allocator,
    guests: Guests,
}

fn arounds(places: &Places) -> [Around; 4] {
    let apart = |path: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(Into::into).collect();
        Guests::Apart(Program { path: path.into(), arguments })
    };
    let elsewhere = [&["--chdir=/usr"], VARIABLES.as_slice(), &[WORKER]].concat();
    let (one, other) = (places.checkout(), places.other_checkout());
    [
        Around {
            what: "a checkout",
            head: Snapshot::directory(&one).unwrap(),
            allocator: Allocator::Pool,
            guests: apart(WORKER, &[]),
        },
        Around {
            what: "another checkout, a worker with variables and in a folder",
            head: Snapshot::directory(&other).unwrap(),
            allocator: Allocator::OnDemand,
            guests: apart("/usr/bin/env", &elsewhere),
        },
        Around {
            what: "the commit of a bare repository",
            head: Snapshot::git(&places.bare(), "HEAD").unwrap(),
            allocator: Allocator::OnDemand,
            guests: apart(WORKER, &[]),
        },
        Around {
            what: "in this process, with its variables",
            head: Snapshot::git(&one, "HEAD").unwrap(),
            allocator: Allocator::Pool,
            guests: Guests::Here,
        },
    ]
}

/// What two calls report, each with a worker and a view that know nothing of others.
async fn called(around: Around, component: &[u8], compiled: &Path) -> [Report; 2] {
    let Around { head, allocator, guests, .. } = around;
    let compiled_dir = Some(compiled.to_owned());
    let config = Config { compiled_dir, allocator, guests, ..Config::default() };
    let sandbox = Sandbox::new(config).unwrap();
    let tool = sandbox.load(component).unwrap();
    let call = async || {
        let view = View::new(head.clone(), None, Grant::everything());
        let cancel = CancellationToken::new();
        let mut report = sandbox.call(&tool, "{}", view.into(), &Limits::default(), &cancel).await;
        // The one thing that may differ: it is for people.
        report.usage.wall_us = 0;
        report
    };
    [call().await, call().await]
}

/// Calls the guest in `language` in every way, demands that nothing differs, and gives what it saw.
async fn seen(language: &str) -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("target/languages").join(language).with_extension("wasm");
    let Ok(component) = fs::read(&path) else {
        eprintln!("SKIPPED LOUDLY: no guest in {language}; `cargo xtask languages` builds it");
        return None;
    };
    let began = now();
    let kept = tempfile::tempdir().unwrap();
    // Made by the sandbox, for nobody else: it does not keep code where others may write.
    let compiled = kept.path().join("compiled");
    let places = Places::new();
    let mut first: Option<Report> = None;
    for around in arounds(&places) {
        let what = around.what;
        for report in called(around, &component, &compiled).await {
            let first = first.get_or_insert_with(|| report.clone());
            assert_eq!(answer(&report), answer(first), "{language}, {what}");
            assert_eq!(report, *first, "{language}, {what}");
        }
    }
    let report = first.unwrap();
    let asked =
        |question: &Question| report.observations.iter().any(|(asked, _)| asked == question);
    let head = snapshot::Tree::Head;
    assert!(asked(&Question::Content { tree: head, path: "seen.txt".to_owned() }));
    assert!(asked(&Question::Time { tree: head }), "it did not look at the clock");
    let text = answer(&report);
    shows_nothing_of_ours(text, &places, began..=now());
    Some(serde_json::from_str(text).unwrap())
}

#[track_caller]
fn answer(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Answered(text) => text,
        other @ (Outcome::Refused { .. } | Outcome::Ended(_)) => {
            panic!("{other:?}, after {:?}", report.log)
        }
    }
}

/// Seconds since 1970, as this machine counts them.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[track_caller]
fn shows_nothing_of_ours(text: &str, places: &Places, today: std::ops::RangeInclusive<u64>) {
    let folder = places.checkout().display().to_string();
    for word in ["canary", "Kiritimati", "tr_TR", folder.as_str(), WORKER] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    // Seconds since 1970 have ten digits; finer clocks have more, and begin with the same.
    for digits in text.split(|letter: char| !letter.is_ascii_digit()) {
        let seconds = digits.get(..10).map(|first| first.parse().unwrap());
        assert!(!seconds.is_some_and(|seconds| today.contains(&seconds)), "{digits} in {text}");
    }
}

/// What every guest saw, whatever its language: `wall` is the commit's time in its words.
#[track_caller]
fn saw(seen: &Value, wall: &Value) {
    let expected = [
        ("/wall", &[wall.clone(), wall.clone()].as_slice().into()),
        ("/environment", &Value::Array(Vec::new())),
        ("/directory", &"/".into()),
        ("/file", &SEEN.into()),
        ("/repository", &SEEN.into()),
        ("/scratch/back", &"kept for one call".into()),
    ];
    for (name, value) in expected {
        assert_eq!(seen.pointer(name), Some(value), "{name} of {seen:#}");
    }
}

/// The commit's time with a fraction.
fn stamp() -> Value {
    format!("{COMMITTED_S}.000000000").into()
}

#[tokio::test]
async fn a_tool_in_c_sees_the_same_wherever_it_is_called() {
    let Some(seen) = seen("c").await else { return };
    saw(&seen, &stamp());
}

#[tokio::test]
async fn a_tool_in_go_sees_the_same_wherever_it_is_called() {
    let Some(seen) = seen("go").await else { return };
    saw(&seen, &stamp());
}

#[tokio::test]
async fn a_tool_in_python_sees_the_same_wherever_it_is_called() {
    let Some(seen) = seen("python").await else { return };
    saw(&seen, &stamp());
}

#[tokio::test]
async fn a_tool_in_javascript_sees_the_same_wherever_it_is_called() {
    let Some(seen) = seen("javascript").await else { return };
    saw(&seen, &(COMMITTED_S * 1000).into());
}
