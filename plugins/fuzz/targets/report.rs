//! Bytes for `promises::report`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| promises::report(bytes));
