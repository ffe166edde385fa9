//! Whatever can be asked or answered arrives as it was sent, and nothing else is taken for one.

use super::*;
use crate::worker::frame::Frames;

fn questions() -> Vec<Question> {
    let path = || "a/ä.txt".to_owned();
    let texts = || vec![String::new(), "*.rs".to_owned()];
    let glob = GlobQuery { patterns: texts(), include_ignored: true, max_paths: 7 };
    let search = SearchQuery {
        pattern: "a.b".to_owned(),
        literal: true,
        ignore_case: false,
        globs: texts(),
        context_lines: 2,
        max_matches: 3,
    };
    let of = |tree| {
        vec![
            Question::Content { tree, path: path() },
            Question::Range { tree, path: path(), offset: u64::MAX, length: 9 },
            Question::Stat { tree, path: path() },
            Question::Kind { tree, path: path() },
            Question::Size { tree, path: path() },
            Question::Executable { tree, path: path() },
            Question::Link { tree, path: path() },
            Question::Time { tree },
            Question::Variable { name: path() },
            Question::Variables,
            Question::List { tree, path: String::new() },
            Question::Glob { tree, query: glob.clone() },
            Question::Search { tree, query: search.clone() },
        ]
    };
    [of(Tree::Head), of(Tree::Base)].concat()
}

fn answers() -> Vec<Answer> {
    let text = || "ä\n".to_owned();
    let line = LineMatch {
        path: text(),
        line: 3,
        text: text(),
        before: vec![],
        after: vec![text(), String::new()],
    };
    let kinds = [Kind::File, Kind::Directory, Kind::Symlink];
    let denied = [
        ReadError::NotFound,
        ReadError::NotAFile,
        ReadError::NotADirectory,
        ReadError::InvalidPath(text()),
        ReadError::Outside,
        ReadError::NotGranted(text()),
        ReadError::TooLarge(u64::MAX),
        ReadError::NoSuchTree,
        ReadError::InvalidPattern(text()),
        ReadError::Unreadable(text()),
    ];
    let mut answers = vec![
        Answer::Content(vec![0, 255]),
        Answer::Range(vec![]),
        Answer::Kind(None),
        Answer::Size(u64::MAX),
        Answer::Executable(true),
        Answer::Link(None),
        Answer::Link(Some(text())),
        Answer::Time(u64::MAX),
        Answer::Variable(None),
        Answer::Variable(Some(text())),
        Answer::Variables(vec![(text(), text()), (text(), String::new())]),
        Answer::List(kinds.map(|kind| Entry { name: text(), kind }).to_vec()),
        Answer::Glob(Found { paths: vec![text(); 3], truncated: true }),
        Answer::Search(Matches { lines: vec![line.clone(), line], truncated: false }),
    ];
    answers
        .extend(kinds.map(|kind| Answer::Stat(Metadata { kind, size: 1 << 40, executable: true })));
    answers.extend(kinds.map(|kind| Answer::Kind(Some(kind))));
    answers.extend(denied.map(Answer::Denied));
    answers
}

/// The bytes after the tag.
fn written(write: impl Fn(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(0);
    write(&mut writer);
    let frame = writer.finish().unwrap();
    let mut frames = Frames::default();
    frames.room()[..frame.len()].copy_from_slice(&frame);
    frames.came(frame.len());
    frames.next(frame.len()).unwrap().unwrap().to_vec()
}

/// What is sent arrives; cut short or made longer, it is refused.
#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(
    sent: &T,
    write: impl Fn(&mut Writer, &T),
    read: impl Fn(&mut Reader<'_>) -> Result<T, Garbled>,
) {
    let bytes = written(|writer| write(writer, sent));
    let arrives = |bytes: &[u8]| {
        let (_, mut reader) = Reader::new(bytes)?;
        let read = read(&mut reader)?;
        reader.end().map(|()| read)
    };
    assert_eq!(arrives(&bytes).as_ref(), Ok(sent));
    for cut in 0..bytes.len() {
        assert_eq!(arrives(&bytes[..cut]), Err(Garbled), "{sent:?} cut at {cut}");
    }
    assert_eq!(arrives(&[&bytes[..], b"x"].concat()), Err(Garbled), "{sent:?} and more");
    // Whatever a byte is changed to, it is refused or it is something else; never a panic.
    for at in 1..bytes.len() {
        for byte in [0, 1, 6, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            drop(arrives(&bytes));
        }
    }
}

#[test]
fn every_question_arrives_as_it_was_asked() {
    for question in questions() {
        check(&question, write_question, read_question);
    }
}

#[test]
fn every_answer_arrives_as_it_was_given() {
    for answer in answers() {
        check(&answer, write_answer, read_answer);
    }
}
