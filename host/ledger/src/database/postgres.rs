//! Transactions on a PostgreSQL server that many machines share.
//!
//! Rows are locked one by one, always in the same order, at the level "read committed": whoever
//! waits for a row then reads it as it has become. So runs of other repositories do not wait, and
//! nobody who waited is turned away, as they would be by "serializable". What changes the rules for
//! all (a cap, the tables) waits until it is alone, by an advisory lock that everyone else shares.

mod connect;
mod failure;

use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::types::{ToSql, Type};

use self::connect::{Connector, Link};
use self::failure::{broken, is_momentary, ledger_error, too_slow};
use super::{Access, Row, Transaction, Value};
use crate::{Clock, LedgerError, Moment, PostgresUrl};

/// How often a transaction is begun that the server asks to do anew, or whose connection was found
/// dead before anything was done. This is the one layer that retries.
const TRIES_MAX: u32 = 5;

/// How long one statement may take, its way there and back included. The server's own limits
/// (in `begin`) are shorter, so that it says which one it was.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A server, and the connection to it while there is one.
#[derive(Debug)]
pub(crate) struct Postgres {
    connector: Connector,
    clock: Clock,
    runtime: Handle,
    link: Option<Link>,
}

impl Postgres {
    pub(super) fn open(
        url: &PostgresUrl,
        clock: Clock,
        runtime: Handle,
    ) -> Result<Self, LedgerError> {
        let connector = Connector::new(url)?;
        Ok(Self { connector, clock, runtime, link: None })
    }

    pub(super) fn transact<T>(
        &mut self,
        access: Access,
        mut act: impl FnMut(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut tries = 1;
        loop {
            match self.attempt(access, &mut act) {
                Ok(done) => return Ok(done),
                Err(failed) if failed.again && tries < TRIES_MAX => tries += 1,
                Err(failed) => return Err(failed.error),
            }
        }
    }

    fn attempt<T>(
        &mut self,
        access: Access,
        act: &mut impl FnMut(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, Failed> {
        let link = match self.link.take().filter(Link::is_open) {
            Some(link) => link,
            None => self.runtime.block_on(self.connector.connect()).map_err(Failed::finally)?,
        };
        let mut tx = Open { link: &link, runtime: &self.runtime, clock: &self.clock, again: false };
        let done = match tx.run(begin(access)) {
            Ok(()) => act(&mut tx),
            Err(error) => Err(error),
        };
        match done {
            Ok(done) => {
                // Whether a commit took place is not known when its answer is lost; but every act
                // that is asked for again finds what it did.
                let again = false;
                tx.run("COMMIT").map_err(|error| Failed { error, again })?;
                self.link = Some(link);
                Ok(done)
            }
            Err(error) => {
                let again = tx.again;
                // A connection that cannot even do that is given up, which ends its transaction.
                if tx.run("ROLLBACK").is_ok() {
                    self.link = Some(link);
                }
                Err(Failed { error, again })
            }
        }
    }
}

/// A transaction that came to nothing.
struct Failed {
    error: LedgerError,
    /// Whether it may go well when it is done anew.
    again: bool,
}

impl Failed {
    fn finally(error: LedgerError) -> Self {
        Self { error, again: false }
    }
}

/// How a transaction begins. Settings are the transaction's own, because a pooler between here and
/// the server may give the next one another connection.
fn begin(access: Access) -> &'static str {
    // The number is the advisory lock's name: `stepwell` in ASCII.
    match access {
        Access::Read => {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL search_path TO stepwell, pg_catalog;
             SET LOCAL statement_timeout TO '15s';
             SET LOCAL idle_in_transaction_session_timeout TO '10s'"
        }
        Access::Write => {
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
             SET LOCAL search_path TO stepwell, pg_catalog;
             SET LOCAL synchronous_commit TO on;
             SET LOCAL lock_timeout TO '10s';
             SET LOCAL statement_timeout TO '15s';
             SET LOCAL idle_in_transaction_session_timeout TO '10s';
             SELECT pg_advisory_xact_lock_shared(8319385945374026860)"
        }
        Access::Alone => {
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
             SET LOCAL search_path TO stepwell, pg_catalog;
             SET LOCAL synchronous_commit TO on;
             SET LOCAL lock_timeout TO '10s';
             SET LOCAL statement_timeout TO '15s';
             SET LOCAL idle_in_transaction_session_timeout TO '10s';
             SELECT pg_advisory_xact_lock(8319385945374026860)"
        }
    }
}

/// A transaction that has begun.
struct Open<'a> {
    link: &'a Link,
    runtime: &'a Handle,
    clock: &'a Clock,
    again: bool,
}

impl Open<'_> {
    /// Waits for the server; and remembers whether what it said is worth another try.
    fn wait<T>(
        &mut self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, LedgerError> {
        match self.runtime.block_on(async { tokio::time::timeout(ANSWER_MAX, asked).await }) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(err)) => {
                self.again |= is_momentary(&err) || broken(&err);
                Err(ledger_error(err))
            }
            Err(_elapsed) => {
                self.link.give_up();
                Err(too_slow(ANSWER_MAX))
            }
        }
    }

    fn run(&mut self, sql: &str) -> Result<(), LedgerError> {
        let link = self.link;
        self.wait(link.client().batch_execute(sql))
    }
}

impl Transaction for Open<'_> {
    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LedgerError> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> = values.iter().map(parameter).collect();
        let link = self.link;
        let rows = self.wait(link.client().query_typed(sql, &values))?;
        rows.iter().map(read).collect()
    }

    fn locked_rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LedgerError> {
        self.rows(&format!("{sql} FOR UPDATE"), values)
    }

    fn now(&mut self) -> Result<Moment, LedgerError> {
        if let Some(moment) = self.clock.by_its_hand() {
            return Ok(moment);
        }
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
        match self.rows(sql, &[])?.first() {
            Some(row) => row.number(0).map(Moment),
            None => Err(LedgerError::damaged("the server has no time")),
        }
    }
}

fn parameter(value: &Value) -> (&(dyn ToSql + Sync), Type) {
    match value {
        Value::Number(number) => (number, Type::INT8),
        Value::Text(text) => (text, Type::TEXT),
        Value::Null => (&None::<i64>, Type::INT8),
    }
}

fn read(row: &tokio_postgres::Row) -> Result<Row, LedgerError> {
    let value = |(column, about): (usize, &tokio_postgres::Column)| {
        let value = match *about.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(column).map(|it| it.map(Value::Number)),
            Type::TEXT => row.try_get::<_, Option<String>>(column).map(|it| it.map(Value::Text)),
            // What a `SELECT` of a lock or a setting gives.
            _ => Ok(None),
        };
        value
            .map(|value| value.unwrap_or(Value::Null))
            .map_err(|err| LedgerError::Damaged(err.into()))
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}
