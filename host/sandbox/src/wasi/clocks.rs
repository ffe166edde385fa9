//! Clocks that show the same on every machine: the wall clock stands at the commit's time plus what
//! the guest has waited, and the other one counts what it has waited,
//! from an hour on.

use snapshot::{Answer, Question, Tree};
use wasmtime::component::Linker;

use super::io::Pollable;
use super::words::Datetime;
use super::{Wasi, asking, instance, plain};
use crate::guest::Guest;
use crate::translate::WrongKind;

const NS_PER_S: u64 = 1_000_000_000;

/// What the monotonic clock shows to who has not waited. Some runtimes (Go's is one) take a zero for
/// a clock that is broken, and end themselves; some (QuickJS is one) were started when the component
/// was built, and remember how late it was then: for them, too, time should go forward.
const MONOTONIC_START_NS: u64 = 3_600 * NS_PER_S;

pub(super) fn define(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut monotonic = instance(linker, "wasi:clocks/monotonic-clock")?;
    plain(&mut monotonic, "now", |wasi, (): ()| {
        Ok(MONOTONIC_START_NS.saturating_add(wasi.waited_ns))
    })?;
    plain(&mut monotonic, "resolution", |_, (): ()| Ok(1_u64))?;
    plain(&mut monotonic, "subscribe-instant", |wasi, (when,): (u64,)| {
        wasi.push(Pollable { at_ns: when.saturating_sub(MONOTONIC_START_NS) })
    })?;
    plain(&mut monotonic, "subscribe-duration", |wasi, (span,): (u64,)| {
        let at_ns = wasi.waited_ns.saturating_add(span);
        wasi.push(Pollable { at_ns })
    })?;
    let mut wall = instance(linker, "wasi:clocks/wall-clock")?;
    asking(&mut wall, "now", |guest, (): ()| Box::pin(guest.wall_clock()))?;
    plain(&mut wall, "resolution", |_, (): ()| Ok(Datetime { seconds: 0, nanoseconds: 1 }))
}

impl Guest {
    /// What the time is to a guest. It has been asked for, so it is an observation.
    pub(super) async fn wall_clock(&mut self) -> wasmtime::Result<Datetime> {
        let answer = self.ask(Question::Time { tree: Tree::Head }).await?;
        let Answer::Time(seconds) = answer else { return Err(WrongKind.into()) };
        let waited = self.wasi().waited_ns;
        let nanoseconds = u32::try_from(waited % NS_PER_S)?;
        Ok(Datetime { seconds: seconds.saturating_add(waited / NS_PER_S), nanoseconds })
    }
}

impl Wasi {
    /// Lets time pass until `at_ns`.
    pub(super) fn wait_until(&mut self, at_ns: u64) {
        self.waited_ns = self.waited_ns.max(at_ns);
    }
}
