//! The tools that this program carries.

include!(concat!(env!("OUT_DIR"), "/components.rs"));
