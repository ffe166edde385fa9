//! Going through what lies in a domain: to take it here, or to test it.

use snapshot::Digest;
use store::{Name, StoreError};

use super::form::{self, SharedRecord};
use super::{Remote, Source};
use crate::blobs::BLOB_BYTES_MAX;
use crate::observed::QuestionSet;
use crate::testimony::Testimony;
use crate::{Call, Origin, Trust};

/// Records of a domain that are looked at in one go.
const VISITED_MAX: usize = 100_000;

/// Goes through a domain that is read.
#[derive(Debug)]
pub struct Visitor<'a> {
    source: &'a Source,
}

/// What lies under a record's name.
#[derive(Debug)]
pub enum Visited {
    /// A record that can be tested, with its output.
    Whole(Box<Testimony>, Vec<u8>),
    /// Something that is no record, or that misses a part.
    Broken,
}

impl Remote {
    /// Goes through the domain of that name, if it is read.
    pub fn visit(&self, domain: &str) -> Option<Visitor<'_>> {
        let source = self.reads.iter().find(|source| source.domain.name == domain)?;
        Some(Visitor { source })
    }
}

impl Visitor<'_> {
    /// The keys of the records there, at most a hundred thousand.
    ///
    /// # Errors
    ///
    /// When the store cannot list, or cannot be reached.
    pub async fn records(&self) -> Result<Vec<Digest>, StoreError> {
        let store = &self.source.patient;
        let mut found = Vec::new();
        for folder in 0..=u8::MAX {
            let folder = Name::new(format!("{}/{folder:02x}", form::records().as_str()));
            let folder = folder.expect("digits make a name");
            let entries = store.list(&folder).await?;
            found.extend(entries.iter().filter_map(|entry| form::record_of(&entry.name)));
            if found.len() >= VISITED_MAX {
                found.truncate(VISITED_MAX);
                break;
            }
        }
        Ok(found)
    }

    /// What lies under a record's name. Whether it is believed is another question.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn fetch(&self, observed: Digest) -> Result<Option<Visited>, StoreError> {
        let store = &self.source.patient;
        let Some(bytes) = store.get(&form::record_name(observed)).await? else { return Ok(None) };
        let shared = form::read::<SharedRecord>(&bytes);
        let shared = shared.filter(|shared| {
            shared.record.observed == observed
                && shared.record.bytes <= BLOB_BYTES_MAX
                && shared.proof.holds_for(&shared.record)
        });
        let Some(shared) = shared else { return Ok(Some(Visited::Broken)) };
        let output = match &shared.output {
            Some(_) => shared.inline_output(),
            None => store.get(&form::blob_name(shared.record.output)).await?,
        };
        let output = output.filter(|output| Digest::of(output) == shared.record.output);
        let questions = self.questions(&shared).await?;
        let call = Call::new(shared.identity.clone()).ok();
        let origin = Origin { domain: self.source.domain.name.clone(), proof: shared.proof };
        let whole = call.zip(questions).zip(output).and_then(|((call, set), output)| {
            let testimony = Testimony::new(call, shared.record, Some(origin), set)?;
            Some(Visited::Whole(Box::new(testimony), output))
        });
        Ok(Some(whole.unwrap_or(Visited::Broken)))
    }

    /// The questions of a record: in a blob, or in the list of its call.
    async fn questions(&self, shared: &SharedRecord) -> Result<Option<QuestionSet>, StoreError> {
        let store = &self.source.patient;
        let digest = shared.record.questions;
        let list = store.get(&form::call_name(shared.record.call)).await?;
        let list = list.and_then(|bytes| form::read::<form::CallList>(&bytes)).unwrap_or_default();
        let texts = list.ways.iter().filter_map(|way| way.questions.as_ref());
        let inline = texts.filter_map(|text| QuestionSet::read_foreign(text.as_bytes(), digest));
        if let Some(set) = inline.into_iter().next() {
            return Ok(Some(set));
        }
        let bytes = store.get(&form::blob_name(digest)).await?;
        Ok(bytes.and_then(|bytes| QuestionSet::read_foreign(&bytes, digest)))
    }
}

impl Testimony {
    /// Whether somebody who is believed in its domain vouches for it.
    pub fn is_believed(&self, trust: &Trust) -> bool {
        let component = self.call.identity().component;
        self.origin.as_ref().is_none_or(|origin| {
            trust.believes(&origin.domain, &self.record, &origin.proof, component)
        })
    }
}
