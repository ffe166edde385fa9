//! `stepwell tool update`: what the lock's references name now, beside what they named.

use registry::{LOCK_FILE, Locked};
use runner::Plain;
use sandbox::Manifest;
use serde::Serialize;

use super::added::{Brought, brought, in_words, ready};
use super::{no_tool, read, write};
use crate::args::ToolUpdateArgs;
use crate::commands::{pretty, print};
use crate::locked::{self, BYTES_MAX};
use crate::problem::{LockProblem, Problem};
use crate::repo;
use crate::wiring::Component;

/// What came of one tool.
#[derive(Serialize)]
struct Updated {
    name: String,
    old: String,
    new: String,
    /// What else is not as it was.
    changed: Vec<String>,
    /// Whether its reference can name nothing else.
    pinned: bool,
}

/// Updates one tool, or every one.
pub(in crate::commands::tool) fn update(args: &ToolUpdateArgs) -> Result<u8, Problem> {
    let root = repo::root(&args.repo.repo)?;
    let mut lock = read(&root)?;
    let all: Vec<Locked> = match &args.name {
        None => lock.tools().cloned().collect(),
        Some(name) => vec![lock.get(name).cloned().ok_or_else(|| no_tool(&lock, name))?],
    };
    let mut told = Vec::with_capacity(all.len());
    for old in all {
        if old.reference.is_pinned() {
            told.push(unchanged(&old));
            continue;
        }
        let Brought { tools, bytes } = brought(&root, &old.reference, &old.redirects)?;
        let names: Vec<&str> = tools.iter().map(|(_, new)| new.name.as_str()).collect();
        let Some(at) = names.iter().position(|name| *name == old.name) else {
            let (from, to) = (old.reference.to_string(), names.join("`, `"));
            return Err(LockProblem::Renamed { name: old.name, to, from }.into());
        };
        let (component, new) = tools.into_iter().nth(at).expect("it was found there");
        told.push(compared(&old, &new, component.manifest()));
        if args.dry_run {
            continue;
        }
        ready(vec![(component, new.clone())], &bytes)?;
        lock.put(signed_again(&old, new))
            .map_err(|source| LockProblem::Bad { file: LOCK_FILE.to_owned(), source })?;
    }
    if !args.dry_run {
        write(&root, &lock)?;
    }
    if args.json {
        print(&pretty(&told));
    } else {
        told.iter().for_each(show);
    }
    Ok(0)
}

/// Signatures of the lock stay under bytes that stay.
fn signed_again(old: &Locked, new: Locked) -> Locked {
    let mut new = new;
    if old.digest == new.digest {
        let missing: Vec<_> =
            old.signatures.iter().filter(|one| !new.signatures.contains(one)).cloned().collect();
        new.signatures.extend(missing);
        new.signatures.truncate(registry::SIGNATURES_MAX);
    }
    new
}

fn unchanged(tool: &Locked) -> Updated {
    let digest = tool.digest.to_string();
    let name = tool.name.clone();
    Updated { name, old: digest.clone(), new: digest, changed: Vec::new(), pinned: true }
}

fn compared(old: &Locked, new: &Locked, manifest: &Manifest) -> Updated {
    let before = locked::shelf().get(&old.digest, BYTES_MAX);
    let before = before.and_then(|bytes| {
        let mut all = Component::all(&old.name, bytes).ok()?.into_iter();
        all.find(|one| one.manifest().name == old.name)
    });
    let before = before.as_ref().map(Component::manifest);
    let mut changed = Vec::new();
    if old.asks != new.asks {
        let (was, is) = (in_words(old.asks.as_ref()), in_words(new.asks.as_ref()));
        changed.push(format!("it asks for {is}; it was {was}"));
    }
    match before {
        None if old.digest != new.digest => {
            changed.push("the old one is not on this machine to be compared with".to_owned());
        }
        None => {}
        Some(before) => {
            if before.schema != manifest.schema {
                changed.push("it takes other arguments".to_owned());
            }
            if before.description != manifest.description {
                changed.push(format!("it says of itself: {}", manifest.description));
            }
        }
    }
    Updated {
        name: new.name.clone(),
        old: old.digest.to_string(),
        new: new.digest.to_string(),
        changed,
        pinned: false,
    }
}

fn show(updated: &Updated) {
    let Updated { name, old, new, changed, pinned } = updated;
    let line = match (old == new, pinned) {
        (true, true) => format!("{name}: its reference names {new}, for ever"),
        (true, false) => format!("{name}: still {new}"),
        (false, _) => format!("{name}: {old} → {new}"),
    };
    print(&Plain(&line).to_string());
    for what in changed {
        print(&Plain(&format!("  {what}")).to_string());
    }
}
