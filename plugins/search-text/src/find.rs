//! What is asked of the repository: all lines first, and then what is around those that are shown.

use std::collections::{BTreeMap, BTreeSet};

use answers::pattern_of;
use stepwell::Refusal;
use stepwell::repository::{self, LineMatch, MATCHES_MAX, Matches, PATTERNS_MAX, Reason, Search};

use crate::rank::Ranked;
use crate::{Input, Order};

/// Matches of the files of one question about context: what they say stays a few megabytes.
const CONTEXT_MATCHES_MAX: usize = 400;

/// What stands before a name where it is defined, as a pattern for the host.
const DEFINED: &str = r"\b(fn|func|function|def|class|struct|enum|union|trait|interface|type|typedef|const|static|mod|module|namespace|define|protocol|record|macro_rules!)\s+";

/// The lines before and after a match.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
}

/// By path and line.
pub(crate) type Context = BTreeMap<(String, u32), Around>;

/// All lines that match, or the first that the host finds and every definition.
pub(crate) fn all(input: &Input) -> Result<Matches, Refusal> {
    let search = search(input, &input.pattern).literal(input.literal).within(input.globs.clone());
    let mut found = search.max(MATCHES_MAX).find(input.tree).map_err(|error| refusal(&error))?;
    let is_name = input.pattern.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if found.truncated && input.order == Order::Rank && is_name {
        // Of a common word the first lines by path say little: its definitions do.
        let pattern = format!("{DEFINED}{}\\b", input.pattern);
        let defined = self::search(input, &pattern).within(input.globs.clone()).find(input.tree);
        let known: BTreeSet<_> =
            found.lines.iter().map(|line| (line.path.clone(), line.line)).collect();
        let defined = defined.map(|defined| defined.lines).unwrap_or_default();
        let is_new = |line: &LineMatch| !known.contains(&(line.path.clone(), line.line));
        found.lines.extend(defined.into_iter().filter(is_new));
    }
    Ok(found)
}

/// What is around some matches.
pub(crate) fn context(input: &Input, wanted: &[Ranked]) -> Context {
    let mut context = Context::new();
    if input.context == 0 {
        return context;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for found in wanted {
        counts.insert(&found.path, found.in_file);
    }
    for paths in batches(&counts) {
        let globs = paths.into_iter().map(pattern_of);
        let search = search(input, &input.pattern).literal(input.literal).within(globs);
        // Without an answer, the lines are shown without what is around them.
        let found = search.context(input.context).find(input.tree).unwrap_or_default();
        let wanted: BTreeSet<_> =
            wanted.iter().map(|found| (found.path.as_str(), found.line)).collect();
        for LineMatch { path, line, before, after, .. } in found.lines {
            if wanted.contains(&(path.as_str(), line)) {
                context.insert((path, line), Around { before, after });
            }
        }
    }
    context
}

/// Paths to ask about together, by how many matches they have.
fn batches<'a>(counts: &BTreeMap<&'a str, usize>) -> Vec<Vec<&'a str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut matches = 0;
    for (path, count) in counts {
        matches += count;
        match batches.last_mut() {
            Some(batch) if batch.len() < PATTERNS_MAX && matches <= CONTEXT_MATCHES_MAX => {
                batch.push(path);
            }
            Some(_) | None => {
                matches = *count;
                batches.push(vec![path]);
            }
        }
    }
    batches
}

fn search(input: &Input, pattern: &str) -> Search {
    Search::new(pattern).ignore_case(input.ignore_case)
}

fn refusal(error: &repository::Error) -> Refusal {
    match error.reason {
        Reason::InvalidPattern(_) => {
            Refusal::new(format!("{error}; with `literal` set to true it is plain text"))
        }
        Reason::NotFound
        | Reason::NotAFile
        | Reason::NotADirectory
        | Reason::InvalidPath(_)
        | Reason::Outside
        | Reason::NotGranted(_)
        | Reason::TooLarge(_)
        | Reason::NoSuchTree
        | Reason::Unreadable(_) => Refusal::new(error.to_string()),
    }
}
