//! Transactions on a SQLite file: one writer at a time, on disk when it is done.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, TransactionBehavior, ffi, params_from_iter};

use super::{Access, Row, Transaction, Value};
use crate::clock::machine_time;
use crate::{Clock, LedgerError, Moment};

/// How long a process waits for the writes of others. One takes the time of a sync to disk, and
/// SQLite lets those that wait try in no order: dozens of processes must all get their turn.
const BUSY_MAX: Duration = Duration::from_secs(20);

/// An open file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
    clock: Clock,
}

impl Sqlite {
    pub(super) fn open(path: &Path, clock: Clock) -> Result<Self, LedgerError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|err| LedgerError::Unreachable(err.into()))?;
        }
        let connection = connect(path).map_err(ledger_error)?;
        Ok(Self { connection, clock })
    }

    pub(super) fn transact<T>(
        &mut self,
        access: Access,
        mut act: impl FnMut(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let behavior = match access {
            Access::Read => TransactionBehavior::Deferred,
            // Who begins by writing never has to give up what it read.
            Access::Write | Access::Alone => TransactionBehavior::Immediate,
        };
        let tx = self.connection.transaction_with_behavior(behavior).map_err(ledger_error)?;
        let done = act(&mut Open { tx: &tx, clock: &self.clock })?;
        tx.commit().map_err(ledger_error)?;
        Ok(done)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    // The file may be a stranger's: what its schema says is not run, and its pages are checked.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Where there is no WAL (a network disk) SQLite keeps its journal, and answers with its name.
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    // What was reserved must not be forgotten by a machine that loses power: it may be sent.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// A transaction that has begun.
struct Open<'a> {
    tx: &'a Connection,
    clock: &'a Clock,
}

impl Transaction for Open<'_> {
    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LedgerError> {
        // A `$1` would be a name to SQLite, numbered by where it stands.
        let sql = sql.replace('$', "?");
        let mut statement = self.tx.prepare_cached(&sql).map_err(ledger_error)?;
        let columns = statement.column_count();
        let mut found = statement.query(params_from_iter(values)).map_err(ledger_error)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(ledger_error)? {
            let value = |column| row.get_ref(column).map_err(ledger_error).and_then(read);
            rows.push(Row((0..columns).map(value).collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }

    fn locked_rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LedgerError> {
        // Nobody else writes meanwhile.
        self.rows(sql, values)
    }

    fn now(&mut self) -> Result<Moment, LedgerError> {
        Ok(self.clock.by_its_hand().unwrap_or_else(machine_time))
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Null => ValueRef::Null,
        }))
    }
}

fn read(value: ValueRef<'_>) -> Result<Value, LedgerError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Number(number)),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(err) => Err(LedgerError::Damaged(err.into())),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(LedgerError::damaged("a value is of a kind that is not ours"))
        }
    }
}

/// What an error of SQLite means for who asked.
fn ledger_error(err: rusqlite::Error) -> LedgerError {
    let extended = err.sqlite_error().map(|err| err.extended_code);
    if extended == Some(ffi::SQLITE_IOERR_SHORT_READ) {
        return LedgerError::Damaged(err.into());
    }
    match err.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::TypeMismatch
            | ErrorCode::ConstraintViolation
            // A table or a column is missing.
            | ErrorCode::Unknown,
        ) => LedgerError::Damaged(err.into()),
        Some(ErrorCode::DiskFull) => LedgerError::Full(err.into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Busy(err.into()),
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
        ) => LedgerError::Unreachable(err.into()),
        Some(_) | None => LedgerError::Database(err.into()),
    }
}
