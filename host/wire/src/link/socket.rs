//! The task that owns a socket: it reads, writes, pings, and knows when the other side is gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::connect::Transport;
use super::{LinkError, MESSAGE_BYTES_MAX};

/// Frames that wait to be read. A response of plain text has some hundred; this is enough to
/// keep a reader busy who looks away for a moment.
pub(super) const FRAMES_MAX: usize = 64;

/// Bytes of all frames that wait to be read: a few small ones beside a largest one.
const FRAME_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// How often we ping. The official SDKs use the same, and idle proxies wait longer.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long we wait for any frame at all: three pings that were not answered.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long a request may take to leave. 15 MiB need half a MiB a second.
const SEND_TIME_MAX: Duration = Duration::from_secs(30);

/// How long our answer to the server's goodbye may take.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);

/// What the link tells its socket.
#[derive(Debug)]
pub(super) enum Command {
    /// Send a text; `sent` is told when it has left.
    Send { text: String, sent: oneshot::Sender<()> },
    /// Say goodbye.
    Close,
}

/// A text that came, and the room it takes until it is read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) text: String,
    _room: OwnedSemaphorePermit,
}

/// What link and task both know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    ending: OnceLock<LinkError>,
}

impl Shared {
    pub(super) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_received(&self) -> u64 {
        self.bytes_received.load(Ordering::Relaxed)
    }

    pub(super) fn ending(&self) -> Option<LinkError> {
        self.ending.get().cloned()
    }

    /// Settles why the connection is over. The first reason stands, and is returned.
    pub(super) fn end(&self, error: LinkError) -> LinkError {
        self.ending.get_or_init(|| error).clone()
    }
}

/// A message on its way out.
#[derive(Debug)]
struct Leaving {
    // Nobody waits for a ping or a close frame.
    sent: Option<oneshot::Sender<()>>,
    deadline: Instant,
}

/// The socket and what it is doing.
pub(super) struct Socket {
    sink: SplitSink<WebSocketStream<Box<dyn Transport>>, Message>,
    stream: SplitStream<WebSocketStream<Box<dyn Transport>>>,
    commands: mpsc::Receiver<Command>,
    frames: mpsc::Sender<Frame>,
    room: Arc<Semaphore>,
    shared: Arc<Shared>,
    // While this is set nothing else is put into the sink.
    leaving: Option<Leaving>,
    // While this is set nothing is read: it waits for room in the queue.
    held: Option<String>,
    last_heard: Instant,
}

impl Socket {
    pub(super) fn new(
        socket: WebSocketStream<Box<dyn Transport>>,
        commands: mpsc::Receiver<Command>,
        frames: mpsc::Sender<Frame>,
        shared: Arc<Shared>,
    ) -> Self {
        let (sink, stream) = socket.split();
        Self {
            sink,
            stream,
            commands,
            frames,
            room: Arc::new(Semaphore::new(FRAME_BYTES_MAX)),
            shared,
            leaving: None,
            held: None,
            last_heard: Instant::now(),
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
                slot = queue(&self.frames, &self.room, self.held.as_deref()), if self.held.is_some() => {
                    self.deliver(slot)
                }
                message = self.stream.next(), if self.held.is_none() => self.hear(message).await,
                Some(command) = self.commands.recv(), if self.leaving.is_none() => {
                    self.obey(command).await
                }
                _ = pings.tick(), if self.leaving.is_none() => {
                    self.put(Message::Ping(Bytes::new()), None).await
                }
                () = sleep_until(late), if self.leaving.is_some() => {
                    Err(LinkError::Stalled { after: SEND_TIME_MAX })
                }
                () = sleep_until(silent), if self.held.is_none() => {
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
            Command::Send { text, sent } => {
                self.shared.bytes_sent.fetch_add(bytes(&text), Ordering::Relaxed);
                self.put(Message::text(text), Some(sent)).await
            }
            Command::Close => self.put(Message::Close(None), None).await,
        }
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
                self.shared.bytes_received.fetch_add(bytes(&text), Ordering::Relaxed);
                self.held = Some(text.as_str().to_owned());
                Ok(())
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

    fn deliver(&mut self, slot: Option<Slot>) -> Result<(), LinkError> {
        // The other end of the queue is gone: so is the link, and soon this task.
        let (slot, room) = slot.ok_or_else(|| closed(None))?;
        let text = self.held.take().expect("the queue is asked for a held frame only");
        slot.send(Frame { text, _room: room });
        // While nothing was read, nothing could be heard.
        self.last_heard = Instant::now();
        Ok(())
    }
}

type Slot = (mpsc::OwnedPermit<Frame>, OwnedSemaphorePermit);

/// Waits for room for `held` in the queue, by count and by bytes. Cancel-safe: room that was
/// found is given back.
async fn queue(
    frames: &mpsc::Sender<Frame>,
    room: &Arc<Semaphore>,
    held: Option<&str>,
) -> Option<Slot> {
    // The library lets no message through that is larger than MESSAGE_BYTES_MAX.
    let bytes = held.map_or(0, str::len).min(FRAME_BYTES_MAX);
    let permits = u32::try_from(bytes).ok()?;
    let room = room.clone().acquire_many_owned(permits).await.ok()?;
    Some((frames.clone().reserve_owned().await.ok()?, room))
}

fn pings() -> Interval {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
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
