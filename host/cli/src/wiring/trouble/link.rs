//! A network whose incoming WebSocket frames are counted and handed on one by one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wire::{ByteStream, Dial};

use super::Trouble;

/// Bytes that are read from the network at once.
const READ_BYTES: usize = 16 * 1024;
/// What ends the head of an HTTP answer.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Connects without TLS, as to our own servers: frames inside of TLS cannot be told apart.
pub(super) struct TroubledNetwork(pub(super) Arc<Trouble>);

type Dialling<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send + 'a>>;

impl Dial for TroubledNetwork {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialling<'a> {
        Box::pin(async move {
            let tcp = TcpStream::connect((host, port)).await?;
            let trouble = Arc::clone(&self.0);
            let stream = Framed {
                tcp,
                trouble,
                came: Vec::new(),
                whole: 0,
                at: At::Head,
                read: vec![0; READ_BYTES],
            };
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

/// What comes next on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The head of an HTTP answer.
    Head,
    /// WebSocket frames.
    Frames,
    /// The body of an HTTP answer, which has no frames.
    Body,
}

struct Framed {
    tcp: TcpStream,
    trouble: Arc<Trouble>,
    /// What came and is not handed on yet.
    came: Vec<u8>,
    /// So much at its beginning may be.
    whole: usize,
    at: At,
    read: Vec<u8>,
}

impl Framed {
    /// Lets the next frame through, if all of it is here.
    fn let_through(&mut self) {
        match self.at {
            At::Head => {
                let end = self.came.windows(HEAD_END.len()).position(|four| four == HEAD_END);
                let Some(end) = end else { return };
                self.whole = end + HEAD_END.len();
                let switched = self.came.starts_with(b"HTTP/1.1 101");
                self.at = if switched { At::Frames } else { At::Body };
            }
            At::Frames => {
                let Some(length) = frame(&self.came).filter(|all| *all <= self.came.len()) else {
                    return;
                };
                self.trouble.frame();
                self.whole = length;
            }
            At::Body => self.whole = self.came.len(),
        }
    }
}

/// Bytes of the frame that `bytes` begin with, as its head says (RFC 6455, section 5.2). A
/// server's frames have no mask.
fn frame(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(bytes.get(1)? & 0x7f);
    let extended = match length {
        126 => 2,
        127 => 8,
        _ => return Some(2 + length),
    };
    let length = bytes.get(2..2 + extended)?;
    let length = length.iter().fold(0, |sum: usize, byte| sum << 8 | usize::from(*byte));
    Some(length.saturating_add(2 + extended))
}

impl AsyncRead for Framed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        loop {
            if me.whole == 0 {
                me.let_through();
            }
            if me.whole > 0 {
                let part = me.whole.min(into.remaining());
                into.put_slice(&me.came[..part]);
                me.came.drain(..part);
                me.whole -= part;
                return Poll::Ready(Ok(()));
            }
            let mut more = ReadBuf::new(&mut me.read);
            ready!(Pin::new(&mut me.tcp).poll_read(cx, &mut more))?;
            let more = more.filled();
            if more.is_empty() {
                // The connection is over: a part of a frame is handed on as it is.
                let part = me.came.len().min(into.remaining());
                into.put_slice(&me.came[..part]);
                me.came.drain(..part);
                return Poll::Ready(Ok(()));
            }
            me.came.extend_from_slice(more);
        }
    }
}

impl AsyncWrite for Framed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn the_length_of_a_frame_is_what_its_head_says() {
        assert_eq!(frame(&[0x81]), None);
        assert_eq!(frame(&[0x81, 0]), Some(2));
        assert_eq!(frame(&[0x81, 125]), Some(127));
        assert_eq!(frame(&[0x81, 126, 1]), None);
        assert_eq!(frame(&[0x81, 126, 1, 2]), Some(4 + 258));
        assert_eq!(frame(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Some(10 + 65_536));
    }
}
