//! Documents of every format: against the official schemas, against each other, and before others'
//! validators.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

mod common;
mod properties;
mod schema;
mod validators;
mod xml;
