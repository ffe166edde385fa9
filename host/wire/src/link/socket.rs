//! The task that owns a socket: it reads, writes, pings, and knows when the other side is gone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::dial::ByteStream;
use super::routes::{Parcel, Room, Routes, Sorted};
use super::shared::{Command, EndsWithTask, Outlet, Shared};
use super::{LinkError, MESSAGE_BYTES_MAX};

/// How often we ping. The official SDKs use the same, and idle proxies wait longer.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long we wait for any frame at all: three pings that were not answered.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long a request may take to leave. 15 MiB need half a MiB a second.
const SEND_TIME_MAX: Duration = Duration::from_secs(30);

/// How long our answer to the server's goodbye may take.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);

/// A message on its way out.
#[derive(Debug)]
struct Leaving {
    // Nobody waits for a ping or a close frame.
    sent: Option<oneshot::Sender<()>>,
    deadline: Instant,
}

/// The socket and what it is doing.
pub(super) struct Socket {
    sink: SplitSink<WebSocketStream<Box<dyn ByteStream>>, Message>,
    stream: SplitStream<WebSocketStream<Box<dyn ByteStream>>>,
    commands: mpsc::Receiver<Command>,
    routes: Routes,
    shared: Arc<Shared>,
    // While this is set nothing else is put into the sink.
    leaving: Option<Leaving>,
    // While there is anything in it nothing is read: it waits for room in its lane's queue.
    held: VecDeque<Parcel>,
    last_heard: Instant,
    // Whoever waits is told, also when the task is aborted.
    _ending: EndsWithTask,
}

impl Socket {
    pub(super) fn new(
        socket: WebSocketStream<Box<dyn ByteStream>>,
        commands: mpsc::Receiver<Command>,
        outlet: Outlet,
        shared: Arc<Shared>,
    ) -> Self {
        let (sink, stream) = socket.split();
        Self {
            sink,
            stream,
            commands,
            routes: Routes::new(outlet),
            shared: shared.clone(),
            leaving: None,
            held: VecDeque::new(),
            last_heard: Instant::now(),
            _ending: EndsWithTask(shared),
        }
    }

    /// Serves the socket to its end.
    pub(super) async fn run(mut self) {
        let error = self.serve().await;
        self.shared.end(error);
    }

    async fn serve(&mut self) -> LinkError {
        let mut pings = pings();
        loop {
            let silent = self.last_heard + SILENCE_MAX;
            let late = self.leaving.as_ref().map_or(silent, |leaving| leaving.deadline);
            // All arms are cancel-safe: what they wait for stays in the socket, the channel or
            // the timer until they are the one that is ready.
            let went_wrong = tokio::select! {
                biased;
                flushed = self.sink.flush(), if self.leaving.is_some() => self.left(flushed),
                room = queue(&self.shared, self.held.front()), if !self.held.is_empty() => {
                    self.deliver(room);
                    Ok(())
                }
                message = self.stream.next(), if self.held.is_empty() => self.hear(message).await,
                Some(command) = self.commands.recv(), if self.leaving.is_none() => {
                    self.obey(command).await
                }
                _ = pings.tick(), if self.leaving.is_none() => {
                    self.put(Message::Ping(Bytes::new()), None).await
                }
                () = sleep_until(late), if self.leaving.is_some() => {
                    Err(LinkError::Stalled { after: SEND_TIME_MAX })
                }
                () = sleep_until(silent), if self.held.is_empty() => {
                    Err(LinkError::PeerSilent { after: SILENCE_MAX })
                }
            };
            if let Err(error) = went_wrong {
                return error;
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), LinkError> {
        match command {
            Command::Ask { asking, text, sent } => {
                self.routes.asked(asking);
                self.send(text, sent).await
            }
            Command::Steer { lane, text, sent } => {
                self.routes.steered(lane.as_ref());
                self.send(text, sent).await
            }
            Command::Close => self.put(Message::Close(None), None).await,
        }
    }

    async fn send(&mut self, text: String, sent: oneshot::Sender<()>) -> Result<(), LinkError> {
        self.shared.sent(text.len());
        self.put(Message::text(text), Some(sent)).await
    }

    /// Puts a message into the sink, which has room: nothing is leaving.
    async fn put(
        &mut self,
        message: Message,
        sent: Option<oneshot::Sender<()>>,
    ) -> Result<(), LinkError> {
        self.leaving = Some(Leaving { sent, deadline: Instant::now() + SEND_TIME_MAX });
        self.sink.feed(message).await.map_err(|err| ended_by(&err))
    }

    fn left(&mut self, flushed: Result<(), Error>) -> Result<(), LinkError> {
        let leaving = self.leaving.take();
        flushed.map_err(|err| ended_by(&err))?;
        if let Some(sent) = leaving.and_then(|leaving| leaving.sent) {
            // Whoever asked may have gone away since; the request has left all the same.
            sent.send(()).ok();
        }
        Ok(())
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), LinkError> {
        self.last_heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => {
                self.shared.received(text.len());
                self.sort(text.as_str().to_owned())
            }
            Some(Ok(Message::Binary(_))) => {
                Err(LinkError::Garbage { why: "a binary message".to_owned() })
            }
            Some(Ok(Message::Close(frame))) => {
                // Our answer is queued by the library; a server that does not take it has
                // closed all the same.
                drop(tokio::time::timeout(GOODBYE_TIME_MAX, self.sink.flush()).await);
                Err(closed(frame))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Err(err)) => Err(ended_by(&err)),
            None => Err(closed(None)),
        }
    }

    fn sort(&mut self, text: String) -> Result<(), LinkError> {
        match self.routes.sort(text) {
            Ok(parcels) => self.held = parcels,
            Err(Sorted::TooOld(parcels)) => {
                // What runs may come to its end; the server closes when it sees fit.
                self.shared.end(LinkError::ended("it is as old as the server lets it grow"));
                self.held = parcels;
            }
            Err(Sorted::Bad(error)) => return Err(error),
        }
        Ok(())
    }

    fn deliver(&mut self, room: Option<Room>) {
        let parcel = self.held.pop_front().expect("room is sought for a held parcel only");
        // Without room there is no lane any more, and nobody to tell.
        if let Some(room) = room {
            parcel.put(room);
        }
        // While nothing was read, nothing could be heard.
        self.last_heard = Instant::now();
    }
}

/// Waits for room for a parcel in its lane's queue. Cancel-safe.
async fn queue(shared: &Shared, parcel: Option<&Parcel>) -> Option<Room> {
    parcel?.room(shared).await
}

fn pings() -> Interval {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

fn closed(frame: Option<CloseFrame>) -> LinkError {
    let (code, reason) = match frame {
        Some(frame) => (Some(u16::from(frame.code)), frame.reason.as_str().to_owned()),
        None => (None, String::new()),
    };
    LinkError::Closed { code, reason }
}

/// The one place that reads the library's errors.
fn ended_by(err: &Error) -> LinkError {
    match err {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
        ) => closed(None),
        Error::Io(err) => LinkError::Io { why: err.to_string() },
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            LinkError::TooLarge { limit: MESSAGE_BYTES_MAX }
        }
        Error::Capacity(CapacityError::TooManyHeaders)
        | Error::Protocol(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Tls(_)
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_)
        | Error::WriteBufferFull(_) => LinkError::Garbage { why: err.to_string() },
    }
}
