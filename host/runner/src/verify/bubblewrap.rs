//! Bubblewrap (`bwrap`, from version 0.5): the tests see this machine read-only, without the
//! user's files, other processes and, unless they need it, a network.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::confine::{Confine, Confined, Room};

/// Bytes that the tests can write to a place that is hidden from them: it is memory.
const HIDDEN_BYTES_MAX: u32 = 64 * 1024;

/// Where programs put what is gone tomorrow, whatever `TMPDIR` says.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// What of this machine the tests may reach beside their own tree. The rest they may read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The user's home: the tests have another there, empty at first.
    pub home: Option<PathBuf>,
    /// Folders that are there and are empty for the tests: what belongs to the user, the pipeline
    /// or the system, and not to a toolchain.
    pub hidden: Vec<PathBuf>,
    /// What they may read all the same of the home, of hidden and of temporary folders.
    pub shown: Vec<PathBuf>,
    /// Files that are empty for the tests.
    pub secret: Vec<PathBuf>,
    /// Whether there is a network beyond this machine's own loopback.
    pub network: bool,
}

/// Puts the tests behind `bwrap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bubblewrap {
    /// Where it lies.
    pub program: PathBuf,
    /// What the tests reach.
    pub reach: Reach,
}

impl Bubblewrap {
    /// The program, and the arguments that tell it which namespaces to make: they need no folder,
    /// and show whether this machine lets anybody make them.
    pub fn namespaces(&self) -> Vec<OsString> {
        let mut arguments = vec![self.program.clone().into_os_string()];
        let always = [
            "--unshare-user",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--die-with-parent",
            "--new-session",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
        ];
        arguments.extend(always.map(OsString::from));
        if !self.reach.network {
            arguments.push("--unshare-net".into());
        }
        arguments
    }

    /// The same with the places of the tests, in an order in which none hides a later one.
    fn arguments(&self, tree: &Path, private: &Path) -> Vec<OsString> {
        let Reach { home, hidden, shown, secret, network: _ } = &self.reach;
        let mut arguments = self.namespaces();
        let mut mount = |how: &str, from: Option<&Path>, to: &Path| {
            arguments.push(how.into());
            arguments.extend(from.map(|from| from.as_os_str().to_owned()));
            arguments.push(to.as_os_str().to_owned());
        };
        let mut hidden: Vec<&PathBuf> = hidden.iter().collect();
        hidden.sort();
        for place in hidden {
            mount("--size", None, Path::new(&HIDDEN_BYTES_MAX.to_string()));
            mount("--tmpfs", None, place);
        }
        for place in TEMPORARY {
            mount("--bind", Some(&private.join("tmp")), Path::new(place));
        }
        if let Some(home) = home {
            mount("--bind", Some(&private.join("home")), home);
        }
        for place in shown {
            mount("--ro-bind-try", Some(place), place);
        }
        for file in secret {
            mount("--ro-bind", Some(Path::new("/dev/null")), file);
        }
        mount("--bind", Some(tree), tree);
        mount("--chdir", None, tree);
        arguments.push("--".into());
        arguments
    }
}

impl Confine for Bubblewrap {
    fn about(&self) -> String {
        let network = if self.reach.network { "with a network" } else { "no network" };
        format!(
            "bubblewrap (system read-only, home and /tmp of its own, no other process, {network})"
        )
    }

    fn confine(&self, room: &Room<'_>) -> io::Result<Confined> {
        for place in ["tmp", "home"] {
            std::fs::create_dir_all(room.private.join(place))?;
        }
        let mut command = self.arguments(room.tree, room.private);
        command.extend(room.command.iter().map(OsString::from));
        let mut env = room.env.clone();
        // It is `/tmp`, and theirs alone.
        env.remove("TMPDIR");
        Ok(Confined { command, env, is_keeper: false })
    }
}
