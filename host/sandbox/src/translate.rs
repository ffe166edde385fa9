//! The contract's words to the snapshot's, and back. No decisions here.

use snapshot::{Answer, Question};

use crate::bindings::stepwell::tool::log;
use crate::bindings::stepwell::tool::repository as wit;
use crate::outcome::Level;

/// An answer to another question than was asked: a fault of ours that costs one call.
#[derive(Debug, thiserror::Error)]
#[error("the repository gave an answer of the wrong kind")]
pub(crate) struct WrongKind;

type Answered<T> = wasmtime::Result<Result<T, wit::ReadError>>;

/// Whether answering may walk the whole tree.
pub(crate) fn walks(question: &Question) -> bool {
    match question {
        Question::Glob { .. } | Question::Search { .. } => true,
        Question::Content { .. }
        | Question::Range { .. }
        | Question::Stat { .. }
        | Question::Kind { .. }
        | Question::Size { .. }
        | Question::Executable { .. }
        | Question::Link { .. }
        | Question::Time { .. }
        | Question::Variable { .. }
        | Question::Variables
        | Question::List { .. } => false,
    }
}

/// The guest's strings in a question.
pub(crate) fn strings(question: &Question) -> impl Iterator<Item = &str> {
    let (one, many): (&str, &[String]) = match question {
        Question::Content { path, .. }
        | Question::Range { path, .. }
        | Question::Stat { path, .. }
        | Question::Kind { path, .. }
        | Question::Size { path, .. }
        | Question::Executable { path, .. }
        | Question::Link { path, .. }
        | Question::List { path, .. } => (path, &[]),
        Question::Variable { name } => (name, &[]),
        Question::Time { .. } | Question::Variables => ("", &[]),
        Question::Glob { query, .. } => ("", &query.patterns),
        Question::Search { query, .. } => (&query.pattern, &query.globs),
    };
    std::iter::once(one).chain(many.iter().map(String::as_str))
}

/// The question for a person. Untrusted text, cut and escaped.
pub(crate) fn in_words(question: &Question) -> String {
    let what = match question {
        Question::Content { .. } => "the content of",
        Question::Range { .. } => "a part of",
        Question::Stat { .. } => "what is known of",
        Question::Kind { .. } => "what stands at",
        Question::Size { .. } => "the size of",
        Question::Executable { .. } => "whether it may be executed:",
        Question::Link { .. } => "where it points:",
        Question::Time { .. } => "the time of",
        Question::Variable { .. } => "the variable",
        Question::Variables => "the variables",
        Question::List { .. } => "the names in",
        Question::Glob { .. } => "the files that match",
        Question::Search { .. } => "the lines that match",
    };
    let about = strings(question).find(|text| !text.is_empty()).unwrap_or_default();
    let about: String = about.chars().take(80).collect();
    format!("{what} `{}`", about.escape_debug())
}

/// The bytes an answer holds for the guest.
pub(crate) fn weight(answer: &Answer) -> u64 {
    let texts = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let bytes = match answer {
        Answer::Content(bytes) | Answer::Range(bytes) => bytes.len(),
        Answer::Stat(_)
        | Answer::Kind(_)
        | Answer::Size(_)
        | Answer::Executable(_)
        | Answer::Time(_)
        | Answer::Denied(_) => 0,
        Answer::Link(text) | Answer::Variable(text) => text.as_ref().map_or(0, String::len),
        Answer::Variables(all) => all.iter().map(|(name, value)| name.len() + value.len()).sum(),
        Answer::List(entries) => entries.iter().map(|entry| entry.name.len()).sum(),
        Answer::Glob(found) => texts(&found.paths),
        Answer::Search(matches) => matches
            .lines
            .iter()
            .map(|line| {
                line.path.len() + line.text.len() + texts(&line.before) + texts(&line.after)
            })
            .sum(),
    };
    bytes as u64
}

pub(crate) fn tree(tree: wit::Tree) -> snapshot::Tree {
    match tree {
        wit::Tree::Head => snapshot::Tree::Head,
        wit::Tree::Base => snapshot::Tree::Base,
    }
}

pub(crate) fn glob(tree: wit::Tree, query: wit::GlobQuery) -> Question {
    let wit::GlobQuery { patterns, include_ignored, max_paths } = query;
    let query = snapshot::GlobQuery { patterns, include_ignored, max_paths };
    Question::Glob { tree: self::tree(tree), query }
}

pub(crate) fn search(tree: wit::Tree, query: wit::SearchQuery) -> Question {
    let wit::SearchQuery { pattern, literal, ignore_case, globs, context_lines, max_matches } =
        query;
    let query =
        snapshot::SearchQuery { pattern, literal, ignore_case, globs, context_lines, max_matches };
    Question::Search { tree: self::tree(tree), query }
}

pub(crate) fn level(level: log::Level) -> Level {
    match level {
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warning => Level::Warning,
    }
}

pub(crate) fn bytes(answer: Answer) -> Answered<Vec<u8>> {
    if let Answer::Content(bytes) | Answer::Range(bytes) = answer {
        return Ok(Ok(bytes));
    }
    denied(answer)
}

pub(crate) fn metadata(answer: Answer) -> Answered<wit::Metadata> {
    if let Answer::Stat(snapshot::Metadata { kind, size, executable }) = answer {
        return Ok(Ok(wit::Metadata { kind: self::kind(kind), size, executable }));
    }
    denied(answer)
}

pub(crate) fn what_stands(answer: Answer) -> Answered<Option<wit::Kind>> {
    if let Answer::Kind(kind) = answer {
        return Ok(Ok(kind.map(self::kind)));
    }
    denied(answer)
}

pub(crate) fn size(answer: Answer) -> Answered<u64> {
    if let Answer::Size(bytes) = answer {
        return Ok(Ok(bytes));
    }
    denied(answer)
}

pub(crate) fn executable(answer: Answer) -> Answered<bool> {
    if let Answer::Executable(may) = answer {
        return Ok(Ok(may));
    }
    denied(answer)
}

pub(crate) fn variable(answer: Answer) -> Answered<Option<String>> {
    if let Answer::Variable(value) = answer {
        return Ok(Ok(value));
    }
    denied(answer)
}

pub(crate) fn entries(answer: Answer) -> Answered<Vec<wit::Entry>> {
    let entry = |snapshot::Entry { name, kind }| wit::Entry { name, kind: self::kind(kind) };
    if let Answer::List(entries) = answer {
        return Ok(Ok(entries.into_iter().map(entry).collect()));
    }
    denied(answer)
}

pub(crate) fn found(answer: Answer) -> Answered<wit::Found> {
    if let Answer::Glob(snapshot::Found { paths, truncated }) = answer {
        return Ok(Ok(wit::Found { paths, truncated }));
    }
    denied(answer)
}

pub(crate) fn matches(answer: Answer) -> Answered<wit::Matches> {
    if let Answer::Search(snapshot::Matches { lines, truncated }) = answer {
        let lines = lines.into_iter().map(line_match).collect();
        return Ok(Ok(wit::Matches { lines, truncated }));
    }
    denied(answer)
}

fn line_match(line: snapshot::LineMatch) -> wit::LineMatch {
    let snapshot::LineMatch { path, line, text, before, after } = line;
    wit::LineMatch { path, line, text, before, after }
}

fn kind(kind: snapshot::Kind) -> wit::Kind {
    match kind {
        snapshot::Kind::File => wit::Kind::File,
        snapshot::Kind::Directory => wit::Kind::Directory,
        snapshot::Kind::Symlink => wit::Kind::Symlink,
    }
}

/// What is left when an answer is not of the kind that was asked for.
fn denied<T>(answer: Answer) -> Answered<T> {
    match answer {
        Answer::Denied(why) => Ok(Err(read_error(why))),
        Answer::Content(_)
        | Answer::Range(_)
        | Answer::Stat(_)
        | Answer::Kind(_)
        | Answer::Size(_)
        | Answer::Executable(_)
        | Answer::Link(_)
        | Answer::Time(_)
        | Answer::Variable(_)
        | Answer::Variables(_)
        | Answer::List(_)
        | Answer::Glob(_)
        | Answer::Search(_) => Err(WrongKind.into()),
    }
}

fn read_error(why: snapshot::ReadError) -> wit::ReadError {
    use snapshot::ReadError as From;
    use wit::ReadError as To;

    match why {
        From::NotFound => To::NotFound,
        From::NotAFile => To::NotAFile,
        From::NotADirectory => To::NotADirectory,
        From::InvalidPath(why) => To::InvalidPath(why),
        From::Outside => To::Outside,
        From::NotGranted(grant) => To::NotGranted(grant),
        From::TooLarge(size) => To::TooLarge(size),
        From::NoSuchTree => To::NoSuchTree,
        From::InvalidPattern(why) => To::InvalidPattern(why),
        From::Unreadable(why) => To::Unreadable(why),
    }
}
