//! The client's end of one connection: ask for a response, read what comes of it.
//!
//! A task of its own polls the connection for as long as the [`Link`] lives, so that the server's
//! pings are answered while tools run. When nobody reads the events of a response, the task stops
//! reading the connection once its queue is full: backpressure reaches the server, and nothing is
//! unbounded. What comes while no response runs is thrown away.
//!
//! A link does not reconnect, retry or time a response out: that takes a budget, and budgets are
//! the session's. Dropping it cancels what runs.

mod connect;
mod dial;
mod error;
mod http;
mod lane;
mod proxy;
mod routes;
mod shared;
mod socket;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;

pub use self::connect::{ConnectError, HttpMayDo};
pub(crate) use self::dial::Network;
pub use self::dial::{ByteStream, Dial};
pub use self::error::LinkError;
use self::http::Exchanges;
pub use self::lane::{Lane, LaneError, StreamId};
use self::shared::{COMMANDS_MAX, Shared};
use self::socket::Socket;
use crate::endpoint::Endpoint;
use crate::event::ModelEvent;
use crate::request::Request;

/// Bytes of one request. Gateways in front of the service take 15 MiB.
pub const REQUEST_BYTES_MAX: usize = 15 << 20;

/// Bytes of one incoming message or event, in one piece or several. The largest is the last event
/// of a response, which holds the whole of it.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Named lanes of one connection, those that are gone included: the service takes no more.
pub const LANES_MAX: usize = 32;

/// Responses that run at once on one connection, over all lanes. The service would queue more.
pub const IN_FLIGHT_MAX: usize = 16;

/// How long [`Link::close`] waits for the server's goodbye. Nothing depends on it.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// Which way requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Messages over one WebSocket, which remembers the latest response.
    WebSocket,
    /// A `POST` for each request, answered by server-sent events. The server remembers nothing:
    /// `previous_response_id` is of no use, and each request brings the full input.
    Http,
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WebSocket => "websocket",
            Self::Http => "http",
        })
    }
}

/// An open connection to a model's server.
///
/// Servers end a WebSocket at some age, [`Endpoint::rollover_after`]; a session compares it with
/// [`Link::age`] between two responses, and opens another link in time. A server that says that
/// the age has come while nothing runs closes the link, and that is all: [`Link::is_open`].
#[derive(Debug)]
pub struct Link {
    lane: Lane,
    transport: Transport,
    has_lanes: bool,
    shared: Arc<Shared>,
    opened: Instant,
    // The one task that owns the connection. Dropping the link ends it.
    task: JoinSet<()>,
}

impl Link {
    /// Opens a connection. Redirects are not followed. Over [`Transport::Http`] nothing is said
    /// yet: what the server thinks of us it says when it is asked.
    ///
    /// # Errors
    /// When there is no connection within `connect_timeout`; see [`ConnectError`].
    pub async fn connect(
        endpoint: &Endpoint,
        transport: Transport,
        connect_timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let mut reached = false;
        let opening = Box::pin(async {
            let stream = connect::open(endpoint).await?;
            reached = true;
            match transport {
                Transport::WebSocket => {
                    let mut link = Self::over(connect::upgrade(endpoint, stream).await?);
                    link.has_lanes = endpoint.has_lanes();
                    Ok(link)
                }
                Transport::Http => Self::over_http(stream, endpoint).await,
            }
        });
        let opened = tokio::time::timeout(connect_timeout, opening).await;
        opened.map_err(|_| ConnectError::Timeout { after: connect_timeout, reached })?
    }

    /// A link over a WebSocket that is open already.
    pub(crate) fn over(socket: WebSocketStream<Box<dyn ByteStream>>) -> Self {
        let (commands, to_send) = mpsc::channel(COMMANDS_MAX);
        let shared = Arc::new(Shared::new());
        let (lane, outlet) = Lane::default_of(Transport::WebSocket, commands, &shared);
        let mut task = JoinSet::new();
        task.spawn(Socket::new(socket, to_send, outlet, shared.clone()).run());
        Self::of(lane, Transport::WebSocket, shared, task)
    }

    async fn over_http(
        stream: Box<dyn ByteStream>,
        endpoint: &Endpoint,
    ) -> Result<Self, ConnectError> {
        let (commands, to_send) = mpsc::channel(COMMANDS_MAX);
        let shared = Arc::new(Shared::new());
        let (lane, outlet) = Lane::default_of(Transport::Http, commands, &shared);
        let http = Exchanges::over(stream, endpoint.clone(), to_send, outlet, shared.clone())
            .await
            .map_err(|err| connect::unreachable(endpoint, &err.to_string()))?;
        let mut task = JoinSet::new();
        task.spawn(http.run());
        Ok(Self::of(lane, Transport::Http, shared, task))
    }

    fn of(lane: Lane, transport: Transport, shared: Arc<Shared>, task: JoinSet<()>) -> Self {
        Self { lane, transport, has_lanes: false, shared, opened: Instant::now(), task }
    }

    /// Which way its requests travel.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// How long it has been open.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Sends a request and waits until it has left. The link is then asking until
    /// [`Link::next`] has given a terminal event.
    ///
    /// # Errors
    /// When it could not be sent. It may have been sent in part, unless [`Link::bytes_sent`]
    /// is what it was before. Over [`Transport::Http`] a warm-up is
    /// [`LinkError::WebSocketOnly`]: there is nothing to prepare.
    pub async fn ask(&mut self, request: &Request) -> Result<(), LinkError> {
        self.lane.ask(request).await
    }

    /// Says something to the model while it responds. Its answer comes among the events:
    /// [`ModelEvent::SteerAccepted`], [`ModelEvent::SteerPending`] or [`ModelEvent::SteerFailed`].
    /// An accepted steer ends the response, as [`ModelEvent::Incomplete`] for the reason `steered`
    /// or in the ordinary way, and begins another that was not asked for, with
    /// [`ModelEvent::Created`]. Without an answer it is not known what became of the steer.
    ///
    /// # Errors
    /// When it could not be sent.
    pub async fn steer(&mut self, response_id: &str, text: &str) -> Result<(), LinkError> {
        self.lane.steer(response_id, text).await
    }

    /// The next event. Waits for as long as it takes: how long that may be, the caller knows.
    /// Signs of life that are no events count in [`Link::bytes_received`]. Cancel-safe: an event
    /// is either returned or kept.
    ///
    /// # Errors
    /// When the connection is over; again each time it is called after that.
    pub async fn next(&mut self) -> Result<ModelEvent, LinkError> {
        self.lane.next().await
    }

    /// A further lane, which asks and hears beside this link itself, the default lane.
    ///
    /// # Errors
    /// When the server has no lanes or no more of them, or the name is in use.
    pub fn lane(&self, name: StreamId) -> Result<Lane, LaneError> {
        if !self.has_lanes {
            return Err(LaneError::NotOffered);
        }
        self.lane.beside(name)
    }

    /// Bytes of all requests that left, or began to, over all lanes. Headers are not counted.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.bytes_sent()
    }

    /// Bytes of all messages and bodies that came, over all lanes.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.shared.bytes_received()
    }

    /// Bytes that `request` has on the wire.
    #[must_use]
    pub fn request_bytes(&self, request: &Request) -> usize {
        self.lane.request_bytes(request)
    }

    /// How many numbered events of the present response were missing. Never an error.
    #[must_use]
    pub fn sequence_gaps(&self) -> u64 {
        self.lane.sequence_gaps()
    }

    /// Whether a request can be sent, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.ending().is_none()
    }

    /// Says goodbye. Closing while a response runs is the only way to cancel it.
    pub async fn close(mut self) {
        let goodbye = async {
            self.lane.close().await;
            while self.task.join_next().await.is_some() {}
        };
        // In HTTP there is no goodbye. A server that says none is left without one.
        if self.transport == Transport::WebSocket {
            drop(tokio::time::timeout(CLOSE_TIME_MAX, goodbye).await);
        }
    }
}

#[cfg(test)]
mod tests;
