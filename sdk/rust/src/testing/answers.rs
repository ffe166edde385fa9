//! What the repository in memory answers: the meaning and the limits of `wit/tool.wit`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::RegexBuilder;

use super::{File, Files};
use crate::repository::{
    CONTEXT_LINES_MAX, Entry, Found, Glob, Kind, LineMatch, MATCHES_MAX, Matches, Metadata,
    PATHS_MAX, PATTERN_LEN_MAX, PATTERNS_MAX, READ_BYTES_MAX, Reason, Search,
};

/// Where the host cuts a line of a search.
const LINE_LEN_MAX: usize = 400;
/// How far the host looks for a NUL before it takes a file for text.
const BINARY_PROBE_LEN: usize = 8 * 1024;

pub(super) fn check_path(path: &str) -> Result<(), Reason> {
    let invalid = |why: &str| Err(Reason::InvalidPath(why.to_owned()));
    if path.starts_with('/') {
        return invalid("it is absolute; name it from the repository's root");
    }
    if path.contains('\0') {
        return invalid("it has a NUL character, which no name may have");
    }
    if path.is_empty() {
        return Ok(());
    }
    match path.split('/').find(|name| matches!(*name, "" | "." | "..")) {
        Some("..") => invalid("it has `..`; name it from the repository's root"),
        Some(_) => invalid("it has an empty name or `.`"),
        None => Ok(()),
    }
}

pub(super) fn read(files: &Files, path: &str) -> Result<Vec<u8>, Reason> {
    let file = files.file(path)?;
    let size = size(file);
    if size > READ_BYTES_MAX { Err(Reason::TooLarge(size)) } else { Ok(file.bytes.clone()) }
}

pub(super) fn read_range(
    files: &Files,
    path: &str,
    offset: u64,
    length: u32,
) -> Result<Vec<u8>, Reason> {
    let bytes = &files.file(path)?.bytes;
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    Ok(bytes[start..end.min(bytes.len())].to_vec())
}

pub(super) fn stat(files: &Files, path: &str) -> Result<Metadata, Reason> {
    match files.file(path) {
        Ok(file) => {
            let executable = file.executable;
            Ok(Metadata { kind: Kind::File, size: size(file), executable })
        }
        Err(Reason::NotAFile) => Ok(Metadata { kind: Kind::Directory, size: 0, executable: false }),
        Err(reason) => Err(reason),
    }
}

pub(super) fn kind(files: &Files, path: &str) -> Result<Option<Kind>, Reason> {
    match stat(files, path) {
        Ok(metadata) => Ok(Some(metadata.kind)),
        Err(Reason::NotFound) => Ok(None),
        Err(reason) => Err(reason),
    }
}

pub(super) fn list_directory(files: &Files, path: &str) -> Result<Vec<Entry>, Reason> {
    if !files.is_directory(path) {
        let is_file = files.0.contains_key(path);
        return Err(if is_file { Reason::NotADirectory } else { Reason::NotFound });
    }
    Ok(files.names_in(path).into_iter().collect())
}

pub(super) fn glob(files: &Files, glob: &Glob) -> Result<Found, Reason> {
    let set = glob_set(&glob.patterns)?;
    let max = glob.max_paths.min(PATHS_MAX);
    let mut paths: Vec<String> = files
        .0
        .iter()
        .filter(|(path, file)| (glob.include_ignored || !file.ignored) && set.is_match(path))
        .map(|(path, _)| path.clone())
        .collect();
    let truncated = cut(&mut paths, max);
    Ok(Found { paths, truncated })
}

pub(super) fn search(files: &Files, search: &Search) -> Result<Matches, Reason> {
    let invalid = |why: String| Reason::InvalidPattern(why);
    if search.pattern.is_empty() {
        return Err(invalid("it is empty; every line would match".to_owned()));
    }
    if search.pattern.len() > PATTERN_LEN_MAX {
        return Err(invalid(format!("it is longer than {PATTERN_LEN_MAX} bytes")));
    }
    let escaped =
        if search.literal { regex::escape(&search.pattern) } else { search.pattern.clone() };
    let regex = RegexBuilder::new(&escaped)
        .case_insensitive(search.ignore_case)
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    let set = glob_set(&search.globs)?;
    let searched = files.0.iter().filter(|(path, file)| {
        let binary = file.bytes.iter().take(BINARY_PROBE_LEN).any(|byte| *byte == 0);
        !binary && !file.ignored && (search.globs.is_empty() || set.is_match(path))
    });
    let mut lines: Vec<LineMatch> = searched
        .flat_map(|(path, file)| matching_lines(path, file, &regex, search.context_lines))
        .collect();
    let truncated = cut(&mut lines, search.max_matches.min(MATCHES_MAX));
    Ok(Matches { lines, truncated })
}

fn matching_lines(path: &str, file: &File, regex: &regex::Regex, context: u32) -> Vec<LineMatch> {
    let text = String::from_utf8_lossy(&file.bytes);
    let lines: Vec<&str> = text.lines().collect();
    let context = usize::try_from(context.min(CONTEXT_LINES_MAX)).unwrap_or_default();
    let shown = |lines: &[&str]| lines.iter().map(|line| cut_line(line)).collect();
    (0..lines.len())
        .filter(|at| regex.is_match(lines[*at]))
        .map(|at| LineMatch {
            path: path.to_owned(),
            line: u32::try_from(at + 1).unwrap_or(u32::MAX),
            text: cut_line(lines[at]),
            before: shown(&lines[at.saturating_sub(context)..at]),
            after: shown(&lines[at + 1..lines.len().min(at + 1 + context)]),
        })
        .collect()
}

fn cut_line(line: &str) -> String {
    line[..line.floor_char_boundary(LINE_LEN_MAX)].to_owned()
}

/// Whether anything was cut off.
fn cut<T>(list: &mut Vec<T>, max: u32) -> bool {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let truncated = list.len() > max;
    list.truncate(max);
    truncated
}

fn glob_set(patterns: &[String]) -> Result<GlobSet, Reason> {
    if patterns.len() > PATTERNS_MAX {
        return Err(Reason::InvalidPattern(format!("there are more than {PATTERNS_MAX}")));
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        check_pattern(pattern)?;
        let mut glob = GlobBuilder::new(pattern);
        glob.literal_separator(true).backslash_escape(true).empty_alternates(true);
        set.add(glob.build().map_err(|error| Reason::InvalidPattern(error.to_string()))?);
    }
    set.build().map_err(|error| Reason::InvalidPattern(error.to_string()))
}

/// What would never match, and is refused for that.
fn check_pattern(pattern: &str) -> Result<(), Reason> {
    let why = match pattern {
        "" => "it is empty",
        _ if pattern.len() > PATTERN_LEN_MAX => "it is longer than 1024 bytes",
        _ if pattern.starts_with('/') => "it begins with `/`",
        _ if pattern.ends_with('/') => "it ends with `/`",
        _ if pattern.split('/').any(|part| matches!(part, "." | "..")) => "it has `.` or `..`",
        _ => return Ok(()),
    };
    Err(Reason::InvalidPattern(why.to_owned()))
}

pub(super) fn size(file: &File) -> u64 {
    u64::try_from(file.bytes.len()).unwrap_or(u64::MAX)
}
