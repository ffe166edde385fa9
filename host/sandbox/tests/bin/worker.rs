//! What the tests of this crate start as a worker; the product starts itself.
#![expect(clippy::disallowed_methods, reason = "tests say in an argument how it lies")]

use std::env;
use std::process::ExitCode;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustix::stdio::stdin;

/// The bytes of the word with which a worker for guests is started.
const START_BYTES: usize = 27;

/// Of them the last: what the worker is for, 0 for guests.
const GUESTS: u8 = 0;

/// That its walls stand, of which it names none.
const READY: [u8; 10] = [6, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/// The question whether there is an `a`.
const ASK: [u8; 12] = [8, 0, 0, 0, 2, 2, 0, 1, 0, 0, 0, b'a'];

fn main() -> ExitCode {
    if let Some(orders) = env::args().skip_while(|argument| argument != "keep").nth(1) {
        return sandbox::keep(&orders);
    }
    if env::args().any(|argument| argument == "flood") && is_for_guests() {
        return match flood() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    sandbox::serve()
}

/// Looks at the first word without taking it: whoever compiles is honest.
fn is_for_guests() -> bool {
    let mut word = [0; START_BYTES];
    let flags = RecvFlags::PEEK | RecvFlags::WAITALL;
    let came = rustix::net::recv(stdin(), &mut word, flags).map(|(bytes, _)| bytes);
    came == Ok(START_BYTES) && word[START_BYTES - 1] == GUESTS
}

/// A worker that asks and asks, hears every answer, and never hears that it should stop.
fn flood() -> rustix::io::Result<()> {
    rustix::net::send(stdin(), &READY, SendFlags::NOSIGNAL)?;
    let asks = ASK.repeat(1_000);
    let mut left: &[u8] = &[];
    loop {
        if left.is_empty() {
            left = &asks;
        }
        let mut heard = [0; 4_096];
        match rustix::net::recv(stdin(), &mut heard, RecvFlags::DONTWAIT) {
            // Nobody is there any more.
            Ok((0, _)) => return Ok(()),
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(err) => return Err(err),
        }
        match rustix::net::send(stdin(), left, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(bytes) => left = &left[bytes..],
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(err) => return Err(err),
        }
    }
}
