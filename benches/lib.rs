//! What the benches share: a repository to read, tools to call, a runtime to wait on.
#![expect(
    clippy::missing_panics_doc,
    reason = "a bench that cannot be set up has nothing to measure"
)]

pub mod chart;
pub mod network;
pub mod process;
pub mod runs;
pub mod traces;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runner::{Execution, ToolExecutor, ToolInfo};
use rustix::thread::{CpuSet, sched_getaffinity};
use sandbox::{Config, Guests, Limits, Outcome, Program, Report, Sandbox, Tool};
use session::Answer;
use session::event::CallUsage;
use snapshot::{Grant, Snapshot, View};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Files of the repository that is read.
pub const FILES: usize = 100;

/// A repository of small files with a lock file.
pub struct Repository {
    /// Where it lies; removed with this value.
    pub dir: tempfile::TempDir,
    // Opened once, as a step does.
    head: Snapshot,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Repository")
    }
}

impl Default for Repository {
    fn default() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        for number in 0..FILES {
            let text = format!("pub fn f{number}() {{}}\n").repeat(100);
            fs::write(dir.path().join(format!("f{number}.rs")), text).expect("it can be written");
        }
        let lock = fs::read(root().join("Cargo.lock")).expect("the workspace has a lock file");
        fs::write(dir.path().join("Cargo.lock"), lock).expect("it can be written");
        let head = Snapshot::directory(dir.path()).expect("the directory was just made");
        Self { dir, head }
    }
}

impl Repository {
    /// The files as they are now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::directory(self.dir.path()).expect("the directory was just made")
    }

    /// A view of everything, for one call.
    pub fn view(&self) -> Arc<View> {
        Arc::new(View::new(self.head.clone(), None, Grant::everything()))
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The program as it is installed: a copy of what is built, made now; none, with a loud line, where
/// it is not built.
///
/// A linker writes its file piece by piece, and so it lies in memory until the system is short of
/// it: to start that file takes two milliseconds more than to start a copy.
#[expect(clippy::print_stdout, reason = "it belongs in the table whose rows it takes")]
pub fn program() -> Option<PathBuf> {
    let built = root().join("target/release/stepwell");
    if !built.is_file() {
        println!("SKIPPED LOUDLY: `cargo build --release --workspace --bin stepwell` builds it");
        return None;
    }
    let folder = root().join("target/installed");
    fs::create_dir_all(&folder).expect("it can be made");
    let fresh = folder.join(format!("stepwell.{}", std::process::id()));
    fs::copy(built, &fresh).expect("there is room");
    let program = folder.join("stepwell");
    // Who runs the last copy keeps it.
    fs::rename(fresh, &program).expect("it was just made");
    Some(program)
}

/// A runtime that runs everything on the thread that waits.
pub fn runtime() -> Runtime {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.expect("a runtime can be made")
}

/// Where a component lies that `cargo xtask components` has built.
pub fn component(name: &str) -> PathBuf {
    root().join("target/components").join(name).with_extension("wasm")
}

/// The bytes of one.
pub fn shipped(name: &str) -> Vec<u8> {
    fs::read(component(name)).expect("`cargo xtask components` has built the tools")
}

/// A component that answers `"ok"` and does nothing else.
pub fn empty_tool() -> Vec<u8> {
    empty_tool_called("empty")
}

/// The same by another name.
pub fn empty_tool_called(name: &str) -> Vec<u8> {
    let guests = root().join("host/sandbox/tests/guests");
    let read = |name: &str| fs::read_to_string(guests.join(name)).expect("the guest is there");
    let manifest = format!(
        r#"{{\"name\":\"{name}\",\"description\":\"d\",\"schema\":{{\"type\":\"object\"}}}}"#
    );
    let section = format!("(@custom \"stepwell:tool\" \"{manifest}\")");
    let text = format!("(module {section}\n{}\n{})", read("answers.wat"), read("prelude.wat"));
    let mut module = wat::parse_str(text).expect("the guest is valid");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(root().join("wit")).expect("the contract is valid");
    let world = resolve.select_world(&[package], Some("tool")).expect("it has that world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the guest fits the contract");
    let mut encoder = ComponentEncoder::default().module(&module).expect("the guest is a module");
    encoder.encode().expect("the guest is a component")
}

/// The last processor of those that this process may use: the first ones have interrupts.
pub fn one_processor() -> CpuSet {
    let all = sched_getaffinity(None).expect("Linux says");
    let last = (0..CpuSet::MAX_CPU).rev().find(|number| all.is_set(*number));
    let mut one = CpuSet::new();
    one.set(last.expect("it runs on one"));
    one
}

/// A sandbox that keeps compiled code in `dir`.
pub fn sandbox(dir: Option<&Path>) -> Sandbox {
    let config = Config { compiled_dir: dir.map(Path::to_owned), ..Config::default() };
    Sandbox::new(config).expect("the engine can be set up")
}

/// A sandbox whose guests run in workers: in this bench, started again.
pub fn apart(dir: Option<&Path>) -> Sandbox {
    let program = Program { path: "/proc/self/exe".into(), arguments: vec![WORKER.into()] };
    let config = Config {
        compiled_dir: dir.map(Path::to_owned),
        guests: Guests::Apart(program),
        ..Config::default()
    };
    Sandbox::new(config).expect("the engine can be set up")
}

/// What makes a bench a worker.
const WORKER: &str = "worker";

/// Whether this process is one.
pub fn is_worker() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER)
}

/// Tools in a sandbox, as the runner sees them.
pub struct Tools {
    sandbox: Sandbox,
    tools: Vec<Tool>,
    infos: Vec<ToolInfo>,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tools")
    }
}

impl Tools {
    /// These tools of ours.
    pub fn shipped(names: &[&str]) -> Self {
        Self::in_sandbox(sandbox(None), names)
    }

    /// The same in a sandbox that is there.
    pub fn in_sandbox(sandbox: Sandbox, names: &[&str]) -> Self {
        let load = |name: &&str| sandbox.load(&shipped(name)).expect("our tools load");
        let tools: Vec<Tool> = names.iter().map(load).collect();
        let info = |tool: &Tool| ToolInfo {
            name: tool.manifest().name.clone(),
            description: tool.manifest().description.clone(),
            schema: tool.manifest().schema.clone(),
            component: tool.digest(),
            profile: Sandbox::profile(&Limits::default()),
            grant: Grant::everything(),
            asks: None,
        };
        let infos = tools.iter().map(info).collect();
        Self { sandbox, tools, infos }
    }
}

impl ToolExecutor for Tools {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, tool: &str, arguments: &str, view: Arc<View>) -> Execution {
        let tool = self.tools.iter().find(|one| one.manifest().name == tool);
        let tool = tool.expect("only tools that there are are called");
        let (limits, never) = (Limits::default(), CancellationToken::new());
        let Report { outcome, usage, observations, .. } =
            self.sandbox.call(tool, arguments, view, &limits, &never).await;
        let Outcome::Answered(output) = outcome else { panic!("{outcome:?}") };
        let usage = CallUsage { wall_us: usage.wall_us, ..CallUsage::default() };
        let answer = Answer::Answered { output };
        Execution { answer, usage, observed: Some(observations), log: Vec::new() }
    }
}
