//! Sharing what was computed here.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use snapshot::Digest;
use store::{Created, Name, Store, StoreError};
use tokio::time::timeout;

use super::form::{self, CallList, INLINE_SET_BYTES_MAX, SharedRecord, WAYS_MAX, Way};
use super::{Domain, Remote};
use crate::blobs::Blob;
use crate::index::{self, Kept};
use crate::{Cache, Call, Proof, Record, Signer};

/// Calls whose outputs are sent at the same time.
const UPLOADS_AT_ONCE: usize = 16;

/// What came of sharing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Outputs that others can take now.
    pub records: u64,
    /// Bytes that were sent for them.
    pub bytes: u64,
    /// What did not go well. Nothing is lost by it: it is shared the next time.
    pub troubles: Vec<String>,
}

/// Records of one call, to be shared.
struct Batch {
    call: Call,
    records: Vec<(Record, Proof)>,
}

impl Cache {
    /// Shares what this process has computed or used and what the domain that it writes to does
    /// not have from here yet. `run` is the name that the signature covers.
    pub async fn publish(&self, run: &str) -> Published {
        let Some(remote) = self.remote() else { return Published::default() };
        let Some((domain, signer)) = &remote.writes else { return Published::default() };
        let records = self.unshared(&domain.name);
        remote.publish(self, domain, signer, run, records).await
    }

    /// Shares all that this machine has computed and not shared with the domain it writes to.
    pub async fn push(&self, run: &str) -> Published {
        let Some(remote) = self.remote() else { return Published::default() };
        let Some((domain, signer)) = &remote.writes else { return Published::default() };
        let is_unshared = |kept: &Kept| is_to_share(kept, &domain.name);
        let records = self.every_record(is_unshared);
        remote.publish(self, domain, signer, run, records).await
    }

    fn unshared(&self, domain: &str) -> Vec<Record> {
        let beliefs = self.beliefs();
        let is_unshared = |record: &Record| {
            let read = |connection: &_| Kept::read(connection, record.observed, beliefs);
            let kept = self.read(read).ok().flatten();
            kept.is_some_and(|kept| is_to_share(&kept, domain))
        };
        let mut records: Vec<Record> = self.used().into_iter().filter(is_unshared).collect();
        records.sort_by_key(|record| record.observed);
        records
    }
}

/// Only what was computed here is vouched for.
fn is_to_share(kept: &Kept, domain: &str) -> bool {
    kept.is_ours && kept.origin.is_none() && kept.shared != domain
}

impl Remote {
    async fn publish(
        &self,
        cache: &Cache,
        domain: &Domain,
        signer: &Signer,
        run: &str,
        records: Vec<Record>,
    ) -> Published {
        let proofs = Proof::of_run(signer, run, &records);
        let mut calls: BTreeMap<Digest, Vec<(Record, Proof)>> = BTreeMap::new();
        for (record, proof) in records.into_iter().zip(proofs) {
            calls.entry(record.call).or_default().push((record, proof));
        }
        let send = |(call, records)| async move {
            let known = |connection: &_| index::identity(connection, call);
            let Some(call) = cache.read(known).ok().flatten() else { return Published::default() };
            send(cache, domain, &Batch { call, records }).await
        };
        let mut published = Published::default();
        let sending = async {
            let mut sent =
                futures_util::stream::iter(calls).map(send).buffer_unordered(UPLOADS_AT_ONCE);
            while let Some(one) = sent.next().await {
                published.add(one);
            }
        };
        if timeout(self.publish, sending).await.is_err() {
            let url = domain.store.url();
            published.troubles.push(format!("sharing with {url} took too long; the rest is left"));
        }
        published
    }
}

impl Published {
    /// One trouble of a kind says it all.
    const TROUBLES_MAX: usize = 4;

    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        let room = Self::TROUBLES_MAX.saturating_sub(self.troubles.len());
        self.troubles.extend(other.troubles.into_iter().take(room));
    }
}

/// Sends the records of a call, and then how it asks.
async fn send(cache: &Cache, domain: &Domain, batch: &Batch) -> Published {
    let mut published = Published::default();
    let mut ways = Vec::new();
    for (record, proof) in &batch.records {
        let Some(sending) = Sending::of(cache, domain, batch, record, proof) else { continue };
        match sending.send(cache, &mut published).await {
            Ok(()) => ways.push(sending.way()),
            Err(err) => {
                published.troubles.push(err.to_string());
                return published;
            }
        }
    }
    match merge(&domain.store, &batch.call, ways).await {
        Ok(bytes) => published.bytes += bytes,
        Err(err) => {
            published.troubles.push(err.to_string());
            return published;
        }
    }
    for (record, _) in &batch.records {
        let note = |connection: &_| Kept::note_shared(connection, record.observed, &domain.name);
        // What is not noted is sent once more.
        let _noted = cache.read(note).is_ok();
    }
    published
}

/// A record with what it refers to, whole.
struct Sending<'a> {
    domain: &'a str,
    store: &'a Store,
    shared: SharedRecord,
    output: Vec<u8>,
    questions: Vec<u8>,
}

impl<'a> Sending<'a> {
    fn of(
        cache: &Cache,
        domain: &'a Domain,
        batch: &Batch,
        record: &Record,
        proof: &Proof,
    ) -> Option<Self> {
        let blob = |digest| match cache.blobs.get(digest) {
            Blob::Whole(bytes) => Some(bytes),
            Blob::Missing | Blob::Damaged => None,
        };
        let (output, questions) = (blob(&record.output)?, blob(&record.questions)?);
        let identity = batch.call.identity().clone();
        let shared = SharedRecord {
            record: *record,
            proof: proof.clone(),
            identity,
            output: form::inline(&output),
        };
        Some(Self { domain: &domain.name, store: &domain.store, shared, output, questions })
    }

    /// Blobs before the record that names them.
    async fn send(&self, cache: &Cache, published: &mut Published) -> Result<(), StoreError> {
        let record = &self.shared.record;
        if self.shared.output.is_none() {
            self.send_blob(record.output, &self.output, published).await?;
        }
        if self.questions.len() > INLINE_SET_BYTES_MAX {
            self.send_blob(record.questions, &self.questions, published).await?;
        }
        let name = form::record_name(record.observed);
        let bytes = form::write(&self.shared);
        if self.create(name.clone(), bytes, published).await? == Created::Exists {
            self.compare(cache, &name, published).await?;
        }
        published.records += 1;
        Ok(())
    }

    /// What lies under a digest already may be damaged, and is replaced then: nobody could use the
    /// record otherwise, however often it is shared.
    async fn send_blob(
        &self,
        digest: Digest,
        bytes: &[u8],
        published: &mut Published,
    ) -> Result<(), StoreError> {
        let name = form::blob_name(digest);
        if self.create(name.clone(), bytes.to_vec(), published).await? == Created::New {
            return Ok(());
        }
        match self.store.get(&name).await? {
            Some(there) if there == bytes => Ok(()),
            Some(_) | None => self.store.put(&name, bytes.to_vec()).await,
        }
    }

    async fn create(
        &self,
        name: Name,
        bytes: Vec<u8>,
        published: &mut Published,
    ) -> Result<Created, StoreError> {
        let length = bytes.len() as u64;
        let created = self.store.create(&name, bytes).await?;
        if created == Created::New {
            published.bytes += length;
        }
        Ok(created)
    }

    /// A record is written once. What is there may be damaged or signed by nobody who counts, and
    /// is replaced then; or it may say something else, and then somebody must look.
    async fn compare(
        &self,
        cache: &Cache,
        name: &Name,
        published: &mut Published,
    ) -> Result<(), StoreError> {
        let there = self.store.get(name).await?;
        let there = there.and_then(|bytes| form::read::<SharedRecord>(&bytes));
        let ours = &self.shared.record;
        let component = self.shared.identity.component;
        let trust = &cache.options.trust;
        let is_believed = |there: &SharedRecord| {
            there.record.observed == ours.observed
                && trust.believes(self.domain, &there.record, &there.proof, component)
        };
        let Some(there) = there.filter(is_believed) else {
            return self.store.put(name, form::write(&self.shared)).await;
        };
        if (there.record.output, there.record.kind) != (ours.output, ours.kind) {
            published.troubles.push(format!(
                "{} in {} says another output than {} gave here for the same answers; {} vouches \
                 for it: `stepwell cache audit` finds out who is wrong",
                name.as_str(),
                self.store.url(),
                self.shared.identity.tool,
                there.proof.signer,
            ));
        }
        Ok(())
    }

    fn way(&self) -> Way {
        let text = (self.questions.len() <= INLINE_SET_BYTES_MAX)
            .then(|| String::from_utf8(self.questions.clone()).ok())
            .flatten();
        Way { questions: text, record: self.shared.record, proof: self.shared.proof.clone() }
    }
}

/// Puts ways at the head of a call's list, as it stands in the store. Two who do so at once lose
/// the way of one: a hint, that its next run gives again.
async fn merge(store: &Store, call: &Call, new: Vec<Way>) -> Result<u64, StoreError> {
    let name = form::call_name(call.key().digest());
    let there = store.get(&name).await?.and_then(|bytes| form::read::<CallList>(&bytes));
    let old = there.unwrap_or_default().ways.into_iter();
    let old = old.filter(|way| way.proof.holds_for(&way.record));
    let mut ways: Vec<Way> = Vec::new();
    for way in new.into_iter().chain(old) {
        let is_known = ways.iter().any(|known| known.record.questions == way.record.questions);
        if !is_known && ways.len() < WAYS_MAX {
            ways.push(way);
        }
    }
    let bytes = form::write(&CallList { ways });
    let length = bytes.len() as u64;
    store.put(&name, bytes).await?;
    Ok(length)
}
