//! Lock files and requirement files of Python: what their formats share, and one module each.
//!
//! A package is known by its name in the spelling of PEP 503 (`names`). What a lock file says of
//! it is a `Package` with what it needs (`lock`); extras are resolved there: what a package needs
//! with an extra is needed by whoever asks for that extra, not by the package alone. Markers of
//! environments are not evaluated: the answer is what *any* environment may need.

mod lock;
mod manifest;
mod names;
mod origin;
pub(super) mod pdm;
pub(super) mod pipfile;
pub(super) mod poetry;
pub(super) mod pylock;
mod requirement;
pub(super) mod requirements;
mod table;
pub(super) mod uv;
mod versions;

#[cfg(test)]
mod tests;
