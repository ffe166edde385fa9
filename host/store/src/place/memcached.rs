//! A memcached, in its text protocol.
//!
//! Not opendal's: that one leaves Nagle's algorithm on, which costs 90 ms a request over TCP, and it
//! has no `add`. This place knows keys and connections; `wire` knows what is said on one.

mod wire;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::Trouble;
use crate::address::Address;
use crate::secrets::Settings;
use crate::{Capabilities, Created, Creation, Name, StoreError};

use wire::{Connection, Stored, Verb};

const PORT: u16 = 11211;

/// Longest key that the protocol has. What is longer is hashed.
const KEY_BYTES_MAX: usize = 250;

/// Longest time to live: memcached takes a larger number for a date.
const TTL_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// Most connections at once: a server has 1024 for all its clients.
const CONNECTIONS_MAX: usize = 32;

/// Most connections kept for the next call.
const IDLE_MAX: usize = 8;

pub(crate) struct Memcached {
    server: Server,
    login: Option<Login>,
    /// Empty, or ends with a slash.
    prefix: String,
    /// Zero is for ever.
    ttl_seconds: u64,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// Where it listens.
#[derive(Debug)]
enum Server {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// Whom the server is told that we are, if it asks.
struct Login {
    username: String,
    password: String,
}

impl std::fmt::Debug for Memcached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { server, prefix, .. } = self;
        f.debug_struct("Memcached")
            .field("server", server)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

impl Memcached {
    pub(crate) const CAPABILITIES: Capabilities =
        Capabilities { create: Creation::Atomic, replace: true, list: false, delete: true };

    pub(crate) fn open(
        unix: bool,
        address: &mut Address,
        settings: &mut Settings<'_>,
    ) -> Result<Self, StoreError> {
        let (server, prefix) = if unix {
            (Server::Unix(address.file_path()?), address.prefix_option()?)
        } else {
            let (host, port) = address.host_and_port(PORT)?;
            (Server::Tcp(host, port), address.prefix()?)
        };
        let ttl_seconds = address.ttl()?.map_or(0, |ttl| ttl.as_secs());
        if ttl_seconds > TTL_SECONDS_MAX {
            return Err(address.bad("a ttl of more than 30 days, which no memcached has"));
        }
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        Ok(Self {
            server,
            login: login(address, settings)?,
            prefix,
            ttl_seconds,
            permits: Semaphore::new(CONNECTIONS_MAX),
            idle: Mutex::default(),
        })
    }

    pub(crate) async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, Trouble> {
        let key = self.key(name);
        self.with_connection(async |connection| connection.get(&key).await).await
    }

    pub(crate) async fn put(&self, name: &Name, bytes: Bytes) -> Result<(), Trouble> {
        match self.write(Verb::Set, name, &bytes).await? {
            Stored::Yes => Ok(()),
            Stored::No => Err(Trouble::Lasting("it did not store it".to_owned())),
        }
    }

    pub(crate) async fn create(&self, name: &Name, bytes: Bytes) -> Result<Created, Trouble> {
        Ok(match self.write(Verb::Add, name, &bytes).await? {
            Stored::Yes => Created::New,
            Stored::No => Created::Exists,
        })
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Trouble> {
        let key = self.key(name);
        self.with_connection(async |connection| connection.delete(&key).await).await
    }

    async fn write(&self, verb: Verb, name: &Name, bytes: &[u8]) -> Result<Stored, Trouble> {
        let (key, ttl) = (self.key(name), self.ttl_seconds);
        self.with_connection(async |connection| connection.write(verb, &key, ttl, bytes).await)
            .await
    }

    fn key(&self, name: &Name) -> String {
        let key = format!("{}{name}", self.prefix);
        if key.len() <= KEY_BYTES_MAX {
            return key;
        }
        // No name and no prefix holds the sign.
        format!("#{}", blake3::hash(key.as_bytes()).to_hex())
    }

    /// Lends a connection. It is kept only after a whole answer: on any other nobody knows what
    /// comes next.
    async fn with_connection<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Connection) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|err| Trouble::Lasting(err.to_string()))?;
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let answer = ask(&mut connection).await;
        let mut idle = self.idle();
        match &answer {
            Ok(_) if idle.len() < IDLE_MAX => idle.push(connection),
            Ok(_) => {}
            // A server that hung up hung up on them all.
            Err(trouble) if trouble.may_pass() => idle.clear(),
            Err(_) => {}
        }
        answer
    }

    async fn connect(&self) -> Result<Connection, Trouble> {
        let mut connection = match &self.server {
            Server::Tcp(host, port) => Connection::tcp(host, *port).await?,
            Server::Unix(path) => Connection::unix(path).await?,
        };
        if let Some(Login { username, password }) = &self.login {
            connection.log_in(username, password).await?;
        }
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn login(address: &Address, settings: &mut Settings<'_>) -> Result<Option<Login>, StoreError> {
    let Some(username) = settings.secret(&["MEMCACHED_USERNAME"]) else { return Ok(None) };
    let Some(password) = settings.secret(&["MEMCACHED_PASSWORD"]) else {
        return Err(address.no_credentials());
    };
    let odd = |text: &str| text.chars().any(|c| c.is_whitespace() || c.is_control());
    if odd(&username) || odd(&password) {
        return Err(address.bad("MEMCACHED_USERNAME or MEMCACHED_PASSWORD holds white space"));
    }
    Ok(Some(Login { username, password }))
}
