//! Whatever comes in: an error or an ending that says what happened, why, and what to do; and a
//! run that has begun ends with its artifacts.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::support::{Ran, World};

#[track_caller]
fn check_told(ran: &Ran, code: i32, says: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}", ran.err);
    for words in says {
        assert!(ran.err.contains(words), "`{words}` is not in:\n{}", ran.err);
    }
}

const STEP: &str = "name = \"s\"\ngoal = \"patch\"\ntask = \"t\"\n[verify]\ncommand = [\"true\"]\n";

fn with_step(step: &str) -> World {
    World::files(&[(".stepwell/step.toml", step), ("a.txt", "one\ntwo\nthree\n")])
}

#[test]
fn a_step_file_that_cannot_be_used_says_where_and_what_would_do() {
    let told = |step: &str| with_step(step).stepwell(&["run"]);
    check_told(&told("name = 3"), 2, &["cannot be used", "line 1", "help:"]);
    check_told(
        &told("name = \"s\"\ntask = \"t\"\n[gates]\nfiles-mx = 1"),
        2,
        &["line 4: there is no key `files-mx` in `[gates]`", "did you mean `files-max`?"],
    );
    check_told(
        &told("name = \"s\"\ntask = \"t\"\n[tools]\nallow = [\"read_fil\"]"),
        2,
        &["did you mean `read_file`?"],
    );
    let none = World::files(&[("a", "b")]).stepwell(&["run"]);
    check_told(&none, 2, &["there is no step file", "stepwell init"]);
}

#[test]
fn what_is_not_there_is_named() {
    let world = with_step(STEP);
    check_told(
        &world.stepwell(&["run", "--provider", "script:no.toml"]),
        2,
        &["cannot read `no.toml`"],
    );
    check_told(&world.stepwell(&["run", "--head", "nope"]), 2, &["not in a git repository"]);
    check_told(
        &world.stepwell(&["run", "--provider", "openai"]),
        2,
        &["names no model", "[model]"],
    );
    world.commit("one");
    check_told(
        &world.stepwell(&["run", "--head", "nope"]),
        2,
        &["the revision `nope`", "git rev-parse"],
    );
    let script = world.run_model("model = \"m\"\n[[turn]]\nsya = \"x\"\n");
    check_told(&script, 2, &["the script", "sya"]);
    let with_model = "name = \"s\"\ntask = \"t\"\n[model]\nname = \"m\"\nkey-env = \"NO_SUCH_KEY\"\n\
                      price = { input = 1, output = 1 }\n";
    let ran = with_step(with_model).stepwell(&["run", "--provider", "openai"]);
    check_told(&ran, 2, &["`NO_SUCH_KEY` is not set", "--provider offline"]);
}

#[test]
fn a_journal_that_was_changed_is_not_gone_on_with() {
    let world = with_step(STEP);
    world.stepwell(&["run", "--quiet", "--provider", "offline", "--kill-at", "append:8"]);
    let run = std::fs::read_dir(world.path(".stepwell/runs")).unwrap().flatten();
    let journal = run.map(|entry| entry.path().join("journal.jsonl")).find(|path| path.exists());
    let journal = journal.unwrap();
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("\"seq\":2", "\"seq\":9", 1)).unwrap();
    let ran = world.stepwell(&["run", "--provider", "offline"]);
    check_told(&ran, 40, &["damaged at line", "--fresh"]);
    world.stepwell(&["run", "--provider", "offline", "--fresh"]).code(0);
}

#[test]
fn a_tool_reads_nothing_outside_the_repository() {
    let world = with_step(STEP);
    std::fs::write(world.path("../secret"), "hunter2").unwrap();
    std::os::unix::fs::symlink("../secret", world.path("link")).unwrap();
    for path in ["../secret", "/etc/passwd", "link", "a/../../secret", ".git/config"] {
        let arguments = serde_json::json!({ "path": path }).to_string();
        let ran = world.stepwell(&["tool", "call", "read_file", "--args", &arguments]);
        assert_ne!(ran.code, Some(0), "{path}: {}", ran.out);
        assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{path}");
        assert!(ran.err.starts_with("error: "), "{path}: {}", ran.err);
    }
}

#[test]
fn a_tool_that_is_granted_nothing_reads_nothing() {
    let step = format!("{STEP}[tools.grant]\nread_file = []\n");
    let world = with_step(&step);
    let script = "model = \"m\"\n[[turn]]\n[[turn.call]]\ntool = \"read_file\"\n\
                  arguments = { path = \"a.txt\" }\n[[turn]]\nsay = \"nothing to see\"\n";
    world.run_model(script).code(0);
    let trace = world.read(".stepwell/out/trace.jsonl");
    assert!(trace.contains("read = ["), "the answer names the grant that is missing:\n{trace}");
    assert!(!trace.contains("two\\\\nthree"), "{trace}");

    // What each tool may see stands in the trace, and so does what a call was refused.
    let noted: Vec<_> =
        world.trace().into_iter().map(|record| record["event"]["noted"].clone()).collect();
    let of = |kind: &str| {
        noted.iter().find(|note| note["type"] == kind).unwrap_or_else(|| panic!("{trace}"))
    };
    let grants = of("run-started")["grants"].as_array().unwrap();
    let read = |tool: &str| &grants.iter().find(|grant| grant["tool"] == tool).unwrap()["read"];
    assert_eq!(*read("read_file"), serde_json::json!([]));
    assert_eq!(*read("sbom"), serde_json::json!(["**", ".stepwell/verify/**"]));
    assert_eq!(of("denied")["missing"], serde_json::json!(["read = [\"a.txt\"]"]));
}

#[test]
fn a_variable_that_a_tool_does_not_ask_for_is_not_granted() {
    let step = format!("{STEP}[tools.environment]\nsbom = [\"CI_BRANCH\"]\n");
    let world = with_step(&step);
    for command in [&["run", "--provider", "offline"][..], &["validate"]] {
        let ran = world.stepwell(command);
        assert_ne!(ran.code, Some(0), "{}", ran.out);
        assert!(ran.err.contains("which it never asks for"), "{}", ran.err);
        assert!(ran.err.contains("stepwell tool list --json"), "{}", ran.err);
    }
}

#[test]
fn lock_files_and_reports_that_are_broken_are_said_and_lose_nothing_else() {
    let world = World::files(&[
        ("Cargo.lock", "version = 4\n[[package]]\nname = 3\n"),
        (
            "js/package-lock.json",
            "{\"name\":\"x\",\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"x\",\"version\":\"1.0.0\"}}}",
        ),
        ("junit.xml", "<testsuite><testcase name=\"a\"><failure>x</failure></testcase><testc"),
    ]);
    let ran = world.stepwell(&["tool", "call", "sbom"]).code(0);
    assert!(ran.out.contains("pkg:npm/x@1.0.0"), "{}", ran.out);
    let ran = world.stepwell(&["tool", "call", "dependency_graph"]).code(0);
    assert!(
        ran.out.contains("\"path\":\"Cargo.lock\"") && ran.out.contains("reason"),
        "{}",
        ran.out
    );
    let ran = world.stepwell(&["tool", "call", "test_summary"]).code(0);
    let summary: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(summary["summary"]["failed"], 1, "{summary}");
    assert!(!summary["warnings"].as_array().unwrap().is_empty(), "{summary}");
}

fn proposing(patch: &str) -> String {
    let call = |_: u32| {
        format!(
            "[[turn]]\n[[turn.call]]\ntool = \"propose_patch\"\n[turn.call.arguments]\nwhy = \"w\"\n\
             patch = '''\n{patch}'''\n"
        )
    };
    format!("model = \"m\"\n{}", (0..3).map(call).collect::<String>())
}

#[test]
fn a_patch_that_may_not_leave_ends_the_step_with_the_reason() {
    let world = with_step(STEP);
    let hunk = "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
    for (patch, says) in [
        ("not a patch\n".to_owned(), "cannot be read"),
        (format!("--- a/../x\n+++ b/../x\n{hunk}"), ".."),
        (format!("--- a/a.txt\n+++ b/a.txt\n{}", hunk.replace("-two", "-zwei")), "a.txt"),
        ("--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+x\n".to_owned(), ".github"),
        ("--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n".to_owned(), ".git"),
    ] {
        let ran = world.run_model(&proposing(&patch));
        assert_eq!(ran.code, Some(10), "{patch}{}", ran.err);
        assert!(ran.err.contains(says), "`{says}` is not in:\n{}", ran.err);
        assert_eq!(world.artifacts()["stop-reason"]["id"], "gate-refused");
        assert!(!world.path(".stepwell/out/patch.diff").exists());
    }
}

#[test]
fn tests_that_fail_with_the_patch_say_so_and_keep_it() {
    let world = with_step(&STEP.replace("[\"true\"]", "[\"false\"]"));
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
    world.run_model(&proposing(patch)).code(12);
    let result = world.artifacts();
    assert_eq!(result["outcome"], "patch-failing");
    assert!(world.path(".stepwell/out/patch.diff").exists());
}

#[test]
fn a_model_that_fails_in_the_middle_of_a_turn_is_asked_again_within_the_budget() {
    let world = with_step(STEP);
    for fault in [
        "{ kind = \"close\", after-events = 4, code = 1011 }",
        "{ kind = \"garbage\", after-events = 3 }",
    ] {
        let script = format!(
            "model = \"m\"\n[[turn]]\nsay = \"all is well\"\nfault = {fault}\n[[turn]]\nsay = \"end\"\n"
        );
        let ran = world.run_model(&script).code(0);
        assert!(ran.err.contains("retry"), "{fault}: {}", ran.err);
        assert_eq!(world.artifacts()["outcome"], "diagnosis");
        assert_eq!(world.json(".stepwell/out/accounting.json")["charged-at-most"], 1, "{fault}");
    }
}

#[test]
fn a_model_that_always_fails_is_given_up_with_what_there_is() {
    let world = with_step(STEP);
    let script = "model = \"m\"\n[[turn]]\nsay = \"x\"\n\
                  fault = { kind = \"close\", after-events = 2, code = 1011, times = 99 }\n";
    let ran = world.run_model(script);
    assert_eq!(ran.code, Some(30), "{}", ran.err);
    assert_eq!(world.artifacts()["outcome"], "context-only");
    assert!(ran.err.contains("stepwell resume "), "{}", ran.err);
}

#[test]
fn silence_is_ended_by_the_budget() {
    let step = format!("{STEP}[budget.analyze]\ntime = \"1s\"\nidle = \"300ms\"\n");
    let world = with_step(&step);
    let script = "model = \"m\"\n[[turn]]\nsay = \"x\"\n\
                  fault = { kind = \"silence\", after-events = 5, times = 99 }\n";
    let ran = world.run_model(script);
    assert!(matches!(ran.code, Some(20 | 30)), "{}", ran.err);
    assert_eq!(world.artifacts()["outcome"], "context-only");
}

/// A server that accepts, says `answer`, and closes.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(8) {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _read = stream.read(&mut request);
            let _written = stream.write_all(answer);
        }
    });
    format!("http://{address}/v1")
}

#[test]
fn a_server_that_is_none_or_refuses_the_key_is_told_apart() {
    let ends = |answer: &'static [u8]| {
        let step = format!(
            "{STEP}[model]\nname = \"m\"\nbase-url = \"{}\"\nkey-env = \"TEST_KEY\"\n\
             price = {{ input = 1, output = 1 }}\n",
            server(answer)
        );
        let world = with_step(&step);
        let mut command = world.command(&["run"]);
        let ran = Ran::from(command.env("TEST_KEY", "sk-hunter2").output().unwrap());
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        assert!(!world.read(".stepwell/out/trace.jsonl").contains("hunter2"));
        world.artifacts();
        ran.code
    };
    assert_eq!(ends(b""), Some(30));
    assert_eq!(ends(b"SSH-2.0-OpenSSH_9.2\r\n"), Some(31));
    let refused = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(ends(refused), Some(31));
}

#[test]
fn tests_that_fail_without_a_report_are_a_finding_and_not_a_green_tick() {
    let step = "name = \"s\"\ntask = \"t\"\n[verify]\nbefore = true\n\
                command = [\"sh\", \"-c\", \"echo the frobnicator is on fire; exit 3\"]\n";
    let world = with_step(step);
    let ran = world.stepwell(&["run", "--provider", "offline"]).code(0);
    assert!(ran.err.contains("the command ended with 3"), "{}", ran.err);
    let result = world.artifacts();
    assert_eq!(result["tests-before"]["exit-code"], 3);
    let analysis = result["analysis"].to_string();
    assert!(analysis.contains("exit 3") && analysis.contains("frobnicator"), "{analysis}");
}

#[test]
fn tests_that_hang_before_do_not_keep_the_rest_from_being_looked_at() {
    let step = "name = \"s\"\ntask = \"t\"\n[verify]\nbefore = true\ncommand = [\"sleep\", \"60\"]\n\
                [budget.verify]\ntime = \"300ms\"\n";
    let world = with_step(step);
    world.stepwell(&["run", "--provider", "offline"]).code(0);
    assert_eq!(world.artifacts()["outcome"], "diagnosis");
}

#[test]
fn what_the_step_does_not_grant_is_not_in_the_list_of_changes_either() {
    let step = format!("{STEP}[tools]\nread = [\"src/**\"]\n");
    let world =
        World::files(&[(".stepwell/step.toml", &step), ("src/a", "1\n"), (".env", "K=1\n")]);
    world.commit("base");
    world.write(".env", "K=hunter2\n");
    world.write("src/a", "2\n");
    world.commit("head");
    world.run_model("model = \"m\"\n[[turn]]\nsay = \"ok\"\n").code(0);
    let trace = world.read(".stepwell/out/trace.jsonl");
    assert!(trace.contains("src/a") && !trace.contains("hunter2"), "{trace}");
}

#[test]
fn a_step_brings_no_component_from_outside_of_its_repository() {
    for name in ["../x.wasm", "/etc/hostname"] {
        let step = format!("name = \"s\"\ntask = \"t\"\n[tools]\ncomponent = [\"{name}\"]\n");
        let world = with_step(&step);
        std::fs::write(world.path("../x.wasm"), "x").unwrap();
        for command in ["run", "validate"] {
            let ran = world.stepwell(&[command]);
            check_told(&ran, 2, &["does not lie in the repository", "help:"]);
        }
    }
}
