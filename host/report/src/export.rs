//! A run as other programs read it.

mod atif;
mod junit;
mod metrics;
mod otlp;
mod prometheus;

pub use atif::atif;
pub use junit::junit;
pub use metrics::Labels;
pub use otlp::{Parent, otlp, otlp_metrics};
pub use prometheus::prometheus;
