//! How a byte stream to a host comes to be.

use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Addresses of a host that are tried, one after another. Names with more are load balancers,
/// whose addresses are alike.
const ADDRESSES_MAX: usize = 4;

/// How long an address may take while there is another to try: networks without IPv6 often
/// lose its packets without a word.
const ADDRESS_TIME_MAX: Duration = Duration::from_millis(1500);

/// Silence after which the system asks whether the other side is there, and how often. Plain
/// HTTP has no ping of its own.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

/// What a connection runs over.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl fmt::Debug for dyn ByteStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ByteStream")
    }
}

/// How a byte stream to a host comes to be: over the network, or in a simulation's memory.
/// What a proxy and TLS add is not its business.
pub trait Dial: Send + Sync {
    /// Connects to `host` (a name, or an address without brackets).
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>>;
}

/// The network that this machine is in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Network;

impl Dial for Network {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let tcp = reach(host, port).await?;
            prepare(&tcp);
            Ok(Box::new(tcp) as Box<dyn ByteStream>)
        })
    }
}

/// The host has no address. Told apart from other errors of a dial.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAddress(pub(super) String);

impl NoAddress {
    fn error(why: impl Into<String>) -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, Self(why.into()))
    }
}

async fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map_err(|err| NoAddress::error(err.to_string()))?;
    let mut addresses = found.take(ADDRESSES_MAX).peekable();
    let mut last = NoAddress::error("it has no address");
    while let Some(address) = addresses.next() {
        let connecting = TcpStream::connect(address);
        let connected = if addresses.peek().is_some() {
            let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
            let connected = tokio::time::timeout(ADDRESS_TIME_MAX, connecting).await;
            connected.unwrap_or_else(|_| Err(timed_out()))
        } else {
            connecting.await
        };
        match connected {
            Ok(tcp) => return Ok(tcp),
            Err(err) => last = err,
        }
    }
    Err(last)
}

/// Requests are whole messages: waiting for more of them only costs time. A system that cannot
/// be told so is merely slower; one without keepalive learns of a dead peer later.
fn prepare(tcp: &TcpStream) {
    tcp.set_nodelay(true).ok();
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_AFTER);
    SockRef::from(tcp).set_tcp_keepalive(&keepalive).ok();
}
