//! The tools over Streamable HTTP: other people's clients, and those that should not be let in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::mcp::{CLIENT, MCP, world};
use crate::support::{Ran, World, python, workspace};

/// The release of the conformance suite that runs on Node 20.
const CONFORMANCE: &str = "@modelcontextprotocol/conformance@0.1.13";
/// Its scenarios that are about every server; the others ask for what the suite's own one offers.
const SCENARIOS: [&str; 4] =
    ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"];

/// A server that is ended with its owner.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn of(world: &World, arguments: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut command = world.command(&["mcp", "--http", "127.0.0.1:0"]);
        command.args(arguments).envs(vars.iter().copied());
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let address = said.lines().map_while(Result::ok).find_map(|line| {
            let at = line.split("http://").nth(1)?;
            Some(at.split('/').next()?.to_owned())
        });
        Self { child, address: address.expect("it says where it serves") }
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Sends a request of HTTP/1.1 as it stands, and returns the status and the body.
    fn raw(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // A server that refuses early may have hung up already.
        drop(stream.write_all(request));
        let mut all = Vec::new();
        drop(stream.read_to_end(&mut all));
        let all = String::from_utf8_lossy(&all).into_owned();
        let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or(0), body.to_owned())
    }

    fn post(&self, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut all = vec![
            ("Host", self.address.as_str()),
            ("Accept", "application/json, text/event-stream"),
            ("Content-Type", "application/json"),
            ("Connection", "close"),
        ];
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        all.extend(headers);
        let head: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let text = format!("POST /mcp HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n{body}");
        self.raw(text.as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_small() -> String {
    let params = json!({ "name": "read_file", "arguments": { "path": "small.txt" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

fn is_answer(answer: &(u16, String)) -> bool {
    let (status, body) = answer;
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    *status == 200 && body["result"]["isError"] == false
}

#[test]
fn the_official_python_client_uses_the_tools_over_http() {
    let Some(python) = python("mcp-venv", MCP, "import mcp") else { return };
    let world = world();
    let server = Server::of(&world, &[], &[]);
    let mut client = Command::new(python);
    let talked = client.args(["-c", CLIENT, &server.url()]).output().unwrap();
    let out = String::from_utf8_lossy(&talked.stdout);
    assert!(talked.status.success(), "{out}\n{}", String::from_utf8_lossy(&talked.stderr));
    insta::assert_snapshot!(out);
}

/// The conformance suite in a folder of ours, kept between runs; none, with a loud line, where the
/// registry has none.
fn conformance() -> Option<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock();
    let dir = workspace().join("target/mcp-conformance");
    let program = dir.join("node_modules/.bin/conformance");
    let works =
        || Command::new(&program).arg("list").output().is_ok_and(|ran| ran.status.success());
    let ready = works() || {
        drop(std::fs::create_dir_all(&dir));
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", CONFORMANCE, "--prefix"])
            .arg(&dir);
        npm.output().is_ok_and(|ran| ran.status.success()) && works()
    };
    if !ready {
        eprintln!("SKIPPED LOUDLY: {CONFORMANCE} cannot be installed here, so it was not tried");
    }
    ready.then_some(program)
}

#[test]
fn the_conformance_suite_of_the_protocol_is_content() {
    let Some(program) = conformance() else { return };
    let world = world();
    let server = Server::of(&world, &[], &[]);
    for scenario in SCENARIOS {
        let mut suite = Command::new(&program);
        // It writes what it saw where it is started.
        suite.current_dir(world.repo().parent().unwrap());
        suite.args(["server", "--url", &server.url(), "--scenario", scenario]);
        let ran = suite.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{scenario}: {said}{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn who_should_not_be_let_in_is_not() {
    let world = world();
    let token = "0123456789abcdef-token";
    let page = "https://app.example.com:443";
    let arguments = ["--token-env", "T", "--allow-host", "tools.example", "--allow-origin", page];
    let server = Server::of(&world, &arguments, &[("T", token)]);
    let bearer = format!("Bearer {token}");
    let (with, call) = (("Authorization", bearer.as_str()), read_small());
    let long = "x".repeat(2 * 1024 * 1024);
    let mut table = Vec::new();
    for (what, headers, body) in [
        ("the token", vec![with], call.as_str()),
        ("no token", vec![], &call),
        ("a wrong token", vec![("Authorization", "Bearer 0123456789abcdef-tokem")], &call),
        ("half of the token", vec![("Authorization", "Bearer 0123456789")], &call),
        ("another name of the host", vec![with, ("Host", "tools.example")], &call),
        ("a host that nobody allowed", vec![with, ("Host", "evil.example")], &call),
        ("a page that nobody allowed", vec![with, ("Origin", "https://evil.example")], &call),
        ("a page that is allowed", vec![with, ("Origin", page)], &call),
        ("a page of this machine", vec![with, ("Origin", "http://localhost:3000")], &call),
        ("no page at all", vec![with, ("Origin", "null")], &call),
        ("another type of content", vec![with, ("Content-Type", "text/plain")], &call),
        ("a revision of the future", vec![with, ("MCP-Protocol-Version", "2099-01-01")], &call),
        ("no JSON", vec![with], "{"),
        ("JSON of no meaning", vec![with], "[[[]]]"),
        ("too much", vec![with], &long),
    ] {
        let answer = server.post(&headers, body);
        let text = if is_answer(&answer) { " and the answer" } else { "" };
        table.push(format!("{what}: {}{text}", answer.0));
    }
    let get = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for path in ["/", "/mcp", "/mcp/..", "/etc/passwd"] {
        let (status, _) =
            server.raw(format!("GET {path} {get}Authorization: {bearer}\r\n\r\n").as_bytes());
        table.push(format!("GET {path}: {status}"));
    }
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn clients_that_disappear_or_flood_are_in_nobodys_way() {
    let world = world();
    let server = Server::of(&world, &[], &[]);
    let call = read_small();
    for _ in 0..100 {
        let mut gone = TcpStream::connect(&server.address).unwrap();
        let half = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
            call.len(),
            &call[..call.len() / 2]
        );
        gone.write_all(half.as_bytes()).unwrap();
    }
    assert_eq!(server.raw(b"\x16\x03\x01 no HTTP\r\n\r\n").0, 400);
    std::thread::scope(|scope| {
        let many: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| (0..5).all(|_| is_answer(&server.post(&[], &call)))))
            .collect();
        assert!(many.into_iter().all(|one| one.join().unwrap()));
    });
}

#[test]
fn an_address_beyond_this_machine_needs_a_token() {
    let world = world();
    let open = world.stepwell(&["mcp", "--http", "0.0.0.0:0"]).code(2);
    let mut command = world.command(&["mcp", "--http", "0.0.0.0:0", "--token-env", "SHORT"]);
    let guessed = Ran::from(command.env("SHORT", "guess").output().unwrap()).code(2);
    insta::assert_snapshot!(open.err + &guessed.err);
}
