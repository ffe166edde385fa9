//! What one tool may read: a grant is part of the question, so nobody can forget it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;
use crate::pattern::{self, BadPattern, Patterns};
use crate::{ReadError, RepoPath};

/// What a tool may read: what the step grants, and no more than the tool itself asks for. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Grant(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    step: Read,
    tool: Read,
    /// Variables of the environment with the values they have, if they have one.
    variables: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone)]
enum Read {
    Everything,
    Only { texts: Vec<String>, patterns: Patterns },
}

impl Grant {
    /// Every path.
    pub fn everything() -> Self {
        let (step, tool) = (Read::Everything, Read::Everything);
        Self(Arc::new(Inner { step, tool, variables: BTreeMap::new() }))
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
        let (step, tool) = (Read::only(patterns)?, Read::Everything);
        Ok(Self(Arc::new(Inner { step, tool, variables: BTreeMap::new() })))
    }

    /// This grant, as far as a tool asks for it in its manifest.
    ///
    /// # Errors
    ///
    /// Names the pattern that cannot be used.
    pub fn within(&self, ceiling: &[String]) -> Result<Self, BadPattern> {
        let tool = Read::only(ceiling)?;
        Ok(Self(Arc::new(Inner { tool, ..(*self.0).clone() })))
    }

    /// This grant with some variables of the environment, each with its value if it is set.
    #[must_use]
    pub fn with_variables(&self, variables: BTreeMap<String, Option<String>>) -> Self {
        Self(Arc::new(Inner { variables, ..(*self.0).clone() }))
    }

    /// The same for grants that grant by the same patterns and names. What a variable holds is no
    /// part of it: that is an answer, for who asks.
    pub fn digest(&self) -> Digest {
        const CONTEXT: &str = "stepwell 2026-11 grant v1";
        let mut parts: Vec<&[u8]> = Vec::new();
        self.0.step.parts(&mut parts);
        // Grants without these are told apart as they always were.
        if let Read::Only { .. } = self.0.tool {
            parts.push(b"within");
            self.0.tool.parts(&mut parts);
        }
        if !self.0.variables.is_empty() {
            parts.push(b"variables");
            parts.extend(self.0.variables.keys().map(String::as_bytes));
        }
        Digest::derive(CONTEXT, &parts)
    }

    /// The patterns of what may be read: the step's, and the tool's own; none means everything.
    pub fn patterns(&self) -> (Option<&[String]>, Option<&[String]>) {
        (self.0.step.texts(), self.0.tool.texts())
    }

    /// The variables of the environment that are granted, with their values.
    pub fn variables(&self) -> &BTreeMap<String, Option<String>> {
        &self.0.variables
    }

    /// Whether a file at `path` may be read, if one stands there.
    pub fn allows(&self, path: &RepoPath) -> bool {
        self.has_file(path)
    }

    /// Whether the bytes of a file at `path` may be read.
    pub(crate) fn has_file(&self, path: &RepoPath) -> bool {
        self.0.step.has_file(path) && self.0.tool.has_file(path)
    }

    /// Whether it may be known what stands at `path`: it is granted, or on the way to it.
    pub(crate) fn has_name(&self, path: &RepoPath) -> bool {
        self.0.step.has_name(path) && self.0.tool.has_name(path)
    }

    /// Whether something below `directory` is granted.
    pub(crate) fn leads_through(&self, directory: &RepoPath) -> bool {
        self.0.step.leads_through(directory) && self.0.tool.leads_through(directory)
    }

    /// The refusal to read the file at `path`, in the words of a step file.
    pub(crate) fn missing(&self, path: &RepoPath) -> ReadError {
        let Inner { step, tool, .. } = &*self.0;
        let pattern = pattern::escape(path.as_str());
        self.refusal(&pattern, step.has_file(path) || step.has_name(path) && !tool.has_name(path))
    }

    /// The refusal to look into the directory at `path`.
    pub(crate) fn missing_below(&self, path: &RepoPath) -> ReadError {
        let pattern = match path.as_str() {
            "" => "**".to_owned(),
            path => format!("{}/**", pattern::escape(path)),
        };
        self.refusal(&pattern, self.0.step.leads_through(path))
    }

    /// The refusal to tell the value of what is a name of a variable.
    pub(crate) fn missing_variable(name: &str) -> ReadError {
        ReadError::NotGranted(format!(
            "[{name:?}] for this tool in `tools.environment`, and in its manifest"
        ))
    }

    /// Only its maker can widen what a tool asks for, so that is told first.
    fn refusal(&self, pattern: &str, by_step: bool) -> ReadError {
        let line = format!("read = [{}]", quoted(pattern));
        let tool_only = matches!(self.0.tool, Read::Only { .. }) && by_step;
        ReadError::NotGranted(match tool_only {
            true => format!("{line} among the grants of the tool's own manifest"),
            false => line,
        })
    }
}

impl Read {
    fn only(patterns: &[String]) -> Result<Self, BadPattern> {
        let mut texts = patterns.to_vec();
        texts.sort();
        texts.dedup();
        let patterns = Patterns::new(&texts)?;
        Ok(Self::Only { texts, patterns })
    }

    fn texts(&self) -> Option<&[String]> {
        match self {
            Self::Everything => None,
            Self::Only { texts, .. } => Some(texts),
        }
    }

    fn parts<'a>(&'a self, parts: &mut Vec<&'a [u8]>) {
        match self {
            Self::Everything => parts.push(b"everything"),
            Self::Only { texts, .. } => {
                parts.push(b"only");
                parts.extend(texts.iter().map(|text| text.as_bytes()));
            }
        }
    }

    fn has_file(&self, path: &RepoPath) -> bool {
        match self {
            Self::Everything => true,
            Self::Only { patterns, .. } => patterns.is_match(path),
        }
    }

    fn has_name(&self, path: &RepoPath) -> bool {
        self.leads_through(path) || self.has_file(path)
    }

    fn leads_through(&self, directory: &RepoPath) -> bool {
        match self {
            Self::Everything => true,
            Self::Only { patterns, .. } => patterns.may_match_below(directory),
        }
    }
}

/// `text` as a string of TOML that shows on one line, whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\'' => quoted.push(c),
            c if c.escape_debug().len() == 1 => quoted.push(c),
            c => quoted.extend(format!("\\U{:08X}", u32::from(c)).chars()),
        }
    }
    quoted.push('"');
    quoted
}
