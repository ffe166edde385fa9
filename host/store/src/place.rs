//! Where the bytes are: files, a Redis, a memcached, a Bazel cache or an object store. Each makes one attempt a call.

mod files;
mod memcached;
mod objects;
mod reapi;
mod redis;

use bytes::Bytes;

use crate::address::{Address, Service};
use crate::secrets::Settings;
use crate::{Capabilities, Created, Entry, Name, StoreError};

use files::Files;
use memcached::Memcached;
use objects::Objects;
use reapi::Reapi;
use redis::Redis;

/// Why one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another attempt may succeed. Whether this one did is not known.
    Passing(String),
    Denied(String),
    TooLarge,
    TooMany,
    Unsupported,
    /// It would end the same again.
    Lasting(String),
}

impl Trouble {
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Passing(_) => true,
            Self::Denied(_)
            | Self::TooLarge
            | Self::TooMany
            | Self::Unsupported
            | Self::Lasting(_) => false,
        }
    }
}

/// A place of any kind.
#[derive(Debug)]
pub(crate) enum Place {
    Files(Files),
    Redis(Box<Redis>),
    Memcached(Memcached),
    Reapi(Box<Reapi>),
    Objects(Objects),
}

impl Place {
    pub(crate) fn open(
        address: &mut Address,
        settings: &mut Settings<'_>,
    ) -> Result<Self, StoreError> {
        Ok(match address.service {
            Service::Files => Self::Files(Files::open(address)?),
            Service::Redis(transport) => {
                Self::Redis(Box::new(Redis::open(transport, address, settings)?))
            }
            Service::Memcached { unix } => {
                Self::Memcached(Memcached::open(unix, address, settings)?)
            }
            Service::Reapi { tls } => Self::Reapi(Box::new(Reapi::open(tls, address, settings)?)),
            Service::Memory
            | Service::S3
            | Service::Gcs
            | Service::Azblob
            | Service::Webdav { .. }
            | Service::Ghac => Self::Objects(Objects::open(address, settings)?),
        })
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        match self {
            Self::Files(_) | Self::Redis(_) => Capabilities::ALL,
            Self::Memcached(_) => Memcached::CAPABILITIES,
            Self::Reapi(_) => Reapi::CAPABILITIES,
            Self::Objects(objects) => objects.capabilities(),
        }
    }

    /// From now on creates look first: the service was seen to ignore the condition.
    pub(crate) fn distrust_condition(&self) {
        match self {
            Self::Files(_) | Self::Redis(_) | Self::Memcached(_) | Self::Reapi(_) => {}
            Self::Objects(objects) => objects.distrust_condition(),
        }
    }

    pub(crate) async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, Trouble> {
        match self {
            Self::Files(files) => files.get(name).await,
            Self::Redis(redis) => redis.get(name).await,
            Self::Memcached(memcached) => memcached.get(name).await,
            Self::Reapi(reapi) => reapi.get(name).await,
            Self::Objects(objects) => objects.get(name).await,
        }
    }

    pub(crate) async fn put(&self, name: &Name, bytes: Bytes) -> Result<(), Trouble> {
        match self {
            Self::Files(files) => files.put(name, bytes).await,
            Self::Redis(redis) => redis.put(name, bytes).await,
            Self::Memcached(memcached) => memcached.put(name, bytes).await,
            Self::Reapi(reapi) => reapi.put(name, bytes).await,
            Self::Objects(objects) => objects.put(name, bytes).await,
        }
    }

    pub(crate) async fn create(&self, name: &Name, bytes: Bytes) -> Result<Created, Trouble> {
        match self {
            Self::Files(files) => files.create(name, bytes).await,
            Self::Redis(redis) => redis.create(name, bytes).await,
            Self::Memcached(memcached) => memcached.create(name, bytes).await,
            Self::Reapi(reapi) => reapi.create(name, bytes).await,
            Self::Objects(objects) => objects.create(name, bytes).await,
        }
    }

    /// In no order.
    pub(crate) async fn list(&self, prefix: &Name) -> Result<Vec<Entry>, Trouble> {
        match self {
            Self::Files(files) => files.list(prefix).await,
            Self::Redis(redis) => redis.list(prefix).await,
            Self::Memcached(_) | Self::Reapi(_) => Err(Trouble::Unsupported),
            Self::Objects(objects) => objects.list(prefix).await,
        }
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Trouble> {
        match self {
            Self::Files(files) => files.delete(name).await,
            Self::Redis(redis) => redis.delete(name).await,
            Self::Memcached(memcached) => memcached.delete(name).await,
            Self::Reapi(_) => Err(Trouble::Unsupported),
            Self::Objects(objects) => objects.delete(name).await,
        }
    }
}
