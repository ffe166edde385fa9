//! The file of the index: opening it, telling damage from trouble, starting afresh.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, ffi};

use crate::{CacheError, Start};

/// Raised when the tables change; an index of another version is set aside.
const VERSION: i64 = 2;

/// Bytes of SQLite's log that the next process reads when it opens the index: some 60 pages.
const LOG_BYTES_MAX: u64 = 256 << 10;

/// How long a process waits for another one's write; writes take less than a millisecond.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// How often, and at what distance, a process tries for the lock under which an index is opened.
const LOCK_TRIES_MAX: u32 = 500;
const LOCK_TRY_EVERY: Duration = Duration::from_millis(10);

const TABLES: &str = "
    CREATE TABLE calls (call BLOB NOT NULL PRIMARY KEY, tool BLOB NOT NULL, identity TEXT NOT NULL)
        WITHOUT ROWID, STRICT;
    CREATE TABLE sets (
        call BLOB NOT NULL, questions BLOB NOT NULL, answers BLOB NOT NULL, used INTEGER NOT NULL,
        seal BLOB NOT NULL, PRIMARY KEY (call, questions)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX sets_by_questions ON sets (questions);
    CREATE TABLE records (
        observed BLOB NOT NULL PRIMARY KEY, call BLOB NOT NULL, questions BLOB NOT NULL,
        output BLOB NOT NULL, bytes INTEGER NOT NULL, kind INTEGER NOT NULL,
        cost INTEGER NOT NULL, domain TEXT, proof TEXT, seal BLOB NOT NULL,
        shared TEXT NOT NULL, used INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX records_by_call ON records (call, questions);
    CREATE INDEX records_by_output ON records (output);
    CREATE INDEX records_by_use ON records (used);
    CREATE TABLE blobs (digest BLOB NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL)
        WITHOUT ROWID, STRICT;
    CREATE TABLE volatile (tool BLOB NOT NULL PRIMARY KEY, seal BLOB NOT NULL)
        WITHOUT ROWID, STRICT;
    CREATE TABLE tools (
        tool BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL, component BLOB NOT NULL,
        hits INTEGER NOT NULL, shared_hits INTEGER NOT NULL, misses INTEGER NOT NULL,
        saved_us INTEGER NOT NULL, saved_bytes INTEGER NOT NULL, runs INTEGER NOT NULL,
        run_us INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL,
        tick INTEGER NOT NULL) STRICT;
    INSERT INTO totals VALUES (1, 0, 0);
    PRAGMA user_version = 2;
";

/// Generations of a damaged index; more were not counted up by us.
const GENERATION_MAX: u32 = 1_000_000;

/// Indexes tried for one act: the same once more, somebody else's, one of our own, and one to spare.
const HEALINGS_MAX: u32 = 4;

/// The index of one cache.
///
/// A damaged index is not moved away: other processes may have it open, and SQLite removes its
/// side files by name. The next generation has other names, and everyone who meets damage goes on
/// to the newest one.
#[derive(Debug)]
pub(crate) struct Index {
    root: PathBuf,
    open: Mutex<Open>,
    start: Mutex<Start>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    generation: u32,
}

impl Index {
    /// Opens the index in `root`, or starts a new one.
    pub(crate) fn open(root: &Path) -> Result<Self, CacheError> {
        let _lock = lock(root)?;
        let (open, start) = match newest(root) {
            None => (Open::generation(root, 0).map_err(CacheError::Index)?, Start::Fresh),
            Some(generation) => match Open::generation(root, generation) {
                Ok(open) => (open, Start::Existing),
                Err(err) if is_damage(&err) || is_in_the_way(root, generation) => {
                    match Open::sound(root, generation) {
                        Some(open) => (open, Start::Existing),
                        None => (Open::after(root, generation)?, Start::Rebuilt(err.to_string())),
                    }
                }
                Err(err) => return Err(CacheError::Index(err)),
            },
        };
        Ok(Self { root: root.to_owned(), open: Mutex::new(open), start: Mutex::new(start) })
    }

    /// How it was found, or why it had to be started afresh since.
    pub(crate) fn start(&self) -> Start {
        self.start.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Brings a log that has grown long into the index, if nobody else is at it. Every so many
    /// commands one waits for the disk, and the others read a short log.
    pub(crate) fn shorten_log(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut log = name(&self.root, open.generation).into_os_string();
        log.push("-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            let shorten = "PRAGMA wal_checkpoint(TRUNCATE)";
            // The log is as good as the index: whoever comes next tries again.
            let _shortened = open.connection.query_row(shorten, [], |_| Ok(())).is_ok();
        }
    }

    /// Does `act` with the index. If the index turns out to be damaged, `act` is done again with
    /// the next one.
    pub(crate) fn with<T>(
        &self,
        act: impl Fn(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        // SQLite rolls back what a panic interrupted.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for healing in 0..HEALINGS_MAX {
            match act(&mut open.connection) {
                Err(err) if is_damage(&err) => {
                    let damaged = open.generation;
                    *open = self.heal(damaged, healing == 0)?;
                    if open.generation != damaged {
                        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
                        *start = Start::Rebuilt(err.to_string());
                    }
                }
                done => return done.map_err(CacheError::Index),
            }
        }
        act(&mut open.connection).map_err(CacheError::Index)
    }

    /// What to go on with after `damaged`: what another process went on to, else, the first time,
    /// the same one if it looks sound, else a new one.
    fn heal(&self, damaged: u32, look_again: bool) -> Result<Open, CacheError> {
        let _lock = lock(&self.root)?;
        let newest = newest(&self.root).unwrap_or(0).max(damaged);
        if newest == damaged {
            let sound = look_again.then(|| Open::sound(&self.root, damaged)).flatten();
            return sound.map_or_else(|| Open::after(&self.root, damaged), Ok);
        }
        match Open::generation(&self.root, newest) {
            Err(err) if is_damage(&err) || is_in_the_way(&self.root, newest) => {
                Open::after(&self.root, newest)
            }
            opened => opened.map_err(CacheError::Index),
        }
    }
}

impl Open {
    fn generation(root: &Path, generation: u32) -> rusqlite::Result<Self> {
        Ok(Self { connection: open(&name(root, generation))?, generation })
    }

    /// The same index, if another look finds nothing wrong with it: SQLite calls it damage, too,
    /// when a disk once fails to read.
    fn sound(root: &Path, generation: u32) -> Option<Self> {
        let open = Self::generation(root, generation).ok()?;
        let check = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let said = open.connection.query_row("PRAGMA quick_check(1)", [], check).ok()?;
        (said == "ok").then_some(open)
    }

    /// A new, empty index after a `damaged` one. That one is left for a person to look at; those
    /// before it go.
    fn after(root: &Path, damaged: u32) -> Result<Self, CacheError> {
        for old in damaged.saturating_sub(2)..damaged {
            for at in files(root, old) {
                let _gone = fs::remove_file(&at).or_else(|_| fs::remove_dir_all(&at)).is_ok();
            }
        }
        Self::generation(root, damaged + 1).map_err(CacheError::Index)
    }
}

/// The newest generation that is there.
fn newest(root: &Path) -> Option<u32> {
    let number = |entry: fs::DirEntry| -> Option<u32> {
        let name = entry.file_name();
        name.to_str()?.strip_prefix("index.")?.strip_suffix(".sqlite")?.parse().ok()
    };
    let numbers = fs::read_dir(root).ok()?.flatten().filter_map(number);
    numbers.filter(|number| *number < GENERATION_MAX).max()
}

fn name(root: &Path, generation: u32) -> PathBuf {
    root.join(format!("index.{generation}.sqlite"))
}

/// Whether one of the index's files is something that SQLite could never open.
fn is_in_the_way(root: &Path, generation: u32) -> bool {
    let is_odd = |at: PathBuf| fs::symlink_metadata(at).is_ok_and(|there| !there.is_file());
    files(root, generation).any(is_odd)
}

/// The index, and what SQLite keeps beside it.
fn files(root: &Path, generation: u32) -> impl Iterator<Item = PathBuf> {
    let path = name(root, generation);
    ["", "-wal", "-shm"].into_iter().map(move |suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    // The file may be a stranger's: what its schema says is not run, and its pages are checked.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Where there is no WAL (a network disk) SQLite keeps its journal, and answers with its name.
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // A process that ends does not wait for the disk while the log is short: see `shorten_log`.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let strange: i64 = tx.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')",
        [],
        |row| row.get(0),
    )?;
    match (version, tables, strange) {
        (0, 0, _) => tx.execute_batch(TABLES)?,
        (VERSION, _, 0) => {
            tx.query_row("SELECT bytes, tick FROM totals WHERE id = 1", [], |_| Ok(()))?;
        }
        // Taken for damage: it is somebody else's, or of another version of us.
        (_, _, _) => return Err(rusqlite::Error::IntegralValueOutOfRange(0, version)),
    }
    tx.commit()?;
    Ok(connection)
}

/// Whether the file is at fault, and not the moment.
fn is_damage(err: &rusqlite::Error) -> bool {
    if err.sqlite_error().is_some_and(|err| err.extended_code == ffi::SQLITE_IOERR_SHORT_READ) {
        return true;
    }
    match err.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::SchemaChanged
            | ErrorCode::TypeMismatch
            | ErrorCode::ConstraintViolation
            // A table or a column is missing.
            | ErrorCode::Unknown,
        ) => true,
        Some(_) => false,
        // A value is not of the kind that was stored.
        None => true,
    }
}

/// Holds the lock under which the index is opened and replaced, until the file is dropped.
fn lock(root: &Path) -> Result<File, CacheError> {
    let path = root.join("index.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(CacheError::file(&path))?;
    for _ in 0..LOCK_TRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_TRY_EVERY),
            Err(TryLockError::Error(source)) => return Err(CacheError::File { path, source }),
        }
    }
    Err(CacheError::Locked { path })
}
