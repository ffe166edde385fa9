//! The client's end of one WebSocket: ask for a response, read what comes of it.
//!
//! A task of its own polls the socket for as long as the [`Link`] lives, so that the server's
//! pings are answered while tools run. When nobody reads the events, the task stops reading the
//! socket once its queue is full: backpressure reaches the server, and nothing is unbounded.
//!
//! A link does not reconnect, retry or time a response out: that takes a budget, and budgets are
//! the session's.

mod connect;
mod socket;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;

pub use self::connect::ConnectError;
pub(crate) use self::connect::Transport;
use self::socket::{Command, Frame, Shared, Socket};
use crate::decode::{BadFrame, Decoder, RESPONSE_BYTES_MAX};
use crate::endpoint::Endpoint;
use crate::event::ModelEvent;
use crate::request::Request;

/// Bytes of one request. Gateways in front of the service take 15 MiB.
pub const REQUEST_BYTES_MAX: usize = 15 << 20;

/// Bytes of one incoming message, in one frame or several. The largest is the last event of a
/// response, which holds the whole of it.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// How long [`Link::close`] waits for the server's goodbye. Nothing depends on it.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// Commands that wait for the socket's task: a request and a close.
const COMMANDS_MAX: usize = 2;

/// An open connection to a model's server.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::Sender<Command>,
    frames: mpsc::Receiver<Frame>,
    shared: Arc<Shared>,
    decoder: Decoder,
    // What one frame gave beyond the event that was returned.
    pending: VecDeque<ModelEvent>,
    asking: bool,
    // The one task that owns the socket. Dropping the link ends it.
    task: JoinSet<()>,
}

impl Link {
    /// Opens a connection. Redirects are not followed.
    ///
    /// # Errors
    /// When there is no connection within `connect_timeout`; see [`ConnectError`].
    pub async fn connect(
        endpoint: &Endpoint,
        connect_timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let opening = connect::open(endpoint);
        let socket = tokio::time::timeout(connect_timeout, opening)
            .await
            .map_err(|_| ConnectError::Timeout { after: connect_timeout })??;
        Ok(Self::over(socket))
    }

    /// A link over a WebSocket that is open already.
    pub(crate) fn over(socket: WebSocketStream<Box<dyn Transport>>) -> Self {
        let (commands, to_send) = mpsc::channel(COMMANDS_MAX);
        let (received, frames) = mpsc::channel(socket::FRAMES_MAX);
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        task.spawn(Socket::new(socket, to_send, received, shared.clone()).run());
        Self {
            commands,
            frames,
            shared,
            decoder: Decoder::default(),
            pending: VecDeque::new(),
            asking: false,
            task,
        }
    }

    /// Sends a request and waits until it has left. The link is then asking until
    /// [`Link::next`] has given a terminal event.
    ///
    /// # Errors
    /// When it could not be sent. It may have been sent in part, unless [`Link::bytes_sent`]
    /// is what it was before.
    pub async fn ask(&mut self, request: &Request) -> Result<(), LinkError> {
        if self.asking {
            return Err(LinkError::Busy);
        }
        let text = request.to_json();
        if text.len() > REQUEST_BYTES_MAX {
            return Err(LinkError::RequestTooLarge { bytes: text.len() });
        }
        let (sent, leaving) = oneshot::channel();
        if self.commands.send(Command::Send { text, sent }).await.is_err() {
            return Err(self.ending().await);
        }
        self.asking = true;
        self.decoder = Decoder::default();
        match leaving.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.ending().await),
        }
    }

    /// The next event. Waits for as long as it takes: how long that may be, the caller knows.
    /// Cancel-safe: an event is either returned or kept.
    ///
    /// # Errors
    /// When the connection is over; again each time it is called after that.
    pub async fn next(&mut self) -> Result<ModelEvent, LinkError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.asking &= !event.is_terminal();
                return Ok(event);
            }
            // Cancel-safe: what is received is decoded before the next wait.
            let Some(frame) = self.frames.recv().await else {
                self.asking = false;
                return Err(self.ending().await);
            };
            match self.decoder.decode(&frame.text) {
                Ok(events) => self.pending.extend(events),
                Err(bad) => return Err(self.give_up(bad)),
            }
        }
    }

    /// Bytes of all requests that left, or began to. Frame headers are not counted.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.bytes_sent()
    }

    /// Bytes of all messages that came.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.shared.bytes_received()
    }

    /// Bytes that `request` has on the wire.
    #[must_use]
    pub fn request_bytes(&self, request: &Request) -> usize {
        request.to_json().len()
    }

    /// How many numbered events of the present response were missing. Never an error.
    #[must_use]
    pub fn sequence_gaps(&self) -> u64 {
        self.decoder.sequence_gaps()
    }

    /// Whether a request can be sent, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.ending().is_none()
    }

    /// Says goodbye. Closing while a response runs is the only way to cancel it.
    pub async fn close(mut self) {
        let goodbye = async {
            // A task that is over already has closed the channel; that is as good.
            if self.commands.send(Command::Close).await.is_ok() {
                while self.task.join_next().await.is_some() {}
            }
        };
        // A server that says no goodbye is left without one.
        drop(tokio::time::timeout(CLOSE_TIME_MAX, goodbye).await);
    }

    /// Why the connection is over. The task says so before it ends; a task that said nothing
    /// was ended from outside.
    async fn ending(&mut self) -> LinkError {
        while self.task.join_next().await.is_some() {}
        self.shared.ending().unwrap_or(LinkError::Closed { code: None, reason: String::new() })
    }

    fn give_up(&mut self, bad: BadFrame) -> LinkError {
        let error = match bad {
            BadFrame::Garbage(why) => LinkError::Garbage { why },
            BadFrame::TooLarge => LinkError::TooLarge { limit: RESPONSE_BYTES_MAX },
        };
        // What is still in the queue is of no use: a queue that is closed and empty replaces it.
        self.frames = mpsc::channel(1).1;
        self.task.abort_all();
        self.asking = false;
        self.shared.end(error)
    }
}

/// Why a connection is over, or why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The server closed it, or it was lost. Before a terminal event this is a failure with
    /// any code, also 1000.
    #[error("the model's server closed the connection ({})", closing(*code, reason))]
    Closed {
        /// The close code; none when the connection was dropped.
        code: Option<u16>,
        /// The server's words.
        reason: String,
    },
    /// The server sent something that is not the protocol.
    #[error("the model's server sent something that is not the protocol: {why}")]
    Garbage {
        /// What is wrong with it.
        why: String,
    },
    /// The server sent more than is taken.
    #[error("the model's server sent more than {limit} bytes at once or for one response")]
    TooLarge {
        /// The limit that was exceeded, in bytes.
        limit: usize,
    },
    /// The request is larger than a server takes. Nothing was sent.
    #[error("the request has {bytes} bytes; at most {REQUEST_BYTES_MAX} can be sent")]
    RequestTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The system reported an error on the connection.
    #[error("the connection to the model's server failed: {why}")]
    Io {
        /// What the system said.
        why: String,
    },
    /// Nothing came for too long, not even the answer to a ping.
    #[error("the model's server has not been heard of for {} s", after.as_secs())]
    PeerSilent {
        /// How long.
        after: Duration,
    },
    /// The request did not leave: the server does not read.
    #[error("the model's server did not take the request within {} s", after.as_secs())]
    Stalled {
        /// How long.
        after: Duration,
    },
    /// A response is running; a link serves one at a time. Nothing was sent.
    #[error("a response is running on this link; read it to its end, or close the link")]
    Busy,
}

/// Whether another link may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Another try may succeed, within the caller's budget for tries.
    Retryable,
    /// Another try would fail the same way.
    Final,
}

impl LinkError {
    /// Whether another link may do better. Of the close codes, those that both official SDKs
    /// recover from.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Closed { code: None | Some(1000 | 1001 | 1005 | 1006 | 1011..=1015), .. }
            | Self::Garbage { .. }
            | Self::Io { .. }
            | Self::PeerSilent { .. }
            | Self::Stalled { .. } => ErrorClass::Retryable,
            Self::Closed { code: Some(_), .. }
            | Self::TooLarge { .. }
            | Self::RequestTooLarge { .. }
            | Self::Busy => ErrorClass::Final,
        }
    }
}

fn closing(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, "") => "without a word".to_owned(),
        (None, reason) => reason.to_owned(),
        (Some(code), "") => code.to_string(),
        (Some(code), reason) => format!("{code}: {reason}"),
    }
}

#[cfg(test)]
mod tests;
