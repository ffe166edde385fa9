//! Variables of the environment that the step grants by name.

use crate::host;
use crate::repository::{Error, Tree};

/// The value of a variable, none where it is not set. Ask for what the tool's `grants` name.
///
/// # Errors
///
/// Where the step does not grant it.
pub fn get(name: &str) -> Result<Option<String>, Error> {
    host::variable(name).map_err(|reason| Error {
        about: format!("${name}"),
        tree: Tree::Head,
        reason,
    })
}
