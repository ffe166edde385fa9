//! What is heard of a worker, in the process of the step: at once, soon, or when it comes.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use super::frame::Frames;
use super::message::{self, ToHost};
use super::patience::patiently;
use crate::limits::Limits;

/// The end of a line at which a worker is heard.
pub(super) struct Ear<'a> {
    stream: Arc<UnixStream>,
    frames: Frames,
    // From the first time that patience was not enough. Hears what comes, and not that what was
    // said has been read, as tokio's `UnixStream` does: that would wake this process once more
    // for each message.
    reactor: Option<pipe::Receiver>,
    bytes_max: usize,
    limits: &'a Limits,
}

impl<'a> Ear<'a> {
    pub(super) fn new(stream: Arc<UnixStream>, frames: Frames, limits: &'a Limits) -> Self {
        let bytes_max = message::from_guest_bytes_max(limits);
        Self { stream, frames, reactor: None, bytes_max, limits }
    }

    /// What came and was not taken.
    pub(super) fn into_frames(self) -> Frames {
        self.frames
    }

    /// The next message, if it comes while this thread has patience.
    pub(super) fn soon(&mut self) -> io::Result<Option<ToHost>> {
        patiently(|| self.next().transpose()).transpose()
    }

    /// The next message, when it comes. Can be dropped between two polls: what has come is kept.
    pub(super) async fn later(&mut self) -> io::Result<ToHost> {
        let reactor = match &mut self.reactor {
            Some(reactor) => reactor,
            none => {
                let stream = self.stream.as_fd().try_clone_to_owned()?;
                none.insert(pipe::Receiver::from_owned_fd_unchecked(stream)?)
            }
        };
        loop {
            if let Some(message) = taken(&mut self.frames, self.bytes_max, self.limits)? {
                return Ok(message);
            }
            match reactor.read(self.frames.room()).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                bytes => self.frames.came(bytes),
            }
        }
    }

    /// The next message, if all of it has come.
    fn next(&mut self) -> io::Result<Option<ToHost>> {
        loop {
            if let Some(message) = taken(&mut self.frames, self.bytes_max, self.limits)? {
                return Ok(Some(message));
            }
            match rustix::net::recv(&self.stream, self.frames.room(), RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((bytes, _)) => self.frames.came(bytes),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// The next message, if all of it is there.
fn taken(frames: &mut Frames, bytes_max: usize, limits: &Limits) -> io::Result<Option<ToHost>> {
    let garbled = |_| io::Error::from(io::ErrorKind::InvalidData);
    match frames.next(bytes_max).map_err(garbled)? {
        Some(frame) => ToHost::read(frame, limits).map(Some).map_err(garbled),
        None => Ok(None),
    }
}
