//! One conversation at a time over a link: the client's end of a lane.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::shared::{Asking, Command, Delivery, FRAMES_MAX, NameInUse, Outlet, Shared};
use super::{LANES_MAX, LinkError, REQUEST_BYTES_MAX, Transport};
use crate::event::ModelEvent;
use crate::request::{self, Request};

/// Bytes of a lane's name, by the protocol.
const STREAM_ID_BYTES_MAX: usize = 256;

/// The name of a lane, `stream_id` in the protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// Takes a name of 1 to 256 letters, digits, `_`, `.` and `-`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn new(name: impl Into<String>) -> Result<Self, LaneError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if (1..=STREAM_ID_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name))
        } else {
            Err(LaneError::BadName)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for StreamId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why there is no such lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The name cannot be one.
    #[error("a lane's name has 1 to {STREAM_ID_BYTES_MAX} letters, digits, `_`, `.` or `-`")]
    BadName,
    /// The server is not known to have lanes, or the link is plain HTTP.
    #[error("the model's server has no lanes; open another link instead")]
    NotOffered,
    /// A lane of this name exists, or its last response still runs.
    #[error("the lane `{name}` is in use")]
    InUse {
        /// The name.
        name: StreamId,
    },
    /// The connection has had as many names as a server takes.
    #[error("a connection has at most {LANES_MAX} named lanes; use one again, or another link")]
    TooMany,
}

/// A lane of a link: asks and hears beside the others. It ends with its link.
///
/// Events wait in a queue of their own until they are read. When that queue is full nothing is
/// read from the connection, for any lane: lanes that share a link must all be read, or dropped.
/// What comes for a lane that was dropped is thrown away.
#[derive(Debug)]
pub struct Lane {
    name: Option<StreamId>,
    in_use: Arc<NameInUse>,
    transport: Transport,
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Delivery>,
    // Until the first request takes it to the task.
    outlet: Option<Outlet>,
    sequence_gaps: Arc<AtomicU64>,
    shared: Arc<Shared>,
    // What one frame gave beyond the event that was returned.
    pending: VecDeque<ModelEvent>,
    pub(super) asking: bool,
}

impl Lane {
    /// The lane without a name, and the task's end of it.
    pub(super) fn default_of(
        transport: Transport,
        commands: mpsc::Sender<Command>,
        shared: &Arc<Shared>,
    ) -> (Self, Outlet) {
        let mut lane = Self::of(None, Arc::new(NameInUse), transport, commands, shared.clone());
        let outlet = lane.outlet.take().expect("a lane is made with its outlet");
        (lane, outlet)
    }

    /// Another lane of the same link.
    pub(super) fn beside(&self, name: StreamId) -> Result<Self, LaneError> {
        let in_use = self.shared.name(&name)?;
        let (commands, shared) = (self.commands.clone(), self.shared.clone());
        Ok(Self::of(Some(name), in_use, self.transport, commands, shared))
    }

    fn of(
        name: Option<StreamId>,
        in_use: Arc<NameInUse>,
        transport: Transport,
        commands: mpsc::Sender<Command>,
        shared: Arc<Shared>,
    ) -> Self {
        let (sender, events) = mpsc::channel(FRAMES_MAX);
        let sequence_gaps = Arc::new(AtomicU64::new(0));
        let outlet = Outlet { events: sender, sequence_gaps: sequence_gaps.clone() };
        Self {
            name,
            in_use,
            transport,
            commands,
            events,
            outlet: Some(outlet),
            sequence_gaps,
            shared,
            pending: VecDeque::new(),
            asking: false,
        }
    }

    /// Its name; the default lane has none.
    #[must_use]
    pub fn name(&self) -> Option<&StreamId> {
        self.name.as_ref()
    }

    /// As [`Link::ask`](super::Link::ask).
    ///
    /// # Errors
    /// As there.
    pub async fn ask(&mut self, request: &Request) -> Result<(), LinkError> {
        if self.asking {
            return Err(LinkError::Busy);
        }
        if !request.generate && self.transport == Transport::Http {
            return Err(LinkError::WebSocketOnly { what: "a warm-up" });
        }
        let text = self.text_of(request);
        if text.len() > REQUEST_BYTES_MAX {
            return Err(LinkError::RequestTooLarge { bytes: text.len() });
        }
        if let Some(ending) = self.shared.ending() {
            return Err(ending);
        }
        let place = self.shared.place(&self.in_use)?;
        // Before anything else can wait: an outlet that was taken is never put back.
        let Ok(room) = self.commands.reserve().await else {
            return Err(self.shared.ended().await);
        };
        let (sent, leaving) = oneshot::channel();
        let asking = Asking { lane: self.name.clone(), outlet: self.outlet.take(), place };
        room.send(Command::Ask { asking, text, sent });
        self.asking = true;
        match leaving.await {
            Ok(()) => Ok(()),
            Err(_) => {
                self.asking = false;
                Err(self.shared.ended().await)
            }
        }
    }

    /// As [`Link::steer`](super::Link::steer).
    ///
    /// # Errors
    /// As there.
    pub async fn steer(&mut self, response_id: &str, text: &str) -> Result<(), LinkError> {
        if self.transport == Transport::Http {
            return Err(LinkError::WebSocketOnly { what: "steering" });
        }
        let text = request::steer(response_id, text);
        if text.len() > REQUEST_BYTES_MAX {
            return Err(LinkError::RequestTooLarge { bytes: text.len() });
        }
        if let Some(ending) = self.shared.ending() {
            return Err(ending);
        }
        let (sent, leaving) = oneshot::channel();
        let steer = Command::Steer { lane: self.name.clone(), text, sent };
        if self.commands.send(steer).await.is_err() || leaving.await.is_err() {
            return Err(self.shared.ended().await);
        }
        Ok(())
    }

    /// As [`Link::next`](super::Link::next).
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Result<ModelEvent, LinkError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.note(&event);
                return Ok(event);
            }
            if self.outlet.is_some() {
                return Err(self.shared.ended().await);
            }
            // Cancel-safe: what is received is kept before the next wait.
            let Some(delivery) = self.events.recv().await else {
                self.asking = false;
                return Err(self.shared.ended().await);
            };
            self.pending.extend(delivery.events);
        }
    }

    /// As [`Link::sequence_gaps`](super::Link::sequence_gaps).
    #[must_use]
    pub fn sequence_gaps(&self) -> u64 {
        self.sequence_gaps.load(Ordering::Relaxed)
    }

    pub(super) fn request_bytes(&self, request: &Request) -> usize {
        self.text_of(request).len()
    }

    /// Says goodbye, for all lanes.
    pub(super) async fn close(&self) {
        // A task that is over already has closed the channel; that is as good.
        self.commands.send(Command::Close).await.ok();
    }

    fn text_of(&self, request: &Request) -> String {
        match self.transport {
            Transport::WebSocket => request.to_frame(self.name.as_ref().map(StreamId::as_str)),
            Transport::Http => request.to_body(),
        }
    }

    /// What a steer brings about begins without being asked for.
    fn note(&mut self, event: &ModelEvent) {
        if event.is_terminal() {
            self.asking = false;
        } else if matches!(event, ModelEvent::Created { .. }) {
            self.asking = true;
        }
    }
}
