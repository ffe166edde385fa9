//! Whole runs against a scripted model, with tools that cost nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runner::{Execution, ModelPlan, RunKey, RunPlan, ToolExecutor, ToolInfo, Tree, Way};
use session::budget::{Budgets, Ceiling, Money, Price};
use session::event::CallUsage;
use session::{Answer, Goal};
use snapshot::{Snapshot, View};
use wire::{Endpoint, InputItem, Link, ModelEvent, Request, Script, Transport};

/// Where and with what a run takes place.
#[derive(Debug)]
pub struct Scene<'a> {
    /// What the run is about.
    pub head: Snapshot,
    /// Where the model is.
    pub endpoint: Endpoint,
    /// Which way requests travel.
    pub way: Way,
    /// The tools on offer.
    pub tools: Vec<String>,
    /// Where journal and artifacts go.
    pub dir: &'a Path,
}

/// A plan whose budgets are never reached.
#[must_use]
pub fn plan(scene: Scene<'_>) -> RunPlan {
    let ceiling = Ceiling {
        time_ms: 600_000,
        idle_ms: 600_000,
        tokens: 50_000_000,
        spend: Money(1),
        calls: 1_000,
    };
    RunPlan {
        step: "bench".to_owned(),
        resume: None,
        session: session::Plan {
            task: "go".to_owned(),
            goal: Goal::Diagnose,
            price: Price::default(),
            budgets: Budgets {
                context: ceiling,
                analyze: ceiling,
                patch: ceiling,
                verify: ceiling,
                step_spend: Money(1),
            },
            max_output_tokens: 1_000,
            request_overhead_bytes: 10_000,
            first_event_ms: 600_000,
            context: Vec::new(),
            tests: None,
            tools: scene.tools.into_iter().collect(),
            model_used: true,
            checks: Vec::new(),
            job_ms: None,
            context_tokens: None,
            data_marked: true,
        },
        model: ModelPlan {
            provider: "script".to_owned(),
            model: "m".to_owned(),
            endpoint: scene.endpoint,
            shown: "loopback".to_owned(),
            connect: Duration::from_secs(30),
            effort: None,
            service_tier: None,
            way: scene.way,
            prompt_cache_key: "bench".to_owned(),
        },
        rules: gate::Rules::new(&gate::RuleSpec::default()).expect("the defaults are rules"),
        tests: None,
        head: Tree { snapshot: scene.head, name: "head".to_owned() },
        base: None,
        run_dir: scene.dir.join("runs/one"),
        out_dir: scene.dir.join("out"),
        key: RunKey::new(BTreeMap::new()),
        version: "bench".to_owned(),
        isolation: String::new(),
        trust: None,
        pipeline: None,
        answer_bytes: 65_536,
        calls_at_once: 8,
        shown: BTreeMap::new(),
        approved: Vec::new(),
        machine: Arc::new(runner::ThisMachine),
        ledger: None,
        carrier: None,
    }
}

/// Tools that all answer the same at once.
#[derive(Debug)]
pub struct Answers {
    infos: Vec<ToolInfo>,
    output: String,
}

impl Answers {
    /// Tools that look like these, and answer `output`.
    #[must_use]
    pub fn new(infos: Vec<ToolInfo>, output: String) -> Self {
        Self { infos, output }
    }
}

impl ToolExecutor for Answers {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, _tool: &str, _arguments: &str, _view: Arc<View>) -> Execution {
        let answer = Answer::Answered { output: self.output.clone() };
        Execution { answer, usage: CallUsage::default(), observed: None, log: Vec::new() }
    }
}

/// A model that calls a tool so many turns, and then says that it is done.
#[must_use]
pub fn calls(tool: &str, arguments: &str, turns: usize) -> Script {
    let turn = format!("[[turn]]\n[[turn.call]]\ntool = \"{tool}\"\narguments = {arguments}\n");
    let text = format!("model = \"m\"\n{}[[turn]]\nsay = \"done\"\n", turn.repeat(turns));
    Script::parse(&text).expect("the script is one")
}

/// The protocol alone, over one WebSocket: request, streamed response, continuation, so many times.
pub async fn converse(endpoint: &Endpoint, turns: usize) {
    let mut link = Link::connect(endpoint, Transport::WebSocket, Duration::from_secs(5))
        .await
        .expect("it connects");
    let mut previous = None;
    let mut input = vec![InputItem::Message { role: "user".to_owned(), text: "go".to_owned() }];
    for _ in 0..turns {
        let mut request = Request::new("m", 1_000);
        request.previous_response_id = previous.take();
        request.input = std::mem::take(&mut input);
        link.ask(&request).await.expect("it is sent");
        let response = loop {
            let event = link.next().await.expect("the server answers");
            if let ModelEvent::Completed(response) = event {
                break response;
            }
            assert!(!event.is_terminal(), "{event:?}");
        };
        let answered = |call: wire::FunctionCall| InputItem::FunctionCallOutput {
            call_id: call.call_id,
            output: "{}".to_owned(),
        };
        input = response.calls.into_iter().map(answered).collect();
        previous = Some(response.response_id);
    }
}

/// A piece of a source file as `read_file` shows it, of about `bytes` bytes.
#[must_use]
pub fn piece_of_source(bytes: usize) -> String {
    let line = "    let bound = slots.iter().map(|slot| slot.end).max().unwrap_or(\"none\");\n";
    let text = line.repeat((bytes / line.len()).max(1));
    serde_json::json!({ "path": "src/merge.rs", "lines": 30, "text": text }).to_string()
}

/// Where files cost no disk, if this machine has such a place.
#[must_use]
pub fn fast_dir() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Whether cargo runs this as a bench: whoever only wants to know that it compiles does not want
/// to wait.
#[must_use]
pub fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
