//! Streams, and waiting for them. Nothing ever makes a guest wait but a timer, and that takes no
//! time.

use snapshot::Tree;
use wasmtime::component::{Linker, Resource};

use super::words::{ErrorCode, StreamError};
use super::{CHUNK_BYTES_MAX, Wasi, asking, instance, plain, resource, resource_with, trap};
use crate::guest::Guest;

/// Something to wait for: a moment, in nanoseconds of waiting; 0 is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pollable {
    pub(super) at_ns: u64,
}

/// What went wrong with a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IoError(ErrorCode);

/// Something to read from.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// It is at its end from the beginning.
    Closed,
    /// What a command is given.
    Console,
    /// A file of the repository.
    File { tree: Tree, path: String, at: u64 },
    /// A file in `/tmp`.
    Scratch { number: u64, at: u64 },
}

/// Something to write to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Output {
    Stdout,
    Stderr,
    /// A file in `/tmp`, from a place on or at its end.
    Scratch {
        number: u64,
        at: Option<u64>,
    },
}

/// Bytes that an output stream takes at any time.
const READY_BYTES: u64 = 64 * 1024;

type Streamed<T> = wasmtime::Result<Result<T, StreamError>>;

pub(super) fn define(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut error = instance(linker, "wasi:io/error")?;
    resource::<IoError>(&mut error, "error")?;
    plain(&mut error, "[method]error.to-debug-string", |wasi, (this,): (Resource<IoError>,)| {
        Ok(format!("{:?}", wasi.table.get(&this)?.0))
    })?;
    define_poll(linker)?;
    define_input(linker)?;
    define_output(linker)
}

fn define_poll(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type This = (Resource<Pollable>,);
    let mut poll = instance(linker, "wasi:io/poll")?;
    resource::<Pollable>(&mut poll, "pollable")?;
    plain(&mut poll, "[method]pollable.ready", |wasi, (this,): This| {
        Ok(wasi.table.get(&this)?.at_ns <= wasi.waited_ns)
    })?;
    poll.func_wrap("[method]pollable.block", |mut store, (this,): This| {
        let wasi = store.data_mut().wasi();
        let at_ns = wasi.table.get(&this)?.at_ns;
        wasi.wait_until(at_ns);
        Ok(())
    })?;
    plain(&mut poll, "poll", |wasi, (all,): (Vec<Resource<Pollable>>,)| wasi.poll(&all))
}

fn define_input(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type This = (Resource<Input>, u64);
    let mut streams = instance(linker, "wasi:io/streams")?;
    resource_with::<Input>(&mut streams, "input-stream", |wasi, input| {
        if let Input::Scratch { number, .. } = input {
            wasi.scratch.release(number);
        }
    })?;
    for name in ["read", "blocking-read"] {
        let name = format!("[method]input-stream.{name}");
        asking(&mut streams, &name, |guest, (this, length): This| {
            Box::pin(guest.read_stream(this, length))
        })?;
    }
    for name in ["skip", "blocking-skip"] {
        let name = format!("[method]input-stream.{name}");
        asking(&mut streams, &name, |guest, (this, length): This| {
            Box::pin(async move {
                let skipped = guest.read_stream(this, length).await?;
                Ok(skipped.map(|bytes| bytes.len() as u64))
            })
        })?;
    }
    plain(&mut streams, "[method]input-stream.subscribe", |wasi, (_,): (Resource<Input>,)| {
        wasi.push(Pollable { at_ns: 0 })
    })
}

fn define_output(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type This = (Resource<Output>,);
    let mut streams = instance(linker, "wasi:io/streams")?;
    resource_with::<Output>(&mut streams, "output-stream", |wasi, output| {
        if let Output::Scratch { number, .. } = output {
            wasi.scratch.release(number);
        }
    })?;
    plain(&mut streams, "[method]output-stream.check-write", |_, (_,): This| {
        Ok(Ok::<u64, StreamError>(READY_BYTES))
    })?;
    for name in ["write", "blocking-write-and-flush"] {
        let name = format!("[method]output-stream.{name}");
        asking(&mut streams, &name, |guest, (this, bytes): (Resource<Output>, Vec<u8>)| {
            Box::pin(async move { guest.write_stream(&this, &bytes).await })
        })?;
    }
    for name in ["flush", "blocking-flush"] {
        plain(&mut streams, &format!("[method]output-stream.{name}"), |_, (_,): This| {
            Ok(Ok::<(), StreamError>(()))
        })?;
    }
    plain(&mut streams, "[method]output-stream.subscribe", |wasi, (_,): This| {
        wasi.push(Pollable { at_ns: 0 })
    })?;
    for name in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        let name = format!("[method]output-stream.{name}");
        asking(&mut streams, &name, |guest, (this, length): (Resource<Output>, u64)| {
            Box::pin(async move {
                if length > READY_BYTES {
                    return Err(trap(format!("it writes {length} zeros at once")));
                }
                guest.write_stream(&this, &vec![0; usize::try_from(length)?]).await
            })
        })?;
    }
    for name in ["splice", "blocking-splice"] {
        let name = format!("[method]output-stream.{name}");
        type Both = (Resource<Output>, Resource<Input>, u64);
        asking(&mut streams, &name, |guest, (this, from, length): Both| {
            Box::pin(async move {
                let bytes = match guest.read_stream(from, length.min(READY_BYTES)).await? {
                    Ok(bytes) => bytes,
                    Err(why) => return Ok(Err(why)),
                };
                let written = guest.write_stream(&this, &bytes).await?;
                Ok(written.map(|()| bytes.len() as u64))
            })
        })?;
    }
    Ok(())
}

impl Wasi {
    /// Which of `all` are ready; lets time pass until one of them is.
    fn poll(&mut self, all: &[Resource<Pollable>]) -> wasmtime::Result<Vec<u32>> {
        let mut moments = Vec::with_capacity(all.len());
        for pollable in all {
            moments.push(self.table.get(pollable)?.at_ns);
        }
        let Some(first) = moments.iter().min() else {
            return Err(trap("it waits for nothing".to_owned()));
        };
        self.wait_until(*first);
        let ready = (0_u32..).zip(moments).filter(|(_, at_ns)| *at_ns <= self.waited_ns);
        Ok(ready.map(|(index, _)| index).collect())
    }

    fn stream_error<T>(&mut self, code: ErrorCode) -> Streamed<T> {
        Ok(Err(StreamError::Failed(self.push(IoError(code))?)))
    }

    /// The code of a stream's error.
    pub(super) fn code_of(&self, error: &Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(Some(self.table.get(error)?.0))
    }
}

impl Guest {
    async fn read_stream(&mut self, this: Resource<Input>, length: u64) -> Streamed<Vec<u8>> {
        let length = length.min(CHUNK_BYTES_MAX);
        let read = match self.wasi().table.get(&this)?.clone() {
            Input::Closed => return Ok(Err(StreamError::Closed)),
            Input::Console => Ok(self.wasi().take_input(length)),
            Input::Scratch { number, at } => self.wasi().scratch.read(number, at, length),
            Input::File { tree, path, at } => {
                self.read_file(tree, &path, at, length).await?.map(|(bytes, _)| bytes)
            }
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(code) => return self.wasi().stream_error(code),
        };
        self.breathe(bytes.len() as u64).await;
        if bytes.is_empty() && length > 0 {
            return Ok(Err(StreamError::Closed));
        }
        if let Input::File { at, .. } | Input::Scratch { at, .. } =
            self.wasi().table.get_mut(&this)?
        {
            *at = at.saturating_add(bytes.len() as u64);
        }
        Ok(Ok(bytes))
    }

    async fn write_stream(&mut self, this: &Resource<Output>, bytes: &[u8]) -> Streamed<()> {
        match *self.wasi().table.get(this)? {
            Output::Stdout => {
                if self.wasi().put_output(bytes)? {
                    self.breathe(bytes.len() as u64).await;
                } else {
                    self.print(|wasi| &mut wasi.stdout, bytes).await;
                }
            }
            Output::Stderr => {
                self.wasi().note_error(bytes);
                self.print(|wasi| &mut wasi.stderr, bytes).await;
            }
            Output::Scratch { number, at } => {
                let wasi = self.wasi();
                let written = match wasi.scratch.write(number, at, bytes) {
                    Ok(written) => written,
                    Err(code) => return wasi.stream_error(code),
                };
                if let Output::Scratch { at: Some(at), .. } = wasi.table.get_mut(this)? {
                    *at = at.saturating_add(written);
                }
                self.breathe(written).await;
            }
        }
        Ok(Ok(()))
    }
}
