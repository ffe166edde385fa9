//! Published packages that tests of the guests read, beside those that cargo brings anyway.

use std::process::Command;

use crate::command::{run, say};
use crate::places;

/// Modules of Go, and what they are published with that a test reads: small ones, and as old as
/// they have to be. `plugins/lockgraph` names them, too.
const MODULES_OF_GO: [(&str, &str); 4] = [
    ("github.com/tailscale/hujson@v0.0.0-20260302212456-ecc657c15afd", "a workspace of Go"),
    ("github.com/hashicorp/terraform@v1.5.7", "lock files of Terraform"),
    ("github.com/opencontainers/runc@v1.1.12", "modules that were copied"),
    ("github.com/containers/buildah@v1.29.0", "modules that were copied, one of them replaced"),
];

/// Puts them where their own package managers keep them. Tests say what they did not find.
pub(crate) fn fetch() {
    say("fetching published packages that the tests of the guests read");
    for (module, what) in MODULES_OF_GO {
        let mut go = Command::new("go");
        go.args(["mod", "download", module]).current_dir(places::target());
        if let Err(problem) = run(&mut go) {
            say(&format!("SKIPPED LOUDLY: {what} in {module}: {problem:#}"));
        }
    }
}
