//! Go on: on another machine, by a run's name, after a change; and end at once when told to.

use std::io::{self, BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use servers::Kind;

use crate::support::{Ran, World};

const STEP: &str = "name = \"s\"\ngoal = \"patch\"\ntask = \"repair it\"\n[model]\nname = \"m\"\n\
                    price = { input = 2, output = 10 }\n[verify]\n\
                    command = [\"grep\", \"-q\", \"two\", \"a.txt\"]\n";

const SCRIPT: &str = "model = \"m\"\n\
    [[turn]]\n[[turn.call]]\ntool = \"read_file\"\narguments = { path = \"a.txt\" }\n\
    [[turn]]\n[[turn.call]]\ntool = \"submit_analysis\"\n[turn.call.arguments]\n\
    summary = \"s\"\nfindings = []\nnext_steps = []\n\
    [[turn]]\n[[turn.call]]\ntool = \"propose_patch\"\n[turn.call.arguments]\nwhy = \"w\"\n\
    patch = '''\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n'''\n";

/// A repository whose step, script and all lie in it.
fn repository() -> World {
    let world = World::files(&[
        (".stepwell/step.toml", STEP),
        (".stepwell/model.toml", SCRIPT),
        ("a.txt", "one\n"),
    ]);
    world.commit("one");
    world
}

const RUN: [&str; 5] = ["run", "--base", "HEAD", "--provider", "script:.stepwell/model.toml"];

fn run(world: &World, arguments: &[&str]) -> Ran {
    world.stepwell(&[&RUN, arguments].concat())
}

/// The record at which the first such input was heard, as `--kill-at` takes it.
fn at(world: &World, kind: &str, turn: u64) -> String {
    let is_it = |record: &serde_json::Value| {
        let heard = &record["event"]["heard"];
        heard["type"] == kind && heard["turn"] == turn
    };
    format!("append:{}", world.trace().iter().position(is_it).unwrap() + 1)
}

/// The turns that were asked for again although they had completed.
#[track_caller]
fn check_paid_once(world: &World) {
    let mut completed = Vec::new();
    for record in world.trace() {
        let heard = &record["event"]["heard"];
        match heard["type"].as_str() {
            Some("turn-requested") => assert!(!completed.contains(&heard["turn"]), "{heard}"),
            Some("turn-completed") => completed.push(heard["turn"].clone()),
            Some(_) | None => {}
        }
    }
    assert_eq!(completed, [1, 2, 3]);
}

/// The name of the one run that is kept here.
fn name(world: &World) -> String {
    let listed = world.stepwell(&["runs", "--json"]).code(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    listed[0]["run"].as_str().unwrap().to_owned()
}

/// A machine dies in a run of a repository; another, on a clone of it, goes on.
fn check_another_machine_goes_on(store: &str) {
    let calm = repository();
    run(&calm, &["--quiet"]).code(0);
    let expected = calm.read(".stepwell/out/result.json");
    // When turn 3 came, everything before it was in the store.
    let last = at(&calm, "turn-completed", 3);
    let here = calm.cloned();
    let killed = run(&here, &["--quiet", "--store", store, "--kill-at", &last]);
    assert_eq!(killed.code, None, "{}", killed.err);

    let there = here.cloned();
    let listed = there.stepwell(&["runs", "--store", store]).code(0);
    assert!(listed.out.contains("cut off") && listed.out.contains("2 turns"), "{}", listed.out);
    let again = run(&there, &["--store", store]).code(0);
    assert!(again.err.contains("resumed") && again.err.contains("2 turns"), "{}", again.err);
    assert_eq!(there.read(".stepwell/out/result.json"), expected);
    check_paid_once(&there);
    let listed = there.cloned().stepwell(&["runs", "--json", "--store", store]).code(0);
    assert_eq!(listed.out.trim(), "[]", "what is done is not gone on with");
}

#[test]
fn another_machine_goes_on_with_a_run_through_a_directory() {
    let shared = tempfile::tempdir().unwrap();
    check_another_machine_goes_on(&format!("fs://{}", shared.path().display()));
}

#[test]
fn another_machine_goes_on_with_a_run_through_a_redis() {
    let Some(redis) = Kind::Redis.start() else { return };
    check_another_machine_goes_on(&redis.url());
}

#[test]
fn a_store_that_cannot_be_used_stops_the_run_before_it_costs() {
    let world = repository();
    let told = |store: &str, words: &str| {
        let ran = run(&world, &["--store", store]);
        assert!(ran.err.contains(words) && ran.err.contains("help:"), "{}", ran.err);
        assert!(!world.path(".stepwell/out/result.json").exists());
        ran.code
    };
    assert_eq!(told("ftp://x", "no service has this scheme"), Some(2));
    assert_eq!(told("redis://user:hunter2@h/0", "credentials do not belong in a URL"), Some(2));
    world.write("file", "");
    let file = format!("fs://{}/below", world.path("file").display());
    assert_eq!(told(&file, "cannot use the store of runs"), Some(1));
}

#[test]
fn a_run_is_gone_on_with_by_the_beginning_of_its_name() {
    let calm = repository();
    run(&calm, &["--quiet"]).code(0);
    let expected = calm.read(".stepwell/out/result.json");
    let world = calm.cloned();
    run(&world, &["--quiet", "--kill-at", &at(&calm, "turn-requested", 3)]);
    let run = name(&world);
    let none = world.stepwell(&["resume", "zz"]).code(2);
    assert!(none.err.contains("there is no run `zz`"), "{}", none.err);

    let ran = world.stepwell(&["resume", &run[..6]]).code(0);
    let told = format!("run {run} in ANALYZED: 2 turns and");
    assert!(ran.err.contains(&told) && ran.err.contains(" saved"), "{}", ran.err);
    assert_eq!(world.read(".stepwell/out/result.json"), expected);
    check_paid_once(&world);
    let over = world.stepwell(&["resume", &run]).code(2);
    assert!(over.err.contains("is over: done"), "{}", over.err);
}

#[test]
fn a_run_whose_inputs_changed_is_not_resumed_and_says_which() {
    let world = repository();
    run(&world, &["--quiet", "--kill-at", "append:20"]);
    let name = name(&world);
    let change = |path: &str, text: &str, words: &str| {
        let before = world.read(path);
        world.write(path, text);
        let ran = world.stepwell(&["resume", &name]).code(40);
        assert!(ran.err.contains(words) && ran.err.contains("help:"), "{}", ran.err);
        world.write(path, &before);
    };
    change("a.txt", "one\ntwo\n", "the head changed since");
    change(".stepwell/model.toml", &SCRIPT.replace("\"w\"", "\"v\""), "the provider");
    world.stepwell(&["resume", &name]).code(0);
}

#[test]
fn another_machine_resumes_a_run_by_its_name() {
    let shared = tempfile::tempdir().unwrap();
    let store = format!("fs://{}", shared.path().display());
    let here = repository();
    run(&here, &["--quiet", "--store", &store, "--kill-at", "append:30"]);
    let name = name(&here);
    let there = here.cloned();
    let missing = there.stepwell(&["resume", &name]).code(2);
    assert!(missing.err.contains("--store"), "{}", missing.err);
    // What it is compared with is not the store's to say, and this clone has but one commit.
    let no_base = there.stepwell(&["resume", &name[..8], "--store", &store]).code(2);
    assert!(no_base.err.contains("no base") && no_base.err.contains("--base"), "{}", no_base.err);
    there.stepwell(&["resume", &name[..8], "--store", &store, "--base", "HEAD"]).code(0);
    assert_eq!(there.artifacts()["head"], "the working tree");
    assert!(there.artifacts()["base"].as_str().unwrap().starts_with("HEAD ("), "as it began");
}

fn git(world: &World, arguments: &[&str]) {
    let done = Command::new("git").current_dir(world.repo()).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn who_writes_to_the_store_does_not_choose_what_is_run() {
    let shared = tempfile::tempdir().unwrap();
    let (store, ran) = (format!("fs://{}", shared.path().display()), shared.path().join("ran"));
    let evil_step = STEP.replace(
        "\"grep\", \"-q\", \"two\", \"a.txt\"",
        &format!("\"touch\", \"{}\"", ran.display()),
    );
    let ours = repository();
    ours.commit("two");
    let evil = ours.cloned();
    evil.write(".stepwell/step.toml", &evil_step);
    evil.commit("a change that somebody proposes");
    let forge = |arguments: &[&str]| {
        let forged = ["--quiet", "--store", &store, "--kill-at", "append:30"];
        assert_eq!(run(&evil, &[arguments, &forged].concat()).code, None);
        name(&evil)
    };
    // Its commit is in the clone, as that of a pull request is, and not checked out.
    let victim = evil.cloned();
    git(&victim, &["reset", "--quiet", "--hard", "HEAD~1"]);
    let refused = |run: &str, code: i32, words: &str| {
        let ran = victim.stepwell(&["resume", run, "--store", &store]).code(code);
        assert!(ran.err.contains(words) && ran.err.contains("help:"), "{}", ran.err);
    };
    refused(&forge(&["--head", "HEAD"]), 40, "the base, the head");
    std::fs::remove_dir_all(evil.path(".git/stepwell")).unwrap();

    // Nor by a file that is no commit's.
    git(&evil, &["reset", "--quiet", "--hard", "HEAD~1"]);
    for world in [&evil, &victim] {
        world.write("evil.toml", &evil_step);
    }
    refused(&forge(&["evil.toml"]), 2, "has no step file `evil.toml`");
    assert!(!ran.exists(), "what the store says was run");
    assert!(!victim.path(".git/stepwell").exists());
    assert!(!victim.path(".stepwell/out/result.json").exists());
}

#[test]
fn a_resumed_run_is_entered_in_the_books_it_was_begun_with() {
    let shared = tempfile::tempdir().unwrap();
    let place = |name: &str| shared.path().join(name).display().to_string();
    let (store, own, other) = (format!("fs://{}", place("s")), place("a.db"), place("b.db"));
    let here = repository();
    let killed = run(&here, &["--ledger", &own, "--store", &store, "--kill-at", "append:30"]);
    assert_eq!(killed.code, None, "{}", killed.err);
    let name = name(&here);
    // Where they are is not told to other machines, and that there are some is.
    let elsewhere = ["resume", &name, "--store", &store, "--base", "HEAD"];
    let refused = here.cloned().stepwell(&elsewhere).code(2);
    assert!(refused.err.contains("begun with a ledger"), "{}", refused.err);
    assert!(refused.err.contains("STEPWELL_LEDGER"), "{}", refused.err);

    let mut resume = here.command(&["resume", &name]);
    Ran::from(resume.env("STEPWELL_LEDGER", &other).output().unwrap()).code(0);
    assert!(!std::path::Path::new(&other).exists(), "it was begun with others");
}

#[test]
fn a_whole_name_is_found_in_a_store_that_holds_too_much_to_list() {
    let shared = tempfile::tempdir().unwrap();
    let store = format!("fs://{}", shared.path().display());
    let here = repository();
    run(&here, &["--quiet", "--store", &store, "--kill-at", "append:30"]);
    let name = name(&here);
    let other = shared.path().join("runs/ffffffffffffffff/g0000/files");
    std::fs::create_dir_all(&other).unwrap();
    for number in 0..10_000 {
        std::fs::write(other.join(number.to_string()), "").unwrap();
    }
    let there = here.cloned();
    let listed = there.stepwell(&["runs", "--store", &store]).code(1);
    assert!(listed.err.contains("more than 10000") && listed.err.contains("resume RUN"));
    there.stepwell(&["resume", &name, "--store", &store, "--base", "HEAD"]).code(0);
}

#[test]
fn the_list_of_runs_tells_what_is_damaged_and_trusts_no_text() {
    let world = repository();
    run(&world, &["--quiet", "--kill-at", "append:20"]);
    let name = name(&world);
    let path = format!(".git/stepwell/runs/{name}/journal.jsonl");
    let text = world.read(&path);
    world.write(&path, &text.replacen("\"seq\":7", "\"seq\":9", 1));
    let listed = world.stepwell(&["runs"]).code(0);
    assert!(listed.out.contains("damaged at line 8"), "{}", listed.out);
    assert!(listed.out.contains("--fresh"), "{}", listed.out);
    let empty = World::files(&[]).stepwell(&["runs"]).code(0);
    assert!(empty.out.contains("stepwell run"), "{}", empty.out);
}

/// A step and a script outside of the repository: to change them changes nothing in it.
fn outside(world: &World, step: &str) -> [String; 2] {
    let path = |name: &str| world.path("..").join(name).display().to_string();
    let (step_path, script_path) = (path("step.toml"), path("model.toml"));
    std::fs::write(&step_path, step).unwrap();
    let patch = SCRIPT.split_once("[[turn]]").unwrap().1.rsplit_once("[[turn]]").unwrap().1;
    let script = format!("{SCRIPT}[[turn]]{patch}[[turn]]{patch}");
    std::fs::write(&script_path, script).unwrap();
    [step_path, format!("script:{script_path}")]
}

#[test]
fn gates_and_tests_that_changed_do_not_have_the_analysis_paid_again() {
    let world = World::files(&[("a.txt", "one\n")]);
    let strict = format!("{STEP}[gates]\nlines-max = 1\n");
    let run = |step: &str| {
        let [step, provider] = outside(&world, step);
        world.stepwell(&["run", "--provider", &provider, &step])
    };
    run(&strict).code(10);
    let loose = run(STEP).code(0);
    assert!(loose.err.contains("changed since then: the gates"), "{}", loose.err);
    assert!(loose.err.contains("3 turns and"), "{}", loose.err);
    assert!(!loose.err.contains("  ask "), "nothing is asked: {}", loose.err);
    assert_eq!(world.artifacts()["outcome"], "patch-tested");

    let other_tests = STEP.replace("\"two\"", "\"three\"");
    let failing = run(&other_tests);
    assert!(failing.err.contains("changed since then: the tests"), "{}", failing.err);
    assert_ne!(failing.code, Some(0), "{}", failing.err);

    let other_task = run(&STEP.replace("repair it", "repair that"));
    assert!(other_task.err.contains("starting fresh"), "{}", other_task.err);
    assert!(other_task.err.contains("the task"), "{}", other_task.err);
    assert!(other_task.err.contains("ask             turn 1"), "{}", other_task.err);
}

#[test]
fn a_run_that_somebody_works_on_is_not_gone_on_with() {
    let world = repository();
    let slow = SCRIPT.replacen("[[turn]]\n", "[[turn]]\nsay = \"one\\ntwo\"\npace-ms = 60000\n", 1);
    world.write(".stepwell/model.toml", &slow);
    let mut child = world.command(&RUN).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("link")), "it begins");
    let held = format!("process {}", child.id());
    let listed = world.stepwell(&["runs"]).code(0);
    assert!(listed.out.contains(&format!("at work: {held}")), "{}", listed.out);
    let begun = format!(".git/stepwell/runs/{}/command.json", name(&world));
    let before = world.read(&begun);
    let second = run(&world, &["--no-cache", "--out", "elsewhere"]).code(1);
    assert!(second.err.contains(&held), "{}", second.err);
    assert_eq!(world.read(&begun), before, "how the run at work was begun");
    let refused = world.stepwell(&["resume", &name(&world)]).code(1);
    assert!(refused.err.contains(&held) && refused.err.contains("help:"), "{}", refused.err);
    assert_eq!(interrupt(&mut child), Some(130));
}

fn interrupt(child: &mut Child) -> Option<i32> {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap().code()
}

/// A server that accepts and says nothing; what it listens on.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[test]
fn an_interrupted_run_ends_at_once_though_its_store_or_ledger_hangs() {
    let check = |option: &str, scheme: &str, path: &str| {
        let world = repository();
        let (listener, address) = silent();
        let place = format!("{scheme}{address}{path}");
        let mut command = world.command(&[&RUN[..], &[option, &place]].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let connected = listener.accept().unwrap();
        assert_eq!(interrupt(&mut child), Some(130), "{option}");
        assert_eq!(world.artifacts()["stop-reason"]["id"], "cancelled", "{option}");
        let mut said = String::new();
        io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        let name = name(&world);
        assert!(said.contains(&format!("stepwell resume {name}")), "{said}");
        let accounting = world.json(".stepwell/out/accounting.json");
        assert!(accounting["resume"].as_str().unwrap().contains(&name), "{accounting}");
        let report = world.read(".stepwell/out/report.md");
        assert!(report.contains("stepwell resume"), "{report}");
        drop(connected);
    };
    check("--store", "redis://", "/0/runs");
    check("--ledger", "postgres://ci@", "/stepwell");
}

#[test]
fn the_tests_of_a_step_end_with_an_interrupted_run() {
    let stubborn = "trap '' INT TERM; echo $$ > ../../../pid; while :; do sleep 1; done";
    // Behind walls it could not say who it is, nor would its number be one of ours.
    let verify = "[verify]\nbefore = true\nsandbox = \"off\"";
    let step = format!(
        "name = \"s\"\ntask = \"t\"\n{verify}\ncommand = [\"sh\", \"-c\", \"{stubborn}\"]\n"
    );
    let world = World::files(&[(".stepwell/step.toml", &step)]);
    let pid = world.path(".stepwell/runs/pid");
    let mut command = world.command(&["run", "--provider", "offline"]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    while !pid.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(interrupt(&mut child), Some(130));
    world.artifacts();
    let pid = std::fs::read_to_string(&pid).unwrap();
    let alive = Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status();
    assert!(!alive.unwrap().success(), "the tests go on");
}
