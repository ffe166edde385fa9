//! Looking an output up where others share theirs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use snapshot::{Digest, View};
use tokio::time::Instant;

use super::form::{self, CallList, SharedRecord, WAYS_MAX, Way};
use super::health::{Allowance, Silent};
use super::{PREFETCHED_MAX, Remote, Source};
use crate::blobs::{BLOB_BYTES_MAX, Blob};
use crate::cache::{Observed, evaluate, lock};
use crate::clock::Deadline;
use crate::find::blocking;
use crate::index;
use crate::observed::{Answers, QuestionSet};
use crate::{Cache, Call, CallKey, Hit, Origin, Record};

/// Asking the questions of other machines again may not take longer.
const EVALUATION_TIME_MAX: Duration = Duration::from_secs(2);

/// Of several stores none may take longer with its list, in quarters of what a lookup may wait: the
/// rest is for the record that another one has.
const LIST_QUARTERS: u32 = 3;

/// What is looked for.
struct Sought<'a> {
    cache: &'a Cache,
    call: &'a Call,
    view: &'a Arc<View>,
    deadline: Deadline,
}

impl Remote {
    /// The output of the call, if somebody who is believed shares it. It is kept here then.
    pub(crate) async fn look(&self, cache: &Cache, call: &Call, view: &Arc<View>) -> Option<Hit> {
        let expected = index::expected_us;
        let expected = cache.read(|connection| expected(connection, call.tool())).ok().flatten();
        let expected = expected.map(Duration::from_micros);
        let mut allowance = Allowance(self.lookup);
        let lists = match self.take_ahead(call.key().digest()) {
            Some(lists) => lists,
            None => self.lists(call.key(), expected, &mut allowance).await,
        };
        let sought = Sought { cache, call, view, deadline: Deadline::after(EVALUATION_TIME_MAX) };
        for (at, list) in lists {
            let source = self.reads.get(at)?;
            for way in list.ways.iter().take(WAYS_MAX) {
                match source.follow(&sought, way, &mut allowance).await {
                    Ok(None) => {}
                    Ok(Some(hit)) => return Some(hit),
                    Err(Silent) => break,
                }
            }
        }
        None
    }

    /// Fetches how calls have asked, all at once, before they are made.
    pub async fn prefetch(&self, calls: &[CallKey]) {
        let fetch = |call: &CallKey| {
            let call = *call;
            async move {
                let lists = self.lists(call, None, &mut Allowance(self.lookup)).await;
                (call.digest(), lists)
            }
        };
        let fetched = join_all(calls.iter().take(PREFETCHED_MAX).map(fetch)).await;
        lock(&self.ahead).extend(fetched);
    }

    /// How the call has asked, of every domain that is worth asking, all at once.
    async fn lists(
        &self,
        call: CallKey,
        expected: Option<Duration>,
        allowance: &mut Allowance,
    ) -> Vec<(usize, CallList)> {
        let asked = self.reads.iter().enumerate();
        let asked: Vec<_> = asked
            .filter(|(_, source)| !source.health.is_off() && source.health.is_worth(expected))
            .collect();
        let wait = match asked[..] {
            [] | [_] => allowance.0,
            [_, _, ..] => allowance.0 / 4 * LIST_QUARTERS,
        };
        let ask = asked.into_iter().map(|(at, source)| async move {
            let list = source.list(call, Allowance(wait)).await?;
            Some((at, list))
        });
        let began = Instant::now();
        let lists = join_all(ask).await;
        allowance.0 = allowance.0.saturating_sub(began.elapsed());
        lists.into_iter().flatten().collect()
    }
}

impl Source {
    async fn list(&self, call: CallKey, mut allowance: Allowance) -> Option<CallList> {
        let bytes = self.get(&form::call_name(call.digest()), &mut allowance).await.ok()??;
        form::read(&bytes)
    }

    async fn get(
        &self,
        name: &store::Name,
        allowance: &mut Allowance,
    ) -> Result<Option<Vec<u8>>, Silent> {
        let store = &self.domain.store;
        self.health.ask(store.url(), allowance, store.get(name)).await
    }

    /// Asks what the call asked then, and takes the record for the answers that are given now.
    async fn follow(
        &self,
        sought: &Sought<'_>,
        way: &Way,
        allowance: &mut Allowance,
    ) -> Result<Option<Hit>, Silent> {
        let call = sought.call.key();
        if way.record.call != call.digest() || !self.believes(sought, &way.record, &way.proof) {
            return Ok(None);
        }
        let Some(set) = self.questions(sought, way, allowance).await? else { return Ok(None) };
        let evaluated = blocking(|| evaluate(&set.questions, sought.view, sought.deadline));
        let Some(answers) = evaluated else { return Ok(None) };
        let observed = answers.key(call, set.digest);
        let Some(bytes) = self.get(&form::record_name(observed), allowance).await? else {
            return Ok(None);
        };
        let Some(shared) = form::read::<SharedRecord>(&bytes) else { return Ok(None) };
        let record = shared.record;
        let is_it = record.observed == observed
            && record.call == call.digest()
            && record.questions == set.digest;
        if !is_it || !self.believes(sought, &record, &shared.proof) {
            return Ok(None);
        }
        let Some(output) = self.output(sought, &shared, allowance).await? else { return Ok(None) };
        Ok(Some(self.keep(sought, &set, &answers, shared, output)))
    }

    fn believes(&self, sought: &Sought<'_>, record: &Record, proof: &crate::Proof) -> bool {
        let component = sought.call.identity().component;
        sought.cache.options.trust.believes(&self.domain.name, record, proof, component)
    }

    /// The questions of a way: from its list, from here, or from the store.
    async fn questions(
        &self,
        sought: &Sought<'_>,
        way: &Way,
        allowance: &mut Allowance,
    ) -> Result<Option<QuestionSet>, Silent> {
        let digest = way.record.questions;
        if let Some(text) = &way.questions {
            return Ok(QuestionSet::read_foreign(text.as_bytes(), digest));
        }
        if let Some(set) = sought.cache.questions(digest) {
            return Ok(Some(QuestionSet::clone(&set)));
        }
        let bytes = self.get(&form::blob_name(digest), allowance).await?;
        Ok(bytes.and_then(|bytes| QuestionSet::read_foreign(&bytes, digest)))
    }

    /// The output of a record, if it is whole.
    async fn output(
        &self,
        sought: &Sought<'_>,
        shared: &SharedRecord,
        allowance: &mut Allowance,
    ) -> Result<Option<Vec<u8>>, Silent> {
        let record = &shared.record;
        if record.bytes > BLOB_BYTES_MAX {
            return Ok(None);
        }
        if shared.output.is_some() {
            return Ok(shared.inline_output());
        }
        if let Blob::Whole(output) = sought.cache.blobs.get(&record.output) {
            return Ok(Some(output));
        }
        let bytes = self.get(&form::blob_name(record.output), allowance).await?;
        Ok(bytes.filter(|bytes| Digest::of(bytes) == record.output))
    }

    /// Keeps what was found, so that it is found here the next time.
    fn keep(
        &self,
        sought: &Sought<'_>,
        set: &QuestionSet,
        answers: &Answers,
        shared: SharedRecord,
        output: Vec<u8>,
    ) -> Hit {
        let SharedRecord { record, proof, .. } = shared;
        let origin = Origin { domain: self.domain.name.clone(), proof };
        let observations: Vec<_> = set.questions.iter().cloned().zip(answers.iter()).collect();
        let seen = Observed {
            observations: &observations,
            kind: record.kind,
            output: &output,
            cost_us: record.cost_us,
            origin: Some(&origin),
        };
        // A disk that is full now loses the next hit, and not this one.
        let _kept = sought.cache.keep(sought.call, &seen).is_ok();
        sought.cache.count_shared_hit(sought.call, &record);
        Hit { output, kind: record.kind, cost_us: record.cost_us, origin: Some(origin) }
    }
}
