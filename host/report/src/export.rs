//! A run as other programs read it.

mod atif;
mod junit;
mod otlp;
mod prometheus;

pub use atif::atif;
pub use junit::junit;
pub use otlp::{Parent, otlp};
pub use prometheus::{Labels, prometheus};
