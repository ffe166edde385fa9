//! From a response and what shall go wrong with it to what is done, act by act: the same for
//! both transports.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::fault::{Drip, ErrorShape, Fault, FaultKind};
use super::intake::Held;
use super::play::{Frame, Play, Whole};
use super::responder::Reply;
use crate::error::{ErrorKind, ModelError};

/// A text that no client can read as an event.
const GARBAGE: &str = "{\"type\":\"response.output_text.del";

/// Bytes that are no text, and end with a NUL for those who count on one.
const BINARY: [u8; 4] = [0xff, 0xfe, 0x00, 0x00];

/// Events that exist in the wild, and one that does not: all to be ignored.
const NOISE: [&str; 3] = [
    r#"{"type":"keepalive"}"#,
    r#"{"type":"codex.rate_limits","plan_type":"pro","rate_limits":{"primary":{"used_percent":40.0,"window_minutes":300}}}"#,
    r#"{"type":"stepwell.unheard_of","nested":{"response":[null,1.5]}}"#,
];

/// One thing that is done for a response.
#[derive(Debug)]
pub(super) enum Act {
    /// Sends an event of the response.
    Send(Frame),
    /// Sends a text that is no event of the response.
    Text(String),
    /// Sends bytes that are no text.
    Bytes(&'static [u8]),
    /// Ends the response with an error, which has the number that an event would have.
    Error {
        error: ModelError,
        shape: Option<ErrorShape>,
        number: u64,
    },
    /// From now on the response can be continued.
    Keep(Arc<Held>),
    /// Waits, and so does everything behind it.
    Pause(Duration),
    /// Lets the bytes drip from now on.
    Drip(Drip),
    /// Sends half of an event, and drops the connection.
    Cut(Frame),
    Close(u16),
    Drop,
    /// Never does anything again, and does not read either.
    NoPong,
    /// Never does anything again.
    Silence,
}

/// What is done for a response.
pub(super) struct Performance {
    /// What is left to do.
    pub(super) acts: VecDeque<Act>,
    /// The response as it would be, for those who end it early.
    pub(super) whole: Whole,
    /// The response's id.
    pub(super) id: String,
}

/// Plans a response: the one place that knows what each fault means.
pub(super) fn plan(mut play: Play, manner: Manner) -> Performance {
    let Manner { mut faults, pace } = manner;
    // Of two that strike at one place, the first that was written strikes first.
    faults.sort_by_key(|fault| fault.after_events);
    if faults.iter().any(|fault| fault.kind == FaultKind::NoUsage)
        && let Some(last) = play.frames.last_mut()
    {
        last.forget_usage();
    }
    let Play { id, frames, whole } = play;
    let mut stage = Stage { acts: VecDeque::new(), frames: frames.into(), items: 0, number: 0 };
    let mut faults = VecDeque::from(faults);
    let mut sent = 0_u32;
    loop {
        let over = stage.frames.is_empty();
        while let Some(fault) = faults.pop_front_if(|it| over || it.after_events <= sent) {
            if stage.strike(fault, &whole).is_break() {
                return Performance { acts: stage.acts, whole, id };
            }
        }
        let Some(frame) = stage.frames.pop_front() else { break };
        if frame.is_delta && !pace.is_zero() {
            stage.acts.push_back(Act::Pause(pace));
        }
        // Before the last event: who has that one may continue at once.
        if stage.frames.is_empty() {
            stage.acts.push_back(Act::Keep(Arc::new(whole.held(whole.items()))));
        }
        stage.send(frame);
        sent = sent.saturating_add(1);
    }
    Performance { acts: stage.acts, whole, id }
}

/// How a response is sent.
#[derive(Debug, Default)]
pub(super) struct Manner {
    faults: Vec<Fault>,
    pace: Duration,
}

impl Manner {
    /// Takes out of a reply what concerns its sending.
    pub(super) fn of(reply: &mut Reply) -> Self {
        Self { faults: std::mem::take(&mut reply.faults), pace: reply.pace }
    }
}

/// A response while it is planned.
struct Stage {
    acts: VecDeque<Act>,
    frames: VecDeque<Frame>,
    // Finished items of what is planned already, and the number of the next event.
    items: usize,
    number: u64,
}

impl Stage {
    fn send(&mut self, frame: Frame) {
        self.items = frame.items_done.unwrap_or(self.items);
        self.number = frame.number().saturating_add(1);
        self.acts.push_back(Act::Send(frame));
    }

    /// Plans what goes wrong now. Breaks when nothing follows.
    fn strike(&mut self, fault: Fault, whole: &Whole) -> ControlFlow<()> {
        let number = self.number;
        let last = match fault.kind {
            FaultKind::Close { code } => Act::Close(code),
            FaultKind::Drop => Act::Drop,
            FaultKind::Cut => self.frames.pop_front().map_or(Act::Drop, Act::Cut),
            FaultKind::Silence { time: None } => Act::Silence,
            FaultKind::NoPong => Act::NoPong,
            FaultKind::Error { error, shape } => Act::Error { error, shape, number },
            FaultKind::Failed { code, message } => {
                Act::Send(whole.failed(self.items, number, &code, &message))
            }
            FaultKind::ConnectionLimit => {
                self.acts.push_back(Act::Error { error: too_old(60), shape: None, number });
                Act::Close(1000)
            }
            FaultKind::Silence { time: Some(time) } => return self.go_on(Act::Pause(time)),
            FaultKind::Drip(drip) => return self.go_on(Act::Drip(drip)),
            FaultKind::Garbage => return self.go_on(Act::Text(GARBAGE.to_owned())),
            FaultKind::Binary => return self.go_on(Act::Bytes(&BINARY)),
            FaultKind::Oversized { bytes } => return self.go_on(Act::Text(oversized(bytes))),
            FaultKind::Noise => {
                self.acts.extend(NOISE.map(|text| Act::Text(text.to_owned())));
                return ControlFlow::Continue(());
            }
            FaultKind::Duplicate => {
                let next = self.frames.front().cloned();
                next.into_iter().for_each(|frame| self.frames.push_front(frame));
                return ControlFlow::Continue(());
            }
            FaultKind::Swap => {
                if self.frames.len() > 1 {
                    self.frames.swap(0, 1);
                }
                return ControlFlow::Continue(());
            }
            FaultKind::Omit => {
                self.frames.pop_front();
                return ControlFlow::Continue(());
            }
            FaultKind::NoUsage => return ControlFlow::Continue(()),
        };
        self.acts.push_back(last);
        ControlFlow::Break(())
    }

    fn go_on(&mut self, act: Act) -> ControlFlow<()> {
        self.acts.push_back(act);
        ControlFlow::Continue(())
    }
}

/// What an old connection is told, in the words of the reference service.
pub(super) fn too_old(minutes: u64) -> ModelError {
    ModelError::new(
        ErrorKind::ConnectionLimit,
        "websocket_connection_limit_reached",
        format!("This connection is {minutes} minutes old; open a new one to go on."),
    )
}

/// An event of exactly so many bytes, or of as few as it can have.
fn oversized(bytes: usize) -> String {
    let event = |padding: &str| json!({ "type": "stepwell.oversized", "x": padding }).to_string();
    let least = event("").len();
    event(&"x".repeat(bytes.saturating_sub(least)))
}

/// The `error` event of a response, as its server likes to write it.
pub(super) fn error_event(
    error: &ModelError,
    shape: ErrorShape,
    lane: Option<&str>,
    number: Option<u64>,
) -> String {
    let mut event = match shape {
        ErrorShape::Nested | ErrorShape::NoStatus => error.to_wire(),
        ErrorShape::Flat => {
            let mut event = error.body();
            event["type"] = "error".into();
            event
        }
    };
    if let Some(fields) = event.as_object_mut() {
        if shape == ErrorShape::NoStatus {
            fields.remove("status");
        }
        if let Some(lane) = lane {
            fields.insert("stream_id".to_owned(), lane.into());
        }
        if let Some(number) = number.filter(|_| shape == ErrorShape::Flat) {
            fields.insert("sequence_number".to_owned(), number.into());
        }
    }
    event.to_string()
}
