//! What a guest can learn of the machine, the day and the run through WASI: nothing.
#![expect(clippy::disallowed_types, reason = "git makes the commits")]

use std::fs;
use std::process::Command;

use sandbox::{Config, Limits, Report};
use snapshot::{Grant, Snapshot, View};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::Bench;
use crate::guests::in_words;

/// What the commit says of its time: 14 November 2023.
const COMMITTED_S: u64 = 1_700_000_000;

/// What the monotonic clock shows to who has not waited: an hour.
const BEGUN_NS: u64 = 3_600_000_000_000;

/// A repository with one commit.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "text").unwrap();
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "a"]] {
        let mut git = Command::new("git");
        git.current_dir(dir.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.args(["-c", "user.name=a", "-c", "user.email=a@a", "-c", "commit.gpgsign=false"]);
        git.env("GIT_AUTHOR_DATE", "@1 +0000");
        git.env("GIT_COMMITTER_DATE", format!("@{COMMITTED_S} +0200"));
        assert!(git.args(arguments).status().unwrap().success());
    }
    dir
}

async fn observe(bench: &Bench, head: Snapshot, input: &str) -> Report {
    let tool = bench.load("observes");
    let view = View::new(head, None, Grant::everything());
    let limits = Limits::default();
    bench.sandbox.call(&tool, input, view.into(), &limits, &CancellationToken::new()).await
}

#[tokio::test]
async fn the_same_call_sees_the_same_wherever_and_whenever_it_is_made() {
    let (one, other) = (repository(), repository());
    let heads = [
        Snapshot::directory(one.path()).unwrap(),
        Snapshot::git(one.path(), "HEAD").unwrap(),
        Snapshot::directory(other.path()).unwrap(),
    ];
    let mut reports = Vec::new();
    for head in heads {
        for bench in [Bench::with(&Config::default()), Bench::on_demand()] {
            reports.push(observe(&bench, head.clone(), "a.txt").await);
        }
    }
    for report in &reports {
        assert_eq!(in_words(report), in_words(&reports[0]));
        assert_eq!(report.observations, reports[0].observations);
        assert_eq!(report.usage.fuel, reports[0].usage.fuel);
    }
    let said = in_words(&reports[0]);
    let clock = format!("answered: \"{COMMITTED_S:016x}{BEGUN_NS:016x}");
    assert!(said.starts_with(&clock), "{said}");
    assert!(said.ends_with("00text\""), "no variables, and the file: {said}");
    assert_eq!(reports[0].log[0].text, "said");
    let asked: Vec<String> = reports[0].observations.iter().map(|(q, _)| q.to_string()).collect();
    insta::assert_snapshot!(asked.join("\n"), @r#"
    the time of the commit
    the variables that are granted
    what stands at "a.txt"
    the content of "a.txt"
    "#);
}

#[tokio::test]
async fn another_call_draws_other_numbers() {
    let repository = repository();
    fs::copy(repository.path().join("a.txt"), repository.path().join("b.txt")).unwrap();
    let (bench, head) = (Bench::new(), Snapshot::directory(repository.path()).unwrap());
    let one = in_words(&observe(&bench, head.clone(), "a.txt").await);
    let other = in_words(&observe(&bench, head, "b.txt").await);
    assert_ne!(one, other);
}

#[tokio::test]
async fn what_is_not_there_has_wasis_own_words() {
    let bench = Bench::new();
    // The 21st error of WASI's list is `no-entry`, the 32nd `not-permitted`.
    assert_eq!(in_words(&bench.run("observes", "missing").await), "refused: U");
    assert_eq!(in_words(&bench.run("observes", "../etc/passwd").await), "refused: `");
}
