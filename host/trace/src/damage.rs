//! What can be wrong with the bytes of a trace, and where.

use session::event::SCHEMA;

use crate::chain::RECORDS_MAX;

/// A trace that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct Damage {
    /// The record's line, counted from 1; its number is one less.
    pub line: u64,
    /// How it shows.
    pub wrong: Wrong,
}

/// How damage shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The line is not JSON, or not that of a record.
    #[error("{said}")]
    NoRecord {
        /// What the reader of JSON says.
        said: String,
    },
    /// An old reader would misread it.
    #[error("it has schema {found}, this program writes {SCHEMA}")]
    Schema {
        /// What it has.
        found: u32,
    },
    /// It was written in another run.
    #[error("it belongs to the run `{run}`")]
    Foreign {
        /// Which.
        run: String,
    },
    /// Lines before it are gone.
    #[error("it has number {found}, {due} was due: lines are missing")]
    Missing {
        /// Its number.
        found: u64,
        /// The number of a record in this place.
        due: u64,
    },
    /// The digest of the line before is another than it says.
    #[error("the line before it was changed")]
    Changed,
    /// No run writes so much.
    #[error("a run has at most {RECORDS_MAX} records")]
    TooMany,
}
