//! However a test command ends, it ends as something that has a name, and takes all with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use session::event::{TestsEnding, TestsFacts, TestsLimit};
use snapshot::Snapshot;

use super::*;
use crate::outputs::Outputs;
use crate::plan::{TestCommand, TestLimits};
use crate::scratch::{Place, TestsRun, run_tests};

/// What a command may do at most here.
const LITTLE: TestLimits =
    TestLimits { output_bytes: 64 * 1024 * 1024, disk_bytes: 8 * 1024 * 1024 };

fn shell(script: &str, confine: Option<Arc<dyn Confine>>) -> TestCommand {
    TestCommand {
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        reports: Vec::new(),
        env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        kept: None,
        limits: LITTLE,
        confine,
    }
}

/// Bubblewrap, where this machine has it and lets us use it.
#[expect(clippy::disallowed_methods, reason = "tests look for what this machine has")]
fn bubblewrap(reach: Reach) -> Option<Arc<dyn Confine>> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|dir| dir.join("bwrap"));
    let program = places.find(|path| path.exists())?;
    let wrap = Bubblewrap { program, reach };
    let words = wrap.namespaces();
    let tried = std::process::Command::new(&words[0]).args(&words[1..]).arg("true").output();
    tried.is_ok_and(|tried| tried.status.success()).then(|| Arc::new(wrap) as Arc<dyn Confine>)
}

async fn runs(tests: TestCommand) -> (tempfile::TempDir, TestsRun) {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("x"), "1").unwrap();
    let tree = Snapshot::directory(files.path()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let outputs = Arc::new(Outputs::of(dir.path(), true).unwrap());
    let place = Place { dir: dir.path().join("s"), outputs, round: 1, again: 0 };
    let run = run_tests(tests, tree, place);
    let run = tokio::time::timeout(Duration::from_secs(120), run).await.unwrap();
    (dir, run)
}

#[tokio::test]
async fn whatever_a_command_does_it_comes_to_an_end_with_a_name() {
    const OVER: TestsEnding = TestsEnding::Ended { limit: TestsLimit::Output };
    const FULL: TestsEnding = TestsEnding::Ended { limit: TestsLimit::Disk };
    let exited = |code| TestsEnding::Exited { code: Some(code) };
    let table = [
        ("exit 3", exited(3)),
        ("head -c 30000000 /dev/zero", exited(0)),
        ("trap '' TERM INT HUP; echo deaf; exit 7", exited(7)),
        ("sleep 600 & exit 4", exited(4)),
        ("(sleep 600 & sleep 600 &) & exit 5", exited(5)),
        ("trap '' TERM; cat /dev/zero", OVER),
        ("cat /dev/zero > big", FULL),
        ("mkdir -p a/b; cat /dev/zero > a/b/big & sleep 600", FULL),
    ];
    for (script, ending) in table {
        for confine in [None, bubblewrap(Reach::default())] {
            let walls = confine.is_some();
            let (_dir, run) = runs(shell(script, confine)).await;
            assert_eq!(run.ending, ending, "{script} with walls: {walls}, {:?}", run.warning);
        }
    }
    let (_dir, run) = runs(shell("kill -9 $$", None)).await;
    assert_eq!(run.ending, TestsEnding::Exited { code: None });
}

#[tokio::test]
async fn the_output_stands_in_a_file_while_it_grows_and_after() {
    let (dir, run) = runs(shell("echo first; head -c 30000000 /dev/zero; echo last", None)).await;
    let Some(TestsFacts { output_bytes: bytes, kept: Some(kept), kept_bytes, .. }) = run.facts
    else {
        panic!("{:?}", run.facts)
    };
    assert_eq!((bytes, kept.as_str()), (30_000_011, "outputs/tests1.1.txt"));
    let file = fs::read(dir.path().join(&kept)).unwrap();
    assert!(file.starts_with(b"first\n") && file.ends_with(b"last\n"));
    assert!((file.len() as u64) > kept_bytes && kept_bytes < bytes);
    let note = format!("[{} bytes of output left out here]", bytes - kept_bytes);
    assert!(file.windows(note.len()).any(|part| part == note.as_bytes()));

    let (dir, run) = runs(shell("echo all of it", None)).await;
    let facts = run.facts.unwrap();
    assert_eq!((facts.output_bytes, facts.kept_bytes), (10, 10));
    assert_eq!(fs::read(dir.path().join("outputs/tests1.1.txt")).unwrap(), b"all of it\n");
}

/// Who could write four times what a pipe holds has been read from, whatever its reader does next.
#[tokio::test]
async fn the_output_can_be_read_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let tree = Snapshot::directory(dir.path()).unwrap();
    let state = tempfile::tempdir().unwrap();
    let pipe = state.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let outputs = Arc::new(Outputs::of(state.path(), true).unwrap());
    let place = Place { dir: state.path().join("s"), outputs, round: 2, again: 1 };
    let script =
        format!("echo up; head -c 262144 /dev/zero; echo > {}; exec sleep 600", pipe.display());
    let run = tokio::spawn(run_tests(shell(&script, None), tree, place));
    tokio::task::spawn_blocking(move || fs::read(pipe).unwrap()).await.unwrap();
    let written = fs::read(state.path().join("outputs/tests2.2.txt")).unwrap();
    assert!(written.starts_with(b"up\n") && written.len() > 65_536, "{}", written.len());
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn equal_runs_have_equal_digests_and_others_have_others() {
    let digest =
        async |script: &str| runs(shell(script, None)).await.1.facts.unwrap().digest.unwrap();
    let one = digest("echo a").await;
    assert_eq!(one, digest("echo a").await);
    assert_ne!(one, digest("echo b").await);
    assert_ne!(one, digest("echo a; exit 1").await);
}

#[test]
fn nothing_that_is_mounted_hides_what_comes_after_it() {
    let wrap = Bubblewrap {
        program: "/usr/bin/bwrap".into(),
        reach: Reach {
            home: Some("/users/u".into()),
            hidden: vec!["/run".into(), "/users/u/repo".into(), "/users".into()],
            shown: vec!["/users/u/.cargo/bin".into()],
            secret: vec!["/opt/cargo/credentials.toml".into()],
            network: false,
        },
    };
    let private = tempfile::tempdir().unwrap();
    let command = ["cargo", "test"].map(str::to_owned);
    let env: BTreeMap<String, String> =
        ["PATH", "TMPDIR"].map(|name| (name.to_owned(), "/x".to_owned())).into();
    let tree = Path::new("/users/u/repo/.git/stepwell/tree");
    let room = Room { command: &command, env: &env, tree, private: private.path() };
    let confined = wrap.confine(&room).unwrap();
    assert!(!confined.is_keeper && confined.env.keys().eq(["PATH"]));
    let words: Vec<String> = confined
        .command
        .iter()
        .map(|word| {
            word.to_string_lossy().replace(&private.path().display().to_string(), "PRIVATE")
        })
        .collect();
    insta::assert_snapshot!(words.join(" ").replace(" --", "\n--"));
}

/// What the tests may reach is what a test of theirs finds.
#[tokio::test]
async fn behind_bubblewrap_there_is_the_tree_and_little_else() {
    let home = tempfile::tempdir().unwrap();
    for file in [".netrc", "tool/run", "tool/secret"] {
        let path = home.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "word").unwrap();
    }
    let reach = Reach {
        home: Some(home.path().to_owned()),
        hidden: vec!["/run".into()],
        shown: vec![home.path().join("tool")],
        secret: vec![home.path().join("tool/secret")],
        network: false,
    };
    let Some(confine) = bubblewrap(reach) else { return };
    let script = format!(
        "cd {home} && cat .netrc 2>&1; cat tool/run; cat tool/secret; echo x > tool/run 2>&1; \
         echo mine > .cache && cat .cache; cd - > /dev/null; echo 2 > x && cat x; \
         echo t > /tmp/t && cat /tmp/t; ls /run; touch /usr/x 2>&1; \
         test $(ls -d /proc/[0-9]* | wc -l) -lt 9 && echo few; \
         tail -n +3 /proc/net/dev | cut -d: -f1",
        home = home.path().display()
    );
    let (_dir, run) = runs(shell(&script, Some(confine))).await;
    let said = String::from_utf8(run.reports[0].1.clone()).unwrap();
    let said = said.replace(&home.path().display().to_string(), "HOME");
    insta::assert_snapshot!(said);
    assert!(!home.path().join(".cache").exists());
}

/// Processes that left the group hold one end of a pipe; its other end tells that they are gone.
#[tokio::test]
async fn behind_bubblewrap_nobody_gets_away() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reach = Reach { shown: vec![dir.path().to_owned()], ..Reach::default() };
    let Some(confine) = bubblewrap(reach) else { return };
    let script = format!(
        "exec 3>{}; setsid sleep 600 & (setsid sleep 600 &); echo up >&3; sleep 600",
        pipe.display()
    );
    let run = tokio::spawn(async move { runs(shell(&script, Some(confine))).await });
    let said = tokio::task::spawn_blocking(move || {
        let mut file = fs::File::open(pipe).unwrap();
        let mut word = [0; 3];
        file.read_exact(&mut word).unwrap();
        (word, file)
    });
    let (word, mut file) = said.await.unwrap();
    assert_eq!(&word, b"up\n");
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    let rest = tokio::task::spawn_blocking(move || file.read_to_end(&mut Vec::new()).unwrap());
    let rest = tokio::time::timeout(Duration::from_secs(60), rest).await;
    assert_eq!(rest.expect("nobody holds the pipe any more").unwrap(), 0);
}

/// Each run leaves a mark outside its tree: it can be told how often there was one.
#[tokio::test]
async fn tests_that_always_say_the_same_run_once_for_the_same_files() {
    let kept = tempfile::tempdir().unwrap();
    let marks = kept.path().join("marks");
    let script = |rest: &str| format!("echo ran >> {}; echo said; {rest}", marks.display());
    let times = || fs::read_to_string(&marks).unwrap_or_default().lines().count();
    let keeps = |script: &str| {
        let dir = Some(kept.path().join("kept"));
        TestCommand { kept: dir, ..shell(script, None) }
    };
    let (_dir, first) = runs(keeps(&script("exit 3"))).await;
    let (_dir, second) = runs(keeps(&script("exit 3"))).await;
    assert_eq!(times(), 1);
    let (one, two) = (first.facts.unwrap(), second.facts.unwrap());
    assert!(one.isolation.is_some() && two.isolation.is_none());
    assert_eq!(
        (first.ending, first.reports, one.digest),
        (second.ending, second.reports, two.digest)
    );
    runs(keeps(&script("exit 0"))).await;
    assert_eq!(times(), 2);
    runs(shell(&script("exit 3"), None)).await;
    assert_eq!(times(), 3);
}
