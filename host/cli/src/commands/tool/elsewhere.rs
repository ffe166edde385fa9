//! Tools of others, pinned in `stepwell.lock`, and one's own for others.

mod added;
mod publish;
mod update;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use registry::{LOCK_BYTES_MAX, LOCK_FILE, Lock};
use sandbox::Config;
use serde_json::json;

pub(super) use added::add;
pub(super) use publish::{push, sign};
pub(super) use update::update;

use crate::args::{ToolFetchArgs, ToolRemoveArgs};
use crate::commands::{pretty, print};
use crate::locked::{self, Takes};
use crate::pipeline;
use crate::problem::{LockProblem, Problem};
use crate::repo;
use crate::step::keys::nearest;
use crate::wiring::{Component, Tools};

/// The lock of a working tree; an empty one where there is none.
pub(super) fn read(root: &Path) -> Result<Lock, Problem> {
    let path = root.join(LOCK_FILE);
    let mut bytes = Vec::new();
    // One more than there may be: the lock itself says that it is too long.
    let opened = File::open(&path);
    let read = opened.and_then(|file| file.take(LOCK_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Lock::default()),
        Err(source) => return Err(Problem::File { what: "read", path, source }),
    }
    let file = LOCK_FILE.to_owned();
    Lock::parse(&bytes).map_err(|source| LockProblem::Bad { file, source }.into())
}

/// Writes the lock of a working tree: all of it, or nothing.
fn write(root: &Path, lock: &Lock) -> Result<(), Problem> {
    let path = root.join(LOCK_FILE);
    let file = LOCK_FILE.to_owned();
    let text = lock.text().map_err(|source| LockProblem::Bad { file, source })?;
    let written = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(root)
        .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
        .and_then(|file| file.persist(&path).map_err(|err| err.error));
    written.map(drop).map_err(|source| Problem::File { what: "write", path, source })
}

/// Compiles components for this machine, and refuses those that no step could use.
fn compile(components: Vec<Component>) -> Result<(), Problem> {
    Tools::offer(components, Config::default().concurrent_calls_max).map(drop)
}

fn no_tool(lock: &Lock, name: &str) -> Problem {
    let nearest = nearest(name, lock.tools().map(|tool| tool.name.as_str()));
    LockProblem::NoTool { name: name.to_owned(), nearest }.into()
}

/// Takes a tool out of the lock. Its bytes stay on this machine: other repositories may use them.
pub(super) fn remove(args: &ToolRemoveArgs) -> Result<u8, Problem> {
    let root = repo::root(&args.repo.repo)?;
    let mut lock = read(&root)?;
    if !lock.remove(&args.name) {
        return Err(no_tool(&lock, &args.name));
    }
    write(&root, &lock)?;
    if args.json {
        print(&pretty(&json!({ "removed": args.name })));
    } else {
        print(&format!("removed {} from {LOCK_FILE}", args.name));
    }
    Ok(0)
}

/// Fetches and compiles what a run would need.
pub(super) fn fetch(args: &ToolFetchArgs) -> Result<u8, Problem> {
    let trees = repo::open(&args.repo.repo, None, args.base.as_deref())?;
    let counting = locked::counting(&trees, Takes::Base, pipeline::whose::here(), false)?;
    let mut fetched = Vec::new();
    if let Some(counts) = &counting {
        let signers = locked::signers_beside(counts)?;
        let components = locked::components(counts, &trees.root, &signers)?;
        compile(components)?;
        fetched = counts.lock.tools().cloned().collect();
    }
    if args.json {
        print(&pretty(&fetched));
        return Ok(0);
    }
    if fetched.is_empty() {
        print(&format!("there is no tool in {LOCK_FILE}"));
    }
    for tool in fetched {
        print(&format!("{}: {}, ready", tool.name, tool.digest));
    }
    Ok(0)
}
