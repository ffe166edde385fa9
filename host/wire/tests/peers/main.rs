//! Clients and servers that other people wrote, against ours.
//!
//! Each is installed by its own package manager into a folder of its own below the target
//! directory, in one pinned version, and kept between runs. Where that is not possible the test
//! says `SKIPPED` and what is missing, and nothing else.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests of foreign programs write their files, and say what they skip"
)]

mod clients;
mod folder;
mod servers;

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;
use wire::{Options, Responder, Script, Server};

/// How long a peer may take for its conversation. The slowest, codex, takes some ten seconds.
const PEER_TIME_MAX: Duration = Duration::from_mins(3);

const SCRIPT: &str = r#"
model = "scripted"
[[turn]]
say = "Let me look."
[[turn.call]]
tool = "read_file"
arguments = { path = "a" }
[[turn]]
say = "It is fine."
"#;

fn serve(responder: impl Responder, options: Options) -> Server {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::bind_with(anywhere, Arc::new(responder), options).unwrap()
}

fn serve_script() -> Server {
    serve(Script::parse(SCRIPT).unwrap(), Options::default())
}

/// Runs a peer to its end; what it said, and whether it was content.
async fn run(command: &mut Command) -> Output {
    command.kill_on_drop(true).stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
    let output = timeout(PEER_TIME_MAX, command.output()).await;
    output.expect("the peer comes to an end").unwrap()
}

/// What a peer printed, which must have been content.
async fn said(command: &mut Command) -> String {
    let output = run(command).await;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "stdout:\n{out}\nstderr:\n{err}");
    out
}
