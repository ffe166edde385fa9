//! The project's own tests, as a user sees them run: guarded, kept, told apart.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::{Ran, World};

const PATCH: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n";

/// A step whose test command is `check`, with more in its `[verify]`.
fn with_check(check: &str, verify: &str) -> World {
    let step = format!(
        "name = \"s\"\ngoal = \"patch\"\ntask = \"t\"\n[verify]\ncommand = [\"sh\", \"check.sh\"]\n\
         repair-rounds = 0\n{verify}\n"
    );
    World::files(&[(".stepwell/step.toml", &step), ("check.sh", check), ("a.txt", "one\n")])
}

/// Runs the step with a model that proposes the patch; the tests find the home of the world.
fn run_patch(world: &World) -> Ran {
    let script = format!(
        "model = \"m\"\n[[turn]]\n[[turn.call]]\ntool = \"propose_patch\"\n\
         arguments = {{ why = \"w\", patch = {PATCH:?} }}\n"
    );
    world.write("model.toml", &script);
    let mut command = world.command(&["run", "--provider", "script:model.toml"]);
    Ran::from(command.env("HOME", home(world)).output().unwrap())
}

fn home(world: &World) -> std::path::PathBuf {
    let home = world.repo().with_file_name("home");
    fs::create_dir_all(&home).unwrap();
    home
}

#[test]
fn a_run_says_what_guards_the_tests_and_they_find_no_secret_of_the_user() {
    let check = "grep -q two a.txt && ! cat \"$HOME/.netrc\"";
    for (verify, guards) in [("", true), ("sandbox = \"off\"", false)] {
        let world = with_check(check, verify);
        fs::write(home(&world).join(".netrc"), "password").unwrap();
        // In git's own directory, the tree of the tests has a relative path.
        world.commit("one");
        let ran = run_patch(&world);
        let accounting = world.json(".stepwell/out/accounting.json");
        let isolation = accounting["tests-isolation"].as_str().unwrap();
        let guarded = !isolation.starts_with("no wall");
        assert!(guards || !guarded, "{isolation}");
        assert_eq!(ran.code, Some(if guarded { 0 } else { 12 }), "{isolation}\n{}", ran.err);
        assert!(ran.err.contains(&format!("guarded by {isolation}")), "{}", ran.err);
        assert!(world.path(".stepwell/out/outputs/tests1.1.txt").is_file());
    }
}

#[test]
fn who_requires_walls_gets_them_or_no_run() {
    let world = with_check("true", "sandbox = \"require\"");
    let ran = run_patch(&world);
    if ran.code == Some(0) {
        let accounting = world.json(".stepwell/out/accounting.json");
        let isolation = accounting["tests-isolation"].as_str().unwrap();
        assert!(isolation.starts_with("bubblewrap"), "{isolation}");
    } else {
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains("requires walls around its tests"), "{}", ran.err);
        assert!(!world.path(".stepwell/out/result.json").exists());
    }
}

#[test]
fn tests_that_fail_once_and_pass_then_are_called_flaky() {
    // Its home is its own from one try to the next.
    let check = "[ -e \"$HOME/mark\" ] && exit 0; : > \"$HOME/mark\"; exit 1";
    for (verify, code, outcome) in [
        ("", 12, "patch-failing"),
        ("retries = 2", 12, "patch-failing"),
        ("retries = 2\nflaky = \"pass\"", 0, "patch-tested"),
    ] {
        let world = with_check(check, verify);
        run_patch(&world).code(code);
        let result = world.artifacts();
        assert_eq!(result["outcome"], outcome, "{verify}");
        let failed = if verify.is_empty() { None } else { Some(1) };
        assert_eq!(result["tests-after"]["failed-before"].as_u64(), failed, "{verify}");
        let again = world.path(".stepwell/out/outputs/tests1.2.txt");
        assert_eq!(again.exists(), failed.is_some());
        let report = world.read(".stepwell/out/report.md");
        assert_eq!(report.contains("failed 1 time before with the same files"), failed.is_some());
    }
}

#[test]
fn what_failed_before_is_told_apart_from_what_the_patch_breaks() {
    let check = "grep -q NOW a.txt && new='<failure/>'\n\
                 echo \"<testsuite><testcase name='old'><failure/></testcase>\\\n\
                 <testcase name='new'>$new</testcase></testsuite>\" > r.xml; exit 1";
    for (word, outcome) in [("three", "patch-failing-as-before"), ("two", "patch-failing")] {
        let world = with_check(&check.replace("NOW", word), "before = true\nreports = [\"r.xml\"]");
        let ran = run_patch(&world).code(12);
        let result = world.artifacts();
        assert_eq!(result["outcome"], outcome, "{}", ran.err);
        let compared = &result["tests-after"]["compared"];
        assert_eq!(compared["still-failing"]["tests"][0], "old", "{compared}");
        let newly = u64::from(word == "two");
        assert_eq!(compared["newly-failing"]["count"], newly, "{compared}");
        assert!(ran.err.contains("1 failed before, too"), "{}", ran.err);
        assert!(world.read(".stepwell/out/report.md").contains("1 failed before, too: old"));
    }
}

/// The command and what left its group hold one end of a pipe; its other end tells that all are gone.
#[test]
fn a_step_that_is_killed_takes_its_tests_with_it() {
    let world = with_check("", "before = true\nsandbox = \"off\"");
    let pipe = world.repo().with_file_name("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let check = format!(
        "exec 3>{}; setsid sleep 600 & (setsid sleep 600 &); echo up >&3; exec sleep 600\n",
        pipe.display()
    );
    world.write("check.sh", &check);
    let mut command = world.command(&["run", "--provider", "offline"]);
    let mut step = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = fs::File::open(&pipe).unwrap();
    let mut word = [0; 3];
    said.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"up\n");
    step.kill().unwrap();
    step.wait().unwrap();
    assert_eq!(said.read_to_end(&mut Vec::new()).unwrap(), 0);
}
