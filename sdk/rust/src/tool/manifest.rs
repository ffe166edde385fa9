//! A tool's manifest, written by the compiler: `{"name":…,"description":…,"schema":…,"grants":…,"gate":…}`.
//!
//! The host reads it from the component without running anything, so it must be there as bytes
//! when the component is built. What could be wrong with it is therefore a compile error.

/// Long enough for a name with a prefix for its maker, short enough for a provider's limit.
const NAME_LEN_MAX: usize = 64;
/// Every call of a model carries every description: two pages are too much already.
const DESCRIPTION_LEN_MAX: usize = 8 * 1024;
/// A schema of more is a program. The compiler also has to read it byte by byte.
const SCHEMA_LEN_MAX: usize = 32 * 1024;
/// Deeper schemas are refused by the host.
const DEPTH_MAX: usize = 31;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What a manifest is made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// What the model calls the tool by.
    pub name: &'a str,
    /// What the model is told about it.
    pub description: &'a str,
    /// The JSON Schema of its input.
    pub schema: &'a str,
    /// The most that it asks to be granted, a JSON object, or nothing.
    pub grants: &'a str,
    /// Whether it is a gate, which no model calls.
    pub gate: bool,
}

/// How long [`manifest`] is. Fails to compile where a part is not what it must be.
pub const fn manifest_len(parts: &Parts<'_>) -> usize {
    let Parts { name, description, schema, grants, gate: _ } = *parts;
    assert!(grants.is_empty() || is_object(grants.as_bytes()), "the grants are not a JSON object");
    assert!(is_name(name), "a tool's name is a-z first, then a-z, 0-9 and _, 64 at most");
    assert!(!description.is_empty(), "a tool needs a description: the model knows nothing else");
    assert!(description.len() <= DESCRIPTION_LEN_MAX, "the description is longer than 8 KiB");
    assert!(schema.len() <= SCHEMA_LEN_MAX, "the schema is longer than 32 KiB");
    assert!(is_object(schema.as_bytes()), "the schema is not a JSON object");
    write(&mut [], parts)
}

/// The manifest; `LEN` is [`manifest_len`] of the same texts.
pub const fn manifest<const LEN: usize>(parts: &Parts<'_>) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let len = write(&mut bytes, parts);
    assert!(len == LEN, "the length is that of other texts");
    bytes
}

const fn write(to: &mut [u8], parts: &Parts<'_>) -> usize {
    let Parts { name, description, schema, grants, gate } = *parts;
    let mut at = raw(to, 0, b"{\"name\":");
    at = quoted(to, at, name.as_bytes());
    at = raw(to, at, b",\"description\":");
    at = quoted(to, at, description.as_bytes());
    at = raw(to, at, b",\"schema\":");
    at = raw(to, at, schema.as_bytes());
    if !grants.is_empty() {
        at = raw(to, at, b",\"grants\":");
        at = raw(to, at, grants.as_bytes());
    }
    if gate {
        at = raw(to, at, b",\"gate\":true");
    }
    raw(to, at, b"}")
}

const fn raw(to: &mut [u8], mut at: usize, text: &[u8]) -> usize {
    let mut i = 0;
    while i < text.len() {
        at = byte(to, at, text[i]);
        i += 1;
    }
    at
}

/// A JSON string. What is not ASCII is copied: the texts are UTF-8.
const fn quoted(to: &mut [u8], at: usize, text: &[u8]) -> usize {
    let mut at = byte(to, at, b'"');
    let mut i = 0;
    while i < text.len() {
        let c = text[i];
        if c == b'"' || c == b'\\' {
            at = byte(to, at, b'\\');
            at = byte(to, at, c);
        } else if c < 0x20 {
            at = raw(to, at, b"\\u00");
            at = byte(to, at, HEX[(c >> 4) as usize]);
            at = byte(to, at, HEX[(c & 0xf) as usize]);
        } else {
            at = byte(to, at, c);
        }
        i += 1;
    }
    byte(to, at, b'"')
}

/// Without room it only counts.
const fn byte(to: &mut [u8], at: usize, value: u8) -> usize {
    if at < to.len() {
        to[at] = value;
    }
    at + 1
}

const fn is_name(name: &str) -> bool {
    let name = name.as_bytes();
    if name.is_empty() || name.len() > NAME_LEN_MAX || !name[0].is_ascii_lowercase() {
        return false;
    }
    let mut i = 1;
    while i < name.len() {
        let c = name[i];
        if !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_') {
            return false;
        }
        i += 1;
    }
    true
}

/// What a JSON text may go on with.
#[derive(Clone, Copy)]
enum Next {
    Value,
    /// Just after `[`, or just after `{`.
    FirstOrClose,
    Key,
    /// After a value: `,` or a closing bracket.
    More,
}

/// Whether this is one JSON object. A machine with a stack instead of recursion, since the
/// compiler runs it.
const fn is_object(json: &[u8]) -> bool {
    // Which brackets are open: `{` or `[`.
    let mut open = [0u8; DEPTH_MAX];
    let mut depth = 0;
    let mut at = skip_blank(json, 0);
    if at == json.len() || json[at] != b'{' {
        return false;
    }
    let mut next = Next::Value;
    while at < json.len() {
        let c = json[at];
        (at, next) = match (next, c) {
            (Next::Value | Next::FirstOrClose, b'{' | b'[')
                if matches!(next, Next::Value) || open[depth - 1] == b'[' =>
            {
                if depth == DEPTH_MAX {
                    return false;
                }
                open[depth] = c;
                depth += 1;
                (at + 1, Next::FirstOrClose)
            }
            (Next::FirstOrClose | Next::More, b'}' | b']') => {
                // `{` and `}`, `[` and `]` are two apart.
                if depth == 0 || open[depth - 1] + 2 != c {
                    return false;
                }
                depth -= 1;
                if depth == 0 {
                    return skip_blank(json, at + 1) == json.len();
                }
                (at + 1, Next::More)
            }
            (Next::More, b',') => {
                (at + 1, if open[depth - 1] == b'{' { Next::Key } else { Next::Value })
            }
            (Next::FirstOrClose, _) => {
                (at, if open[depth - 1] == b'{' { Next::Key } else { Next::Value })
            }
            (Next::Key, b'"') => {
                let Some(end) = string_end(json, at) else { return false };
                let colon = skip_blank(json, end);
                if colon == json.len() || json[colon] != b':' {
                    return false;
                }
                (colon + 1, Next::Value)
            }
            (Next::Value, b'"') => {
                let Some(end) = string_end(json, at) else { return false };
                (end, Next::More)
            }
            (Next::Value, _) => {
                let Some(end) = word_end(json, at) else { return false };
                (end, Next::More)
            }
            (Next::Key | Next::More, _) => return false,
        };
        at = skip_blank(json, at);
    }
    false
}

const fn skip_blank(json: &[u8], mut at: usize) -> usize {
    while at < json.len() && matches!(json[at], b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

/// Just after the string that begins here.
const fn string_end(json: &[u8], mut at: usize) -> Option<usize> {
    at += 1;
    while at < json.len() {
        match json[at] {
            b'"' => return Some(at + 1),
            b'\\' if at + 1 < json.len() => match json[at + 1] {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' => {
                    let mut i = 2;
                    while i < 6 {
                        if at + i >= json.len() || !json[at + i].is_ascii_hexdigit() {
                            return None;
                        }
                        i += 1;
                    }
                    at += 6;
                }
                _ => return None,
            },
            0..0x20 | b'\\' => return None,
            _ => at += 1,
        }
    }
    None
}

/// Just after the number, `true`, `false` or `null` that begins here.
const fn word_end(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while at < json.len() && !matches!(json[at], b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t')
    {
        at += 1;
    }
    let (_, word) = json.split_at(start);
    let (word, _) = word.split_at(at - start);
    match word {
        b"true" | b"false" | b"null" => Some(at),
        _ if is_number(word) => Some(at),
        _ => None,
    }
}

const fn is_number(word: &[u8]) -> bool {
    let mut at = 0;
    if !word.is_empty() && word[0] == b'-' {
        at = 1;
    }
    let whole = digits_end(word, at);
    if whole == at || (word[at] == b'0' && whole > at + 1) {
        return false;
    }
    at = whole;
    if at < word.len() && word[at] == b'.' {
        let end = digits_end(word, at + 1);
        if end == at + 1 {
            return false;
        }
        at = end;
    }
    if at < word.len() && matches!(word[at], b'e' | b'E') {
        at += 1;
        if at < word.len() && matches!(word[at], b'+' | b'-') {
            at += 1;
        }
        let end = digits_end(word, at);
        if end == at {
            return false;
        }
        at = end;
    }
    at == word.len()
}

const fn digits_end(word: &[u8], mut at: usize) -> usize {
    while at < word.len() && word[at].is_ascii_digit() {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(parts: &Parts<'_>) -> Vec<u8> {
        let mut bytes = vec![0; write(&mut [], parts)];
        write(&mut bytes, parts);
        bytes
    }

    proptest! {
        #[test]
        fn a_manifest_reads_back_as_what_was_written(description in "(?s).{1,80}") {
            let name = "a_tool";
            let parts =
                Parts { name, description: &description, schema: r#"{"type":"object"}"#, grants: "", gate: false };
            let read: serde_json::Value = serde_json::from_slice(&written(&parts)).unwrap();
            let schema = serde_json::json!({ "type": "object" });
            let mut expected = serde_json::json!({
                "name": name, "description": description, "schema": schema,
            });
            prop_assert_eq!(&read, &expected);

            let parts = Parts { grants: r#"{"read":["a"]}"#, ..parts };
            let read: serde_json::Value = serde_json::from_slice(&written(&parts)).unwrap();
            expected["grants"] = serde_json::json!({ "read": ["a"] });
            prop_assert_eq!(&read, &expected);

            let parts = Parts { gate: true, ..parts };
            let read: serde_json::Value = serde_json::from_slice(&written(&parts)).unwrap();
            expected["gate"] = true.into();
            prop_assert_eq!(&read, &expected);
        }

        #[test]
        fn the_compiler_takes_for_an_object_what_serde_json_does(
            json in r#"[ \n]?\{("[a\\"u0]{0,3}":)?[-0-9.eE+{}\[\],:" a\\truefalsn]{0,12}\}?"#
        ) {
            let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&json);
            // They also refuse numbers that no f64 holds and halves of a surrogate pair.
            let only_size = theirs.as_ref().is_err_and(|error| {
                let text = error.to_string();
                text.contains("out of range") || text.contains("surrogate")
                    || text.contains("hex escape")
            });
            prop_assume!(!only_size);
            prop_assert_eq!(is_object(json.as_bytes()), theirs.is_ok());
        }
    }

    #[test]
    fn names_are_what_providers_take() {
        for good in ["a", "read_file", "a2", &"a".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "A", "2a", "_a", "a-b", "a b", "é", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_schema_is_one_json_object() {
        let deep = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        for good in ["{}", " {\"a\": [1, -2.5e3, true, null, {}, []]} \n", &deep(DEPTH_MAX)] {
            assert!(is_object(good.as_bytes()), "{good}");
        }
        let bad = [
            "",
            "[]",
            "{",
            "{}{}",
            "{]",
            "{\"a\"}",
            "{\"a\":01}",
            "{,}",
            "{\"a\":1,}",
            "{\"a\":[1}",
        ];
        for bad in bad.into_iter().chain([deep(DEPTH_MAX + 1).as_str()]) {
            assert!(!is_object(bad.as_bytes()), "{bad}");
        }
    }
}
