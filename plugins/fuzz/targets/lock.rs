//! Bytes for `promises::lock`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| promises::lock(bytes));
