//! `stepwell apply`: the one command that writes outside `.stepwell`, in a process that holds no key
//! and asks no model.

use std::env;
use std::path::{Path, PathBuf};

use apply::{Cleared, Delivery, Head, Terms, Written};
use runner::{Plain, count};
use serde_json::{Value, json};
use session::Approval;
use snapshot::RepoPath;

use super::run::{self, Ready};
use super::{pretty, print, runtime};
use crate::args::{ApplyArgs, RunArgs};
use crate::problem::{LeavingProblem, Problem};
use crate::repo::{self, Trees};
use crate::{approvals, exit};

/// Applies the patch of a run.
pub(super) fn apply(args: &ApplyArgs) -> Result<u8, Problem> {
    // A branch grows out of a commit, whatever else lies in the working tree.
    let head = args.branch.as_ref().map(|_| "HEAD");
    let trees = repo::open(&args.repo.repo, head, args.base.as_deref())?;
    let dir = args.from.clone().unwrap_or_else(|| trees.root.join(".stepwell/out"));
    let delivery = Delivery::read(&dir)
        .map_err(|source| LeavingProblem::Delivery { dir: dir.clone(), source })?;
    is_of_run(args, &delivery, dir)?;
    if args.branch.is_none() && args.files.is_none() {
        let done = apply::finish(&trees.root, &trees.state, delivery.patch_digest());
        if let Some(Written::Before(paths)) = done.map_err(LeavingProblem::from)? {
            let said = format!("{} stands in the working tree already", files(paths.len()));
            return Ok(told(
                args,
                &said,
                &delivery,
                &json!({ "to": "working-tree", "before": true }),
            ));
        }
    }
    let cleared = held(args, &trees, delivery)?;
    let dry = args.dry_run || (env::var_os("CI").is_some() && !args.write);
    if dry {
        let said = format!("{} would be written; `--write` does it", paths(cleared.paths()));
        return Ok(told(args, &said, cleared.delivery(), &json!({ "to": Value::Null })));
    }
    let (said, how) = write(args, &trees, &cleared)?;
    Ok(told(args, &said, cleared.delivery(), &how))
}

fn is_of_run(args: &ApplyArgs, delivery: &Delivery, dir: PathBuf) -> Result<(), LeavingProblem> {
    match &args.run {
        Some(asked) if !delivery.run().starts_with(asked.as_str()) => {
            let found = Plain(delivery.run()).to_string();
            Err(LeavingProblem::OtherRun { dir, found, asked: asked.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

/// The delivery, held against the head that is here and the gates of the base's step file. Where it
/// may change dependencies, the tools say how, as in a run.
fn held(args: &ApplyArgs, trees: &Trees, delivery: Delivery) -> Result<Cleared, Problem> {
    let of_run = RunArgs {
        step: args.step.clone(),
        repo: args.repo.clone(),
        base: args.base.clone(),
        quiet: args.json,
        ..RunArgs::default()
    };
    let Ready { plan, toolbox, .. } = run::ready(&of_run, trees, false)?;
    let commit = repo::commit_of_head(&args.repo.repo);
    let head = Head { tree: trees.head.snapshot.clone(), commit };
    let run_dir = trees.state.join("runs").join(delivery.run());
    let approvals = approvals(args, &run_dir)?;
    let fitting = apply::fit(delivery, &head).map_err(LeavingProblem::Refused)?;
    let diff = fitting.delivery().patch().patch().to_diff();
    let (tree, head_id) = (head.tree, fitting.delivery().bound().head.clone());
    let rules = plan.rules.clone();
    let judged = runner::judge_patch(&diff, tree, head_id, rules, &plan.name, &toolbox);
    let judged = runtime()?.block_on(judged);
    let terms = Terms { rules: &plan.rules, approvals: &approvals, accepted: &args.accept };
    Ok(fitting.clear(judged.verdicts, terms).map_err(LeavingProblem::Refused)?)
}

/// What people let pass: by files, and, where nobody must sign, by whoever types this.
fn approvals(args: &ApplyArgs, run_dir: &Path) -> Result<Vec<Approval>, Problem> {
    let files = approvals::all(run_dir, &args.approval)?;
    let mut all: Vec<Approval> = files.iter().map(apply::ApprovalFile::approval).collect();
    if args.approve.is_empty() {
        return Ok(all);
    }
    if approvals::approvers()?.is_some() {
        return Err(LeavingProblem::MustBeSigned.into());
    }
    let here =
        |gate: &String| Approval { check: gate.clone(), by: approvals::approver(), bound: None };
    all.extend(args.approve.iter().map(here));
    Ok(all)
}

fn write(
    args: &ApplyArgs,
    trees: &Trees,
    cleared: &Cleared,
) -> Result<(String, Value), LeavingProblem> {
    if let Some(branch) = &args.branch {
        let made = apply::to_branch(cleared, &trees.root, branch)?;
        let was = if made.before { "is there already" } else { "is made" };
        let short: String = made.commit.chars().take(10).collect();
        let said = format!("the branch `{}` {was}, at {short}", made.branch);
        let how = json!({ "to": "branch", "branch": made.branch, "commit": made.commit, "before": made.before });
        return Ok((said, how));
    }
    if let Some(dir) = &args.files {
        let handed = apply::to_files(cleared, dir)?;
        let said = format!("{}: {}", dir.display(), handed.files.join(", "));
        return Ok((said, json!({ "to": "files", "dir": dir, "handout": handed })));
    }
    apply::to_working_tree(cleared, &trees.root, &trees.state)?;
    let said = format!("written: {}", paths(cleared.paths()));
    Ok((said, json!({ "to": "working-tree", "before": false })))
}

fn told(args: &ApplyArgs, said: &str, delivery: &Delivery, how: &Value) -> u8 {
    if args.json {
        let files: Vec<&str> = delivery.patch().paths().collect();
        print(&pretty(&json!({
            "run": delivery.run(),
            "patch": delivery.patch_digest(),
            "files": files,
            "written": how,
        })));
    } else {
        print(said);
    }
    exit::DONE
}

fn files(number: usize) -> String {
    count(number as u64, "file of the patch").replace("file of the patchs", "files of the patch")
}

fn paths<'a>(paths: impl Iterator<Item = &'a RepoPath>) -> String {
    let names: Vec<String> = paths.map(|path| Plain(path.as_str()).to_string()).collect();
    names.join(", ")
}
