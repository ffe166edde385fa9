//! The sandbox from outside, with its guests in workers: everything that holds in one process,
//! and what only holds in two.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has files"
)]

#[path = "../sandbox/cancelling.rs"]
mod cancelling;
#[path = "../sandbox/endings.rs"]
mod endings;
#[path = "../sandbox/foreign.rs"]
mod foreign;
#[path = "../sandbox/guests.rs"]
mod guests;
#[path = "../sandbox/hostile.rs"]
mod hostile;
#[path = "../sandbox/loading.rs"]
mod loading;
#[path = "../sandbox/observing.rs"]
mod observing;
#[path = "../sandbox/reading.rs"]
mod reading;
mod walls;
#[path = "../sandbox/zoo.rs"]
mod zoo;

use guests::{Bench, component, manifest, tool_bytes};
use sandbox::{Guests, Program};

/// Where the guests of these tests run.
fn place() -> Guests {
    let path = env!("CARGO_BIN_EXE_worker").into();
    Guests::Apart(Program { path, arguments: Vec::new() })
}

/// Whether that is another process.
const APART: bool = true;
