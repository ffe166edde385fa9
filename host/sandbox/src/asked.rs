//! The questions of one call, answered from its view. Always in the process of the step, whoever
//! runs the guest: only what is answered here is granted, pinned and on the record.

use std::sync::Arc;

use snapshot::{Answer, Digest, Question, View};
use tokio::sync::Semaphore;
use tokio::task;

use crate::limits::Limits;
use crate::outcome::{Ending, Stop};
use crate::record::Record;
use crate::translate;

/// One call's questions.
pub(crate) struct Asked {
    view: Arc<View>,
    walks: Arc<Semaphore>,
    pub(crate) record: Record,
}

impl Asked {
    pub(crate) fn new(view: Arc<View>, walks: Arc<Semaphore>, limits: &Limits) -> Self {
        Self { view, walks, record: Record::new(limits) }
    }

    /// Answers one question, within the limits and on the record.
    pub(crate) async fn answer(&mut self, question: Question) -> Result<Answer, Stop> {
        self.record.admit(&question)?;
        let (answer, digest) = if translate::walks(&question) {
            answer_aside(&self.walks, &self.view, &question).await?
        } else {
            self.view.observe(&question)
        };
        let bytes = translate::weight(&answer);
        self.record.note(question, digest, bytes, answer.is_failure())?;
        Ok(answer)
    }
}

/// Answers a question that walks the tree, where it does not hold up other tasks. When the call
/// is over before the walk is, the walk ends by its own bounds and keeps its place until then:
/// guests cannot pile up walks by being cancelled.
async fn answer_aside(
    walks: &Arc<Semaphore>,
    view: &Arc<View>,
    question: &Question,
) -> Result<(Answer, Digest), Stop> {
    let place = Arc::clone(walks).acquire_owned().await.expect("nobody closes the places");
    let (view, question) = (Arc::clone(view), question.clone());
    let walk = task::spawn_blocking(move || {
        let observed = view.observe(&question);
        drop(place);
        observed
    });
    match walk.await {
        Ok(answered) => Ok(answered),
        Err(err) if err.is_panic() => std::panic::resume_unwind(err.into_panic()),
        // The runtime is shutting down, and takes this call with it.
        Err(_) => Err(Stop(Ending::Cancelled)),
    }
}
