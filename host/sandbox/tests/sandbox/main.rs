//! The sandbox from outside, in one process: guests that behave, guests that do not, and what becomes of them.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has files"
)]

mod cancelling;
mod endings;
mod foreign;
mod guests;
mod hostile;
mod loading;
mod observing;
mod reading;
mod zoo;

use guests::{Bench, component, manifest, tool_bytes};
use sandbox::Guests;

/// Where the guests of these tests run.
fn place() -> Guests {
    Guests::Here
}

/// Whether that is another process.
const APART: bool = false;
