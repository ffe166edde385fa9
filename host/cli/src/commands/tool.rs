//! `stepwell tool`: the tools without a model.

mod build;
mod cases;
mod check;
mod component;
mod elsewhere;
mod fixture;
mod list;
mod new;
mod subject;
mod templates;
mod test;
mod toolchain;
mod trial;
mod verdict;

pub(super) use list::list;
use sandbox::Config;
use serde_json::json;
use session::Answer;
use snapshot::Grant;

use super::{pretty, print, runtime};
use crate::args::{
    AuthorCommand, CallOn, ElsewhereCommand, SharingArgs, ToolCallArgs, ToolDescribeArgs,
};
use crate::locked::{self, Takes};
use crate::plan::Grants;
use crate::problem::Problem;
use crate::say::note;
use crate::wiring::{self, Component, Tools};
use crate::{pipeline, repo, sharing, step};

/// Bytes that a tool may answer a person with; a model gets less.
const OUTPUT_BYTES: u64 = 16 * 1024 * 1024;
/// What signatures under outputs say that belong to no run.
const CALLED_BY_HAND: &str = "tool-call";
/// The exit code of a call that the tool refused or that was ended.
const NOT_ANSWERED: u8 = 1;

/// What the author of a tool does.
pub(super) fn author(command: &AuthorCommand) -> Result<u8, Problem> {
    match command {
        AuthorCommand::New(args) => new::new(args),
        AuthorCommand::Build(args) => build::build(args),
        AuthorCommand::Test(args) => test::test(args),
        AuthorCommand::Check(args) => check::check(args),
    }
}

/// What is done with tools of others, and with one's own for others.
pub(super) fn elsewhere(command: &ElsewhereCommand) -> Result<u8, Problem> {
    match command {
        ElsewhereCommand::Add(args) => elsewhere::add(args),
        ElsewhereCommand::Update(args) => elsewhere::update(args),
        ElsewhereCommand::Remove(args) => elsewhere::remove(args),
        ElsewhereCommand::Fetch(args) => elsewhere::fetch(args),
        ElsewhereCommand::Push(args) => elsewhere::push(args),
        ElsewhereCommand::Sign(args) => elsewhere::sign(args),
    }
}

/// What calls are made on, opened.
pub(super) struct On {
    opened: repo::Opened,
    rev: Option<String>,
    base: Option<String>,
}

impl On {
    pub(super) fn open(on: &CallOn) -> Result<Self, Problem> {
        let CallOn { repo, rev, base } = on;
        Ok(Self { opened: repo::Opened::at(&repo.repo)?, rev: rev.clone(), base: base.clone() })
    }

    /// The trees as they are now, and where they were found.
    pub(super) fn found(&self) -> Result<repo::Trees, Problem> {
        self.opened.trees(self.rev.as_deref(), self.base.as_deref())
    }

    /// The trees, as they are now.
    pub(super) fn trees(&self) -> Result<runner::Trees, Problem> {
        self.found().map(for_calls)
    }
}

fn for_calls(found: repo::Trees) -> runner::Trees {
    runner::Trees {
        names: (found.head.name, found.base.as_ref().map(|base| base.name.clone())),
        head: found.head.snapshot,
        base: found.base.map(|base| base.snapshot),
    }
}

/// The components that somebody names who calls tools without a step, and those of the lock.
pub(super) fn components(
    named: &[std::path::PathBuf],
    trees: &repo::Trees,
    takes: Takes,
) -> Result<Vec<Component>, Problem> {
    let mut all = wiring::components(named)?;
    let whose = pipeline::whose::here();
    if let Some(counts) = locked::counting(trees, takes.within(whose), whose, false)? {
        let signers = locked::signers_beside(&counts)?;
        all.extend(locked::components(&counts, &trees.root, &signers)?);
    }
    Ok(all)
}

/// The tools, for somebody who calls them by hand: they see everything.
pub(super) fn toolbox(
    components: Vec<Component>,
    cached: Option<&SharingArgs>,
) -> Result<runner::Toolbox<Tools>, Problem> {
    // What is only shown, and what the cache answers, needs no code.
    let tools = Tools::offer(components, Config::default().concurrent_calls_max)?;
    let limits = sandbox::Limits { output_bytes: OUTPUT_BYTES, ..sandbox::Limits::default() };
    let tools = tools.with(&Grants::everything(), limits)?;
    let cache = cached.map(|sharing| sharing::open(sharing.cache_policy.as_deref())).transpose()?;
    Ok(runner::Toolbox::new(tools, cache, Grant::everything()))
}

/// A description that fits a line.
fn shortened(text: &str) -> String {
    const CHARS: usize = 84;
    let cut = text.char_indices().nth(CHARS).map(|(at, _)| at);
    cut.map_or_else(|| text.to_owned(), |at| format!("{}…", text[..at].trim_end()))
}

/// Shows a tool.
pub(super) fn describe(args: &ToolDescribeArgs) -> Result<u8, Problem> {
    let on = CallOn { repo: args.repo.clone(), rev: None, base: None };
    let own = components(&args.component, &On::open(&on)?.found()?, Takes::Head)?;
    let toolbox = toolbox(own, None)?;
    let found = toolbox.tools().iter().find(|tool| tool.name == args.name);
    let (description, schema, component) = match found {
        Some(tool) => (tool.description.clone(), tool.schema.clone(), tool.component.to_string()),
        None if args.name == runner::CHANGED_FILES => (
            runner::CHANGED_FILES_DESCRIPTION.to_owned(),
            runner::changed_files_schema(),
            "host".to_owned(),
        ),
        None => return Err(no_tool(&args.name, &toolbox)),
    };
    if args.json {
        let name = &args.name;
        let shown = json!({
            "name": name, "description": description, "schema": schema, "component": component,
        });
        print(&pretty(&shown));
    } else {
        print(&format!("{}: {description}\n\narguments:\n{}", args.name, pretty(&schema)));
        print(&format!("\ncomponent: {component}"));
    }
    Ok(0)
}

/// A tool that does not exist, with the nearest that does.
pub(super) fn no_tool(name: &str, toolbox: &runner::Toolbox<Tools>) -> Problem {
    let known = toolbox.tools().iter().map(|tool| tool.name.as_str());
    let nearest = step::keys::nearest(name, known.chain([runner::CHANGED_FILES]));
    Problem::NoTool { name: name.to_owned(), nearest }
}

/// Calls a tool, and prints its answer.
pub(super) fn call(args: &ToolCallArgs) -> Result<u8, Problem> {
    let found = On::open(&args.on.on)?.found()?;
    let own = components(&args.component, &found, Takes::Head)?;
    let toolbox = toolbox(own, (!args.no_cache).then_some(&args.sharing))?;
    let exists = toolbox.tools().iter().any(|tool| tool.name == args.name);
    if !exists && args.name != runner::CHANGED_FILES {
        return Err(no_tool(&args.name, &toolbox));
    }
    if exists && args.no_cache {
        toolbox.executor().expect_call();
    }
    let trees = for_calls(found);
    let (called, troubles) = runtime()?.block_on(async {
        let called = toolbox.call(&args.name, &args.on.args, &trees).await;
        (called, toolbox.publish(CALLED_BY_HAND).await)
    });
    troubles.iter().for_each(|trouble| note(trouble));
    for (level, line) in &called.log {
        if level == "warning" {
            note(&format!("{}: {}", args.name, line));
        }
    }
    called.warnings.iter().for_each(|warning| note(warning));
    if args.json {
        let shown = json!({
            "answer": called.answer,
            "source": called.source,
            "usage": called.usage,
            "digests": called.digests,
            "missed": called.missed,
            "shared": called.shared.as_ref().map(|shared| json!({
                "domain": shared.domain, "signer": shared.signer, "run": shared.run,
            })),
        });
        print(&pretty(&shown));
    }
    match &called.answer {
        Answer::Answered { output } => {
            if !args.json {
                print(output);
            }
            Ok(0)
        }
        Answer::Refused { message } | Answer::Ended { message, .. } => {
            if args.json {
                return Ok(NOT_ANSWERED);
            }
            Err(Problem::BadCall { message: message.clone() })
        }
    }
}
