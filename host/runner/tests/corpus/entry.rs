//! One frozen run: what was written, the inputs that belong to it, and what comes of it.

use std::fs;
use std::path::{Path, PathBuf};

use runner::KeptRun;
use serde_json::{Value, json};
use session::Plan;
use session::budget::Money;

use super::world::{World, plan};

const COUNT: &str =
    "[[turn]]\nsay = \"I count.\"\n[[turn.call]]\ntool = \"count\"\narguments = {}\n";
const SUBMIT: &str = "[[turn]]\n[[turn.call]]\ntool = \"submit_analysis\"\n[turn.call.arguments]\n\
                      summary = \"it is one\"\nfindings = []\nnext_steps = [\"count on\"]\n";

/// A way in which a run can end.
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// After so many records the process is gone.
    killed_after: Option<u64>,
    /// Whether other machines see the run; its own is lost then.
    carried: bool,
    script: fn() -> String,
    change: fn(&mut Plan),
}

impl Entry {
    pub(super) const ALL: [Self; 6] = [
        Self { name: "done", ..Self::calm(|| format!("{COUNT}{COUNT}{SUBMIT}")) },
        Self {
            name: "killed",
            killed_after: Some(17),
            ..Self::calm(|| format!("{COUNT}{COUNT}{SUBMIT}"))
        },
        Self {
            name: "budget",
            change: |plan| plan.budgets.step_spend = Money(8_000),
            ..Self::calm(|| COUNT.repeat(9))
        },
        Self {
            name: "wrap-up",
            change: |plan| plan.budgets.analyze.calls = 3,
            ..Self::calm(|| format!("{}{SUBMIT}", COUNT.repeat(3)))
        },
        Self { name: "repairs", change: patches, ..Self::calm(repairs) },
        Self {
            name: "carried",
            killed_after: Some(21),
            carried: true,
            ..Self::calm(|| format!("{COUNT}{COUNT}{SUBMIT}"))
        },
    ];

    const fn calm(script: fn() -> String) -> Self {
        Self { name: "", killed_after: None, carried: false, script, change: |_| {} }
    }

    /// Runs it, and freezes what it left.
    pub(super) async fn write(&self, dir: &Path) {
        let mut session = plan();
        (self.change)(&mut session);
        let mut frozen = Frozen {
            name: self.name.to_owned(),
            dir: dir.to_owned(),
            session,
            script: format!("model = \"m\"\n{}", (self.script)()),
            kept: Value::Null,
            result: String::new(),
        };
        let world = World::empty(&frozen, self.carried);
        drop(world.run(self.killed_after).await);
        fs::create_dir_all(dir).unwrap();
        let session = serde_json::to_string_pretty(&frozen.session).unwrap();
        fs::write(dir.join("session.json"), session + "\n").unwrap();
        fs::write(dir.join("model.toml"), &frozen.script).unwrap();
        world.freeze(dir);
        frozen.kept = frozen.kept_now().await;
        fs::write(dir.join("kept.json"), pretty(&frozen.kept)).unwrap();
        let again = World::of(&frozen);
        again.run(None).await.unwrap();
        fs::copy(again.out().join("result.json"), dir.join("result.json")).unwrap();
    }
}

fn patches(plan: &mut Plan) {
    plan.goal = session::Goal::Patch;
    let command = ["sh", "check.sh"].map(str::to_owned).to_vec();
    plan.tests = Some(session::TestPlan {
        command,
        before: true,
        repair_rounds: 1,
        judged: true,
        ..session::TestPlan::default()
    });
}

fn repairs() -> String {
    let patch = |path: &str, to: &str| {
        let patch = format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-one\n+{to}\n");
        format!(
            "[[turn]]\n[[turn.call]]\ntool = \"propose_patch\"\n\
             arguments = {{ why = \"it must be two\", patch = {patch:?} }}\n"
        )
    };
    [
        SUBMIT.to_owned(),
        patch(".github/ci.yml", "two"),
        patch("a.txt", "six"),
        patch("a.txt", "two"),
    ]
    .concat()
}

/// A frozen run.
pub(super) struct Frozen {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) session: Plan,
    pub(super) script: String,
    /// What whoever looked at it was told.
    pub(super) kept: Value,
    /// What it came to.
    pub(super) result: String,
}

impl Frozen {
    pub(super) fn read(dir: &Path) -> Self {
        let read = |name: &str| {
            fs::read_to_string(dir.join(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
        };
        Self {
            name: dir.display().to_string(),
            session: serde_json::from_str(&read("session.json")).unwrap(),
            script: read("model.toml"),
            kept: serde_json::from_str(&read("kept.json")).unwrap(),
            result: read("result.json"),
            dir: dir.to_owned(),
        }
    }

    /// What whoever looks at it is told now.
    pub(super) async fn kept_now(&self) -> Value {
        let runs = World::of(self).kept().await;
        let [kept] = runs.as_slice() else { return Value::Null };
        let KeptRun { name, step, head, base, provider, model, phase, attempts, .. } = kept;
        json!({
            "name": name, "step": step, "head": head, "base": base, "provider": provider,
            "model": model, "phase": phase, "attempts": attempts, "records": kept.records,
            "spend": kept.spend, "turns": kept.reusable.turns, "calls": kept.reusable.calls,
            "worked-ms": kept.worked_ms, "state": format!("{:?}", kept.state),
        })
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}
