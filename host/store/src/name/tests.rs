//! What is a name, and what is not, at each limit.

use super::*;

#[track_caller]
fn check(text: &str, expected: impl Into<Option<BadName>>) {
    assert_eq!(Name::new(text).err(), expected.into(), "{text:?}");
}

#[test]
fn a_name_is_spelled_the_same_everywhere() {
    check("a", None);
    check("runs/0a-b_c.d/segment-000001.jsonl", None);
    check("a..b/c.", None);
    check("", BadName::EmptySegment);
    check("/a", BadName::EmptySegment);
    check("a/", BadName::EmptySegment);
    check("a//b", BadName::EmptySegment);
    check("..", BadName::LeadingDot);
    check("a/../b", BadName::LeadingDot);
    check("a/.hidden", BadName::LeadingDot);
    for odd in ['A', 'é', ' ', '\\', '%', '*', '?', '[', '\n', '\0', ':'] {
        check(&format!("a{odd}"), BadName::Character(odd));
    }
}

#[test]
fn each_limit_holds_at_n_and_not_at_one_more() {
    let segment = "s".repeat(SEGMENT_BYTES_MAX);
    check(&segment, None);
    check(&format!("{segment}s"), BadName::LongSegment(SEGMENT_BYTES_MAX + 1));
    let deep = vec!["d"; SEGMENTS_MAX].join("/");
    check(&deep, None);
    check(&format!("{deep}/d"), BadName::TooDeep(SEGMENTS_MAX + 1));
    let long =
        format!("{segment}/{segment}/{}", "l".repeat(NAME_BYTES_MAX - 2 * segment.len() - 2));
    check(&long, None);
    check(&format!("{long}l"), BadName::TooLong(NAME_BYTES_MAX + 1));
}
