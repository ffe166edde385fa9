//! Keepers from outside: whatever a command does, it is gone when its keeper is.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may fail, and looks at processes and files"
)]

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sandbox::{Orders, TestsReach, tests_landlock};

const KEEPER: &str = env!("CARGO_BIN_EXE_worker");

fn shell(script: &str) -> Orders {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    Orders { command, reach: None, file_bytes_max: 1024 * 1024 }
}

/// A keeper, and the other end of its line.
fn start(orders: &Orders) -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let keeper = Command::new(KEEPER)
        .arg("keep")
        .arg(serde_json::to_string(orders).unwrap())
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .spawn();
    (keeper.unwrap(), ours)
}

/// All that is written until nobody is left who could, and how the keeper ended.
#[track_caller]
fn check(orders: &Orders, said: &str, code: i32) {
    let (mut keeper, _line) = start(orders);
    let mut output = String::new();
    keeper.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!((output.as_str(), keeper.wait().unwrap().code()), (said, Some(code)));
}

#[test]
fn a_keeper_ends_as_the_command_did_and_nobody_is_left() {
    check(&shell("echo a; exit 3"), "a\n", 3);
    check(&shell("sleep 600 & setsid sleep 600 & echo b"), "b\n", 0);
    check(&shell("(setsid sh -c 'sleep 600 & sleep 600' &); (sleep 600 &); exit 5"), "", 5);
    check(&shell("trap '' TERM HUP INT; (trap '' TERM; sleep 600) & exit 6"), "", 6);
    check(&shell("f() { sleep 600 & }; for i in 1 2 3 4 5 6 7 8 9; do f; done"), "", 0);
    let (mut keeper, _line) = start(&shell("kill -9 $$"));
    assert_eq!(keeper.wait().unwrap().signal(), Some(9));
}

/// A keeper whose line closes, as it does when the step is killed.
#[test]
fn nobody_outlives_the_step() {
    for script in
        ["echo up; exec sleep 600", "setsid sleep 600 & (setsid sleep 600 &); echo up; wait"]
    {
        let (mut keeper, line) = start(&shell(script));
        let mut output = keeper.stdout.take().unwrap();
        let mut word = [0; 3];
        output.read_exact(&mut word).unwrap();
        drop(line);
        assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0, "{script}");
        assert_eq!(keeper.wait().unwrap().signal(), Some(9), "{script}");
    }
}

#[test]
fn a_keeper_says_why_it_started_nothing() {
    let said = |orders: &Orders| {
        let (mut keeper, mut line) = start(orders);
        assert_eq!(keeper.wait().unwrap().code(), Some(125));
        let mut word = String::new();
        line.read_to_string(&mut word).unwrap();
        word
    };
    let none = Orders { command: Vec::new(), ..shell("") };
    assert_eq!(said(&none), "the command is empty");
    let missing = Orders { command: vec!["no-such-program".to_owned()], ..shell("") };
    assert_eq!(said(&missing), "No such file or directory (os error 2)");
}

#[test]
fn a_file_ends_where_it_may_not_grow_further() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("big");
    let script = format!("head -c 3000000 /dev/zero > {}; echo $?", file.display());
    let (keeper, _line) = start(&shell(&script));
    assert_ne!(keeper.wait_with_output().unwrap().stdout, b"0\n");
    assert_eq!(fs::metadata(file).unwrap().len(), 1024 * 1024);
}

#[test]
fn behind_landlock_a_command_reaches_what_it_is_given() {
    if tests_landlock().is_err() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    for name in ["open", "closed", "own"] {
        fs::create_dir(place(name)).unwrap();
        fs::write(place(name).join("x"), name).unwrap();
    }
    let system = ["/usr", "/bin", "/lib", "/lib64", "/etc"].map(|path| Path::new(path).to_owned());
    let read = system.into_iter().chain([place("open")]).collect();
    let reach = TestsReach { read, write: vec![place("own"), "/dev".into()] };
    let script = format!(
        "cd {}; cat open/x && echo; cat closed/x; cat own/x && echo; echo no > open/x; \
         echo yes > own/y && cat own/y; echo > /dev/null && echo null",
        dir.path().display()
    );
    check(&Orders { reach: Some(reach), ..shell(&script) }, "open\nown\nyes\nnull\n", 0);
    assert_eq!(fs::read_to_string(place("open").join("x")).unwrap(), "open");
}
