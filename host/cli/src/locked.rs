//! The tools of `stepwell.lock`: which lock counts, and the components that it names.
//!
//! A lock is the base's wherever there is a base: a change under test brings no tool. What it names is
//! taken from this machine's shelf or fetched, and is those bytes or nothing.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use keys::PublicKey;
use registry::{Asks, Fetcher, LOCK_FILE, Lock, Locked, Reference, Sha256, Shelf};
use runner::Tree;
use sandbox::COMPONENT_BYTES_MAX;
use session::Trust;
use tokio::time::Instant as Moment;

use crate::pipeline::whose::Whose;
use crate::problem::{LockProblem, Problem};
use crate::repo::{self, Trees};
use crate::say::note;
use crate::step::{Step, StepError};
use crate::wiring::Component;
use crate::{commands, dirs};

/// Longest time that all tools of a lock may take to arrive before a run.
const ALL_TIME_MAX: Duration = Duration::from_mins(2);
/// How long something may take before somebody is told, and then how often.
const PATIENCE: Duration = Duration::from_secs(1);
const WORD_EVERY: Duration = Duration::from_secs(3);
/// Bytes of a component.
pub(crate) const BYTES_MAX: u64 = COMPONENT_BYTES_MAX as u64;

/// Which lock a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The base's.
    Base,
    /// The head's: somebody has said so who may.
    Head,
}

impl Takes {
    /// The head's only where that is no pull request's.
    pub(crate) fn within(self, whose: Whose) -> Self {
        if whose.trust >= Trust::Member { self } else { Self::Base }
    }
}

/// A lock that counts, and the tree that it is of.
pub(crate) struct Counts<'a> {
    pub(crate) lock: Lock,
    tree: &'a Tree,
}

/// The lock that counts for a command, if there is one.
pub(crate) fn counting<'a>(
    trees: &'a Trees,
    takes: Takes,
    whose: Whose,
    is_quiet: bool,
) -> Result<Option<Counts<'a>>, Problem> {
    let say = |text: String| {
        if !is_quiet {
            note(&text);
        }
    };
    let of_head = repo::file(&trees.head.snapshot, LOCK_FILE);
    let of_base =
        trees.base.as_ref().and_then(|base| Some((base, repo::file(&base.snapshot, LOCK_FILE)?)));
    // A pull request brings no tool, whoever opened it.
    let may_head = whose.trust >= Trust::Member;
    let (tree, bytes) = match (of_base, of_head) {
        (_, Some(bytes)) if takes == Takes::Head => (&trees.head, bytes),
        (_, None) if takes == Takes::Head => return Ok(None),
        (Some((base, bytes)), head) => {
            if head.as_ref() != Some(&bytes) {
                let base = &base.name;
                say(format!(
                    "the tools are those of {LOCK_FILE} in the base {base}, not of the changed one"
                ));
            }
            (base, bytes)
        }
        (None, Some(bytes)) if may_head => {
            if let Some(base) = &trees.base {
                let base = &base.name;
                say(format!("the base {base} has no {LOCK_FILE}: the one of the head counts"));
            }
            (&trees.head, bytes)
        }
        (None, Some(_)) => {
            let because = whose.because;
            say(format!("the tools of {LOCK_FILE} are not used, the change brings it: {because}"));
            return Ok(None);
        }
        (None, None) => return Ok(None),
    };
    let file = format!("{LOCK_FILE} of {}", tree.name);
    let lock = Lock::parse(&bytes).map_err(|source| LockProblem::Bad { file, source })?;
    Ok(Some(Counts { lock, tree }))
}

/// Where components are kept that were fetched.
pub(crate) fn shelf() -> Shelf {
    Shelf::at(dirs::cache().join("components"))
}

/// What fetches, as the environment says.
pub(crate) fn fetcher() -> Result<Fetcher, Problem> {
    let lookup = |name: &str| env::var(name).ok();
    Fetcher::new(BYTES_MAX, &lookup).map_err(|source| LockProblem::Client(source).into())
}

/// Whom a step believes; nobody where the lock alone decides.
pub(crate) fn signers(step: &Step) -> Result<BTreeSet<PublicKey>, StepError> {
    let key = |text: &String| {
        let help = "write `ed25519:` and base64, as `stepwell cache key` prints the public half";
        let bad = |err: keys::BadKey| StepError::value("tools.signers", err.to_string(), help);
        text.parse::<PublicKey>().map_err(bad)
    };
    step.tools.signers.iter().map(key).collect()
}

/// Whom the usual step of the lock's own tree believes, for who calls tools without a step.
pub(crate) fn signers_beside(counts: &Counts<'_>) -> Result<BTreeSet<PublicKey>, Problem> {
    let file = ".stepwell/step.toml";
    let Some(bytes) = repo::file(&counts.tree.snapshot, file) else { return Ok(BTreeSet::new()) };
    let read = Step::parse(&bytes).and_then(|step| signers(&step));
    read.map_err(|source| Problem::BadStep { file: file.to_owned(), source: Box::new(source) })
}

/// The components of a lock: signed where they must be, fetched where they are missing.
pub(crate) fn components(
    counts: &Counts<'_>,
    root: &Path,
    signers: &BTreeSet<PublicKey>,
) -> Result<Vec<Component>, Problem> {
    let tools: Vec<&Locked> = counts.lock.tools().collect();
    for tool in &tools {
        let counts = registry::signed_by(&tool.signatures, &tool.digest, signers);
        if !signers.is_empty() && counts.is_none() {
            let (name, digest) = (tool.name.clone(), tool.digest.to_string());
            return Err(LockProblem::Unsigned { name, digest }.into());
        }
    }
    let shelf = shelf();
    let mut found: Vec<Option<Vec<u8>>> = tools
        .iter()
        .map(|tool| shelf.get(&tool.digest, BYTES_MAX).or_else(|| in_tree(counts.tree, tool)))
        .collect();
    if found.iter().any(Option::is_none) {
        fetch_missing(root, &tools, &mut found, &shelf)?;
    }
    tools
        .into_iter()
        .zip(found)
        .map(|(tool, bytes)| checked(tool, bytes.unwrap_or_default()))
        .collect()
}

/// A tool that is a file of the repository, as the lock's own tree has it.
fn in_tree(tree: &Tree, tool: &Locked) -> Option<Vec<u8>> {
    let Reference::Path(path) = &tool.reference else { return None };
    let bytes = repo::file(&tree.snapshot, path)?;
    (Sha256::of(&bytes) == tool.digest).then_some(bytes)
}

fn fetch_missing(
    root: &Path,
    tools: &[&Locked],
    found: &mut [Option<Vec<u8>>],
    shelf: &Shelf,
) -> Result<(), Problem> {
    let fetcher = fetcher()?;
    commands::wait_for(async {
        let ends = Moment::now() + ALL_TIME_MAX;
        for (tool, place) in tools.iter().zip(found).filter(|(_, place)| place.is_none()) {
            let progress = progress(&tool.name);
            let time = ends.saturating_duration_since(Moment::now());
            let fetched = fetcher.fetch_locked(root, tool, time, &progress).await;
            let what = tool.name.clone();
            let bytes = fetched.map_err(|source| LockProblem::Fetch { what, source })?;
            keep(shelf, &bytes)?;
            *place = Some(bytes);
        }
        Ok(())
    })?
}

/// Keeps bytes on the shelf.
pub(crate) fn keep(shelf: &Shelf, bytes: &[u8]) -> Result<(), Problem> {
    let path = dirs::cache().join("components");
    let kept = shelf.put(bytes).map(|_| ());
    kept.map_err(|source| Problem::File { what: "keep the component in", path, source })
}

/// The component, if the lock says of it what it says of itself: a review has seen nothing else.
fn checked(tool: &Locked, bytes: Vec<u8>) -> Result<Component, Problem> {
    let size = bytes.len() as u64;
    let all = Component::all(&tool.name, bytes)?;
    let component = all.into_iter().find(|one| one.manifest().name == tool.name);
    let differs = |what| LockProblem::Differs { name: tool.name.clone(), what };
    let component = component.ok_or_else(|| differs("name"))?;
    let wrong = [("size", size != tool.bytes), ("grants", asks(&component) != tool.asks)];
    match wrong.iter().find(|(_, is_wrong)| *is_wrong) {
        Some((what, _)) => Err(differs(what).into()),
        None => Ok(component),
    }
}

/// What a component asks for, as a lock has it.
pub(crate) fn asks(component: &Component) -> Option<Asks> {
    let ceiling = component.manifest().grants.as_ref()?;
    Some(Asks { read: ceiling.read.clone(), environment: ceiling.environment.clone() })
}

/// Says how far a fetch is, once it takes longer than anybody likes to wait in silence.
pub(crate) fn progress(what: &str) -> impl Fn(u64, Option<u64>) + Sync {
    let next = Mutex::new(Instant::now() + PATIENCE);
    move |bytes, all| {
        let Ok(mut next) = next.lock() else { return };
        if Instant::now() < *next {
            return;
        }
        *next = Instant::now() + WORD_EVERY;
        let of = all.map_or_else(String::new, |all| format!(" of {all}"));
        note(&format!("fetching {what}: {bytes}{of} bytes"));
    }
}
