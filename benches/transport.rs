//! What a WebSocket saves: the same run of 30 tool calls over our WebSocket and over our HTTP with
//! the full history, with a network of 0, 20 and 80 ms round trip between, and which part of the
//! difference comes from what. The model thinks no time.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::Tools;
use benches::network::{Line, Network};
use benches::runs::{Answers, Scene, fast_dir, is_measured, piece_of_source, plan};
use runner::{Toolbox, Way, tool_spec};
use session::{Goal, HostTool, prompt};
use snapshot::{Grant, Snapshot};
use tokio::sync::mpsc;
use wire::{Endpoint, InputItem, Link, ModelEvent, Request, Script, Server, ToolSpec, Transport};

/// Tool calls of a run, one a turn; the turn after them ends it.
const CALLS: usize = 30;
/// Bytes of a tool's answer, about, where time is compared.
const ANSWER_BYTES: usize = 4_096;
/// Smaller and larger answers, where only bytes are.
const OTHER_ANSWER_BYTES: [usize; 2] = [512, 32_768];
/// Round trips, in milliseconds.
const ROUND_TRIPS_MS: [u64; 3] = [0, 20, 80];
/// Tools of ours that are offered, as a step that names none has them.
const TOOLS: [&str; 6] =
    ["read_file", "list_files", "search_text", "test_summary", "dependency_graph", "diff"];

/// A way to carry the same conversation.
#[derive(Debug, Clone, Copy)]
enum Carried {
    /// A whole run: journal, tools, artifacts.
    Run(Way),
    /// The protocol alone; each request continues the response before.
    Continued,
    /// The protocol alone; each request brings everything.
    Whole(Transport),
    /// The same over HTTP, with a connection for each request.
    WholeAndAnew,
}

const WAYS: [(Carried, &str); 6] = [
    (Carried::Run(Way::WebSocket), "run, WebSocket"),
    (Carried::Run(Way::Http), "run, HTTP, full history"),
    (Carried::Continued, "link, WebSocket, continued"),
    (Carried::Whole(Transport::WebSocket), "link, WebSocket, full history"),
    (Carried::Whole(Transport::Http), "link, HTTP, full history"),
    (Carried::WholeAndAnew, "link, HTTP, a connection each"),
];

/// What one way took.
#[derive(Debug, Clone, Copy)]
struct Took {
    sent: u64,
    received: u64,
    time: Duration,
}

fn main() {
    if !is_measured() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(measure());
}

async fn measure() {
    let bench = Bench::new(ANSWER_BYTES);
    println!("transport: {CALLS} calls, {}", bench.describe());
    for slow_start in [false, true] {
        let what = if slow_start {
            "each request begins with TCP's first flight, as after a pause for thought"
        } else {
            "delay alone"
        };
        print_heading(what);
        for round_trip_ms in ROUND_TRIPS_MS {
            if slow_start && round_trip_ms == 0 {
                continue;
            }
            let line = Line { round_trip: Duration::from_millis(round_trip_ms), slow_start };
            bench.print(line, &WAYS).await;
        }
    }
    for bytes in OTHER_ANSWER_BYTES {
        let bench = Bench::new(bytes);
        print_heading(&bench.describe());
        bench.print(Line { round_trip: Duration::ZERO, slow_start: false }, &WAYS[..2]).await;
    }
}

fn print_heading(what: &str) {
    println!("\n{what}");
    println!(
        "{:>6}  {:<30} {:>10} {:>9} {:>9} {:>7} {:>7}",
        "RTT", "way", "sent", "received", "time", "sent", "time"
    );
}

/// What every way has in common.
struct Bench {
    server: Server,
    head: Snapshot,
    toolbox: Arc<Toolbox<Answers>>,
    specs: Vec<ToolSpec>,
    answer: String,
    _repository: tempfile::TempDir,
}

impl Bench {
    fn new(answer_bytes: usize) -> Self {
        let repository = tempfile::tempdir().expect("a temporary directory can be made");
        let head = Snapshot::directory(repository.path()).expect("it was just made");
        let tools = Tools::shipped(&TOOLS);
        let infos = runner::ToolExecutor::tools(&tools).to_vec();
        let own = [HostTool::SubmitAnalysis, HostTool::ProposePatch].map(|tool| {
            let schema = serde_json::from_str(prompt::schema(tool)).expect("our schemas are JSON");
            tool_spec(tool.name(), prompt::description(tool), schema)
        });
        let specs =
            infos.iter().map(|info| tool_spec(&info.name, &info.description, info.schema.clone()));
        let specs = specs.chain(own).collect();
        let answer = piece_of_source(answer_bytes);
        let answers = Answers::new(infos, answer.clone());
        let toolbox = Toolbox::new(answers, None, Grant::everything());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(address, Arc::new(script())).expect("loopback has a port");
        Self { server, head, toolbox: Arc::new(toolbox), specs, answer, _repository: repository }
    }

    fn request(&self, input: Vec<InputItem>) -> Request {
        let mut request = Request::new("m", 1_000);
        request.instructions = prompt::instructions(Goal::Patch);
        request.tools.clone_from(&self.specs);
        request.prompt_cache_key = Some("bench".to_owned());
        request.input = input;
        request
    }

    fn describe(&self) -> String {
        let settings = self.request(Vec::new()).to_json().len();
        let answer = self.answer.len();
        format!("answers of {answer} bytes, {settings} bytes of instructions and tools a request")
    }

    async fn print(&self, line: Line, ways: &[(Carried, &str)]) {
        let mut took = Vec::new();
        for (carried, _) in ways {
            took.push(self.median(*carried, line).await);
        }
        for (index, (took_here, (_, name))) in took.iter().zip(ways).enumerate() {
            // Runs are compared with the run over a WebSocket, links with the continued one.
            let base = if index < 2 { took[0] } else { took[2] };
            println!(
                "{:>3} ms  {name:<30} {:>10} {:>9} {:>6} ms {:>6.2}x {:>6.2}x",
                line.round_trip.as_millis(),
                took_here.sent,
                took_here.received,
                took_here.time.as_millis(),
                ratio(took_here.sent, base.sent),
                took_here.time.as_secs_f64() / base.time.as_secs_f64(),
            );
        }
    }

    /// The middle one of a few by time, or one where it takes so long that the machine's moods
    /// hardly count; bytes are the same each time.
    async fn median(&self, carried: Carried, line: Line) -> Took {
        let tries = if line.round_trip < Duration::from_millis(50) { 5 } else { 1 };
        let mut all = Vec::new();
        for _ in 0..tries {
            all.push(self.take(carried, line).await);
        }
        all.sort_by_key(|took| took.time);
        all[tries / 2]
    }

    async fn take(&self, carried: Carried, line: Line) -> Took {
        let network = Network::to(self.server.local_addr(), line).expect("loopback has a port");
        let endpoint = Endpoint::new(&network.base_url()).expect("the address is one");
        let began = Instant::now();
        match carried {
            Carried::Run(way) => self.run(endpoint, way).await,
            Carried::Continued => self.converse(&endpoint, Transport::WebSocket, true, false).await,
            Carried::Whole(transport) => self.converse(&endpoint, transport, false, false).await,
            Carried::WholeAndAnew => self.converse(&endpoint, Transport::Http, false, true).await,
        }
        let time = began.elapsed();
        let (sent, received) = network.bytes();
        Took { sent, received, time }
    }

    async fn run(&self, endpoint: Endpoint, way: Way) {
        let dir = tempfile::tempdir_in(fast_dir()).expect("a temporary directory can be made");
        let mut plan = plan(Scene {
            head: self.head.clone(),
            endpoint,
            way,
            tools: TOOLS.map(str::to_owned).to_vec(),
            dir: dir.path(),
        });
        plan.session.goal = Goal::Patch;
        let (_never, signals) = mpsc::channel(1);
        let run = runner::run(plan, Arc::clone(&self.toolbox), Vec::new(), true, signals);
        let ended = Box::pin(run).await.expect("the run comes to its end");
        assert_eq!(ended.accounting.turns as usize, CALLS + 1, "{:?}", ended.result.stop_reason);
    }

    async fn converse(
        &self,
        endpoint: &Endpoint,
        transport: Transport,
        continued: bool,
        anew: bool,
    ) {
        let connect = || Link::connect(endpoint, transport, Duration::from_secs(30));
        let mut link = connect().await.expect("it connects");
        let mut previous = None;
        let mut input = vec![InputItem::Message { role: "user".to_owned(), text: "go".to_owned() }];
        for turn in 0..=CALLS {
            let mut request = self.request(input.clone());
            request.previous_response_id = previous.take();
            link.ask(&request).await.expect("it is sent");
            let response = loop {
                let event = link.next().await.expect("the server answers");
                if let ModelEvent::Completed(response) = event {
                    break response;
                }
                assert!(!event.is_terminal(), "{event:?}");
            };
            if continued {
                previous = Some(response.response_id);
                input.clear();
            } else {
                input.extend(response.output.into_iter().map(InputItem::Verbatim));
            }
            input.extend(response.calls.into_iter().map(|call| InputItem::FunctionCallOutput {
                call_id: call.call_id,
                output: self.answer.clone(),
            }));
            if anew && turn < CALLS {
                link = connect().await.expect("it connects");
            }
        }
    }
}

/// A model that reads on in a file each turn, and then says what it found.
fn script() -> Script {
    let turn = |call: usize| {
        let (from, to) = (call * 30 + 1, call * 30 + 30);
        let arguments = format!("path = \"src/merge.rs\", start_line = {from}, end_line = {to}");
        format!("[[turn]]\n[[turn.call]]\ntool = \"read_file\"\narguments = {{ {arguments} }}\n")
    };
    let turns: String = (0..CALLS).map(turn).collect();
    let last = "[[turn]]\nsay = \"The bound is wrong: the last slot is left out.\"\n";
    Script::parse(&format!("model = \"m\"\n{turns}{last}")).expect("the script is one")
}

fn ratio(a: u64, b: u64) -> f64 {
    let float = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    float(a) / float(b)
}
