//! `stepwell validate` and `stepwell schema`.

use std::path::Path;

use sandbox::Limits;
use serde_json::json;

use super::{pretty, print};
use crate::args::{Format, SchemaArgs, ValidateArgs};
use crate::gates;
use crate::locked::{self, Takes};
use crate::pipeline;
use crate::plan::{self, Plan};
use crate::problem::Problem;
use crate::repo;
use crate::step::Step;
use crate::wiring::{self, Component, Tools};

/// Checks a step file, and says what it comes to.
pub(super) fn validate(args: &ValidateArgs) -> Result<u8, Problem> {
    let path = args.step.clone().unwrap_or_else(|| ".stepwell/step.toml".into());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
            return Err(Problem::NoStep { path });
        }
        Err(source) => return Err(Problem::File { what: "read", path, source }),
    };
    let file = path.display().to_string();
    let bad = |source| Problem::BadStep { file: file.clone(), source: Box::new(source) };
    let step = Step::parse(&bytes).map_err(bad)?;
    let root = repo::root(directory(&path))?;
    let read = |name: &String| {
        let bytes = wiring::component_below(&root, name)?;
        Component::all(name, bytes)
    };
    let mut own = wiring::flat(step.tools.component.iter().map(read))?;
    if root.join(registry::LOCK_FILE).exists() {
        let trees = repo::open(&root, None, None)?;
        let whose = pipeline::whose::here();
        if let Some(counts) = locked::counting(&trees, Takes::Head.within(whose), whose, false)? {
            let signers = locked::signers(&step).map_err(bad)?;
            own.extend(locked::components(&counts, &root, &signers)?);
        }
    }
    let calls = plan::concurrent_calls(&step.limits).map_err(bad)?;
    let tools = Tools::load(own, calls)?;
    let mut plan = plan::plan(&step, &known(&tools)).map_err(bad)?;
    let read = |name: &str| wiring::component_below(&root, name);
    let completed = gates::complete(&step, plan.rules, tools, read);
    let (tools, rules) = completed.map_err(|trouble| trouble.of(&file))?;
    plan.rules = rules;
    drop(tools.with(&plan.grants, plan.limits)?);
    let shown = shown(&plan);
    if args.json {
        print(&pretty(&shown));
    } else {
        print(&format!("{file}: the step `{}` is fine", plan.name));
        let text = toml::to_string(&shown).unwrap_or_else(|_| pretty(&shown));
        print(text.trim_end());
    }
    Ok(0)
}

/// Where to look for the repository of a step file. Without git its root is where `run` would be
/// told to look: above `.stepwell`.
fn directory(step: &Path) -> &Path {
    let directory =
        step.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match directory.parent() {
        Some(above) if directory.ends_with(".stepwell") && above.as_os_str().is_empty() => {
            Path::new(".")
        }
        Some(above) if directory.ends_with(".stepwell") => above,
        Some(_) | None => directory,
    }
}

/// The names of everything that a step may call.
pub(super) fn known(tools: &Tools) -> std::collections::BTreeSet<String> {
    tools.names().chain([runner::CHANGED_FILES]).map(str::to_owned).collect()
}

/// What a plan comes to, for people: nothing is left to default.
fn shown(plan: &Plan) -> serde_json::Value {
    let session::Plan { goal, budgets, max_output_tokens, tools, context, price, checks, .. } =
        &plan.session;
    let mut shown = json!({
        "name": plan.name,
        "goal": goal,
        "tools": tools,
        "context": context.iter().map(|c| format!("{} {}", c.tool, c.arguments)).collect::<Vec<_>>(),
        "budget": budgets,
        "max-output-tokens": max_output_tokens,
        "price": price,
        "check": checks,
        "limits": limits(plan),
        "log": log(plan.log),
    });
    let own = plan.rules.own().iter();
    let own: Vec<_> = own
        .map(|gate| json!({ "name": gate.name.as_str(), "component": gate.component }))
        .collect();
    if !own.is_empty() {
        shown["gates"] = json!({ "own": own });
    }
    if let Some(access) = &plan.access {
        shown["model"] = json!(access);
    }
    shown
}

/// The ceilings of a call, every one of them.
fn limits(plan: &Plan) -> serde_json::Value {
    let Limits {
        fuel,
        wall,
        memory_bytes,
        stack_bytes,
        output_bytes,
        log_lines,
        log_bytes,
        host_calls,
        read_bytes,
        questions,
        handles,
    } = plan.limits;
    json!({
        "time-ms": u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        "fuel": fuel,
        "memory-bytes": memory_bytes,
        "stack-bytes": stack_bytes,
        "output-bytes": output_bytes,
        "log-lines": log_lines,
        "log-bytes": log_bytes,
        "host-calls": host_calls,
        "read-bytes": read_bytes,
        "questions": questions,
        "handles": handles,
        "concurrent-calls": plan.concurrent_calls,
        "answer-bytes": plan.answer_bytes,
    })
}

/// What the operator's log shows, every choice of it.
fn log(shown: runner::Sampling) -> serde_json::Value {
    let runner::Sampling { model_text, repeats, tools, silence } = shown;
    json!({
        "model-text": model_text,
        "repeats": repeats,
        "tools": tools,
        "waiting-ms": u64::try_from(silence.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Prints the schema of a format.
pub(super) fn schema(args: &SchemaArgs) -> Result<u8, Problem> {
    match args.format {
        Format::Step => print(&pretty(&Step::schema())),
        Format::Events => print(report::schema::events().trim_end()),
        Format::Result => print(report::schema::result().trim_end()),
        Format::Accounting => print(report::schema::accounting().trim_end()),
    }
    Ok(0)
}
