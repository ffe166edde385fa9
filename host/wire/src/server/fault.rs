//! What a server does wrong on purpose: at the door, and in the middle of a response.

use std::time::Duration;

use crate::error::ModelError;

/// Something that goes wrong while a response is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How many events of the response are sent before it strikes; where there are fewer, it
    /// strikes after the last one.
    pub after_events: u32,
    /// What goes wrong.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that strikes after so many events.
    #[must_use]
    pub fn new(after_events: u32, kind: FaultKind) -> Self {
        Self { after_events, kind }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Closes the socket with a close frame; over HTTP, ends the body as if that were all.
    Close {
        /// The close code.
        code: u16,
    },
    /// Drops the connection without a word: a TCP connection is reset.
    Drop,
    /// Sends half of the next event, then drops the connection.
    Cut,
    /// Sends nothing for this long, or nothing more at all. The socket stays open and pings are
    /// answered.
    Silence {
        /// How long; without it, for ever.
        time: Option<Duration>,
    },
    /// Sends nothing more and reads nothing more: pings stay unanswered, the peer looks dead.
    NoPong,
    /// Sends the bytes of everything that follows drop by drop, below the level of frames.
    Drip(Drip),
    /// Sends a text that is not JSON, then goes on.
    Garbage,
    /// Sends a binary message, then goes on; over HTTP, bytes that are not UTF-8.
    Binary,
    /// Sends events that no client knows and all must ignore, then goes on.
    Noise,
    /// Sends an event of so many bytes, then goes on.
    Oversized {
        /// Its size.
        bytes: usize,
    },
    /// Sends the next event twice, with one number.
    Duplicate,
    /// Sends the next two events in the wrong order.
    Swap,
    /// Leaves the next event out; the numbers show the gap.
    Omit,
    /// Leaves the usage out of the last event.
    NoUsage,
    /// Ends the response with an `error` event. Over HTTP, before the first event, it is a status.
    Error {
        /// The error.
        error: ModelError,
        /// How it is written; without it, as the reference service does on that transport.
        shape: Option<ErrorShape>,
    },
    /// Ends the response with `response.failed`.
    Failed {
        /// The code of the error in it.
        code: String,
        /// Its message.
        message: String,
    },
    /// Says that the connection has reached its limit of age, and closes it.
    ConnectionLimit,
}

/// Bytes that come a few at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drip {
    /// How many at a time; 0 counts as 1.
    pub bytes: usize,
    /// How long between two times.
    pub pause: Duration,
}

/// The ways in which servers write an error on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorShape {
    /// `status` beside a nested `error`: the reference service.
    Nested,
    /// A nested `error` without `status`: gateways.
    NoStatus,
    /// The fields beside `type`: what is right in server-sent events, and seen on sockets too.
    Flat,
}

/// How those who come are received, in the order in which they come. Who comes after the end of
/// a list is let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Door {
    /// For requests to open a WebSocket.
    pub upgrades: Vec<Greeting>,
    /// For responses asked for over HTTP.
    pub posts: Vec<Post>,
}

/// How one request is received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Greeting {
    /// Let in.
    #[default]
    Admit,
    /// Refused with the status and the words of this error.
    Refuse(ModelError),
    /// Never answered.
    Stall,
    /// The connection is dropped.
    Drop,
}

/// How one HTTP request for a response is received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Post {
    /// Whether it is let in.
    pub greeting: Greeting,
    /// How its events are framed, if so.
    pub framing: Framing,
}

/// How server-sent events are framed: all of these are right, and not all clients know it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// Lines end with LF.
    #[default]
    Lf,
    /// Lines end with CR LF.
    Crlf,
    /// A comment stands before each event.
    Comments,
    /// Each event in two `data` lines, which a client joins.
    Lines,
    /// The body comes in chunks of a few bytes, which cut events and characters.
    Shreds,
    /// `data: [DONE]` stands at the end, as gateways have it.
    Done,
}
