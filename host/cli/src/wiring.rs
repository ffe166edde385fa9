//! Where the runner's tools and the sandbox meet: neither knows the other.

pub(crate) mod books;
mod gates;
pub(crate) mod shared;
pub(crate) mod trouble;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use runner::{Execution, GateInfo, ToolExecutor, ToolInfo};
use sandbox::{
    Config, Described, Guests, Level, Limits, LoadError, Manifest, Outcome, Report, Sandbox, Tool,
};
use session::Answer;
use session::event::CallUsage;
use snapshot::{Digest, View};
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use crate::commands::program;
use crate::components::COMPONENTS;
use crate::dirs;
use crate::plan::Grants;
use crate::problem::Problem;
use crate::say::note;

/// How long loading may take before somebody is told why.
const PATIENCE: Duration = Duration::from_millis(500);

/// A component, and where it comes from.
#[derive(Debug)]
pub(crate) struct Component {
    name: String,
    described: Described,
}

impl Component {
    /// A component of the user's; `name` is for people.
    ///
    /// # Errors
    ///
    /// When the bytes are none.
    pub(crate) fn new(name: String, bytes: Vec<u8>) -> Result<Self, Problem> {
        match Described::new(bytes) {
            Ok(described) => Ok(Self { name, described }),
            Err(source) => Err(Problem::BadComponent { name, source }),
        }
    }

    /// All tools of a component of the user's, whether it was made for us or not.
    ///
    /// # Errors
    ///
    /// When the bytes are none.
    pub(crate) fn all(name: &str, bytes: Vec<u8>) -> Result<Vec<Self>, Problem> {
        let name = name.to_owned();
        match Described::all(bytes, &name) {
            Ok(all) => {
                let one = |described| Self { name: name.clone(), described };
                Ok(all.into_iter().map(one).collect())
            }
            Err(source) => Err(Problem::BadComponent { name, source }),
        }
    }

    /// What it says of itself.
    pub(crate) fn manifest(&self) -> &Manifest {
        self.described.manifest()
    }

    /// What names its bytes.
    pub(crate) fn digest(&self) -> Digest {
        self.described.digest()
    }

    /// To be loaded when it is first called.
    fn later(self) -> Offered {
        Offered::Later { component: self.described, loaded: Box::default() }
    }
}

/// The tools of a command, ready to be called.
#[derive(Debug)]
pub(crate) struct Tools {
    sandbox: Arc<Sandbox>,
    tools: Vec<Offered>,
    infos: Vec<ToolInfo>,
    limits: Limits,
    gates: Vec<Offered>,
    // Of `gates`, in their order.
    gate_infos: Vec<GateInfo>,
}

/// A tool that is offered.
#[derive(Debug)]
enum Offered {
    /// Its code is there.
    Loaded(Tool),
    /// Its code is loaded when it is first called, or there is a reason why it cannot be.
    Later { component: Described, loaded: Box<OnceLock<Result<Tool, String>>> },
}

impl Tools {
    /// The built-in tools and `own`, for so many calls at one time. What was never compiled on this
    /// machine is compiled now; code that is kept is loaded when it is first called.
    pub(crate) fn load(own: Vec<Component>, calls: u32) -> Result<Self, Problem> {
        Self::load_into(sandbox(calls)?, own)
    }

    /// The same, but refuses a machine on which a wall around them is missing: before any of
    /// them is compiled, and whenever a wall is built.
    pub(crate) fn load_behind_walls(own: Vec<Component>, calls: u32) -> Result<Self, Problem> {
        let sandbox = sandbox(calls)?;
        sandbox.require_walls().map_err(|missing| Problem::Isolation { missing })?;
        Self::load_into(sandbox, own)
    }

    /// The same tools, for a command that shows them, or calls one if the cache has no answer: what
    /// we built ourselves is compiled only if it is that one.
    pub(crate) fn offer(own: Vec<Component>, calls: u32) -> Result<Self, Problem> {
        let sandbox = sandbox(calls)?;
        let tools = built_in()?.into_iter().map(Component::later);
        let own = load_missing(&sandbox, own)?;
        Self::of(sandbox, tools.chain(own))
    }

    fn load_into(sandbox: Sandbox, own: Vec<Component>) -> Result<Self, Problem> {
        let tools = load_missing(&sandbox, built_in()?.into_iter().chain(own).collect())?;
        Self::of(sandbox, tools.into_iter())
    }

    fn of(sandbox: Sandbox, all: impl Iterator<Item = Offered>) -> Result<Self, Problem> {
        let mut tools: Vec<Offered> = Vec::new();
        for tool in all {
            let called = &tool.manifest().name;
            if tool.manifest().gate {
                return Err(Problem::GateIsNoTool { name: called.clone() });
            }
            let taken =
                called == runner::CHANGED_FILES || session::HostTool::named(called).is_some();
            if taken || tools.iter().any(|other| other.manifest().name == *called) {
                return Err(Problem::ToolTwice { name: called.clone() });
            }
            tools.push(tool);
        }
        let (infos, gates, gate_infos) = (Vec::new(), Vec::new(), Vec::new());
        let sandbox = Arc::new(sandbox);
        Ok(Self { sandbox, tools, infos, limits: Limits::default(), gates, gate_infos })
    }

    /// The names of the tools.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.manifest().name.as_str())
    }

    /// What guards them, in one line: found out beside whatever is done until it is asked for.
    pub(crate) fn isolation(&self) -> impl FnOnce() -> String + use<> {
        let (sandbox, again) = (Arc::clone(&self.sandbox), Arc::clone(&self.sandbox));
        let looking = thread::Builder::new().spawn(move || sandbox.isolation());
        move || match looking.map(thread::JoinHandle::join) {
            Ok(Ok(found)) => found,
            Ok(Err(_)) | Err(_) => again.isolation(),
        }
    }

    /// A call will not be answered from the cache: what takes time before it begins now.
    pub(crate) fn expect_call(&self) {
        self.sandbox.expect_guest();
    }

    /// The same tools with what each may read, and how far each call may go.
    ///
    /// # Errors
    ///
    /// When the step grants a tool what it does not ask for.
    pub(crate) fn with(mut self, grants: &Grants, limits: Limits) -> Result<Self, Problem> {
        let info = |tool: &Offered| {
            let manifest = tool.manifest();
            Ok(ToolInfo {
                name: manifest.name.clone(),
                description: manifest.description.clone(),
                schema: manifest.schema.clone(),
                component: tool.digest(),
                profile: Sandbox::profile(&limits),
                asks: manifest.grants.as_ref().and_then(|asks| serde_json::to_value(asks).ok()),
                grant: grants.of_component(manifest, variable)?,
            })
        };
        self.infos = self.tools.iter().map(info).collect::<Result<_, Problem>>()?;
        self.limits = limits;
        Ok(self)
    }
}

/// The value of a variable; what is no text in it is shown as U+FFFD, not as if it were not set.
fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The sandbox of every command: guests in processes of their own, compiled code kept.
pub(crate) fn sandbox(calls: u32) -> Result<Sandbox, Problem> {
    let config = Config {
        compiled_dir: Some(dirs::cache().join("compiled")),
        concurrent_calls_max: calls,
        guests: Guests::Apart(program()),
        ..Config::default()
    };
    Sandbox::new(config).map_err(Problem::Sandbox)
}

fn built_in() -> Result<Vec<Component>, Problem> {
    if COMPONENTS.is_empty() {
        return Err(Problem::NoTools);
    }
    let component = |(name, bytes, digest): &(&str, &'static [u8], Digest)| {
        let name = (*name).to_owned();
        match Described::built_in(bytes, *digest) {
            Ok(described) => Ok(Component { name, described }),
            Err(source) => Err(Problem::BadComponent { name, source }),
        }
    };
    COMPONENTS.iter().map(component).collect()
}

/// Compiles side by side what is not kept in compiled form: that takes seconds, once.
fn load_missing(sandbox: &Sandbox, components: Vec<Component>) -> Result<Vec<Offered>, Problem> {
    // All tools of a component have one code.
    let mut missing: Vec<&Component> = Vec::new();
    for one in components.iter().filter(|one| !sandbox.keeps(&one.described)) {
        if missing.iter().all(|other| other.digest() != one.digest()) {
            missing.push(one);
        }
    }
    let described: Vec<&Described> = missing.iter().map(|one| &one.described).collect();
    let loaded = compile(sandbox, &described).into_iter().zip(&missing).map(|(loaded, one)| {
        loaded.map_err(|source| Problem::BadComponent { name: one.name.clone(), source })
    });
    let loaded: Vec<Tool> = loaded.collect::<Result<_, Problem>>()?;
    let load = |component: Component| match loaded
        .iter()
        .find_map(|tool| tool.sibling(&component.described))
    {
        Some(tool) => Offered::Loaded(tool),
        None => component.later(),
    };
    Ok(components.into_iter().map(load).collect())
}

fn compile(sandbox: &Sandbox, components: &[&Described]) -> Vec<Result<Tool, LoadError>> {
    if components.is_empty() {
        return Vec::new();
    }
    thread::scope(|scope| {
        let (done, loaded) = mpsc::channel::<()>();
        scope.spawn(move || {
            if loaded.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                note("compiling the tools for this machine, once");
            }
        });
        let loading: Vec<_> =
            components.iter().map(|one| scope.spawn(move || sandbox.load_described(one))).collect();
        let join =
            |one: thread::ScopedJoinHandle<'_, _>| one.join().expect("loading does not panic");
        let tools = loading.into_iter().map(join).collect();
        drop(done);
        tools
    })
}

impl Offered {
    fn manifest(&self) -> &Manifest {
        match self {
            Self::Loaded(tool) => tool.manifest(),
            Self::Later { component, .. } => component.manifest(),
        }
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Loaded(tool) => tool.digest(),
            Self::Later { component, .. } => component.digest(),
        }
    }

    /// Its code; milliseconds where it has to be loaded first, and seconds where what was kept of it
    /// is gone.
    fn tool(&self, sandbox: &Sandbox) -> Result<&Tool, &str> {
        let (component, loaded) = match self {
            Self::Loaded(tool) => return Ok(tool),
            Self::Later { component, loaded } => (component, loaded),
        };
        // Everybody else goes on meanwhile.
        let load = || block_in_place(|| load(sandbox, component));
        loaded.get_or_init(load).as_ref().map_err(String::as_str)
    }
}

fn load(sandbox: &Sandbox, component: &Described) -> Result<Tool, String> {
    let loaded = if sandbox.keeps(component) {
        sandbox.load_described(component)
    } else {
        compile(sandbox, &[component]).pop().expect("one for each")
    };
    loaded.map_err(|err| format!("the tool cannot be loaded: {err}"))
}

/// Reads a component that a step names: a file below `root`, wherever links lead.
pub(crate) fn component_below(root: &Path, name: &str) -> Result<Vec<u8>, Problem> {
    let path = root.join(name);
    let what = "read the component";
    let unreadable = |source| Problem::File { what, path: path.clone(), source };
    let real = path.canonicalize().map_err(unreadable)?;
    if !real.starts_with(root.canonicalize().map_err(unreadable)?) {
        return Err(Problem::ComponentOutside { name: name.to_owned() });
    }
    std::fs::read(real).map_err(unreadable)
}

/// Reads components from files.
pub(crate) fn components(paths: &[PathBuf]) -> Result<Vec<Component>, Problem> {
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path);
        let name = path.display().to_string();
        let bytes =
            bytes.map_err(|source| Problem::File { what: "read", path: path.clone(), source })?;
        Component::all(&name, bytes)
    };
    flat(paths.iter().map(read))
}

/// The tools of several components.
pub(crate) fn flat(
    components: impl Iterator<Item = Result<Vec<Component>, Problem>>,
) -> Result<Vec<Component>, Problem> {
    let all: Vec<Vec<Component>> = components.collect::<Result<_, Problem>>()?;
    Ok(all.into_iter().flatten().collect())
}

impl ToolExecutor for Tools {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, tool: &str, arguments: &str, view: Arc<View>) -> Execution {
        let Some(tool) = self.tools.iter().find(|one| one.manifest().name == tool) else {
            return refused(format!("there is no tool `{tool}`"));
        };
        self.call(tool, arguments, view).await
    }

    fn gates(&self) -> &[GateInfo] {
        &self.gate_infos
    }

    async fn judge(&self, gate: &str, input: &str, view: Arc<View>) -> Execution {
        match self.gate(gate) {
            Some(gate) => self.call(gate, input, view).await,
            None => refused(format!("there is no gate `{gate}`")),
        }
    }
}

impl Tools {
    async fn call(&self, tool: &Offered, input: &str, view: Arc<View>) -> Execution {
        let tool = match tool.tool(&self.sandbox) {
            Ok(tool) => tool,
            Err(why) => return refused(why.to_owned()),
        };
        let never = CancellationToken::new();
        execution(self.sandbox.call(tool, input, view, &self.limits, &never).await)
    }
}

fn refused(message: String) -> Execution {
    Execution {
        answer: Answer::Refused { message },
        usage: CallUsage::default(),
        observed: None,
        log: Vec::new(),
    }
}

fn execution(report: Report) -> Execution {
    let keep = report.is_cacheable();
    let Report { outcome, usage, observations, log, log_dropped, .. } = report;
    let usage = CallUsage {
        wall_us: usage.wall_us,
        fuel: usage.fuel,
        memory_peak: usage.memory_peak,
        read_bytes: usage.read_bytes,
        questions: observations.len() as u64,
        host_calls: usage.host_calls,
        output_bytes: usage.output_bytes,
        saved_us: 0,
        log_dropped,
    };
    let log = log.into_iter().map(|line| (level(line.level).to_owned(), line.text)).collect();
    let answer = match outcome {
        Outcome::Answered(json) => Answer::Answered { output: json },
        Outcome::Refused { message } => Answer::Refused { message },
        Outcome::Ended(ending) => {
            Answer::Ended { ending: ending.to_string(), message: ending.advice() }
        }
    };
    let observed = keep.then_some(observations);
    Execution { answer, usage, observed, log }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warning => "warning",
    }
}
