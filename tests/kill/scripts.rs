//! The scripts that are killed: a repository, a step, and what the model says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Ran, World, copy_all, workspace};

/// Files beside the ones that a script is about, which it reads all at once.
const PARALLEL_FILES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// A run that can be begun again and again, each time in a world of its own.
pub(super) struct Script {
    pub(super) name: &'static str,
    /// What its step may spend, in millionths of a dollar.
    pub(super) cap: u64,
    /// Whether a run takes so little that hundreds more do not matter.
    pub(super) cheap: bool,
    template: World,
    model: PathBuf,
}

impl Script {
    /// The example of the README. Its tests are told as cargo tells them, but at once: to compile
    /// them hundreds of times would take longer than everything else.
    pub(super) fn demo() -> Self {
        let example = workspace().join("examples/failing-test");
        let template = World::files(&[("check.sh", CHECK)]);
        copy_all(&example.join("project"), &template.repo());
        let step = template.read(".stepwell/step.toml");
        let quick = step.replace(CARGO_TEST, r#"command = ["sh", "check.sh"]"#);
        assert_ne!(step, quick, "the example runs its tests with cargo");
        template.write(".stepwell/step.toml", &quick);
        template.commit("first");
        copy_all(&example.join("change"), &template.repo());
        template.commit("second");
        let model = example.join("model.toml");
        Self { name: "demo", cap: 500_000, cheap: false, template, model }
    }

    /// Twelve calls at once, a patch that the gates refuse, one that the tests refuse, and its
    /// repair.
    pub(super) fn repair() -> Self {
        let calls: String = PARALLEL_FILES
            .map(|file| call("read_file", &format!("{{ path = \"{file}.txt\" }}")))
            .concat();
        let patch = |path: &str, to: &str| {
            let patch = format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-one\n+{to}\n");
            call("propose_patch", &format!("{{ why = \"it must be two\", patch = {patch:?} }}"))
        };
        let turns = [
            turn("I read them.", "") + &calls,
            turn("It is one.", "") + &call("submit_analysis", ANALYSIS),
            turn("The pipeline, then.", "") + &patch(".github/ci.yml", "two"),
            turn("The value.", "") + &patch("value.txt", "three"),
            turn("Too much.", "") + &patch("value.txt", "two"),
        ];
        let step = "name = \"repair\"\ngoal = \"patch\"\ntask = \"make it two\"\n\
                    [model]\nname = \"m\"\nprice = { input = 1.00, output = 5.00 }\n\
                    [budget]\nspend = 5.00\n\
                    [verify]\ncommand = [\"sh\", \"check.sh\"]\nbefore = true\n\
                    repair-rounds = 1\npass-env = [\"CHECKED\"]\nsandbox = \"off\"\n";
        // Each run of the tests leaves a line outside of the scratch tree, which walls would not
        // let it: what they tested.
        let check = "cat value.txt >> \"$CHECKED\"\ngrep -q two value.txt\n";
        let world = World::files(&[
            (".stepwell/step.toml", step),
            (".github/ci.yml", "one\n"),
            ("value.txt", "one\n"),
            ("check.sh", check),
        ]);
        for file in PARALLEL_FILES {
            world.write(&format!("{file}.txt"), &format!("this is {file}\n"));
        }
        Self::new("repair", world, &turns.concat())
    }

    /// A server that forgets, sends elsewhere and fails in the middle, and a work that begins at
    /// its soft limit, so that its one turn is the one to wrap up.
    pub(super) fn trouble() -> Self {
        let turns = [
            turn("I look around.", "")
                + &call("list_files", "{ glob = \"**/*.txt\" }")
                + &call("search_text", "{ pattern = \"one\", literal = true }"),
            turn("I read it.", "{ kind = \"lost\" }")
                + &call("read_file", "{ path = \"value.txt\" }"),
            turn("And the other.", "{ kind = \"connection-limit\" }")
                + &call("read_file", "{ path = \"other.txt\" }"),
            turn(
                "It is one.",
                "{ kind = \"error\", status = 429, retry-after-ms = 1, after-events = 5 }",
            ) + &call("submit_analysis", ANALYSIS),
            turn("Two.", "{ kind = \"noise\", after-events = 2 }")
                + &call(
                    "propose_patch",
                    "{ why = \"w\", patch = \"--- a/value.txt\\n+++ b/value.txt\\n\
                     @@ -1 +1 @@\\n-one\\n+two\\n\" }",
                ),
        ];
        let step = "name = \"trouble\"\ngoal = \"patch\"\ntask = \"make it two\"\n\
                    [model]\nname = \"m\"\nprice = { input = 1.00, output = 5.00 }\n\
                    [budget]\nspend = 5.00\npatch = { calls = 0 }\n";
        let world = World::files(&[
            (".stepwell/step.toml", step),
            ("value.txt", "one\n"),
            ("other.txt", "another one\n"),
        ]);
        Self::new("trouble", world, &turns.concat())
    }

    fn new(name: &'static str, template: World, turns: &str) -> Self {
        template.commit("first");
        template.commit("second");
        let model = template.path("../model.toml");
        fs::write(&model, format!("model = \"m\"\n{turns}")).unwrap();
        Self { name, cap: 5_000_000, cheap: name == "trouble", template, model }
    }

    /// A world in which nothing has happened yet.
    pub(super) fn world(&self) -> World {
        self.template.copy()
    }

    /// One life of the process in `world`.
    pub(super) fn run(&self, world: &World, arguments: &[&str]) -> Ran {
        Ran::from(self.command(world, arguments).output().unwrap())
    }

    /// The same, not begun yet.
    pub(super) fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let provider = format!("script:{}", self.model.display());
        let ledger = world.path("../ledger.sqlite").display().to_string();
        let fixed = ["run", "--quiet", "--provider", &provider, "--ledger", &ledger];
        let mut command = world.command(&[&fixed[..], arguments].concat());
        command.env("CHECKED", world.path("../checked"));
        command
    }
}

/// How the step of the example runs its tests.
const CARGO_TEST: &str = r#"command = ["cargo", "test", "--offline", "--no-fail-fast"]"#;

/// What the tests of the example come to, by what its change broke.
const CHECK: &str = r#"
echo "running 2 tests"
echo "test slots_apart_stay_apart ... ok"
if grep -q 'next.start < slot.end' src/merge.rs; then
    echo "test slots_that_touch_become_one ... FAILED"
    echo
    echo "failures:"
    echo "    slots_that_touch_become_one"
    echo
    echo "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out"
    exit 101
fi
echo "test slots_that_touch_become_one ... ok"
echo
echo "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
"#;

const ANALYSIS: &str = "{ summary = \"it is one\", findings = [], next_steps = [\"make it two\"] }";

fn turn(say: &str, fault: &str) -> String {
    let fault = if fault.is_empty() { String::new() } else { format!("fault = {fault}\n") };
    format!("[[turn]]\nsay = {say:?}\nusage = {{ input = 900, output = 60 }}\n{fault}")
}

fn call(tool: &str, arguments: &str) -> String {
    format!("[[turn.call]]\ntool = \"{tool}\"\narguments = {arguments}\n")
}
