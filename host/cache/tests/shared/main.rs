//! Machines that share through real servers: what one computed another finds, byte for byte, and
//! whatever happens to the server is a miss and never an error.
//!
//! `tests/servers` starts them. Where one cannot be had its tests say `SKIPPED:` and pass, unless a
//! variable requires it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod busy;
mod conformance;
mod counts;
mod deaths;
mod machine;
mod proxy;
mod slow;
