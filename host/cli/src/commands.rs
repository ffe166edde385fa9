//! The commands: each reads what it needs of the world, and prints what came of it.

mod apply;
mod approve;
mod cache;
mod context;
mod doctor;
mod gate;
mod init;
mod ledger;
mod mcp;
mod model;
mod reading;
mod replay;
mod resume;
mod run;
mod runs;
mod table;
mod tool;
mod validate;
mod worker;

use crate::args::{
    Args, CacheCommand, Command, LedgerCapCommand, LedgerCommand, ModelCommand, ToolCommand,
};
use crate::problem::Problem;
use crate::say::answer as print;

pub(crate) use worker::{is_worker, keeper, keeper_orders, program};

/// Carries a command out; the exit code, unless there was a problem.
pub(crate) fn run(args: Args) -> Result<u8, Problem> {
    match args.command {
        Command::Init(args) => init::init(&args),
        Command::Run(args) => run::run(&args),
        Command::Resume(args) => resume::resume(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Approve(args) => approve::approve(&args),
        Command::Gate(args) => gate::gate(&args),
        Command::Apply(args) => apply::apply(&args),
        Command::Show(args) => reading::show(&args),
        Command::Explain(args) => reading::explain(&args),
        Command::Diff(args) => reading::diff(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Verify(args) => reading::verify(&args),
        Command::Stats(args) => reading::stats(&args),
        Command::Export(args) => reading::export(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Schema(args) => validate::schema(&args),
        Command::Model(ModelCommand::Serve(args)) => model::serve(&args),
        Command::Tool(ToolCommand::List(args)) => tool::list(&args),
        Command::Tool(ToolCommand::Describe(args)) => tool::describe(&args),
        Command::Tool(ToolCommand::Call(args)) => tool::call(&args),
        Command::Tool(ToolCommand::Author(command)) => tool::author(&command),
        Command::Tool(ToolCommand::Elsewhere(command)) => tool::elsewhere(&command),
        Command::Mcp(args) => mcp::mcp(&args),
        Command::Context(args) => context::context(&args),
        Command::Cache(command) => in_cache(command),
        Command::Ledger(command) => on_ledger(&command),
        Command::Doctor(args) => doctor::doctor(&args),
    }
}

fn on_ledger(command: &LedgerCommand) -> Result<u8, Problem> {
    match command {
        LedgerCommand::Show(args) => ledger::show(args),
        LedgerCommand::Open(args) => ledger::open(args),
        LedgerCommand::Cap(LedgerCapCommand::Set(args)) => ledger::cap_set(args),
        LedgerCommand::Cap(LedgerCapCommand::List(args)) => ledger::cap_list(args),
        LedgerCommand::Cap(LedgerCapCommand::Remove(args)) => ledger::cap_remove(args),
        LedgerCommand::Prune(args) => ledger::prune(args),
    }
}

fn in_cache(command: CacheCommand) -> Result<u8, Problem> {
    match command {
        CacheCommand::Stat(args) => cache::stat(&args),
        CacheCommand::Why(args) => cache::why(&args),
        CacheCommand::Show(args) => cache::show(&args),
        CacheCommand::Verify(args) => cache::verify(&args),
        CacheCommand::Gc(args) => cache::collect_garbage(&args),
        CacheCommand::Clear(args) => cache::clear(&args),
        CacheCommand::Push(args) => cache::push(&args),
        CacheCommand::Pull(args) => cache::pull(&args),
        CacheCommand::Audit(args) => cache::audit(&args),
        CacheCommand::Promote(args) => cache::promote(&args),
        CacheCommand::Key(args) => cache::key(&args),
    }
}

/// JSON as people read it.
fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("every map that is printed has text for keys")
}

/// A runtime for a command that waits.
fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Problem::Start)
}

/// Waits for `what`, and for nothing that it began and gave up: a disk that hangs keeps its thread.
pub(crate) fn wait_for<T>(what: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = runtime()?;
    let done = runtime.block_on(what);
    runtime.shutdown_background();
    Ok(done)
}
