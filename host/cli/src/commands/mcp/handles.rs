//! Answers that are longer than a client takes at once, kept to be read on.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

/// Answers that are kept, the latest ones.
const KEPT_MAX: usize = 32;
/// Bytes of all of them.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that are read on at most, and unless the client says otherwise.
const PIECE_BYTES_MAX: usize = 64 * 1024;

pub(super) const DESCRIPTION: &str = "Reads on in an answer that was too long to be returned at once: its `handle` and `offset` stand \
     at the end of what was returned.";

/// The arguments of reading on.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["handle", "offset"],
        "properties": {
            "handle": { "type": "string", "description": "Which answer." },
            "offset": { "type": "integer", "minimum": 0, "description": "The byte to begin at." },
            "bytes": {
                "type": "integer", "minimum": 1, "maximum": PIECE_BYTES_MAX,
                "description": "How many bytes at most.",
            },
        },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    handle: String,
    offset: usize,
    #[serde(default = "piece")]
    bytes: usize,
}

const fn piece() -> usize {
    PIECE_BYTES_MAX
}

/// The answers that are kept.
#[derive(Debug, Default)]
pub(super) struct Handles {
    kept: VecDeque<(String, String)>,
    bytes: usize,
    made: u64,
}

impl Handles {
    /// What is shown of an answer at once; the whole of it is kept where that is less.
    pub(super) fn shown(&mut self, output: String, most: usize) -> String {
        if output.len() <= most {
            return output;
        }
        self.made += 1;
        let handle = format!("answer-{}", self.made);
        let shown = cut(&output, 0, most, &handle);
        self.bytes += output.len();
        self.kept.push_back((handle, output));
        while self.kept.len() > KEPT_MAX || self.bytes > KEPT_BYTES_MAX {
            let Some((_, gone)) = self.kept.pop_front() else { break };
            self.bytes -= gone.len();
        }
        shown
    }

    /// The next piece of an answer, or why there is none.
    pub(super) fn read_on(&self, arguments: &Value) -> Result<String, String> {
        let Wanted { handle, offset, bytes } =
            Wanted::deserialize(arguments).map_err(|err| err.to_string())?;
        let kept = self.kept.iter().find(|(name, _)| *name == handle);
        let Some((_, output)) = kept else {
            return Err(format!(
                "there is no answer `{}`: the latest {KEPT_MAX} are kept; call the tool again",
                runner::Plain(&handle)
            ));
        };
        if offset >= output.len() {
            return Err(format!("the answer has {} bytes", output.len()));
        }
        Ok(cut(output, offset, bytes.min(PIECE_BYTES_MAX), &handle))
    }
}

/// A piece of a text, between characters, and where the rest is.
fn cut(text: &str, offset: usize, most: usize, handle: &str) -> String {
    let start = text.floor_char_boundary(offset);
    let end = text.floor_char_boundary(start.saturating_add(most));
    // A character that is longer than what is wanted is passed on all the same.
    let end = if end == start { text.ceil_char_boundary(start + 1) } else { end };
    if end >= text.len() {
        return text[start..].to_owned();
    }
    let next = json!({ "handle": handle, "offset": end });
    format!("{}\n[{} of {} bytes; read_on {next}]", &text[start..end], end - start, text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_pieces_of_an_answer_are_the_answer(text in "\\PC{0,300}", most in 1usize..40) {
            let mut handles = Handles::default();
            let mut piece = handles.shown(text.clone(), most);
            let mut whole = String::new();
            while let Some((shown, note)) = piece.rsplit_once("\n[").filter(|_| piece.ends_with("}]")) {
                whole.push_str(shown);
                let next = note.split_once("read_on ").unwrap().1.trim_end_matches(']');
                let mut next: Value = serde_json::from_str(next).unwrap();
                next["bytes"] = most.into();
                piece = handles.read_on(&next).unwrap();
            }
            whole.push_str(&piece);
            prop_assert_eq!(whole, text);
        }
    }

    #[test]
    fn what_is_kept_has_an_end_and_what_is_gone_is_said_to_be() {
        let mut handles = Handles::default();
        for _ in 0..=KEPT_MAX {
            handles.shown("x".repeat(100), 10);
        }
        let read = |handles: &Handles, name: &str, offset: usize| {
            handles.read_on(&json!({ "handle": name, "offset": offset }))
        };
        assert!(read(&handles, "answer-1", 10).unwrap_err().contains("no answer"));
        assert_eq!(read(&handles, "answer-2", 10).unwrap().len(), 90);
        assert_eq!(read(&handles, "answer-2", 100).unwrap_err(), "the answer has 100 bytes");
        assert!(handles.read_on(&json!({ "handle": 1 })).is_err());
        handles.shown("x".repeat(KEPT_BYTES_MAX + 1), 10);
        assert_eq!((handles.kept.len(), handles.bytes), (0, 0));
    }
}
