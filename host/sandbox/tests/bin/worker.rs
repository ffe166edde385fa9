//! What the tests of this crate start as a worker; the product starts itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    sandbox::serve()
}
