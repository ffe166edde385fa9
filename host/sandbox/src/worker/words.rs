//! Questions and answers as bytes.

use snapshot::{
    Answer, Entry, Found, GlobQuery, Kind, LineMatch, Matches, Metadata, Question, ReadError,
    SearchQuery, Tree,
};

use super::frame::{Garbled, Reader, Writer};

pub(crate) fn write_question(to: &mut Writer, question: &Question) {
    let (tag, path) = match question {
        Question::Content { path, .. } => (0, path),
        Question::Range { path, .. } => (1, path),
        Question::Stat { path, .. } => (2, path),
        Question::List { path, .. } => (3, path),
        Question::Kind { path, .. } => (10, path),
        Question::Size { path, .. } => (11, path),
        Question::Executable { path, .. } => (12, path),
        Question::Link { path, .. } => (6, path),
        Question::Time { .. } => {
            to.byte(7).byte(tree(question.tree()));
            return;
        }
        Question::Variable { name } => (8, name),
        Question::Variables => {
            to.byte(9).byte(tree(question.tree()));
            return;
        }
        Question::Glob { query, .. } => {
            let GlobQuery { patterns, include_ignored, max_paths } = query;
            to.byte(4).byte(tree(question.tree())).texts(patterns);
            to.flag(*include_ignored).small(*max_paths);
            return;
        }
        Question::Search { query, .. } => {
            let SearchQuery { pattern, literal, ignore_case, globs, context_lines, max_matches } =
                query;
            to.byte(5).byte(tree(question.tree())).text(pattern);
            to.flag(*literal).flag(*ignore_case).texts(globs);
            to.small(*context_lines).small(*max_matches);
            return;
        }
    };
    to.byte(tag).byte(tree(question.tree())).text(path);
    if let Question::Range { offset, length, .. } = question {
        to.number(*offset).small(*length);
    }
}

pub(crate) fn read_question(from: &mut Reader<'_>) -> Result<Question, Garbled> {
    let tag = from.byte()?;
    let tree = match from.byte()? {
        0 => Tree::Head,
        1 => Tree::Base,
        _ => return Err(Garbled),
    };
    Ok(match tag {
        0 => Question::Content { tree, path: from.text()? },
        1 => Question::Range {
            tree,
            path: from.text()?,
            offset: from.number()?,
            length: from.small()?,
        },
        2 => Question::Stat { tree, path: from.text()? },
        3 => Question::List { tree, path: from.text()? },
        6 => Question::Link { tree, path: from.text()? },
        7 => Question::Time { tree },
        8 if tree == Tree::Head => Question::Variable { name: from.text()? },
        9 if tree == Tree::Head => Question::Variables,
        10 => Question::Kind { tree, path: from.text()? },
        11 => Question::Size { tree, path: from.text()? },
        12 => Question::Executable { tree, path: from.text()? },
        4 => Question::Glob {
            tree,
            query: GlobQuery {
                patterns: from.texts()?,
                include_ignored: from.flag()?,
                max_paths: from.small()?,
            },
        },
        5 => Question::Search {
            tree,
            query: SearchQuery {
                pattern: from.text()?,
                literal: from.flag()?,
                ignore_case: from.flag()?,
                globs: from.texts()?,
                context_lines: from.small()?,
                max_matches: from.small()?,
            },
        },
        _ => return Err(Garbled),
    })
}

fn tree(tree: Tree) -> u8 {
    match tree {
        Tree::Head => 0,
        Tree::Base => 1,
    }
}

pub(crate) fn write_answer(to: &mut Writer, answer: &Answer) {
    match answer {
        Answer::Content(bytes) => {
            to.byte(0).bytes(bytes);
        }
        Answer::Range(bytes) => {
            to.byte(1).bytes(bytes);
        }
        Answer::Stat(Metadata { kind, size, executable }) => {
            to.byte(2).byte(self::kind(*kind)).number(*size).flag(*executable);
        }
        Answer::List(entries) => {
            to.byte(3).count(entries.len());
            for Entry { name, kind } in entries {
                to.byte(self::kind(*kind)).text(name);
            }
        }
        Answer::Glob(Found { paths, truncated }) => {
            to.byte(4).flag(*truncated).texts(paths);
        }
        Answer::Search(Matches { lines, truncated }) => {
            to.byte(5).flag(*truncated).count(lines.len());
            for LineMatch { path, line, text, before, after } in lines {
                to.text(path).small(*line).text(text).texts(before).texts(after);
            }
        }
        Answer::Denied(why) => {
            to.byte(6);
            write_error(to, why);
        }
        Answer::Kind(None) => {
            to.byte(13);
        }
        Answer::Kind(Some(kind)) => {
            to.byte(14).byte(self::kind(*kind));
        }
        Answer::Size(bytes) => {
            to.byte(15).number(*bytes);
        }
        Answer::Executable(may) => {
            to.byte(16).flag(*may);
        }
        Answer::Link(None) => {
            to.byte(7);
        }
        Answer::Link(Some(target)) => {
            to.byte(8).text(target);
        }
        Answer::Time(seconds) => {
            to.byte(9).number(*seconds);
        }
        Answer::Variable(None) => {
            to.byte(10);
        }
        Answer::Variable(Some(value)) => {
            to.byte(11).text(value);
        }
        Answer::Variables(all) => {
            to.byte(12).count(all.len());
            for (name, value) in all {
                to.text(name).text(value);
            }
        }
    }
}

pub(crate) fn read_answer(from: &mut Reader<'_>) -> Result<Answer, Garbled> {
    Ok(match from.byte()? {
        0 => Answer::Content(from.bytes()?.to_vec()),
        1 => Answer::Range(from.bytes()?.to_vec()),
        2 => Answer::Stat(Metadata {
            kind: read_kind(from)?,
            size: from.number()?,
            executable: from.flag()?,
        }),
        3 => {
            let entry =
                |from: &mut Reader<'_>| Ok(Entry { kind: read_kind(from)?, name: from.text()? });
            Answer::List((0..from.count(5)?).map(|_| entry(from)).collect::<Result<_, _>>()?)
        }
        4 => Answer::Glob(Found { truncated: from.flag()?, paths: from.texts()? }),
        5 => {
            let truncated = from.flag()?;
            let count = from.count(20)?;
            let lines = (0..count).map(|_| read_line(from)).collect::<Result<_, _>>()?;
            Answer::Search(Matches { lines, truncated })
        }
        6 => Answer::Denied(read_error(from)?),
        7 => Answer::Link(None),
        8 => Answer::Link(Some(from.text()?)),
        9 => Answer::Time(from.number()?),
        10 => Answer::Variable(None),
        11 => Answer::Variable(Some(from.text()?)),
        12 => {
            let pair = |from: &mut Reader<'_>| Ok((from.text()?, from.text()?));
            Answer::Variables((0..from.count(8)?).map(|_| pair(from)).collect::<Result<_, _>>()?)
        }
        13 => Answer::Kind(None),
        14 => Answer::Kind(Some(read_kind(from)?)),
        15 => Answer::Size(from.number()?),
        16 => Answer::Executable(from.flag()?),
        _ => return Err(Garbled),
    })
}

fn read_line(from: &mut Reader<'_>) -> Result<LineMatch, Garbled> {
    Ok(LineMatch {
        path: from.text()?,
        line: from.small()?,
        text: from.text()?,
        before: from.texts()?,
        after: from.texts()?,
    })
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::File => 0,
        Kind::Directory => 1,
        Kind::Symlink => 2,
    }
}

fn read_kind(from: &mut Reader<'_>) -> Result<Kind, Garbled> {
    match from.byte()? {
        0 => Ok(Kind::File),
        1 => Ok(Kind::Directory),
        2 => Ok(Kind::Symlink),
        _ => Err(Garbled),
    }
}

fn write_error(to: &mut Writer, why: &ReadError) {
    match why {
        ReadError::NotFound => to.byte(0),
        ReadError::NotAFile => to.byte(1),
        ReadError::NotADirectory => to.byte(2),
        ReadError::InvalidPath(text) => to.byte(3).text(text),
        ReadError::Outside => to.byte(4),
        ReadError::NotGranted(text) => to.byte(5).text(text),
        ReadError::TooLarge(size) => to.byte(6).number(*size),
        ReadError::NoSuchTree => to.byte(7),
        ReadError::InvalidPattern(text) => to.byte(8).text(text),
        ReadError::Unreadable(text) => to.byte(9).text(text),
    };
}

fn read_error(from: &mut Reader<'_>) -> Result<ReadError, Garbled> {
    Ok(match from.byte()? {
        0 => ReadError::NotFound,
        1 => ReadError::NotAFile,
        2 => ReadError::NotADirectory,
        3 => ReadError::InvalidPath(from.text()?),
        4 => ReadError::Outside,
        5 => ReadError::NotGranted(from.text()?),
        6 => ReadError::TooLarge(from.number()?),
        7 => ReadError::NoSuchTree,
        8 => ReadError::InvalidPattern(from.text()?),
        9 => ReadError::Unreadable(from.text()?),
        _ => return Err(Garbled),
    })
}

#[cfg(test)]
mod tests;
