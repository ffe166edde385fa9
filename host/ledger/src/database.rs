//! Transactions, whichever database gives them.
//!
//! What is done in one is written once, in SQL that both know; how it begins, what it locks, and
//! what an error means is each driver's own.

mod postgres;
mod schema;
mod sqlite;
mod value;

use tokio::runtime::Handle;

use crate::{Clock, LedgerError, Moment, Place};
pub(crate) use value::{Row, Value};

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It changes nothing.
    Read,
    /// It changes what it has locked, row by row.
    Write,
    /// It changes what others go by: it is alone.
    Alone,
}

/// What can be done within a transaction. It blocks.
pub(crate) trait Transaction {
    /// Does what `sql` says, with `values` for `$1`, `$2`…; the rows that come of it.
    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LedgerError>;

    /// Like `rows` of a query, which nobody else can change until the transaction ends. Where
    /// several rows are asked for they must be ordered, so that no two wait for each other.
    fn locked_rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LedgerError>;

    /// What time it is.
    fn now(&mut self) -> Result<Moment, LedgerError>;
}

/// An open database.
#[derive(Debug)]
pub(crate) enum Database {
    File(sqlite::Sqlite),
    Postgres(Box<postgres::Postgres>),
}

impl Database {
    /// Opens it, and makes its tables or brings them up to date. It blocks; `runtime` is where
    /// connections live.
    pub(crate) fn open(place: &Place, clock: Clock, runtime: Handle) -> Result<Self, LedgerError> {
        let mut database = match place {
            Place::File(path) => Self::File(sqlite::Sqlite::open(path, clock)?),
            Place::Postgres(url) => {
                Self::Postgres(Box::new(postgres::Postgres::open(url, clock, runtime)?))
            }
        };
        let dialect = match &database {
            Self::File(_) => schema::Dialect::Sqlite,
            Self::Postgres(_) => schema::Dialect::Postgres,
        };
        database.transact(Access::Alone, |tx| schema::bring_up_to_date(tx, dialect))?;
        Ok(database)
    }

    /// Does `act` as a whole or not at all. It is done anew when the database asks for that.
    pub(crate) fn transact<T>(
        &mut self,
        access: Access,
        act: impl FnMut(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match self {
            Self::File(file) => file.transact(access, act),
            Self::Postgres(server) => server.transact(access, act),
        }
    }
}
