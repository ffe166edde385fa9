//! What the step's own tests can see, leave and outlive.

use std::io::{BufRead as _, Read as _};

use super::*;

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
    }
}

#[tokio::test]
async fn the_command_sees_the_files_and_no_environment_but_its_own() {
    let (_keep, tree) = tree(&[("a/b.txt", "hello")]);
    let dir = tempfile::tempdir().unwrap();
    let tests = shell("cat a/b.txt; env | grep -v -e ^PATH= -e ^PWD= -e ^SHLVL= -e ^_=; exit 3");
    let run = run_tests(tests, tree, dir.path().join("s"), 1).await;
    assert_eq!(run.ending, TestsEnding::Exited { code: Some(3) });
    assert_eq!(run.reports, [(".stepwell/verify/1/output.txt".to_owned(), b"hello".to_vec())]);
}

#[tokio::test]
async fn only_reports_that_this_run_wrote_are_taken() {
    let (_keep, head) = tree(&[("out/old.xml", "<old/>"), ("x", "1")]);
    let dir = tempfile::tempdir().unwrap();
    let scratch = dir.path().join("s");
    let run =
        run_tests(shell("echo '<new/>' > out/new.xml"), head.clone(), scratch.clone(), 0).await;
    let paths: Vec<&str> = run.reports.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [".stepwell/verify/0/out/new.xml"]);
}

#[tokio::test]
async fn the_next_round_gets_its_own_files_whatever_the_last_one_did_to_them() {
    let (_keep, head) = tree(&[("x", "1"), ("y", "2"), (".gitignore", "build\n")]);
    let dir = tempfile::tempdir().unwrap();
    let scratch = dir.path().join("s");
    let ruin = shell("echo ruined > x; rm y; mkdir -p build; echo kept > build/z");
    run_tests(ruin, head.clone(), scratch.clone(), 0).await;
    let path = RepoPath::parse("x").unwrap();
    let content = FileContent { bytes: b"patched".to_vec(), executable: false };
    let patched = head.overlay([(path, Some(content))].into());
    let run = run_tests(shell("cat x y build/z"), patched, scratch, 1).await;
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
    let run = tokio::spawn(run_tests(shell(&script), head, dir.path().join("s"), 1));
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
    let run = run_tests(tests, head, dir.path().join("s"), 1).await;
    assert_eq!(run.ending, TestsEnding::NotStarted);
    assert!(run.warning.unwrap().starts_with("`no-such-program` could not be started"));
}

#[test]
fn a_flood_of_output_keeps_its_beginning_and_its_end() {
    let mut kept = Kept::default();
    kept.push(b"first");
    for _ in 0..100 {
        kept.push(&vec![b'.'; 100_000]);
    }
    kept.push(b"last");
    let bytes = kept.into_bytes();
    assert!(bytes.starts_with(b"first") && bytes.ends_with(b"last"));
    assert!(bytes.len() < OUTPUT_HEAD_MAX + OUTPUT_TAIL_MAX + 100);
}
