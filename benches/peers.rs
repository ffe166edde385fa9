//! The turn loop beside those of others: the same thirty tool calls, asked for by the same server with
//! no time to think, made by stepwell, the codex CLI and openai-agents; and a tool call beside what
//! else could carry it out: a process, bubblewrap, Node.
//!
//! The server is that of `stepwell model serve`, in this process, where its clock can be read. It asks
//! for whichever tool a client offers that reads a file: each client has its own. A peer that cannot
//! be installed here is skipped, and said so.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

#[path = "../host/wire/tests/peers/folder.rs"]
#[expect(dead_code, clippy::print_stderr, reason = "tests install more than is needed here")]
mod folder;

use std::fs;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use benches::{Repository, apart, empty_tool, runs, sandbox, shipped};
use sandbox::{Limits, Sandbox};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wire::{Asked, Conversation, Observer, Options, Reply, Responder, Server};

/// Tool calls of a run.
const CALLS: u32 = 30;
/// Runs of each client, in turns: the middle one counts.
const ROUNDS: usize = 5;
/// Calls of each kind of tool, and of those that are cheap.
const TIMES: usize = 40;
const TIMES_CHEAP: usize = 2_000;
/// What is read.
const FILE: &str = "f7.rs";

fn main() -> ExitCode {
    if benches::is_worker() {
        return sandbox::serve();
    }
    if runs::is_measured() {
        let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let (runtime, repository) = (built.expect("a runtime can be made"), Repository::default());
        loops(&runtime, &repository);
        calls(&runtime, &repository);
    }
    ExitCode::SUCCESS
}

/// Asks for a file so many times, with the tool that the client has for it, and then is content.
struct Asking;

impl Responder for Asking {
    fn model(&self) -> &'static str {
        "scripted"
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        let shell = format!("cat {FILE}");
        let known = [
            ("read_file", json!({ "path": FILE })),
            ("exec_command", json!({ "cmd": shell })),
            ("shell_command", json!({ "command": shell })),
            ("shell", json!({ "command": ["cat", FILE] })),
        ];
        let offers = |name: &str| asked.tools.iter().any(|tool| tool.name == name);
        let known = known.into_iter().find(|(name, _)| offers(name));
        match known {
            Some((name, arguments)) if asked.turn < CALLS => Reply::call(name, arguments),
            // So that a step ends well.
            Some(_) if offers("submit_analysis") => Reply::call(
                "submit_analysis",
                json!({ "summary": "s", "findings": [], "next_steps": [] }),
            ),
            Some(_) | None => Reply::text("All is well."),
        }
    }
}

/// A client and its way: what starts it, given where the server is.
struct Client {
    name: &'static str,
    web_socket: bool,
    start: Box<dyn Fn(&str) -> Command>,
}

/// A run: from the start of the process to its end, of that to its first request, and from that to the
/// last.
#[derive(Debug, Clone, Copy)]
struct Took {
    whole: Duration,
    start: Duration,
    turns: Duration,
}

fn loops(runtime: &Runtime, repository: &Repository) {
    let place = tempfile::tempdir().expect("a temporary directory can be made");
    let clients = clients(runtime, repository.dir.path(), place.path());
    let mut took: Vec<Vec<Took>> = clients.iter().map(|_| Vec::new()).collect();
    // The first round warms up what each keeps between its runs.
    for round in 0..=ROUNDS {
        for (client, took) in clients.iter().zip(&mut took) {
            let one = run(runtime, client, repository.dir.path());
            took.extend((round > 0).then_some(one));
        }
    }
    println!("peers: {CALLS} tool calls, the same server, no time to think; medians of {ROUNDS}");
    println!(
        "{:<18} {:<10} {:>12} {:>8} {:>12} {:>8} {:>15}",
        "client", "way", "a turn", "ratio", "process", "ratio", "first request"
    );
    let middles: Vec<Took> = took.iter().map(|took| middle(took)).collect();
    for (client, Took { whole, start, turns }) in clients.iter().zip(&middles) {
        let first = middles[0];
        let turn = turns.as_secs_f64() * 1e3 / f64::from(CALLS);
        println!(
            "{:<18} {:<10} {turn:>9.2} ms {:>7.1}x {:>9.0} ms {:>7.1}x {:>12.0} ms",
            client.name,
            if client.web_socket { "WebSocket" } else { "HTTP" },
            turns.as_secs_f64() / first.turns.as_secs_f64(),
            whole.as_secs_f64() * 1e3,
            whole.as_secs_f64() / first.whole.as_secs_f64(),
            start.as_secs_f64() * 1e3,
        );
    }
    println!();
}

fn middle(took: &[Took]) -> Took {
    let of = |part: fn(&Took) -> Duration| {
        let mut all: Vec<Duration> = took.iter().map(part).collect();
        all.sort();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Took {
        whole: of(|took| took.whole),
        start: of(|took| took.start),
        turns: of(|took| took.turns),
    }
}

/// Those that can be had here; the first is what the others are compared with.
fn clients(runtime: &Runtime, repository: &Path, place: &Path) -> Vec<Client> {
    let mut clients = Vec::new();
    if let Some(stepwell) = benches::program() {
        clients.extend([true, false].map(|way| self::stepwell(&stepwell, repository, place, way)));
    }
    match runtime.block_on(folder::node("codex", &[folder::CODEX])) {
        Some(folder) => clients.extend([true, false].map(|way| codex(&folder, place, way))),
        None => println!("SKIPPED LOUDLY: {} cannot be installed here", folder::CODEX),
    }
    match runtime.block_on(folder::python("python", &folder::PYTHON)) {
        Some(bin) => clients.extend([true, false].map(|way| agents(bin.clone(), way))),
        None => println!("SKIPPED LOUDLY: openai-agents cannot be installed here"),
    }
    clients
}

fn stepwell(program: &Path, repository: &Path, place: &Path, web_socket: bool) -> Client {
    let program = program.canonicalize().expect("it is there");
    let (repository, place) = (repository.to_owned(), place.to_owned());
    let start = move |address: &str| {
        let step = place.join(format!("step-{web_socket}.toml"));
        let text = format!(
            "name = \"bench\"\ntask = \"Look.\"\n\
             [model]\nname = \"scripted\"\nbase-url = \"{address}\"\nkey-env = \"BENCH_KEY\"\n\
             transport = \"{}\"\nprice = {{ input = 0.01, output = 0.01 }}\n\
             [budget]\nspend = 100.0\nanalyze = {{ calls = 100, tokens = 10000000 }}\n",
            if web_socket { "websocket" } else { "http" }
        );
        fs::write(&step, text).expect("it can be written");
        let mut command = Command::new(&program);
        command.arg("run").arg(step).arg("--fresh").arg("--repo").arg(&repository);
        command.arg("--out").arg(place.join("out"));
        command.env("STEPWELL_CACHE_DIR", place.join("cache")).env("BENCH_KEY", "none");
        command.env("XDG_STATE_HOME", place.join("state"));
        command
    };
    Client { name: "stepwell run", web_socket, start: Box::new(start) }
}

fn codex(folder: &Path, place: &Path, web_socket: bool) -> Client {
    let program = folder.join("node_modules/.bin/codex");
    let home = place.join(format!("codex-{web_socket}"));
    let start = move |address: &str| {
        // Its home has what it kept of earlier runs; nobody else's settings.
        fs::create_dir_all(&home).expect("it can be made");
        let config = format!(
            "model = \"gpt-5.4\"\nmodel_provider = \"bench\"\napproval_policy = \"never\"\n\
             sandbox_mode = \"danger-full-access\"\n[model_providers.bench]\nname = \"bench\"\n\
             base_url = \"{address}\"\nenv_key = \"BENCH_KEY\"\nwire_api = \"responses\"\n\
             supports_websockets = {web_socket}\n"
        );
        fs::write(home.join("config.toml"), config).expect("it can be written");
        let mut command = Command::new(&program);
        command.args(["exec", "--skip-git-repo-check", "--json", "go"]);
        command.env("CODEX_HOME", &home).env("BENCH_KEY", "none");
        command
    };
    Client { name: "codex exec", web_socket, start: Box::new(start) }
}

fn agents(bin: PathBuf, web_socket: bool) -> Client {
    let script = benches::root().join("benches/peers_agents.py");
    let script = script.canonicalize().expect("it lies beside this bench");
    let start = move |address: &str| {
        let mut command = Command::new(bin.join("python"));
        command.arg(&script).arg(address).arg(if web_socket { "websocket" } else { "http" });
        command
    };
    Client { name: "openai-agents", web_socket, start: Box::new(start) }
}

/// One run of a client against a server of its own.
fn run(runtime: &Runtime, client: &Client, repository: &Path) -> Took {
    let seen: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let observer: Observer = Arc::new(move |asked: &Asked| {
        if !asked.warm_up {
            noted.lock().expect("nobody panicked").push(Instant::now());
        }
    });
    let options =
        Options { observer: Some(observer), web_socket: client.web_socket, ..Options::default() };
    let _within = runtime.enter();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind_with(address, Arc::new(Asking), options);
    let server = server.expect("loopback can be listened on");
    let mut command = (client.start)(&server.base_url());
    command.current_dir(repository).stdin(Stdio::null());
    let began = Instant::now();
    let output = command.output().expect("it starts");
    let whole = began.elapsed();
    let seen = seen.lock().expect("nobody panicked");
    let said = || {
        let (out, err) = (&output.stdout, &output.stderr);
        format!("{}\n{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
    };
    assert!(output.status.success(), "{}: {}", client.name, said());
    // Some ask for more than the task: those requests come first or last.
    let first = seen.len().checked_sub(CALLS as usize + 1);
    let first = first.unwrap_or_else(|| panic!("{}: {seen:?}\n{}", client.name, said()));
    let turns = seen[seen.len() - 1].duration_since(seen[first]);
    Took { whole, start: seen[0].duration_since(began), turns }
}

/// Reads a file of 2 KiB in every way, and starts what does nothing.
fn calls(runtime: &Runtime, repository: &Repository) {
    println!("a tool call: {FILE} read, or nothing done; microseconds, medians");
    let dir = repository.dir.path();
    let mut rows: Vec<(String, Duration)> = Vec::new();
    for (name, sandbox) in [("in process", sandbox(None)), ("in a worker", apart(None))] {
        for (what, component, input) in [
            ("empty", empty_tool(), "{}".to_owned()),
            ("read_file", shipped("read_file"), json!({ "path": FILE }).to_string()),
        ] {
            let took = guest(runtime, repository, &sandbox, &component, &input);
            rows.push((format!("stepwell, {what} {name}"), took));
        }
    }
    let read = format!("require('fs').readFileSync('{FILE}')");
    let boxed = ["--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "cat", FILE];
    for (name, program, arguments) in [
        ("a process, `true`", "true", &[][..]),
        ("a process, `cat`", "cat", &[FILE]),
        ("bubblewrap, `cat`", "bwrap", &boxed),
        ("Node, readFileSync", "node", &["-e", &read]),
    ] {
        match process(dir, program, arguments) {
            Some(took) => rows.push((name.to_owned(), took)),
            None => println!("SKIPPED LOUDLY: `{program}` does not run here"),
        }
    }
    // The way that steps use.
    let reference = rows[3].1.as_secs_f64();
    for (name, took) in rows {
        let ratio = took.as_secs_f64() / reference;
        println!("{name:<32} {:>10.1} {ratio:>8.2}x", took.as_secs_f64() * 1e6);
    }
}

fn middle_of(times: usize, mut act: impl FnMut()) -> Duration {
    act();
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let began = Instant::now();
            act();
            began.elapsed()
        })
        .collect();
    took.sort();
    took[times / 2]
}

fn guest(
    runtime: &Runtime,
    repository: &Repository,
    sandbox: &Sandbox,
    component: &[u8],
    input: &str,
) -> Duration {
    let tool = sandbox.load(component).expect("our tools load");
    let (limits, never) = (Limits::default(), CancellationToken::new());
    middle_of(TIMES_CHEAP, || {
        let call = sandbox.call(&tool, input, repository.view(), &limits, &never);
        black_box(runtime.block_on(call));
    })
}

fn process(dir: &Path, program: &str, arguments: &[&str]) -> Option<Duration> {
    let run = || {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    };
    run().then(|| middle_of(TIMES, || assert!(run(), "it ran before")))
}
