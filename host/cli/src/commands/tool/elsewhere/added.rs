//! `stepwell tool add`: what a reference names today is pinned.

use std::path::Path;

use registry::{Asks, Fetched, LOCK_FILE, Locked, Reference};
use runner::Plain;
use serde_json::{Value, json};

use super::{compile, read, write};
use crate::args::ToolAddArgs;
use crate::commands::{pretty, print, wait_for};
use crate::locked::{self, asks};
use crate::problem::{LockProblem, Problem};
use crate::repo;
use crate::say::note;
use crate::wiring::Component;

/// Adds a tool.
pub(in crate::commands::tool) fn add(args: &ToolAddArgs) -> Result<u8, Problem> {
    let root = repo::root(&args.repo.repo)?;
    let reference = reference(&args.reference, &root)?;
    let mut lock = read(&root)?;
    let Brought { tools, bytes } = brought(&root, &reference, &args.allow_redirect)?;
    let taken = tools.iter().filter_map(|(_, locked)| lock.get(&locked.name));
    if let Some(other) = taken.clone().find(|other| other.reference != reference) {
        let (name, from) = (other.name.clone(), other.reference.to_string());
        return Err(LockProblem::Taken { name, from }.into());
    }
    let told: Vec<(String, Locked)> = tools
        .iter()
        .map(|(one, locked)| (one.manifest().description.clone(), locked.clone()))
        .collect();
    ready(tools, &bytes)?;
    for (_, locked) in &told {
        let file = LOCK_FILE.to_owned();
        lock.put(locked.clone()).map_err(|source| LockProblem::Bad { file, source })?;
    }
    write(&root, &lock)?;
    if args.json {
        let shown: Vec<Value> = told.iter().map(as_json).collect();
        // A component of ours is one tool, and always was one object.
        print(&match &shown[..] {
            [one] => pretty(one),
            all => pretty(&all),
        });
        return Ok(0);
    }
    told.iter().for_each(show);
    print(&format!("  pinned in {LOCK_FILE}: steps have it from when the base has it"));
    Ok(0)
}

fn as_json((description, locked): &(String, Locked)) -> Value {
    json!({
        "name": locked.name,
        "description": description,
        "reference": locked.reference,
        "digest": locked.digest,
        "bytes": locked.bytes,
        "grants": locked.asks,
        "signers": locked.signatures.iter().map(|one| one.signer).collect::<Vec<_>>(),
    })
}

fn show((description, locked): &(String, Locked)) {
    print(&Plain(&format!("{}: {description}", locked.name)).to_string());
    print(&Plain(&told(locked)).to_string());
    print(&Plain(&format!("  it asks for {}", in_words(locked.asks.as_ref()))).to_string());
    for signature in &locked.signatures {
        print(&format!("  signed by {}", signature.signer));
    }
}

/// A component that was fetched: its tools, and what a lock says of each.
pub(super) struct Brought {
    pub(super) tools: Vec<(Component, Locked)>,
    pub(super) bytes: Vec<u8>,
}

/// Fetches what a reference names, and looks at it without running it.
pub(super) fn brought(
    root: &Path,
    reference: &Reference,
    redirects: &[String],
) -> Result<Brought, Problem> {
    let what = reference.to_string();
    let fetcher = locked::fetcher()?;
    let progress = locked::progress(&what);
    let fetched = wait_for(fetcher.fetch(root, reference, redirects, &progress))?;
    let Fetched { bytes, digest, signatures } =
        fetched.map_err(|source| LockProblem::Fetch { what: what.clone(), source })?;
    let tool = |component: Component| {
        let name = component.manifest().name.clone();
        if component.manifest().gate {
            return Err(Problem::GateIsNoTool { name });
        }
        let locked = Locked {
            name,
            reference: reference.clone(),
            digest,
            bytes: bytes.len() as u64,
            redirects: redirects.to_vec(),
            asks: asks(&component),
            signatures: signatures.clone(),
        };
        Ok((component, locked))
    };
    let all = Component::all(&what, bytes.clone())?;
    let tools = all.into_iter().map(tool).collect::<Result<_, Problem>>()?;
    Ok(Brought { tools, bytes })
}

/// Compiles it now, so that no call has to, and keeps it.
pub(super) fn ready(tools: Vec<(Component, Locked)>, bytes: &[u8]) -> Result<(), Problem> {
    let names: Vec<&str> = tools.iter().map(|(_, tool)| tool.name.as_str()).collect();
    note(&format!("compiling {} for this machine, so that no call has to", names.join(", ")));
    compile(tools.into_iter().map(|(component, _)| component).collect())?;
    locked::keep(&locked::shelf(), bytes)
}

fn told(tool: &Locked) -> String {
    format!("  {}, {} bytes, from {}", tool.digest, tool.bytes, tool.reference)
}

/// What a tool asks for, in words.
pub(super) fn in_words(asks: Option<&Asks>) -> String {
    let Some(Asks { read, environment }) = asks else {
        return "any file that a step grants, and no variable".to_owned();
    };
    let read = match read {
        None => "any file that a step grants".to_owned(),
        Some(globs) if globs.is_empty() => "no file".to_owned(),
        Some(globs) => format!("the files {}", globs.join(", ")),
    };
    let variables = match environment.as_slice() {
        [] => "no variable".to_owned(),
        names => format!("the variables {}", names.join(", ")),
    };
    format!("{read}, and {variables}")
}

/// What somebody means who names a file from where they stand.
fn reference(text: &str, root: &Path) -> Result<Reference, Problem> {
    if text.contains("://") {
        return Ok(text.parse().map_err(LockProblem::Reference)?);
    }
    let path = Path::new(text);
    let real = path.canonicalize().map_err(|source| Problem::File {
        what: "read",
        path: path.to_owned(),
        source,
    })?;
    let inside = real.strip_prefix(root).ok().and_then(Path::to_str);
    let outside = || LockProblem::Outside { path: path.to_owned() };
    Ok(inside.ok_or_else(outside)?.parse().map_err(LockProblem::Reference)?)
}
