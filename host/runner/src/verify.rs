//! One run of the step's own test command: what holds it, how far it gets, and what it leaves.
//!
//! Reading order: `command` (it starts, and ends for one of a few reasons), `confine` (who puts
//! walls around it), `bubblewrap` (one who does), `output` and `disk` (what is kept of what it
//! writes, and how much that may be), `kept` (what need not run again).

mod bubblewrap;
mod command;
mod confine;
mod disk;
mod kept;
mod output;

pub use bubblewrap::{Bubblewrap, Reach};
pub(crate) use command::{Ran, execute};
pub use confine::{Confine, Confined, Room};
pub(crate) use kept::{KeptRun, KeptRuns};
pub(crate) use output::{Kept, left_out};

#[cfg(test)]
mod tests;
