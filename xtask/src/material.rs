//! Published packages that tests of the guests read, beside those that cargo brings anyway.

use std::process::Command;

use crate::command::{run, say};
use crate::places;

/// A small module of Go that is published with its workspace file. `plugins/lockgraph` names it, too.
const WORKSPACE_OF_GO: &str = "github.com/tailscale/hujson@v0.0.0-20260302212456-ecc657c15afd";

/// Puts them where their own package managers keep them. Tests say what they did not find.
pub(crate) fn fetch() {
    say("fetching published packages that the tests of the guests read");
    let mut go = Command::new("go");
    go.args(["mod", "download", WORKSPACE_OF_GO]).current_dir(places::target());
    if let Err(problem) = run(&mut go) {
        say(&format!("SKIPPED LOUDLY: no published workspace of Go: {problem:#}"));
    }
}
