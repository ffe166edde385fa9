//! The product from outside: the real binary on real repositories.
//!
//! A module each for what a user does: the demo, a killed run, bad input, the cache, the tools,
//! other people's clients. Nothing here reaches into a crate.
#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]
#![expect(clippy::print_stderr, reason = "what is skipped is said loudly")]

mod apply;
mod attacks;
mod authors;
mod bad_input;
mod cache;
mod commands;
mod conformance;
mod context;
mod demo;
mod distribution;
mod docs;
mod door;
mod endings;
mod gates;
mod history;
mod isolation;
mod kill;
mod mcp;
mod mcp_http;
mod model;
mod page;
mod reading;
mod resume;
mod sdk;
mod sharing;
mod strangers;
mod support;
mod telemetry;
mod trees;
mod verify;
mod vouching;
