//! The runner's only view of tools: arguments are checked at the door, answers come from the
//! cache where everything they observed is unchanged, and from the tool otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use cache::{Cache, CallIdentity, CallKey, Lookup};
use serde_json::Value;
use session::event::{CallDigests, CallUsage};
use session::{Answer, Source};
use snapshot::{Digest, Grant, Question, Snapshot, View};

use crate::changes;

/// The tool that the host answers from the two trees itself.
pub const CHANGED_FILES: &str = "changed_files";

/// Tools whose output is what they observed: looking it up costs what asking costs.
const NEVER_CACHED: [&str; 3] = ["read_file", "list_files", "search_text"];

/// Bytes of a call's arguments: a page of JSON; more is a mistake or an attack.
const ARGUMENTS_BYTES_MAX: usize = 1024 * 1024;

/// Runs tool calls. The runner does not know that tools are WASM.
///
/// Implementations keep three promises, which let the runner have no error path here: a call
/// always comes back, it comes back within its limits, and dropping the future ends it.
pub trait ToolExecutor: Send + Sync + 'static {
    /// The tools there are.
    fn tools(&self) -> &[ToolInfo];

    /// Runs one call to its end. `tool` is one of [`ToolExecutor::tools`], and `arguments` fit
    /// its schema.
    fn execute(
        &self,
        tool: &str,
        arguments: &str,
        view: Arc<View>,
    ) -> impl Future<Output = Execution> + Send;
}

/// A tool, as the host knows it.
#[derive(Debug, Clone)]
pub struct ToolInfo {
    /// What the model calls it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub schema: Value,
    /// Digest of its component.
    pub component: Digest,
    /// Digest of what else can change an answer: the engine and its settings.
    pub profile: Digest,
    /// What it may read.
    pub grant: Grant,
    /// The most that it says it ever needs to be granted, if it says so.
    pub asks: Option<Value>,
}

/// How a call went.
#[derive(Debug, Clone)]
pub struct Execution {
    /// What came of it.
    pub answer: Answer,
    /// What it took.
    pub usage: CallUsage,
    /// What it asked and was answered; none where the answer must not be kept.
    pub observed: Option<Vec<(Question, Digest)>>,
    /// What it wrote to the log: level and line.
    pub log: Vec<(String, String)>,
}

/// The two trees that tools see now.
#[derive(Debug, Clone)]
pub struct Trees {
    /// What the step is about.
    pub head: Snapshot,
    /// What it is compared with.
    pub base: Option<Snapshot>,
    /// What people call the two.
    pub names: (String, Option<String>),
}

/// An answered call, with what readers want to know of it.
#[derive(Debug, Clone)]
pub struct Called {
    /// What came of it.
    pub answer: Answer,
    /// Where that came from.
    pub source: Source,
    /// What it took.
    pub usage: CallUsage,
    /// What it was made of.
    pub digests: CallDigests,
    /// What the tool wrote to the log.
    pub log: Vec<(String, String)>,
    /// What it was refused for want of a grant, as it would stand in the step file; the first few.
    pub denied: Vec<String>,
    /// Why the cache could not answer, where it was asked.
    pub missed: Option<String>,
    /// What a person should know: a cache that is damaged, a tool that answers differently.
    pub warnings: Vec<String>,
}

/// The tools of a run, with their schemas and the cache.
#[derive(Debug)]
pub struct Toolbox<E> {
    executor: E,
    cache: Option<Cache>,
    schemas: BTreeMap<String, jsonschema::Validator>,
    /// What `changed_files` may show.
    changes: Grant,
}

/// A tool that cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("the schema of the tool `{tool}` cannot be used: {why}")]
pub struct BadTool {
    tool: String,
    why: String,
}

impl<E: ToolExecutor> Toolbox<E> {
    /// A toolbox; without a cache every call runs. `changes` is what `changed_files` may show.
    ///
    /// # Errors
    /// When a tool's schema is not one.
    pub fn new(executor: E, cache: Option<Cache>, changes: Grant) -> Result<Self, BadTool> {
        let mut schemas = BTreeMap::new();
        for tool in executor.tools() {
            let bad = |why: String| BadTool { tool: tool.name.clone(), why };
            let validator =
                jsonschema::validator_for(&tool.schema).map_err(|err| bad(err.to_string()))?;
            schemas.insert(tool.name.clone(), validator);
        }
        Ok(Self { executor, cache, schemas, changes })
    }

    /// The tools there are, without the host's own.
    pub fn tools(&self) -> &[ToolInfo] {
        self.executor.tools()
    }

    /// The cache, where there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Answers a call.
    pub async fn call(&self, tool: &str, arguments: &str, trees: &Trees) -> Called {
        self.call_granted(tool, arguments, trees, None).await
    }

    /// Answers a call that the host makes for itself: `granted` counts instead of the step's grant.
    pub async fn call_granted(
        &self,
        tool: &str,
        arguments: &str,
        trees: &Trees,
        granted: Option<Grant>,
    ) -> Called {
        if tool == CHANGED_FILES {
            return changes::answer(trees, &self.changes);
        }
        let Some(info) = self.tools().iter().find(|info| info.name == tool) else {
            return Called::refused(format!("there is no tool `{tool}`"));
        };
        let parsed = match self.check(tool, arguments) {
            Ok(parsed) => parsed,
            Err(message) => return Called::refused(message),
        };
        let grant = granted.unwrap_or_else(|| info.grant.clone());
        let key = Self::key(info, &parsed, &grant);
        let view = Arc::new(View::new(trees.head.clone(), trees.base.clone(), grant));
        let seen = Arc::clone(&view);
        // The tool gets what the key is made of, to the byte.
        let arguments = cache::canonical(&parsed).unwrap_or_else(|_| parsed.to_string());
        let asked = self.cache.as_ref().zip(key.as_ref());
        let mut called = match asked.map(|(cache, key)| look_up(cache, key, &view)) {
            Some(Ok(called)) => called,
            Some(Err(missed)) => {
                let called = self.run(tool, &arguments, view, asked).await;
                Called { missed: Some(missed), ..called }
            }
            None => self.run(tool, &arguments, view, None).await,
        };
        called.digests = CallDigests {
            component: Some(info.component.to_string()),
            input: Some(Digest::of(arguments.as_bytes()).to_string()),
            key: asked.map(|(_, key)| key.to_string()),
            ..called.digests
        };
        called.denied = seen.denied();
        called
    }

    /// Lets the tool answer, and keeps what may be kept.
    async fn run(
        &self,
        tool: &str,
        arguments: &str,
        view: Arc<View>,
        asked: Option<(&Cache, &CallKey)>,
    ) -> Called {
        let execution = self.executor.execute(tool, arguments, view).await;
        let warnings = asked.and_then(|(cache, key)| keep(cache, key, &execution));
        let Execution { answer, usage, log, .. } = execution;
        let warnings = warnings.into_iter().collect();
        Called { source: Source::Fresh, usage, log, warnings, ..Called::by_host(answer) }
    }

    /// The key under which a call is kept; none for calls that are not.
    ///
    /// # Errors
    /// A sentence when the tool does not exist or the arguments do not fit.
    pub fn key_of(&self, tool: &str, arguments: &str) -> Result<Option<CallKey>, String> {
        let info = self.tools().iter().find(|info| info.name == tool);
        let info = info.ok_or_else(|| format!("there is no tool `{tool}`"))?;
        let parsed = self.check(tool, arguments)?;
        Ok(Self::key(info, &parsed, &info.grant))
    }

    fn key(info: &ToolInfo, arguments: &Value, grant: &Grant) -> Option<CallKey> {
        if NEVER_CACHED.contains(&info.name.as_str()) {
            return None;
        }
        CallKey::new(&CallIdentity {
            component: info.component,
            world: "stepwell:tool@0.1.0",
            tool: &info.name,
            schema: Digest::of(info.schema.to_string().as_bytes()),
            args: arguments,
            grant: grant.digest(),
            profile: info.profile,
            salt: "",
        })
        .ok()
    }

    fn check(&self, tool: &str, arguments: &str) -> Result<Value, String> {
        if arguments.len() > ARGUMENTS_BYTES_MAX {
            return Err(format!("the arguments have more than {ARGUMENTS_BYTES_MAX} bytes"));
        }
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        let value: Value = serde_json::from_str(arguments)
            .map_err(|err| format!("the arguments of {tool} are not JSON: {err}"))?;
        if let Some(validator) = self.schemas.get(tool)
            && let Err(err) = validator.validate(&value)
        {
            let place = err.instance_path().to_string();
            let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
            return Err(format!("the arguments of {tool} do not fit its schema{place}: {err}"));
        }
        Ok(value)
    }
}

impl Called {
    fn refused(message: String) -> Self {
        Self::by_host(Answer::Refused { message })
    }

    /// An answer that no tool had to be run for.
    pub(crate) fn by_host(answer: Answer) -> Self {
        let output = match &answer {
            Answer::Answered { output } => Some(output),
            Answer::Refused { message } => Some(message),
            Answer::Ended { .. } => None,
        };
        let output_bytes = output.map_or(0, |output| output.len() as u64);
        let output = output.map(|output| Digest::of(output.as_bytes()).to_string());
        Self {
            answer,
            source: Source::Host,
            usage: CallUsage { output_bytes, ..CallUsage::default() },
            digests: CallDigests { output, ..CallDigests::default() },
            log: Vec::new(),
            denied: Vec::new(),
            missed: None,
            warnings: Vec::new(),
        }
    }
}

fn look_up(cache: &Cache, key: &CallKey, view: &View) -> Result<Called, String> {
    match cache.lookup(key, view) {
        Lookup::Hit(hit) => match text_answer(&hit) {
            Some(answer) => {
                let called = Called::by_host(answer);
                let usage = CallUsage { saved_us: hit.cost_us, ..called.usage };
                Ok(Called { source: Source::Cache, usage, ..called })
            }
            None => Err("the kept answer is not text".to_owned()),
        },
        Lookup::Miss(why) => Err(why.to_string()),
    }
}

fn text_answer(hit: &cache::Hit) -> Option<Answer> {
    let text = String::from_utf8(hit.output.clone()).ok()?;
    Some(match hit.kind {
        cache::Output::Answer => Answer::Answered { output: text },
        cache::Output::Refusal => Answer::Refused { message: text },
    })
}

/// Keeps what a tool said of its own accord; an ending says nothing of the repository.
fn keep(cache: &Cache, key: &CallKey, execution: &Execution) -> Option<String> {
    let observed = execution.observed.as_ref()?;
    let (kind, output) = match &execution.answer {
        Answer::Answered { output } => (cache::Output::Answer, output),
        Answer::Refused { message } => (cache::Output::Refusal, message),
        Answer::Ended { .. } => return None,
    };
    let stored = cache.store(key, observed, kind, output.as_bytes(), execution.usage.wall_us);
    match stored {
        Ok(cache::Stored::Volatile) => Some(
            "the tool gave two answers to the same questions: it is not cached any more".into(),
        ),
        Ok(_) => None,
        Err(err) => Some(format!("the answer could not be kept: {err}")),
    }
}

#[cfg(test)]
mod tests;
