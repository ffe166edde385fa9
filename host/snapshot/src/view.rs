//! What one call may ask, and what it was told.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::ask::Ask;
use crate::memo::Known;
use crate::source::Node;
use crate::told::Told;
use crate::{Answer, Digest, Grant, Question, ReadError, RepoPath, Snapshot, Tree};

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

/// What was just seen at the path of a question, which may be looked at.
struct Seen {
    path: RepoPath,
    node: Node,
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
        self.told().denied().cloned().collect()
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
        if self.told().pin(question, known) == digest {
            return (Arc::unwrap_or_clone(answer), digest);
        }
        let changed = "it changed while it was being read; ask again in another call";
        let answer = Answer::Denied(ReadError::Unreadable(changed.to_owned()));
        let digest = answer.digest();
        (answer, digest)
    }

    /// The digest of the answer to `question`. Computed once.
    pub fn answer_digest(&self, question: &Question) -> Digest {
        self.told_digest(question).unwrap_or_else(|| self.digest_of(question, None))
    }

    /// [`Self::answer_digest`] of each of a part of `questions`, which are each there once. Those
    /// about paths come sooner than one by one, and soonest when they are sorted.
    ///
    /// # Panics
    ///
    /// When there is no such part.
    pub fn answer_digests(&self, questions: &Arc<[Question]>, part: Range<usize>) -> Vec<Digest> {
        let asked = &questions[part.clone()];
        let seen = self.seen(asked);
        if !self.told().is_news(questions, &part) {
            let stands = |(question, seen)| {
                self.told_digest(question).unwrap_or_else(|| self.digest_of(question, seen))
            };
            return asked.iter().zip(seen).map(stands).collect();
        }
        let find = |(question, seen)| self.find_digest(question, seen);
        let digests: Vec<Digest> = asked.iter().zip(seen).map(find).collect();
        self.told().note(questions, part, digests.clone());
        digests
    }

    /// What stands at the paths of the questions that are about one, in what can change.
    fn seen(&self, questions: &[Question]) -> Vec<Option<Seen>> {
        let mut seen: Vec<Option<Seen>> = questions.iter().map(|_| None).collect();
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
            let nodes = tree.source().nodes(&paths);
            for ((place, path), node) in places.into_iter().zip(paths).zip(nodes) {
                seen[place] = node.ok().map(|node| Seen { path, node });
            }
        }
        seen
    }

    fn told_digest(&self, question: &Question) -> Option<Digest> {
        self.told().get(question).map(|known| known.digest)
    }

    /// The digest of an answer that was not given yet, and stands from now on.
    fn digest_of(&self, question: &Question, seen: Option<Seen>) -> Digest {
        let digest = self.find_digest(question, seen);
        self.told().pin(question, Known { digest, answer: None })
    }

    /// The digest of an answer, where `seen` was just seen at the path that is asked about.
    fn find_digest(&self, question: &Question, seen: Option<Seen>) -> Digest {
        match (question, self.tree(question)) {
            (Question::Content { path, .. }, Some(tree)) if !tree.source().is_fixed() => {
                let ask = Ask::of(tree, &self.grant);
                let known = seen.as_ref().and_then(|seen| ask.known_content(&seen.path, seen.node));
                let look = || ask.having_seen(seen.map(|seen| seen.node)).content_digest(path);
                let digest = known.map_or_else(look, Ok);
                digest.unwrap_or_else(|why| Answer::Denied(why).digest())
            }
            (question, Some(tree)) if !tree.remembers(question) => {
                self.compute(question, tree, seen.map(|seen| seen.node)).digest()
            }
            (question, Some(tree)) => match tree.memo().get(&self.grant_digest(), question) {
                Some(known) => known.digest,
                None => self.find(question).1,
            },
            (_, None) => Answer::Denied(ReadError::NoSuchTree).digest(),
        }
    }

    /// The answer that was given before, if it is kept.
    fn pinned(&self, question: &Question) -> Option<(Digest, Arc<Answer>)> {
        let mut told = self.told();
        let Known { digest, answer } = told.get(question)?;
        Some((*digest, Arc::clone(answer.as_ref()?)))
    }

    fn told(&self) -> MutexGuard<'_, Told> {
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
        if let Answer::Denied(ReadError::NotGranted(missing)) = answer {
            self.told().deny(missing);
        }
    }
}

/// Whether an environment could have a variable of this name.
fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.len() <= VARIABLE_BYTES_MAX && name.chars().all(fits)
}
