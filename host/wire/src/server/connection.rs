//! One client of the server, from its first message to its last.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::House;
use super::intake::{self, Create, Held};
use super::play::{self, Play};
use super::responder::{Fault, Reply};
use crate::error::{ErrorKind, ModelError};

/// Messages that wait while a response is sent; the reference service queues as many. With more
/// the client is not read until the response is over.
const WAITING_MAX: usize = 16;

/// How long a client may take to read what it asked for, message by message.
const SEND_TIME_MAX: Duration = Duration::from_secs(30);

/// How long to wait for a client's goodbye. Hanging up at once could destroy ours on its way.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);

/// A text that no client can read as an event.
const GARBAGE: &str = "{\"type\":\"response.output_text.del";

/// A request, as an observer of the server is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// The connection, counted from 0 over the server's life.
    pub connection: u64,
    /// The request on this connection, counted from 0.
    pub request: u64,
    /// The turn that is asked for, counted from 0.
    pub turn: u32,
    /// The model that is asked.
    pub model: String,
    /// Items of the whole conversation.
    pub items: usize,
    /// Whether an earlier response of the connection is continued.
    pub continued: bool,
    /// Whether nothing is to be generated.
    pub warm_up: bool,
    /// The id that the response will have.
    pub response_id: String,
}

/// The client has gone, or must go.
struct Gone;

/// A client's connection.
pub(super) struct Connection<S> {
    socket: WebSocketStream<S>,
    house: Arc<House>,
    number: u64,
    requests: u64,
    // The latest response: the only one that can be continued.
    held: Option<Held>,
    // Messages that came while a response was being sent.
    waiting: VecDeque<Message>,
    expires: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(socket: WebSocketStream<S>, house: Arc<House>, number: u64) -> Self {
        let expires = Instant::now() + house.options.connection_age();
        let (held, waiting) = (None, VecDeque::new());
        Self { socket, house, number, requests: 0, held, waiting, expires }
    }

    /// Serves the client until it goes or grows too old.
    pub(super) async fn run(mut self) {
        while let Ok(message) = self.next().await {
            let served = match message {
                Message::Text(text) => self.serve(&text).await,
                Message::Binary(_) => {
                    let message = "binary messages are not part of the protocol".to_owned();
                    self.refuse(&intake::bad("invalid_message", message)).await
                }
                Message::Close(_) => Err(Gone),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
            };
            if served.is_err() {
                break;
            }
        }
        // The library has queued what answers a close frame; who does not take it has gone.
        drop(timeout(SEND_TIME_MAX, self.socket.flush()).await);
    }

    /// The next message, those that had to wait first.
    async fn next(&mut self) -> Result<Message, Gone> {
        if let Some(message) = self.waiting.pop_front() {
            return Ok(message);
        }
        tokio::select! {
            message = self.socket.next() => message.and_then(Result::ok).ok_or(Gone),
            () = sleep_until(self.expires) => {
                self.retire().await?;
                Err(Gone)
            }
        }
    }

    /// Tells an old connection to go, as the reference service does, also in idleness.
    async fn retire(&mut self) -> Result<(), Gone> {
        let minutes = self.house.options.connection_age().as_secs().div_ceil(60);
        let error = ModelError::new(
            ErrorKind::ConnectionLimit,
            "websocket_connection_limit_reached",
            format!("This connection is {minutes} minutes old; open a new one to go on."),
        );
        self.refuse(&error).await?;
        self.close(1000).await
    }

    /// Answers one request. The socket stays, whatever is wrong with it.
    async fn serve(&mut self, text: &str) -> Result<(), Gone> {
        let fields = match intake::event(text) {
            Ok(fields) => fields,
            Err(error) => return self.refuse(&error).await,
        };
        let referenced = intake::continued(&fields).map(ToOwned::to_owned);
        let answer = self.answer(fields);
        match answer {
            Ok((play, manner)) => self.perform(play, manner).await,
            Err(error) => {
                // A continuation that fails evicts what it wanted to continue.
                self.held.take_if(|held| Some(&held.id) == referenced.as_ref());
                self.refuse(&error).await
            }
        }
    }

    /// What is sent for a request, and how.
    fn answer(&mut self, fields: Map<String, Value>) -> Result<(Play, Manner), ModelError> {
        let continued = intake::continued(&fields).is_some();
        let create = intake::create(fields, self.held.as_ref(), self.house.responder.model())?;
        self.tell(&create, continued);
        let reply = if create.warm_up {
            Reply::default()
        } else {
            self.house.responder.respond(&create.conversation)
        };
        let manner = Manner { fault: reply.fault, pace: reply.pace };
        match reply.refuse {
            Some(error) => Err(error),
            None => Ok((play::play(create, reply), manner)),
        }
    }

    fn tell(&mut self, create: &Create, continued: bool) {
        if let Some(observer) = &self.house.options.observer {
            observer(&Asked {
                connection: self.number,
                request: self.requests,
                turn: create.conversation.turn,
                model: create.conversation.model.clone(),
                items: create.conversation.items.len(),
                continued,
                warm_up: create.warm_up,
                response_id: play::response_id(create),
            });
        }
        self.requests += 1;
    }

    /// Sends a response, with whatever is to go wrong.
    async fn perform(&mut self, play: Play, manner: Manner) -> Result<(), Gone> {
        let mut fault = manner.fault;
        for (sent, frame) in play.frames.into_iter().enumerate() {
            let due = fault.take_if(|fault| u32::try_from(sent).is_ok_and(|n| n >= fault.events()));
            if let Some(fault) = due {
                self.strike(fault).await?;
            }
            if frame.is_delta && !manner.pace.is_zero() {
                self.flush().await?;
                self.pause(manner.pace).await?;
            }
            self.put(Message::text(frame.text)).await?;
        }
        self.held = Some(play.held);
        self.flush().await?;
        match fault {
            Some(fault) => self.strike(fault).await,
            None => Ok(()),
        }
    }

    async fn strike(&mut self, fault: Fault) -> Result<(), Gone> {
        self.flush().await?;
        match fault {
            Fault::CloseAfter { code, .. } => {
                self.close(code).await?;
                Err(Gone)
            }
            Fault::DropAfter { .. } => Err(Gone),
            Fault::GarbageAfter { .. } => {
                self.put(Message::text(GARBAGE)).await?;
                self.flush().await
            }
            Fault::SilentAfter { .. } => {
                let left = self.expires.saturating_duration_since(Instant::now());
                self.pause(left).await?;
                Err(Gone)
            }
        }
    }

    /// Waits, and keeps reading meanwhile: pings are answered, requests are queued.
    async fn pause(&mut self, time: Duration) -> Result<(), Gone> {
        let over = sleep(time);
        tokio::pin!(over);
        loop {
            // Cancel-safe: the timer goes on, and the socket keeps what it has not given.
            tokio::select! {
                () = &mut over => return Ok(()),
                message = self.socket.next(), if self.waiting.len() < WAITING_MAX => {
                    match message {
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                            self.waiting.push_back(message);
                        }
                        Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => {
                            return Err(Gone);
                        }
                    }
                }
            }
        }
    }

    async fn refuse(&mut self, error: &ModelError) -> Result<(), Gone> {
        self.put(Message::text(error.to_wire().to_string())).await?;
        self.flush().await
    }

    async fn close(&mut self, code: u16) -> Result<(), Gone> {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        self.put(Message::Close(Some(frame))).await?;
        self.flush().await?;
        let goodbye = async { while let Some(Ok(_)) = self.socket.next().await {} };
        // A client that says no goodbye is left without one.
        drop(timeout(GOODBYE_TIME_MAX, goodbye).await);
        Ok(())
    }

    async fn put(&mut self, message: Message) -> Result<(), Gone> {
        in_time(self.socket.feed(message)).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        in_time(self.socket.flush()).await
    }
}

/// How a response is sent.
struct Manner {
    fault: Option<Fault>,
    pace: Duration,
}

async fn in_time<E>(sending: impl Future<Output = Result<(), E>>) -> Result<(), Gone> {
    timeout(SEND_TIME_MAX, sending).await.ok().and_then(Result::ok).ok_or(Gone)
}
