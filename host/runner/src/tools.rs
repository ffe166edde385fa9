//! The runner's only view of tools: arguments are checked at the door, answers come from the
//! cache where everything they observed is unchanged, and from the tool otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cache::{Cache, Found, Hit, Identity};
use serde_json::Value;
use session::event::{CallDigests, CallUsage};
use session::{Answer, Source};
use snapshot::{Digest, Grant, Question, Snapshot, View};

use crate::changes;
use crate::own_gates::GateInfo;

/// The tool that the host answers from the two trees itself.
pub const CHANGED_FILES: &str = "changed_files";

/// Tools whose output is what they observed: looking it up costs what asking costs.
const NEVER_CACHED: [&str; 3] = ["read_file", "list_files", "search_text"];

/// The contract that tools are linked against.
const WORLD: &str = "stepwell:tool@0.1.0";

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

    /// The step's own gates, in the order in which they speak. They are no tools: only the host
    /// calls them.
    fn gates(&self) -> &[GateInfo] {
        &[]
    }

    /// Lets one of [`ToolExecutor::gates`] look at a patch, on the same terms.
    fn judge(
        &self,
        gate: &str,
        input: &str,
        view: Arc<View>,
    ) -> impl Future<Output = Execution> + Send {
        self.execute(gate, input, view)
    }
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
    /// Where the answer was computed, if on another machine.
    pub shared: Option<Shared>,
    /// What a person should know: a cache that is damaged, a tool that answers differently.
    pub warnings: Vec<String>,
}

/// Who vouches for an answer that another machine has computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The domain it was found in.
    pub domain: String,
    /// The public key that signed it.
    pub signer: String,
    /// The run that it was signed in.
    pub run: String,
}

/// The tools of a run, with their schemas and the cache.
#[derive(Debug)]
pub struct Toolbox<E> {
    executor: E,
    cache: Option<Cache>,
    schemas: BTreeMap<String, Schema>,
    /// What `changed_files` may show.
    changes: Grant,
}

/// A schema, and what checks arguments by it: made when the first arguments come.
#[derive(Debug)]
struct Schema {
    validator: OnceLock<Result<jsonschema::Validator, BadTool>>,
    digest: Digest,
}

/// A tool that cannot be offered.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the schema of the tool `{tool}` cannot be used: {why}")]
pub struct BadTool {
    tool: String,
    why: String,
}

impl<E: ToolExecutor> Toolbox<E> {
    /// A toolbox; without a cache every call runs. `changes` is what `changed_files` may show.
    pub fn new(executor: E, cache: Option<Cache>, changes: Grant) -> Self {
        let schema = |tool: &ToolInfo| {
            let digest = Digest::of(tool.schema.to_string().as_bytes());
            (tool.name.clone(), Schema { validator: OnceLock::new(), digest })
        };
        let schemas = executor.tools().iter().map(schema).collect();
        Self { executor, cache, schemas, changes }
    }

    /// Checks every tool's schema now, before a model is offered them.
    ///
    /// # Errors
    /// When one cannot be used.
    pub fn check_schemas(&self) -> Result<(), BadTool> {
        self.tools().iter().try_for_each(|tool| self.validator(tool).map(drop))
    }

    fn validator(&self, tool: &ToolInfo) -> Result<&jsonschema::Validator, BadTool> {
        let bad = |why: String| BadTool { tool: tool.name.clone(), why };
        let Some(schema) = self.schemas.get(&tool.name) else {
            return Err(bad("it is not known".to_owned()));
        };
        let made = schema.validator.get_or_init(|| {
            jsonschema::validator_for(&tool.schema).map_err(|err| bad(err.to_string()))
        });
        made.as_ref().map_err(BadTool::clone)
    }

    /// What carries the calls out.
    pub fn executor(&self) -> &E {
        &self.executor
    }

    /// The tools there are, without the host's own.
    pub fn tools(&self) -> &[ToolInfo] {
        self.executor.tools()
    }

    /// The step's own gates, in the order in which they speak.
    pub fn gates(&self) -> &[GateInfo] {
        self.executor.gates()
    }

    /// Lets a gate look at a patch. Never from the cache: what decides is made each time.
    pub(crate) async fn judge(&self, gate: &GateInfo, input: &str, trees: &Trees) -> Execution {
        let (head, base) = (trees.head.clone(), trees.base.clone());
        let view = Arc::new(View::new(head, base, gate.grant.clone()));
        self.executor.judge(&gate.name, input, view).await
    }

    /// The cache, where there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Answers a call.
    pub async fn call(&self, tool: &str, arguments: &str, trees: &Trees) -> Called {
        self.call_granted(tool, arguments, trees, None).await
    }

    /// Asks, all at once, where others share their answers for calls that are about to be made.
    pub async fn prefetch(&self, calls: &[(&str, &str)]) {
        let Some(remote) = self.cache.as_ref().and_then(Cache::remote) else { return };
        let call = |(tool, arguments): &(&str, &str)| self.call_of(tool, arguments).ok().flatten();
        let keys: Vec<_> = calls.iter().filter_map(call).map(|call| call.key()).collect();
        remote.prefetch(&keys).await;
    }

    /// Shares what the calls so far have computed, under the name of the run. Says what did not go
    /// well.
    pub async fn publish(&self, run: &str) -> Vec<String> {
        match &self.cache {
            Some(cache) => cache.publish(run).await.troubles,
            None => Vec::new(),
        }
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
        let parsed = match parsed(info, arguments) {
            Ok(parsed) => parsed,
            Err(message) => return Called::refused(message),
        };
        let grant = granted.unwrap_or_else(|| info.grant.clone());
        let key = self.identify(info, &parsed, &grant);
        let view = Arc::new(View::new(trees.head.clone(), trees.base.clone(), grant));
        let seen = Arc::clone(&view);
        // The tool gets what the key is made of, to the byte.
        let arguments = cache::canonical(&parsed).unwrap_or_else(|_| parsed.to_string());
        let fits = || self.fits(info, &parsed);
        let called = match self.cache.as_ref().zip(key.as_ref()) {
            Some((cache, call)) => self.find(cache, call, &arguments, view, fits).await,
            None => match fits() {
                Ok(()) => Ok(Called::fresh(self.executor.execute(tool, &arguments, view).await)),
                Err(message) => Err(message),
            },
        };
        let mut called = match called {
            Ok(called) => called,
            Err(message) => return Called::refused(message),
        };
        called.digests = CallDigests {
            component: Some(info.component.to_string()),
            input: Some(Digest::of(arguments.as_bytes()).to_string()),
            key: self.cache.as_ref().and(key).map(|call| call.key().to_string()),
            ..called.digests
        };
        called.denied = seen.denied();
        called
    }

    /// Lets the cache answer, or else the tool, and keeps what may be kept. Only the tool's arguments
    /// must be seen to fit: where there is an answer they did, by the schema that is part of the key,
    /// and to make a validator takes longer than all the rest.
    async fn find(
        &self,
        cache: &Cache,
        call: &cache::Call,
        arguments: &str,
        view: Arc<View>,
        fits: impl Fn() -> Result<(), String>,
    ) -> Result<Called, String> {
        let (missed, flight) = match cache.find(call, &view).await {
            Found::Hit(hit) => match Called::kept(hit) {
                Some(called) => return Ok(called.with_warnings(said(cache))),
                None => ("the kept answer is not text".to_owned(), None),
            },
            Found::Miss { why, flight } => (why.to_string(), Some(flight)),
        };
        fits()?;
        let execution = self.executor.execute(&call.identity().tool, arguments, view).await;
        let mut warnings = said(cache);
        warnings.extend(keep(cache, call, &execution));
        drop(flight);
        Ok(Called { missed: Some(missed), ..Called::fresh(execution) }.with_warnings(warnings))
    }

    /// Runs a call that was kept again, on these trees, and says what it observed. With `keep_it`
    /// what comes of it is kept as computed here.
    pub async fn run_again(
        &self,
        call: &cache::Call,
        grant: &Grant,
        trees: &Trees,
        keep_it: bool,
    ) -> Execution {
        let identity = call.identity();
        let view = Arc::new(View::new(trees.head.clone(), trees.base.clone(), grant.clone()));
        let arguments =
            cache::canonical(&identity.args).unwrap_or_else(|_| identity.args.to_string());
        let execution = self.executor.execute(&identity.tool, &arguments, view).await;
        if keep_it && let Some(cache) = &self.cache {
            let _warning = keep(cache, call, &execution);
        }
        execution
    }

    /// A call as the cache knows it; none for calls that are not kept.
    ///
    /// # Errors
    /// A sentence when the tool does not exist or the arguments do not fit.
    pub fn call_of(&self, tool: &str, arguments: &str) -> Result<Option<cache::Call>, String> {
        let info = self.tools().iter().find(|info| info.name == tool);
        let info = info.ok_or_else(|| format!("there is no tool `{tool}`"))?;
        let parsed = parsed(info, arguments)?;
        self.fits(info, &parsed)?;
        Ok(self.identify(info, &parsed, &info.grant))
    }

    fn identify(&self, info: &ToolInfo, arguments: &Value, grant: &Grant) -> Option<cache::Call> {
        if NEVER_CACHED.contains(&info.name.as_str()) {
            return None;
        }
        let identity = Identity {
            component: info.component,
            world: WORLD.to_owned(),
            tool: info.name.clone(),
            schema: self.schemas.get(&info.name)?.digest,
            args: arguments.clone(),
            grant: grant.digest(),
            profile: info.profile,
            salt: String::new(),
        };
        cache::Call::new(identity).ok()
    }

    /// Whether arguments fit the schema of a tool, or where not.
    fn fits(&self, info: &ToolInfo, arguments: &Value) -> Result<(), String> {
        let validator = self.validator(info).map_err(|bad| bad.to_string())?;
        validator.validate(arguments).map_err(|err| {
            let place = err.instance_path().to_string();
            let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
            format!("the arguments of {} do not fit its schema{place}: {err}", info.name)
        })
    }
}

fn parsed(info: &ToolInfo, arguments: &str) -> Result<Value, String> {
    if arguments.len() > ARGUMENTS_BYTES_MAX {
        return Err(format!("the arguments have more than {ARGUMENTS_BYTES_MAX} bytes"));
    }
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(arguments)
        .map_err(|err| format!("the arguments of {} are not JSON: {err}", info.name))
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
            shared: None,
            warnings: Vec::new(),
        }
    }

    fn fresh(execution: Execution) -> Self {
        let Execution { answer, usage, log, .. } = execution;
        Self { source: Source::Fresh, usage, log, ..Self::by_host(answer) }
    }

    /// An answer of the cache, if it is one that a tool can have given.
    fn kept(hit: Hit) -> Option<Self> {
        let text = String::from_utf8(hit.output).ok()?;
        let called = Self::by_host(match hit.kind {
            cache::Output::Answer => Answer::Answered { output: text },
            cache::Output::Refusal => Answer::Refused { message: text },
        });
        let usage = CallUsage { saved_us: hit.cost_us, ..called.usage };
        let shared = hit.origin.map(|origin| Shared {
            domain: origin.domain,
            signer: origin.proof.signer.to_string(),
            run: origin.proof.run,
        });
        Some(Self { source: Source::Cache, usage, shared, ..called })
    }

    fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}

/// What the operator should read of the places where answers are shared.
fn said(cache: &Cache) -> Vec<String> {
    cache.remote().map(cache::Remote::said).unwrap_or_default()
}

/// Keeps what a tool said of its own accord; an ending says nothing of the repository.
fn keep(cache: &Cache, call: &cache::Call, execution: &Execution) -> Option<String> {
    let observed = execution.observed.as_ref()?;
    let (kind, output) = match &execution.answer {
        Answer::Answered { output } => (cache::Output::Answer, output),
        Answer::Refused { message } => (cache::Output::Refusal, message),
        Answer::Ended { .. } => return None,
    };
    let stored = cache.store(call, observed, kind, output.as_bytes(), execution.usage.wall_us);
    match stored {
        Ok(cache::Stored::Volatile) => Some(
            "the tool gave two answers to the same questions: it is not cached any more".into(),
        ),
        Ok(cache::Stored::Contradicted(origin)) => Some(format!(
            "another answer to the same questions was kept from the shared cache `{}`, signed by \
             {} in {}: one of the two machines is wrong, or not honest; run `stepwell cache audit`",
            origin.domain, origin.proof.signer, origin.proof.run
        )),
        Ok(cache::Stored::New | cache::Stored::Known | cache::Stored::Refused(_)) => None,
        Err(err) => Some(format!("the answer could not be kept: {err}")),
    }
}

#[cfg(test)]
mod tests;
