//! The servers that tests start for themselves: Debian's packages, installed where they are
//! missing, and programs from other registries, kept in the user's cache and linked from
//! `target/services`. Where one cannot be had the tests that need it say `SKIPPED:` and pass.

mod programs;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{run, say};

/// A package, and a place where one of its programs is.
const PACKAGES: [(&str, &[&str]); 8] = [
    // Stands around a step's own tests.
    ("bubblewrap", &["/usr/bin/bwrap"]),
    // Opens the pages that we make.
    ("chromium", &["/usr/bin/chromium"]),
    ("docker-registry", &["/usr/bin/docker-registry"]),
    ("memcached", &["/usr/bin/memcached", "/usr/local/bin/memcached"]),
    ("postgresql", &["/usr/lib/postgresql"]),
    ("strace", &["/usr/bin/strace"]),
    ("redis-server", &["/usr/bin/redis-server", "/usr/local/bin/redis-server"]),
    // Counts instructions.
    ("valgrind", &["/usr/bin/valgrind"]),
];

/// Installs what is missing; says so where it cannot.
pub(crate) fn install() {
    packages(|_| true);
    programs::install();
}

/// Whether one of the packages is there, which is installed if it is not.
pub(crate) fn has(package: &str) -> bool {
    packages(|name| name == package);
    PACKAGES.iter().any(|one| one.0 == package && is_there(one.1))
}

fn is_there(places: &[&str]) -> bool {
    places.iter().any(|place| Path::new(place).exists())
}

fn packages(wanted: impl Fn(&str) -> bool) {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(package, places)| wanted(package) && !is_there(places))
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return;
    }
    say(&format!("installing {} for tests that need more than Rust", missing.join(" and ")));
    let apt = |args: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["--quiet", "--quiet", "--yes", "--no-install-recommends"]).args(args);
        // Asks nobody, and starts no service: the tests start servers of their own.
        apt.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").stdin(Stdio::null());
        run(&mut apt)
    };
    let installed =
        apt(&["update"]).and_then(|()| apt(&[&["install"], missing.as_slice()].concat()));
    if let Err(problem) = installed {
        say(&format!("SKIPPED: {} cannot be installed here: {problem}", missing.join(" and ")));
    }
}
