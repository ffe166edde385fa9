//! Randomness that follows from the call: the same for the same call, on every machine.

use wasmtime::component::Linker;

use super::{CHUNK_BYTES_MAX, Wasi, instance, plain, trap};
use crate::guest::Guest;

pub(super) fn define(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut random = instance(linker, "wasi:random/random")?;
    plain(&mut random, "get-random-bytes", |wasi, (length,): (u64,)| wasi.random_bytes(length))?;
    plain(&mut random, "get-random-u64", |wasi, (): ()| Ok(wasi.random_number()))?;
    // Nothing here needs to be unpredictable, so these are no worse than the others.
    let mut insecure = instance(linker, "wasi:random/insecure")?;
    plain(&mut insecure, "get-insecure-random-bytes", |wasi, (length,): (u64,)| {
        wasi.random_bytes(length)
    })?;
    plain(&mut insecure, "get-insecure-random-u64", |wasi, (): ()| Ok(wasi.random_number()))?;
    let mut seed = instance(linker, "wasi:random/insecure-seed")?;
    plain(&mut seed, "insecure-seed", |wasi, (): ()| {
        Ok((wasi.random_number(), wasi.random_number()))
    })
}

impl Wasi {
    pub(super) fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > CHUNK_BYTES_MAX {
            return Err(trap(format!("it wants {length} random bytes at once")));
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        self.random.fill(&mut bytes);
        Ok(bytes)
    }

    pub(super) fn random_number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
