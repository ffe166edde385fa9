//! A worker's end of the line: its standard input, read and written, one message at a time.

use rustix::net::{RecvFlags, SendFlags};
use rustix::stdio::stdin;
use snapshot::{Answer, Question};

use super::frame::{Frames, Garbled};
use super::message::{self, TO_WORKER_BYTES_MAX, ToHost, ToWorker};
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

impl Line {
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
