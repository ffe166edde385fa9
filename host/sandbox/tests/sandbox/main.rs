//! The sandbox from outside: guests that behave, guests that do not, and what becomes of them.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has files"
)]

mod cancelling;
mod endings;
mod guests;
mod loading;
mod reading;

use guests::{Bench, component, manifest, tool_bytes};
