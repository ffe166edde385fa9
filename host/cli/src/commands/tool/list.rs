//! `stepwell tool list`: the tools that there are, and those that the lock of the working tree names.

use registry::{Lock, Locked};
use serde_json::{Value, json};

use super::elsewhere;
use super::{shortened, toolbox};
use crate::args::ToolListArgs;
use crate::commands::{pretty, print};
use crate::locked::{self, BYTES_MAX};
use crate::problem::Problem;
use crate::repo;
use crate::wiring::{self, Component};
use runner::Plain;

/// A tool, wherever it is from.
struct Row {
    name: String,
    description: Option<String>,
    schema: Option<Value>,
    component: Option<String>,
    asks: Option<Value>,
}

/// Lists the tools. What is missing is not fetched.
pub(in crate::commands) fn list(args: &ToolListArgs) -> Result<u8, Problem> {
    let lock = elsewhere::read(&repo::root(&args.repo.repo)?)?;
    let shelf = locked::shelf();
    let mut own = wiring::components(&args.component)?;
    let mut rows = Vec::new();
    for tool in lock.tools() {
        match shelf.get(&tool.digest, BYTES_MAX) {
            Some(bytes) => {
                let all = Component::all(&tool.name, bytes)?;
                own.extend(all.into_iter().filter(|one| one.manifest().name == tool.name));
            }
            None => rows.push(Row {
                name: tool.name.clone(),
                description: None,
                schema: None,
                component: None,
                asks: tool.asks.as_ref().and_then(|asks| serde_json::to_value(asks).ok()),
            }),
        }
    }
    let toolbox = toolbox(own, None)?;
    rows.extend(toolbox.tools().iter().map(|tool| Row {
        name: tool.name.clone(),
        description: Some(tool.description.clone()),
        schema: Some(tool.schema.clone()),
        component: Some(tool.component.to_string()),
        asks: tool.asks.clone(),
    }));
    rows.push(Row {
        name: runner::CHANGED_FILES.to_owned(),
        description: Some(runner::CHANGED_FILES_DESCRIPTION.to_owned()),
        schema: Some(runner::changed_files_schema()),
        component: Some("host".to_owned()),
        asks: None,
    });
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    if args.json {
        print(&pretty(&rows.iter().map(|row| as_json(row, &lock)).collect::<Vec<_>>()));
    } else {
        show(&rows, &lock);
    }
    Ok(0)
}

fn as_json(row: &Row, lock: &Lock) -> Value {
    let Row { name, description, schema, component, asks } = row;
    let mut shown = json!({
        "name": name,
        "description": description,
        "schema": schema,
        "component": component,
    });
    if let Some(asks) = asks {
        shown["grants"] = asks.clone();
    }
    if let Some(tool) = lock.get(name) {
        shown["reference"] = json!(tool.reference);
        shown["digest"] = json!(tool.digest);
        shown["bytes"] = json!(tool.bytes);
        shown["present"] = json!(component.is_some());
    }
    shown
}

fn show(rows: &[Row], lock: &Lock) {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for Row { name, description, .. } in rows {
        let missing = "(not on this machine: `stepwell tool fetch`)";
        let description = description.as_deref().unwrap_or(missing);
        let first = description.split(". ").next().unwrap_or_default().trim_end_matches('.');
        print(&Plain(&format!("{name:<width$}  {}", shortened(first))).to_string());
    }
    if lock.tools().next().is_none() {
        return;
    }
    print("\nfrom stepwell.lock:");
    let here = |name: &str| rows.iter().any(|row| row.name == name && row.component.is_some());
    for Locked { name, reference, digest, bytes, .. } in lock.tools() {
        let place = if here(name) { "here" } else { "missing" };
        let line = format!("{name:<width$}  {reference}  {digest}  {bytes} bytes  {place}");
        print(&Plain(&line).to_string());
    }
}
