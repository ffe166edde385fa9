//! A place opened by its URL, and what can be asked of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::address::Address;
use crate::place::{Place, Trouble};
use crate::secrets::{Censor, Settings};
use crate::{Name, Operation, Patience, StoreError};

/// Most bytes of one object: it is held in memory whole.
pub const OBJECT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most entries of one listing: it is held in memory whole.
pub const ENTRIES_MAX: usize = 10_000;

/// What is written when a store is tried out: the same bytes by everyone.
const TRIAL: (&str, &[u8]) = ("stepwell-trial", b"written to see whether this store works\n");

/// A place that several machines share. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Store {
    place: Arc<Place>,
    shown: Arc<str>,
    censor: Censor,
    patience: Patience,
}

/// What became of [`Store::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is new, and ours.
    New,
    /// There was one of that name: it is as it was.
    Exists,
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its whole name.
    pub name: Name,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a store can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How it keeps two from creating one object.
    pub create: Creation,
    /// Whether an object can be put over another.
    pub replace: bool,
    /// Whether it can be listed.
    pub list: bool,
    /// Whether objects can be deleted.
    pub delete: bool,
}

/// How a store keeps two from creating one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// The service decides, once: of any number of creates one is [`Created::New`].
    Atomic,
    /// We look, then write. Two that look at the same time both write, and both are told
    /// [`Created::New`]: a single writer must be made sure of by other means.
    LooksFirst,
}

impl Capabilities {
    pub(crate) const ALL: Self =
        Self { create: Creation::Atomic, replace: true, list: true, delete: true };
}

impl Store {
    /// Opens the store at `url`. Nothing is asked of it yet: see [`Store::trial`].
    ///
    /// `docs/store.md` lists the forms of a URL. `lookup` knows settings and secrets by their usual
    /// names (`AWS_ACCESS_KEY_ID`): the environment, as a rule. A URL that holds credentials is
    /// refused.
    pub fn open(url: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, StoreError> {
        let mut settings = Settings::new(&lookup);
        let mut address = Address::parse(url)?;
        let opened = Place::open(&mut address, &mut settings);
        let censor = settings.into_censor();
        let place = Arc::new(opened?);
        let shown = address.finish()?.into();
        Ok(Self { place, shown, censor, patience: Patience::default() })
    }

    /// The same store, waited for as long as `patience` says.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The URL, without options and credentials.
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// What the service can do, as far as is known without asking it.
    pub fn capabilities(&self) -> Capabilities {
        self.place.capabilities()
    }

    /// Tries the store out: whether it can be reached, the credentials suffice for a write, and a
    /// create really keeps what is there. Some services that speak S3 ignore that condition; from
    /// then on creates look first ([`Creation::LooksFirst`]). Leaves one small object.
    pub async fn trial(&self) -> Result<Capabilities, StoreError> {
        let (name, bytes) = TRIAL;
        let name = Name::new(name).expect("it is one");
        if !self.capabilities().replace {
            self.get(&name).await?;
            return Ok(self.capabilities());
        }
        self.put(&name, bytes.to_vec()).await?;
        let create = || self.place.create(&name, Bytes::from_static(bytes));
        let created = self.patience.persist(create).await;
        match created.map_err(|trouble| self.error(trouble, Operation::Create, &name))? {
            Created::Exists => {}
            Created::New => self.place.distrust_condition(),
        }
        Ok(self.capabilities())
    }

    /// The object of that name, if there is one.
    pub async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, StoreError> {
        let done = self.patience.persist(|| self.place.get(name)).await;
        done.map_err(|trouble| self.error(trouble, Operation::Get, name))
    }

    /// Writes an object, over another if there is one. Readers see the one or the other, and over
    /// WebDAV what the server makes of it.
    pub async fn put(&self, name: &Name, bytes: Vec<u8>) -> Result<(), StoreError> {
        let bytes = checked(name, bytes)?;
        if !self.capabilities().replace {
            return Err(self.error(Trouble::Unsupported, Operation::Put, name));
        }
        let done = self.patience.persist(|| self.place.put(name, bytes.clone())).await;
        done.map_err(|trouble| self.error(trouble, Operation::Put, name))
    }

    /// Writes an object if there is none of that name. How sure that is: [`Capabilities::create`].
    ///
    /// When an attempt got no answer, whether it happened is found out by reading: what is there
    /// and has these very bytes is taken for ours. So the bytes must tell their writer apart.
    pub async fn create(&self, name: &Name, bytes: Vec<u8>) -> Result<Created, StoreError> {
        let bytes = checked(name, bytes)?;
        let again = AtomicBool::new(false);
        let attempt = || async {
            let in_doubt = again.swap(true, Ordering::Relaxed);
            match self.place.create(name, bytes.clone()).await? {
                Created::Exists if in_doubt => self.whose(name, &bytes).await,
                created @ (Created::New | Created::Exists) => Ok(created),
            }
        };
        let done = self.patience.persist(attempt).await;
        done.map_err(|trouble| self.error(trouble, Operation::Create, name))
    }

    /// Whether what is there was written by an attempt whose answer was lost.
    async fn whose(&self, name: &Name, bytes: &Bytes) -> Result<Created, Trouble> {
        match self.place.get(name).await {
            Ok(Some(there)) if there == *bytes => Ok(Created::New),
            Ok(_) | Err(Trouble::TooLarge) => Ok(Created::Exists),
            Err(trouble) => Err(trouble),
        }
    }

    /// All objects below `prefix/`, in the order of their names; at most [`ENTRIES_MAX`].
    pub async fn list(&self, prefix: &Name) -> Result<Vec<Entry>, StoreError> {
        if !self.capabilities().list {
            return Err(self.error(Trouble::Unsupported, Operation::List, prefix));
        }
        let done = self.patience.persist(|| self.place.list(prefix)).await;
        let mut entries = done.map_err(|trouble| self.error(trouble, Operation::List, prefix))?;
        entries.sort();
        Ok(entries)
    }

    /// Deletes an object. That there is none is no error.
    pub async fn delete(&self, name: &Name) -> Result<(), StoreError> {
        if !self.capabilities().delete {
            return Err(self.error(Trouble::Unsupported, Operation::Delete, name));
        }
        let done = self.patience.persist(|| self.place.delete(name)).await;
        done.map_err(|trouble| self.error(trouble, Operation::Delete, name))
    }

    fn error(&self, trouble: Trouble, operation: Operation, name: &Name) -> StoreError {
        let (store, name) = (self.shown.to_string(), name.clone());
        let clean = |said: String| self.censor.clean(&said);
        match trouble {
            Trouble::Passing(said) => {
                StoreError::NotReachable { store, operation, name, reason: clean(said) }
            }
            Trouble::Denied(said) => {
                StoreError::Denied { store, operation, name, reason: clean(said) }
            }
            Trouble::TooLarge => StoreError::TooLarge { name },
            Trouble::TooMany => StoreError::TooMany { store, prefix: name },
            Trouble::Unsupported => StoreError::Unsupported { store, operation, name },
            Trouble::Lasting(said) => {
                StoreError::Failed { store, operation, name, reason: clean(said) }
            }
        }
    }
}

fn checked(name: &Name, bytes: Vec<u8>) -> Result<Bytes, StoreError> {
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(StoreError::TooLarge { name: name.clone() });
    }
    Ok(bytes.into())
}
