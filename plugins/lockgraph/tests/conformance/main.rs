//! Lock files nobody here wrote, held against what another reader or their owners make of them.
//!
//! The files are not part of the repository; where they are absent a test says so and passes.
#![expect(clippy::disallowed_methods, reason = "the tests read files, the library does not")]

mod exact;
mod java;
mod material;
mod values;
mod wild;
mod workspace;
