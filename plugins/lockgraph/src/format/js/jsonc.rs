//! JSON with comments and trailing commas, as the JSON it stands for.

/// The text with spaces for what JSON does not have, so that lines and bytes stay where they are.
pub(in crate::format) fn relaxed(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    // The last comma with nothing but space after it.
    let mut comma = None;
    while at < out.len() {
        match out[at] {
            b'"' => {
                at = string_end(&out, at);
                comma = None;
                continue;
            }
            b'/' if matches!(out.get(at + 1), Some(b'/' | b'*')) => {
                let end = comment_end(&out, at);
                blank(&mut out[at..end]);
                at = end;
                continue;
            }
            b',' => comma = Some(at),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    out[comma] = b' ';
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
        at += 1;
    }
    // Whole comments and single ASCII bytes became spaces: it is as much UTF-8 as before.
    String::from_utf8(out).unwrap_or_default()
}

/// The byte after the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The byte after the comment that begins at `start`.
fn comment_end(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    let length = if rest.starts_with(b"//") {
        rest.iter().position(|&byte| byte == b'\n')
    } else {
        rest.windows(2).skip(2).position(|pair| pair == b"*/").map(|at| at + 4)
    };
    start + length.unwrap_or(rest.len())
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_json_does_not_have_becomes_space() {
        let text = "{\n  // a, }\n  \"a,]\": [1, /* ,] é */ ],\n  \"b\\\"//\": {},\n}\n";
        let json = relaxed(text);
        assert_eq!(json.len(), text.len());
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value, serde_json::json!({"a,]": [1], "b\"//": {}}));
    }

    proptest! {
        #[test]
        fn bytes_and_lines_stay_where_they_are(text in "[\"\\\\/*,\\]}a \né]*") {
            let out = relaxed(&text);
            prop_assert_eq!(out.len(), text.len());
            let lines = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            prop_assert_eq!(lines(&out), lines(&text));
        }

        #[test]
        fn json_stays_as_it_is(text in "[a-z/*, \\[\\]{}:]*") {
            let json = serde_json::json!({ "k": text, "l": [text, 1] }).to_string();
            prop_assert_eq!(relaxed(&json), json);
        }
    }
}
