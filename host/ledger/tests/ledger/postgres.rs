//! A PostgreSQL server for the tests: started once, on a socket in a folder of its own, and gone
//! with the process that started it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// Runs a server until its input ends. The folder goes with it, even when the tests are killed.
const KEEPER: &str = r#"
    bin=$1; home=$2; as=""
    trap '' INT TERM
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$home"
        as="setpriv --reuid=postgres --regid=postgres --clear-groups"
    fi
    cd "$home"
    $as "$bin/initdb" --pgdata="$home/data" --username=stepwell --auth=trust --no-sync \
        --encoding=UTF8 >"$home/log" 2>&1 &&
    $as "$bin/pg_ctl" --wait --pgdata="$home/data" --log="$home/server.log" \
        --options="-c listen_addresses='' -c unix_socket_directories='$home' -c fsync=off" \
        start >>"$home/log" 2>&1 </dev/null && echo ready || { cat "$home/log" >&2; echo failed; }
    read -r _
    $as "$bin/pg_ctl" --pgdata="$home/data" --mode=immediate stop >/dev/null 2>&1
    cd /
    rm -rf "$home"
"#;

/// The URL of a new, empty database; `None`, and a line that says so, where there is no server.
pub(crate) fn database() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = server()?;
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    crate::support::block_on(server.execute("postgres", &format!("CREATE DATABASE {name}")));
    Some(server.url(&name))
}

/// Does something with a database that a ledger would not.
pub(crate) async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

struct Server {
    folder: PathBuf,
    // The keeper ends when this process does, because its input then ends.
    _keeper: Mutex<Child>,
}

impl Server {
    fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://stepwell@{folder}/{database}")
    }

    async fn execute(&self, database: &str, sql: &str) {
        execute(&self.url(database), sql).await;
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref()
}

fn start() -> Option<Server> {
    let Some(binaries) = binaries() else {
        assert!(
            !is_required(),
            "PostgreSQL is required and not installed: no /usr/lib/postgresql/*/bin/initdb"
        );
        // Past the test harness, which would swallow it.
        let line = "SKIPPED: the ledger's tests on PostgreSQL: install the package `postgresql`";
        io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
        return None;
    };
    let folder = tempfile::tempdir().unwrap().keep();
    let mut keeper = keeper(&binaries, &folder).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "ready", "the server does not start");
    Some(Server { folder, _keeper: Mutex::new(keeper) })
}

#[expect(clippy::disallowed_methods, reason = "the ledger runs nothing; its tests do")]
fn keeper(binaries: &Path, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh"]).args([binaries, folder]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

#[expect(clippy::disallowed_methods, reason = "whether to skip is the environment's choice")]
fn is_required() -> bool {
    std::env::var("STEPWELL_REQUIRE_POSTGRES").is_ok_and(|value| value == "1")
}

/// Where Debian puts the programs of the newest server.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let name: OsString = version.file_name();
            Some((name.to_str()?.parse().ok()?, version.path().join("bin")))
        })
        .filter(|(_, binaries)| binaries.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, binaries)| binaries)
}
