//! The second wall: guests run in processes that have nothing.
//!
//! A worker is this program again, started with an empty environment and one socket to the process
//! of the step (its line), over which the compiled code of one tool comes with the first word.
//! Before a guest is in it, it gives up every right it has (`wall`, `filter`); then it carries out
//! one call at a time, and asks over its line whatever the guest asks. It holds no snapshot: grants,
//! the first answer that stands, and what is on the record stay with the process of the step, which
//! believes nothing that a worker says of them, and ends it when its time is over.
//!
//! One worker is for one tool: a guest that breaks out of the engine finds a process in which no
//! other tool ever ran.
//!
//! Reading order: `serve` (inside), `wall` and `filter` (what it gives up), `message` and `frame`
//! (what is said), `pool` and `talk` (outside), `start` (how a process begins and ends), `trial` (what must
//! not work).

mod ear;
mod filter;
mod frame;
mod line;
pub(crate) mod message;
mod patience;
mod places;
mod pool;
mod serve;
mod start;
mod talk;
mod trial;
mod wall;
mod words;

pub use serve::serve;
pub use start::Program;
pub use trial::{Trial, Tried};
pub use wall::{Wall, Walls};

pub(crate) use frame::Frames;
pub(crate) use line::Line;
pub(crate) use message::{Room, ToHost, ToWorker};
pub(crate) use pool::{Image, Lost, Pool};
