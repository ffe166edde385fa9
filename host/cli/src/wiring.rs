//! Where the runner's tools and the sandbox meet: neither knows the other.

pub(crate) mod books;
pub(crate) mod shared;
pub(crate) mod trouble;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use runner::{Execution, ToolExecutor, ToolInfo};
use sandbox::{Config, Guests, Level, Limits, Outcome, Report, Sandbox, Tool};
use session::Answer;
use session::event::CallUsage;
use snapshot::View;
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
    /// For people.
    pub(crate) name: String,
    /// WebAssembly.
    pub(crate) bytes: Vec<u8>,
}

/// The tools of a command, ready to be called.
#[derive(Debug)]
pub(crate) struct Tools {
    sandbox: Sandbox,
    tools: Vec<Tool>,
    infos: Vec<ToolInfo>,
    limits: Limits,
}

impl Tools {
    /// Loads the built-in tools and `own`, for so many calls at one time. Compiled code is kept
    /// from one command to the next.
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

    fn load_into(sandbox: Sandbox, own: Vec<Component>) -> Result<Self, Problem> {
        if COMPONENTS.is_empty() {
            return Err(Problem::NoTools);
        }
        let built_in = COMPONENTS.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        let own = own.into_iter().map(|component| (component.name, component.bytes));
        let mut tools: Vec<Tool> = Vec::new();
        for tool in load_all(&sandbox, &built_in.chain(own).collect::<Vec<_>>()) {
            let tool = tool?;
            let called = tool.manifest().name.clone();
            let taken =
                called == runner::CHANGED_FILES || session::HostTool::named(&called).is_some();
            if taken || tools.iter().any(|other| other.manifest().name == called) {
                return Err(Problem::ToolTwice { name: called });
            }
            tools.push(tool);
        }
        Ok(Self { sandbox, tools, infos: Vec::new(), limits: Limits::default() })
    }

    /// The names of the tools.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.manifest().name.as_str())
    }

    /// What guards them, in one line.
    pub(crate) fn isolation(&self) -> String {
        self.sandbox.isolation()
    }

    /// The same tools with what each may read, and how far each call may go.
    ///
    /// # Errors
    ///
    /// When the step grants a tool what it does not ask for.
    pub(crate) fn with(mut self, grants: &Grants, limits: Limits) -> Result<Self, Problem> {
        let info = |tool: &Tool| {
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

/// Loads components side by side: where they must be compiled, that takes seconds once.
fn load_all(sandbox: &Sandbox, components: &[(String, Vec<u8>)]) -> Vec<Result<Tool, Problem>> {
    let load = |(name, bytes): &(String, Vec<u8>)| {
        let name = name.clone();
        sandbox.load(bytes).map_err(|source| Problem::BadComponent { name, source })
    };
    thread::scope(|scope| {
        let (done, loaded) = mpsc::channel::<()>();
        scope.spawn(move || {
            if loaded.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                note("compiling the tools for this machine, once");
            }
        });
        let loading: Vec<_> =
            components.iter().map(|component| scope.spawn(move || load(component))).collect();
        let join =
            |one: thread::ScopedJoinHandle<'_, _>| one.join().expect("loading does not panic");
        let tools = loading.into_iter().map(join).collect();
        drop(done);
        tools
    })
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
        Ok(Component { name, bytes })
    };
    paths.iter().map(read).collect()
}

impl ToolExecutor for Tools {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, tool: &str, arguments: &str, view: Arc<View>) -> Execution {
        let Some(tool) = self.tools.iter().find(|one| one.manifest().name == tool) else {
            return refused(format!("there is no tool `{tool}`"));
        };
        let never = CancellationToken::new();
        let report = self.sandbox.call(tool, arguments, view, &self.limits, &never).await;
        execution(report)
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
