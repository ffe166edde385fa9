//! Runs components nobody trusts.
//!
//! A [`Sandbox`] turns the bytes of a component into a [`Tool`], which can be called any number
//! of times, side by side. A call gets a fresh instance, sees the repository through a
//! [`snapshot::View`] and nothing else, and always comes back as a [`Report`]: with the guest's
//! answer, its refusal, or the reason why *we* ended it. Nothing a guest does is an error of
//! ours.
//!
//! Reading order: [`Sandbox`] (one engine and its settings), [`Tool`] (what is checked before
//! anything runs), [`Sandbox::call`] (one call to its end), `guest` (what a running guest can
//! reach), [`Limits`] and [`Ending`] (how far it gets).
//!
//! This crate must not know session state, the network, the environment, or a secret; it is the
//! only one that knows wasmtime.
//!
//! Two walls are not here yet, and [`Sandbox::isolation`] says so in every run: guests run in
//! the process that loads them instead of a worker process, and a component is compiled there
//! too, bounded by its size ([`COMPONENT_BYTES_MAX`]) but not by time. Plain data goes in and
//! plain data comes out, so that both can move to a process of their own.

mod bindings;
mod call;
mod ceiling;
mod compiled;
mod engine;
mod guest;
mod json;
mod limits;
mod manifest;
mod outcome;
mod record;
mod tool;
mod translate;

pub use call::INPUT_BYTES_MAX;
pub use engine::{Allocator, CONCURRENT_CALLS_MAX, Config, Sandbox, SandboxError, WORLD};
pub use limits::{Limits, LimitsError};
pub use manifest::{Manifest, ManifestError};
pub use outcome::{Ending, Level, LogLine, Outcome, Report, Usage};
pub use tool::{COMPONENT_BYTES_MAX, Code, LoadError, Tool};
