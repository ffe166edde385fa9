//! A connection's bytes, and what the server may do to them below every protocol: stop reading,
//! let them drip, reset the connection instead of closing it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::fault::Drip;

/// What is done to the bytes of a connection.
#[derive(Debug, Default)]
pub(super) struct Tap {
    deaf: AtomicBool,
    resets: AtomicBool,
    drip: Mutex<Option<Drip>>,
}

impl Tap {
    /// Reads nothing from now on.
    pub(super) fn deafen(&self) {
        self.deaf.store(true, Ordering::Relaxed);
    }

    /// The end of this connection will be a reset.
    pub(super) fn reset(&self) {
        self.resets.store(true, Ordering::Relaxed);
    }

    /// Writes drop by drop from now on.
    pub(super) fn set_drip(&self, drip: Drip) {
        *self.drip.lock().unwrap_or_else(PoisonError::into_inner) = Some(drip);
    }

    /// How it writes, if drop by drop.
    pub(super) fn drip(&self) -> Option<Drip> {
        *self.drip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of bytes that can carry a connection.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the end of it a reset, where it has such a thing.
    fn reset_at_end(&self);
}

impl Pipe for TcpStream {
    fn reset_at_end(&self) {
        // Where the system does not, the peer sees an end without a goodbye all the same.
        self.set_zero_linger().ok();
    }
}

impl Pipe for DuplexStream {
    fn reset_at_end(&self) {}
}

/// A stream with a tap on it.
#[derive(Debug)]
pub(super) struct Tapped<S: Pipe> {
    pipe: S,
    tap: Arc<Tap>,
    // Until the next drop falls.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S: Pipe> Tapped<S> {
    pub(super) fn new(pipe: S, tap: Arc<Tap>) -> Self {
        Self { pipe, tap, pause: None }
    }
}

impl<S: Pipe> Drop for Tapped<S> {
    fn drop(&mut self) {
        if self.tap.resets.load(Ordering::Relaxed) {
            self.pipe.reset_at_end();
        }
    }
}

impl<S: Pipe> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.tap.deaf.load(Ordering::Relaxed) {
            // Nobody wakes us, and nobody should: it stays so to the connection's end.
            return Poll::Pending;
        }
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl<S: Pipe> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(drip) = self.tap.drip() else {
            return Pin::new(&mut self.pipe).poll_write(context, bytes);
        };
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let drop = &bytes[..bytes.len().min(drip.bytes.max(1))];
        let written = ready!(Pin::new(&mut self.pipe).poll_write(context, drop))?;
        self.pause = Some(Box::pin(sleep(drip.pause)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}
