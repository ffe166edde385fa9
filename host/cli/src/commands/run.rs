//! `stepwell run`: from the command line to the runner, and back to an exit code.

mod answerer;
mod console;
mod handed;
mod kept;
mod paying;
mod ready;
mod secrets;
mod step_file;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use runner::{
    Carrier, FirstUse, HEAD_PART, ModelPlan, Plain, ResumeCommand, RunKey, RunPlan, TestCommand,
    TestLimits, Way,
};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use session::{Approval, Signal, prompt};
use snapshot::{Digest, GlobQuery, Grant, Question, Tree, View};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{pretty, print, reading, runtime};
use crate::approvals;
use crate::args::RunArgs;
use crate::confine::{self, Guarded};
use crate::exit;
use crate::pipeline::Pipeline;
use crate::plan::{Plan, access};
use crate::problem::Problem;
use crate::repo::{self, Trees};
use crate::say;
use crate::signing;
use crate::step::{self, Step};
use crate::wiring::Tools;
use crate::wiring::shared::SharedRuns;
use crate::wiring::trouble::Trouble;
use answerer::Answerer;
pub(super) use kept::KeptCommand;
use kept::shell_word;
pub(super) use ready::{Ready, ready};

/// Environment variables that a test command gets: what toolchains need, and no secret.
const TEST_ENV: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "JAVA_HOME",
];

/// Runs a step.
pub(super) fn run(args: &RunArgs) -> Result<u8, Problem> {
    go(args, None)
}

/// Runs a step, or goes on with the run that was begun as `kept` says.
pub(super) fn go(args: &RunArgs, kept: Option<&KeptCommand>) -> Result<u8, Problem> {
    // Before a key is read: what this process holds is for no other process of the same user, not
    // even for the step's own tests where nothing stands around them. Where the system refuses,
    // nothing else does.
    let _refused = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let mut trees = repo::open(&args.repo.repo, args.head.as_deref(), args.base.as_deref())?;
    if let Some(kept) = kept {
        kept.name_trees(&mut trees)?;
    }
    let trees = trees;
    let base_decides = kept.is_some_and(KeptCommand::base_decides);
    let signer = signing::signer(signing::TRACE_KEY)?;
    let Ready { found, step, plan, toolbox, isolation, whose } = ready(args, &trees, base_decides)?;
    let out_dir = out_dir(args, &trees)?;

    let platform = console::platform(args.ci);
    let outlets = if args.quiet { vec![] } else { vec![console::outlet(args.ci, plan.log)] };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let answerer = &Answerer::choose(args, &step, &plan, &found, &trees)?;
        let pipeline = &Pipeline::of(|name| env::var(name).ok());
        let shared = SharedRuns::named(args.store.store.as_deref())?;
        let shared = shared.as_ref();
        let parts =
            Parts { args, plan: &plan, step: &step, trees: &trees, answerer, pipeline, shared };
        let mut run = parts.assemble(&toolbox, out_dir.clone(), isolation)?;
        run.trust = Some(whose.trust);
        if let Some(kept) = kept {
            kept.hold_against(&run.key)?;
        }
        let (send, mut signals) = signals()?;
        let command = KeptCommand::of(args, &trees, answerer, shared, &run.key)?;
        if let Some(resume) = &mut run.resume {
            resume.begun = command.as_ref().map(KeptCommand::file);
        }
        tokio::select! {
            biased;
            // What comes while the store hangs is for the run, which leaves its artifacts.
            Some(signal) = signals.recv() => { send.try_send(signal).ok(); }
            opened = open_store(args, shared, &run, command.as_ref()) => opened?,
        }
        let ended = Box::pin(runner::run(run, toolbox, outlets, args.fresh, signals));
        ended.await.map_err(Problem::Run)
    });
    // What still runs (a search, a compile) is not worth waiting for.
    runtime.shutdown_background();
    let ended = ended?;
    let left = Left {
        page: reading::leave(&out_dir),
        signature: reading::sign(&out_dir, signer.as_ref()),
    };
    let mut said = handed::hand_over(platform, &ended, &out_dir, |name| env::var(name).ok())?;
    said.extend(platform.marks(&ended.result));
    if !args.quiet {
        said.splice(0..0, summary(&ended, &out_dir, left));
        say::lines(said);
    } else if exit::code(&ended.result) != exit::DONE {
        say::line(&format!("stepwell: {}; see {}", ended.result.stop_reason, out_dir.display()));
    }
    reading::after_run(&out_dir, whose.trust, args.quiet);
    if args.json {
        print(&pretty(&ended.result));
    }
    Ok(exit::code(&ended.result))
}

/// Tries the store out, and says there how the run was begun, before anything is paid for.
async fn open_store(
    args: &RunArgs,
    shared: Option<&SharedRuns>,
    run: &RunPlan,
    command: Option<&KeptCommand>,
) -> Result<(), Problem> {
    let Some(shared) = shared else { return Ok(()) };
    if let (Some(warning), false) = (shared.try_out().await?, args.quiet) {
        say::note(&warning);
    }
    match command.and_then(KeptCommand::for_others) {
        Some(bytes) => shared.keep_command(&run.key.run_name(), bytes).await,
        None => Ok(()),
    }
}

/// What a run is made of.
struct Parts<'a> {
    args: &'a RunArgs,
    plan: &'a Plan,
    step: &'a Step,
    trees: &'a Trees,
    answerer: &'a Answerer,
    pipeline: &'a Pipeline,
    shared: Option<&'a SharedRuns>,
}

impl Parts<'_> {
    fn assemble(
        &self,
        toolbox: &runner::Toolbox<Tools>,
        out_dir: PathBuf,
        isolation: String,
    ) -> Result<RunPlan, Problem> {
        let Self { args, plan, step, trees, answerer, pipeline, .. } = self;
        let trouble = Trouble::new(args.kill_at, args.fail_at);
        let head_id = trees.head_id()?;
        let key = self.key(toolbox, &head_id)?;
        let run = key.run_name();
        let approved = approved(args, &trees.state.join("runs").join(&run))?;
        let run_dir = trees.state.join("runs").join(&run);
        let ledger = {
            let (root, dir) = (&trees.root, run_dir.clone());
            paying::ledger(args, answerer, pipeline, &plan.name, root, &run, dir)?
        };
        let mut session = plan.session.clone();
        session.price = answerer.price;
        session.job_ms = job_time(args.deadline, pipeline)
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        session.model_used = answerer.model_used;
        session.request_overhead_bytes = overhead_bytes(&session, toolbox);
        Ok(RunPlan {
            step: plan.name.clone(),
            resume: Some(self.resume_command(&run)),
            session,
            model: ModelPlan {
                provider: answerer.provider.to_owned(),
                model: answerer.model.clone(),
                endpoint: trouble.endpoint(answerer.endpoint_for(&run)?),
                shown: answerer.shown.clone(),
                connect: access::connect_timeout(plan.access.as_ref()),
                effort: step.model.as_ref().and_then(|model| model.effort.clone()),
                service_tier: access::service_tier(plan.access.as_ref()),
                way: plan.access.as_ref().map_or_else(Way::default, |access| access.transport),
                prompt_cache_key: format!("stepwell-{}", plan.name),
            },
            rules: plan.rules.clone().knowing(secrets::secrets(step)?),
            tests: plan.verify.as_ref().map(|tests| test_command(tests, trees)).transpose()?,
            head: trees.head.clone(),
            base: trees.base.clone(),
            shown: crate::trees::shown(step, &trees.root, &trees.head.snapshot)?,
            run_dir,
            out_dir,
            key,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            isolation,
            trust: None,
            pipeline: pipeline.named(),
            answer_bytes: plan.answer_bytes,
            calls_at_once: plan.concurrent_calls,
            approved,
            machine: trouble.machine(),
            ledger,
            carrier: self.shared.map(|shared| Arc::new(shared.clone()) as Arc<dyn Carrier>),
        })
    }

    /// What goes on with the run, here and on other machines.
    fn resume_command(&self, run: &str) -> ResumeCommand {
        let mut command = format!("stepwell resume {run}");
        let repo = &self.args.repo.repo;
        if repo != Path::new(".") {
            let _ = write!(command, " --repo {}", shell_word(&repo.display().to_string()));
        }
        if let Some(shared) = self.shared {
            let _ = write!(command, " --store {}", shell_word(shared.url()));
        }
        let approve_gate = format!("stepwell approve {run} --gate");
        ResumeCommand { command, approve: "--approve".to_owned(), approve_gate, begun: None }
    }

    /// Everything that the run's outcome depends on.
    fn key(&self, toolbox: &runner::Toolbox<Tools>, head_id: &str) -> Result<RunKey, Problem> {
        let Self { step, plan, trees, answerer, .. } = self;
        let base = trees.base_commit.as_ref().map(ToString::to_string).unwrap_or_default();
        let tools = toolbox.tools().iter();
        let tools: Vec<String> = tools
            .map(|tool| {
                let seen = tool.grant.variables();
                let seen = if seen.is_empty() { String::new() } else { digest(seen) };
                format!("{} {} {seen}", tool.component, tool.profile).trim_end().to_owned()
            })
            .collect();
        let parts = [
            (HEAD_PART, head_id.to_owned()),
            ("the base", base),
            ("the reports", reports(trees, step)),
            ("the tools", tools.join(" ")),
            ("the provider", format!("{} {}", answerer.provider, answerer.identity)),
            ("the model", answerer.model.clone()),
            ("the price", pretty(&answerer.price)),
            ("the prompt", prompt::VERSION.to_string()),
            ("stepwell's version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let key = parts_of(step, RunKey::new(parts.map(|(name, value)| (name.to_owned(), value))));
        let gates = &step.gates;
        if gates.own.is_empty() && gates.dependencies.published.is_none() {
            return Ok(key);
        }
        // What the step file only names.
        let named = Digest::of(plan.rules.canonical().as_bytes()).to_string();
        Ok(key.with("what the gates are made of", named, FirstUse::Gates))
    }
}

fn digest(value: &impl serde::Serialize) -> String {
    Digest::of(pretty(value).as_bytes()).to_string()
}

/// The key with what the step file says, by its tables: a comment changes nothing, and what tells
/// late leaves what another run paid for before that.
fn parts_of(step: &Step, key: RunKey) -> RunKey {
    // Each is named: a new one must be thought of. What the log shows changes nothing of the run.
    let Step {
        name,
        goal,
        task,
        model,
        context,
        tools,
        budget,
        check,
        gates,
        verify,
        limits,
        log: _,
    } = step;
    key.with("the task", digest(&(name, goal, task)), FirstUse::Answers)
        .with("the model's settings", digest(model), FirstUse::Answers)
        .with("the context", digest(context), FirstUse::Answers)
        .with("the tools' settings", digest(&(tools, limits)), FirstUse::Answers)
        .with("the budgets", digest(budget), FirstUse::Rules)
        .with("the checks", digest(check), FirstUse::Rules)
        .with("the gates", digest(gates), FirstUse::Gates)
        .with("the tests", digest(verify), FirstUse::Tests)
}

/// What the test reports say that lie in the working tree: they are ignored by git, and so not a
/// part of what names the head.
fn reports(trees: &Trees, step: &Step) -> String {
    let named = &step.context.reports;
    let patterns = if named.is_empty() { usual_reports() } else { named.clone() };
    let query = GlobQuery { patterns, include_ignored: true, max_paths: GlobQuery::PATHS_MAX };
    let view = View::new(trees.head.snapshot.clone(), None, Grant::everything());
    let found = Question::Glob { tree: Tree::Head, query };
    let mut digests = vec![view.answer_digest(&found).to_string()];
    if let snapshot::Answer::Glob(found) = view.answer(&found) {
        let content = |path| Question::Content { tree: Tree::Head, path };
        digests
            .extend(found.paths.into_iter().map(|p| view.answer_digest(&content(p)).to_string()));
    }
    Digest::of(digests.join(" ").as_bytes()).to_string()
}

/// Where reports lie that the step does not name and git ignores; `test_summary` looks at such
/// places.
fn usual_reports() -> Vec<String> {
    const PLACES: [&str; 9] = [
        "{junit*,TEST-*,*test-results*,*test-report*}.xml",
        "{cargo-test,nextest,test-output}*.{txt,log}",
        "{*test-results*,*test-report*,*test-output*,ctrf*,go-test*}.{json,jsonl}",
        "*.{trx,sarif,tap}",
        "{reports,report,test-results,test-reports,ctrf}/**/*.{xml,json,jsonl,trx,tap,sarif}",
        "{test-results,test-reports}/**/*.{txt,log}",
        "TestResults/**/*.{trx,xml}",
        "target/nextest/*/*.xml",
        "{target/surefire-reports,target/failsafe-reports,build/test-results}/**/*.xml",
    ];
    let below = |above| PLACES.map(|place| format!("{above}{place}"));
    ["", "*/", "*/*/"].into_iter().flat_map(below).collect()
}

/// Where the artifacts go. It is made before anything is paid for.
fn out_dir(args: &RunArgs, trees: &Trees) -> Result<PathBuf, Problem> {
    let own = trees.root.join(".stepwell");
    let out = args.out.clone().unwrap_or_else(|| own.join("out"));
    if args.out.is_none() {
        // The repository must not turn them elsewhere.
        for path in [&own, &out] {
            if path.is_symlink() {
                return Err(Problem::OutIsLink { path: path.clone() });
            }
        }
    }
    let made = std::fs::create_dir_all(&out);
    made.map_err(|source| Problem::File { what: "make the directory", path: out.clone(), source })?;
    Ok(out)
}

/// How long this attempt may take, so that its artifacts are there before the pipeline ends the job.
fn job_time(deadline: Option<Duration>, pipeline: &Pipeline) -> Option<Duration> {
    /// What is kept back for the end of a run: at most this, and at most a tenth.
    const KEPT_BACK_MAX: Duration = Duration::from_secs(15);
    let left = |ends: SystemTime| ends.duration_since(SystemTime::now()).unwrap_or_default();
    let time = deadline.or_else(|| pipeline.ends.map(left))?;
    Some(time.saturating_sub(KEPT_BACK_MAX.min(time / 10)))
}

/// What people let pass: value checks on the command line, and gates by files.
fn approved(args: &RunArgs, run_dir: &Path) -> Result<Vec<Approval>, Problem> {
    let files = approvals::all(run_dir, &args.approval)?;
    let checks = args.approve.iter().map(|check| approval(check));
    Ok(checks.chain(files.iter().map(apply::ApprovalFile::approval)).collect())
}

/// A value check that is let pass on the command line.
fn approval(check: &str) -> Approval {
    Approval { check: check.to_owned(), by: approvals::approver(), bound: None }
}

/// Bytes that every request carries besides the conversation.
pub(super) fn overhead_bytes(session: &session::Plan, toolbox: &runner::Toolbox<Tools>) -> u64 {
    /// What JSON and the provider put around a tool, and the host's own tools, at most.
    const AROUND: usize = 200;
    const HOST_TOOLS: usize = 8 * 1024;
    let tools = toolbox.tools().iter().map(|tool| {
        tool.name.len() + tool.description.len() + tool.schema.to_string().len() + AROUND
    });
    (prompt::instructions(session.goal).len() + tools.sum::<usize>() + HOST_TOOLS) as u64
}

fn test_command(verify: &step::Verify, trees: &Trees) -> Result<TestCommand, Problem> {
    let names = TEST_ENV.iter().copied().chain(verify.pass_env.iter().map(String::as_str));
    let set = names.filter_map(|name| Some((name.to_owned(), env::var(name).ok()?)));
    let env: BTreeMap<String, String> = set.chain([("CI".to_owned(), "true".to_owned())]).collect();
    let Guarded { confine, has_walls } = confine::confine(verify, &env, trees)?;
    Ok(TestCommand {
        command: verify.command.clone(),
        reports: verify.reports.clone(),
        env,
        kept: (verify.deterministic && has_walls).then(|| trees.state.join("tests")),
        limits: TestLimits::default(),
        confine: Some(confine),
    })
}

/// Turns the system's signals into the run's.
fn signals() -> Result<(mpsc::Sender<Signal>, mpsc::Receiver<Signal>), Problem> {
    let (sender, receive) = mpsc::channel(2);
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
    ];
    for (kind, meaning) in kinds {
        let mut stream = signal(kind).map_err(Problem::Start)?;
        let send = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                // A run that is over does not listen any more.
                let _over = send.send(meaning).await;
            }
        });
    }
    Ok((sender, receive))
}

/// What somebody who looks at a sink did not see, because it was behind and because it was not to be
/// shown; none where that only repeated what they saw.
fn not_shown(missed: &session::Missed) -> [(&'static str, Option<String>); 2] {
    let session::Missed {
        records,
        repeated: _,
        text_bytes,
        left_out_lines,
        left_out_text_bytes,
        behind_at_end: _,
    } = missed;
    let told = |things: u64, what: &str, of: &str, text: u64| {
        let things = (things > 0).then(|| format!("{}{of}", runner::count(things, what)));
        let text = (text > 0).then(|| format!("{} of the model's text", runner::bytes(text)));
        let all: Vec<String> = things.into_iter().chain(text).collect();
        (!all.is_empty()).then(|| all.join(" and "))
    };
    [
        ("not shown", told(*records, "record", "", *text_bytes)),
        ("left out", told(*left_out_lines, "line", " of tools' logs", *left_out_text_bytes)),
    ]
}

/// Which artifacts were left beside those of the runner.
#[derive(Clone, Copy)]
struct Left {
    page: bool,
    signature: bool,
}

/// The end of the operator's log: what was found, and where the rest is.
fn summary(ended: &runner::Ended, out_dir: &Path, left: Left) -> Vec<String> {
    /// Findings, and questions for people, that are shown; the report has all of them.
    const SHOWN: usize = 3;
    let mut lines = Vec::new();
    let mut line = |word: &str, rest: &str| {
        lines.push(format!("           {word:<14}  {rest}").trim_end().to_owned());
    };
    let result = &ended.result;
    let findings = result.analysis.iter().flat_map(|analysis| &analysis.findings);
    for finding in findings.take(SHOWN) {
        let place = finding.file.as_ref().map_or(String::new(), |file| {
            let number = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            format!(" ({file}{number})")
        });
        line("found", &Plain(&format!("{}{place}", finding.title)).to_string());
    }
    let needs = result.analysis.iter().flat_map(|analysis| &analysis.needs);
    for need in needs.take(SHOWN) {
        line("needed", &Plain(&need.question).to_string());
    }
    let name = |file: &str| out_dir.join(file).display().to_string();
    line("artifacts", &name("report.md"));
    let mut others = vec!["result.json", "accounting.json", "trace.jsonl"];
    if result.patch.is_some() {
        others.insert(0, "patch.diff");
    }
    if left.page {
        others.insert(0, reading::PAGE);
    }
    if left.signature {
        others.push(apply::SIGNATURE);
    }
    line("", &others.join(", "));
    for (sink, missed) in &ended.accounting.missed {
        for (word, what) in not_shown(missed) {
            if let Some(what) = what {
                line(word, &format!("{what} ({sink}); the trace has all of it"));
            }
        }
    }
    for why in &ended.accounting.unshared {
        line("warning", &format!("not shared: {}", Plain(why)));
    }
    if let Some(why) = &ended.accounting.unbooked {
        line("warning", &format!("the ledger does not know the last charge yet: {}", Plain(why)));
    }
    if let Some(resume) = &ended.accounting.resume {
        line("resume", &Plain(resume).to_string());
    }
    lines
}
