//! Real servers, each the test's own, on loopback or a socket, gone when dropped.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use store::Store;
use tempfile::TempDir;

/// What the S3 and the WebDAV are made of.
const PYTHON_PACKAGES: [&str; 3] = ["moto[server]==5.2.5", "wsgidav==4.4.0", "cheroot==11.1.2"];

/// Lines a server may say before it is ready.
const LINES_MAX: usize = 200;

pub(crate) struct Server {
    child: Child,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// Starts `command` and reads its output up to the line that `ready` knows.
    fn start<T>(
        mut command: Command,
        folder: TempDir,
        ready: impl Fn(&str) -> Option<T>,
    ) -> io::Result<(Self, T)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let output = child.stdout.take().unwrap();
        let server = Self { child, folder };
        let lines = BufReader::new(output).lines().take(LINES_MAX).map_while(Result::ok);
        let found = lines.into_iter().find_map(|line| ready(&line));
        found.map(|found| (server, found)).ok_or_else(|| io::Error::other("it never got ready"))
    }

    /// Starts `command` without waiting until it is ready.
    pub(crate) fn start_quiet(mut command: Command, folder: TempDir) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child: command.spawn()?, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its folder, for the one that comes after it.
    pub(crate) fn take_folder(&mut self) -> TempDir {
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    pub(crate) fn kill(&mut self) {
        // It may be gone already.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Says that a server cannot be had, past the capture of a test's output.
pub(crate) fn skip<T>(name: &str, problem: &str) -> Option<T> {
    let required = format!("STEPWELL_REQUIRE_{name}");
    assert!(env::var_os(&required).is_none(), "{required} is set, and {problem}");
    let said = format!("SKIPPED: the tests against {name}: {problem}\n");
    io::stderr().write_all(said.as_bytes()).unwrap();
    None
}

/// Debian's `redis-server`, on a socket.
pub(crate) struct Redis {
    server: Server,
    password: Option<&'static str>,
}

impl Redis {
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(None)
    }

    pub(crate) fn start_with(password: Option<&'static str>) -> Option<Self> {
        match Self::spawn(tempfile::tempdir().unwrap(), password) {
            Ok(server) => Some(Self { server, password }),
            Err(err) => skip("REDIS", &format!("`redis-server` does not start: {err}")),
        }
    }

    fn spawn(folder: TempDir, password: Option<&str>) -> io::Result<Server> {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--unixsocket").arg(folder.path().join("socket"));
        command.arg("--dir").arg(folder.path());
        command.args(password.map_or(vec![], |password| vec!["--requirepass", password]));
        let ready = |line: &str| line.contains("eady to accept connections").then_some(());
        Server::start(command, folder, ready).map(|(server, ())| server)
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// Another one on the same socket.
    pub(crate) fn start_again(&mut self) {
        let folder = self.server.take_folder();
        self.server = Self::spawn(folder, self.password).unwrap();
    }

    pub(crate) fn store(&self) -> Store {
        self.store_with("", self.password)
    }

    pub(crate) fn store_with(&self, options: &str, password: Option<&str>) -> Store {
        let socket = self.server.folder.path().join("socket");
        let url = format!("redis+unix://{}?prefix=ci/store{options}", socket.display());
        let password = password.map(str::to_owned);
        Store::open(&url, |name| (name == "REDIS_PASSWORD").then(|| password.clone())?).unwrap()
    }
}

/// moto's S3.
pub(crate) struct S3 {
    _server: Server,
    port: u16,
}

impl S3 {
    pub(crate) fn start() -> Option<Self> {
        let (server, port) = python("S3", "s3.py")?;
        Some(Self { _server: server, port })
    }

    pub(crate) fn store(&self) -> Store {
        s3_store(self.port)
    }
}

/// An S3 at a port of this machine.
pub(crate) fn s3_store(port: u16) -> Store {
    let url =
        format!("s3://stepwell/some/prefix?region=us-east-1&endpoint=http://127.0.0.1:{port}");
    let keys = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("the-key-id".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("the-secret-key".to_owned()),
        _ => None,
    };
    Store::open(&url, keys).unwrap()
}

/// `WsgiDAV`.
pub(crate) struct Webdav {
    _server: Server,
    port: u16,
}

impl Webdav {
    pub(crate) fn start() -> Option<Self> {
        let (server, port) = python("WEBDAV", "webdav.py")?;
        Some(Self { _server: server, port })
    }

    pub(crate) fn store(&self) -> Store {
        self.store_as("right-password")
    }

    pub(crate) fn store_as(&self, password: &str) -> Store {
        let user = |name: &str| match name {
            "WEBDAV_USERNAME" => Some("ci".to_owned()),
            "WEBDAV_PASSWORD" => Some(password.to_owned()),
            _ => None,
        };
        Store::open(&format!("webdav+http://127.0.0.1:{}/some/prefix", self.port), user).unwrap()
    }
}

/// Starts one of `tests/servers`; it says which port it got.
fn python(name: &str, script: &str) -> Option<(Server, u16)> {
    let packages = match packages() {
        Ok(packages) => packages,
        Err(problem) => return skip(name, &problem),
    };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers").join(script);
    let mut command = Command::new("python3");
    command.arg(script).arg(folder.path()).env("PYTHONPATH", packages);
    let port = |line: &str| line.strip_prefix("ready ")?.parse().ok();
    match Server::start(command, folder, port) {
        Ok(started) => Some(started),
        Err(err) => skip(name, &format!("the server does not start: {err}")),
    }
}

/// The folder of the pinned packages, which is made once and then kept.
fn packages() -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let pins = PYTHON_PACKAGES.join("-").replace(['[', ']', '='], "");
    let folder = scratch.join(format!("python-{pins}"));
    if folder.exists() {
        return Ok(folder);
    }
    let unfinished = tempfile::tempdir_in(scratch).map_err(|err| err.to_string())?;
    let mut install = Command::new("python3");
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
    install.arg(unfinished.path()).args(PYTHON_PACKAGES).stdin(Stdio::null());
    let output = install.output().map_err(|err| format!("`python3` does not start: {err}"))?;
    if !output.status.success() {
        return Err("pip does not bring the packages".to_owned());
    }
    match std::fs::rename(unfinished.keep(), &folder) {
        // Another process was faster.
        Err(_) if folder.exists() => Ok(folder),
        Err(err) => Err(err.to_string()),
        Ok(()) => Ok(folder),
    }
}
