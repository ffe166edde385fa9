//! What is asked over HTTP: a response as server-sent events or as one JSON object, and the two
//! questions beside it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{Stream, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::asked::Origin;
use super::door::{self, Body, Dropped, Visit};
use super::fault::{ErrorShape, Framing};
use super::intake::{self, Create};
use super::play;
use super::responder::ConversationItem;
use super::stage::{self, Act, Performance};
use crate::error::ModelError;
use crate::link::MESSAGE_BYTES_MAX;
use crate::usage::Usage;

mod sse;

/// How long a client may take for the body of a request.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Responses,
    Compact,
    InputTokens,
}

/// Answers a `POST`.
pub(super) async fn answer(
    place: Place,
    body: Incoming,
    visit: Arc<Visit>,
) -> Result<Response<Body>, Dropped> {
    let framing = match place {
        Place::Responses => {
            let post = visit.house.next_post();
            if let Some(error) = door::greet(post.greeting, &visit).await? {
                return Ok(door::error_response(&error));
            }
            post.framing
        }
        Place::Compact | Place::InputTokens => Framing::default(),
    };
    let read = read(body).await.and_then(|fields| match place {
        Place::Responses | Place::Compact => with_model(fields),
        Place::InputTokens => Ok(fields),
    });
    let fields = match read {
        Ok(fields) => fields,
        Err(error) => return Ok(door::error_response(&error)),
    };
    let answered = match place {
        Place::Responses => return respond(fields, framing, visit).await,
        Place::Compact => create(fields, &visit).map(compacted),
        Place::InputTokens => create(fields, &visit).map(|create| {
            let tokens = play::input_tokens(&create.conversation);
            json!({ "object": "response.input_tokens", "input_tokens": tokens })
        }),
    };
    Ok(match answered {
        Ok(body) => door::json_response(StatusCode::OK, &body),
        Err(error) => door::error_response(&error),
    })
}

async fn read(body: Incoming) -> Result<Map<String, Value>, ModelError> {
    let refuse = |status: u16, message: String| ModelError {
        status: Some(status),
        ..intake::bad("invalid_body", message)
    };
    let too_large = || refuse(413, format!("the body has more than {MESSAGE_BYTES_MAX} bytes"));
    // Who announces too much need not send it.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least > MESSAGE_BYTES_MAX) {
        return Err(too_large());
    }
    let body = timeout(BODY_TIME_MAX, Limited::new(body, MESSAGE_BYTES_MAX).collect());
    match body.await {
        Ok(Ok(body)) => intake::object(&body.to_bytes()),
        Ok(Err(err)) if err.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(err)) => Err(refuse(400, format!("the body cannot be read: {err}"))),
        Err(_) => Err(refuse(408, "the body does not come".to_owned())),
    }
}

/// Over HTTP the reference service insists on a model, and clients are tested against that.
fn with_model(fields: Map<String, Value>) -> Result<Map<String, Value>, ModelError> {
    if fields.get("model").is_some_and(Value::is_string) {
        return Ok(fields);
    }
    let message = "Missing required parameter: 'model'.".to_owned();
    Err(intake::bad("missing_required_parameter", message).with_param("model"))
}

fn create(fields: Map<String, Value>, visit: &Visit) -> Result<Create, ModelError> {
    intake::create(fields, |id| visit.house.find_stored(id), visit.house.responder.model())
}

/// A conversation in short: what its user said, and something that stands for the rest.
fn compacted(create: Create) -> Value {
    let conversation = create.conversation;
    let said = conversation.items.iter().filter_map(|item| match item {
        ConversationItem::Message { role, text } if role == "user" => {
            let content = json!([{ "type": "input_text", "text": text }]);
            Some(json!({ "type": "message", "role": "user", "content": content }))
        }
        ConversationItem::Message { .. }
        | ConversationItem::Call { .. }
        | ConversationItem::CallOutput { .. }
        | ConversationItem::Other { .. } => None,
    });
    // The id says after which turn, so that a conversation that goes on from here is that far.
    let turn = conversation.turn.checked_sub(1).map_or("new".to_owned(), |it| it.to_string());
    let item = json!({ "type": play::COMPACTION, "id": format!("cmp_{turn}_0"),
        "encrypted_content": play::OPAQUE });
    let output: Vec<_> = said.chain([item]).collect();
    let usage = Usage {
        input_tokens: play::input_tokens(&conversation),
        output_tokens: 1,
        ..Usage::default()
    };
    json!({
        "id": format!("{}_compact", play::response_id_of(&conversation)),
        "object": "response.compaction",
        "created_at": play::CREATED_AT,
        "output": output,
        "usage": usage.to_wire(),
    })
}

async fn respond(
    fields: Map<String, Value>,
    framing: Framing,
    visit: Arc<Visit>,
) -> Result<Response<Body>, Dropped> {
    let streams = fields.get("stream") == Some(&Value::Bool(true));
    let origin = Origin {
        connection: visit.number,
        request: visit.requests.fetch_add(1, Ordering::Relaxed),
        lane: None,
        over_http: true,
    };
    let mut performance = match visit.house.answer(fields, origin, |_| None) {
        Ok(performance) => performance,
        Err(error) => return Ok(door::error_response(&error)),
    };
    if let Some(error) = refused(&mut performance, &visit).await? {
        return Ok(door::error_response(&error));
    }
    if !streams {
        return one(performance, &visit).await;
    }
    let body = StreamBody::new(events(performance, framing, visit));
    let mut response = Response::new(body.boxed_unsync());
    let event_stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, event_stream);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// What goes wrong before the first event, as far as HTTP has a status for it.
async fn refused(
    performance: &mut Performance,
    visit: &Visit,
) -> Result<Option<ModelError>, Dropped> {
    match performance
        .acts
        .pop_front_if(|act| matches!(act, Act::Error { shape: None, .. } | Act::Drop | Act::NoPong))
    {
        Some(Act::Error { error, .. }) => Ok(Some(error)),
        Some(Act::Drop) => {
            visit.tap.reset();
            Err(Dropped)
        }
        Some(_) => {
            visit.tap.deafen();
            std::future::pending().await
        }
        None => Ok(None),
    }
}

/// The response as one object, once it is complete.
async fn one(performance: Performance, visit: &Visit) -> Result<Response<Body>, Dropped> {
    let mut latest = Value::Null;
    for act in performance.acts {
        match act {
            Act::Send(frame) => latest = frame.response().cloned().unwrap_or(latest),
            Act::Error { error, .. } => return Ok(door::error_response(&error)),
            Act::Keep(held) => visit.house.store(&held),
            Act::Pause(time) => sleep(time).await,
            Act::Drip(drip) => visit.tap.set_drip(drip),
            Act::Silence => std::future::pending().await,
            Act::NoPong => {
                visit.tap.deafen();
                std::future::pending::<()>().await;
            }
            Act::Cut(_) | Act::Close(_) | Act::Drop => {
                visit.tap.reset();
                return Err(Dropped);
            }
            // These are between events, of which the client sees none.
            Act::Text(_) | Act::Bytes(_) => {}
        }
    }
    Ok(door::json_response(StatusCode::OK, &latest))
}

/// The response as server-sent events.
fn events(
    performance: Performance,
    framing: Framing,
    visit: Arc<Visit>,
) -> impl Stream<Item = Result<Frame<Bytes>, Dropped>> {
    let telling = Telling { performance, framing: sse::Framer::new(framing), visit };
    stream::unfold(Some(telling), |telling| async {
        let mut telling = telling?;
        match telling.next().await {
            Some(Ok(bytes)) => Some((Ok(Frame::data(bytes)), Some(telling))),
            Some(Err(dropped)) => Some((Err(dropped), None)),
            None => None,
        }
    })
}

/// A response that is being told.
struct Telling {
    performance: Performance,
    framing: sse::Framer,
    visit: Arc<Visit>,
}

impl Telling {
    /// The next bytes of the body.
    async fn next(&mut self) -> Option<Result<Bytes, Dropped>> {
        loop {
            if let Some(bytes) = self.framing.ready() {
                return Some(Ok(bytes));
            }
            let Some(act) = self.performance.acts.pop_front() else {
                if !self.framing.finish() {
                    return None;
                }
                continue;
            };
            match act {
                Act::Send(frame) => self.framing.event(frame.kind(), &frame.text(0, None)),
                Act::Text(text) => self.framing.event("", &text),
                Act::Bytes(bytes) => self.framing.raw(bytes),
                Act::Error { error, shape, number } => {
                    let shape = shape.unwrap_or(ErrorShape::Flat);
                    let text = stage::error_event(&error, shape, None, Some(number));
                    self.framing.event("error", &text);
                }
                Act::Keep(held) => self.visit.house.store(&held),
                Act::Pause(time) => sleep(time).await,
                Act::Drip(drip) => self.visit.tap.set_drip(drip),
                Act::Cut(frame) => {
                    self.framing.half(frame.kind(), &frame.text(0, None));
                    self.performance.acts.push_front(Act::Drop);
                }
                Act::Close(_) => self.performance.acts.clear(),
                Act::Drop => {
                    self.let_it_arrive().await;
                    self.visit.tap.reset();
                    return Some(Err(Dropped));
                }
                Act::NoPong => {
                    self.visit.tap.deafen();
                    std::future::pending::<()>().await;
                }
                Act::Silence => std::future::pending::<()>().await,
            }
        }
    }

    /// A reset destroys what is still on its way, so what was to be seen before it goes first.
    async fn let_it_arrive(&self) {
        tokio::task::yield_now().await;
    }
}
