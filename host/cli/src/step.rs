//! The step file, word for word, and the door through which one comes in.
//!
//! The doc comments of the fields are the reference: `stepwell schema step` and
//! `docs/step-file.md` are made of them.

mod amount;
pub(crate) mod check;
pub(crate) mod gates;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod model;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use amount::{Dollars, Span};
pub(crate) use gates::Gates;
pub(crate) use log::Log;
pub(crate) use model::Model;

/// The largest step file that is read, in bytes: a task of some pages and room to spare.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// A step, as its author wrote it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Step {
    /// The step's name: letters, digits, `-` and `_`, at most 64.
    pub(crate) name: String,
    /// What the step is for: `diagnose` takes an analysis, `patch` takes a patch, too.
    #[serde(default = "diagnose")]
    pub(crate) goal: Goal,
    /// What the model is asked to do.
    pub(crate) task: String,
    /// The model. Without it only the offline analyst or a script can answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<Model>,
    /// What is gathered before the model is asked.
    #[serde(default)]
    pub(crate) context: Context,
    /// The tools that the model may call.
    #[serde(default)]
    pub(crate) tools: Tools,
    /// What may be spent.
    #[serde(default)]
    pub(crate) budget: Budget,
    /// Rules over the facts of the run, at most 32: when it is not worth going on.
    #[serde(default)]
    pub(crate) check: Vec<check::Check>,
    /// What may leave.
    #[serde(default)]
    pub(crate) gates: Gates,
    /// The project's own tests. Without it patches are not tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verify: Option<Verify>,
    /// Ceilings of one tool call.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// What the operator's log shows.
    #[serde(default)]
    pub(crate) log: Log,
}

fn diagnose() -> Goal {
    Goal::Diagnose
}

/// What a step is for.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Goal {
    /// An analysis.
    Diagnose,
    /// An analysis, and a patch where one is called for.
    Patch,
}

/// What is gathered before the model is asked.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Context {
    /// Where test reports lie, as globs; ignored files are found, too. Without any, the usual
    /// places are looked at.
    #[serde(default)]
    pub(crate) reports: Vec<String>,
    /// Calls besides the usual ones (`changed_files`, `test_summary`, `dependency_graph`).
    #[serde(default)]
    pub(crate) call: Vec<Call>,
}

/// A call that the step makes itself.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Call {
    /// The tool's name.
    pub(crate) tool: String,
    /// Its arguments.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) arguments: toml::Table,
}

/// The tools that the model may call.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Tools {
    /// Their names. Without it every tool that is built in, named in `component` or in
    /// `stepwell.lock`, but for `sbom`, unless `[[context.call]]` names it: its documents are more
    /// for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<Vec<String>>,
    /// Components of your own: files relative to the repository's root.
    #[serde(default)]
    pub(crate) component: Vec<String>,
    /// Who must have signed a tool of `stepwell.lock`, as `ed25519:` and base64: one of them for each
    /// tool. Without any key the lock alone decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) signers: Vec<String>,
    /// What the tools may read, as globs. A tool that is named under `grant` has that instead.
    #[serde(default = "everything")]
    pub(crate) read: Vec<String>,
    /// What a tool may read, as globs, by the tool's name. An empty list grants nothing.
    #[serde(default)]
    pub(crate) grant: BTreeMap<String, Vec<String>>,
    /// Variables of the environment that a tool may see, by the tool's name: those that its manifest
    /// asks for, such as `my_tool = ["CI_BRANCH"]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) environment: BTreeMap<String, Vec<String>>,
    /// Directories of this machine that tools may read beside the repository, by a name of yours:
    /// they stand at `.stepwell/trees/NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) trees: BTreeMap<String, Tree>,
}

/// A directory that tools may read beside the repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    /// Where it is, from the repository's root if it is relative.
    pub(crate) path: String,
    /// Its digest: what is there otherwise is not granted. `stepwell run` says it.
    pub(crate) digest: String,
}

fn everything() -> Vec<String> {
    vec!["**".to_owned()]
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            allow: None,
            component: Vec::new(),
            signers: Vec::new(),
            read: everything(),
            grant: BTreeMap::new(),
            environment: BTreeMap::new(),
            trees: BTreeMap::new(),
        }
    }
}

/// What may be spent.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Budget {
    /// Dollars for the whole step. Default: 1.00.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) spend: Option<Dollars>,
    /// From INIT to CONTEXT_READY: the context tools.
    #[serde(default)]
    pub(crate) context: Work,
    /// From CONTEXT_READY to ANALYZED.
    #[serde(default)]
    pub(crate) analyze: Work,
    /// From ANALYZED to PATCH_PROPOSED, repairs included.
    #[serde(default)]
    pub(crate) patch: Work,
    /// The project's own tests.
    #[serde(default)]
    pub(crate) verify: Work,
}

/// The ceilings of one phase's work. What is left out has a default that `stepwell validate` shows.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Work {
    /// Time in all, such as `"5m"`; of one attempt, since an attempt is a CI job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Span>,
    /// Time without progress of a response, such as `"60s"`. Default: 5 m, with a high effort 15 m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idle: Option<Span>,
    /// Tokens both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<u64>,
    /// Dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) spend: Option<Dollars>,
    /// Tool calls, those answered from the cache included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calls: Option<u64>,
}

/// The project's own tests.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Verify {
    /// The program and its arguments. No shell reads them.
    pub(crate) command: Vec<String>,
    /// Where the command leaves its reports, as globs. Without any, its output is read.
    #[serde(default)]
    pub(crate) reports: Vec<String>,
    /// Whether the tests run once before the model is asked.
    #[serde(default)]
    pub(crate) before: bool,
    /// How often a command that failed with a patch runs again with the same files, at most 3:
    /// tests that fail and then pass are called flaky.
    #[serde(default)]
    pub(crate) retries: u32,
    /// What the tests count for when the command passes only then: `fail` leaves the patch marked
    /// as failing, `pass` takes the last word.
    #[serde(default)]
    pub(crate) flaky: Flaky,
    /// Whether the same files give the same result: what a run said then counts for a day, and does
    /// not run again. Only behind walls, which keep the tests from writing such results themselves.
    #[serde(default)]
    pub(crate) deterministic: bool,
    /// What stands between the tests and this machine: `auto` takes what there is of Bubblewrap
    /// and Landlock, `require` begins no run without, `off` is for tests that need more.
    #[serde(default)]
    pub(crate) sandbox: Guard,
    /// Whether the tests may use the network. Bubblewrap leaves them their own loopback otherwise;
    /// Landlock cannot keep them from it.
    #[serde(default)]
    pub(crate) network: bool,
    /// How often the model may repair a patch whose tests fail.
    #[serde(default = "one")]
    pub(crate) repair_rounds: u32,
    /// Environment variables that the command gets besides `PATH`, `HOME`, `LANG` and the
    /// toolchains' own. Name no secret here: the command runs code of the repository.
    #[serde(default)]
    pub(crate) pass_env: Vec<String>,
}

fn one() -> u32 {
    1
}

/// What tests count for that failed and then passed, and nothing was changed.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Flaky {
    /// They failed.
    #[default]
    Fail,
    /// They passed.
    Pass,
}

/// What stands between the tests and the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Guard {
    /// What there is.
    #[default]
    Auto,
    /// Bubblewrap; with a network, Landlock from version 6 on is enough.
    Require,
    /// Nothing.
    Off,
}

/// Ceilings of one tool call. What is left out has a default that `stepwell validate` shows.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Limits {
    /// Time, such as `"30s"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Span>,
    /// Units of work, about one an instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fuel: Option<u64>,
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<u64>,
    /// Bytes of the stack. Default: 1048576, at most 8388608.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stack_bytes: Option<u64>,
    /// Bytes of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_bytes: Option<u64>,
    /// Bytes that the tool may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read_bytes: Option<u64>,
    /// Questions that the tool may ask of the repository, repeated ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host_calls: Option<u64>,
    /// Different questions that the tool may ask of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) questions: Option<u64>,
    /// Things that the tool may hold at one time, such as open files. Default: 1024, at most 16384.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) handles: Option<u64>,
    /// Calls that run at one time; further ones wait, and their time begins when they run.
    /// Default: 8, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) concurrent_calls: Option<u32>,
    /// Lines of its log that are kept; the rest is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_lines: Option<u64>,
    /// Bytes of its log that are kept; the rest is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_bytes: Option<u64>,
    /// Bytes of an answer that the model gets to see. Default: 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer_bytes: Option<u32>,
}

/// Why a text is not a step.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// Too much of it.
    #[error("it has {bytes} bytes, the most is {FILE_BYTES_MAX}")]
    TooLarge { bytes: usize },
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Not TOML, or a value of the wrong kind.
    #[error("{0}")]
    Toml(String),
    /// A key that does not exist.
    #[error("line {line}: there is no key `{key}`{}", place(table))]
    UnknownKey {
        line: usize,
        table: String,
        key: String,
        nearest: Option<String>,
        known: Vec<String>,
    },
    /// A value that cannot be.
    #[error("`{key}` {why}")]
    Value { key: String, why: String, help: String },
}

fn place(table: &str) -> String {
    if table.is_empty() { String::new() } else { format!(" in `[{table}]`") }
}

impl StepError {
    /// A value that cannot be: which, why, and what would do.
    pub(crate) fn value(
        key: impl Into<String>,
        why: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Value { key: key.into(), why: why.into(), help: help.into() }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::UnknownKey { known, nearest: None, .. } => {
                Some(format!("the keys there are: {}", known.join(", ")))
            }
            Self::Value { help, .. } => Some(help.clone()),
            Self::TooLarge { .. } | Self::NotText | Self::Toml(_) => Some(
                "`stepwell schema step` prints the format, docs/step-file.md explains it"
                    .to_owned(),
            ),
        }
    }
}

impl Step {
    /// Reads a step file. Nothing is checked yet but its form: `plan` does the rest.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, StepError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(StepError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| StepError::NotText)?;
        keys::check(text, &Self::schema())?;
        // The error shows the line; its debug form would show the whole file.
        toml::from_str(text).map_err(|err| StepError::Toml(err.to_string().trim_end().to_owned()))
    }

    /// The JSON Schema of a step file.
    pub(crate) fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".to_owned(), "A step of Stepwell".into());
        }
        schema
    }
}

#[cfg(test)]
mod tests;
