//! A proxy of the test's own before a server: it counts what is asked, and can hold answers back.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use servers::{Kind, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Bytes of one read.
const PART_BYTES: usize = 64 << 10;

/// What the tests ask through one connection is less.
const RECORDED_BYTES_MAX: usize = 4 << 20;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
    _served: JoinSet<()>,
}

struct State {
    kind: Kind,
    /// What clients said, connection by connection.
    recorded: Mutex<Vec<Vec<u8>>>,
    /// Answers are held back while so many requests were made, and not yet so many.
    held: Mutex<(usize, usize)>,
    asked: Notify,
}

impl Proxy {
    pub(crate) async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            kind: server.kind(),
            recorded: Mutex::default(),
            held: Mutex::default(),
            asked: Notify::new(),
        });
        let mut served = JoinSet::new();
        served.spawn(serve(listener, server.port(), Arc::clone(&state)));
        Self { port, state, _served: served }
    }

    /// Requests so far, as the server's protocol has them; its greeting is none.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests()
    }

    /// Bytes that were sent to the server so far.
    pub(crate) fn bytes(&self) -> usize {
        self.state.recorded.lock().unwrap().iter().map(Vec::len).sum()
    }

    /// From the next request on, holds answers back until there are `count`.
    pub(crate) fn hold_until(&self, count: usize) {
        let before = self.requests();
        *self.state.held.lock().unwrap() = (before, before + count);
    }
}

impl State {
    fn requests(&self) -> usize {
        self.recorded.lock().unwrap().iter().map(|bytes| requests(self.kind, bytes)).sum()
    }

    fn is_held(&self) -> bool {
        let (before, until) = *self.held.lock().unwrap();
        let asked = self.requests();
        before < asked && asked < until
    }

    async fn released(&self) {
        loop {
            let mut asked = pin!(self.asked.notified());
            asked.as_mut().enable();
            if !self.is_held() {
                return;
            }
            asked.await;
        }
    }
}

async fn serve(listener: TcpListener, to: u16, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
        let at = {
            let mut recorded = state.recorded.lock().unwrap();
            recorded.push(Vec::new());
            recorded.len() - 1
        };
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let up = up(from_client, to_server, &state, at);
            let down = down(from_server, to_client, &state);
            tokio::join!(up, down);
        });
    }
}

async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State, at: usize) {
    let mut part = vec![0; PART_BYTES];
    while let Ok(length @ 1..) = from.read(&mut part).await {
        {
            let mut recorded = state.recorded.lock().unwrap();
            recorded[at].extend_from_slice(&part[..length]);
            assert!(recorded[at].len() < RECORDED_BYTES_MAX, "a test of its own size");
        }
        state.asked.notify_waiters();
        if to.write_all(&part[..length]).await.is_err() {
            return;
        }
    }
}

async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let mut part = vec![0; PART_BYTES];
    while let Ok(length @ 1..) = from.read(&mut part).await {
        state.released().await;
        if to.write_all(&part[..length]).await.is_err() {
            return;
        }
    }
}

/// How many requests these bytes of a client are.
fn requests(kind: Kind, bytes: &[u8]) -> usize {
    let count = |words: &[&str]| -> usize {
        words
            .iter()
            .map(|word| bytes.windows(word.len()).filter(|at| at == &word.as_bytes()).count())
            .sum()
    };
    match kind {
        Kind::Redis | Kind::ClosedRedis => count(&["\r\nEXISTS\r\n", "\r\nSET\r\n"]),
        Kind::S3
        | Kind::Webdav
        | Kind::Rclone
        | Kind::Collector
        | Kind::OciRegistry
        | Kind::ClosedOciRegistry => count(&[" HTTP/1.1\r\n"]),
        Kind::Memcached | Kind::ClosedMemcached | Kind::MemcachedSocket => {
            count(&["get ci/", "set ci/", "add ci/"])
        }
        Kind::BazelRemote | Kind::ClosedBazelRemote | Kind::Casd | Kind::GrpcCollector => {
            headers(bytes)
        }
    }
}

/// Frames of HTTP/2 that begin a request.
fn headers(bytes: &[u8]) -> usize {
    const PREFACE_BYTES: usize = 24;
    const HEAD_BYTES: usize = 9;
    const HEADERS: u8 = 1;
    let (mut at, mut found) = (PREFACE_BYTES, 0);
    while let Some(head) = bytes.get(at..at + HEAD_BYTES) {
        found += usize::from(head[3] == HEADERS);
        at += HEAD_BYTES
            + usize::from(head[0]) * 65_536
            + usize::from(head[1]) * 256
            + usize::from(head[2]);
    }
    found
}
