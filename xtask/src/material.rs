//! Published packages that tests of the guests read, beside those that cargo brings anyway.

use std::process::Command;

use crate::command::{run, say};
use crate::places;

/// Modules of Go, and what they are published with that a test reads: small ones, and as old as
/// they have to be. `plugins/lockgraph` names them, too.
const MODULES_OF_GO: [(&str, &str); 7] = [
    ("github.com/tailscale/hujson@v0.0.0-20260302212456-ecc657c15afd", "a workspace of Go"),
    ("github.com/hashicorp/terraform@v1.5.7", "lock files of Terraform"),
    ("github.com/opencontainers/runc@v1.1.12", "modules that were copied"),
    ("github.com/containers/buildah@v1.29.0", "modules that were copied, one of them replaced"),
    ("github.com/CycloneDX/cyclonedx-go@v0.9.2", "bills of CycloneDX, as JSON and XML"),
    ("github.com/spdx/tools-golang@v0.5.5", "bills of SPDX 2, as JSON and as tags and values"),
    ("github.com/protobom/protobom@v0.5.0", "large bills, by several tools"),
];

/// A package of Python that has a bill of SPDX 3 in it.
const PACKAGE_OF_PYTHON: &str = "ntia-conformance-checker==6.0.0";

const PIP: [&str; 9] = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-input",
    "--retries=1",
    "--only-binary=:all:",
    "--no-deps",
    "--no-compile",
];

/// Puts them where their own package managers keep them; what pip fetches, below `target/`. Tests
/// say what they did not find.
pub(crate) fn fetch() {
    say("fetching published packages that the tests of the guests read");
    for (module, what) in MODULES_OF_GO {
        let mut go = Command::new("go");
        go.args(["mod", "download", module]).current_dir(places::target());
        if let Err(problem) = run(&mut go) {
            say(&format!("SKIPPED LOUDLY: {what} in {module}: {problem:#}"));
        }
    }
    let folder = places::root().join("target/material").join(PACKAGE_OF_PYTHON);
    if folder.is_dir() {
        return;
    }
    let mut pip = Command::new("python3");
    pip.args(PIP).arg("--target").arg(&folder).arg(PACKAGE_OF_PYTHON);
    if let Err(problem) = run(&mut pip) {
        say(&format!("SKIPPED LOUDLY: a bill in {PACKAGE_OF_PYTHON}: {problem:#}"));
    }
}
