//! What an error of the server means for who asked.

use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::LedgerError;

/// Whether the same transaction may go well when it is done anew.
pub(super) fn is_momentary(err: &Error) -> bool {
    err.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}

/// Whether the connection is gone, without a word of the server about what was asked.
pub(super) fn broken(err: &Error) -> bool {
    err.is_closed()
        || err
            .code()
            .is_some_and(|code| [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code))
}

pub(super) fn too_slow(limit: Duration) -> LedgerError {
    LedgerError::Unreachable(format!("no answer within {} s", limit.as_secs()).into())
}

pub(super) fn ledger_error(err: Error) -> LedgerError {
    // Classes of conditions: PostgreSQL's manual, appendix A.
    let class = err.code().map(|code| code.code().get(..2).unwrap_or_default().to_owned());
    let code = err.code().cloned();
    if code == Some(SqlState::DISK_FULL) {
        return LedgerError::Full(err.into());
    }
    if code == Some(SqlState::LOCK_NOT_AVAILABLE) || is_momentary(&err) {
        return LedgerError::Busy(err.into());
    }
    match class.as_deref() {
        // Nothing was said: the way to the server is at fault.
        None | Some("08" | "28" | "3D" | "53" | "57" | "58") => {
            LedgerError::Unreachable(err.into())
        }
        // A value out of range, a constraint, a missing table, a damaged page.
        Some("22" | "23" | "42" | "XX") if code != Some(SqlState::INSUFFICIENT_PRIVILEGE) => {
            LedgerError::Damaged(err.into())
        }
        Some(_) => LedgerError::Database(err.into()),
    }
}
