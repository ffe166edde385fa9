//! Running kept calls again: the only way to know that a record of somebody else is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use cache::{Cache, Output, Remote, Testimony, Visited};
use runner::{Execution, Toolbox};
use serde::Serialize;
use serde_json::json;
use session::Answer;
use snapshot::{Digest, Grant, View};

use super::super::run::{Ready, ready};
use super::super::{pretty, print, tool};
use super::share::{no_domain, store_problem};
use super::{trouble, wait_for};
use crate::args::{AgainArgs, CacheAuditArgs, CachePromoteArgs, RunArgs};
use crate::problem::{Problem, SharingProblem};
use crate::repo;
use crate::say::note;
use crate::sharing;
use crate::wiring::Tools;

/// The exit code where an output differed.
const LIES: u8 = 1;

/// Tools as a step has them or as a person does, and what each may read.
struct Setting {
    toolbox: Arc<Toolbox<Tools>>,
    grants: BTreeMap<Digest, Grant>,
}

/// Where calls are run again.
struct Bench {
    settings: Vec<Setting>,
    trees: runner::Trees,
}

/// What running calls again has shown.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Findings {
    /// They gave the same.
    proved: u64,
    /// Something that they asked is answered otherwise on these trees.
    elsewhere: u64,
    /// Their tool, their grant or their limits are not known here.
    unknown: u64,
    /// They were ended before they came to an answer.
    ended: u64,
    /// What lies in the store under the name of a record and is none.
    broken: u64,
    /// Nobody who is trusted in that domain signed them.
    not_believed: u64,
    /// They gave something else.
    lies: Vec<Lie>,
}

/// A record that is wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Lie {
    observed: String,
    tool: String,
    args: String,
    claimed: String,
    signer: Option<String>,
    run: Option<String>,
}

/// Runs a sample again, and compares.
pub(in crate::commands) fn audit(args: &CacheAuditArgs) -> Result<u8, Problem> {
    let cache = sharing::open(args.again.sharing.cache_policy.as_deref())?;
    let bench = Bench::new(&args.again)?;
    let mut findings = Findings::default();
    wait_for(async {
        let sample = match &args.domain {
            None => cache.testimonies(args.sample, args.seed).map_err(trouble)?,
            Some(domain) => {
                let chosen = Chosen { most: args.sample, seed: args.seed };
                fetch(&cache, domain, Some(chosen), &mut findings).await?
            }
        };
        for testimony in sample {
            bench.test(&testimony, false, &mut findings).await;
        }
        Ok::<(), Problem>(())
    })??;
    if args.domain.is_none() {
        findings.lies.iter().for_each(|lie| condemn(&cache, lie));
    }
    Ok(report(&findings, args.json, "agree"))
}

/// Runs what another domain holds again, and shares what proved right.
pub(in crate::commands) fn promote(args: &CachePromoteArgs) -> Result<u8, Problem> {
    let cache = sharing::open_shared(args.again.sharing.cache_policy.as_deref())?;
    if cache.remote().and_then(Remote::writes).is_none() {
        return Err(SharingProblem::NoWrites.into());
    }
    let bench = Bench::new(&args.again)?;
    let mut findings = Findings::default();
    let pushed = wait_for(async {
        for testimony in fetch(&cache, &args.from, None, &mut findings).await? {
            bench.test(&testimony, true, &mut findings).await;
        }
        Ok::<_, Problem>(cache.push(&args.run).await)
    })??;
    pushed.troubles.iter().for_each(|trouble| note(trouble));
    let code = report(&findings, args.json, "proved right, and are shared as ours");
    Ok(if pushed.troubles.is_empty() { code } else { code.max(LIES) })
}

/// Which records of a domain, where not all.
struct Chosen {
    most: usize,
    seed: u64,
}

/// The records of a domain, all or a sample.
async fn fetch(
    cache: &Cache,
    domain: &str,
    chosen: Option<Chosen>,
    findings: &mut Findings,
) -> Result<Vec<Testimony>, Problem> {
    let none = || SharingProblem::NoDomain { name: domain.to_owned(), known: Vec::new() };
    let remote = cache.remote().ok_or_else(none)?;
    let visitor = remote.visit(domain).ok_or_else(|| no_domain(remote, domain))?;
    let failed = |source| store_problem(domain, source);
    let mut keys = visitor.records().await.map_err(failed)?;
    if let Some(Chosen { most, seed }) = chosen {
        keys.sort_by_key(|key| {
            Digest::derive("stepwell 2026-11 sample v1", &[&seed.to_le_bytes(), key.as_bytes()])
        });
        keys.truncate(most);
    }
    let mut fetched = Vec::new();
    for key in keys {
        match visitor.fetch(key).await.map_err(failed)? {
            None => {}
            Some(Visited::Broken) => findings.broken += 1,
            // Whoever signed it, it is run again; but a stranger's is worth a word.
            Some(Visited::Whole(testimony, _)) => {
                findings.not_believed += u64::from(!testimony.is_believed(cache.trust()));
                fetched.push(*testimony);
            }
        }
    }
    Ok(fetched)
}

impl Setting {
    fn of(toolbox: Arc<Toolbox<Tools>>) -> Self {
        let grants = toolbox.tools().iter();
        let grants = grants.map(|tool| (tool.grant.digest(), tool.grant.clone())).collect();
        Self { toolbox, grants }
    }
}

impl Bench {
    fn new(args: &AgainArgs) -> Result<Self, Problem> {
        let trees = repo::open(&args.repo.repo, args.rev.as_deref(), args.base.as_deref())?;
        let by_hand = tool::toolbox(Vec::new(), Some(&args.sharing))?;
        let mut settings = vec![Setting::of(Arc::new(by_hand))];
        let run = RunArgs {
            step: args.step.clone(),
            repo: args.repo.clone(),
            head: args.rev.clone(),
            base: args.base.clone(),
            sharing: args.sharing.clone(),
            ci: None,
            quiet: true,
            ..RunArgs::default()
        };
        match ready(&run, &trees, false) {
            Ok(Ready { toolbox, .. }) => settings.push(Setting::of(toolbox)),
            // Without a step only what people called by hand can be run again.
            Err(Problem::NoStep { .. }) if args.step.is_none() => {}
            Err(problem) => return Err(problem),
        }
        let trees = runner::Trees {
            names: (trees.head.name, trees.base.as_ref().map(|base| base.name.clone())),
            head: trees.head.snapshot,
            base: trees.base.map(|base| base.snapshot),
        };
        Ok(Self { settings, trees })
    }

    /// Runs a call again, if that can be done here, and compares.
    async fn test(&self, testimony: &Testimony, keep_it: bool, findings: &mut Findings) {
        let Some((setting, grant)) = self.setting_of(testimony) else {
            findings.unknown += 1;
            return;
        };
        let view = View::new(self.trees.head.clone(), self.trees.base.clone(), grant.clone());
        if !testimony.holds_in(&view) {
            findings.elsewhere += 1;
            return;
        }
        let again = setting.toolbox.run_again(&testimony.call, grant, &self.trees, keep_it).await;
        match agrees(testimony, &again) {
            Some(true) => findings.proved += 1,
            Some(false) => findings.lies.push(lie(testimony)),
            None => findings.ended += 1,
        }
    }

    /// The tools and the grant that a call was made with.
    fn setting_of(&self, testimony: &Testimony) -> Option<(&Setting, &Grant)> {
        let identity = testimony.call.identity();
        self.settings.iter().find_map(|setting| {
            let grant = setting.grants.get(&identity.grant)?;
            let is_it = |tool: &&runner::ToolInfo| {
                tool.name == identity.tool
                    && tool.component == identity.component
                    && tool.profile == identity.profile
            };
            setting.toolbox.tools().iter().find(is_it).map(|_| (setting, grant))
        })
    }
}

/// Whether a run gave what the record claims; none where it came to no answer.
fn agrees(testimony: &Testimony, again: &Execution) -> Option<bool> {
    let (kind, output) = match &again.answer {
        Answer::Answered { output } => (Output::Answer, output),
        Answer::Refused { message } => (Output::Refusal, message),
        Answer::Ended { .. } => return None,
    };
    let observed = again.observed.as_ref()?;
    Some(testimony.agrees_with(observed, kind, output.as_bytes()))
}

fn lie(testimony: &Testimony) -> Lie {
    let Testimony { call, record, origin, .. } = testimony;
    Lie {
        observed: record.observed.to_string(),
        tool: call.identity().tool.clone(),
        args: call.identity().args.to_string(),
        claimed: record.output.to_string(),
        signer: origin.as_ref().map(|origin| origin.proof.signer.to_string()),
        run: origin.as_ref().map(|origin| origin.proof.run.clone()),
    }
}

/// What was found wrong here is not served again.
fn condemn(cache: &Cache, lie: &Lie) {
    if let Some(testimony) = lie.observed.parse().ok().and_then(|key| cache.testimony_of(key)) {
        cache.condemn(&testimony.record);
    }
}

fn report(findings: &Findings, as_json: bool, proved: &str) -> u8 {
    let Findings { elsewhere, unknown, ended, broken, not_believed, lies, .. } = findings;
    let code = if lies.is_empty() { 0 } else { LIES };
    if as_json {
        print(&pretty(&json!(findings)));
        return code;
    }
    print(&format!("{} outputs {proved}", findings.proved));
    let others = [
        (*elsewhere, "saw something else than there is on these trees"),
        (*unknown, "are of tools, grants or limits that are not known here"),
        (*ended, "came to no answer this time"),
        (*broken, "are no records at all"),
        (*not_believed, "are signed by nobody who is trusted there"),
    ];
    for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
        print(&format!("{count} {what}"));
    }
    for lie in lies {
        let signer = lie.signer.as_deref().unwrap_or("this machine");
        let run = lie.run.as_deref().map_or(String::new(), |run| format!(", run {run}"));
        print(&format!(
            "WRONG: {} {} is not {}: {signer}{run} said so ({})",
            lie.tool, lie.args, lie.claimed, lie.observed
        ));
    }
    code
}
