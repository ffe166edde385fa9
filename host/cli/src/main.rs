//! The command. It reads the world, hands it to the runner, and turns the end of a step into an
//! exit code. It decides nothing about steps.

mod approvals;
mod args;
mod commands;
mod components;
mod confine;
mod dirs;
mod exit;
mod gates;
mod live;
mod locked;
mod pipeline;
mod plan;
mod problem;
mod repo;
mod say;
mod sharing;
mod signing;
mod stats;
mod step;
mod trees;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Before anything else is opened or started: a worker gives up what it has.
    if commands::is_worker() {
        return sandbox::serve();
    }
    if let Some(orders) = commands::keeper_orders() {
        return sandbox::keep(&orders);
    }
    let args = args::Args::parse();
    match commands::run(args) {
        Ok(exit::DONE) if say::is_answer_lost() => ExitCode::from(exit::INTERNAL),
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            problem::complain(&problem);
            ExitCode::from(problem.exit_code())
        }
    }
}
