//! What the cache did for each tool.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use snapshot::Digest;

use super::records::Kept;
use super::{read, stored};
use crate::{Call, Record, ToolStat};

/// What was noted since it was last written down.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tools: HashMap<Digest, ToolStat>,
    pub(crate) used: HashMap<Digest, Record>,
}

impl Tally {
    /// The counts of a call's tool.
    pub(crate) fn of(&mut self, call: &Call) -> &mut ToolStat {
        let identity = call.identity();
        self.tools.entry(call.tool()).or_insert_with(|| ToolStat {
            name: identity.tool.clone(),
            component: identity.component,
            ..ToolStat::default()
        })
    }

    pub(crate) fn note_hit(&mut self, call: &Call, record: &Record, is_shared: bool) {
        let stat = self.of(call);
        stat.hits += 1;
        stat.shared_hits += u64::from(is_shared);
        stat.saved_us = stat.saved_us.saturating_add(record.cost_us);
        stat.saved_bytes = stat.saved_bytes.saturating_add(record.bytes);
        self.used.insert(record.observed, *record);
    }

    pub(crate) fn note_run(&mut self, call: &Call, cost_us: u64) {
        let stat = self.of(call);
        stat.runs += 1;
        stat.run_us = stat.run_us.saturating_add(cost_us);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.used.is_empty()
    }

    /// Writes it down.
    pub(crate) fn write(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (tool, stat) in &self.tools {
            tx.prepare_cached(
                "INSERT INTO tools VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (tool) DO UPDATE SET hits = hits + ?4,
                 shared_hits = shared_hits + ?5, misses = misses + ?6, saved_us = saved_us + ?7,
                 saved_bytes = saved_bytes + ?8, runs = runs + ?9, run_us = run_us + ?10",
            )?
            .execute(params![
                tool.as_bytes(),
                stat.name,
                stat.component.as_bytes(),
                stored(stat.hits),
                stored(stat.shared_hits),
                stored(stat.misses),
                stored(stat.saved_us),
                stored(stat.saved_bytes),
                stored(stat.runs),
                stored(stat.run_us),
            ])?;
        }
        for record in self.used.values() {
            Kept::touch(&tx, record)?;
        }
        tx.commit()
    }
}

/// What the cache did for each tool, the one that is called most first.
pub(crate) fn by_tool(connection: &Connection) -> rusqlite::Result<Vec<ToolStat>> {
    let mut query = connection.prepare_cached(
        "SELECT name, component, hits, shared_hits, misses, saved_us, saved_bytes, runs, run_us
         FROM tools ORDER BY hits + misses DESC, name, component LIMIT 1000",
    )?;
    let rows = query.query_map([], |row| {
        Ok(ToolStat {
            name: row.get(0)?,
            component: Digest::from_bytes(row.get(1)?),
            hits: read(row.get(2)?),
            shared_hits: read(row.get(3)?),
            misses: read(row.get(4)?),
            saved_us: read(row.get(5)?),
            saved_bytes: read(row.get(6)?),
            runs: read(row.get(7)?),
            run_us: read(row.get(8)?),
        })
    })?;
    rows.collect()
}

/// What a run of the tool takes on average, in microseconds, where it was seen to run.
pub(crate) fn expected_us(connection: &Connection, tool: Digest) -> rusqlite::Result<Option<u64>> {
    let mut query = connection
        .prepare_cached("SELECT run_us / runs FROM tools WHERE tool = ?1 AND runs > 0")?;
    Ok(query.query_row([tool.as_bytes()], |row| row.get(0)).optional()?.map(read))
}
