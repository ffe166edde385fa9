//! Files beside a lock file that say more of what it lists.

use super::{BYTES_MAX, Input};
use crate::scan::ReadError;
use crate::text::decode;

/// The text of the file at `path`, when it is there; when it cannot be read, the warnings say so.
pub(super) fn text(input: &mut Input<'_>, path: &str) -> Option<String> {
    let reason = match input.files.read(path) {
        Ok(bytes) if bytes.len() > BYTES_MAX => {
            format!("not read because it has more than {BYTES_MAX} bytes")
        }
        Ok(bytes) => match decode(&bytes) {
            Ok(text) => return Some(text.to_owned()),
            Err(line) => {
                input.faults.warnings.add(path, Some(line), "not read because it is no UTF-8 text");
                return None;
            }
        },
        Err(ReadError::Missing) => return None,
        Err(err) => err.to_string(),
    };
    input.faults.warnings.add(path, None, reason);
    None
}
