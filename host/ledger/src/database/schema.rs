//! The tables, and how older ones become them.

use super::{Transaction, Value};
use crate::LedgerError;

/// Whose SQL is spoken, where it differs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// What makes each version of the tables of the one before it. `BIGINT` is a whole number of 64
/// bits; `STRICT` holds SQLite to it.
const MIGRATIONS: [&[&str]; 1] = [&[
    // The last fencing number that was given to any run. It outlives the leases.
    "CREATE TABLE meta (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        fence BIGINT NOT NULL
    )",
    "INSERT INTO meta (id, fence) VALUES (1, 0)",
    // A lease that was given back has no end.
    "CREATE TABLE leases (
        run TEXT PRIMARY KEY,
        fence BIGINT NOT NULL,
        holder TEXT NOT NULL,
        until_ms BIGINT
    )",
    // One row for each request that may have been sent. Open ones have no `settled_ms`. What a run
    // does not have (a pull request) is an empty text.
    "CREATE TABLE entries (
        run TEXT NOT NULL,
        began BIGINT NOT NULL,
        turn BIGINT NOT NULL,
        retry BIGINT NOT NULL,
        fence BIGINT NOT NULL,
        holder TEXT NOT NULL,
        step TEXT NOT NULL,
        repository TEXT NOT NULL,
        pull_request TEXT NOT NULL,
        branch TEXT NOT NULL,
        workflow TEXT NOT NULL,
        day TEXT NOT NULL,
        most BIGINT NOT NULL CHECK (most >= 0),
        reserved_ms BIGINT NOT NULL,
        settled_ms BIGINT,
        charged BIGINT NOT NULL DEFAULT 0 CHECK (charged >= 0 AND charged <= most),
        excess BIGINT NOT NULL DEFAULT 0 CHECK (excess >= 0),
        known BIGINT NOT NULL DEFAULT 0,
        input BIGINT NOT NULL DEFAULT 0,
        cached BIGINT NOT NULL DEFAULT 0,
        output BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (run, began, turn, retry)
    )",
    "CREATE INDEX entries_by_day ON entries (day)",
    "CREATE INDEX entries_open ON entries (run) WHERE settled_ms IS NULL",
    // What each scope has cost, since ever (`day` is empty) and on each day. This is what caps are
    // held against, and it outlives the entries.
    "CREATE TABLE sums (
        dimension TEXT NOT NULL,
        repository TEXT NOT NULL,
        name TEXT NOT NULL,
        day TEXT NOT NULL,
        reserved BIGINT NOT NULL CHECK (reserved >= 0),
        settled BIGINT NOT NULL CHECK (settled >= 0),
        used TEXT NOT NULL,
        PRIMARY KEY (dimension, repository, name, day)
    )",
    // Entries of days gone by, added up.
    "CREATE TABLE daily (
        day TEXT NOT NULL,
        repository TEXT NOT NULL,
        step TEXT NOT NULL,
        pull_request TEXT NOT NULL,
        branch TEXT NOT NULL,
        workflow TEXT NOT NULL,
        runs BIGINT NOT NULL,
        requests BIGINT NOT NULL,
        charged BIGINT NOT NULL,
        excess BIGINT NOT NULL,
        unknown BIGINT NOT NULL,
        input BIGINT NOT NULL,
        cached BIGINT NOT NULL,
        output BIGINT NOT NULL,
        PRIMARY KEY (day, repository, step, pull_request, branch, workflow)
    )",
    "CREATE TABLE caps (
        pattern TEXT NOT NULL,
        per TEXT NOT NULL,
        amount BIGINT NOT NULL CHECK (amount >= 0),
        PRIMARY KEY (pattern, per)
    )",
]];

/// Tells a SQLite file of ours from others: `STWL`.
const APPLICATION_ID: i64 = 0x5354_574c;

impl Dialect {
    fn table(self, sql: &str) -> String {
        match self {
            Self::Sqlite if sql.starts_with("CREATE TABLE") => {
                format!("{} STRICT", sql.replace("BIGINT", "INTEGER"))
            }
            Self::Sqlite | Self::Postgres => sql.to_owned(),
        }
    }
}

/// Makes the tables that are missing. Whatever else is there is no ledger, and stays as it is.
pub(super) fn bring_up_to_date(
    tx: &mut dyn Transaction,
    dialect: Dialect,
) -> Result<(), LedgerError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = match dialect {
        Dialect::Sqlite => sqlite_version(tx)?,
        Dialect::Postgres => postgres_version(tx)?,
    };
    if found > known {
        return Err(LedgerError::NewerSchema { found, known });
    }
    let from = usize::try_from(found)
        .map_err(|_| LedgerError::NotALedger { what: format!("it has schema {found}") })?;
    for sql in MIGRATIONS.into_iter().skip(from).flatten() {
        tx.rows(&dialect.table(sql), &[])?;
    }
    if found < known {
        set_version(tx, dialect, known)?;
    }
    match tx.rows("SELECT fence FROM meta WHERE id = 1", &[])?.as_slice() {
        [row] => row.number(0).map(drop),
        _ => Err(LedgerError::damaged("the table `meta` has no row")),
    }
}

fn set_version(
    tx: &mut dyn Transaction,
    dialect: Dialect,
    version: i64,
) -> Result<(), LedgerError> {
    match dialect {
        Dialect::Sqlite => {
            tx.rows(&format!("PRAGMA application_id = {APPLICATION_ID}"), &[])?;
            tx.rows(&format!("PRAGMA user_version = {version}"), &[])?;
        }
        Dialect::Postgres => {
            tx.rows("DELETE FROM schema_version", &[])?;
            let sql = "INSERT INTO schema_version (version) VALUES ($1)";
            tx.rows(sql, &[Value::Number(version)])?;
        }
    }
    Ok(())
}

fn one_number(tx: &mut dyn Transaction, sql: &str) -> Result<i64, LedgerError> {
    match tx.rows(sql, &[])?.first().map(|row| row.0.as_slice()) {
        Some([Value::Number(number)]) => Ok(*number),
        Some(_) | None => Err(LedgerError::damaged("a number is missing")),
    }
}

fn sqlite_version(tx: &mut dyn Transaction) -> Result<i64, LedgerError> {
    let tables = one_number(tx, "SELECT count(*) FROM sqlite_schema")?;
    if tables == 0 {
        return Ok(0);
    }
    if one_number(tx, "PRAGMA application_id")? != APPLICATION_ID {
        return Err(LedgerError::NotALedger { what: "a SQLite file of something else".to_owned() });
    }
    // A view or a trigger could do what we do not.
    let strange = "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')";
    if one_number(tx, strange)? != 0 {
        return Err(LedgerError::damaged("it has views or triggers"));
    }
    one_number(tx, "PRAGMA user_version")
}

fn postgres_version(tx: &mut dyn Transaction) -> Result<i64, LedgerError> {
    // To make what exists needs the right to make it: a user who may not make schemas finds one.
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'stepwell'";
    if one_number(tx, schemas)? == 0 {
        tx.rows("CREATE SCHEMA stepwell", &[])?;
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'stepwell'";
    if one_number(tx, tables)? == 0 {
        tx.rows("CREATE TABLE schema_version (version BIGINT NOT NULL)", &[])?;
        return Ok(0);
    }
    let ours = "SELECT count(*) FROM pg_tables
        WHERE schemaname = 'stepwell' AND tablename = 'schema_version'";
    if one_number(tx, ours)? == 0 {
        let what = "the schema `stepwell` holds tables of something else".to_owned();
        return Err(LedgerError::NotALedger { what });
    }
    one_number(tx, "SELECT version FROM schema_version")
}
