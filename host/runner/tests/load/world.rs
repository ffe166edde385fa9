//! What the tests of this folder share: a plan, and a tool that answers as it is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runner::{
    Execution, ModelPlan, RunKey, RunPlan, ThisMachine, ToolExecutor, ToolInfo, Toolbox, Tree, Way,
};
use session::Goal;
use session::budget::{Budgets, Ceiling, Money, Price};
use snapshot::{Digest, Grant, Snapshot, View};
use wire::Endpoint;

/// The one tool's name.
pub(crate) const LOOK: &str = "look";

/// A turn that ends a run.
pub(crate) const SUBMIT: &str = "[[turn]]\n[[turn.call]]\ntool = \"submit_analysis\"\n\
    [turn.call.arguments]\nsummary = \"s\"\nfindings = []\nnext_steps = []\n";

/// A turn that calls the tool so many times.
pub(crate) fn looks(calls: usize) -> String {
    let call = |n: usize| format!("[[turn.call]]\ntool = \"{LOOK}\"\narguments = {{ n = {n} }}\n");
    format!("[[turn]]\n{}", (0..calls).map(call).collect::<String>())
}

/// A plan of a run in `dir`, whose works have so much time each.
pub(crate) fn plan(dir: &Path, endpoint: Endpoint, time: Duration) -> RunPlan {
    let time_ms = u64::try_from(time.as_millis()).unwrap();
    let ceiling =
        Ceiling { time_ms, idle_ms: time_ms, tokens: 100_000_000, spend: Money(1), calls: 100 };
    let key = RunKey::new(BTreeMap::new());
    RunPlan {
        step: "test".to_owned(),
        resume: None,
        session: session::Plan {
            task: "look".to_owned(),
            goal: Goal::Diagnose,
            price: Price::default(),
            budgets: Budgets {
                context: ceiling,
                analyze: ceiling,
                patch: ceiling,
                verify: ceiling,
                step_spend: Money(1),
            },
            max_output_tokens: 500,
            request_overhead_bytes: 1_000,
            first_event_ms: time_ms,
            context: Vec::new(),
            tests: None,
            tools: [LOOK.to_owned()].into(),
            model_used: true,
            checks: Vec::new(),
            job_ms: None,
            context_tokens: None,
            data_marked: true,
        },
        model: ModelPlan {
            provider: "script".to_owned(),
            model: "m".to_owned(),
            endpoint,
            shown: "loopback".to_owned(),
            connect: Duration::from_secs(600),
            effort: None,
            service_tier: None,
            way: Way::WebSocket,
            prompt_cache_key: "test".to_owned(),
        },
        rules: gate::Rules::new(&gate::RuleSpec::default()).unwrap(),
        tests: None,
        head: Tree { snapshot: Snapshot::directory(dir).unwrap(), name: "head".to_owned() },
        base: None,
        run_dir: dir.join("runs").join(key.run_name()),
        out_dir: dir.join("out"),
        key,
        version: "test".to_owned(),
        isolation: "none".to_owned(),
        trust: None,
        pipeline: None,
        answer_bytes: 1_024,
        calls_at_once: 8,
        shown: BTreeMap::new(),
        approved: Vec::new(),
        machine: Arc::new(ThisMachine),
        ledger: None,
        carrier: None,
    }
}

/// A tool that does what a function says.
pub(crate) struct Tool<F> {
    infos: Vec<ToolInfo>,
    execute: F,
}

impl<F, A> ToolExecutor for Tool<F>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = Execution> + Send,
{
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, _tool: &str, _arguments: &str, _view: Arc<View>) -> Execution {
        (self.execute)().await
    }
}

/// A toolbox with that one tool.
pub(crate) fn toolbox<F, A>(execute: F) -> Arc<Toolbox<Tool<F>>>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = Execution> + Send,
{
    let info = ToolInfo {
        name: LOOK.to_owned(),
        description: "Looks.".to_owned(),
        schema: serde_json::json!({ "type": "object" }),
        component: Digest::of(b"look"),
        profile: Digest::of(b"none"),
        grant: Grant::everything(),
        asks: None,
    };
    let tool = Tool { infos: vec![info], execute };
    Arc::new(Toolbox::new(tool, None, Grant::everything()))
}

/// Where files cost no disk, if this machine has such a place: these tests write many.
pub(crate) fn dir() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}
