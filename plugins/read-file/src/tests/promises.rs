//! What holds for any file: nothing panics, answers keep to their limits, and the parts that the
//! handles lead through are the whole.

use answers::Content;
use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::TOOL;

/// Bytes that may be beyond the limit: a character where there is room for less, and the end of
/// its line.
const BEYOND_MAX: usize = 6;

/// Texts with lines of all lengths, some longer than a line is shown, in any encoding.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => "[a-zäß€\u{1F980}\"\\\\]{0,30}",
        1 => (Just("é"), 900usize..2200).prop_map(|(c, count)| c.repeat(count)),
    ];
    let text = (proptest::collection::vec(line, 0..12), prop_oneof!["\n", "\r\n"], any::<bool>())
        .prop_map(|(lines, eol, ends)| lines.join(&eol) + if ends { &eol } else { "" });
    let encoded = (text, 0usize..5).prop_map(|(text, encoding)| match encoding {
        0 => text.into_bytes(),
        1 => b"\xef\xbb\xbf".iter().copied().chain(text.bytes()).collect(),
        2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        3 => b"\xfe\xff"
            .iter()
            .copied()
            .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
            .collect(),
        _ => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
    });
    prop_oneof![6 => encoded, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
}

/// The text of a file, read part by part as the answers say.
fn read_on(repository: &Repository, first: &Value, max_bytes: usize, max_tokens: usize) -> String {
    let mut input = first.clone();
    input["max_bytes"] = json!(max_bytes);
    let mut seen = String::new();
    for said in paging::parts(&TOOL, repository, &input, max_tokens) {
        let text = said["text"].as_str().unwrap();
        let cuts = said.get("cut_lines").and_then(Value::as_array).cloned().unwrap_or_default();
        assert!(text.len() <= max_bytes + BEYOND_MAX || !cuts.is_empty(), "{said}");
        let mut text = text.to_owned();
        for cut in &cuts {
            let mark = format!("…[{} bytes cut; start_byte {}]", cut["bytes"], cut["start_byte"]);
            let rest = rest_of_line(repository, cut);
            text = text.replacen(&mark, &rest, 1);
        }
        seen.push_str(&text);
    }
    seen
}

/// What a line that was cut goes on with.
fn rest_of_line(repository: &Repository, cut: &Value) -> String {
    let end = cut["start_byte"].as_u64().unwrap() + cut["bytes"].as_u64().unwrap();
    let mut seen = String::new();
    let mut input = json!({ "path": "file", "start_byte": cut["start_byte"] });
    loop {
        let said = paging::said(&TOOL, repository, &input);
        let text = said["text"].as_str().unwrap();
        let line = text.split('\n').next().unwrap();
        seen.push_str(line.trim_end_matches('\r'));
        match said.get("next") {
            Some(next)
                if line.len() == text.len() && next["start_byte"].as_u64().unwrap() < end =>
            {
                input["start_byte"] = next["start_byte"].clone();
            }
            _ => return seen,
        }
    }
}

fn repository(bytes: &[u8]) -> Repository {
    Repository::new().file("file", bytes)
}

/// The text of some bytes, if they are one, with the line ends that lines are shown with.
fn text(bytes: &[u8]) -> Option<(String, String)> {
    let exact = Content::of(bytes).text()?.as_str().to_owned();
    let lines = exact.matches('\n').count();
    let is_windows = lines > 0 && lines == exact.matches("\r\n").count();
    let by_lines = if is_windows { exact.replace("\r\n", "\n") } else { exact.clone() };
    Some((exact, by_lines))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_parts_that_handles_lead_through_are_the_whole(
        bytes in file(), max_bytes in 1usize..3000, max_tokens in 200usize..2000
    ) {
        let repository = repository(&bytes);
        let (exact, by_lines) = text(&bytes).unwrap_or_default();
        let lines = read_on(&repository, &json!({ "path": "file" }), max_bytes, max_tokens);
        prop_assert_eq!(lines, by_lines);
        let from_byte = json!({ "path": "file", "start_byte": 0 });
        prop_assert_eq!(read_on(&repository, &from_byte, max_bytes, max_tokens), exact);
    }

    #[test]
    fn any_question_has_an_answer_or_a_refusal(
        bytes in file(), start in 0usize..20, end in 0usize..20, byte in 0u64..300,
        by_byte in any::<bool>(), numbered in any::<bool>(), max_bytes in 1usize..100
    ) {
        let input = if by_byte {
            json!({ "path": "file", "start_byte": byte, "max_bytes": max_bytes })
        } else {
            json!({ "path": "file", "start_line": start, "end_line": end, "numbered": numbered,
                    "max_bytes": max_bytes })
        };
        let run = repository(&bytes).call(&TOOL, &input.to_string());
        if let Ok(answer) = run.answer {
            let said: Value = serde_json::from_str(&answer).unwrap();
            prop_assert!(said["text"].is_string());
        }
    }
}
