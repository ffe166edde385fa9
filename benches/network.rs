//! A network of a chosen length, on loopback: a proxy that carries bytes after a delay, in order,
//! and counts them.
//!
//! What it leaves out: loss, bandwidth, and TLS, whose handshake would take one more round trip of
//! each new connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks under way in one direction, 64 MiB: more than any run sends within a round trip, so
/// that nothing is held back.
const CHUNKS_MAX: usize = 1_024;
/// Bytes of TCP's first flight: ten segments of 1,460 bytes (RFC 6928).
const FIRST_FLIGHT_BYTES: usize = 10 * 1_460;

/// How far the other side is.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// There and back.
    pub round_trip: Duration,
    /// Whether each request begins with TCP's first flight again, and has as many round trips
    /// more as its further flights need. So it is on connections that were silent while a model
    /// thought (RFC 5681, section 4.1). Answers trickle, and are not held to it.
    pub slow_start: bool,
}

/// A line to a server. Dropping it cuts it.
#[derive(Debug)]
pub struct Network {
    address: SocketAddr,
    counts: Arc<Counts>,
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Network {
    /// A line to the server at `to`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn to(to: SocketAddr, line: Line) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let counts = Arc::default();
        let mut task = JoinSet::new();
        task.spawn(accept(listener, to, line, Arc::clone(&counts)));
        Ok(Self { address, counts, _task: task })
    }

    /// What a client takes for its base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Bytes that clients sent and received so far, headers and frames included.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.counts.sent.load(Ordering::Relaxed), self.counts.received.load(Ordering::Relaxed))
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, line: Line, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connect(client, to, line, Arc::clone(&counts)));
    }
}

async fn connect(client: TcpStream, to: SocketAddr, line: Line, counts: Arc<Counts>) {
    // The client believes to be connected already. Over a real line it would learn that after a
    // round trip, and only then send.
    let open = Instant::now() + line.round_trip;
    let Ok(server) = TcpStream::connect(to).await else { return };
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let down = Line { slow_start: false, ..line };
    tokio::join!(
        carry(from_client, to_server, Flight::new(line, open), &counts.sent),
        carry(from_server, to_client, Flight::new(down, Instant::now()), &counts.received),
    );
}

/// Carries one direction to its end.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flight: Flight,
    count: &AtomicU64,
) {
    let (queue, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    let depart = async {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            count.fetch_add(read as u64, Ordering::Relaxed);
            let mut rest = &chunk[..read];
            while !rest.is_empty() {
                let (arrives, bytes) = flight.depart(Instant::now(), rest.len());
                let (now, later) = rest.split_at(bytes);
                if queue.send((arrives, now.to_vec())).await.is_err() {
                    return;
                }
                rest = later;
            }
        }
        drop(queue);
    };
    let arrive = async {
        while let Some((arrives, bytes)) = under_way.recv().await {
            if arrives > Instant::now() {
                sleep_until(arrives).await;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The other side may have gone already.
        to.shutdown().await.ok();
    };
    tokio::join!(depart, arrive);
}

/// When bytes of one direction leave and arrive.
#[derive(Debug)]
struct Flight {
    line: Line,
    /// When the present flight began, or will.
    began: Instant,
    /// When the last byte left.
    last: Instant,
    /// Bytes of the present flight, and those it still has room for.
    window: usize,
    room: usize,
}

impl Flight {
    /// Nothing leaves before `open`.
    fn new(line: Line, open: Instant) -> Self {
        Self { line, began: open, last: open, window: FIRST_FLIGHT_BYTES, room: FIRST_FLIGHT_BYTES }
    }

    /// How many of `bytes` leave together now, and when they arrive.
    fn depart(&mut self, now: Instant, bytes: usize) -> (Instant, usize) {
        let leaves = now.max(self.began);
        if !self.line.slow_start {
            return (leaves + self.line.round_trip / 2, bytes);
        }
        if now >= self.last + self.line.round_trip {
            // Nothing was to be sent for so long: the window is the first one again.
            *self = Self { last: leaves, ..Self::new(self.line, leaves) };
        }
        let together = bytes.min(self.room);
        self.room -= together;
        self.last = leaves;
        if self.room == 0 {
            // The next flight leaves when this one is known to have arrived.
            self.began = leaves + self.line.round_trip;
            self.window *= 2;
            self.room = self.window;
        }
        (leaves + self.line.round_trip / 2, together)
    }
}
