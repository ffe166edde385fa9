//! Reports: sums over entries and the days that are added up already.

use crate::database::{Row, Transaction, Value};
use crate::{Dimension, Filter, LedgerError, Line, MicroDollars, Pattern, Scope, Tokens, Totals};

/// The longest answer.
pub(super) const LINES_MAX: usize = 10_000;

/// What is added up. Days that are over have no names of runs left, only their number.
const ALL: &str = "
    SELECT day, repository, step, pull_request, branch, workflow, run, 0 AS runs, 1 AS requests,
        CASE WHEN settled_ms IS NULL THEN 0 ELSE 1 - known END AS unknown, charged,
        CASE WHEN settled_ms IS NULL THEN most ELSE 0 END AS reserved, excess,
        input, cached, output
    FROM entries
    UNION ALL
    SELECT day, repository, step, pull_request, branch, workflow, NULL, runs, requests,
        unknown, charged, 0, excess, input, cached, output
    FROM daily";

/// What a line says, in the order of [`totals`].
const SUMS: [&str; 10] = [
    "COUNT(DISTINCT run)",
    "runs",
    "requests",
    "unknown",
    "charged",
    "reserved",
    "excess",
    "input",
    "cached",
    "output",
];

/// The lines of a report.
pub(super) fn report(
    tx: &mut dyn Transaction,
    by: &[Dimension],
    filter: &Filter,
) -> Result<Vec<Line>, LedgerError> {
    let groups = groups(by);
    let mut columns: Vec<String> = groups.iter().map(|&column| column.to_owned()).collect();
    columns.extend(SUMS.map(|sum| match sum {
        column if column.contains('(') => column.to_owned(),
        column => format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"),
    }));
    let (condition, values) = condition(filter);
    let names = groups.join(", ");
    let grouping = match groups.is_empty() {
        true => String::new(),
        false => format!("GROUP BY {names} ORDER BY {names} LIMIT {}", LINES_MAX + 1),
    };
    let columns = columns.join(", ");
    let sql = format!("SELECT {columns} FROM ({ALL}) AS requests WHERE {condition} {grouping}");
    let rows = tx.rows(&sql, &values)?;
    if rows.len() > LINES_MAX {
        return Err(LedgerError::TooManyLines { most: LINES_MAX });
    }
    rows.iter().map(|row| line(row, by, &groups)).collect()
}

/// The columns that a line stands for, each once. What is within a repository goes with it.
fn groups(by: &[Dimension]) -> Vec<&'static str> {
    let mut groups = Vec::new();
    for dimension in by {
        let repository = dimension.is_in_repository().then(|| Dimension::Repository.column());
        for column in repository.into_iter().chain([dimension.column()]) {
            if !groups.contains(&column) {
                groups.push(column);
            }
        }
    }
    groups
}

fn condition(filter: &Filter) -> (String, Vec<Value>) {
    let mut parts = vec!["1 = 1".to_owned()];
    let mut values = Vec::new();
    let mut value = |text: &str| {
        values.push(Value::from(text));
        format!("${}", values.len())
    };
    for pattern in &filter.scopes {
        parts.push(of_pattern(pattern, &mut value));
    }
    if let Some(since) = &filter.since {
        parts.push(format!("day >= {}", value(since.as_str())));
    }
    if let Some(until) = &filter.until {
        parts.push(format!("day <= {}", value(until.as_str())));
    }
    (parts.join(" AND "), values)
}

/// The same as [`Pattern::matches`], for the database.
fn of_pattern(pattern: &Pattern, value: &mut impl FnMut(&str) -> String) -> String {
    let dimension = pattern.dimension();
    let column = dimension.column();
    let label = if dimension.is_in_repository() {
        format!("repository || '{}' || {column}", dimension.separator())
    } else {
        column.to_owned()
    };
    let matches = match pattern.prefix() {
        Some(prefix) => {
            let value = value(prefix);
            format!("substr({label}, 1, length({value})) = {value}")
        }
        None => format!("{label} = {}", value(pattern.label())),
    };
    format!("({column} <> '' AND {matches})")
}

fn line(row: &Row, by: &[Dimension], groups: &[&str]) -> Result<Line, LedgerError> {
    let text = |column: &str| {
        let at = groups.iter().position(|group| *group == column);
        row.text(at.expect("every dimension that is asked for has its columns"))
    };
    let mut scopes = Vec::new();
    for &dimension in by {
        let name = text(dimension.column())?.to_owned();
        let repository = match dimension.is_in_repository() {
            true => text(Dimension::Repository.column())?.to_owned(),
            false => String::new(),
        };
        scopes.push((!name.is_empty()).then_some(Scope { dimension, repository, name }));
    }
    Ok(Line { scopes, totals: totals(row, groups.len())? })
}

fn totals(row: &Row, first: usize) -> Result<Totals, LedgerError> {
    let number = |at: usize| row.number(first + at);
    let amount = |at: usize| number(at).map(MicroDollars);
    Ok(Totals {
        runs: number(0)?.saturating_add(number(1)?),
        requests: number(2)?,
        unknown: number(3)?,
        spent: amount(4)?,
        reserved: amount(5)?,
        excess: amount(6)?,
        tokens: Tokens { input: number(7)?, cached: number(8)?, output: number(9)? },
    })
}
