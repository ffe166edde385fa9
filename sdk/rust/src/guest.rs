//! The component's side: the bindings of `wit/tool.wit`, and our words for its types.

use crate::log::Level;
use crate::repository::{
    Entry, Found, Glob, Kind, LineMatch, Matches, Metadata, Reason, Search, Tree,
};
use crate::tool::Tool;

use bindings::stepwell::tool::log as wit_log;
use bindings::stepwell::tool::repository as wit;

/// What `wit-bindgen` makes of the contract.
#[expect(
    missing_docs,
    reason = "generated: the contract documents it, the canonical ABI needs raw memory"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "tool",
        pub_export_macro: true,
        export_macro_name: "export_tool",
    });
}

pub use bindings::exports::stepwell::tool::handler::{Guest, Refusal as WitRefusal};

/// Carries out a call that came over the boundary. A panic's message goes to the log, since the
/// trap that follows says nothing.
pub fn call(tool: &Tool, input: &str) -> Result<String, WitRefusal> {
    std::panic::set_hook(Box::new(|panic| log(Level::Warning, &panic.to_string())));
    tool.call(input).map_err(|refusal| WitRefusal { message: refusal.message().to_owned() })
}

pub(crate) fn read(tree: Tree, path: &str) -> Result<Vec<u8>, Reason> {
    Ok(wit::read(tree.into(), path)?)
}

pub(crate) fn read_range(
    tree: Tree,
    path: &str,
    offset: u64,
    length: u32,
) -> Result<Vec<u8>, Reason> {
    Ok(wit::read_range(tree.into(), path, offset, length)?)
}

pub(crate) fn stat(tree: Tree, path: &str) -> Result<Metadata, Reason> {
    let wit::Metadata { kind, size, executable } = wit::stat(tree.into(), path)?;
    Ok(Metadata { kind: kind.into(), size, executable })
}

pub(crate) fn kind_of(tree: Tree, path: &str) -> Result<Option<Kind>, Reason> {
    Ok(wit::kind_of(tree.into(), path)?.map(Into::into))
}

pub(crate) fn size_of(tree: Tree, path: &str) -> Result<u64, Reason> {
    Ok(wit::size_of(tree.into(), path)?)
}

pub(crate) fn is_executable(tree: Tree, path: &str) -> Result<bool, Reason> {
    Ok(wit::is_executable(tree.into(), path)?)
}

pub(crate) fn list_directory(tree: Tree, path: &str) -> Result<Vec<Entry>, Reason> {
    let entries = wit::list_directory(tree.into(), path)?;
    let entry = |wit::Entry { name, kind }| Entry { name, kind: kind.into() };
    Ok(entries.into_iter().map(entry).collect())
}

pub(crate) fn glob(tree: Tree, glob: &Glob) -> Result<Found, Reason> {
    let Glob { patterns, include_ignored, max_paths } = glob.clone();
    let query = wit::GlobQuery { patterns, include_ignored, max_paths };
    let wit::Found { paths, truncated } = wit::glob(tree.into(), &query)?;
    Ok(Found { paths, truncated })
}

pub(crate) fn search(tree: Tree, search: &Search) -> Result<Matches, Reason> {
    let Search { pattern, literal, ignore_case, globs, context_lines, max_matches } =
        search.clone();
    let query =
        wit::SearchQuery { pattern, literal, ignore_case, globs, context_lines, max_matches };
    let wit::Matches { lines, truncated } = wit::search(tree.into(), &query)?;
    let line = |wit::LineMatch { path, line, text, before, after }| LineMatch {
        path,
        line,
        text,
        before,
        after,
    };
    Ok(Matches { lines: lines.into_iter().map(line).collect(), truncated })
}

pub(crate) fn variable(name: &str) -> Result<Option<String>, Reason> {
    Ok(bindings::stepwell::tool::environment::get(name)?)
}

pub(crate) fn log(level: Level, line: &str) {
    let level = match level {
        Level::Debug => wit_log::Level::Debug,
        Level::Info => wit_log::Level::Info,
        Level::Warning => wit_log::Level::Warning,
    };
    wit_log::write(level, line);
}

impl From<Tree> for wit::Tree {
    fn from(tree: Tree) -> Self {
        match tree {
            Tree::Head => Self::Head,
            Tree::Base => Self::Base,
        }
    }
}

impl From<wit::Kind> for Kind {
    fn from(kind: wit::Kind) -> Self {
        match kind {
            wit::Kind::File => Self::File,
            wit::Kind::Directory => Self::Directory,
            wit::Kind::Symlink => Self::Symlink,
        }
    }
}

impl From<wit::ReadError> for Reason {
    fn from(error: wit::ReadError) -> Self {
        match error {
            wit::ReadError::NotFound => Self::NotFound,
            wit::ReadError::NotAFile => Self::NotAFile,
            wit::ReadError::NotADirectory => Self::NotADirectory,
            wit::ReadError::InvalidPath(why) => Self::InvalidPath(why),
            wit::ReadError::Outside => Self::Outside,
            wit::ReadError::NotGranted(grant) => Self::NotGranted(grant),
            wit::ReadError::TooLarge(size) => Self::TooLarge(size),
            wit::ReadError::NoSuchTree => Self::NoSuchTree,
            wit::ReadError::InvalidPattern(why) => Self::InvalidPattern(why),
            wit::ReadError::Unreadable(why) => Self::Unreadable(why),
        }
    }
}
