//! A step that is read and checked, with its tools loaded: all that a run needs but a model.

use std::sync::Arc;

use super::step_file::{self, Found};
use crate::args::RunArgs;
use crate::commands::validate::known;
use crate::plan::{self, Plan};
use crate::problem::Problem;
use crate::repo::{self, Trees};
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
}

/// Reads and checks the step, and loads its tools. Where the base `decides`, its step file counts
/// and no other.
pub(in crate::commands) fn ready(
    args: &RunArgs,
    trees: &Trees,
    decides: bool,
) -> Result<Ready, Problem> {
    let found = step_file::find(args, trees, decides)?;
    let bad = |source| Problem::BadStep { file: found.name.clone(), source: Box::new(source) };
    let step = Step::parse(&found.bytes).map_err(bad)?;
    let own = own_components(&step, trees)?;
    let load = if args.require_isolation { Tools::load_behind_walls } else { Tools::load };
    let calls = plan::concurrent_calls(&step.limits).map_err(bad)?;
    let tools = load(own, calls)?;
    let plan = plan::plan(&step, &known(&tools)).map_err(bad)?;
    let isolation = tools.isolation();
    let tools = tools.with(&plan.grants, plan.limits)?;
    let policy = args.sharing.cache_policy.as_deref();
    let cache = if args.no_cache { None } else { Some(sharing::open(policy)?) };
    let changes = plan.grants.of(runner::CHANGED_FILES);
    let toolbox = Arc::new(runner::Toolbox::new(tools, cache, changes));
    toolbox.check_schemas()?;
    Ok(Ready { found, step, plan, toolbox, isolation })
}

/// The step's own components, from the same tree as the step file would be.
fn own_components(step: &Step, trees: &Trees) -> Result<Vec<Component>, Problem> {
    let read = |name: &String| {
        let tree = trees.base.as_ref().unwrap_or(&trees.head);
        let bytes = match repo::file(&tree.snapshot, name) {
            Some(bytes) => bytes,
            None => wiring::component_below(&trees.root, name)?,
        };
        Component::new(name.clone(), bytes)
    };
    step.tools.component.iter().map(read).collect()
}
