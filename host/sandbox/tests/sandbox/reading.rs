//! A guest sees the repository through the view it was given, and every look is on the record.

use sandbox::Limits;
use snapshot::{Answer, Question, Tree};

use crate::Bench;
use crate::guests::in_words;

fn content(path: &str) -> Question {
    Question::Content { tree: Tree::Head, path: path.to_owned() }
}

#[tokio::test]
async fn a_file_is_read_and_the_look_is_on_the_record() {
    let bench = Bench::new().file("a.json", r#"{"a": 1}"#);
    let report = bench.run("reads", "a.json").await;
    assert_eq!(in_words(&report), r#"answered: {"a": 1}"#);
    assert_eq!((report.usage.host_calls, report.usage.read_bytes), (1, 8));
    let digest = Answer::Content(br#"{"a": 1}"#.to_vec()).digest();
    assert_eq!(report.observations, [(content("a.json"), digest)]);
    assert!(report.is_cacheable());
}

#[tokio::test]
async fn what_is_not_there_is_on_the_record_too() {
    let bench = Bench::new();
    let report = bench.run("reads", "a.json").await;
    assert_eq!(in_words(&report), "refused: a");
    let digest = Answer::Denied(snapshot::ReadError::NotFound).digest();
    assert_eq!(report.observations, [(content("a.json"), digest)]);
    assert!(report.is_cacheable());
}

#[tokio::test]
async fn with_nothing_granted_nothing_is_read() {
    let bench = Bench::new().file("a.json", "1").granting_nothing();
    let report = bench.run("reads", "a.json").await;
    // The sixth error of the contract: not granted.
    assert_eq!(in_words(&report), "refused: f");
    assert_eq!(report.observations.len(), 1);
    assert_eq!(in_words(&bench.run("globs", "").await), r#"answered: "none""#);
}

#[tokio::test]
async fn a_walk_is_answered_aside() {
    let bench = Bench::new();
    assert_eq!(in_words(&bench.run("globs", "").await), r#"answered: "none""#);
    let bench = bench.file("a.txt", "a");
    let report = bench.run("globs", "").await;
    assert_eq!(in_words(&report), r#"answered: "ok""#);
    assert!(matches!(report.observations[..], [(Question::Glob { .. }, _)]));
}

#[tokio::test]
async fn a_question_asked_again_is_one_observation() {
    let limits = Limits { host_calls: 50, ..Limits::default() };
    let bench = Bench::new().file("a.txt", "a").limits(limits);
    let report = bench.run("reads-forever", "a.txt").await;
    assert_eq!(report.usage.host_calls, 50);
    assert_eq!(report.observations.len(), 1);
    assert!(!report.is_cacheable());
}

#[tokio::test]
async fn questions_are_recorded_as_they_came() {
    let limits = Limits { host_calls: 20, ..Limits::default() };
    let report = Bench::new().limits(limits).run("reads-names-without-end", "").await;
    assert_eq!(report.observations.len(), 20);
    assert!(report.observations.is_sorted(), "names count upwards: {:?}", report.observations);
}

#[tokio::test]
async fn reading_has_a_limit_in_bytes() {
    let kib = "x".repeat(1024);
    let bench = |read_bytes| {
        let limits = Limits { read_bytes, host_calls: 4, ..Limits::default() };
        Bench::new().file("a.txt", &kib).limits(limits)
    };
    let report = bench(4 * 1024).run("reads-forever", "a.txt").await;
    assert_eq!(
        in_words(&report),
        "ended: it asked the repository more often than the limit of 4 times"
    );
    let report = bench(4 * 1024 - 1).run("reads-forever", "a.txt").await;
    assert_eq!(
        in_words(&report),
        "ended: it read more of the repository than the limit of 4095 bytes"
    );
}
