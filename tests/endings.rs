//! Every ending of a step is a designed one: a stop reason, an exit code, all artifacts, and
//! something to use. The steps and scripts are those of `examples/endings`.

use std::fs;

use crate::support::{Ran, World, normalised, workspace};

/// Runs the step of an ending on the repository of `failing-test`.
pub(crate) fn run(world: &World, ending: &str, arguments: &[&str]) -> Ran {
    let dir = workspace().join("examples/endings").join(ending);
    let step = dir.join("step.toml").display().to_string();
    let script = dir.join("model.toml");
    let provider = match script.exists() {
        true => format!("script:{}", script.display()),
        false => "openai".to_owned(),
    };
    let mut command = world.command(&["run", &step, "--provider", &provider]);
    command.args(arguments).env("STEPWELL_EXAMPLE_KEY", "sk-none-of-your-business");
    Ran::from(command.output().unwrap())
}

/// The log, the report and the result, with what differs from run to run made the same.
fn told(world: &World, ran: &Ran) -> String {
    world.artifacts();
    let report = normalised(&world.read(".stepwell/out/report.md"), world);
    let took = report.find("<details><summary>What it took").unwrap_or(report.len());
    let mut log: Vec<&str> = ran.err.lines().filter(|line| !is_of_chance(line)).collect();
    // Independent calls end in any order.
    log.sort_by_key(|line| line.contains("  answer  ").then(|| line.get(26..40)));
    let log = normalised(&log.join("\n"), world);
    let result = world.read(".stepwell/out/result.json");
    let told = format!("exit {}\n\n{log}\n{}\n{result}", ran.code.unwrap_or(-1), &report[..took]);
    without_digests(&told)
}

/// Names of runs and digests depend on the tools that are built in.
fn without_digests(text: &str) -> String {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(is_hex) {
        let (before, from) = rest.split_at(begin);
        let end = from.find(|c| !is_hex(c)).unwrap_or(from.len());
        let word = match end {
            16 => "RUN",
            64 => "DIGEST",
            end => &from[..end],
        };
        out.push_str(before);
        out.push_str(word);
        rest = &from[end..];
    }
    out + rest
}

/// Lines of waiting and trying again: how many there are depends on the machine.
fn is_of_chance(line: &str) -> bool {
    ["  retry  ", "  failed  ", "  waiting  ", "  resume  ", "stepwell resume"]
        .iter()
        .any(|word| line.contains(word))
}

#[test]
fn each_ending_leaves_a_log_a_report_and_a_result_that_say_what_it_came_to() {
    let check = |ending: &str, code: i32| {
        let world = World::example();
        let ran = run(&world, ending, &[]).code(code);
        insta::assert_snapshot!(format!("ending_{ending}"), told(&world, &ran));
    };
    check("diagnosis", 0);
    check("plan", 0);
    check("untested", 0);
    check("failing", 12);
    check("refused", 10);
    check("approval", 11);
    check("spend", 21);
    check("time", 20);
    check("unreachable", 30);
}

#[test]
fn every_ending_of_the_examples_is_tested_and_told_of() {
    let dir = workspace().join("examples/endings");
    let page = fs::read_to_string(dir.join("README.md")).unwrap();
    let tests = fs::read_to_string(workspace().join("tests/endings.rs")).unwrap();
    for entry in fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
        assert!(tests.contains(&format!("check(\"{name}\",")), "{name}");
    }
}

#[test]
fn a_patch_that_waits_for_a_person_goes_on_when_one_says_so_and_pays_nothing_twice() {
    let world = World::example();
    run(&world, "approval", &[]).code(11);
    let name = world.json(".stepwell/out/accounting.json")["run"].as_str().unwrap().to_owned();
    let spent = world.json(".stepwell/out/accounting.json")["total"]["spend"].clone();

    let ran = world.stepwell(&["approve", &name[..6], "--gate", "dependencies"]).code(2);
    assert!(ran.err.contains("waits at the gate `protected-paths`"), "{}", ran.err);
    let ran = world.stepwell(&["approve", &name[..6], "--gate", "protected-paths", "--by", "ada"]);
    assert!(ran.code(0).out.contains("approved by ada"));

    run(&world, "approval", &[]).code(0);
    let result = world.artifacts();
    assert_eq!(result["outcome"], "patch-tested");
    assert!(result["verdicts"].to_string().contains("ada"), "{}", result["verdicts"]);
    let accounting = world.json(".stepwell/out/accounting.json");
    assert_eq!((&accounting["total"]["spend"], &accounting["attempts"]), (&spent, &2.into()));

    // Who applies goes by the rules of its own, and by approvals that it is given.
    let step = workspace().join("examples/endings/approval/step.toml").display().to_string();
    let apply = |more: &[&str]| world.stepwell(&[&["apply", "--step", &step], more].concat());
    apply(&["--dry-run"]).code(0);
    fs::remove_dir_all(world.path(&format!(".git/stepwell/runs/{name}/approvals"))).unwrap();
    let ran = apply(&["--dry-run"]).code(11);
    assert!(ran.err.contains("`protected-paths` needs an approval"), "{}", ran.err);
    apply(&["--approve", "protected-paths"]).code(0);
    assert!(world.read("src/merge.rs").contains("next.start <= slot.end"));
}

#[test]
fn an_approval_counts_for_what_it_was_given_for_and_from_whom_it_must_come() {
    let world = World::example();
    run(&world, "approval", &[]).code(11);
    let name = world.json(".stepwell/out/accounting.json")["run"].as_str().unwrap().to_owned();
    let key = world.stepwell(&["cache", "key", "--json"]).code(0);
    let key: serde_json::Value = serde_json::from_str(&key.out).unwrap();
    let (public, secret) = (key["public"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let approve = |key: Option<&str>, out: &str| {
        let arguments = ["approve", &name, "--gate", "protected-paths", "--out", out];
        let mut command = world.command(&arguments);
        if let Some(key) = key {
            command.env("STEPWELL_APPROVAL_KEY", key);
        }
        Ran::from(command.output().unwrap()).code(0);
    };
    let go_on = |approval: &str| {
        let dir = workspace().join("examples/endings/approval");
        let provider = format!("script:{}", dir.join("model.toml").display());
        let step = dir.join("step.toml").display().to_string();
        let run = ["run", &step, "--provider", &provider, "--approval", approval];
        let mut command = world.command(&run);
        Ran::from(command.env("STEPWELL_APPROVERS", public).output().unwrap())
    };
    approve(None, "../unsigned.json");
    let ran = go_on("../unsigned.json").code(2);
    assert!(ran.err.contains("it is not signed"), "{}", ran.err);

    approve(Some(secret), "../signed.json");
    let signed = world.read("../signed.json");
    world.write("../moved.json", &signed.replace("protected-paths", "files-max"));
    let ran = go_on("../moved.json").code(2);
    assert!(ran.err.contains("its signature is of something else"), "{}", ran.err);
    go_on("../signed.json").code(0);

    // Another head: the same words count for nothing.
    world.write("src/other.rs", "// new\n");
    let ran = go_on("../signed.json").code(11);
    assert!(ran.err.contains("void") || ran.err.contains("approval"), "{}", ran.err);
}
