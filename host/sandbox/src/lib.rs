//! Runs components nobody trusts.
//!
//! A [`Sandbox`] turns the bytes of a component ([`Described`]) into a [`Tool`], which can be called any number
//! of times, side by side. A call gets a fresh instance, sees the repository through a
//! [`snapshot::View`] and nothing else, and always comes back as a [`Report`]: with the guest's
//! answer, its refusal, or the reason why *we* ended it. Nothing a guest does is an error of
//! ours.
//!
//! Reading order: [`Sandbox`] (what it is set up with), [`Tool`] (what is checked before anything
//! runs), [`Sandbox::call`] (one call to its end), `run` and `guest` (what a running guest can
//! reach), `wasi` (the same for guests whose toolchain wants an operating system), [`Limits`] and
//! [`Ending`] (how far it gets), `worker` (the process around it), `foreign`, `shape` and `values`
//! (components that were not made for us). `keeper` is apart from all that: it holds the step's own tests,
//! which are no component.
//!
//! There are two walls. The first is the engine with its settings. The second is a process that
//! has no environment, no descriptor but its line to this one, and no system call to open
//! another: see `worker`. Components are compiled in such a process, too.
//!
//! This crate must not know session state, the network, the environment, or a secret; it is the
//! only one that knows wasmtime.

mod asked;
mod bindings;
mod call;
mod ceiling;
mod compiled;
mod engine;
mod foreign;
#[doc(hidden)]
pub mod fuzzing;
mod guest;
mod json;
mod keeper;
mod limits;
mod manifest;
mod outcome;
mod record;
mod run;
mod sandbox;
mod shape;
mod surface;
mod tool;
mod translate;
mod values;
mod wasi;
mod worker;

pub use call::INPUT_BYTES_MAX;
pub use foreign::{ForeignError, PassedOver};
pub use keeper::{Orders, TestsReach, keep, tests_landlock};
pub use limits::{Limits, LimitsError};
pub use manifest::{GrantCeiling, Manifest, ManifestError};
pub use outcome::{Ending, Level, LogLine, Outcome, Report, Usage};
pub use sandbox::{Allocator, CONCURRENT_CALLS_MAX, Config, Guests, Sandbox, SandboxError, WORLD};
pub use shape::ShapeError;
pub use surface::{Import, Origin, Surface};
pub use tool::{COMPONENT_BYTES_MAX, Code, Described, LoadError, Tool};
pub use worker::{Program, Trial, Tried, Wall, Walls, serve};

/// Whether this machine can say which pages a guest has touched, so that clearing up after a call
/// costs microseconds.
pub fn has_page_scan() -> bool {
    wasmtime::PoolingAllocationConfig::is_pagemap_scan_available()
}
