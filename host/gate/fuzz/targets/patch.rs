//! Bytes for `gate::fuzzing::patch`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gate::fuzzing::patch(bytes));
