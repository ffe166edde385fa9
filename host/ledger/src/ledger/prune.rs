//! What keeps a ledger from growing for ever.

use super::{entries, spending};
use crate::database::{Transaction, Value};
use crate::{Day, LedgerError, TTL_MAX, Usage};

/// For how many days each request is kept by itself. A run that is resumed later than that finds
/// nothing of what it had reserved.
pub const ENTRY_DAYS: u32 = 90;

/// For how many days daily sums are kept, and the sums of scopes on which nobody spends any more:
/// somewhat longer than the year that budgets are made for.
pub const DAILY_DAYS: u32 = 400;

/// Days that one call adds up. The next call goes on.
pub(super) const FOLDS_MAX: u32 = DAILY_DAYS;

/// What pruning did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Requests that were added to the sums of their days.
    pub requests: u64,
    /// Those of them that nobody had settled, which are charged at what was reserved.
    pub charged_in_full: u64,
}

/// Adds up the requests of the oldest day before `before`, if there is one.
pub(super) fn fold_a_day(
    tx: &mut dyn Transaction,
    before: &Day,
) -> Result<Option<Pruned>, LedgerError> {
    let sql = "SELECT day FROM entries WHERE day < $1 ORDER BY day LIMIT 1";
    let oldest = tx.rows(sql, &[before.as_str().into()])?;
    let Some(day) = oldest.first().map(|row| row.text(0)).transpose()? else { return Ok(None) };

    let open = entries::open_on(tx, day)?;
    for entry in &open {
        // It may have been sent.
        spending::charge(tx, entry, Usage::Unknown)?;
    }
    tx.rows(FOLD, &[day.into()])?;
    let folded = tx.rows("DELETE FROM entries WHERE day = $1 RETURNING turn", &[day.into()])?;
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    Ok(Some(Pruned { requests: count(folded.len()), charged_in_full: count(open.len()) }))
}

const FOLD: &str = "
    INSERT INTO daily (day, repository, step, pull_request, branch, workflow,
        runs, requests, charged, excess, unknown, input, cached, output)
    SELECT day, repository, step, pull_request, branch, workflow,
        COUNT(DISTINCT run), COUNT(*), CAST(SUM(charged) AS BIGINT), CAST(SUM(excess) AS BIGINT),
        CAST(SUM(1 - known) AS BIGINT), CAST(SUM(input) AS BIGINT), CAST(SUM(cached) AS BIGINT),
        CAST(SUM(output) AS BIGINT)
    FROM entries WHERE day = $1
    GROUP BY day, repository, step, pull_request, branch, workflow
    ON CONFLICT (day, repository, step, pull_request, branch, workflow) DO UPDATE SET
        runs = daily.runs + excluded.runs, requests = daily.requests + excluded.requests,
        charged = daily.charged + excluded.charged, excess = daily.excess + excluded.excess,
        unknown = daily.unknown + excluded.unknown, input = daily.input + excluded.input,
        cached = daily.cached + excluded.cached, output = daily.output + excluded.output";

/// Removes what nothing refers to any more.
pub(super) fn forget(tx: &mut dyn Transaction, today: &Day) -> Result<(), LedgerError> {
    let (entries, daily) = (today.before(ENTRY_DAYS), today.before(DAILY_DAYS));
    tx.rows("DELETE FROM daily WHERE day < $1", &[daily.as_str().into()])?;
    // No cap is held against a day that is over.
    let days = "DELETE FROM sums WHERE day <> '' AND day < $1 AND reserved = 0";
    tx.rows(days, &[entries.as_str().into()])?;
    let scopes = "DELETE FROM sums WHERE day = '' AND used < $1 AND reserved = 0";
    tx.rows(scopes, &[daily.as_str().into()])?;
    // The count of fencing numbers outlives them: a number is never given twice.
    let now = tx.now()?.0;
    let over = now.saturating_sub(u64::try_from(TTL_MAX.as_millis()).unwrap_or(u64::MAX));
    let leases = "DELETE FROM leases WHERE (until_ms IS NULL OR until_ms < $1)
        AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.run = leases.run)";
    tx.rows(leases, &[Value::from(over)]).map(drop)
}
