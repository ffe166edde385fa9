//! Lock files and manifests in JSON.

use std::collections::BTreeMap;

use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Input, Unreadable};

/// Members of an object, as they stand in the text.
pub(super) type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The object that a lock file is; `Lines::line_of_part` tells where a member stands.
///
/// # Errors
///
/// When it is no JSON, or another value.
pub(super) fn object<'a>(input: &Input<'a>) -> Result<Object<'a>, Unreadable> {
    serde_json::from_str(input.text).map_err(|err| {
        let line = u32::try_from(err.line()).ok();
        // The parser names types of ours; the text before the place is what a reader can use.
        let message = match err.classify() {
            Category::Data => return Unreadable::Shape("it is no JSON object"),
            Category::Eof => "it ends too early".to_owned(),
            Category::Io | Category::Syntax => err.to_string(),
        };
        Unreadable::Syntax { language: "JSON", line, message }
    })
}
