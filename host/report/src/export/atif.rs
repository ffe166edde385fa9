//! ATIF: the Agent Trajectory Interchange Format, version 1.8, by the harbor project (its RFC 0001
//! and the models of the `atif` package). Steps are numbered from 1; a call's answer is an
//! observation that names the call.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use session::{CallId, Origin};

use crate::amount::moment;
use crate::run::{Call, CallState, Run, Turn, TurnState};

/// The version that is written.
const SCHEMA: &str = "ATIF-v1.8";

#[derive(Debug, Serialize)]
struct Step {
    step_id: usize,
    timestamp: String,
    source: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    llm_call_count: Option<u32>,
    extra: Value,
}

/// The run as an ATIF trajectory, JSON.
pub fn atif(run: &Run) -> String {
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(context(run));
    let calls: BTreeMap<CallId, &Call> = run.calls.iter().map(|call| (call.id, call)).collect();
    for turn in run.turns.iter().filter(|turn| turn.state == TurnState::Completed) {
        steps.push(answered(run, turn, &calls));
    }
    for (step, number) in steps.iter_mut().zip(1..) {
        step.step_id = number;
    }
    let usage = run.turns.iter().filter_map(|turn| turn.usage);
    let sums = usage.fold([0_u64; 3], |[input, cached, output], usage| {
        [
            input.saturating_add(usage.input),
            cached.saturating_add(usage.cached_input),
            output.saturating_add(usage.output),
        ]
    });
    let about = run.about.as_ref();
    let trajectory = json!({
        "schema_version": SCHEMA,
        "session_id": run.name,
        "trajectory_id": run.name,
        "agent": {
            "name": "stepwell",
            "version": about.map_or("unknown", |about| about.version.as_str()),
            "model_name": about.map(|about| about.model.as_str()),
            "extra": { "provider": about.map(|about| about.provider.as_str()) },
        },
        "steps": steps,
        "final_metrics": {
            "total_prompt_tokens": sums[0],
            "total_cached_tokens": sums[1],
            "total_completion_tokens": sums[2],
            "total_cost_usd": dollars(run.total().spend.0),
            "total_steps": steps.len(),
        },
        "extra": {
            "step": about.map(|about| about.step.as_str()),
            "stop_reason": run.ending(),
            "failed_requests": run.turns.iter().filter(|turn| turn.state != TurnState::Completed).count(),
        },
    });
    let mut text = serde_json::to_string_pretty(&trajectory).unwrap_or_default();
    text.push('\n');
    text
}

/// What was looked at before the model was asked; none where nothing was.
fn context(run: &Run) -> Option<Step> {
    let calls: Vec<&Call> =
        run.calls.iter().filter(|call| call.id.origin == Origin::Context).collect();
    let first = calls.first()?;
    Some(Step {
        step_id: 0,
        timestamp: at(run, first.begin),
        source: "agent",
        message: String::new(),
        tool_calls: Some(
            calls.iter().map(|call| asked(&call.name, &call.tool, &call.arguments.text)).collect(),
        ),
        observation: Some(
            json!({ "results": calls.iter().map(|call| observed(&call.name, call)).collect::<Vec<_>>() }),
        ),
        metrics: None,
        llm_call_count: Some(0),
        extra: json!({ "phase": "context" }),
    })
}

fn answered(run: &Run, turn: &Turn, calls: &BTreeMap<CallId, &Call>) -> Step {
    let mut results = Vec::new();
    for asked in &turn.asked {
        if let Some(call) = asked.call.and_then(|id| calls.get(&id)) {
            results.push(observed(&asked.call_id, call));
        }
    }
    let asked_for: Vec<Value> = turn
        .asked
        .iter()
        .map(|call| asked(&call.call_id, &call.tool, &call.arguments.text))
        .collect();
    let metrics = turn.usage.map(|usage| {
        json!({
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "cached_tokens": usage.cached_input,
            "cost_usd": dollars(turn.spend),
            "extra": { "reasoning_tokens": usage.reasoning },
        })
    });
    Step {
        step_id: 0,
        timestamp: at(run, turn.end.unwrap_or(turn.begin)),
        source: "agent",
        message: turn.text.text.clone(),
        tool_calls: (!asked_for.is_empty()).then_some(asked_for),
        observation: (!results.is_empty()).then(|| json!({ "results": results })),
        metrics,
        llm_call_count: Some(1),
        extra: json!({ "turn": turn.number, "try": turn.try_number, "response_id": turn.response_id }),
    }
}

fn asked(id: &str, tool: &str, arguments: &str) -> Value {
    // The format wants an object; what is none is kept as the one field of it.
    let arguments = serde_json::from_str::<Map<String, Value>>(arguments)
        .unwrap_or_else(|_| Map::from_iter([("raw".to_owned(), Value::from(arguments))]));
    json!({ "tool_call_id": id, "function_name": tool, "arguments": arguments })
}

fn observed(id: &str, call: &Call) -> Value {
    let state = match &call.state {
        CallState::Open => "open",
        CallState::Answered => "answered",
        CallState::Refused => "refused",
        CallState::Ended { ending } => ending.as_str(),
    };
    json!({
        "source_call_id": id,
        "content": call.output.text,
        "extra": { "state": state, "source": call.source, "bytes": call.output.bytes },
    })
}

fn at(run: &Run, at: u64) -> String {
    moment(run.began_ms.saturating_add(at))
}

#[expect(clippy::cast_precision_loss, reason = "the format wants a number of dollars")]
fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}
