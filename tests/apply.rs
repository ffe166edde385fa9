//! What leaves a step: only what its artifacts show whole, on the head that it was made for, past
//! the gates of the base; and then all of it, however often the process dies.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Ran, World};

/// The example after its step has run: a patch of `src/merge.rs` lies in `.stepwell/out`.
fn delivered() -> World {
    static RUN: OnceLock<World> = OnceLock::new();
    let run = || {
        let world = World::example();
        world.run_script(&[]).code(0);
        world
    };
    RUN.get_or_init(run).copy()
}

fn git(world: &World, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(world.repo()).args(arguments);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

/// An apply whose commits have a name under them.
fn apply(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.command(&[&["apply"], arguments].concat());
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "t").env(format!("GIT_{who}_EMAIL"), "t@t");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    Ran::from(command.output().unwrap())
}

const BROKEN: &str = "next.start < slot.end";
const MENDED: &str = "next.start <= slot.end";

#[test]
fn a_patch_goes_to_the_working_tree_once_and_nowhere_else() {
    let world = delivered();
    let ran = apply(&world, &["--dry-run"]).code(0);
    assert!(ran.out.contains("src/merge.rs would be written"), "{}", ran.out);
    assert!(world.read("src/merge.rs").contains(BROKEN));

    let ran = apply(&world, &[]).code(0);
    assert_eq!(ran.out, "written: src/merge.rs\n");
    assert!(world.read("src/merge.rs").contains(MENDED));
    assert_eq!(git(&world, &["status", "--short"]), " M src/merge.rs");

    let again = apply(&world, &[]).code(0);
    assert!(again.out.contains("already"), "{}", again.out);
}

#[test]
fn a_pipeline_writes_only_when_told_to() {
    let world = delivered();
    let run = |arguments: &[&str]| {
        let mut command = world.command(&[&["apply"], arguments].concat());
        Ran::from(command.env("CI", "true").output().unwrap())
    };
    run(&[]).code(0);
    assert!(world.read("src/merge.rs").contains(BROKEN));
    run(&["--write", "--json"]).code(0);
    assert!(world.read("src/merge.rs").contains(MENDED));
}

#[test]
fn a_branch_grows_out_of_the_head_and_the_working_tree_stays() {
    let world = delivered();
    // Neither a hook nor the index of the checkout has a say.
    let hook = world.path(".git/hooks/reference-transaction");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let ran = apply(&world, &["--branch", "fix/slots"]).code(0);
    assert!(ran.out.contains("`fix/slots` is made"), "{}", ran.out);
    assert!(world.read("src/merge.rs").contains(BROKEN));
    assert_eq!(git(&world, &["status", "--short"]), "");
    assert_eq!(git(&world, &["diff", "--name-only", "main", "fix/slots"]), "src/merge.rs");
    assert_eq!(git(&world, &["rev-parse", "fix/slots^"]), git(&world, &["rev-parse", "main"]));
    let message = git(&world, &["log", "-1", "--format=%B", "fix/slots"]);
    let digest = world.json(".stepwell/out/result.json")["patch"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("Stepwell-Patch: {digest}")), "{message}");

    let again = apply(&world, &["--branch", "fix/slots"]).code(0);
    assert!(again.out.contains("is there already"), "{}", again.out);
    fs::remove_file(&hook).unwrap();
    git(&world, &["branch", "taken"]);
    let ran = apply(&world, &["--branch", "taken"]).code(2);
    assert!(ran.err.contains("`taken` is at"), "{}", ran.err);
    apply(&world, &["--branch", "a..b"]).code(2);
}

#[test]
fn what_a_platform_posts_has_the_same_key_in_every_job() {
    let world = delivered();
    let handed = |dir: &str| {
        apply(&world, &["--files", dir]).code(0);
        fs::read_to_string(world.path(dir).join("pull-request.json")).unwrap()
    };
    assert_eq!(handed("../a"), handed("../b"));
    let page = fs::read_to_string(world.path("../a/pull-request.md")).unwrap();
    assert!(page.starts_with("<!-- stepwell:") && page.contains("src/merge.rs"), "{page}");
    assert!(world.read("src/merge.rs").contains(BROKEN));
}

#[test]
fn artifacts_that_somebody_changed_are_refused() {
    let check = |file: &str, change: &dyn Fn(String) -> String, code: i32, said: &str| {
        let world = delivered();
        let path = format!(".stepwell/out/{file}");
        let text = change(world.read(&path));
        world.write(&path, &text);
        let ran = apply(&world, &[]).code(code);
        assert!(ran.err.contains(said), "{file}: {}", ran.err);
        assert!(world.read("src/merge.rs").contains(BROKEN), "{file}");
    };
    check("patch.diff", &|text| text.replace(MENDED, "true"), 50, "has the digest");
    check("result.json", &|text| text.replace("failing-test", "other"), 50, "do not agree");
    check("trace.jsonl", &|text| text.replacen("src/merge.rs", "src/other.rs", 1), 50, "damaged");
    let without_its_end = |text: String| {
        let end = text.trim_end().rfind('\n').unwrap();
        text[..=end].to_owned()
    };
    check("trace.jsonl", &without_its_end, 50, "not over");
    check("result.json", &|_| "{".to_owned(), 50, "cannot be read");
}

#[test]
fn a_head_that_moved_and_a_rule_that_changed_hold_a_patch_back() {
    let world = delivered();
    world.write("README.md", "changed since");
    let ran = apply(&world, &[]).code(40);
    assert!(ran.err.contains("the head has changed"), "{}", ran.err);

    let world = delivered();
    let ran = apply(&world, &["0000"]).code(2);
    assert!(ran.err.contains("not of 0000"), "{}", ran.err);

    // The run says what its gates found; who applies does not believe it.
    let world = delivered();
    let strict = world.read(".stepwell/step.toml").replace("lines-max = 40", "lines-max = 1");
    world.write("../strict.toml", &strict);
    let ran = apply(&world, &["--step", "../strict.toml"]).code(10);
    assert!(ran.err.contains("the gates refuse it"), "{}", ran.err);
    assert!(world.read("src/merge.rs").contains(BROKEN));
}

#[test]
fn an_apply_that_was_cut_off_is_finished_and_never_guessed_at() {
    let world = delivered();
    apply(&world, &[]).code(0);
    let digest = world.json(".stepwell/out/result.json")["patch"].as_str().unwrap().to_owned();
    let kept = world.path(&format!(".git/stepwell/applies/{digest}"));
    let mended = world.read("src/merge.rs");
    // As it was when the intent stood, and the file did not yet.
    let cut_off = || {
        let intent = fs::read_to_string(kept.join("done.json")).unwrap();
        let after = intent.split("\"after\":\"").nth(1).unwrap()[..64].to_owned();
        fs::write(kept.join(after), &mended).unwrap();
        fs::rename(kept.join("done.json"), kept.join("intent.json")).unwrap();
    };
    cut_off();
    git(&world, &["checkout", "--quiet", "src/merge.rs"]);
    let ran = apply(&world, &[]).code(0);
    assert!(ran.out.contains("already"), "{}", ran.out);
    assert_eq!(world.read("src/merge.rs"), mended);

    cut_off();
    world.write("src/merge.rs", "// mine\n");
    let ran = apply(&world, &[]).code(1);
    assert!(ran.err.contains("neither as before nor as after"), "{}", ran.err);
    assert_eq!(world.read("src/merge.rs"), "// mine\n");
}

#[test]
fn where_there_is_nothing_to_apply_nobody_is_suspected() {
    let world = World::example();
    let ran = apply(&world, &[]).code(2);
    assert!(ran.err.contains("`stepwell run` leaves them"), "{}", ran.err);
    world.stepwell(&["run", "--provider", "offline"]).code(0);
    let ran = apply(&world, &[]).code(2);
    assert!(ran.err.contains("the run has no patch"), "{}", ran.err);
}

#[test]
fn a_text_that_is_no_patch_is_refused_in_one_line() {
    let world = World::example();
    world.write("../p.diff", "not a patch\n");
    let ran = world.stepwell(&["gate", "../p.diff"]).code(10);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    let ran = world.stepwell(&["gate", "nothing.diff"]).code(2);
    assert!(ran.err.contains("cannot read the patch `nothing.diff`"), "{}", ran.err);
}
