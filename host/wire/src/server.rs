//! The server side of the protocol: for scripted runs, for the offline analyst, for strangers.
//!
//! Any client of the Responses API is served, over WebSocket or HTTP, the official SDKs included.
//! What is behind it, a [`Responder`], sees conversations and says what comes next; this module
//! turns that into the events of the protocol, in their order, with every field a strict client
//! wants.
//!
//! Reading order: `door` (who comes in), `connection` (WebSocket) and `exchange` (HTTP), which both
//! carry out what `stage` plans from what `play` made of a reply. Of each lane of a connection the
//! latest response is remembered, of stored ones the latest thousand, in memory, and nothing else
//! of anybody.

mod asked;
mod connection;
mod door;
mod exchange;
mod fault;
mod intake;
mod lanes;
mod memory;
mod play;
mod responder;
mod stage;
mod tap;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

pub use self::asked::Asked;
pub(crate) use self::intake::lost;

pub use self::fault::{Door, Drip, ErrorShape, Fault, FaultKind, Framing, Greeting, Post};
pub use self::memory::InMemoryServer;
pub use self::responder::{Conversation, ConversationItem, Reply, ReplyPart, Responder};

/// Connections that are served at the same time unless the options say otherwise. A run needs
/// one, and a few for its attempts.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection lives at most; the reference service says the same.
pub const CONNECTION_AGE_MAX: Duration = Duration::from_mins(60);

/// How long to wait when the system gives no connection, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Is told of every request that a server answers.
pub type Observer = Arc<dyn Fn(&Asked) + Send + Sync>;

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// How long a connection may live, at most [`CONNECTION_AGE_MAX`]; then it is told so, and
    /// closed, also while idle.
    pub connection_age_max: Duration,
    /// Whether to listen where other machines can connect. There is no authentication.
    pub beyond_loopback: bool,
    /// Connections that are served at the same time; more wait until one ends.
    pub connections_max: usize,
    /// Whether there is a WebSocket at all; without, who asks for one is told to use HTTP (426).
    pub web_socket: bool,
    /// How those who come are received, before what the responder says of it.
    pub door: Door,
    /// Is told of every request, before it is answered.
    pub observer: Option<Observer>,
}

impl Options {
    fn connection_age(&self) -> Duration {
        self.connection_age_max.min(CONNECTION_AGE_MAX)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connection_age_max: CONNECTION_AGE_MAX,
            beyond_loopback: false,
            connections_max: CONNECTIONS_MAX,
            web_socket: true,
            door: Door::default(),
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("connection_age_max", &self.connection_age_max)
            .field("beyond_loopback", &self.beyond_loopback)
            .field("connections_max", &self.connections_max)
            .field("web_socket", &self.web_socket)
            .field("door", &self.door)
            .field("observer", &self.observer.is_some())
            .finish()
    }
}

/// A server. Dropping it ends its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    // The one task that owns the listener and, below it, the connections.
    task: JoinSet<()>,
}

impl Server {
    /// Serves `responder` on a loopback address; port 0 lets the system choose.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn bind(address: SocketAddr, responder: Arc<dyn Responder>) -> io::Result<Self> {
        Self::bind_with(address, responder, Options::default())
    }

    /// The same, with options.
    ///
    /// # Errors
    /// When the address cannot be listened on, or is not a loopback one and the options do not
    /// say that it may be.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn bind_with(
        address: SocketAddr,
        responder: Arc<dyn Responder>,
        options: Options,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() && !options.beyond_loopback {
            let why = format!("`{address}` can be reached by other machines, and anybody may ask");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let house = Arc::new(House::new(responder, options));
        let mut task = JoinSet::new();
        task.spawn(serve(listener, house));
        Ok(Self { address, task })
    }

    /// Serves `responder` without any socket: whoever holds the server connects to it.
    #[must_use]
    pub fn in_memory(responder: Arc<dyn Responder>, options: Options) -> InMemoryServer {
        InMemoryServer::new(Arc::new(House::new(responder, options)))
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What a client takes for its base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Serves until it is dropped: for a command that does nothing else.
    pub async fn run(mut self) {
        while self.task.join_next().await.is_some() {}
    }
}

/// What all connections of a server share.
struct House {
    responder: Arc<dyn Responder>,
    options: Options,
    // How many connections there have been.
    connections: AtomicU64,
    door: Mutex<Receiving>,
    stored: Mutex<asked::Stored>,
}

/// What is left of how those who come are received.
#[derive(Debug, Default)]
struct Receiving {
    upgrades: VecDeque<Greeting>,
    posts: VecDeque<Post>,
}

impl House {
    fn new(responder: Arc<dyn Responder>, options: Options) -> Self {
        let (ours, theirs) = (options.door.clone(), responder.door());
        let door = Receiving {
            upgrades: ours.upgrades.into_iter().chain(theirs.upgrades).collect(),
            posts: ours.posts.into_iter().chain(theirs.posts).collect(),
        };
        let (door, stored) = (Mutex::new(door), Mutex::default());
        Self { responder, options, connections: AtomicU64::new(0), door, stored }
    }

    /// How the next one who asks for a WebSocket is received.
    fn next_upgrade(&self) -> Greeting {
        self.receiving().upgrades.pop_front().unwrap_or_default()
    }

    /// How the next one who asks over HTTP is received.
    fn next_post(&self) -> Post {
        self.receiving().posts.pop_front().unwrap_or_default()
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_number(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, house: Arc<House>) {
    let mut connections = JoinSet::new();
    let most = house.options.connections_max.max(1);
    loop {
        // Cancel-safe, all three: nothing is taken from the system before an arm is ready.
        tokio::select! {
            accepted = listener.accept(), if connections.len() < most => match accepted {
                Ok((tcp, _)) => {
                    // Events are whole messages: waiting for more of them only costs time. A
                    // system that cannot be told so is merely slower.
                    tcp.set_nodelay(true).ok();
                    let number = house.next_number();
                    connections.spawn(door::serve(tcp, house.clone(), number));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            // A connection that panicked is a fault of ours, but not of the others.
            _ = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

#[cfg(test)]
mod tests;
