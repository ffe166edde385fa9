//! A thousand sessions in one process: how much memory each takes beyond the first, and how long
//! one waits for us between two turns.
//!
//! This program is three: the bench starts itself as the model's server, and again as the process
//! that has the sessions, so that neither the server's memory nor an earlier round's is counted.
//! The server looks at its sockets: the added latency of a turn is the time from its last write of
//! a response to the first byte of the request that follows, and so holds everything of ours on
//! the way, waiting for a core included.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use benches::process::{numbers, peak_kib, start};
use benches::runs::{Answers, Scene, fast_dir, is_measured, piece_of_source, plan};
use runner::{Outlet, ToolInfo, Toolbox, Way};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use session::StopReason;
use snapshot::{Digest, Grant, Snapshot};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wire::{Endpoint, InMemoryServer, Options, Script, Server};

/// Sessions at once, one round each. The last is what is promised.
const SESSIONS: [usize; 3] = [1, 100, 1_000];
/// Turns with a tool call; one that ends the run follows.
const TOOL_TURNS: usize = 4;
/// How long the model takes for a turn: its deltas, one after another.
const PACE_MS: u64 = 400;
const DELTAS: usize = 10;
/// Over how long the sessions begin: about one turn, so that they do not march in step.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a tool's answer, about.
const ANSWER_BYTES: usize = 2_048;
/// What is smaller on its way to the server is a ping, not the beginning of a request.
const REQUEST_BYTES_MIN: usize = 64;
/// Files of a session: its socket, its journal, its lock, and one at a time of its artifacts.
const FILES_EACH: u64 = 4;
/// Files of a process beside its sessions.
const FILES_BESIDE: u64 = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve"] => runtime().block_on(serve()),
        ["hold", sessions, address] => {
            let sessions = sessions.parse().expect("a number of sessions");
            runtime().block_on(hold(sessions, address));
        }
        _ if is_measured() => measure(),
        _ => {}
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.expect("a runtime can be made")
}

/// Makes room for so many open files.
fn allow_files(files: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < files) {
        let wanted = Rlimit { current: Some(files), maximum };
        setrlimit(Resource::Nofile, wanted).unwrap_or_else(|err| {
            panic!("{files} open files are needed (`ulimit -Hn` says what is allowed): {err}")
        });
    }
}

/// The bench itself: a round for each number of sessions.
fn measure() {
    println!(
        "sessions: {} turns each, {ANSWER_BYTES} bytes an answer, {} ms of the model's time a turn",
        TOOL_TURNS + 1,
        PACE_MS * DELTAS as u64,
    );
    println!(
        "{:>8} {:>8} {:>10} {:>14} {:>12} {:>10} {:>10} {:>10}",
        "sessions", "at once", "peak RSS", "each beyond 1", "CPU a turn", "added p50", "p99", "max"
    );
    let mut first = 0;
    for sessions in SESSIONS {
        let (mut server, address) = start_server();
        let held = start(&["hold", &sessions.to_string(), &address]).wait_with_output();
        let held = held.expect("the sessions can be waited for");
        assert!(held.status.success(), "{}", held.status);
        let held = String::from_utf8(held.stdout).expect("we write text");
        let added = stop_server(&mut server);
        let [at_once, peak_kib, cpu_us] = numbers(&held);
        let [p50, p99, most] = numbers(&added);
        if sessions == 1 {
            first = peak_kib;
        }
        let beyond = peak_kib.saturating_sub(first).checked_div(sessions as u64 - 1);
        let beyond = beyond.map_or("-".to_owned(), |kib| format!("{kib} KiB"));
        println!(
            "{sessions:>8} {at_once:>8} {peak_kib:>6} KiB {beyond:>14} {cpu_us:>9} µs {:>7} ms {:>7} ms {:>7} ms",
            millis(p50),
            millis(p99),
            millis(most),
        );
    }
}

fn start_server() -> (Child, String) {
    let mut server = start(&["serve"]);
    let mut output = io::BufReader::new(server.stdout.take().expect("it is piped"));
    let mut address = String::new();
    output.read_line(&mut address).expect("the server says where it listens");
    server.stdout = Some(output.into_inner());
    (server, address.trim().to_owned())
}

/// The server says what it saw when nobody speaks to it any more.
fn stop_server(server: &mut Child) -> String {
    drop(server.stdin.take());
    let mut said = String::new();
    let mut output = server.stdout.take().expect("it is piped");
    output.read_to_string(&mut said).expect("the server says what it saw");
    let ended = server.wait().expect("it can be waited for");
    assert!(ended.success(), "{ended}");
    said
}

fn millis(us: u64) -> String {
    format!("{}.{:02}", us / 1_000, us % 1_000 / 10)
}

/// The server's process: a scripted model, and an eye on its sockets.
async fn serve() {
    allow_files(FILES_BESIDE + *SESSIONS.last().expect("there is a round") as u64);
    let options = Options { connections_max: usize::MAX, ..Options::default() };
    let server = Arc::new(Server::in_memory(Arc::new(script()), options));
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    listener.set_nonblocking(true).expect("it can be waited on");
    let listener = TcpListener::from_std(listener).expect("it can be waited on");
    println!("{}", listener.local_addr().expect("it has an address"));
    io::stdout().flush().expect("somebody reads");
    let seen = Arc::default();
    let mut connections = JoinSet::new();
    let over = tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    let accept = async {
        while let Ok((client, _)) = listener.accept().await {
            connections.spawn(watch(client, Arc::clone(&server), Arc::clone(&seen)));
        }
    };
    tokio::select! {
        () = accept => {}
        _ = over => {}
    }
    let mut all = seen.lock().expect("nobody panicked").clone();
    all.sort_unstable();
    let place = |percent: usize| all.get((all.len() * percent / 100).min(all.len() - 1));
    let at = |percent| place(percent).copied().unwrap_or_default();
    println!("{} {} {}", at(50), at(99), at(100));
}

/// Carries a connection between its socket and the server, and notes how long the client took
/// from the end of each response to its next request, in microseconds.
async fn watch(mut client: TcpStream, server: Arc<InMemoryServer>, seen: Arc<Mutex<Vec<u64>>>) {
    client.set_nodelay(true).expect("loopback can");
    let mut inside = server.connect();
    let (mut up, mut down) = (vec![0; 32 << 10], vec![0; 32 << 10]);
    let (mut written, mut requests) = (None, 0);
    loop {
        // Cancel-safe, both: nothing is taken before an arm is ready.
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                if read >= REQUEST_BYTES_MIN && let Some(written) = written.take() {
                    // The first two are the upgrade and what follows it: no turn was before.
                    requests += 1;
                    if requests > 1 {
                        let gap = Instant::now().duration_since(written).as_micros();
                        let gap = u64::try_from(gap).unwrap_or(u64::MAX);
                        seen.lock().expect("nobody panicked").push(gap);
                    }
                }
                if inside.write_all(&up[..read]).await.is_err() { return }
            }
            read = inside.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if client.write_all(&down[..read]).await.is_err() { return }
                written = Some(Instant::now());
            }
        }
    }
}

/// A model that takes its time, and calls a tool each turn but the last.
fn script() -> Script {
    // The server cuts texts into deltas of 24 bytes.
    let text = "I look at the next file. ".repeat(DELTAS)[..24 * (DELTAS - 1)].to_owned();
    let turn = format!(
        "[[turn]]\nsay = \"{text}\"\npace-ms = {PACE_MS}\n\
         [[turn.call]]\ntool = \"look\"\narguments = {{ n = 1 }}\n"
    );
    let last = "[[turn]]\nsay = \"I found it.\"\n[[turn.call]]\ntool = \"submit_analysis\"\n\
                [turn.call.arguments]\nsummary = \"s\"\nfindings = []\nnext_steps = []\n";
    let script = format!("model = \"m\"\n{}{last}", turn.repeat(TOOL_TURNS));
    Script::parse(&script).expect("the script is one")
}

/// The sessions' process.
async fn hold(sessions: usize, address: &str) {
    allow_files(FILES_BESIDE + FILES_EACH * sessions as u64);
    let dir = tempfile::tempdir_in(fast_dir()).expect("a temporary directory can be made");
    let head = Snapshot::directory(dir.path()).expect("it was just made");
    let address: SocketAddr = address.parse().expect("the server's address");
    let endpoint = Endpoint::new(&format!("http://{address}/v1")).expect("it is one");
    let info = ToolInfo {
        name: "look".to_owned(),
        description: "Looks at something.".to_owned(),
        schema: serde_json::json!({ "type": "object", "properties": { "n": { "type": "integer" } } }),
        component: Digest::of(b"look"),
        profile: Digest::of(b"none"),
        grant: Grant::everything(),
        asks: None,
    };
    let answers = Answers::new(vec![info], piece_of_source(ANSWER_BYTES));
    let toolbox = Arc::new(Toolbox::new(answers, None, Grant::everything()));
    let crowd = Arc::new(Crowd::default());
    let mut running = JoinSet::new();
    for number in 0..sessions {
        let begin = BEGIN_WITHIN.mul_f64(fraction(number, sessions));
        let (head, endpoint) = (head.clone(), endpoint.clone());
        let (toolbox, crowd) = (Arc::clone(&toolbox), Arc::clone(&crowd));
        let place = dir.path().join(number.to_string());
        running.spawn(async move {
            tokio::time::sleep(begin).await;
            std::fs::create_dir(&place).expect("it is new");
            crowd.enter();
            Box::pin(one(head, endpoint, toolbox, &place)).await;
            crowd.leave();
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("every session comes to its end");
    }
    let turns = (sessions * (TOOL_TURNS + 1)) as u64;
    let most = crowd.most.load(Ordering::Relaxed);
    println!("{most} {} {}", peak_kib(), cpu_us() / turns);
}

async fn one(
    head: Snapshot,
    endpoint: Endpoint,
    toolbox: Arc<Toolbox<Answers>>,
    place: &std::path::Path,
) {
    let tools = vec!["look".to_owned()];
    let plan = plan(Scene { head, endpoint, way: Way::WebSocket, tools, dir: place });
    let (outlet, mut intake) = Outlet::new("console");
    let shown = tokio::spawn(async move { while intake.next().await.is_some() {} });
    let (_never, signals) = mpsc::channel(1);
    let ended = runner::run(plan, toolbox, vec![outlet], true, signals).await;
    let ended = ended.expect("the run comes to its end");
    assert_eq!(ended.result.stop_reason, StopReason::Done, "{:?}", ended.accounting.last_failure);
    assert_eq!(ended.accounting.turns as usize, TOOL_TURNS + 1);
    shown.await.expect("the console reads to the end");
}

/// How many are at it.
#[derive(Debug, Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

fn fraction(part: usize, whole: usize) -> f64 {
    let float = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    float(part) / float(whole)
}

/// Processor time of this process so far.
fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let (_, after_name) = stat.rsplit_once(')').expect("the name stands in brackets");
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // Linux counts in hundredths of a second on every machine that we know.
    ticks * 10_000
}
