//! `stepwell mcp` as a client sees it: from the start of the process until it has said what it is,
//! and the way of one call there and back over standard input and output.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use benches::{Repository, empty_tool_called, one_processor, runs};
use rustix::thread::{sched_getaffinity, sched_setaffinity};
use serde_json::{Value, json};

/// Tools beside those that are built in, so that there are ten.
const OWN: [&str; 3] = ["empty", "empty_too", "empty_as_well"];
/// Processes that are started.
const STARTS: usize = 30;
/// Calls of a row.
const CALLS: usize = 3_000;
/// Calls before it counts.
const WARM_UP: usize = 50;

fn main() {
    if !runs::is_measured() {
        return;
    }
    println!("mcp: microseconds, the fastest, the middle one and the 99th of a hundred");
    let Some(program) = benches::program() else { return };
    let place = Place::new(program);
    // What is compiled is compiled by the first.
    drop(Client::of(&place));
    let any = sched_getaffinity(None).expect("Linux says");
    for (set, name) in [(one_processor(), "one processor"), (any, "any processor")] {
        // The process runs where this thread may.
        sched_setaffinity(None, &set).expect("it is a part of what there was");
        println!("\n{name}");
        let starts = (0..STARTS).map(|_| Client::of(&place).1);
        row("start to ready, ten tools", starts.collect());
        let (mut client, _) = Client::of(&place);
        for (name, tool, arguments) in [
            ("call: empty", "empty", json!({})),
            ("call: read_file of 2 KiB", "read_file", json!({"path": "f7.rs"})),
        ] {
            let took = (0..WARM_UP + CALLS).map(|_| client.call(tool, &arguments));
            row(name, took.skip(WARM_UP).collect());
        }
    }
    sched_setaffinity(None, &any).expect("it is what there was");
}

fn row(name: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    println!("{name:<40} {:>9.1} {:>9.1} {:>9.1}  of {}", at(0), at(50), at(99), took.len());
}

/// A repository, tools, and a cache of their own.
struct Place {
    program: PathBuf,
    repository: Repository,
    state: tempfile::TempDir,
}

impl Place {
    fn new(program: PathBuf) -> Self {
        let state = tempfile::tempdir().expect("a temporary directory can be made");
        for name in OWN {
            let component = empty_tool_called(name);
            std::fs::write(Self::component(state.path(), name), component).expect("there is room");
        }
        Self { program, repository: Repository::default(), state }
    }

    fn component(state: &Path, name: &str) -> PathBuf {
        state.join(name).with_extension("wasm")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("mcp").current_dir(self.repository.dir.path());
        for name in OWN {
            command.arg("--component").arg(Self::component(self.state.path(), name));
        }
        command.env("STEPWELL_CACHE_DIR", self.state.path().join("cache"));
        command.env("XDG_STATE_HOME", self.state.path().join("state"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

/// A client of a process of its own.
struct Client {
    process: Child,
    says: ChildStdin,
    hears: BufReader<ChildStdout>,
    number: u64,
}

impl Client {
    /// A client, and the time until it was told what the server is.
    fn of(place: &Place) -> (Self, Duration) {
        let began = Instant::now();
        let mut process = place.command().spawn().expect("the program starts");
        let says = process.stdin.take().expect("it is a pipe");
        let hears = BufReader::new(process.stdout.take().expect("it is a pipe"));
        let mut client = Self { process, says, hears, number: 0 };
        let about = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "bench", "version": "1" },
        });
        client.ask("initialize", &about);
        let took = began.elapsed();
        client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let tools = client.ask("tools/list", &json!({}));
        let tools = tools["tools"].as_array().expect("it has tools");
        assert!(tools.len() >= 10, "{tools:?}");
        (client, took)
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Duration {
        let began = Instant::now();
        let answer = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }));
        let took = began.elapsed();
        assert_ne!(answer["isError"], json!(true), "{answer}");
        took
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let id = self.number;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut line = String::new();
        self.hears.read_line(&mut line).expect("it answers");
        let mut answer: Value = serde_json::from_str(&line).expect("it speaks JSON");
        assert_eq!(answer["id"], json!(id), "{answer}");
        answer["result"].take()
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.says, "{message}").expect("it listens");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Gone before the next one is measured.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
