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

/// What asking a second time does, after a first time without an answer.
#[derive(Debug, Clone, Copy)]
enum Twice {
    Harmless,
    /// Its answer would be about the first time.
    InDoubt,
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
        self.ask(Twice::Harmless, |on| on.get(&key)).await
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
        self.ask(Twice::Harmless, |on| on.delete(&key)).await
    }

    async fn write(&self, verb: Verb, name: &Name, bytes: &[u8]) -> Result<Stored, Trouble> {
        let (key, ttl) = (self.key(name), self.ttl_seconds);
        let twice = match verb {
            Verb::Set => Twice::Harmless,
            Verb::Add => Twice::InDoubt,
        };
        self.ask(twice, |on| on.write(verb, &key, ttl, bytes)).await
    }

    fn key(&self, name: &Name) -> String {
        let key = format!("{}{name}", self.prefix);
        if key.len() <= KEY_BYTES_MAX {
            return key;
        }
        // No name and no prefix holds the sign.
        format!("#{}", blake3::hash(key.as_bytes()).to_hex())
    }

    /// Asks on a connection. One that was kept may have died since; what can be asked twice is then
    /// asked again, on another.
    async fn ask<T, F>(
        &self,
        twice: Twice,
        question: impl Fn(Connection) -> F,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<(Connection, T), Trouble>>,
    {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|err| Trouble::Lasting(err.to_string()))?;
        let kept = self.idle().pop();
        if let Some(connection) = kept {
            match (self.keep(question(connection).await), twice) {
                (Err(Trouble::Passing(_)), Twice::Harmless) => {}
                (answer, Twice::Harmless | Twice::InDoubt) => return answer,
            }
        }
        let connection = self.connect().await?;
        self.keep(question(connection).await)
    }

    /// Keeps the connection that an answer came with.
    fn keep<T>(&self, answer: Result<(Connection, T), Trouble>) -> Result<T, Trouble> {
        let mut idle = self.idle();
        match answer {
            Ok((connection, answer)) => {
                if idle.len() < IDLE_MAX {
                    idle.push(connection);
                }
                Ok(answer)
            }
            Err(trouble) => {
                // A server that hung up hung up on them all.
                if trouble.may_pass() {
                    idle.clear();
                }
                Err(trouble)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Trouble> {
        let connection = match &self.server {
            Server::Tcp(host, port) => Connection::tcp(host, *port).await?,
            Server::Unix(path) => Connection::unix(path).await?,
        };
        match &self.login {
            Some(Login { username, password }) => connection.log_in(username, password).await,
            None => Ok(connection),
        }
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
