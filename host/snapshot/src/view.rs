//! What one call may ask, and what it was told.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::pattern::Patterns;
use crate::resolve::{Place, locate, resolve};
use crate::search::Search;
use crate::snapshot::read_whole;
use crate::source::{Node, NodeKind, Source};
use crate::walk::walk_ignored;
use crate::{
    Answer, Digest, Entry, Found, GlobQuery, Grant, Kind, Metadata, Question, ReadError, RepoPath,
    SearchQuery, Snapshot, SnapshotError, Tree,
};

/// Files looked through in one search, all together; a few seconds.
const SEARCH_BYTES_MAX: u64 = 512 << 20;

/// Answers kept for the second time they are asked for; beyond it they are read again.
const PINNED_BYTES_MAX: usize = 64 << 20;

/// Missing grants that are remembered: what comes after them is mostly more of the same.
const DENIED_MAX: usize = 16;

/// Bytes that are remembered of each: a path may be long, and hostile.
const DENIED_BYTES_MAX: usize = 512;

/// Bytes of a variable's name.
const VARIABLE_BYTES_MAX: usize = 256;

/// A state of the repository, one to compare it with, and what may be read of them.
///
/// The first answer to a question stands: should a file change between two looks, the second one
/// is [`ReadError::Unreadable`], so that nothing is made of two states. One view is for one call.
#[derive(Debug)]
pub struct View {
    head: Snapshot,
    base: Option<Snapshot>,
    grant: Grant,
    told: Mutex<Told>,
}

/// What was answered. Bounded in number and in bytes.
#[derive(Debug, Default)]
struct Told {
    answers: HashMap<Question, (Digest, Option<Arc<Answer>>)>,
    bytes: usize,
    denied: BTreeSet<String>,
}

impl View {
    /// Questions of one call that are remembered; more than this is not a call worth caching.
    pub const QUESTIONS_MAX: usize = 50_000;

    /// A view of `head`, and of `base` if there is one, as far as `grant` goes.
    pub fn new(head: Snapshot, base: Option<Snapshot>, grant: Grant) -> Self {
        Self { head, base, grant, told: Mutex::default() }
    }

    /// The grant it was made with.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What was refused for want of a grant, as it would stand in a step file: the first few.
    pub fn denied(&self) -> Vec<String> {
        self.told().denied.iter().cloned().collect()
    }

    /// The answer to `question`. Whatever goes wrong is an answer, too.
    pub fn answer(&self, question: &Question) -> Answer {
        self.observe(question).0
    }

    /// The answer to `question`, and its digest.
    pub fn observe(&self, question: &Question) -> (Answer, Digest) {
        if let Some((digest, answer)) = self.pinned(question) {
            return (Arc::unwrap_or_clone(answer), digest);
        }
        let answer = self.compute(question);
        self.note(&answer);
        let digest = answer.digest();
        if self.pin(question, digest, Some(&answer)) == digest {
            return (answer, digest);
        }
        let changed = "it changed while it was being read; ask again in another call";
        let answer = Answer::Denied(ReadError::Unreadable(changed.to_owned()));
        let digest = answer.digest();
        (answer, digest)
    }

    /// The digest of the answer to `question`. Computed once.
    pub fn answer_digest(&self, question: &Question) -> Digest {
        if let Some((digest, _)) = self.told().answers.get(question) {
            return *digest;
        }
        let digest = self.compute(question).digest();
        self.pin(question, digest, None)
    }

    /// The answer that was given before, if it is kept.
    fn pinned(&self, question: &Question) -> Option<(Digest, Arc<Answer>)> {
        let told = self.told();
        let (digest, answer) = told.answers.get(question)?;
        Some((*digest, Arc::clone(answer.as_ref()?)))
    }

    /// Remembers an answer, unless there was one before; returns the digest that stands.
    fn pin(&self, question: &Question, digest: Digest, answer: Option<&Answer>) -> Digest {
        let mut guard = self.told();
        let told = &mut *guard;
        let weight = answer.map_or(0, Answer::weight);
        let keep = answer.filter(|_| told.bytes + weight <= PINNED_BYTES_MAX);
        let keep = keep.map(|answer| Arc::new(answer.clone()));
        let full = told.answers.len() >= Self::QUESTIONS_MAX;
        match told.answers.entry(question.clone()) {
            MapEntry::Occupied(mut known) => {
                let (stands, kept) = known.get_mut();
                if *stands == digest && kept.is_none() && keep.is_some() {
                    *kept = keep;
                    told.bytes += weight;
                }
                *stands
            }
            MapEntry::Vacant(_) if full => digest,
            MapEntry::Vacant(unknown) => {
                told.bytes += keep.as_ref().map_or(0, |_| weight);
                unknown.insert((digest, keep));
                digest
            }
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        // Nothing is half done while it is held.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compute(&self, question: &Question) -> Answer {
        let tree = match question.tree() {
            Tree::Head => Some(&self.head),
            Tree::Base => self.base.as_ref(),
        };
        let Some(tree) = tree else { return Answer::Denied(ReadError::NoSuchTree) };
        let ask = Ask { tree, source: tree.source(), grant: &self.grant };
        let answer = match question {
            Question::Content { path, .. } => ask.content(path).map(Answer::Content),
            Question::Range { path, offset, length, .. } => {
                ask.range(path, *offset, *length).map(Answer::Range)
            }
            Question::Stat { path, .. } => ask.stat(path).map(Answer::Stat),
            Question::Link { path, .. } => ask.link(path).map(Answer::Link),
            Question::Time { .. } => Ok(Answer::Time(tree.time())),
            Question::Variable { name } => match self.grant.variables().get(name) {
                Some(value) => Ok(Answer::Variable(value.clone())),
                None if is_variable(name) => Err(Grant::missing_variable(name)),
                None => Err(ReadError::InvalidPath("it is no name of a variable".to_owned())),
            },
            Question::Variables => {
                let set = self.grant.variables().iter();
                let set = set.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
                Ok(Answer::Variables(set.collect()))
            }
            Question::List { path, .. } => ask.list(path).map(Answer::List),
            Question::Glob { query, .. } => ask.glob(query).map(Answer::Glob),
            Question::Search { query, .. } => ask.search(query).map(Answer::Search),
        };
        answer.unwrap_or_else(Answer::Denied)
    }

    /// Remembers what somebody was refused for want of a grant.
    fn note(&self, answer: &Answer) {
        let Answer::Denied(ReadError::NotGranted(missing)) = answer else { return };
        let mut told = self.told();
        if told.denied.len() < DENIED_MAX {
            let end = missing.floor_char_boundary(DENIED_BYTES_MAX);
            told.denied.insert(missing[..end].to_owned());
        }
    }
}

/// Whether an environment could have a variable of this name.
fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.len() <= VARIABLE_BYTES_MAX && name.chars().all(fits)
}

/// One question on its way: the tree it asks, and the grant it must keep to.
struct Ask<'a> {
    tree: &'a Snapshot,
    source: &'a dyn Source,
    grant: &'a Grant,
}

impl Ask<'_> {
    fn content(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let (path, size) = self.file(path)?;
        read_whole(self.source, &path, size)
    }

    fn range(&self, path: &str, offset: u64, length: u32) -> Result<Vec<u8>, ReadError> {
        let (path, size) = self.file(path)?;
        let length = u64::from(length).min(size.saturating_sub(offset));
        if length > Snapshot::CONTENT_BYTES_MAX {
            return Err(ReadError::TooLarge(length));
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        Ok(self.source.bytes(&path, offset, length)?)
    }

    /// The file that `path` leads to and its size, if it may be read.
    fn file(&self, path: &str) -> Result<(RepoPath, u64), ReadError> {
        let asked = parse(path)?;
        // Before anything is looked at: what is not granted is not told to exist, either.
        if !self.grant.has_file(&asked) {
            return Err(self.grant.missing(&asked));
        }
        let place = resolve(self.source, &asked)?;
        let Place::File { path, size, .. } = place else { return Err(place.not_a_file()) };
        // A link must not widen a grant.
        if !self.grant.has_file(&path) {
            return Err(self.grant.missing(&path));
        }
        Ok((path, size))
    }

    fn stat(&self, path: &str) -> Result<Metadata, ReadError> {
        let asked = parse(path)?;
        if !self.grant.has_name(&asked) {
            return Err(self.grant.missing(&asked));
        }
        let place = resolve(self.source, &asked)?;
        let refused = match &place {
            Place::File { path, .. } => {
                [&asked, path].into_iter().find(|path| !self.grant.has_file(path))
            }
            Place::Directory(path) => Some(path).filter(|path| !self.grant.has_name(path)),
            Place::Nothing | Place::Special | Place::DeadLink | Place::LinkOut | Place::Outside => {
                None
            }
        };
        match refused {
            Some(path) => Err(self.grant.missing(path)),
            None => place.metadata(),
        }
    }

    /// Who may know that something stands there may know that it is a link, and where to.
    fn link(&self, path: &str) -> Result<Option<String>, ReadError> {
        let asked = parse(path)?;
        if !self.grant.has_name(&asked) {
            return Err(self.grant.missing(&asked));
        }
        let Some(path) = locate(self.source, &asked)? else { return Ok(None) };
        if !self.grant.has_name(&path) {
            return Err(self.grant.missing(&path));
        }
        let is_link = self.source.node(&path)? == Node::Link;
        Ok(if is_link { self.source.target(&path)? } else { None })
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let asked = parse(path)?;
        if !self.grant.leads_through(&asked) {
            return Err(self.grant.missing_below(&asked));
        }
        let place = resolve(self.source, &asked)?;
        let Place::Directory(directory) = place else { return Err(place.not_a_directory()) };
        if !self.grant.leads_through(&directory) {
            return Err(self.grant.missing_below(&directory));
        }
        let entries = self.source.entries(&directory)?.into_iter();
        let seen = entries.filter(|(path, kind)| {
            !path.is_hidden()
                && match kind {
                    NodeKind::File => self.grant.has_file(path),
                    NodeKind::Directory | NodeKind::Link => self.grant.has_name(path),
                }
        });
        let named = |(path, kind): (RepoPath, NodeKind)| {
            let kind = match kind {
                NodeKind::File => Kind::File,
                NodeKind::Directory => Kind::Directory,
                NodeKind::Link => Kind::Symlink,
            };
            Entry { name: path.name().to_owned(), kind }
        };
        let mut entries: Vec<Entry> = seen.map(named).collect();
        entries.sort_unstable();
        Ok(entries)
    }

    fn glob(&self, query: &GlobQuery) -> Result<Found, ReadError> {
        let patterns = compile(&query.patterns)?;
        let most = query.max_paths.min(GlobQuery::PATHS_MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let found = match query.include_ignored {
            true => collect(self.ignored_files(&patterns)?.into_iter(), most),
            false => collect(self.files(&patterns)?.cloned(), most),
        };
        Ok(found)
    }

    fn search(&self, query: &SearchQuery) -> Result<crate::Matches, ReadError> {
        let mut search = Search::new(query)?;
        let everywhere = ["**".to_owned()];
        let globs = if query.globs.is_empty() { &everywhere[..] } else { &query.globs };
        let patterns = compile(globs)?;
        let mut left = SEARCH_BYTES_MAX;
        for path in self.files(&patterns)? {
            // What has gone since it was listed is not searched.
            let Node::File { size, .. } = self.source.node(path)? else { continue };
            if size > Snapshot::CONTENT_BYTES_MAX || size > left {
                search.give_up();
                continue;
            }
            left -= size;
            let bytes = self.source.bytes(path, 0, Snapshot::CONTENT_BYTES_MAX)?;
            if !search.look(path.as_str(), &bytes) {
                break;
            }
        }
        Ok(search.finish())
    }

    /// The granted files that match and that no ignore file leaves out, sorted.
    fn files<'b>(
        &'b self,
        patterns: &'b Patterns,
    ) -> Result<impl Iterator<Item = &'b RepoPath>, SnapshotError> {
        let leaves = self.tree.leaves()?.iter().filter(|leaf| !leaf.is_link);
        let paths = leaves.map(|leaf| &leaf.path);
        Ok(paths.filter(|path| patterns.is_match(path) && self.grant.has_file(path)))
    }

    /// The granted files that match, ignored ones too, sorted. Not kept: a build directory may
    /// hold a hundred times what the repository does.
    fn ignored_files(&self, patterns: &Patterns) -> Result<Vec<RepoPath>, SnapshotError> {
        let enter = |directory: &RepoPath| {
            patterns.may_match_below(directory) && self.grant.leads_through(directory)
        };
        let leaves = walk_ignored(self.source, enter)?.into_iter();
        let files = leaves.filter(|leaf| !leaf.is_link).map(|leaf| leaf.path);
        Ok(files.filter(|path| patterns.is_match(path) && self.grant.has_file(path)).collect())
    }
}

fn parse(path: &str) -> Result<RepoPath, ReadError> {
    RepoPath::parse(path).map_err(|err| ReadError::InvalidPath(err.to_string()))
}

fn compile(patterns: &[String]) -> Result<Patterns, ReadError> {
    Patterns::new(patterns).map_err(|err| ReadError::InvalidPattern(err.to_string()))
}

fn collect(mut files: impl Iterator<Item = RepoPath>, most: usize) -> Found {
    let paths = files.by_ref().take(most).map(String::from).collect();
    Found { paths, truncated: files.next().is_some() }
}
