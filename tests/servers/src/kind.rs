//! Which servers there are, how each is started, and by which URL it is a store.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Server, python, target};

/// Largest item of the tests' memcached; as a rule it is a megabyte.
pub const ITEM_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Of those that ask for one.
pub const PASSWORD: &str = "right-password";

/// [`PASSWORD`] as `htpasswd -B` writes it.
const PASSWORD_BCRYPT: &str = "$2b$04$32h1tVxAmhsqu7PlsNaAceNssFROq2gfyZGCOKXs9QLHYRtyvQW3C";

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Debian's `redis-server`, on a socket and a port.
    Redis,
    /// One that asks for a password.
    ClosedRedis,
    /// moto's S3, with a bucket; it keeps nothing on a disk.
    S3,
    /// `WsgiDAV`, which asks for a password.
    Webdav,
    /// Debian's `memcached`, on a port.
    Memcached,
    /// One that asks for a password.
    ClosedMemcached,
    /// One on a socket alone.
    MemcachedSocket,
    /// The cache server that most teams with Bazel run.
    BazelRemote,
    /// One with TLS that asks for a password.
    ClosedBazelRemote,
    /// `buildbox-casd`, of the Bazel API as well.
    Casd,
    /// rclone's WebDAV.
    Rclone,
    /// OpenTelemetry's collector, which takes OTLP by HTTP; it keeps what it took in `told.jsonl`.
    Collector,
    /// The same by gRPC.
    GrpcCollector,
    /// Debian's `docker-registry`, of the OCI distribution specification.
    OciRegistry,
    /// One that asks for a password.
    ClosedOciRegistry,
}

impl Kind {
    /// What a variable calls it that requires it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis | Self::ClosedRedis => "REDIS",
            Self::S3 => "S3",
            Self::Webdav => "WEBDAV",
            Self::Memcached | Self::ClosedMemcached | Self::MemcachedSocket => "MEMCACHED",
            Self::BazelRemote | Self::ClosedBazelRemote => "BAZEL_REMOTE",
            Self::Casd => "CASD",
            Self::Rclone => "RCLONE",
            Self::Collector | Self::GrpcCollector => "COLLECTOR",
            Self::OciRegistry | Self::ClosedOciRegistry => "OCI_REGISTRY",
        }
    }

    /// Whether it is reached by a socket in its folder.
    pub(crate) fn has_socket(self) -> bool {
        matches!(self, Self::Redis | Self::ClosedRedis | Self::MemcachedSocket)
    }

    /// What a client of it is told of who asks, under the names that the product reads.
    pub fn settings(self, password: &str) -> Vec<(&'static str, String)> {
        let (user, password) = ("ci".to_owned(), password.to_owned());
        match self {
            Self::Redis | Self::Memcached | Self::MemcachedSocket => vec![],
            Self::BazelRemote | Self::Casd | Self::Rclone => vec![],
            Self::Collector | Self::GrpcCollector | Self::OciRegistry => vec![],
            // What it is told is bound to its port: the test says it.
            Self::ClosedOciRegistry => vec![],
            Self::ClosedRedis => vec![("REDIS_PASSWORD", password)],
            Self::S3 => vec![
                ("AWS_ACCESS_KEY_ID", "the-key-id".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "the-secret-key".to_owned()),
            ],
            Self::Webdav => vec![("WEBDAV_USERNAME", user), ("WEBDAV_PASSWORD", password)],
            Self::ClosedMemcached => {
                vec![("MEMCACHED_USERNAME", user), ("MEMCACHED_PASSWORD", password)]
            }
            Self::ClosedBazelRemote => {
                vec![("STEPWELL_REAPI_USERNAME", user), ("STEPWELL_REAPI_PASSWORD", password)]
            }
        }
    }

    pub(crate) fn command(self, port: u16, folder: &Path) -> Result<Command, String> {
        let at = |name: &str| folder.join(name).display().to_string();
        let address = format!("127.0.0.1:{port}");
        Ok(match self {
            Self::Redis => redis(port, folder),
            Self::ClosedRedis => {
                let mut command = redis(port, folder);
                command.args(["--requirepass", PASSWORD]);
                command
            }
            Self::S3 => python::command("s3.py", port, folder)?,
            Self::Webdav => python::command("webdav.py", port, folder)?,
            Self::Memcached => memcached(&[format!("--listen={address}")]),
            Self::MemcachedSocket => memcached(&[format!("--unix-socket={}", at("socket"))]),
            Self::ClosedMemcached => {
                fs::write(at("users"), format!("ci:{PASSWORD}\n")).unwrap();
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
                command.arg(format!("--bind={address}")).arg("--quota-high=500M");
                // A disk that is nearly full has room for a test.
                command.arg("--reserved=64M").arg(at("casd"));
                command
            }
            Self::OciRegistry => oci_registry(&address, folder, false),
            Self::ClosedOciRegistry => oci_registry(&address, folder, true),
            Self::Collector => collector("http", &address, folder),
            Self::GrpcCollector => collector("grpc", &address, folder),
            Self::Rclone => {
                let mut command = brought("rclone");
                command.args(["serve", "webdav", "--addr", &address]).arg(folder);
                command
            }
        })
    }
}

impl Server {
    /// The URL of a store in it.
    pub fn url(&self) -> String {
        let folder = self.folder().display();
        match self.kind() {
            Kind::Redis | Kind::ClosedRedis => {
                format!("redis+unix://{folder}/socket?prefix=ci/store")
            }
            Kind::MemcachedSocket => format!("memcached+unix://{folder}/socket?prefix=ci&ttl=14d"),
            Kind::S3
            | Kind::Webdav
            | Kind::Memcached
            | Kind::ClosedMemcached
            | Kind::BazelRemote
            | Kind::ClosedBazelRemote
            | Kind::Casd
            | Kind::Collector
            | Kind::GrpcCollector
            | Kind::OciRegistry
            | Kind::ClosedOciRegistry
            | Kind::Rclone => self.url_at(self.port()),
        }
    }

    /// The URL of the same store for one who reaches the server by another port of this machine.
    ///
    /// # Panics
    ///
    /// When it has no port.
    pub fn url_at(&self, port: u16) -> String {
        let folder = self.folder().display();
        match self.kind() {
            Kind::Redis | Kind::ClosedRedis => format!("redis://127.0.0.1:{port}/0/ci/store"),
            Kind::S3 => s3_url(port),
            Kind::Webdav | Kind::Rclone => format!("webdav+http://127.0.0.1:{port}/some/prefix"),
            Kind::Memcached | Kind::ClosedMemcached => format!("memcached://127.0.0.1:{port}/ci"),
            Kind::MemcachedSocket => panic!("it has no port"),
            Kind::BazelRemote => format!("reapi+http://127.0.0.1:{port}/main?prefix=ci/v1"),
            Kind::ClosedBazelRemote => format!("reapi://127.0.0.1:{port}?ca={folder}/certificate"),
            Kind::Casd => format!("reapi+http://127.0.0.1:{port}"),
            Kind::OciRegistry | Kind::ClosedOciRegistry => format!("oci://127.0.0.1:{port}"),
            // No store, and so no prefix.
            Kind::Collector | Kind::GrpcCollector => format!("http://127.0.0.1:{port}"),
        }
    }
}

/// The URL of a store in an S3 at a port of this machine.
pub fn s3_url(port: u16) -> String {
    format!("s3://stepwell/some/prefix?region=us-east-1&endpoint=http://127.0.0.1:{port}")
}

fn redis(port: u16, folder: &Path) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command.arg("--unixsocket").arg(folder.join("socket")).arg("--dir").arg(folder);
    command
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

/// A collector that takes OTLP one way. Of itself it tells nobody.
fn collector(way: &str, address: &str, folder: &Path) -> Command {
    let (config, told) = (folder.join("collector.yaml"), folder.join("told.jsonl"));
    let text = format!(
        "receivers: {{otlp: {{protocols: {{{way}: {{endpoint: \"{address}\"}}}}}}}}\n\
         exporters: {{file: {{path: \"{}\"}}}}\n\
         service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines:\n\
         \x20   traces: {{receivers: [otlp], exporters: [file]}}\n\
         \x20   metrics: {{receivers: [otlp], exporters: [file]}}\n",
        told.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = brought("otel-collector");
    command.arg("--config").arg(config);
    command
}

/// An OCI registry on a folder. The password is [`PASSWORD`] for the user `ci`.
fn oci_registry(address: &str, folder: &Path, is_closed: bool) -> Command {
    let (config, users) = (folder.join("registry.yaml"), folder.join("users"));
    let mut auth = String::new();
    if is_closed {
        fs::write(&users, format!("ci:{PASSWORD_BCRYPT}\n")).unwrap();
        auth = format!("auth: {{htpasswd: {{realm: tests, path: \"{}\"}}}}\n", users.display());
    }
    let text = format!(
        "version: 0.1\nlog: {{level: error}}\nhttp: {{addr: \"{address}\"}}\n\
         storage: {{filesystem: {{rootdirectory: \"{}\"}}}}\n{auth}",
        folder.join("kept").display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(config);
    command
}

/// What `cargo xtask services` brought.
fn brought(name: &str) -> Command {
    Command::new(target().join("services").join(name))
}
