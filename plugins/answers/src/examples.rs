//! The calls that a tool's description shows, so that its tests can make them.

use serde_json::{Deserializer, Value};

/// Every JSON object in a text, as it stands there.
pub fn examples(description: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = description;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        let end = match values.next() {
            Some(Ok(_)) => values.byte_offset(),
            Some(Err(_)) | None => 1,
        };
        if end > 1 {
            found.push(rest[..end].to_owned());
        }
        rest = &rest[end..];
    }
    found
}
