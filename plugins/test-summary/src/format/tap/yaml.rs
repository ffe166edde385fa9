//! The little YAML that runners write below a test: keys, quoted and plain values, blocks of
//! text, and mappings in mappings, whose keys are joined by dots. What is deeper is text.

use std::collections::BTreeMap;

/// Keys that are kept; runners write a dozen.
const KEYS_MAX: usize = 64;
/// What is kept of one value.
const VALUE_LEN_MAX: usize = 16 * 1024;

pub(super) type Block = BTreeMap<String, String>;

pub(super) fn read(lines: &[String]) -> Block {
    let mut block = Block::new();
    let mut at = 0;
    while at < lines.len() && block.len() < KEYS_MAX {
        let line = &lines[at];
        at += 1;
        let Some((key, value)) = key(line) else { continue };
        let depth = indent(line);
        let end = lines[at..]
            .iter()
            .position(|line| !line.trim().is_empty() && indent(line) <= depth)
            .map_or(lines.len(), |length| at + length);
        let below = &lines[at..end];
        let value = match value {
            "" => {
                for (inner, value) in below.iter().filter_map(|line| self::key(line)) {
                    put(&mut block, format!("{key}.{inner}"), &scalar(value));
                }
                text(below)
            }
            _ if value.starts_with(['|', '>']) && value.len() <= 3 => text(below),
            _ => scalar(value),
        };
        put(&mut block, key.to_owned(), &value);
        at = end;
    }
    block
}

fn put(block: &mut Block, key: String, value: &str) {
    if block.len() < KEYS_MAX {
        let value = &value[..value.floor_char_boundary(VALUE_LEN_MAX)];
        block.entry(key).or_insert_with(|| value.to_owned());
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// `key: value`
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().split_once(':')?;
    let is_key =
        !key.is_empty() && key.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    (is_key && (value.is_empty() || value.starts_with(' '))).then(|| (key, value.trim()))
}

/// Lines without what all of them are indented by.
fn text(lines: &[String]) -> String {
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let common = filled.map(|line| indent(line)).min().unwrap_or(0);
    let lines = lines.iter().map(|line| line.get(common..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// A value without its quotes.
fn scalar(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        return inner.replace("''", "'");
    }
    if let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        return serde_json::from_str(value).unwrap_or_else(|_| inner.to_owned());
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yaml_of_runners_is_read() {
        let yaml = "duration_ms: 2.06\nat:\n  line: 8\n  file: test.js\nerror: |-\n  Expected:\n  \n  {\n    a: 1\n  }\n\
            code: 'it''s'\nname: \"a\\nb\"\nexpected:\n  a: 2\n# comment\n- item: x";
        let lines: Vec<String> = yaml.lines().map(str::to_owned).collect();
        insta::assert_debug_snapshot!(read(&lines), @r#"
        {
            "at": "line: 8\nfile: test.js",
            "at.file": "test.js",
            "at.line": "8",
            "code": "it's",
            "duration_ms": "2.06",
            "error": "Expected:\n\n{\n  a: 1\n}",
            "expected": "a: 2",
            "expected.a": "2",
            "name": "a\nb",
        }
        "#);
    }
}
