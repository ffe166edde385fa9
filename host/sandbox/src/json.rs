//! JSON from outside, checked before anything recursive touches it.

use serde::de::IgnoredAny;

/// Whether `text` is one JSON value nested at most `depth_max` deep; the error says what is wrong.
pub(crate) fn check(text: &str, depth_max: usize) -> Result<(), String> {
    let depth = depth(text);
    if depth > depth_max {
        return Err(format!("it is nested more than {depth_max} deep"));
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(IgnoredAny) => Ok(()),
        Err(err) => Err(format!("it is not JSON: {err}")),
    }
}

/// The deepest nesting of brackets outside strings. Exact for JSON; whatever for everything else.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Moves behind the closing quote.
fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_says(text: &str, expected: Result<(), &str>) {
        let said = check(text, 2);
        assert_eq!(said, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn only_shallow_json_passes() {
        check_says("1", Ok(()));
        check_says(" \"text\" ", Ok(()));
        check_says("[[1], {}]", Ok(()));
        check_says(r#"["[[[[", "\"[[[", "\\"]"#, Ok(()));
        check_says("[[[]]]", Err("it is nested more than 2 deep"));
        check_says(r#"{"a": {"b": {}}}"#, Err("it is nested more than 2 deep"));
        check_says("", Err("it is not JSON: EOF while parsing a value at line 1 column 0"));
        check_says("1 2", Err("it is not JSON: trailing characters at line 1 column 3"));
        check_says("]]]", Err("it is not JSON: expected value at line 1 column 1"));
        check_says(
            "[\"\t\"]",
            Err(
                "it is not JSON: control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2",
            ),
        );
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(5_000_000);
        assert_eq!(check(&deep, 64), Err("it is nested more than 64 deep".to_owned()));
    }
}
