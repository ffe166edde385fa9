//! What a step tells the model before it asks: the context pack, without a model.
//!
//! The rules themselves decide what is in it; here they are only carried as far as their first
//! question. The same answers give the same bytes, whenever and wherever they were computed.

use std::sync::Arc;

use serde::Serialize;
use session::event::Input;
use session::{Answer, Effect, Session, Source, prompt};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::model::input_item;
use crate::outputs::head_of;
use crate::run::effects::offered;
use crate::tools::{Called, Shared, ToolExecutor, Toolbox, Trees};

/// What the model would be told first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPack {
    /// One JSON value a line: the instructions, the tools, then the conversation. What changes
    /// least comes first.
    pub lines: Vec<String>,
    /// The calls that it took, in the order of their answers in the pack.
    pub calls: Vec<ContextCalled>,
}

/// A call of a context pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextCalled {
    /// Which tool.
    pub tool: String,
    /// With which arguments, as JSON.
    pub arguments: String,
    /// Where the answer came from.
    pub source: Source,
    /// Who vouches for it, if another machine computed it.
    pub shared: Option<Shared>,
    /// Why the cache could not answer, where it was asked.
    pub missed: Option<String>,
    /// Bytes of the answer.
    pub bytes: u64,
    /// Microseconds that it took, or that it once took if it was kept.
    pub wall_us: u64,
    /// What a person should know of it.
    pub warnings: Vec<String>,
}

impl ContextPack {
    /// The pack as it is written down.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

/// Builds the pack of a step: its context calls are made, its tests are not run. `most` is how
/// much of one answer the model gets, `at_once` how many calls are made at the same time.
pub async fn context_pack<E: ToolExecutor>(
    plan: &session::Plan,
    toolbox: &Arc<Toolbox<E>>,
    trees: &Trees,
    most: usize,
    at_once: u32,
) -> ContextPack {
    let mut plan = plan.clone();
    if let Some(tests) = &mut plan.tests {
        tests.before = false;
    }
    let tools = offered(&plan, toolbox);
    let instructions = prompt::instructions(plan.goal);
    let mut session = Session::new(plan);
    let mut calls = Vec::new();
    let effects = session.handle(0, Input::AttemptStarted { attempt: 1 });
    let permits = Arc::new(Semaphore::new(at_once.max(1) as usize));
    let mut making = JoinSet::new();
    for effect in effects {
        let Effect::Call(call) = effect else { continue };
        let (toolbox, trees, permits) = (Arc::clone(toolbox), trees.clone(), Arc::clone(&permits));
        making.spawn(async move {
            let _one_of_a_few = permits.acquire_owned().await.ok();
            let called = toolbox.call(&call.tool, &call.arguments, &trees).await;
            (call, called)
        });
    }
    while let Some(made) = making.join_next().await {
        // A call that panicked is one that the rules are still waiting for: the pack lacks it.
        let Ok((call, called)) = made else { continue };
        let Called { answer, source, usage, digests, .. } = called.clone();
        let answer = shortened(answer, most);
        calls.push((call.id, called_as(&call, called)));
        let heard = Input::CallAnswered { call: call.id, answer, source, usage, digests };
        session.handle(0, heard);
    }
    calls.sort_by_key(|(id, _)| *id);
    let mut lines = vec![line(&instructions)];
    lines.extend(tools.iter().map(line));
    // What cannot be sent is not in the pack either; only a journal can hold such a thing.
    lines.extend(
        session.conversation().iter().filter_map(|item| Some(line(&input_item(item).ok()?))),
    );
    ContextPack { lines, calls: calls.into_iter().map(|(_, called)| called).collect() }
}

fn shortened(answer: Answer, most: usize) -> Answer {
    match answer {
        Answer::Answered { output } if output.len() > most => {
            Answer::Answered { output: head_of(&output, most) }
        }
        Answer::Answered { .. } | Answer::Refused { .. } | Answer::Ended { .. } => answer,
    }
}

fn called_as(call: &session::Call, called: Called) -> ContextCalled {
    ContextCalled {
        tool: call.tool.clone(),
        arguments: call.arguments.clone(),
        source: called.source,
        shared: called.shared,
        missed: called.missed,
        bytes: called.usage.output_bytes,
        wall_us: called.usage.wall_us.max(called.usage.saved_us),
        warnings: called.warnings,
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("every map in a request has text for keys")
}
