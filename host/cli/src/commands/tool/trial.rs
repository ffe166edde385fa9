//! A tool on trial: each case is run twice, and everything that must not matter differs.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sandbox::{
    Allocator, Code, Config, Described, Guests, Manifest, Outcome, Program, Report, Sandbox, Tool,
};
use snapshot::{Grant, Snapshot, View};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::cases::Case;
use super::fixture::{Fixture, Order};
use crate::commands::program;
use crate::problem::{AuthoringProblem, Problem};
use crate::say::note;
use crate::{dirs, wiring};

/// A program that starts another one with variables.
const ENV: &str = "/usr/bin/env";

/// What is around the second worker. A guest that could see any of it would answer otherwise.
const VARIABLES: [&str; 5] = [
    "HOME=/nowhere-in-particular",
    "TZ=Pacific/Kiritimati",
    "LANG=tr_TR.UTF-8",
    "PYTHONHASHSEED=417",
    "CANARY=of-the-second-run",
];

/// The number that the second run's randomness is told apart by.
const OTHER_SEED: u64 = 2;

/// A tool in two sandboxes that have nothing in common but the component.
pub(super) struct Trial {
    here: (Sandbox, Tool),
    there: (Sandbox, Tool),
    schema: Option<jsonschema::Validator>,
    /// Whether its code was compiled just now, and how long loading took.
    pub(super) loaded: (Code, std::time::Duration),
}

/// What came of a case.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) report: Report,
    /// What was refused for want of a grant, as a step would grant it.
    pub(super) denied: Vec<String>,
    /// What differed between the two runs; nothing for a deterministic tool.
    pub(super) differs: Vec<&'static str>,
}

/// Where a case is run.
struct Around {
    order: Order,
    seed: Option<u64>,
}

impl Trial {
    /// Loads a component twice. Compiles it where no code of it is kept, and says so.
    pub(super) fn new(name: &str, component: &Described) -> Result<Self, Problem> {
        let bad = |source| Problem::BadComponent { name: name.to_owned(), source };
        let here = wiring::sandbox(1)?;
        let began = Instant::now();
        if !here.keeps(component) {
            note("compiling the component for this machine, once");
        }
        let tool = here.load_described(component).map_err(bad)?;
        let loaded = (tool.code(), began.elapsed());
        let config = Config {
            compiled_dir: Some(dirs::cache().join("compiled")),
            concurrent_calls_max: 1,
            allocator: Allocator::OnDemand,
            guests: Guests::Apart(elsewhere()),
        };
        let there = Sandbox::new(config).map_err(Problem::Sandbox)?;
        let other = there.load_described(component).map_err(bad)?;
        let schema = jsonschema::validator_for(&component.manifest().schema).ok();
        Ok(Self { here: (here, tool), there: (there, other), schema, loaded })
    }

    /// What the tool says of itself.
    pub(super) fn manifest(&self) -> &Manifest {
        self.here.1.manifest()
    }

    /// Runs a case twice.
    pub(super) async fn run(&self, case: &Case) -> Result<Tried, Problem> {
        let bad = |why: String| AuthoringProblem::BadCase { case: case.name.clone(), why };
        if let Some(why) = self.misfit(&case.input) {
            return Err(bad(format!("its input does not fit the tool's schema: {why}")).into());
        }
        let grant = self.grant(case).map_err(bad)?;
        let plain = Around { order: Order::Sorted, seed: None };
        let other = Around { order: Order::Reversed, seed: Some(OTHER_SEED) };
        let (report, denied) = call(&self.here, case, &grant, &plain).await.map_err(bad)?;
        let (again, _) = call(&self.there, case, &grant, &other).await.map_err(bad)?;
        Ok(Tried { differs: differences(&report, &again), report, denied })
    }

    /// Why the host would not let this input through to the tool.
    fn misfit(&self, input: &str) -> Option<String> {
        let input = serde_json::from_str(input).ok()?;
        let error = self.schema.as_ref()?.iter_errors(&input).next()?;
        Some(format!("{error}, at `{}`", error.instance_path()))
    }

    /// What the case grants, within what the tool asks for.
    fn grant(&self, case: &Case) -> Result<Grant, String> {
        let asks = self.manifest().grants.clone();
        let mut grant = match &case.grant {
            None => Grant::everything(),
            Some(globs) => Grant::read(globs).map_err(|err| format!("its grant: {err}"))?,
        };
        if let Some(read) = asks.as_ref().and_then(|asks| asks.read.as_ref()) {
            grant = grant.within(read).map_err(|err| err.to_string())?;
        }
        let asked = asks.map(|asks| asks.environment).unwrap_or_default();
        if let Some(name) = case.environment.keys().find(|name| !asked.contains(name)) {
            return Err(format!(
                "it grants the variable `{name}`, which the tool's manifest does not ask for"
            ));
        }
        let values: BTreeMap<_, _> = case
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .collect();
        Ok(grant.with_variables(values))
    }
}

/// Workers with variables that nobody may see; without them on a machine that has no such program.
fn elsewhere() -> Program {
    let Ok(exe) = env::current_exe()
        .map_err(drop)
        .and_then(|exe| if Path::new(ENV).exists() { Ok(exe) } else { Err(()) })
    else {
        return program();
    };
    let mut arguments: Vec<OsString> = VARIABLES.iter().map(Into::into).collect();
    arguments.push(exe.into());
    arguments.extend(program().arguments);
    Program { path: ENV.into(), arguments }
}

async fn call(
    (sandbox, tool): &(Sandbox, Tool),
    case: &Case,
    grant: &Grant,
    around: &Around,
) -> Result<(Report, Vec<String>), String> {
    let (_head, head) = laid_out(&case.head, around.order)?;
    let base = case.base.as_ref().map(|base| laid_out(base, around.order)).transpose()?;
    let (_base, base) = base.unzip();
    let view = Arc::new(View::new(head, base, grant.clone()));
    let (input, limits) = (case.input.as_str(), &case.limits);
    let report = match around.seed {
        None => {
            let never = CancellationToken::new();
            sandbox.call(tool, input, Arc::clone(&view), limits, &never).await
        }
        Some(seed) => sandbox.call_reseeded(tool, input, Arc::clone(&view), limits, seed).await,
    };
    Ok((report, view.denied()))
}

/// A fixture in a folder that is gone when the case is over.
fn laid_out(fixture: &Fixture, order: Order) -> Result<(TempDir, Snapshot), String> {
    let folder = tempfile::tempdir().map_err(|err| err.to_string())?;
    fixture.write(folder.path(), order)?;
    let snapshot = Snapshot::directory(folder.path()).map_err(|err| err.to_string())?;
    Ok((folder, snapshot))
}

/// What two runs of one case do not have in common, of that which they must.
fn differences(one: &Report, other: &Report) -> Vec<&'static str> {
    let mut differs = Vec::new();
    let same = match (&one.outcome, &other.outcome) {
        // How far it was when it was ended depends on the machine, and is never kept.
        (Outcome::Ended(one), Outcome::Ended(other)) => {
            std::mem::discriminant(one) == std::mem::discriminant(other)
        }
        (one, other) => one == other,
    };
    if !same {
        differs.push("what it answered");
    }
    if one.observations != other.observations && !matches!(one.outcome, Outcome::Ended(_)) {
        differs.push("what it asked");
    }
    differs
}
