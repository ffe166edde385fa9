//! A type and JSON for `sandbox::fuzzing::values`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sandbox::fuzzing::values(bytes));
