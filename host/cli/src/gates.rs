//! What the gates of a step are made of besides what it says: its own components, and when versions
//! were published. Both come from where the step file does.

use gate::{OwnGateName, Published, Rules};
use snapshot::Grant;

use crate::plan;
use crate::problem::Problem;
use crate::step::gates::OwnGate;
use crate::step::{Step, StepError};
use crate::wiring::{Component, Tools};

/// Why a step's gates cannot be had.
pub(crate) enum Trouble {
    /// The step says what cannot be.
    Step(StepError),
    /// Anything else.
    Other(Problem),
}

impl Trouble {
    /// As a problem of the step file of that name.
    pub(crate) fn of(self, file: &str) -> Problem {
        match self {
            Self::Step(source) => {
                Problem::BadStep { file: file.to_owned(), source: Box::new(source) }
            }
            Self::Other(problem) => problem,
        }
    }
}

impl From<StepError> for Trouble {
    fn from(err: StepError) -> Self {
        Self::Step(err)
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

/// The tools with the step's own gates among them, and the rules that know those gates. `read`
/// brings a file by its path from the repository's root.
pub(crate) fn complete(
    step: &Step,
    rules: Rules,
    tools: Tools,
    read: impl Fn(&str) -> Result<Vec<u8>, Problem>,
) -> Result<(Tools, Rules), Trouble> {
    let names = plan::own_gates(&step.gates)?;
    let mut tools = tools;
    let mut own = Vec::with_capacity(names.len());
    for (name, gate) in names.into_iter().zip(&step.gates.own) {
        let component = Component::new(gate.component.clone(), read(&gate.component)?)?;
        own.push(known(&name, gate, &component)?);
        let settings = settings(gate)?;
        tools = tools.with_gate(name.as_str(), component, settings, grant(&name, gate)?)?;
    }
    let rules = rules.with_own(own);
    let Some(file) = &step.gates.dependencies.published else { return Ok((tools, rules)) };
    let published = Published::parse(&read(file)?).map_err(|err| {
        let help =
            "write {\"as-of\": DATE, \"published\": {PACKAGE URL: DATE}}; docs/gates.md shows it";
        let why = format!("names `{file}`: {err}");
        StepError::value("gates.dependencies.published", why, help)
    })?;
    Ok((tools, rules.dating(published)))
}

/// A gate as the rules know it. What it is told must fit what it says that it takes.
fn known(
    name: &OwnGateName,
    gate: &OwnGate,
    component: &Component,
) -> Result<gate::OwnGate, StepError> {
    let key = |key: &str| format!("gates.own.{}.{key}", name.as_str());
    let manifest = component.manifest();
    if !manifest.gate {
        let why = format!("names `{}`, which is a tool and no gate", gate.component);
        let help = "build it with `stepwell::gate!`, or name it under `tools.component`";
        return Err(StepError::value(key("component"), why, help));
    }
    let settings = settings(gate)?;
    runner::check_settings(&manifest.schema, &settings).map_err(|why| {
        let help = "the gate's own documentation says what it takes";
        StepError::value(key("settings"), format!("do not fit the gate: {why}"), help)
    })?;
    Ok(gate::OwnGate {
        name: name.clone(),
        component: component.digest().to_string(),
        // Tables are maps in order: equal settings are equal texts.
        settings: settings.to_string(),
        read: gate.read.clone(),
    })
}

fn settings(gate: &OwnGate) -> Result<serde_json::Value, StepError> {
    serde_json::to_value(&gate.settings).map_err(|err| {
        StepError::value("gates.own.settings", err.to_string(), "write what JSON can say")
    })
}

fn grant(name: &OwnGateName, gate: &OwnGate) -> Result<Grant, StepError> {
    let key = format!("gates.own.{}.read", name.as_str());
    Grant::read(&gate.read).map_err(|err| plan::bad_glob(&key, &err))
}
