//! Lock files of any ecosystem, as one graph of packages.
//!
//! [`scan`] looks for lock files in a repository and reads each into a [`Graph`]; [`parse`] does
//! it for the bytes of one. What cannot be read becomes a [`Warning`] with a path and a line and
//! never loses the rest: a report about nine of ten lock files that says so beats none.
//!
//! Reading order: [`Graph`] (what is known of a package), then `scan` (which files are looked
//! at), then `format` (one module a format; a new one joins there and nowhere else), then
//! [`query`] (what can be asked of a graph).
//!
//! This crate must not know the SDK, the disk or the network: files arrive through [`Files`].
//! Everything is sorted, so equal repositories give equal answers, byte for byte.

mod ecosystem;
mod format;
mod graph;
mod merge;
mod path;
mod purl;
mod scan;
mod text;
mod warning;

pub mod query;

#[cfg(test)]
mod drawn;
#[cfg(test)]
mod memory;

pub use ecosystem::Ecosystem;
pub use format::{Format, GRANTS, Unreadable, parse};
pub use graph::{
    Archive, Edge, EdgeKind, Graph, Hash, HashAlgorithm, Kind, Node, NodeId, Place, Scope,
};
pub use purl::{BadPackageUrl, PackageUrl};
pub use scan::{Files, Found, Lockfile, ReadError, Request, Scan, scan};
pub use warning::{Warning, Warnings};
