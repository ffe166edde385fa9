//! `response.steer`: what a client says to a response that is still being sent.
//!
//! The response ends after the item it is in, and a successor goes on with what was said; where
//! it asks for the output of calls, what was said waits for the request that brings them.

use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::super::intake;
use super::super::lanes::{Active, Lanes, Name, Pending, Steer, Waiting};
use super::super::stage::Act;
use super::{Connection, Gone};

/// What one response can be told before it ends.
const STEERS_MAX: usize = 8;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) async fn steer(&mut self, fields: Map<String, Value>) -> Result<(), Gone> {
        let id = format!("steer_{}_{}", self.number, self.steers);
        self.steers += 1;
        let parent = intake::continued(&fields).unwrap_or_default().to_owned();
        let (lane, event) = match accept(&mut self.lanes, &parent, &fields, &id) {
            Ok((lane, number)) => {
                let steer = json!({ "id": id, "previous_response_id": parent });
                let kind = "response.steer.accepted";
                (lane, json!({ "type": kind, "sequence_number": number, "steer": steer }))
            }
            Err((code, message)) => {
                let input = fields.get("input").cloned().unwrap_or_default();
                let steer = json!({ "id": id, "previous_response_id": parent, "input": input });
                (None, failed(&steer, 0, code, &message))
            }
        };
        self.say(event, &lane).await
    }

    /// What follows a response that has been sent.
    pub(super) async fn after(&mut self, name: &Name, active: Active) -> Result<(), Gone> {
        let Some(first) = active.steers.first() else { return Ok(()) };
        let parent = active.performance.id.clone();
        let input: Vec<Value> = active.steers.iter().flat_map(|it| it.input.clone()).collect();
        if self.lanes.held(&parent).is_none() {
            let steer = json!({ "id": first.id, "previous_response_id": parent, "input": input });
            let (code, message) = ("successor_creation_failed", "The response failed.");
            return self.say(failed(&steer, active.number, code, message), name).await;
        }
        let required: Vec<_> = active.performance.whole.calls().map(required_input).collect();
        if required.is_empty() {
            let mut fields = active.fields;
            fields.insert("input".to_owned(), input.into());
            fields.insert("previous_response_id".to_owned(), parent.into());
            return self.start(Waiting { lane: name.clone(), fields }).await;
        }
        let event = json!({
            "type": "response.steer.pending",
            "sequence_number": active.number,
            "steer": { "id": first.id, "previous_response_id": parent },
            "reason": "waiting_for_required_input",
            "required_input": required,
        });
        self.lanes.lane(name).pending = Some(Pending { parent, input });
        self.say(event, name).await
    }

    /// Puts what waited for the continuation of a response before what that brings.
    pub(super) fn prepend_pending(
        &mut self,
        name: &Name,
        referenced: Option<&str>,
        fields: &mut Map<String, Value>,
    ) {
        let lane = self.lanes.lane(name);
        let is_due = |pending: &mut Pending| Some(pending.parent.as_str()) == referenced;
        let Some(pending) = lane.pending.take_if(is_due) else { return };
        let mut input = pending.input;
        match fields.remove("input") {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => input.extend(items),
            Some(other) => input.push(other),
        }
        fields.insert("input".to_owned(), input.into());
    }

    async fn say(&mut self, mut event: Value, lane: &Name) -> Result<(), Gone> {
        if let Some(lane) = lane {
            event["stream_id"] = (**lane).into();
        }
        self.put(Message::text(event.to_string())).await?;
        self.flush().await
    }
}

/// The event that gives back what could not be said.
fn failed(steer: &Value, number: u64, code: &str, message: &str) -> Value {
    json!({
        "type": "response.steer.failed",
        "sequence_number": number,
        "steer": steer,
        "error": { "type": "invalid_request_error", "code": code, "message": message },
    })
}

/// A stub of the output that a call wants.
fn required_input((call_id, name): (&str, &str)) -> Value {
    json!({ "type": "function_call_output", "call_id": call_id, "name": name })
}

/// Takes what was said, and makes the response end for it; the number that the event about it
/// gets. Else the code of the failure, and why.
fn accept(
    lanes: &mut Lanes,
    parent: &str,
    fields: &Map<String, Value>,
    id: &str,
) -> Result<(Name, u64), (&'static str, String)> {
    if fields.contains_key("stream_id") {
        let message = "`stream_id` is not part of `response.steer`".to_owned();
        return Err(("invalid_input", message));
    }
    let input = said(fields.get("input")).ok_or_else(|| {
        ("invalid_input", "`input` is a text or a list of messages of a user".to_owned())
    })?;
    let is_over = lanes.held(parent).is_some();
    let Some((name, active)) = lanes.sending(parent) else {
        return Err(if is_over {
            ("response_already_completed", "The response already completed.".to_owned())
        } else {
            ("response_not_found", format!("Response with id '{parent}' not found."))
        });
    };
    if active.fields.contains_key("context_management") {
        let message = "A response with automatic compaction cannot be steered.".to_owned();
        return Err(("steering_not_supported", message));
    }
    if active.performance.acts.iter().all(|act| !matches!(act, Act::Send(_))) {
        let message = "The response is no longer active.".to_owned();
        return Err(("response_not_active", message));
    }
    if active.steers.len() >= STEERS_MAX {
        let message = format!("A response takes at most {STEERS_MAX} steers.");
        return Err(("too_many_pending_steers", message));
    }
    active.steers.push(Steer { id: id.to_owned(), input });
    let number = active.number;
    active.shift = active.shift.saturating_add(1);
    active.number = number.saturating_add(1);
    if active.performance.whole.calls().next().is_none() && active.steers.len() == 1 {
        end_after_item(active);
    }
    Ok((name, number))
}

/// The messages of a steer: at least one, all of them a user's.
fn said(input: Option<&Value>) -> Option<Vec<Value>> {
    match input? {
        Value::String(text) if !text.is_empty() => {
            Some(vec![json!({ "type": "message", "role": "user", "content": text })])
        }
        Value::Array(items) if !items.is_empty() => {
            let is_users = |item: &Value| {
                item.get("role").is_some_and(|role| role == "user")
                    && item.get("type").is_none_or(|kind| kind == "message")
            };
            items.iter().all(is_users).then(|| items.clone())
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

/// Ends a response as steered after the item that is being sent; one that has no further item
/// ends by itself.
fn end_after_item(active: &mut Active) {
    let performance = &mut active.performance;
    let boundary = |act: &Act| {
        let Act::Send(frame) = act else { return None };
        frame.items_done.map(|items| (items, frame.number().saturating_add(1)))
    };
    let (keep, items, number) = match active.items_done {
        Some(items) if items < performance.whole.items() => {
            // Between items: nothing more is sent of it. The shift already counts this event.
            (0, items, active.number.saturating_sub(active.shift))
        }
        Some(_) => return,
        None => {
            let place = performance.acts.iter().enumerate();
            let found = place.filter_map(|(at, act)| Some((at, boundary(act)?))).next();
            let Some((at, (items, number))) = found else { return };
            (at + 1, items, number)
        }
    };
    if items >= performance.whole.items() {
        return;
    }
    performance.acts.truncate(keep);
    let held = performance.whole.held(items);
    performance.acts.push_back(Act::Keep(held.into()));
    performance.acts.push_back(Act::Send(performance.whole.steered(items, number)));
    active.due = active.due.min(Instant::now());
}
