//! One call in a worker, as the process of the step sees it: questions come, answers go, and
//! whatever does not end in time is ended.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::SendFlags;
use snapshot::Question;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::ear::Ear;
use super::frame::Frames;
use super::message::{self, ANSWER_BYTES_MAX, ToHost, ToWorker};
use super::start::Process;
use crate::asked::Asked;
use crate::call::{Call, Interrupted, Ran, until};
use crate::limits::Limits;
use crate::outcome::{Ending, Outcome, Stop};
use crate::translate;

/// Time for a worker to end a call by itself, so that it can say what it took. Then it is killed.
const GRACE: Duration = Duration::from_millis(250);

/// The line to a worker that carries out a call.
pub(super) struct Talk<'a> {
    stream: Arc<UnixStream>,
    ear: Ear<'a>,
    limits: &'a Limits,
    deadline: Instant,
    // When the worker is killed.
    end: Pin<Box<Sleep>>,
    // Why the worker was told to stop.
    stopped: Option<Ending>,
}

/// A worker that can be used again, and what its guest did.
type Finished = (Ran, Process, Frames);

enum Next {
    Message(io::Result<ToHost>),
    Cancelled,
    Late,
}

impl<'a> Talk<'a> {
    pub(super) fn new(stream: Arc<UnixStream>, frames: Frames, limits: &'a Limits) -> Self {
        let deadline = Instant::now() + limits.wall;
        Self {
            ear: Ear::new(Arc::clone(&stream), frames, limits),
            stream,
            limits,
            deadline,
            end: Box::pin(sleep_until(deadline + GRACE)),
            stopped: None,
        }
    }

    /// Carries out one call; what it came to, or why the worker cannot be used again. Dropping
    /// this drops the process, which ends it.
    pub(super) async fn call(
        mut self,
        process: Process,
        call: &Call<'_>,
        asked: &mut Asked,
        cancel: &CancellationToken,
    ) -> Result<Finished, Ending> {
        match self.converse(call, asked, cancel).await {
            Ok(ran) => Ok((ran, process, self.ear.into_frames())),
            Err(fault) => Err(self.ending(&fault, process)),
        }
    }

    async fn converse(
        &mut self,
        call: &Call<'_>,
        asked: &mut Asked,
        cancel: &CancellationToken,
    ) -> io::Result<Ran> {
        self.send(message::call(call), cancel).await?;
        loop {
            // The timer alone would be late: one that always says something is always heard.
            if Instant::now() >= self.end.deadline() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            // A worker that talks without a pause must not keep the thread to itself.
            tokio::task::coop::consume_budget().await;
            let next = if self.stopped.is_none() && cancel.is_cancelled() {
                Next::Cancelled
            } else if let Some(message) = self.ear.soon().transpose() {
                Next::Message(message)
            } else {
                self.later(cancel).await
            };
            match next {
                Next::Cancelled => self.stop(Ending::Cancelled, cancel).await?,
                Next::Late => return Err(io::ErrorKind::TimedOut.into()),
                Next::Message(Ok(ToHost::Ask(question))) => {
                    self.answer(question, asked, cancel).await?;
                }
                Next::Message(Ok(ToHost::Done(ran))) => return self.done(ran),
                Next::Message(Ok(_)) => return Err(io::ErrorKind::InvalidData.into()),
                Next::Message(Err(err)) => return Err(err),
            }
        }
    }

    /// Whatever is first.
    async fn later(&mut self, cancel: &CancellationToken) -> Next {
        tokio::select! {
            biased;
            () = cancel.cancelled(), if self.stopped.is_none() => Next::Cancelled,
            // Before what comes: that may leave nothing of the task's budget for a timer.
            () = self.end.as_mut() => Next::Late,
            message = self.ear.later() => Next::Message(message),
        }
    }

    async fn answer(
        &mut self,
        question: Question,
        asked: &mut Asked,
        cancel: &CancellationToken,
    ) -> io::Result<()> {
        // It asked before it heard the word to stop, which is its answer. Who has asked too often
        // by then does not listen.
        if self.stopped.is_some() {
            let admitted = asked.record.admit(&question);
            return admitted.map_err(|_| io::ErrorKind::TimedOut.into());
        }
        let ending = match until(self.deadline, cancel, asked.answer(question)).await {
            Ok(Ok(answer)) if translate::weight(&answer) > ANSWER_BYTES_MAX as u64 => {
                Ending::ReadTooMuch { limit: ANSWER_BYTES_MAX as u64 }
            }
            Ok(Ok(answer)) => return self.send(ToWorker::Told(answer).write(), cancel).await,
            Ok(Err(Stop(ending))) => ending,
            Err(interrupted) => interrupted.ending(self.limits),
        };
        self.stop(ending, cancel).await
    }

    async fn stop(&mut self, ending: Ending, cancel: &CancellationToken) -> io::Result<()> {
        self.stopped = Some(ending);
        let end = self.end.deadline().min(Instant::now() + GRACE);
        self.end.as_mut().reset(end);
        self.send(ToWorker::Stop.write(), cancel).await
    }

    /// Says something to a worker that listens. One that does not is waited for as long as for
    /// everything else.
    async fn send(&mut self, frame: Option<Vec<u8>>, cancel: &CancellationToken) -> io::Result<()> {
        let frame = frame.ok_or(io::ErrorKind::InvalidInput)?;
        // Nearly all fit into what the kernel holds for a worker.
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let rest = match rustix::net::send(&self.stream, &frame, flags) {
            Ok(bytes) => &frame[bytes..],
            Err(Errno::AGAIN | Errno::INTR) => &frame,
            Err(errno) => return Err(errno.into()),
        };
        if rest.is_empty() {
            return Ok(());
        }
        tokio::select! {
            biased;
            sent = send_as_it_is_heard(&self.stream, rest) => sent,
            () = cancel.cancelled(), if self.stopped.is_none() => {
                self.stopped = Some(Ending::Cancelled);
                Err(io::ErrorKind::TimedOut.into())
            }
            () = self.end.as_mut() => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// What the guest came to. Why it was told to stop is known here and nowhere else.
    fn done(&mut self, mut ran: Ran) -> io::Result<Ran> {
        match (&ran.outcome, self.stopped.take()) {
            (_, Some(ending)) => ran.outcome = Outcome::Ended(ending),
            // Nobody told it to.
            (Outcome::Ended(Ending::Cancelled), None) => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            (_, None) => {}
        }
        Ok(ran)
    }

    fn ending(self, fault: &io::Error, mut process: Process) -> Ending {
        match (self.stopped, fault.kind()) {
            (Some(ending), _) => ending,
            (None, io::ErrorKind::TimedOut) => Interrupted::Late.ending(self.limits),
            (None, io::ErrorKind::InvalidData) => {
                Ending::WorkerLost { what: "it does not keep to the protocol".to_owned() }
            }
            (None, _) => Ending::WorkerLost { what: process.autopsy() },
        }
    }
}

/// Says the rest of something to a worker that has not heard the beginning yet.
async fn send_as_it_is_heard(stream: &UnixStream, rest: &[u8]) -> io::Result<()> {
    let stream: OwnedFd = stream.as_fd().try_clone_to_owned()?;
    pipe::Sender::from_owned_fd_unchecked(stream)?.write_all(rest).await
}

#[cfg(test)]
mod tests;
