//! `stepwell ledger`: what was spent, what is set aside, and what may be spent at most.

use std::time::SystemTime;

use ledger::{Cap, Day, Filter, Ledger, LedgerError, Line, OpenEntry, Place, Scope, Totals};
use serde_json::{Value, json};

use super::table::{Side, Table};
use super::{pretty, print, wait_for};
use crate::args::{
    LedgerCapListArgs, LedgerCapRemoveArgs, LedgerCapSetArgs, LedgerOpenArgs, LedgerPlaceArgs,
    LedgerPruneArgs, LedgerShowArgs,
};
use crate::dirs;
use crate::problem::Problem;

/// Shows what was spent.
pub(super) fn show(args: &LedgerShowArgs) -> Result<u8, Problem> {
    let filter =
        Filter { scopes: args.only.clone(), since: args.since.clone(), until: args.until.clone() };
    let (lines, total) = with_existing(&args.place, async |ledger| {
        let lines = ledger.report(&args.by, &filter).await?;
        let total = ledger.report(&[], &filter).await?;
        Ok((lines, total.first().map(|line| line.totals).unwrap_or_default()))
    })?;
    if args.json {
        let lines: Vec<Value> = lines.iter().map(|line| line_as_json(line, &args.by)).collect();
        print(&pretty(&json!({ "lines": lines, "total": totals_as_json(&total) })));
        return Ok(0);
    }
    let mut columns: Vec<(&str, Side)> =
        args.by.iter().map(|dimension| (dimension.name(), Side::Left)).collect();
    columns.extend(["spent", "reserved", "requests", "runs"].map(|name| (name, Side::Right)));
    let mut table = Table::new(&columns);
    for line in &lines {
        let mut row: Vec<String> = line.scopes.iter().map(label).collect();
        row.extend(totals_as_text(&line.totals));
        table.row(&row);
    }
    let mut row = vec![String::new(); args.by.len()];
    if let Some(first) = row.first_mut() {
        "total".clone_into(first);
    }
    row.extend(totals_as_text(&total));
    table.row(&row);
    print(&table.to_string());
    if total.unknown > 0 {
        let many = total.unknown;
        print(&format!("{many} requests are charged at the most they could cost: nobody said it"));
    }
    if total.excess.0 > 0 {
        let excess = total.excess;
        print(&format!(
            "{excess} more was taken by servers than was reserved; the caps count it, too"
        ));
    }
    Ok(0)
}

/// Shows the reservations that nobody settled.
pub(super) fn open(args: &LedgerOpenArgs) -> Result<u8, Problem> {
    let entries = with_existing(&args.place, async |ledger| ledger.open_entries(None).await)?;
    if args.json {
        print(&pretty(&entries.iter().map(open_as_json).collect::<Vec<_>>()));
        return Ok(0);
    }
    if entries.is_empty() {
        print("nothing is set aside: every request is settled");
        return Ok(0);
    }
    let columns = ["run", "request", "since", "by", "repository"].map(|name| (name, Side::Left));
    let mut table = Table::new(&[&columns[..], &[("reserved", Side::Right)]].concat());
    for entry in entries {
        table.row(&[
            entry.run.to_string(),
            entry.key.to_string(),
            entry.since.to_string(),
            entry.holder,
            entry.scopes.repository.to_string(),
            entry.most.to_string(),
        ]);
    }
    print(&table.to_string());
    Ok(0)
}

/// Sets a cap.
pub(super) fn cap_set(args: &LedgerCapSetArgs) -> Result<u8, Problem> {
    let cap = Cap { scopes: args.scopes.clone(), per: args.per, amount: args.amount };
    with(&args.place, async |ledger| ledger.set_cap(&cap).await)?;
    print(&format!("each `{}` may cost {} {}", cap.scopes, cap.amount, over(cap.per)));
    Ok(0)
}

/// Lists the caps.
pub(super) fn cap_list(args: &LedgerCapListArgs) -> Result<u8, Problem> {
    let caps = with_existing(&args.place, async |ledger| ledger.caps().await)?;
    if args.json {
        let caps: Vec<Value> = caps
            .iter()
            .map(|cap| {
                json!({
                    "scopes": cap.scopes.to_string(),
                    "per": cap.per.name(),
                    "amount": cap.amount.0,
                })
            })
            .collect();
        print(&pretty(&caps));
        return Ok(0);
    }
    if caps.is_empty() {
        print("there are no caps: only those of step files hold");
        return Ok(0);
    }
    let mut table =
        Table::new(&[("scopes", Side::Left), ("per", Side::Left), ("at most", Side::Right)]);
    for Cap { scopes, per, amount } in caps {
        table.row(&[scopes.to_string(), per.to_string(), amount.to_string()]);
    }
    print(&table.to_string());
    Ok(0)
}

/// Removes a cap.
pub(super) fn cap_remove(args: &LedgerCapRemoveArgs) -> Result<u8, Problem> {
    let (scopes, per) = (&args.scopes, args.per);
    if !with_existing(&args.place, async |ledger| ledger.remove_cap(scopes, per).await)? {
        return Err(Problem::NoCap { scopes: scopes.to_string(), per: per.name() });
    }
    print(&format!("`{scopes}` has no cap {} any more", over(per)));
    Ok(0)
}

/// Adds old requests up.
pub(super) fn prune(args: &LedgerPruneArgs) -> Result<u8, Problem> {
    let today = Day::of(SystemTime::now());
    let pruned = with_existing(&args.place, async |ledger| ledger.prune(&today).await)?;
    let ledger::Pruned { requests, charged_in_full } = pruned;
    print(&format!("{requests} requests older than {} days are added up", ledger::ENTRY_DAYS));
    if charged_in_full > 0 {
        print(&format!("{charged_in_full} of them nobody had settled: charged in full"));
    }
    Ok(0)
}

/// Does something with the ledger, which is made if there is none.
fn with<T>(
    args: &LedgerPlaceArgs,
    act: impl AsyncFnOnce(&Ledger) -> Result<T, LedgerError>,
) -> Result<T, Problem> {
    let place = place(args)?;
    let done = wait_for(async { act(&Ledger::open(&place).await?).await })?;
    done.map_err(|source| Problem::Ledger { place: place.to_string(), source })
}

/// The same, where looking must not make one.
fn with_existing<T>(
    args: &LedgerPlaceArgs,
    act: impl AsyncFnOnce(&Ledger) -> Result<T, LedgerError>,
) -> Result<T, Problem> {
    match place(args)? {
        Place::File(path) if !path.exists() => Err(Problem::NoLedger { path }),
        Place::File(_) | Place::Postgres(_) => with(args, act),
    }
}

/// The place on the command line, else in the environment, else this user's own.
fn place(args: &LedgerPlaceArgs) -> Result<Place, Problem> {
    let named = named_place(args.ledger.as_deref())?;
    Ok(named.unwrap_or_else(|| Place::File(dirs::ledger())))
}

/// The place that the argument or the environment names.
pub(super) fn named_place(argument: Option<&str>) -> Result<Option<Place>, Problem> {
    // Not parsed with the arguments: clap repeats what it refuses, and it may hold a password.
    let text = argument.map(str::to_owned).or_else(dirs::ledger_setting);
    text.map(|text| text.parse().map_err(Problem::BadLedger)).transpose()
}

fn over(per: ledger::Period) -> &'static str {
    match per {
        ledger::Period::Total => "in all",
        ledger::Period::Day => "a day",
    }
}

#[expect(clippy::ref_option, reason = "as the lines of a report hold it")]
fn label(scope: &Option<Scope>) -> String {
    scope.as_ref().map_or_else(|| "-".to_owned(), Scope::label)
}

fn totals_as_text(totals: &Totals) -> [String; 4] {
    [
        totals.spent.to_string(),
        totals.reserved.to_string(),
        totals.requests.to_string(),
        totals.runs.to_string(),
    ]
}

fn totals_as_json(totals: &Totals) -> Value {
    let Totals { runs, requests, unknown, spent, reserved, excess, tokens } = totals;
    json!({
        "spent": spent.0,
        "reserved": reserved.0,
        "excess": excess.0,
        "runs": runs,
        "requests": requests,
        "charged-at-most": unknown,
        "tokens": {
            "input": tokens.input,
            "cached-input": tokens.cached,
            "output": tokens.output,
        },
    })
}

fn line_as_json(line: &Line, by: &[ledger::Dimension]) -> Value {
    let scopes = by.iter().zip(&line.scopes);
    let scopes: serde_json::Map<String, Value> = scopes
        .map(|(dimension, scope)| {
            (dimension.name().to_owned(), json!(scope.as_ref().map(Scope::label)))
        })
        .collect();
    json!({ "scopes": scopes, "totals": totals_as_json(&line.totals) })
}

fn open_as_json(entry: &OpenEntry) -> Value {
    let scopes = ledger::Dimension::ALL.into_iter().filter_map(|dimension| {
        let scope = entry.scopes.of(dimension)?;
        Some((dimension.name().to_owned(), Value::String(scope.label())))
    });
    json!({
        "run": entry.run.as_str(),
        "turn": entry.key.turn,
        "retry": entry.key.retry,
        "reserved": entry.most.0,
        "fence": entry.fence,
        "holder": entry.holder,
        "since-ms": entry.since.0,
        "scopes": scopes.collect::<serde_json::Map<_, _>>(),
    })
}
