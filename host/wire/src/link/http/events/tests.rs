//! Events are what they are, however they are cut.

use proptest::prelude::*;

use super::*;

fn read(pieces: &[&[u8]]) -> Vec<String> {
    let mut events = Events::default();
    let mut found = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(data) = events.next(&mut rest).unwrap() {
            found.push(data);
        }
        assert!(rest.is_empty());
    }
    found
}

#[test]
fn the_data_of_each_event_is_read() {
    let check = |body: &str, expected: &[&str]| {
        assert_eq!(read(&[body.as_bytes()]), expected, "{body:?}");
    };
    check("data: {}\n\n", &["{}"]);
    check("data:{}\r\n\r\n", &["{}"]);
    check("data: {}\r\r", &["{}"]);
    check("data:  {}\n\n", &[" {}"]);
    check("event: x\nid: 7\nretry: 9\ndata: a\n\n", &["a"]);
    check("data: a\ndata: b\n\ndata: c\n\n", &["a\nb", "c"]);
    check("data: a\r\ndata\r\ndata: b\r\n\r\n", &["a\n\nb"]);
    check(": comment\n\n:\n\ndata: a\n\n", &["a"]);
    check("data\n\n", &[""]);
    check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
    check("database: a\ndat: b\n data: c\n\n", &[]);
    check("\n\r\n\r\r\ndata: a\n\n", &["a"]);
    check("data: [DONE]\n\n", &["[DONE]"]);
    // What the body's end cuts off is no event.
    check("data: a\n\ndata: b\n", &["a"]);
    check("data: a\n\ndata: b", &["a"]);
    check("", &[]);
}

#[test]
fn characters_may_be_split_and_bytes_that_are_none_are_replaced() {
    let body = "data: \u{1f600}é\n\n".as_bytes();
    for cut in 0..=body.len() {
        assert_eq!(read(&[&body[..cut], &body[cut..]]), ["\u{1f600}é"], "{cut}");
    }
    assert_eq!(read(&[b"data: \xff\n\n"]), ["\u{fffd}"]);
}

#[test]
fn a_line_or_an_event_without_end_is_cut_off() {
    let limit = |line: &[u8]| {
        let mut events = Events::default();
        let mut taken = 0;
        while taken <= 2 * MESSAGE_BYTES_MAX {
            if events.next(&mut &*line).is_err() {
                return taken;
            }
            taken += line.len();
        }
        taken
    };
    let line = vec![b'x'; 1 << 20];
    assert_eq!(limit(&line), MESSAGE_BYTES_MAX);
    let mut line = [b"data:".as_slice(), &line].concat();
    line.push(b'\n');
    assert!((MESSAGE_BYTES_MAX - (2 << 20)..=MESSAGE_BYTES_MAX).contains(&limit(&line)));
    // Any number of events is taken.
    line.push(b'\n');
    assert!(limit(&line) > MESSAGE_BYTES_MAX);
}

/// Bodies of the pieces that matter.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        3 => Just(b"data: ".to_vec()),
        1 => Just(b"data:".to_vec()),
        1 => Just(b"event: x".to_vec()),
        1 => Just(b":".to_vec()),
        1 => Just("\u{feff}".as_bytes().to_vec()),
        2 => ".{0,4}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_body_in_pieces_gives_what_the_whole_gives(
        body in body(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.sort_unstable();
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([body.len()]);
        let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &body[start..end]).collect();
        prop_assert_eq!(read(&pieces), read(&[&body]));
    }
}
