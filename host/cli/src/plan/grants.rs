//! What each tool may read of the repository, and of the environment.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Manifest;
use snapshot::Grant;

use super::access::check_variable;
use super::{bad_glob, check_name, check_tool};
use crate::problem::Problem;
use crate::step::{Step, StepError};

/// Variables that are ours, and no tool's.
const OURS: &str = "STEPWELL_";

/// Variables that stores, registries, proxies and models take their secrets from, whether or not this
/// step has such a store or model.
const SECRETS: [&str; 21] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ALL_PROXY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "CI_JOB_TOKEN",
    "DOCKER_AUTH_CONFIG",
    "GITHUB_TOKEN",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "OPENAI_API_KEY",
    "REDIS_PASSWORD",
    "WEBDAV_PASSWORD",
    "WEBDAV_TOKEN",
    "https_proxy",
    "all_proxy",
    "http_proxy",
];

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
        for name in step.tools.trees.keys() {
            check_name("tools.trees", name)?;
        }
        let secrets = secrets(step);
        for (tool, names) in &step.tools.environment {
            let key = format!("tools.environment.{tool}");
            check_tool(&key, tool, known)?;
            if tool == runner::CHANGED_FILES {
                let why = format!("names `{tool}`, which is stepwell's own and sees no variable");
                return Err(StepError::value(key, why, "name a component's tool"));
            }
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
    if secrets.contains(name) || SECRETS.contains(&name) || name.starts_with(OURS) {
        let why = format!("grants `{name}`, which is for stepwell itself");
        return Err(StepError::value(key, why, "grant what the tool needs and nobody can misuse"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grants(rest: &str) -> Result<Grants, StepError> {
        let text = format!("name = \"a\"\ntask = \"b\"\n{rest}");
        let known = ["tool", "other"].map(str::to_owned).into();
        Grants::of_step(&Step::parse(text.as_bytes()).unwrap(), &known)
    }

    fn asking(grants: &serde_json::Value) -> Manifest {
        let manifest =
            json!({ "name": "tool", "description": "d", "schema": {}, "grants": grants });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn a_tool_gets_what_the_step_grants_and_it_asks_for() {
        let step = grants("[tools]\nread = [\"src/**\"]\nenvironment = { tool = [\"BRANCH\"] }\n");
        let asks = asking(&json!({ "read": ["**/*.rs"], "environment": ["BRANCH", "OTHER"] }));
        let branch = |name: &str| (name == "BRANCH").then(|| "main".to_owned());
        let grant = step.unwrap().of_component(&asks, branch).unwrap();
        let (step, tool) = grant.patterns();
        assert_eq!(step.unwrap(), [".stepwell/verify/**", "src/**"]);
        assert_eq!(tool.unwrap(), ["**/*.rs"]);
        let variables: Vec<_> = grant.variables().iter().collect();
        assert_eq!(variables, [(&"BRANCH".to_owned(), &Some("main".to_owned()))]);
    }

    #[test]
    fn what_a_tool_does_not_ask_for_it_is_not_granted() {
        let step = grants("[tools]\nenvironment = { tool = [\"BRANCH\"] }\n").unwrap();
        let refused = step.of_component(&asking(&json!({})), |_| None).unwrap_err();
        insta::assert_snapshot!(refused, @"the tool `tool` cannot be granted that: `tools.environment.tool` grants `BRANCH`, which it never asks for");
    }

    #[test]
    fn nobody_is_granted_what_is_for_stepwell_itself() {
        let model =
            "[model]\nname = \"m\"\nkey-env = \"KEY\"\nheaders = { A = { env = \"TOKEN\" } }\n";
        let refusals: Vec<String> =
            ["KEY", "TOKEN", "STEPWELL_STORE", "AWS_SECRET_ACCESS_KEY", "A B"]
                .iter()
                .map(|name| {
                    let tools = format!("[tools]\nenvironment = {{ tool = [\"{name}\"] }}\n");
                    grants(&format!("{tools}{model}")).unwrap_err().to_string()
                })
                .collect();
        insta::assert_snapshot!(refusals.join("\n"), @r"
        `tools.environment.tool` grants `KEY`, which is for stepwell itself
        `tools.environment.tool` grants `TOKEN`, which is for stepwell itself
        `tools.environment.tool` grants `STEPWELL_STORE`, which is for stepwell itself
        `tools.environment.tool` grants `AWS_SECRET_ACCESS_KEY`, which is for stepwell itself
        `tools.environment.tool` is no name of an environment variable
        ");
    }
}
