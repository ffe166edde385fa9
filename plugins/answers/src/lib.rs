//! What the tools that show a repository share: what bytes are ([`content`]), what a path is
//! ([`place`]), and what an answer costs a model ([`cost`]).
//!
//! This crate asks nothing of the repository: it does not know the SDK.

pub mod content;
pub mod cost;
pub mod place;

mod encoding;
mod examples;
mod magic;

pub use content::Content;
pub use cost::Counted;
pub use encoding::{Encoding, Text};
pub use examples::examples;
pub use place::Place;

/// A pattern that matches this path and no other.
pub fn pattern_of(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '*' | '?' | '[' | ']' | '{' | '}' => pattern.extend(['[', c, ']']),
            '\\' => pattern.push_str("\\\\"),
            other => pattern.push(other),
        }
    }
    pattern
}

#[cfg(test)]
mod tests;
