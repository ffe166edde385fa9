//! Files that are too large to be read whole: windows by bytes, since lines cannot be counted.

use answers::Content;
use answers::content::{PROBE_LEN, Window};
use stepwell::repository::{self, READ_BYTES_MAX};
use stepwell::{Refusal, Tree};

use crate::window::{Bytes, Next, Room, Shown};
use crate::{Output, Part, after_the_end};

/// So that a character of any encoding is whole at either end.
const MARGIN: usize = 8;
/// How much of the beginning says what the file is.
const PROBE: u32 = 8 * 1024;

pub(crate) fn show(
    tree: Tree,
    path: String,
    total_bytes: u64,
    part: Part,
    room: Room,
) -> Result<Output, Refusal> {
    let start = match part {
        Part::From { byte } => byte,
        Part::Lines { first: 1, last: None, numbered: false } => 0,
        Part::Lines { .. } => {
            return Err(Refusal::new(format!(
                "`{path}` has {total_bytes} bytes, too many to count its lines (the most is \
                 {READ_BYTES_MAX}): ask with `start_byte`, or find the place with `search_text`"
            )));
        }
    };
    // In UTF-16 a text of English has twice the bytes that it has here.
    let length = u32::try_from(2 * room.bytes + MARGIN).unwrap_or(u32::MAX);
    let bytes = repository::read_range(tree, &path, start, length)?;
    if bytes.is_empty() {
        return Err(after_the_end(&path, start, total_bytes));
    }
    let probe = match start {
        0 if bytes.len() >= PROBE_LEN => bytes.clone(),
        _ => repository::read_range(tree, &path, 0, PROBE)?,
    };
    let Window { skipped, content } = Window::of(&probe, start, &bytes);
    let text = match content {
        Content::Text(text) => text,
        Content::Binary(what) => return Ok(Output::binary(path, total_bytes, what)),
    };
    let shown = Bytes { start: 0, room }.of(&text);
    let end = start + (skipped + text.file_byte(shown.text.len())) as u64;
    let goes_on = !shown.text.is_empty() && end < total_bytes;
    let next = goes_on.then_some(Next::Byte { start_byte: end });
    // Lines of a window are not lines of the file.
    let shown = Shown { lines: None, next, ..shown };
    Ok(Output { truncated: true, ..Output::of(path, total_bytes, &text, shown) })
}
