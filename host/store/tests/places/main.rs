//! Every place behaves as one map of names to bytes: in memory, on a disk, and on real servers.
//!
//! `tests/servers` starts them. Where one cannot be had its tests say `SKIPPED:` and pass, unless a
//! variable requires it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bazel;
mod conformance;
mod faults;
mod lies;
mod limits;
mod scripted;
mod stores;
