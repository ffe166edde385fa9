//! Whoever puts walls around the test command: the runner asks by this trait, the command lends
//! one that knows this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

/// Puts walls around the step's own tests.
pub trait Confine: fmt::Debug + Send + Sync {
    /// What guards the tests, in one line for people.
    fn about(&self) -> String;

    /// The program to start in place of the command.
    ///
    /// # Errors
    /// When there is no way to start the command behind these walls; it is then not started.
    fn confine(&self, room: &Room<'_>) -> io::Result<Confined>;
}

/// What the tests are to have.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// The program and its arguments; never empty.
    pub command: &'a [String],
    /// Its whole environment.
    pub env: &'a BTreeMap<String, String>,
    /// The tree they run in, and may write to.
    pub tree: &'a Path,
    /// An empty folder at first, for what they write elsewhere. It stays from one run of the
    /// tests to the next of the same step, and no longer.
    pub private: &'a Path,
}

/// A program that runs the tests behind walls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confined {
    /// The program and its arguments; never empty.
    pub command: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Whether the program leaves nothing of the tests behind when its standard input closes, and
    /// says there why it could not start them. One that does is not killed but told so.
    pub is_keeper: bool,
}
