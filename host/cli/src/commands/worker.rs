//! `stepwell worker`: what this program starts itself as, to run guests and to compile, and
//! `stepwell keep-tests`: to keep the step's own tests. Nobody types them.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use sandbox::{Orders, Program};

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

/// The argument that makes a process a keeper of tests; its orders follow.
const KEEPER: &str = "keep-tests";

/// What this process is to keep, if it is a keeper.
pub(crate) fn keeper_orders() -> Option<String> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_none_or(|argument| argument != KEEPER) {
        return None;
    }
    Some(arguments.next().unwrap_or_default().to_string_lossy().into_owned())
}

/// This program as a keeper of tests.
pub(crate) fn keeper(orders: &Orders) -> io::Result<Vec<OsString>> {
    let Program { path, .. } = program();
    Ok(vec![path.into(), KEEPER.into(), serde_json::to_string(orders)?.into()])
}
