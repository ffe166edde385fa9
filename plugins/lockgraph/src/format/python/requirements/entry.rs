//! What one line of a requirement file says.

use super::lines::Line;
use crate::format::python::names::{archive, digest, is_name, of_archive};
use crate::format::python::origin::{is_git, split_git};
use crate::format::python::requirement::Requirement;
use crate::format::{phrase, word};
use crate::graph::{Archive, EdgeKind, Place};
use crate::path;

/// Options that change how pip installs, not what.
const OPTIONS: [&str; 15] = [
    "--extra-index-url",
    "--find-links",
    "--no-binary",
    "--no-deps",
    "--no-index",
    "--only-binary",
    "--pre",
    "--prefer-binary",
    "--process-dependency-links",
    "--require-hashes",
    "--trusted-host",
    "--use-feature",
    "--use-pep517",
    "-Z",
    "-f",
];

/// What a line says.
#[derive(Debug)]
pub(super) enum Statement {
    /// Nothing about packages.
    Nothing,
    /// The index that all packages come from.
    Index(String),
    /// The packages of another file, too.
    Include(String),
    /// Another file limits the versions.
    Constrain(String),
    Package(Box<Entry>),
}

/// A package to be installed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The exact version, where only one will do.
    pub(super) version: Option<String>,
    /// Empty when any version will do.
    pub(super) range: String,
    /// Empty when it is always wanted.
    pub(super) marker: String,
    pub(super) target: Target,
    pub(super) archives: Vec<Archive>,
    pub(super) users: Vec<User>,
    pub(super) place: Place,
}

/// Where a package is to be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Index,
    Git {
        url: String,
        revision: Option<String>,
    },
    Address(String),
    File(String),
    /// From the repository's root.
    Directory(String),
}

impl Target {
    /// What its address ends in, where that is the name of a project.
    fn last_name(&self) -> &str {
        match self {
            Self::Directory(dir) => path::file_name(dir),
            Self::Git { url, .. } => path::file_name(url).trim_end_matches(".git"),
            Self::Index | Self::Address(_) | Self::File(_) => "",
        }
    }
}

/// Who needs a package.
#[derive(Debug)]
pub(super) enum User {
    Package(String),
    /// The repository's own package.
    Own {
        name: String,
        kind: EdgeKind,
    },
}

/// The directory that paths in a requirement file start from. To pip that is wherever it is called:
/// beside the file, or beside the directory that such files are kept in.
pub(super) fn base(path: &str) -> &str {
    let dir = path::parent(path);
    if path::file_name(dir) == "requirements" { path::parent(dir) } else { dir }
}

/// What a line of the file at `path` says.
pub(super) fn statement(line: &Line, path: &str) -> Result<Statement, &'static str> {
    let text = line.text.trim();
    if !text.starts_with('-') {
        return package(text, line, path);
    }
    if let Some(file) = value_of(text, "--requirement").or_else(|| value_of(text, "-r")) {
        return phrase(file)
            .map(|file| Statement::Include(file.to_owned()))
            .ok_or("no file to include");
    }
    if let Some(file) = value_of(text, "--constraint").or_else(|| value_of(text, "-c")) {
        return phrase(file)
            .map(|file| Statement::Constrain(file.to_owned()))
            .ok_or("no file of constraints");
    }
    if let Some(target) = value_of(text, "--editable").or_else(|| value_of(text, "-e")) {
        return package(target, line, path);
    }
    if let Some(index) = value_of(text, "--index-url").or_else(|| value_of(text, "-i")) {
        return phrase(index).map(|url| Statement::Index(url.to_owned())).ok_or("no usable index");
    }
    if OPTIONS.iter().any(|option| value_of(text, option).is_some()) {
        return Ok(Statement::Nothing);
    }
    Err("an option that pip does not take there")
}

/// The value of an option: behind a space or an equals sign, or right behind a short one.
fn value_of<'a>(text: &'a str, option: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(option)?;
    let separated = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '=');
    let short = !option.starts_with("--");
    (separated || short).then(|| rest.trim_start_matches(['=', ' ', '\t']).trim())
}

fn package(text: &str, line: &Line, path: &str) -> Result<Statement, &'static str> {
    let (text, options) = split_options(text);
    let place = Place { path: path.to_owned(), line: line.number };
    let mut archives: Vec<Archive> = hashes(options);
    let users = line.via.iter().filter_map(|user| user_of(user)).collect();
    let mut entry = match Requirement::parse(text) {
        Some(it) => Entry { marker: it.marker.to_owned(), ..listed(&it, path)? },
        None => unnamed(text, path)?,
    };
    if let Some(hash) = text.rsplit_once('#').and_then(|(_, hash)| digest(hash)) {
        archives.extend(archive(None, vec![hash]));
    }
    (entry.archives, entry.users, entry.place) = (archives, users, place);
    Ok(Statement::Package(Box::new(entry)))
}

/// Options of a single requirement stand behind it.
fn split_options(text: &str) -> (&str, &str) {
    let starts = |&(at, _): &(usize, &str)| text[..at].ends_with(char::is_whitespace);
    match text.match_indices('-').find(starts) {
        Some((at, _)) => (text[..at].trim_end(), &text[at..]),
        None => (text, ""),
    }
}

fn hashes(options: &str) -> Vec<Archive> {
    let mut words = options.split_whitespace().peekable();
    let mut archives = Vec::new();
    while let Some(option) = words.next() {
        let said = option.strip_prefix("--hash").map(|rest| match rest.strip_prefix('=') {
            Some(said) => said,
            None => words.peek().copied().unwrap_or_default(),
        });
        archives.extend(said.and_then(digest).and_then(|hash| archive(None, vec![hash])));
    }
    archives
}

/// `name==1`, or `name @ address`.
fn listed(requirement: &Requirement<'_>, path: &str) -> Result<Entry, &'static str> {
    let name = word(requirement.name).ok_or("a package without a usable name")?;
    let (target, version) = match requirement.url {
        None => (Target::Index, requirement.pinned().and_then(word)),
        Some(url) => (target(url, path)?, of_archive(url).map(|(_, version)| version)),
    };
    Ok(entry(name, version, requirement.range, target))
}

/// An address or a path, of which the name has to be guessed.
fn unnamed(text: &str, path: &str) -> Result<Entry, &'static str> {
    let text = text.split(" ;").next().unwrap_or_default().trim();
    let is_path = text.starts_with('.') || text.contains('/') || text.ends_with(".whl");
    if !is_path || text.contains(char::is_whitespace) {
        return Err("no requirement");
    }
    let target = target(text, path)?;
    let egg = text
        .split_once('#')
        .and_then(|(_, fragment)| fragment.split('&').find_map(|part| part.strip_prefix("egg=")));
    let egg = egg.and_then(|egg| egg.split('[').next());
    let archive = of_archive(text);
    let name = egg.or(archive.map(|(name, _)| name)).unwrap_or_else(|| target.last_name());
    let name = name.to_owned();
    let is_own = matches!(&target, Target::Directory(dir) if dir == base(path));
    if !is_own && (!is_name(&name) || word(&name).is_none()) {
        return Err("an address that does not say which package it is");
    }
    Ok(entry(&name, archive.map(|(_, version)| version), "", target))
}

fn entry(name: &str, version: Option<&str>, range: &str, target: Target) -> Entry {
    Entry {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        range: range.to_owned(),
        marker: String::new(),
        target,
        archives: Vec::new(),
        users: Vec::new(),
        place: Place { path: String::new(), line: 0 },
    }
}

fn target(text: &str, path: &str) -> Result<Target, &'static str> {
    let text = phrase(text).ok_or("an unusable address")?;
    if is_git(text) {
        let (url, revision) = split_git(text);
        return Ok(Target::Git { url: url.to_owned(), revision: revision.map(str::to_owned) });
    }
    let plain = text.split(['#', '[']).next().unwrap_or_default();
    let local = plain.strip_prefix("file://").or_else(|| plain.strip_prefix("file:"));
    let at = local.unwrap_or(plain);
    if local.is_none() && text.contains("://") {
        return Ok(Target::Address(text.to_owned()));
    }
    if [".whl", ".zip", ".tar.gz", ".tar.bz2", ".tgz"].iter().any(|end| at.ends_with(end)) {
        return Ok(Target::File(at.to_owned()));
    }
    let inside = path::resolve(base(path), at);
    Ok(Target::Directory(inside.unwrap_or_else(|| at.to_owned())))
}

/// `name`, `name (pyproject.toml)`, or a file, which says nothing about packages.
fn user_of(text: &str) -> Option<User> {
    let (name, from) = text.split_once('(').unwrap_or((text, ""));
    let name = name.split('[').next().unwrap_or_default().trim();
    if !is_name(name) || word(name).is_none() {
        return None;
    }
    let own = ["pyproject.toml", "setup.py", "setup.cfg"].iter().find(|file| from.contains(*file));
    Some(match own {
        // `pyproject.toml:group` names the extra or the group that asks for it.
        Some(_) if from.contains(':') => {
            User::Own { name: name.to_owned(), kind: EdgeKind::Optional }
        }
        Some(_) => User::Own { name: name.to_owned(), kind: EdgeKind::Runtime },
        None => User::Package(name.to_owned()),
    })
}
