//! A virtual WASI 0.2 for guests that their toolchain gives no choice: every function a guest may
//! import, and behind it nothing of this machine. Time stands still at the commit's, and passes only
//! for who waits; randomness follows from the call; the environment is what the step grants; files are questions
//! to the repository, each on the record as if it had been asked by `stepwell:tool/repository`; and
//! what is written goes to a bounded `/tmp` in memory. Who wants a socket is refused one.
//!
//! The functions are defined by hand, from <https://github.com/WebAssembly/WASI> at 0.2.12: an
//! implementation for hosts that have files and sockets is what we must not link.

mod cli;
mod clocks;
mod files;
mod io;
mod path;
mod random;
mod scratch;
mod sockets;
mod words;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use snapshot::{Digest, Tree};
use wasmtime::component::{
    ComponentNamedList, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource,
    ResourceTable, ResourceType,
};

use crate::guest::Guest;
use crate::outcome::{Ending, Level, Stop};
pub(crate) use cli::Exit;
pub(crate) use path::Names;
use scratch::Scratch;

/// The interfaces, without their version.
pub(crate) const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// The version they are declared in. Guests of another 0.2 link as well.
const VERSION: &str = "0.2.12";

/// Bytes that one function hands to a guest, or takes from it, at most.
const CHUNK_BYTES_MAX: u64 = 1024 * 1024;

/// What the virtual WASI of one call has become.
#[derive(Debug)]
pub(crate) struct Wasi {
    table: ResourceTable,
    /// Streams, descriptors and pollables at one time, all together.
    handles_max: u64,
    random: blake3::OutputReader,
    /// Nanoseconds that the guest has waited.
    waited_ns: u64,
    stdout: cli::Lines,
    stderr: cli::Lines,
    /// Of a command.
    console: Option<cli::Console>,
    scratch: Scratch,
    /// Files that were read, as long as they are small together.
    files: BTreeMap<(Tree, String), Arc<Vec<u8>>>,
    files_bytes: u64,
    /// The file that was last too large to be read whole, and its size.
    large: Option<((Tree, String), u64)>,
    /// Of directories that are being listed.
    entries_bytes: u64,
}

impl Wasi {
    /// For a call that is told from others by `call`.
    pub(crate) fn new(call: &Digest, handles_max: u64) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(handles_max).unwrap_or(usize::MAX));
        let mut seed = blake3::Hasher::new_derive_key("stepwell 2026-11 randomness of a guest");
        seed.update(call.as_bytes());
        Self {
            table,
            handles_max,
            random: seed.finalize_xof(),
            waited_ns: 0,
            stdout: cli::Lines::new(Level::Info),
            stderr: cli::Lines::new(Level::Warning),
            console: None,
            scratch: Scratch::default(),
            files: BTreeMap::new(),
            files_bytes: 0,
            large: None,
            entries_bytes: 0,
        }
    }

    /// What stands on the last, unfinished lines of the guest's output.
    pub(crate) fn last_lines(&mut self) -> impl Iterator<Item = (Level, String)> {
        [self.stdout.finish(), self.stderr.finish()].into_iter().flatten()
    }

    fn push<T: Send + 'static>(&mut self, resource: T) -> wasmtime::Result<Resource<T>> {
        let limit = self.handles_max;
        self.table.push(resource).map_err(|_| Stop(Ending::TooManyHandles { limit }).into())
    }
}

/// Defines all of it.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    io::define(linker)?;
    clocks::define(linker)?;
    random::define(linker)?;
    cli::define(linker)?;
    files::define(linker)?;
    sockets::define(linker)
}

/// An ending with words of ours.
fn trap(what: String) -> wasmtime::Error {
    Stop(Ending::Trapped { what }).into()
}

fn instance<'a>(
    linker: &'a mut Linker<Guest>,
    name: &str,
) -> wasmtime::Result<LinkerInstance<'a, Guest>> {
    linker.instance(&format!("{name}@{VERSION}"))
}

/// Defines a resource that nothing has to be done for when the guest drops it.
fn resource<T: Send + 'static>(
    at: &mut LinkerInstance<'_, Guest>,
    name: &str,
) -> wasmtime::Result<()> {
    resource_with::<T>(at, name, |_, _| {})
}

/// Defines a resource, and what is done with one that the guest drops.
fn resource_with<T: Send + 'static>(
    at: &mut LinkerInstance<'_, Guest>,
    name: &str,
    dropped: fn(&mut Wasi, T),
) -> wasmtime::Result<()> {
    at.resource(name, ResourceType::host::<T>(), move |mut store, number| {
        let wasi = store.data_mut().wasi();
        let resource = wasi.table.delete(Resource::<T>::new_own(number))?;
        dropped(wasi, resource);
        Ok(())
    })
}

/// Defines a function that asks the repository nothing.
fn plain<P, R>(
    at: &mut LinkerInstance<'_, Guest>,
    name: &str,
    function: fn(&mut Wasi, P) -> wasmtime::Result<R>,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentType + Lower + 'static,
{
    asking(at, name, move |guest, params| {
        Box::pin(async move {
            guest.breathe(0).await;
            function(guest.wasi(), params)
        })
    })
}

/// What an asking function gives back.
type Asking<'a, R> = Pin<Box<dyn Future<Output = wasmtime::Result<R>> + Send + 'a>>;

/// Defines a function that may ask the repository, or write the log.
fn asking<P, R>(
    at: &mut LinkerInstance<'_, Guest>,
    name: &str,
    function: impl for<'a> Fn(&'a mut Guest, P) -> Asking<'a, R> + Send + Sync + 'static,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentType + Lower + 'static,
{
    let function = Arc::new(function);
    at.func_wrap_async(name, move |mut store, params: P| {
        let function = Arc::clone(&function);
        Box::new(async move { Ok((function(store.data_mut(), params).await?,)) })
    })
}

#[cfg(test)]
mod tests;
