//! Bytes for `gate::fuzzing::apply_to`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gate::fuzzing::apply_to(bytes));
