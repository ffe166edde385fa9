//! Everything a Stepwell tool, or a gate, needs: one function, one macro.
//!
//! ```
//! use stepwell::{Refusal, Tree, repository};
//!
//! stepwell::tool! {
//!     name: "count_lines",
//!     description: "Counts the lines of one file of the repository.",
//!     schema: r#"{
//!         "type": "object",
//!         "properties": { "path": { "type": "string" } },
//!         "required": ["path"],
//!         "additionalProperties": false
//!     }"#,
//!     call: count_lines,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Input {
//!     path: String,
//! }
//!
//! #[derive(serde::Serialize)]
//! struct Output {
//!     lines: usize,
//! }
//!
//! fn count_lines(input: Input) -> Result<Output, Refusal> {
//!     let text = repository::read_text(Tree::Head, &input.path)?;
//!     Ok(Output { lines: text.lines().count() })
//! }
//!
//! let repository = stepwell::testing::Repository::new().file("a.txt", "one\ntwo\n");
//! let run = repository.call(&TOOL, r#"{"path": "a.txt"}"#);
//! assert_eq!(run.answer, Ok(r#"{"lines":2}"#.to_owned()));
//! ```
//!
//! Built for `wasm32-unknown-unknown` this is a component. Built for anything else it is the
//! same tool before a repository in memory, [`testing::Repository`], so a plain `cargo test`
//! tests it.
//!
//! A team's own rule on what may leave is a component, too: [`gate!`].
//!
//! Reading order: [`tool!`], [`mod@gate`], [`repository`], [`environment`], [`log`], then [`testing`].
//!
//! This crate knows `wit/tool.wit` and nothing of the host.

pub mod environment;
pub mod gate;
pub mod log;
pub mod repository;
mod tool;

#[cfg(target_family = "wasm")]
mod guest;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

// Where questions go: to the host, or to the repository in memory. Both have the same functions.
#[cfg(target_family = "wasm")]
use guest as host;
#[cfg(not(target_family = "wasm"))]
use testing as host;

pub use gate::{Patch, Verdict};
pub use repository::Tree;
pub use tool::{Refusal, Tool};

// For `tool!`, and so not to be called by hand.
#[doc(hidden)]
pub mod macro_support {
    #[cfg(target_family = "wasm")]
    pub use crate::guest::{Guest, WitRefusal, bindings, call};
    pub use crate::tool::{Handler, Parts, carry_out, manifest, manifest_len};
}
