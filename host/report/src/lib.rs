//! A trace, told to people and to other programs.
//!
//! [`Run::read`] gathers what a trace says in one pass; everything else is a function of that:
//! [`html`] is the page, [`show`] the text for a terminal, [`explain`] says why something changed,
//! [`export`] tells other programs. [`compare`] and [`verify`] look at the bytes of traces
//! themselves, [`Fleet`] at many runs. Bytes in, text out: whoever calls reads and writes files.
//!
//! A trace is from outside: what it says is escaped wherever it goes, and however much it says,
//! only so much is kept.
//!
//! This crate must not know tasks, the network, the terminal or the sandbox.

mod amount;
mod compare;
mod explain;
mod fleet;
mod html;
mod plain;
mod show;
mod verify;
mod words;

pub mod export;
pub mod run;
pub mod schema;

pub use compare::{Compared, Divergence, OneSide, compare};
pub use explain::{Evidence, Subject, Trail, explain, trails};
pub use fleet::{By, Fleet, RUNS_MAX, Together};
pub use html::html;
pub use run::Run;
pub use show::{Look, show};
pub use trace::Damage;
pub use verify::{Check, Finding, Verified, verify};
