//! Bytes for `promises::diff`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| promises::diff(bytes));
