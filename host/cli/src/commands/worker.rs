//! `stepwell worker`: what this program starts itself as, to run guests and to compile. Nobody
//! types it.

use std::env;
use std::path::PathBuf;

use sandbox::Program;

/// The argument that makes a process a worker.
const WORKER: &str = "worker";

/// Whether this process is a worker.
pub(crate) fn is_worker() -> bool {
    env::args_os().nth(1).is_some_and(|argument| argument == WORKER)
}

/// This program as a worker. Not by its name, which another program may have by now.
pub(crate) fn program() -> Program {
    Program { path: PathBuf::from("/proc/self/exe"), arguments: vec![WORKER.into()] }
}
