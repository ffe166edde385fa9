//! Bytes for `sandbox::fuzzing::paths`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sandbox::fuzzing::paths(bytes));
