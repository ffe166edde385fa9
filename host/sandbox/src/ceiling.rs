//! The memory of one call: every linear memory and table it has, summed.

use std::io;

use rustix::io::Errno;
use wasmtime::ResourceLimiter;

use crate::outcome::{Ending, Stop};

/// Core instances of one component: a module, its adapters and shims make five, an interpreter with
/// its libraries forty.
pub(crate) const CORE_INSTANCES_MAX: u32 = 48;

/// Linear memories of one component: one each for a few composed components.
pub(crate) const MEMORIES_MAX: u32 = 4;

/// Tables of one component: each module and shim has one or two.
pub(crate) const TABLES_MAX: u32 = 32;

/// Elements of one table. An interpreter needs about 20,000.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;

/// What a table element costs the host.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Lets a guest grow until the sum reaches the limit, and remembers whether it tried to go on.
#[derive(Debug)]
pub(crate) struct Ceiling {
    limit: u64,
    // Memories and tables never shrink within a call, so this is the peak as well.
    used: u64,
    hit: bool,
}

impl Ceiling {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: 0, hit: false }
    }

    /// Bytes in use, which is the most that ever were.
    pub(crate) fn peak(&self) -> u64 {
        self.used
    }

    /// Whether the guest was refused memory.
    pub(crate) fn was_hit(&self) -> bool {
        self.hit
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let wanted = u64::try_from(bytes).ok().and_then(|bytes| self.used.checked_add(bytes));
        match wanted.filter(|&total| total <= self.limit) {
            Some(total) => {
                self.used = total;
                true
            }
            None => {
                self.hit = true;
                false
            }
        }
    }
}

impl ResourceLimiter for Ceiling {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Beyond what the guest itself declared: its own limit, not ours, and never charged.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        starved(&error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A pool names its own maximum here, which is ours.
        let declared = maximum.filter(|&maximum| maximum < TABLE_ELEMENTS_MAX);
        if declared.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if desired > TABLE_ELEMENTS_MAX {
            self.hit = true;
            return Ok(false);
        }
        let elements = desired.saturating_sub(current);
        Ok(self.grow(elements.saturating_mul(TABLE_ELEMENT_BYTES)))
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        starved(&error)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

/// Growth we allowed has failed. Nothing is given back: this is also called for growth we were
/// never asked about, and a guest could use that to talk the sum down.
fn starved(error: &wasmtime::Error) -> wasmtime::Result<()> {
    // The machine is short of memory. The guest must not see that, or its answer would depend
    // on the machine.
    if is_short(error) {
        return Err(Stop(Ending::HostShort).into());
    }
    Ok(())
}

/// Whether it was the machine that had no memory, whoever of the engine found out.
pub(crate) fn is_short(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref() == Some(&Errno::NOMEM)
            || cause.is::<wasmtime::OutOfMemory>()
            || cause
                .downcast_ref::<io::Error>()
                .is_some_and(|err| err.kind() == io::ErrorKind::OutOfMemory)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_limit() {
        let mut ceiling = Ceiling::new(100);
        assert!(ceiling.memory_growing(0, 40, None).unwrap());
        assert!(ceiling.table_growing(0, 5, None).unwrap());
        assert!(!ceiling.was_hit());
        assert!(!ceiling.memory_growing(40, 61, None).unwrap());
        assert!(ceiling.was_hit());
        assert!(ceiling.memory_growing(40, 60, None).unwrap());
        assert_eq!(ceiling.peak(), 100);
    }

    #[test]
    fn a_guests_own_maximum_is_not_our_limit() {
        let mut ceiling = Ceiling::new(100);
        assert!(!ceiling.memory_growing(0, 50, Some(49)).unwrap());
        assert!(!ceiling.table_growing(0, 50, Some(49)).unwrap());
        assert!(!ceiling.was_hit());
        assert_eq!(ceiling.peak(), 0);
    }

    #[test]
    fn failed_growth_cannot_talk_the_sum_down() {
        let mut ceiling = Ceiling::new(100);
        assert!(ceiling.memory_growing(0, 60, None).unwrap());
        ceiling.memory_grow_failed(wasmtime::Error::msg("beyond its type")).unwrap();
        assert_eq!(ceiling.peak(), 60);
        let short = wasmtime::Error::from(io::Error::from(io::ErrorKind::OutOfMemory));
        assert!(ceiling.memory_grow_failed(short).is_err());
        assert!(ceiling.table_grow_failed(Errno::NOMEM.into()).is_err());
    }

    #[test]
    fn a_table_has_a_limit_of_its_own() {
        let mut ceiling = Ceiling::new(u64::MAX);
        assert!(ceiling.table_growing(0, TABLE_ELEMENTS_MAX, None).unwrap());
        for maximum in [None, Some(TABLE_ELEMENTS_MAX), Some(usize::MAX)] {
            let mut ceiling = Ceiling::new(u64::MAX);
            assert!(!ceiling.table_growing(0, TABLE_ELEMENTS_MAX + 1, maximum).unwrap());
            assert!(ceiling.was_hit());
        }
    }
}
