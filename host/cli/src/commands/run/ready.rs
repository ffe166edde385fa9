//! A step that is read and checked, with its tools loaded: all that a run needs but a model.

use std::sync::Arc;

use session::{Capability, Trust};

use super::step_file::{self, Found};
use crate::args::RunArgs;
use crate::commands::validate::known;
use crate::gates;
use crate::locked::{self, Takes};
use crate::pipeline::{self, whose::Whose};
use crate::plan::{self, Plan};
use crate::problem::Problem;
use crate::repo::{self, Trees};
use crate::say::note;
use crate::sharing;
use crate::step::Step;
use crate::wiring::{self, Component, Tools};

/// A step, ready to be run.
pub(in crate::commands) struct Ready {
    pub(super) found: Found,
    pub(in crate::commands) step: Step,
    pub(in crate::commands) plan: Plan,
    pub(in crate::commands) toolbox: Arc<runner::Toolbox<Tools>>,
    pub(in crate::commands) isolation: String,
    /// Whose change the step is about.
    pub(in crate::commands) whose: Whose,
}

/// Reads and checks the step, and loads its tools. Where the base `decides`, its step file counts
/// and no other.
pub(in crate::commands) fn ready(
    args: &RunArgs,
    trees: &Trees,
    decides: bool,
) -> Result<Ready, Problem> {
    let whose = pipeline::whose::here();
    let from_head = whose.trust.may(Capability::TakeStepFromHead);
    if args.step_from_head && !from_head {
        return Err(Problem::Untrusted { what: "the step file of the head", whose });
    }
    let found = step_file::find(args, trees, decides)?;
    let bad = |source| Problem::BadStep { file: found.name.clone(), source: Box::new(source) };
    let mut step = Step::parse(&found.bytes).map_err(bad)?;
    for held_back in hold_back(&mut step, whose.trust) {
        if !args.quiet {
            note(&format!("{held_back}: {}", whose.because));
        }
    }
    let mut own = own_components(&step, trees, from_head)?;
    let takes = if args.step_from_head { Takes::Head } else { Takes::Base };
    if let Some(counts) = locked::counting(trees, takes, whose, args.quiet)? {
        let signers = locked::signers(&step).map_err(bad)?;
        own.extend(locked::components(&counts, &trees.root, &signers)?);
    }
    let load = if args.require_isolation { Tools::load_behind_walls } else { Tools::load };
    let calls = plan::concurrent_calls(&step.limits).map_err(bad)?;
    let tools = load(own, calls)?;
    let mut plan = plan::plan(&step, &known(&tools)).map_err(bad)?;
    let isolation = tools.isolation();
    // Never from the head where the base's step file counts, whoever changed it.
    let read = |name: &str| of_base(name, trees, from_head && !found.of_base);
    let completed = gates::complete(&step, plan.rules, tools, read);
    let (tools, rules) = completed.map_err(|trouble| trouble.of(&found.name))?;
    plan.rules = rules;
    let tools = tools.with(&plan.grants, plan.limits)?;
    let policy = args.sharing.cache_policy.as_deref();
    let cache = if args.no_cache { None } else { Some(sharing::open(policy)?) };
    let changes = plan.grants.of(runner::CHANGED_FILES);
    let toolbox = Arc::new(runner::Toolbox::new(tools, cache, changes));
    toolbox.check_schemas()?;
    Ok(Ready { found, step, plan, toolbox, isolation: isolation(), whose })
}

/// Takes from a step what its run may not do, and says what that is.
fn hold_back(step: &mut Step, trust: Trust) -> Vec<&'static str> {
    let mut held_back = Vec::new();
    if !trust.may(Capability::ShowEnvironmentToTools) && !step.tools.environment.is_empty() {
        step.tools.environment.clear();
        held_back.push("tools see no variable of the environment");
    }
    let passed = step.verify.as_mut().map(|verify| &mut verify.pass_env);
    if let Some(passed) = passed.filter(|passed| !passed.is_empty())
        && !trust.may(Capability::PassEnvironmentToTests)
    {
        passed.clear();
        held_back.push("the tests get no variable of `verify.pass-env`");
    }
    held_back
}

/// The step's own components, from the same tree as the step file would be.
/// Where it may be, one that was only just built will do.
fn own_components(step: &Step, trees: &Trees, from_head: bool) -> Result<Vec<Component>, Problem> {
    let read = |name: &String| Component::all(name, of_base(name, trees, from_head)?);
    wiring::flat(step.tools.component.iter().map(read))
}

/// A file of the tree that the step file would be from.
fn of_base(name: &str, trees: &Trees, from_head: bool) -> Result<Vec<u8>, Problem> {
    let tree = trees.base.as_ref().unwrap_or(&trees.head);
    match repo::file(&tree.snapshot, name) {
        Some(bytes) => Ok(bytes),
        None if from_head => wiring::component_below(&trees.root, name),
        None => Err(Problem::ComponentNotInBase { name: name.to_owned() }),
    }
}
