//! The runner under load: many sessions at once, sinks that do not read, answers that are large.

mod backpressure;
mod sessions;
mod world;
