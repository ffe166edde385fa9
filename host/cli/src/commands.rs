//! The commands: each reads what it needs of the world, and prints what came of it.

mod cache;
mod init;
mod model;
mod run;
mod tool;
mod validate;

use crate::args::{Args, CacheCommand, Command, ModelCommand, ToolCommand};
use crate::problem::Problem;
use crate::say::answer as print;

/// Carries a command out; the exit code, unless there was a problem.
pub(crate) fn run(args: Args) -> Result<u8, Problem> {
    match args.command {
        Command::Init(args) => init::init(&args),
        Command::Run(args) => run::run(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Schema(args) => validate::schema(&args),
        Command::Model(ModelCommand::Serve(args)) => model::serve(&args),
        Command::Tool(ToolCommand::List(args)) => tool::list(&args),
        Command::Tool(ToolCommand::Describe(args)) => tool::describe(&args),
        Command::Tool(ToolCommand::Call(args)) => tool::call(&args),
        Command::Cache(CacheCommand::Stat(args)) => cache::stat(&args),
        Command::Cache(CacheCommand::Why(args)) => cache::why(&args),
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
