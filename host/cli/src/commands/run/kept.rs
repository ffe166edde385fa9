//! How a run was begun, kept beside its journal, so that its name is enough to go on with it. It
//! holds no secret; and the copy that other machines see names nothing of this one, nor chooses
//! there what is run.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use ledger::Place;
use runner::{BeginningFile, RunKey};
use serde::{Deserialize, Serialize};

use super::Answerer;
use super::step_file;
use crate::args::{Provider, RepoArgs, ResumeArgs, RunArgs, StoreArgs};
use crate::dirs;
use crate::problem::{KeptProblem, Problem};
use crate::repo::Trees;
use crate::wiring::shared::SharedRuns;

/// The file's name in the directory of its run.
const COMMAND: &str = "command.json";
/// Raised when an old reader would misread a new file.
const SCHEMA: u32 = 1;
/// The largest such file that is read: a few paths, and a digest for each part of a key.
const BYTES_MAX: usize = 256 * 1024;

/// How a run was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct KeptCommand {
    schema: u32,
    /// Below the repository's root, or absolute.
    step: String,
    step_from_head: bool,
    head: KeptTree,
    base: Option<KeptTree>,
    /// As `--provider` takes it; a script lies below the root, or is absolute.
    provider: String,
    no_cache: bool,
    #[serde(default)]
    require_isolation: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger: Option<KeptLedger>,
    /// Whether books were asked for: it says so to other machines, too.
    #[serde(default, skip_serializing_if = "is_false")]
    ledger_named: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    /// Everything that the run depends on: their digest is its name.
    parts: BTreeMap<String, String>,
    /// Whether it is of a store: then whoever writes there said it.
    #[serde(skip)]
    of_store: bool,
}

/// A tree: what people call it, and its commit where it is one's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct KeptTree {
    name: String,
    commit: Option<String>,
}

/// The books that were named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KeptLedger {
    File(String),
    /// Without its password, so it must be named again.
    Url(String),
}

impl KeptCommand {
    /// How this run is begun; none where a path cannot be written down as text.
    pub(super) fn of(
        args: &RunArgs,
        trees: &Trees,
        answerer: &Answerer,
        store: Option<&SharedRuns>,
        key: &RunKey,
    ) -> Result<Option<Self>, Problem> {
        let named = crate::commands::ledger::named_place(args.ledger.as_deref())?;
        let ledger_named = named.is_some();
        let ledger = match named {
            None if answerer.is_billed => absolute(&dirs::ledger()).map(KeptLedger::File),
            None => None,
            Some(Place::File(path)) => absolute(&path).map(KeptLedger::File),
            Some(place @ Place::Postgres(_)) => Some(KeptLedger::Url(place.to_string())),
        };
        let path = step_file::path(args, trees);
        let Some(step) = from_root(&path, &trees.root) else { return Ok(None) };
        let Some(provider) = provider(args, trees, answerer) else { return Ok(None) };
        let tree = |name: &str, commit: Option<String>| KeptTree { name: name.to_owned(), commit };
        let head = trees.head_commit.as_ref().map(ToString::to_string);
        let base = trees.base_commit.as_ref().map(ToString::to_string);
        Ok(Some(Self {
            schema: SCHEMA,
            step,
            step_from_head: args.step_from_head,
            head: tree(&trees.head.name, head),
            base: trees.base.as_ref().map(|found| tree(&found.name, base)),
            provider,
            no_cache: args.no_cache,
            require_isolation: args.require_isolation,
            out: args.out.as_deref().and_then(absolute),
            ledger,
            ledger_named,
            store: store.map(|store| store.url().to_owned()),
            parts: key.parts().clone(),
            of_store: false,
        }))
    }

    /// As it is kept beside the journal.
    pub(super) fn file(&self) -> BeginningFile {
        BeginningFile { name: COMMAND, bytes: self.bytes() }
    }

    /// What other machines may know of it; none where it cannot be begun there.
    pub(super) fn for_others(&self) -> Option<Vec<u8>> {
        let shared = Self { out: None, ledger: None, store: None, ..self.clone() };
        shared.fits_elsewhere().then(|| shared.bytes())
    }

    fn bytes(&self) -> Vec<u8> {
        super::pretty(self).into_bytes()
    }

    /// How the run in `dir` was begun, if that is written there.
    pub(crate) fn of_dir(dir: &Path, run: &str) -> Result<Option<Self>, Problem> {
        let path = dir.join(COMMAND);
        let mut bytes = Vec::new();
        let most = BYTES_MAX as u64 + 1;
        let read = fs::File::open(&path).and_then(|file| file.take(most).read_to_end(&mut bytes));
        match read {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Problem::File { what: "read", path, source }),
            Ok(_) => Self::parse(&bytes, run).map(Some),
        }
    }

    /// What another machine said of how `run` was begun. Whoever writes to the store says it, and
    /// invents the name with it. So it chooses no place of this machine, and neither of the two
    /// trees: the one names the step, and with it what is run and who gets the key, the other holds
    /// the code that is tested. What results here must then be what the run was begun with.
    pub(crate) fn of_others(bytes: &[u8], run: &str) -> Result<Self, Problem> {
        let mut said = Self { out: None, ledger: None, store: None, ..Self::parse(bytes, run)? };
        said.step_from_head = false;
        said.base = None;
        said.head.commit = None;
        said.of_store = true;
        if said.fits_elsewhere() {
            return Ok(said);
        }
        let why = "it names a file that does not lie in the repository".to_owned();
        Err(Problem::Kept(KeptProblem::BadCommand { run: run.to_owned(), why }))
    }

    fn parse(bytes: &[u8], run: &str) -> Result<Self, Problem> {
        let bad = |why: String| Problem::Kept(KeptProblem::BadCommand { run: run.to_owned(), why });
        if bytes.len() > BYTES_MAX {
            return Err(bad(format!("it has more than {BYTES_MAX} bytes")));
        }
        let said: Self = serde_json::from_slice(bytes).map_err(|err| bad(err.to_string()))?;
        if said.schema != SCHEMA {
            let why = format!("it has schema {}, this program writes {SCHEMA}", said.schema);
            return Err(bad(why));
        }
        if RunKey::new(said.parts.clone()).run_name() != run {
            return Err(bad("it is that of another run".to_owned()));
        }
        Ok(said)
    }

    fn fits_elsewhere(&self) -> bool {
        let script = self.provider.strip_prefix("script:");
        is_below(&self.step) && script.is_none_or(is_below)
    }

    /// The command line that begins the run again, in the repository at `root`.
    pub(crate) fn arguments(&self, args: &ResumeArgs, root: &Path) -> Result<RunArgs, Problem> {
        let commit = |tree: &KeptTree| tree.commit.clone();
        let provider: Result<Provider, String> = self.provider.parse();
        let provider = provider
            .map_err(|why| Problem::Kept(KeptProblem::BadCommand { run: args.run.clone(), why }))?;
        let provider = match provider {
            Provider::Script(path) => Provider::Script(self.script(root.join(path), root)?),
            other @ (Provider::Offline | Provider::OpenAi) => other,
        };
        Ok(RunArgs {
            step: Some(root.join(&self.step)),
            repo: RepoArgs { repo: args.repo.repo.clone() },
            base: args.base.clone().or_else(|| self.base.as_ref().and_then(commit)),
            head: args.head.clone().or_else(|| commit(&self.head)),
            out: self.out.as_ref().map(PathBuf::from),
            provider: Some(provider),
            json: args.json,
            ledger: self.books(args)?,
            store: StoreArgs { store: args.store.store.clone().or_else(|| self.store.clone()) },
            approve: args.approve.clone(),
            approval: args.approval.clone(),
            deadline: args.deadline,
            step_from_head: self.step_from_head,
            no_cache: self.no_cache,
            // What another machine said of it can only add to what is asked here.
            require_isolation: args.require_isolation || self.require_isolation,
            ci: args.ci,
            quiet: args.quiet,
            ..RunArgs::default()
        })
    }

    /// A script of the repository, where a store names it: no link leads out of it.
    fn script(&self, path: PathBuf, root: &Path) -> Result<PathBuf, Problem> {
        if !self.of_store || path.canonicalize().is_ok_and(|real| real.starts_with(root)) {
            return Ok(path);
        }
        let why = "its script does not lie in this repository".to_owned();
        Err(Problem::Kept(KeptProblem::BadCommand { run: self.run(), why }))
    }

    /// The books that were named now, else those of the beginning: never others by mistake.
    fn books(&self, args: &ResumeArgs) -> Result<Option<String>, Problem> {
        let named = crate::commands::ledger::named_place(args.ledger.as_deref())?;
        if self.of_store && self.ledger_named && named.is_none() {
            return Err(Problem::Kept(KeptProblem::NoLedgerNamed { run: self.run() }));
        }
        match (&self.ledger, named) {
            (Some(KeptLedger::Url(url)), named)
                if named.as_ref().is_none_or(|place| place.to_string() != *url) =>
            {
                Err(Problem::Kept(KeptProblem::OtherLedger { place: url.clone() }))
            }
            // The environment is that of every run, and does not mean this one.
            (Some(KeptLedger::File(path)), _) if args.ledger.is_none() => Ok(Some(path.clone())),
            (Some(_) | None, _) => Ok(args.ledger.clone()),
        }
    }

    /// Calls the trees what they were called when the run began: its result says so.
    pub(super) fn name_trees(&self, trees: &mut Trees) -> Result<(), Problem> {
        if self.of_store {
            // What others call them is not believed.
            let no_base = || Problem::Kept(KeptProblem::NoBase { run: self.run() });
            return trees.base.as_ref().map(|_| ()).ok_or_else(no_base);
        }
        trees.head.name.clone_from(&self.head.name);
        if let (Some(base), Some(kept)) = (&mut trees.base, &self.base) {
            base.name.clone_from(&kept.name);
        }
        Ok(())
    }

    /// Whether only the base says what the step is, whatever lies in the working tree.
    pub(super) fn base_decides(&self) -> bool {
        self.of_store
    }

    fn run(&self) -> String {
        RunKey::new(self.parts.clone()).run_name()
    }

    /// Whether the run still depends on the same.
    pub(super) fn hold_against(&self, key: &RunKey) -> Result<(), Problem> {
        let changed = key.differences(&self.parts);
        if changed.is_empty() {
            return Ok(());
        }
        let run = self.run();
        Err(Problem::Kept(KeptProblem::Changed { run, changed }))
    }
}

/// As `--provider` takes it.
fn provider(args: &RunArgs, trees: &Trees, answerer: &Answerer) -> Option<String> {
    match &args.provider {
        Some(Provider::Script(path)) => Some(format!("script:{}", from_root(path, &trees.root)?)),
        Some(Provider::Offline | Provider::OpenAi) | None => Some(answerer.provider.to_owned()),
    }
}

/// The path from the root where it lies below it, else the whole of it.
fn from_root(path: &Path, root: &Path) -> Option<String> {
    match step_file::inside(path, root) {
        Some(inside) => Some(inside),
        None => absolute(path),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn absolute(path: &Path) -> Option<String> {
    std::path::absolute(path).ok()?.to_str().map(str::to_owned)
}

/// Whether a path names something below the directory it is taken from, by its words.
fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// What a shell reads as one word.
pub(super) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
