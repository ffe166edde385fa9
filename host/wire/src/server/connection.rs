//! One client of the server over WebSocket, from its first message to its last.
//!
//! One task does everything: it does what is due on some lane, and reads while nothing is.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::House;
use super::asked::Origin;
use super::fault::ErrorShape;
use super::intake;
use super::lanes::{Active, Lanes, Name, Waiting};
use super::stage::{self, Act};
use super::tap::Tap;
use crate::error::ModelError;

mod steering;

/// How long a client may take to read what it asked for, message by message.
const SEND_TIME_MAX: Duration = Duration::from_secs(30);

/// How long to wait for a client's goodbye. Hanging up at once could destroy ours on its way.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);

/// The client has gone, or must go.
struct Gone;

/// A client's connection.
pub(super) struct Connection<S> {
    socket: WebSocketStream<S>,
    house: Arc<House>,
    tap: Arc<Tap>,
    number: u64,
    requests: u64,
    steers: u64,
    lanes: Lanes,
    expires: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        socket: WebSocketStream<S>,
        house: Arc<House>,
        tap: Arc<Tap>,
        number: u64,
    ) -> Self {
        let expires = Instant::now() + house.options.connection_age();
        let lanes = Lanes::default();
        Self { socket, house, tap, number, requests: 0, steers: 0, lanes, expires }
    }

    /// Serves the client until it goes or grows too old.
    pub(super) async fn run(mut self) {
        while self.step().await.is_ok() {}
        // The library has queued what answers a close frame; who does not take it has gone.
        drop(timeout(SEND_TIME_MAX, self.socket.flush()).await);
    }

    async fn step(&mut self) -> Result<(), Gone> {
        while let Some(waiting) = self.lanes.next_free() {
            self.start(waiting).await?;
        }
        let due = self.lanes.next_due();
        if let Some((name, _)) = due.as_ref().filter(|(_, due)| *due <= Instant::now()) {
            return self.act(name).await;
        }
        self.flush().await?;
        let due = due.map_or(self.expires, |(_, due)| due.min(self.expires));
        let message = tokio::select! {
            // Cancel-safe, both: the socket keeps what it has not given.
            message = self.socket.next(), if self.lanes.has_room() => message,
            () = sleep_until(due) => {
                return if Instant::now() < self.expires { Ok(()) } else { self.retire().await };
            }
        };
        match message {
            Some(Ok(Message::Text(text))) => self.take(&text).await,
            Some(Ok(Message::Binary(_))) => {
                let message = "binary messages are not part of the protocol".to_owned();
                self.refuse(&intake::bad("invalid_message", message), &None).await
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(Gone),
        }
    }

    /// Tells an old connection to go, as the reference service does, also in idleness.
    async fn retire(&mut self) -> Result<(), Gone> {
        let minutes = self.house.options.connection_age().as_secs().div_ceil(60);
        self.refuse(&stage::too_old(minutes), &None).await?;
        self.close(1000).await?;
        Err(Gone)
    }

    /// Takes one message in. The socket stays, whatever is wrong with it.
    async fn take(&mut self, text: &str) -> Result<(), Gone> {
        let fields = match intake::object(text.as_bytes()) {
            Ok(fields) => fields,
            Err(error) => return self.refuse(&error, &None).await,
        };
        let kind = fields.get("type").and_then(Value::as_str);
        if kind == Some("response.steer") {
            return self.steer(fields).await;
        }
        let lane = match self.lanes.enter(&fields) {
            Ok(lane) => lane,
            Err(error) => return self.refuse(&error, &None).await,
        };
        let message = match kind {
            Some("response.create") => {
                self.lanes.wait(Waiting { lane, fields });
                return Ok(());
            }
            Some(other) => {
                format!("`{other}` is not an event of a client; use `response.create`")
            }
            None => "the event has no `type`".to_owned(),
        };
        let error = intake::bad("unknown_event", message).with_param("type");
        self.refuse(&error, &lane).await
    }

    /// Begins to answer a request.
    async fn start(&mut self, waiting: Waiting) -> Result<(), Gone> {
        let Waiting { lane, mut fields } = waiting;
        let referenced = intake::continued(&fields).map(ToOwned::to_owned);
        self.prepend_pending(&lane, referenced.as_deref(), &mut fields);
        let origin = Origin {
            connection: self.number,
            request: self.requests,
            lane: lane.as_deref(),
            over_http: false,
        };
        self.requests += 1;
        let repeated = without_input(&fields);
        match self.house.answer(fields, origin, |id| self.lanes.held(id)) {
            Ok(performance) => {
                self.lanes.lane(&lane).active = Some(Active {
                    performance,
                    due: Instant::now(),
                    referenced,
                    fields: repeated,
                    shift: 0,
                    number: 0,
                    items_done: Some(0),
                    steers: Vec::new(),
                });
                Ok(())
            }
            Err(error) => {
                self.lanes.evict(&lane, referenced.as_deref());
                self.refuse(&error, &lane).await
            }
        }
    }

    /// Does the next thing on a lane.
    async fn act(&mut self, name: &Name) -> Result<(), Gone> {
        let lane = self.lanes.lane(name);
        let Some(active) = lane.active.as_mut() else { return Ok(()) };
        let Some(act) = active.performance.acts.pop_front() else {
            let Some(active) = lane.active.take() else { return Ok(()) };
            return self.after(name, active).await;
        };
        let label = name.as_deref();
        match act {
            Act::Send(frame) => {
                active.number = frame.number().saturating_add(active.shift).saturating_add(1);
                active.items_done = frame.items_done;
                let text = frame.text(active.shift, label);
                self.put(Message::text(text)).await
            }
            Act::Text(text) => self.put(Message::text(text)).await,
            Act::Bytes(bytes) => self.put(Message::binary(bytes)).await,
            Act::Error { error, shape, number } => {
                let shape = shape.unwrap_or(ErrorShape::Nested);
                let number = number.saturating_add(active.shift);
                let referenced = active.referenced.take();
                self.lanes.evict(name, referenced.as_deref());
                let text = stage::error_event(&error, shape, label, Some(number));
                self.put(Message::text(text)).await
            }
            Act::Keep(held) => {
                lane.held = Some(held.clone());
                self.house.store(&held);
                Ok(())
            }
            Act::Pause(time) => {
                active.due = Instant::now() + time;
                Ok(())
            }
            Act::Silence => {
                active.due = self.expires;
                // Nothing is said at the end either: the lane stays as it is until then.
                active.performance.acts.push_front(Act::Drop);
                Ok(())
            }
            Act::Drip(drip) => {
                self.flush().await?;
                self.tap.set_drip(drip);
                Ok(())
            }
            Act::Cut(frame) => {
                let text = frame.text(active.shift, label);
                self.cut(&text).await
            }
            Act::NoPong => {
                self.flush().await?;
                self.tap.deafen();
                sleep_until(self.expires).await;
                Err(Gone)
            }
            Act::Close(code) => {
                self.close(code).await?;
                Err(Gone)
            }
            Act::Drop => {
                self.flush().await?;
                self.tap.reset();
                Err(Gone)
            }
        }
    }

    /// Sends the first half of a message, as a frame that never ends.
    async fn cut(&mut self, text: &str) -> Result<(), Gone> {
        self.flush().await?;
        let half = &text.as_bytes()[..text.len() / 2];
        let head = frame_head(text.len());
        let limit = self.send_limit();
        let pipe = self.socket.get_mut();
        let sending = async {
            use tokio::io::AsyncWriteExt as _;
            pipe.write_all(&head).await?;
            pipe.write_all(half).await?;
            pipe.flush().await
        };
        in_time(limit, sending).await?;
        Err(Gone)
    }

    async fn refuse(&mut self, error: &ModelError, lane: &Name) -> Result<(), Gone> {
        let text = stage::error_event(error, ErrorShape::Nested, lane.as_deref(), None);
        self.put(Message::text(text)).await?;
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
        in_time(self.send_limit(), self.socket.feed(message)).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        in_time(self.send_limit(), self.socket.flush()).await
    }

    /// How long sending may take: where it is slow on purpose, as long as the connection lives.
    fn send_limit(&self) -> Duration {
        match self.tap.drip() {
            Some(_) => self.expires.saturating_duration_since(Instant::now()),
            None => SEND_TIME_MAX,
        }
    }
}

/// What a successor of a response repeats of the request.
fn without_input(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(key, _)| *key != "input");
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The head of an unmasked, final text frame (RFC 6455, section 5.2).
fn frame_head(length: usize) -> Vec<u8> {
    const TEXT: u8 = 0x81;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => vec![TEXT, short],
        (_, Ok(medium)) => [&[TEXT, 126], medium.to_be_bytes().as_slice()].concat(),
        (_, Err(_)) => {
            let long = u64::try_from(length).unwrap_or(u64::MAX);
            [&[TEXT, 127], long.to_be_bytes().as_slice()].concat()
        }
    }
}

async fn in_time<E>(
    limit: Duration,
    sending: impl Future<Output = Result<(), E>>,
) -> Result<(), Gone> {
    timeout(limit, sending).await.ok().and_then(Result::ok).ok_or(Gone)
}
