//! What is said on one connection to a memcached, every length checked.

use std::io::{self, ErrorKind};
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::OBJECT_BYTES_MAX;
use crate::http::CONNECT_MAX;
use crate::place::Trouble;

/// Longest line of an answer that is read: a key of 250 bytes, or a sentence.
const LINE_BYTES_MAX: u64 = 1024;

/// What ends every line, and every value.
const END_OF_LINE: &[u8] = b"\r\n";

trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for S {}

/// One question at a time. It comes back with a whole answer only: after any other nobody knows
/// what is said next.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Socket>>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    /// Over another, if there is one.
    Set,
    /// Only where there is none.
    Add,
}

/// Whether the server stored what it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    Yes,
    No,
}

impl Connection {
    pub(super) async fn tcp(host: &str, port: u16) -> Result<Self, Trouble> {
        let stream = in_time(TcpStream::connect((host, port))).await?;
        stream.set_nodelay(true).map_err(|err| trouble(&err))?;
        Ok(Self { stream: BufReader::new(Box::new(stream)) })
    }

    pub(super) async fn unix(path: &Path) -> Result<Self, Trouble> {
        let stream = in_time(UnixStream::connect(path)).await?;
        Ok(Self { stream: BufReader::new(Box::new(stream)) })
    }

    /// Says who we are, but only to a server that asks: any other would store it for all to read.
    pub(super) async fn log_in(mut self, username: &str, password: &str) -> Result<Self, Trouble> {
        self.send(b"version\r\n").await?;
        let line = self.line().await?;
        if line.starts_with("VERSION ") {
            return Ok(self);
        }
        let refused = refused(line);
        if !matches!(refused, Trouble::Denied(_)) {
            return Err(refused);
        }
        let login = format!("{username} {password}");
        match self.write(Verb::Set, "login", 0, login.as_bytes()).await? {
            (connection, Stored::Yes) => Ok(connection),
            (_, Stored::No) => Err(Trouble::Denied("it did not take the login".to_owned())),
        }
    }

    pub(super) async fn get(mut self, key: &str) -> Result<(Self, Option<Vec<u8>>), Trouble> {
        self.send(format!("get {key}\r\n").as_bytes()).await?;
        let line = self.line().await?;
        if line == "END" {
            return Ok((self, None));
        }
        let length = length_of(&line, key).ok_or_else(|| refused(line))?;
        if length > OBJECT_BYTES_MAX {
            return Err(Trouble::TooLarge);
        }
        let whole = length + END_OF_LINE.len();
        let mut bytes = Vec::new();
        let mut value = (&mut self.stream).take(whole as u64);
        value.read_to_end(&mut bytes).await.map_err(|err| trouble(&err))?;
        if bytes.len() < whole {
            return Err(hung_up());
        }
        if bytes.split_off(length) != END_OF_LINE || self.line().await? != "END" {
            return Err(Trouble::Lasting("a value without its end".to_owned()));
        }
        Ok((self, Some(bytes)))
    }

    pub(super) async fn write(
        mut self,
        verb: Verb,
        key: &str,
        ttl_seconds: u64,
        bytes: &[u8],
    ) -> Result<(Self, Stored), Trouble> {
        let verb = match verb {
            Verb::Set => "set",
            Verb::Add => "add",
        };
        let head = format!("{verb} {key} 0 {ttl_seconds} {}\r\n", bytes.len());
        // In one piece: in three, each would be a packet.
        self.send(&[head.as_bytes(), bytes, END_OF_LINE].concat()).await?;
        let line = self.line().await?;
        match line.as_str() {
            "STORED" => Ok((self, Stored::Yes)),
            "NOT_STORED" => Ok((self, Stored::No)),
            _ => Err(refused(line)),
        }
    }

    pub(super) async fn delete(mut self, key: &str) -> Result<(Self, ()), Trouble> {
        self.send(format!("delete {key}\r\n").as_bytes()).await?;
        let line = self.line().await?;
        match line.as_str() {
            "DELETED" | "NOT_FOUND" => Ok((self, ())),
            _ => Err(refused(line)),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.stream.write_all(bytes).await.map_err(|err| trouble(&err))?;
        self.stream.flush().await.map_err(|err| trouble(&err))
    }

    /// A line of an answer, without its end.
    async fn line(&mut self) -> Result<String, Trouble> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_BYTES_MAX);
        limited.read_until(b'\n', &mut line).await.map_err(|err| trouble(&err))?;
        match line.strip_suffix(END_OF_LINE) {
            Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
            None if line.len() as u64 == LINE_BYTES_MAX || line.ends_with(b"\n") => {
                Err(Trouble::Lasting("it does not speak memcached".to_owned()))
            }
            None => Err(hung_up()),
        }
    }
}

/// The length in `VALUE key flags length`, if it is about that key.
fn length_of(line: &str, key: &str) -> Option<usize> {
    let rest = line.strip_prefix("VALUE ")?.strip_prefix(key)?.strip_prefix(' ')?;
    let (_flags, length) = rest.split_once(' ')?;
    length.parse().ok()
}

/// Of a line that is not the answer hoped for.
fn refused(line: String) -> Trouble {
    if line.starts_with("SERVER_ERROR object too large") {
        Trouble::TooLarge
    } else if line.starts_with("SERVER_ERROR") {
        // Out of memory, mostly.
        Trouble::Passing(line)
    } else if line.starts_with("CLIENT_ERROR") && line.contains("authenticat") {
        Trouble::Denied(line)
    } else {
        Trouble::Lasting(line)
    }
}

fn hung_up() -> Trouble {
    Trouble::Passing("it hung up".to_owned())
}

async fn in_time<T>(connecting: impl Future<Output = io::Result<T>>) -> Result<T, Trouble> {
    match timeout(CONNECT_MAX, connecting).await {
        Ok(connected) => connected.map_err(|err| trouble(&err)),
        Err(_elapsed) => Err(Trouble::Passing("no connection".to_owned())),
    }
}

fn trouble(err: &io::Error) -> Trouble {
    if err.kind() == ErrorKind::PermissionDenied {
        return Trouble::Denied(err.to_string());
    }
    Trouble::Passing(err.to_string())
}
