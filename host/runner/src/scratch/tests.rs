//! What the step's own tests can see, leave and outlive.

use std::io::{BufRead as _, Read as _};
use std::time::Duration;

use super::*;
use crate::plan::TestLimits;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Snapshot) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let snapshot = Snapshot::directory(dir.path()).unwrap();
    (dir, snapshot)
}

fn shell(script: &str) -> TestCommand {
    TestCommand {
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        reports: vec!["out/*.xml".to_owned()],
        env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        kept: None,
        limits: TestLimits::default(),
        confine: None,
    }
}

/// A round below `dir`.
fn place(dir: &Path, round: u32) -> Place {
    let outputs = Arc::new(Outputs::of(dir, false).unwrap());
    Place { dir: dir.join("s"), outputs, round, again: 0 }
}

#[tokio::test]
async fn the_command_sees_the_files_and_no_environment_but_its_own() {
    let (_keep, tree) = tree(&[("a/b.txt", "hello")]);
    let dir = tempfile::tempdir().unwrap();
    let tests = shell("cat a/b.txt; env | grep -v -e ^PATH= -e ^PWD= -e ^SHLVL= -e ^_=; exit 3");
    let run = run_tests(tests, tree, place(dir.path(), 1)).await;
    assert_eq!(run.ending, TestsEnding::Exited { code: Some(3) });
    assert_eq!(run.reports, [(".stepwell/verify/1/output.txt".to_owned(), b"hello".to_vec())]);
}

#[tokio::test]
async fn only_reports_that_this_run_wrote_are_taken() {
    let (_keep, head) = tree(&[("out/old.xml", "<old/>"), ("x", "1")]);
    let dir = tempfile::tempdir().unwrap();
    let tests = shell("echo '<new/>' > out/new.xml");
    let run = run_tests(tests.clone(), head.clone(), place(dir.path(), 0)).await;
    let paths: Vec<&str> = run.reports.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [".stepwell/verify/0/out/new.xml"]);
    // The same words written again are a report of this run, and no old one counts for the next.
    let again = Place { again: 1, ..place(dir.path(), 0) };
    let run = run_tests(tests, head.clone(), again).await;
    assert_eq!(run.reports[0].0, ".stepwell/verify/0.2/out/new.xml");
    let run = run_tests(shell("true"), head, place(dir.path(), 1)).await;
    assert_eq!(run.reports[0].0, ".stepwell/verify/1/output.txt");
}

#[tokio::test]
async fn the_next_round_gets_its_own_files_whatever_the_last_one_did_to_them() {
    let (_keep, head) = tree(&[("x", "1"), ("y", "2"), (".gitignore", "build\n")]);
    let dir = tempfile::tempdir().unwrap();
    let ruin = shell("echo ruined > x; rm y; mkdir -p build; echo kept > build/z");
    run_tests(ruin, head.clone(), place(dir.path(), 0)).await;
    let path = RepoPath::parse("x").unwrap();
    let content = FileContent { bytes: b"patched".to_vec(), executable: false };
    let patched = head.overlay([(path, Some(content))].into());
    let run = run_tests(shell("cat x y build/z"), patched, place(dir.path(), 1)).await;
    let output = String::from_utf8(run.reports[0].1.clone()).unwrap();
    assert_eq!(output, "patched2kept\n");
}

/// The command and its child hold one end of a pipe; its other end tells that both are gone.
#[tokio::test]
async fn a_command_that_is_given_up_takes_its_children_with_it() {
    let (_keep, head) = tree(&[("x", "1")]);
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let script = format!("exec 3>{}; sleep 600 & echo up >&3; sleep 600", pipe.display());
    let run = tokio::spawn(run_tests(shell(&script), head, place(dir.path(), 1)));
    let opened = tokio::task::spawn_blocking(move || fs::File::open(pipe).unwrap()).await.unwrap();
    let mut said = std::io::BufReader::new(opened);
    let (mut said, line) = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        (said, line)
    })
    .await
    .unwrap();
    assert_eq!(line, "up\n");
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    let rest = tokio::task::spawn_blocking(move || said.read_to_end(&mut Vec::new()).unwrap());
    let rest = tokio::time::timeout(Duration::from_secs(60), rest).await;
    assert_eq!(rest.expect("nobody holds the pipe any more").unwrap(), 0);
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_a_warning_and_an_ending() {
    let (_keep, head) = tree(&[("x", "1")]);
    let dir = tempfile::tempdir().unwrap();
    let mut tests = shell("");
    tests.command = vec!["no-such-program".to_owned()];
    let run = run_tests(tests, head, place(dir.path(), 1)).await;
    assert_eq!(run.ending, TestsEnding::NotStarted);
    assert!(run.warning.unwrap().starts_with("`no-such-program` could not be started"));
}
