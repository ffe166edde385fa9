//! `stepwell run`: from the command line to the runner, and back to an exit code.

use std::collections::BTreeMap;
use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runner::{ModelPlan, Operator, RunKey, RunPlan, Sink, TestCommand, Tree};
use session::budget::Price;
use session::{Signal, prompt};
use snapshot::Digest;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wire::{Endpoint, Responder, Secret, Server};

use super::validate::known;
use super::{model, pretty, print, runtime, tool};
use crate::args::{Provider, RunArgs};
use crate::exit;
use crate::plan::{self, Plan};
use crate::problem::Problem;
use crate::repo::{self, Trees};
use crate::step::{self, Step};
use crate::wiring::{Component, Tools};

/// How long a connection to the model may take.
const CONNECT: Duration = Duration::from_secs(5);
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
    let trees = repo::open(&args.repo.repo, args.head.as_deref(), args.base.as_deref())?;
    let found = find_step(args, &trees)?;
    let bad = |source| Problem::BadStep { file: found.name.clone(), source: Box::new(source) };
    let step = Step::parse(&found.bytes).map_err(bad)?;
    let tools = Tools::load(own_components(&step, &trees)?)?;
    let plan = plan::plan(&step, &known(&tools)).map_err(bad)?;
    let isolation = tools.isolation();
    let tools = tools.with(&plan.grants, plan.limits);
    let cache = if args.no_cache { None } else { Some(tool::cache()?) };
    let toolbox = Arc::new(runner::Toolbox::new(tools, cache)?);

    let sinks: Vec<Box<dyn Sink>> =
        if args.quiet { vec![] } else { vec![Box::new(Operator::new(std::io::stderr()))] };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let answerer = Answerer::choose(args, &step)?;
        let run = assemble(args, &plan, &step, &trees, &found, &answerer, &toolbox, isolation)?;
        let out_dir = run.out_dir.clone();
        let ended = runner::run(run, toolbox, sinks, args.fresh, signals()?);
        let ended = ended.await.map_err(Problem::Run)?;
        Ok::<_, Problem>((ended, out_dir))
    });
    // What still runs (a search, a compile) is not worth waiting for.
    runtime.shutdown_background();
    let (ended, out_dir) = ended?;
    if !args.quiet {
        summary(&ended, &out_dir);
    }
    if args.json {
        print(&pretty(&ended.result));
    }
    Ok(exit::code(&ended.result))
}

/// The step file, and where it was found.
struct Found {
    /// For people.
    name: String,
    bytes: Vec<u8>,
}

/// Reads the step file from the base commit where it has one: a change under test does not
/// choose what is done with it.
fn find_step(args: &RunArgs, trees: &Trees) -> Result<Found, Problem> {
    let path = args.step.clone().unwrap_or_else(|| trees.root.join(".stepwell/step.toml"));
    let inside = inside(&path, &trees.root);
    let of_base = match (&trees.base, &inside) {
        (Some(base), Some(inside)) if !args.step_from_head => {
            repo::file(&base.snapshot, inside).map(|bytes| (bytes, base))
        }
        (_, _) => None,
    };
    let of_head = match &inside {
        Some(inside) if args.head.is_some() => repo::file(&trees.head.snapshot, inside),
        Some(_) | None => read_if_there(&path)?,
    };
    match (of_base, of_head) {
        (Some((bytes, base)), head) => {
            if head.is_some_and(|head| head != bytes) && !args.quiet {
                note(&format!(
                    "the step file of the base {} counts, not the changed one (--step-from-head takes that)",
                    base.name
                ));
            }
            Ok(Found { name: format!("{} of {}", path.display(), base.name), bytes })
        }
        (None, Some(bytes)) => Ok(Found { name: path.display().to_string(), bytes }),
        (None, None) => Err(Problem::NoStep { path }),
    }
}

fn inside(path: &Path, root: &Path) -> Option<String> {
    let full = std::path::absolute(path).ok()?;
    let parent = full.parent()?.canonicalize().ok()?;
    let full = parent.join(full.file_name()?);
    full.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Problem::File { what: "read", path: path.to_owned(), source }),
    }
}

/// The step's own components, from the same tree as the step file would be.
fn own_components(step: &Step, trees: &Trees) -> Result<Vec<Component>, Problem> {
    let read = |name: &String| {
        let tree = trees.base.as_ref().unwrap_or(&trees.head);
        let of_base = repo::file(&tree.snapshot, name);
        let path = trees.root.join(name);
        let bytes = match of_base {
            Some(bytes) => bytes,
            None => std::fs::read(&path).map_err(|source| Problem::File {
                what: "read",
                path,
                source,
            })?,
        };
        Ok(Component { name: name.clone(), bytes })
    };
    step.tools.component.iter().map(read).collect()
}

/// Who answers, with the server of ours that lives as long as the run.
struct Answerer {
    provider: &'static str,
    model: String,
    shown: String,
    endpoint: Endpoint,
    price: Price,
    model_used: bool,
    /// What the answers depend on besides the model's name.
    identity: String,
    _server: Option<Server>,
}

impl Answerer {
    fn choose(args: &RunArgs, step: &Step) -> Result<Self, Problem> {
        let key_is_set = |model: &step::Model| env::var_os(&model.key_env).is_some();
        let provider = args.provider.clone().unwrap_or_else(|| match &step.model {
            Some(model) if key_is_set(model) => Provider::OpenAi,
            Some(_) | None => Provider::Offline,
        });
        match provider {
            Provider::OpenAi => Self::network(step),
            Provider::Offline => {
                let analyst = Arc::new(wire::offline::Analyst);
                let mut answerer = Self::ours(analyst, "offline", String::new())?;
                answerer.model_used = false;
                Ok(answerer)
            }
            Provider::Script(path) => {
                let (script, text) = model::script(&path)?;
                let identity = Digest::of(text.as_bytes()).to_string();
                let mut answerer = Self::ours(Arc::new(script), "script", identity)?;
                if let Some(model) = &step.model {
                    answerer.price = plan::price(&model.price);
                }
                Ok(answerer)
            }
        }
    }

    /// A server of our own on loopback: every answer takes the same way.
    fn ours(
        responder: Arc<dyn Responder>,
        provider: &'static str,
        identity: String,
    ) -> Result<Self, Problem> {
        let model = responder.model().to_owned();
        let server = model::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), responder)?;
        Ok(Self {
            provider,
            model,
            shown: "our own server on loopback".to_owned(),
            endpoint: Endpoint::new(&server.base_url()).map_err(Problem::Endpoint)?,
            price: Price::default(),
            model_used: true,
            identity,
            _server: Some(server),
        })
    }

    fn network(step: &Step) -> Result<Self, Problem> {
        let model = step.model.as_ref().ok_or(Problem::NoModel)?;
        let key =
            env::var(&model.key_env).map_err(|_| Problem::NoKey { name: model.key_env.clone() })?;
        let endpoint = Endpoint::new(&model.base_url)
            .and_then(|endpoint| endpoint.with_key(&Secret::new(key)))
            .map_err(Problem::Endpoint)?;
        Ok(Self {
            provider: "openai",
            model: model.name.clone(),
            shown: endpoint.url(),
            identity: endpoint.url(),
            endpoint,
            price: plan::price(&model.price),
            model_used: true,
            _server: None,
        })
    }
}

#[expect(clippy::too_many_arguments, reason = "the one place where everything meets")]
fn assemble(
    args: &RunArgs,
    plan: &Plan,
    step: &Step,
    trees: &Trees,
    found: &Found,
    answerer: &Answerer,
    toolbox: &runner::Toolbox<Tools>,
    isolation: String,
) -> Result<RunPlan, Problem> {
    let key = key(trees, found, answerer, toolbox)?;
    let mut session = plan.session.clone();
    session.price = answerer.price;
    session.model_used = answerer.model_used;
    session.request_overhead_bytes = overhead_bytes(&session, toolbox);
    let state = trees.root.join(".stepwell");
    Ok(RunPlan {
        step: plan.name.clone(),
        session,
        model: ModelPlan {
            provider: answerer.provider.to_owned(),
            model: answerer.model.clone(),
            endpoint: answerer.endpoint.clone(),
            shown: answerer.shown.clone(),
            connect: CONNECT,
            effort: step.model.as_ref().and_then(|model| model.effort.clone()),
        },
        rules: plan.rules.clone(),
        tests: plan.verify.as_ref().map(test_command),
        head: trees.head.clone(),
        base: trees.base.clone(),
        run_dir: state.join("runs").join(key.run_name()),
        out_dir: args.out.clone().unwrap_or_else(|| state.join("out")),
        key,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        isolation,
        answer_bytes: plan.answer_bytes,
        kill_after: args.kill_after,
    })
}

/// Everything that the run's outcome depends on.
fn key(
    trees: &Trees,
    found: &Found,
    answerer: &Answerer,
    toolbox: &runner::Toolbox<Tools>,
) -> Result<RunKey, Problem> {
    let digest = |tree: &Tree| {
        let digest = tree.snapshot.digest();
        let what = || tree.name.clone();
        digest.map(|d| d.to_string()).map_err(|source| Problem::Read { what: what(), source })
    };
    let tools: Vec<String> =
        toolbox.tools().iter().map(|tool| format!("{} {}", tool.component, tool.profile)).collect();
    let base = trees.base.as_ref().map(digest).transpose()?;
    Ok(RunKey::new([
        ("the head".to_owned(), digest(&trees.head)?),
        ("the base".to_owned(), base.unwrap_or_default()),
        ("the step file".to_owned(), Digest::of(&found.bytes).to_string()),
        ("the tools".to_owned(), tools.join(" ")),
        ("the provider".to_owned(), format!("{} {}", answerer.provider, answerer.identity)),
        ("the model".to_owned(), answerer.model.clone()),
        ("the prompt".to_owned(), prompt::VERSION.to_string()),
        ("stepwell's version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ]))
}

/// Bytes that every request carries besides the conversation.
fn overhead_bytes(session: &session::Plan, toolbox: &runner::Toolbox<Tools>) -> u64 {
    /// What JSON and the provider put around a tool, and the host's own tools, at most.
    const AROUND: usize = 200;
    const HOST_TOOLS: usize = 8 * 1024;
    let tools = toolbox.tools().iter().map(|tool| {
        tool.name.len() + tool.description.len() + tool.schema.to_string().len() + AROUND
    });
    (prompt::instructions(session.goal).len() + tools.sum::<usize>() + HOST_TOOLS) as u64
}

fn test_command(verify: &step::Verify) -> TestCommand {
    let names = TEST_ENV.iter().copied().chain(verify.pass_env.iter().map(String::as_str));
    let set = names.filter_map(|name| Some((name.to_owned(), env::var(name).ok()?)));
    let env: BTreeMap<String, String> = set.chain([("CI".to_owned(), "true".to_owned())]).collect();
    TestCommand { command: verify.command.clone(), reports: verify.reports.clone(), env }
}

/// Turns the system's signals into the run's.
fn signals() -> Result<mpsc::Receiver<Signal>, Problem> {
    let (send, receive) = mpsc::channel(2);
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
    ];
    for (kind, meaning) in kinds {
        let mut stream = signal(kind).map_err(Problem::Start)?;
        let send = send.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                // A run that is over does not listen any more.
                let _over = send.send(meaning).await;
            }
        });
    }
    Ok(receive)
}

#[expect(clippy::print_stderr, reason = "the end of the operator's log")]
fn summary(ended: &runner::Ended, out_dir: &Path) {
    let name = |file: &str| PathBuf::from(out_dir).join(file).display().to_string();
    eprintln!("           artifacts       {}", name("report.md"));
    let mut others = vec!["result.json", "accounting.json", "trace.jsonl"];
    if ended.result.patch.is_some() {
        others.insert(0, "patch.diff");
    }
    eprintln!("                           {}", others.join(", "));
    if ended.result.stop_reason.is_open() {
        eprintln!("           resume          the same command goes on from here");
    }
}

#[expect(clippy::print_stderr, reason = "a note beside the log")]
fn note(text: &str) {
    eprintln!("note: {text}");
}
