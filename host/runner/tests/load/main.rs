//! The runner under load: many sessions at once, sinks that do not read, answers that are large.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backpressure;
mod sessions;
mod world;
