//! Rules about one file.

use super::rust::without_strings;
use super::{BYTES_MAX, Complaint, File, LINES_MAX, Rule, is_data};

/// Files with code, where length and unfinished work count.
const CODE: [&str; 11] = ["rs", "wit", "wat", "sh", "js", "ts", "py", "go", "c", "h", "toml"];

/// Where packages come from. Who needs one has configured it.
const REGISTRIES: [&str; 14] = [
    "crates.io",
    "static.rust-lang.org",
    "deb.debian.org",
    "snapshot.debian.org",
    "security.debian.org",
    "archive.ubuntu.com",
    "pypi.org",
    "files.pythonhosted.org",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "proxy.golang.org",
    "repo.maven.apache.org",
    "repo1.maven.org",
    "rubygems.org",
];

/// Formats in which the address of a registry is part of the data.
const LOCKS: [&str; 14] = [
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "deno.lock",
    "poetry.lock",
    "uv.lock",
    "Pipfile.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "gradle.lockfile",
];

/// Who reads or describes such formats.
const READS_LOCKS: [&str; 4] =
    ["plugins/lockgraph/", "plugins/dependency-graph/", "plugins/sbom/", "docs/formats/"];

/// Names in `/home/NAME` that are nobody's.
const NOBODY: [&str; 8] = ["user", "me", "you", "runner", "ci", "build", "alice", "bob"];

/// Marks of unfinished work in a comment.
const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// The same as code.
const MACROS: [&str; 2] = ["todo!(", "unimplemented!("];

/// A page of the documentation is read over slow lines, too.
pub(super) const PICTURE_BYTES_MAX: usize = 150_000;

fn is_picture(path: &str) -> bool {
    path.starts_with("docs/images/") && path.ends_with(".png")
}

/// Everything wrong with one file, by itself.
pub(super) fn complaints(file: &File, own_paths: &[String]) -> Vec<Complaint> {
    let mut found = Found { path: &file.path, complaints: Vec::new() };
    if file.bytes.len() > BYTES_MAX {
        found.whole(Rule::TooLarge { bytes: file.bytes.len() });
    }
    if file.path.ends_with(".snap.new") || file.path.ends_with(".pending-snap") {
        found.whole(Rule::Pending);
    }
    if is_data(&file.path) {
        return found.complaints;
    }
    match str::from_utf8(&file.bytes) {
        Ok(text) if !text.contains('\0') => {
            shape(text, &mut found);
            // This one speaks of what it forbids.
            if !file.path.starts_with("xtask/src/tidy") {
                words(text, own_paths, &mut found);
            }
        }
        // What people see of the product; a test takes it anew.
        Ok(_) | Err(_) if is_picture(&file.path) => {
            if file.bytes.len() > PICTURE_BYTES_MAX {
                found.whole(Rule::LargePicture { bytes: file.bytes.len() });
            }
        }
        Ok(_) | Err(_) => found.whole(Rule::Binary),
    }
    found.complaints
}

/// The complaints so far about one file.
struct Found<'a> {
    path: &'a str,
    complaints: Vec<Complaint>,
}

impl Found<'_> {
    fn whole(&mut self, rule: Rule) {
        self.complaints.push(Complaint { path: self.path.to_owned(), line: None, rule });
    }

    fn at(&mut self, line: usize, rule: Rule) {
        self.complaints.push(Complaint { path: self.path.to_owned(), line: Some(line), rule });
    }

    fn is_rust(&self) -> bool {
        extension(self.path) == Some("rs")
    }
}

fn extension(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.rsplit_once('.').map(|(_, extension)| extension)
}

fn shape(text: &str, found: &mut Found<'_>) {
    let lines = text.lines().count();
    if lines > LINES_MAX && extension(found.path).is_some_and(|kind| CODE.contains(&kind)) {
        found.whole(Rule::TooLong { lines });
    }
    if found.is_rust() && !text.starts_with("//!") {
        found.whole(Rule::NoPurpose);
    }
}

fn words(text: &str, own_paths: &[String], found: &mut Found<'_>) {
    let name = found.path.rsplit('/').next().unwrap_or(found.path);
    let reads_locks =
        LOCKS.contains(&name) || READS_LOCKS.iter().any(|folder| found.path.starts_with(folder));
    if found.is_rust() {
        program(&without_strings(text), found);
    }
    for (number, line) in (1..).zip(text.lines()) {
        if !found.is_rust()
            && let Some(word) = comment(line).and_then(mark)
        {
            found.at(number, Rule::Unfinished { word });
        }
        if let Some(path) = machine_path(line, own_paths) {
            found.at(number, Rule::OneMachine { path });
        }
        if !reads_locks {
            let host = REGISTRIES.into_iter().find(|host| line.contains(host));
            if let Some(host) = host {
                found.at(number, Rule::Registry { host });
            }
        }
    }
}

/// Rules about Rust, of which no string is left.
fn program(program: &str, found: &mut Found<'_>) {
    let lines: Vec<&str> = program.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if let Some(rule) = attribute(line, &lines[at..]) {
            found.at(at + 1, rule);
        }
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let called = || MACROS.into_iter().find(|name| code.contains(name));
        if let Some(word) = mark(comment.trim_start_matches(['/', '!'])).or_else(called) {
            found.at(at + 1, Rule::Unfinished { word });
        }
    }
}

/// What is wrong with the attribute that begins in `line`, the first of `lines`.
fn attribute(line: &str, lines: &[&str]) -> Option<Rule> {
    let start = line.trim_start();
    let of = |name: &str| {
        let inside = start.strip_prefix("#[").or_else(|| start.strip_prefix("#!["))?;
        inside.strip_prefix(name)?.strip_prefix('(')
    };
    if of("allow").is_some() {
        return Some(Rule::Allow);
    }
    of("expect")?;
    let ends = |line: &&str| line.contains(")]");
    let last = lines.iter().position(ends).unwrap_or(lines.len() - 1);
    let reason = |line: &&str| line.split(")]").next().is_some_and(|said| said.contains("reason"));
    (!lines[..=last].iter().any(reason)).then_some(Rule::NoReason)
}

/// The comment that a line of any other language is.
fn comment(line: &str) -> Option<&str> {
    const BEGINS: [&str; 6] = ["///", "//", "#", ";;", "<!--", "*"];
    let start = line.trim_start();
    BEGINS.iter().find_map(|begin| start.strip_prefix(begin))
}

/// The mark of unfinished work that a comment begins with.
fn mark(comment: &str) -> Option<&'static str> {
    let comment = comment.trim_start();
    MARKS.into_iter().find(|mark| comment.starts_with(mark))
}

/// A path in the line that is right on one machine only.
fn machine_path(line: &str, own_paths: &[String]) -> Option<String> {
    let known = ["/work/", "/root/"].into_iter().chain(own_paths.iter().map(String::as_str));
    for path in known {
        if line.match_indices(path).any(|(at, _)| begins_path(line, at)) {
            return Some(path.to_owned());
        }
    }
    ["/home/", "/Users/"].into_iter().find_map(|homes| {
        let mut places = line.match_indices(homes).filter(|(at, _)| begins_path(line, *at));
        places.find_map(|(at, _)| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let name = line[at + homes.len()..].split(|c| !is_name(c)).next().unwrap_or_default();
            let somebody = !name.is_empty() && !NOBODY.contains(&name);
            somebody.then(|| format!("{homes}{name}"))
        })
    })
}

/// Whether the slash at `at` is the first of its path.
fn begins_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !before.is_some_and(|c| c.is_alphanumeric() || "_-.~/*})]>".contains(c))
}
