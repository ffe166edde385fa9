//! What one tool may read: a grant is part of the question, so nobody can forget it.

use std::sync::Arc;

use crate::digest::Digest;
use crate::pattern::{self, BadPattern, Patterns};
use crate::{ReadError, RepoPath};

/// Which paths a tool may read. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Grant(Arc<Read>);

#[derive(Debug)]
enum Read {
    Everything,
    Only { texts: Vec<String>, patterns: Patterns },
}

impl Grant {
    /// Every path.
    pub fn everything() -> Self {
        Self(Arc::new(Read::Everything))
    }

    /// No path at all.
    pub fn nothing() -> Self {
        Self::read(&[]).expect("no pattern is no bad pattern")
    }

    /// The files whose paths match one of `patterns`, and the directories on the way to them.
    ///
    /// # Errors
    ///
    /// Names the pattern that cannot be used.
    pub fn read(patterns: &[String]) -> Result<Self, BadPattern> {
        let mut texts = patterns.to_vec();
        texts.sort();
        texts.dedup();
        let patterns = Patterns::new(&texts)?;
        Ok(Self(Arc::new(Read::Only { texts, patterns })))
    }

    /// The same for grants that grant by the same patterns.
    pub fn digest(&self) -> Digest {
        const CONTEXT: &str = "stepwell 2026-11 grant v1";
        match &*self.0 {
            Read::Everything => Digest::derive(CONTEXT, &[b"everything"]),
            Read::Only { texts, .. } => {
                let mut parts: Vec<&[u8]> = vec![b"only"];
                parts.extend(texts.iter().map(|text| text.as_bytes()));
                Digest::derive(CONTEXT, &parts)
            }
        }
    }

    /// Whether the bytes of a file at `path` may be read.
    pub(crate) fn has_file(&self, path: &RepoPath) -> bool {
        match &*self.0 {
            Read::Everything => true,
            Read::Only { patterns, .. } => patterns.is_match(path),
        }
    }

    /// Whether it may be known what stands at `path`: it is granted, or on the way to it.
    pub(crate) fn has_name(&self, path: &RepoPath) -> bool {
        self.has_file(path) || self.leads_through(path)
    }

    /// Whether something below `directory` is granted.
    pub(crate) fn leads_through(&self, directory: &RepoPath) -> bool {
        match &*self.0 {
            Read::Everything => true,
            Read::Only { patterns, .. } => patterns.may_match_below(directory),
        }
    }

    /// The refusal to read the file at `path`, in the words of a step file.
    pub(crate) fn missing(path: &RepoPath) -> ReadError {
        ReadError::NotGranted(format!("read = [{:?}]", pattern::escape(path.as_str())))
    }

    /// The refusal to look into the directory at `path`.
    pub(crate) fn missing_below(path: &RepoPath) -> ReadError {
        let pattern = match path.as_str() {
            "" => "**".to_owned(),
            path => format!("{}/**", pattern::escape(path)),
        };
        ReadError::NotGranted(format!("read = [{pattern:?}]"))
    }
}
