//! What one call may ask, and what it was told.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::ask::Ask;
use crate::memo::Known;
use crate::source::Node;
use crate::{Answer, Digest, Grant, Question, ReadError, RepoPath, Snapshot, Tree};

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
    grant_digest: OnceLock<Digest>,
    told: Mutex<Told>,
}

/// What was answered. Bounded in number and in bytes.
#[derive(Debug, Default)]
struct Told {
    answers: HashMap<Question, Known>,
    bytes: usize,
    denied: BTreeSet<String>,
}

impl View {
    /// Questions of one call that are remembered; more than this is not a call worth caching.
    pub const QUESTIONS_MAX: usize = 50_000;

    /// A view of `head`, and of `base` if there is one, as far as `grant` goes.
    pub fn new(head: Snapshot, base: Option<Snapshot>, grant: Grant) -> Self {
        Self { head, base, grant, grant_digest: OnceLock::new(), told: Mutex::default() }
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
        let (answer, digest) = self.find(question);
        self.note(&answer);
        let known = Known { digest, answer: Some(Arc::clone(&answer)) };
        if self.pin(question, known) == digest {
            return (Arc::unwrap_or_clone(answer), digest);
        }
        let changed = "it changed while it was being read; ask again in another call";
        let answer = Answer::Denied(ReadError::Unreadable(changed.to_owned()));
        let digest = answer.digest();
        (answer, digest)
    }

    /// The digest of the answer to `question`. Computed once.
    pub fn answer_digest(&self, question: &Question) -> Digest {
        self.digest_of(question, None)
    }

    /// [`Self::answer_digest`] of each of `questions`. Those about paths come sooner than one by
    /// one, and soonest when they are sorted.
    pub fn answer_digests(&self, questions: &[Question]) -> Vec<Digest> {
        let mut seen: Vec<Option<Node>> = vec![None; questions.len()];
        for (which, tree) in [(Tree::Head, Some(&self.head)), (Tree::Base, self.base.as_ref())] {
            // What is fixed is known by its answers.
            let Some(tree) = tree.filter(|tree| !tree.source().is_fixed()) else { continue };
            let (mut places, mut paths) = (Vec::new(), Vec::new());
            for (place, question) in questions.iter().enumerate() {
                let path = question.place().filter(|_| question.tree() == which);
                let path = path.and_then(|path| RepoPath::parse(path).ok());
                let may_look = |path: &RepoPath| !path.is_hidden() && self.grant.has_name(path);
                if let Some(path) = path.filter(may_look) {
                    places.push(place);
                    paths.push(path);
                }
            }
            for (place, node) in places.into_iter().zip(tree.source().nodes(&paths)) {
                seen[place] = node.ok();
            }
        }
        questions.iter().zip(seen).map(|(question, seen)| self.digest_of(question, seen)).collect()
    }

    /// The digest of an answer, where `seen` was just seen at the path that is asked about.
    fn digest_of(&self, question: &Question, seen: Option<Node>) -> Digest {
        if let Some(Known { digest, .. }) = self.told().answers.get(question) {
            return *digest;
        }
        let digest = match (question, self.tree(question)) {
            (Question::Content { path, .. }, Some(tree)) if !tree.source().is_fixed() => {
                let digest = Ask::of(tree, &self.grant).having_seen(seen).content_digest(path);
                digest.unwrap_or_else(|why| Answer::Denied(why).digest())
            }
            (question, Some(tree)) if !tree.remembers(question) => {
                self.compute(question, tree, seen).digest()
            }
            (question, Some(tree)) => match tree.memo().get(&self.grant_digest(), question) {
                Some(known) => known.digest,
                None => self.find(question).1,
            },
            (_, None) => Answer::Denied(ReadError::NoSuchTree).digest(),
        };
        self.pin(question, Known { digest, answer: None })
    }

    /// The answer that was given before, if it is kept.
    fn pinned(&self, question: &Question) -> Option<(Digest, Arc<Answer>)> {
        let told = self.told();
        let Known { digest, answer } = told.answers.get(question)?;
        Some((*digest, Arc::clone(answer.as_ref()?)))
    }

    /// Remembers an answer, unless there was one before; returns the digest that stands.
    fn pin(&self, question: &Question, known: Known) -> Digest {
        let mut guard = self.told();
        let told = &mut *guard;
        let Known { digest, answer } = known;
        let weight = answer.as_deref().map_or(0, Answer::weight);
        let keep = answer.filter(|_| told.bytes + weight <= PINNED_BYTES_MAX);
        let full = told.answers.len() >= Self::QUESTIONS_MAX;
        match told.answers.entry(question.clone()) {
            MapEntry::Occupied(mut entry) => {
                let Known { digest: stands, answer: kept } = entry.get_mut();
                if *stands == digest && kept.is_none() && keep.is_some() {
                    *kept = keep;
                    told.bytes += weight;
                }
                *stands
            }
            MapEntry::Vacant(_) if full => digest,
            MapEntry::Vacant(entry) => {
                told.bytes += keep.as_ref().map_or(0, |_| weight);
                entry.insert(Known { digest, answer: keep });
                digest
            }
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        // Nothing is half done while it is held.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tree(&self, question: &Question) -> Option<&Snapshot> {
        match question.tree() {
            Tree::Head => Some(&self.head),
            Tree::Base => self.base.as_ref(),
        }
    }

    /// The answer and its digest: what another call was told of the tree where that cannot have
    /// changed, and a fresh one otherwise.
    fn find(&self, question: &Question) -> (Arc<Answer>, Digest) {
        let Some(tree) = self.tree(question) else {
            let answer = Answer::Denied(ReadError::NoSuchTree);
            let digest = answer.digest();
            return (Arc::new(answer), digest);
        };
        if !tree.remembers(question) {
            return self.look(question, tree);
        }
        let grant = self.grant_digest();
        if let Some(Known { digest, answer: Some(answer) }) = tree.memo().get(&grant, question) {
            return (answer, digest);
        }
        let (answer, digest) = self.look(question, tree);
        if !answer.is_failure() {
            tree.memo().keep(grant, question, &answer, digest);
        }
        (answer, digest)
    }

    fn grant_digest(&self) -> Digest {
        *self.grant_digest.get_or_init(|| self.grant.digest())
    }

    fn look(&self, question: &Question, tree: &Snapshot) -> (Arc<Answer>, Digest) {
        if let Question::Content { path, .. } = question
            && let Ok((bytes, digest)) = Ask::of(tree, &self.grant).content(path)
        {
            return (Arc::new(Answer::Content(bytes)), digest);
        }
        let answer = self.compute(question, tree, None);
        let digest = answer.digest();
        (Arc::new(answer), digest)
    }

    fn compute(&self, question: &Question, tree: &Snapshot, seen: Option<Node>) -> Answer {
        let ask = Ask::of(tree, &self.grant).having_seen(seen);
        let answer = match question {
            Question::Content { path, .. } => {
                ask.content(path).map(|(bytes, _)| Answer::Content(bytes))
            }
            Question::Range { path, offset, length, .. } => {
                ask.range(path, *offset, *length).map(Answer::Range)
            }
            Question::Stat { path, .. } => ask.stat(path).map(Answer::Stat),
            Question::Kind { path, .. } => ask.kind(path).map(Answer::Kind),
            Question::Size { path, .. } => ask.size(path).map(Answer::Size),
            Question::Executable { path, .. } => ask.is_executable(path).map(Answer::Executable),
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
