//! What is known of a call: how it has asked so far.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use snapshot::Digest;

use super::Beliefs;
use super::records::Kept;
use crate::Call;
use crate::call::Identity;
use crate::observed::Answers;

/// Sets of questions kept for one call. A tool that asks in more ways than this explores, and
/// asking all of them again would cost more than it saves.
pub(crate) const SETS_MAX: usize = 8;

/// Records looked at to find one that vouches for a set which another machine kept.
const VOUCHERS_MAX: i64 = 4;

/// What is known of a call.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Whether its tool has given two outputs for the same answers.
    pub(crate) is_volatile: bool,
    /// The one that was of use last comes first.
    pub(crate) sets: Vec<Set>,
}

/// A set of questions, and the answers to them when a call was last kept.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) digest: Digest,
    pub(crate) answers: Answers,
}

impl Known {
    pub(crate) fn read(
        connection: &Connection,
        call: &Call,
        beliefs: Beliefs<'_>,
    ) -> rusqlite::Result<Self> {
        if is_volatile(connection, call.tool(), beliefs)? {
            return Ok(Self { is_volatile: true, sets: Vec::new() });
        }
        let key = call.key().digest();
        let mut query = connection.prepare_cached(
            "SELECT questions, answers, seal FROM sets WHERE call = ?1 ORDER BY used DESC LIMIT ?2",
        )?;
        let most = i64::try_from(SETS_MAX).unwrap_or(i64::MAX);
        let rows = query.query_map(params![key.as_bytes(), most], |row| {
            let set =
                Set { digest: Digest::from_bytes(row.get(0)?), answers: Answers(row.get(1)?) };
            Ok((set, Digest::from_bytes(row.get(2)?)))
        })?;
        let mut sets = Vec::new();
        for row in rows {
            let (set, seal) = row?;
            // What a stranger's set asks may take for ever.
            if set.seal(key, beliefs) == seal || vouched(connection, call, &set, beliefs)? {
                sets.push(set);
            }
        }
        Ok(Self { is_volatile: false, sets })
    }

    /// Forgets one of the sets of a call, and every output under it.
    pub(crate) fn forget_set(
        connection: &Connection,
        call: Digest,
        set: Digest,
    ) -> rusqlite::Result<()> {
        let keys = [call.as_bytes(), set.as_bytes()];
        connection.execute("DELETE FROM records WHERE call = ?1 AND questions = ?2", keys)?;
        connection.execute("DELETE FROM sets WHERE call = ?1 AND questions = ?2", keys)?;
        Ok(())
    }

    /// Forgets what was of no use for longest, where a call asks in too many ways.
    pub(super) fn drop_oldest_sets(tx: &Transaction<'_>, call: Digest) -> rusqlite::Result<()> {
        let mut sets =
            tx.prepare_cached("SELECT questions FROM sets WHERE call = ?1 ORDER BY used DESC")?;
        let rows = sets.query_map([call.as_bytes()], |row| Ok(Digest::from_bytes(row.get(0)?)))?;
        for set in rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().skip(SETS_MAX) {
            Self::forget_set(tx, call, set)?;
        }
        Ok(())
    }
}

impl Set {
    /// Ties the row together.
    pub(super) fn seal(&self, call: Digest, beliefs: Beliefs<'_>) -> Digest {
        let parts: [&[u8]; 3] = [call.as_bytes(), self.digest.as_bytes(), &self.answers.0];
        beliefs.key.seal("stepwell 2026-11 set row v1", &parts)
    }
}

/// Whether somebody who is believed has signed a record that was made with this set.
fn vouched(
    connection: &Connection,
    call: &Call,
    set: &Set,
    beliefs: Beliefs<'_>,
) -> rusqlite::Result<bool> {
    let mut query = connection.prepare_cached(
        "SELECT observed FROM records WHERE call = ?1 AND questions = ?2 AND proof IS NOT NULL
         ORDER BY used DESC LIMIT ?3",
    )?;
    let key = call.key().digest();
    let row = params![key.as_bytes(), set.digest.as_bytes(), VOUCHERS_MAX];
    let rows = query.query_map(row, |row| Ok(Digest::from_bytes(row.get(0)?)))?;
    for observed in rows {
        let kept = Kept::read(connection, observed?, beliefs)?;
        if kept.is_some_and(|kept| kept.is_believed(call.identity().component, beliefs)) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn is_volatile(
    connection: &Connection,
    tool: Digest,
    beliefs: Beliefs<'_>,
) -> rusqlite::Result<bool> {
    let mut query = connection.prepare_cached("SELECT seal FROM volatile WHERE tool = ?1")?;
    let seal = query.query_row([tool.as_bytes()], |row| Ok(Digest::from_bytes(row.get(0)?)));
    Ok(seal.optional()? == Some(volatile_seal(tool, beliefs)))
}

pub(super) fn volatile_seal(tool: Digest, beliefs: Beliefs<'_>) -> Digest {
    beliefs.key.seal("stepwell 2026-11 volatile row v1", &[tool.as_bytes()])
}

/// What makes a call this call, if it was kept and is what it says.
pub(crate) fn identity(connection: &Connection, call: Digest) -> rusqlite::Result<Option<Call>> {
    let mut query = connection.prepare_cached("SELECT identity FROM calls WHERE call = ?1")?;
    let text: Option<String> = query.query_row([call.as_bytes()], |row| row.get(0)).optional()?;
    let identity = text.and_then(|text| serde_json::from_str::<Identity>(&text).ok());
    let known = identity.and_then(|identity| Call::new(identity).ok());
    Ok(known.filter(|known| known.key().digest() == call))
}
