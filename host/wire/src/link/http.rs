//! The task that owns an HTTP connection: a `POST` for each request, server-sent events for each
//! response. The connection is kept for the next request as long as both sides agree to.

mod body;
mod events;

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use self::body::RequestBody;
use self::events::{Events, TooLarge};
use super::connect::HEAD_BYTES_MAX;
use super::dial::ByteStream;
use super::routes::{Parcel, Route};
use super::shared::{Command, EndsWithTask, Outlet, Shared};
use super::{LinkError, MESSAGE_BYTES_MAX};
use crate::decode::Frame;
use crate::endpoint::Endpoint;
use crate::error::ModelError;
use crate::event::ModelEvent;

/// Bytes of a refusal. What SDKs read of one has some hundred.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// How long the rest of a body may take once the response is complete, and how long it may be;
/// beyond that a new connection is cheaper.
const REST_TIME_MAX: Duration = Duration::from_secs(1);
const REST_BYTES_MAX: usize = 64 << 10;

/// What gateways send after the last event of other protocols. Here it can only come too early.
const DONE: &str = "[DONE]";

/// The connection and what it is doing.
pub(super) struct Exchanges {
    endpoint: Endpoint,
    sender: SendRequest<RequestBody>,
    // The one task that moves the connection's bytes; over when the connection is.
    connection: JoinSet<()>,
    commands: mpsc::Receiver<Command>,
    route: Route,
    shared: Arc<Shared>,
    // Whoever waits is told, also when the task is aborted.
    _ending: EndsWithTask,
}

impl Exchanges {
    /// Makes a connection of a byte stream. Nothing is sent yet.
    pub(super) async fn over(
        stream: Box<dyn ByteStream>,
        endpoint: Endpoint,
        commands: mpsc::Receiver<Command>,
        outlet: Outlet,
        shared: Arc<Shared>,
    ) -> hyper::Result<Self> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await?;
        let mut task = JoinSet::new();
        // What goes wrong with it, the request under way is told.
        task.spawn(async move { drop(connection.await) });
        Ok(Self {
            endpoint,
            sender,
            connection: task,
            commands,
            route: Route::new(outlet),
            shared: shared.clone(),
            _ending: EndsWithTask(shared),
        })
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        let error = self.serve().await;
        self.shared.end(error);
    }

    async fn serve(&mut self) -> LinkError {
        loop {
            // Both arms are cancel-safe: what they wait for stays where it is.
            let command = tokio::select! {
                biased;
                _ = self.connection.join_next() => {
                    return LinkError::ended("it was idle");
                }
                command = self.commands.recv() => command,
            };
            match command {
                Some(Command::Ask { asking, text, sent }) => {
                    self.route.asked(asking.place);
                    if let Err(error) = self.exchange(text, sent).await {
                        return error;
                    }
                }
                // There is no goodbye in HTTP, and no steering.
                Some(Command::Close | Command::Steer { .. }) | None => return LinkError::dropped(),
            }
        }
    }

    /// One request and its response. An error is the connection's end.
    async fn exchange(&mut self, text: String, sent: oneshot::Sender<()>) -> Result<(), LinkError> {
        let body = RequestBody::new(text, sent, self.shared.clone());
        let request = self.endpoint.post(body).map_err(|why| LinkError::Garbage { why })?;
        let response = self.sender.send_request(request).await.map_err(|err| ended_by(&err))?;
        match response.status() {
            StatusCode::OK => {
                let is_stream = is_event_stream(response.headers());
                if let Err(kind) = is_stream {
                    let why = format!("`{kind}` where `text/event-stream` belongs");
                    return Err(LinkError::Garbage { why });
                }
                self.listen(response.into_body()).await
            }
            _ => self.refused(response).await,
        }
    }

    async fn listen(&mut self, mut body: Incoming) -> Result<(), LinkError> {
        let mut events = Events::default();
        while let Some(bytes) = self.read(&mut body).await? {
            let mut rest = &bytes[..];
            while let Some(data) = events.next(&mut rest)? {
                if data == DONE {
                    return Err(LinkError::ended("it ended the stream before the response"));
                }
                let Some(parcel) = self.route.decode(&Frame::parse(data)?)? else { continue };
                if parcel.events.iter().any(ModelEvent::is_terminal) {
                    return self.finish(body, parcel).await;
                }
                self.deliver(parcel).await?;
            }
        }
        Err(LinkError::ended("it ended the stream before the response"))
    }

    /// The next piece of a body; none at its end. Nothing is read beyond it: a reader that looks
    /// away slows the server down.
    async fn read(&self, body: &mut Incoming) -> Result<Option<Bytes>, LinkError> {
        while let Some(frame) = body.frame().await {
            // What is no data is a trailer, and says nothing.
            if let Ok(bytes) = frame.map_err(|err| ended_by(&err))?.into_data() {
                self.shared.received(bytes.len());
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The server would not. Its words may be cut; that is no reason to miss its status.
    async fn refused(&mut self, response: Response<Incoming>) -> Result<(), LinkError> {
        let (head, body) = response.into_parts();
        let mut body = Limited::new(body, REFUSAL_BYTES_MAX);
        let mut words = Vec::new();
        let mut whole = true;
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(bytes)) => {
                    self.shared.received(bytes.len());
                    words.extend_from_slice(&bytes);
                }
                Ok(Err(_)) => {}
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        let error = ModelError::from_refusal(head.status, &head.headers, &words);
        let parcel = self.route.tell(ModelEvent::Failed { error, usage: None });
        if whole && self.is_kept().await {
            self.deliver(parcel).await
        } else {
            self.retire();
            self.deliver(parcel).await?;
            Err(LinkError::dropped())
        }
    }

    /// The response is complete. Whether the connection can be used again is known before its
    /// last event is read, so that [`Link::is_open`](super::Link::is_open) is right by then.
    async fn finish(&mut self, mut body: Incoming, last: Parcel) -> Result<(), LinkError> {
        let rest = async {
            let mut bytes = 0;
            while let Some(more) = self.read(&mut body).await? {
                bytes += more.len();
                if bytes > REST_BYTES_MAX {
                    return Err(LinkError::TooLarge { limit: REST_BYTES_MAX });
                }
            }
            Ok(())
        };
        let ended = matches!(tokio::time::timeout(REST_TIME_MAX, rest).await, Ok(Ok(())));
        if ended && self.is_kept().await {
            return self.deliver(last).await;
        }
        self.retire();
        self.deliver(last).await?;
        Err(LinkError::dropped())
    }

    /// Whether both sides keep the connection after a whole response.
    async fn is_kept(&mut self) -> bool {
        matches!(tokio::time::timeout(REST_TIME_MAX, self.sender.ready()).await, Ok(Ok(())))
    }

    /// Nothing more can be asked, though what came is still to be read.
    fn retire(&self) {
        self.shared.end(LinkError::ended("it keeps no connection after a response"));
    }

    /// Waits until there is room; meanwhile nothing is read.
    async fn deliver(&self, parcel: Parcel) -> Result<(), LinkError> {
        let room = parcel.room(&self.shared).await.ok_or_else(LinkError::dropped)?;
        parcel.put(room);
        Ok(())
    }
}

/// What the body is, if it is something else. A server that does not say is believed.
fn is_event_stream(headers: &HeaderMap) -> Result<(), String> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or("?");
    let media_type = kind.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case("text/event-stream") {
        Ok(())
    } else {
        Err(media_type.to_owned())
    }
}

impl From<TooLarge> for LinkError {
    fn from(_: TooLarge) -> Self {
        Self::TooLarge { limit: MESSAGE_BYTES_MAX }
    }
}

/// The one place that reads the library's errors.
fn ended_by(err: &hyper::Error) -> LinkError {
    if err.is_parse_too_large() {
        return LinkError::TooLarge { limit: HEAD_BYTES_MAX };
    }
    if err.is_parse() {
        return LinkError::Garbage { why: err.to_string() };
    }
    let cause = std::error::Error::source(err).and_then(|cause| cause.downcast_ref());
    match cause {
        Some(io) if !is_hang_up(io) => LinkError::Io { why: io.to_string() },
        Some(_) | None => LinkError::dropped(),
    }
}

fn is_hang_up(err: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(err.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}
