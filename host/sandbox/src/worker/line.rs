//! A worker's end of the line: its standard input, read and written, one message at a time.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::stdio::stdin;
use snapshot::{Answer, Question};

use super::frame::{Frames, Garbled};
use super::message::{self, Start, TO_WORKER_BYTES_MAX, ToHost, ToWorker};
use super::patience::patiently;
use crate::outcome::{Ending, Stop};

/// A worker's end of the line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    frames: Frames,
}

/// There is nobody at the other end, or somebody who talks nonsense: the worker's end, too.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the line is closed")]
    Closed,
    #[error(transparent)]
    Garbled(#[from] Garbled),
    #[error(transparent)]
    Io(#[from] rustix::io::Errno),
    #[error("a message is longer than a message can be")]
    TooLong,
}

/// The other end's first words, with a file where one comes along; how many bytes went.
pub(crate) fn send_first(
    line: &UnixStream,
    bytes: &[u8],
    file: Option<&OwnedFd>,
) -> rustix::io::Result<usize> {
    let files: Vec<_> = file.into_iter().map(|file| file.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(rustix::io::Errno::NOBUFS);
    }
    let send = || sendmsg(line, &[IoSlice::new(bytes)], &mut beside, SendFlags::NOSIGNAL);
    rustix::io::retry_on_intr(send)
}

/// Whether the other end of a line is there, and has said nothing.
pub(crate) fn is_silent(line: &UnixStream) -> bool {
    let mut byte = [0_u8];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    rustix::net::recv(line, &mut byte, flags) == Err(rustix::io::Errno::AGAIN)
}

impl Line {
    /// What to do, and the file that came with it.
    pub(crate) fn receive_first(&mut self) -> Result<(Start, Option<OwnedFd>), Broken> {
        let mut file = None;
        loop {
            if let Some(frame) = self.frames.next(TO_WORKER_BYTES_MAX)? {
                let ToWorker::Start(start) = ToWorker::read(frame)? else {
                    return Err(Garbled.into());
                };
                return Ok((start, file));
            }
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
            let mut beside = RecvAncillaryBuffer::new(&mut space);
            let room = &mut [IoSliceMut::new(self.frames.room())];
            let came = match recvmsg(stdin(), room, &mut beside, RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => continue,
                came => came?,
            };
            if came.bytes == 0 {
                return Err(Broken::Closed);
            }
            for message in beside.drain() {
                if let RecvAncillaryMessage::ScmRights(files) = message {
                    file = files.last().or(file);
                }
            }
            self.frames.came(came.bytes);
        }
    }

    /// The next message. Waits for it: a worker has nothing else to do.
    pub(crate) fn receive(&mut self) -> Result<ToWorker, Broken> {
        loop {
            if let Some(frame) = self.frames.next(TO_WORKER_BYTES_MAX)? {
                return Ok(ToWorker::read(frame)?);
            }
            let (bytes, _) =
                match rustix::net::recv(stdin(), self.frames.room(), RecvFlags::empty()) {
                    Err(rustix::io::Errno::INTR) => continue,
                    came => came?,
                };
            if bytes == 0 {
                return Err(Broken::Closed);
            }
            self.frames.came(bytes);
        }
    }

    /// Says something.
    pub(crate) fn send(&mut self, message: &ToHost) -> Result<(), Broken> {
        self.write(&message.write().ok_or(Broken::TooLong)?)
    }

    /// Asks a question and waits for the answer, or for the word to stop.
    pub(crate) fn ask(&mut self, question: &Question) -> wasmtime::Result<Answer> {
        self.write(&message::ask(question).ok_or(Broken::TooLong)?)?;
        patiently(|| self.has_come().then_some(()));
        match self.receive()? {
            ToWorker::Told(answer) => Ok(answer),
            ToWorker::Stop => Err(Stop(Ending::Cancelled).into()),
            ToWorker::Start(_) | ToWorker::Component(_) | ToWorker::Call { .. } => {
                Err(Broken::Garbled(Garbled).into())
            }
        }
    }

    /// Whether somebody has said something to a worker that asked nothing: to stop, then.
    pub(crate) fn has_come(&self) -> bool {
        let mut byte = [0_u8];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        !self.frames.is_empty() || rustix::net::recv(stdin(), &mut byte, flags).is_ok()
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            match rustix::net::send(stdin(), bytes, SendFlags::NOSIGNAL) {
                Err(rustix::io::Errno::INTR) => {}
                sent => bytes = &bytes[sent?..],
            }
        }
        Ok(())
    }
}
