//! What each tool may read of the repository, and of the environment.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Manifest;
use snapshot::Grant;

use super::access::check_variable;
use super::{bad_glob, check_tool};
use crate::problem::Problem;
use crate::step::{Step, StepError};

/// Variables that are ours, and no tool's.
const OURS: &str = "STEPWELL_";

/// What each tool may read; those not named have the first.
#[derive(Debug, Clone)]
pub(crate) struct Grants {
    default: Grant,
    by_tool: BTreeMap<String, Grant>,
    environment: BTreeMap<String, Vec<String>>,
}

impl Grants {
    /// Everything, for whoever calls tools by hand.
    pub(crate) fn everything() -> Self {
        let (by_tool, environment) = (BTreeMap::new(), BTreeMap::new());
        Self { default: Grant::everything(), by_tool, environment }
    }

    /// What the step says.
    pub(super) fn of_step(step: &Step, known: &BTreeSet<String>) -> Result<Self, StepError> {
        // What the step's own tests said is for every tool that may read anything.
        let reports = ".stepwell/verify/**".to_owned();
        let read: Vec<String> = step.tools.read.iter().cloned().chain([reports]).collect();
        let default = Grant::read(&read).map_err(|err| bad_glob("tools.read", &err))?;
        let mut by_tool = BTreeMap::new();
        for (tool, globs) in &step.tools.grant {
            let key = format!("tools.grant.{tool}");
            check_tool(&key, tool, known)?;
            let grant = Grant::read(globs).map_err(|err| bad_glob(&key, &err))?;
            by_tool.insert(tool.clone(), grant);
        }
        let secrets = secrets(step);
        for (tool, names) in &step.tools.environment {
            let key = format!("tools.environment.{tool}");
            check_tool(&key, tool, known)?;
            names.iter().try_for_each(|name| check_granted(&key, name, &secrets))?;
        }
        Ok(Self { default, by_tool, environment: step.tools.environment.clone() })
    }

    /// What a tool that is no component may read.
    pub(crate) fn of(&self, tool: &str) -> Grant {
        self.by_tool.get(tool).unwrap_or(&self.default).clone()
    }

    /// What a component may read: what the step grants it, within what it asks for.
    ///
    /// # Errors
    ///
    /// When the step grants it a variable that it does not ask for.
    pub(crate) fn of_component(
        &self,
        manifest: &Manifest,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Grant, Problem> {
        let tool = &manifest.name;
        let ceiling = manifest.grants.as_ref();
        let grant = match ceiling.and_then(|ceiling| ceiling.read.as_ref()) {
            Some(read) => self
                .of(tool)
                .within(read)
                .map_err(|err| Problem::ToolGrants { name: tool.clone(), why: err.to_string() })?,
            None => self.of(tool),
        };
        let Some(names) = self.environment.get(tool) else { return Ok(grant) };
        let asked = ceiling.map(|ceiling| &ceiling.environment[..]).unwrap_or_default();
        if let Some(name) = names.iter().find(|name| !asked.contains(name)) {
            let why =
                format!("`tools.environment.{tool}` grants `{name}`, which it never asks for");
            return Err(Problem::ToolGrants { name: tool.clone(), why });
        }
        let values = names.iter().map(|name| (name.clone(), variable(name)));
        Ok(grant.with_variables(values.collect()))
    }
}

/// Variables that hold what the model's server must know and nobody else.
fn secrets(step: &Step) -> BTreeSet<&str> {
    let Some(model) = &step.model else { return BTreeSet::new() };
    let headers = model.headers.values().filter_map(|header| header.variable());
    headers.chain([model.key_env.as_str()]).collect()
}

fn check_granted(key: &str, name: &str, secrets: &BTreeSet<&str>) -> Result<(), StepError> {
    check_variable(key, name)?;
    if secrets.contains(name) || name.starts_with(OURS) {
        let why = format!("grants `{name}`, which is for stepwell itself");
        return Err(StepError::value(key, why, "grant what the tool needs and nobody can misuse"));
    }
    Ok(())
}
