//! Real cache servers: a memcached, and those of the Bazel Remote Execution API.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use store::{Patience, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::servers::{Server, skip};

/// Ports that are tried: another process may take one between its choice and its use.
const PORTS_MAX: usize = 3;

/// Largest item of the tests' memcached; as a rule it is a megabyte.
pub(crate) const ITEM_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Asked often until it answers.
const READY: Patience = Patience {
    attempt: Duration::from_secs(10),
    call: Duration::from_secs(60),
    retries_max: 30,
    pause: Duration::from_millis(10),
};

/// Which server, and how it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memcached,
    /// One that asks for a password.
    ClosedMemcached,
    MemcachedSocket,
    BazelRemote,
    /// One with TLS that asks for a password.
    ClosedBazelRemote,
    Casd,
    Rclone,
}

/// A server of the test's own, on loopback or a socket.
pub(crate) struct Cache {
    kind: Kind,
    port: u16,
    server: Server,
}

impl Kind {
    /// What a variable calls it that requires it.
    fn name(self) -> &'static str {
        match self {
            Self::Memcached | Self::ClosedMemcached | Self::MemcachedSocket => "MEMCACHED",
            Self::BazelRemote | Self::ClosedBazelRemote => "BAZEL_REMOTE",
            Self::Casd => "CASD",
            Self::Rclone => "RCLONE",
        }
    }

    pub(crate) fn start(self) -> Option<Cache> {
        let mut problem = "it does not start".to_owned();
        for _ in 0..PORTS_MAX {
            let port = free_port();
            match Cache::spawn(self, port, tempfile::tempdir().unwrap()) {
                Ok(cache) => return Some(cache),
                Err(err) => problem = err,
            }
        }
        skip(self.name(), &format!("{problem} (see `cargo xtask services`)"))
    }

    fn command(self, port: u16, folder: &Path) -> Command {
        let at = |name: &str| folder.join(name).display().to_string();
        let address = format!("127.0.0.1:{port}");
        match self {
            Self::Memcached => memcached(&[format!("--listen={address}")]),
            Self::MemcachedSocket => memcached(&[format!("--unix-socket={}", at("socket"))]),
            Self::ClosedMemcached => {
                fs::write(at("users"), "ci:right-password\n").unwrap();
                let users = format!("--auth-file={}", at("users"));
                memcached(&[format!("--listen={address}"), users])
            }
            Self::BazelRemote => bazel_remote(folder, &address),
            Self::ClosedBazelRemote => {
                // A SHA-1 of the password, as htpasswd writes it.
                fs::write(at("users"), "ci:{SHA}Xq3Mxl0dEkkL4lQJ2DsI0C1o4TE=\n").unwrap();
                let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
                fs::write(at("certificate"), made.cert.pem()).unwrap();
                fs::write(at("key"), made.signing_key.serialize_pem()).unwrap();
                let mut command = bazel_remote(folder, &address);
                command.arg(format!("--htpasswd_file={}", at("users")));
                command.arg(format!("--tls_cert_file={}", at("certificate")));
                command.arg(format!("--tls_key_file={}", at("key")));
                command
            }
            Self::Casd => {
                let mut command = brought("buildbox-casd");
                command.arg(format!("--bind={address}")).arg("--quota-high=500M").arg(at("casd"));
                command
            }
            Self::Rclone => {
                let mut command = brought("rclone");
                command.args(["serve", "webdav", "--addr", &address]).arg(folder);
                command
            }
        }
    }
}

impl Cache {
    fn spawn(kind: Kind, port: u16, folder: TempDir) -> Result<Self, String> {
        let command = kind.command(port, folder.path());
        let server = Server::start_quiet(command, folder).map_err(|err| err.to_string())?;
        let mut cache = Self { kind, port, server };
        let store = cache.store().with_patience(READY);
        // Apart from the test's runtime, which may be ours already.
        let trial = || Runtime::new().unwrap().block_on(store.trial());
        let tried = std::thread::scope(|scope| scope.spawn(trial).join().unwrap());
        tried.map_err(|err| err.to_string())?;
        // That somebody answers at the port does not mean that it is ours.
        if cache.server.is_running() { Ok(cache) } else { Err("it ended".to_owned()) }
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// Another one at the same place, over what the first left on the disk.
    pub(crate) fn start_again(&mut self) {
        let folder = self.server.take_folder();
        *self = Self::spawn(self.kind, self.port, folder).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        let (port, folder) = (self.port, self.server.folder().display());
        match self.kind {
            Kind::Memcached | Kind::ClosedMemcached => format!("memcached://127.0.0.1:{port}/ci"),
            Kind::MemcachedSocket => format!("memcached+unix://{folder}/socket?prefix=ci&ttl=14d"),
            Kind::BazelRemote => format!("reapi+http://127.0.0.1:{port}/main?prefix=ci/v1"),
            Kind::ClosedBazelRemote => format!("reapi://127.0.0.1:{port}?ca={folder}/certificate"),
            Kind::Casd => format!("reapi+http://127.0.0.1:{port}"),
            Kind::Rclone => format!("webdav+http://127.0.0.1:{port}/some/prefix"),
        }
    }

    /// Opened anew, and so of any runtime.
    pub(crate) fn store(&self) -> Store {
        self.store_as("right-password")
    }

    pub(crate) fn store_as(&self, password: &str) -> Store {
        let user = |name: &str| match name {
            "MEMCACHED_USERNAME" | "STEPWELL_REAPI_USERNAME" => Some("ci".to_owned()),
            "MEMCACHED_PASSWORD" | "STEPWELL_REAPI_PASSWORD" => Some(password.to_owned()),
            _ => None,
        };
        Store::open(&self.url(), user).unwrap()
    }
}

fn memcached(args: &[String]) -> Command {
    let mut command = Command::new("memcached");
    // As root it wants to be told that it may stay so.
    command.args(["--user=root", "--memory-limit=64"]).args(args);
    command.arg(format!("--max-item-size={ITEM_BYTES_MAX}"));
    command
}

fn bazel_remote(folder: &Path, address: &str) -> Command {
    // One that was killed leaves its socket, and the next one would not take its place.
    let _old = fs::remove_file(folder.join("http"));
    let folder = folder.display();
    let mut command = brought("bazel-remote");
    command.arg(format!("--dir={folder}/cache")).arg("--max_size=1");
    command.arg(format!("--http_address=unix://{folder}/http"));
    command.arg(format!("--grpc_address={address}"));
    command
}

/// What `cargo xtask services` brought.
fn brought(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("../services").join(name))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
