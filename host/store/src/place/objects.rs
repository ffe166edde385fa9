//! What speaks HTTP, and the memory of this process: through opendal, without its layers, since
//! one layer retries and it is ours.

mod open;

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt;
use opendal::{Error, ErrorKind, Operator};

use super::Trouble;
use crate::address::{Address, Service};
use crate::secrets::Settings;
use crate::{
    Capabilities, Created, Creation, ENTRIES_MAX, Entry, Name, OBJECT_BYTES_MAX, StoreError,
};

#[derive(Debug)]
pub(crate) struct Objects {
    operator: Operator,
    capabilities: Capabilities,
    looks_first: AtomicBool,
    in_folders: bool,
}

impl Objects {
    pub(crate) fn open(
        address: &mut Address,
        settings: &mut Settings<'_>,
    ) -> Result<Self, StoreError> {
        let capabilities = capabilities(address.service);
        let operator = open::operator(address, settings)?;
        let looks_first = AtomicBool::new(capabilities.create == Creation::LooksFirst);
        let in_folders = matches!(address.service, Service::Webdav { .. });
        Ok(Self { operator, capabilities, looks_first, in_folders })
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        let create =
            if self.looks_first() { Creation::LooksFirst } else { self.capabilities.create };
        Capabilities { create, ..self.capabilities }
    }

    pub(crate) fn distrust_condition(&self) {
        self.looks_first.store(true, Ordering::Relaxed);
    }

    fn looks_first(&self) -> bool {
        self.looks_first.load(Ordering::Relaxed)
    }

    pub(crate) async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, Trouble> {
        match self.read(name).await {
            Ok(bytes) => bytes.map(Some).ok_or(Trouble::TooLarge),
            Err(err) if err.kind() == ErrorKind::NotFound => Ok(None),
            Err(err) => Err(trouble(&err)),
        }
    }

    /// Nothing if it is too large.
    async fn read(&self, name: &Name) -> opendal::Result<Option<Vec<u8>>> {
        let mut stream = self.operator.reader(name.as_str()).await?.into_stream(..).await?;
        let mut bytes = Vec::new();
        while let Some(part) = stream.try_next().await? {
            if bytes.len() + part.len() > OBJECT_BYTES_MAX {
                return Ok(None);
            }
            part.for_each(|chunk| bytes.extend_from_slice(&chunk));
        }
        Ok(Some(bytes))
    }

    pub(crate) async fn put(&self, name: &Name, bytes: Bytes) -> Result<(), Trouble> {
        let written = self.operator.write(name.as_str(), bytes).await;
        written.map(drop).map_err(|err| trouble(&err))
    }

    pub(crate) async fn create(&self, name: &Name, bytes: Bytes) -> Result<Created, Trouble> {
        let written = if self.looks_first() {
            if self.operator.exists(name.as_str()).await.map_err(|err| trouble(&err))? {
                return Ok(Created::Exists);
            }
            self.operator.write(name.as_str(), bytes).await
        } else if self.capabilities.replace {
            self.operator.write_with(name.as_str(), bytes).if_not_exists(true).await
        } else {
            self.operator.write(name.as_str(), bytes).await
        };
        match written {
            Ok(_) => Ok(Created::New),
            Err(err)
                if matches!(
                    err.kind(),
                    ErrorKind::ConditionNotMatch | ErrorKind::AlreadyExists
                ) =>
            {
                Ok(Created::Exists)
            }
            Err(err) => Err(trouble(&err)),
        }
    }

    pub(crate) async fn list(&self, prefix: &Name) -> Result<Vec<Entry>, Trouble> {
        match self.walk(prefix).await {
            Ok(entries) => entries.ok_or(Trouble::TooMany),
            Err(err) if err.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(err) => Err(trouble(&err)),
        }
    }

    /// Nothing if there are too many.
    async fn walk(&self, prefix: &Name) -> opendal::Result<Option<Vec<Entry>>> {
        // Of a file asked for as a folder, a WebDAV server lists the file; opendal panics at that.
        if self.in_folders && self.operator.stat(prefix.as_str()).await?.is_file() {
            return Ok(Some(Vec::new()));
        }
        let folder = format!("{prefix}/");
        let mut found = self.operator.lister_with(&folder).recursive(true).await?;
        let mut entries = Vec::new();
        while let Some(entry) = found.try_next().await? {
            // What has no name of ours is not ours.
            let Ok(name) = Name::new(entry.path()) else { continue };
            if entry.metadata().is_file() {
                if entries.len() == ENTRIES_MAX {
                    return Ok(None);
                }
                entries.push(Entry { name, bytes: entry.metadata().content_length() });
            }
        }
        Ok(Some(entries))
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Trouble> {
        match self.operator.delete(name.as_str()).await {
            Err(err) if err.kind() != ErrorKind::NotFound => Err(trouble(&err)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn capabilities(service: Service) -> Capabilities {
    match service {
        Service::Webdav { .. } => {
            Capabilities { create: Creation::LooksFirst, ..Capabilities::ALL }
        }
        // A cache entry is reserved once, and neither changes nor goes away at our wish.
        Service::Ghac => {
            Capabilities { create: Creation::Atomic, replace: false, list: false, delete: false }
        }
        Service::Files
        | Service::Memory
        | Service::S3
        | Service::Gcs
        | Service::Azblob
        | Service::Redis(_)
        | Service::Memcached { .. }
        | Service::Reapi { .. } => Capabilities::ALL,
    }
}

/// The service's message without opendal's context, which holds signed URLs.
#[expect(clippy::wildcard_enum_match_arm, reason = "opendal's enum is not exhaustive")]
fn trouble(err: &Error) -> Trouble {
    let source = std::error::Error::source(err).map(said_below).unwrap_or_default();
    let said = format!("{}{source}", err.message());
    let said = if said.is_empty() { err.kind().to_string() } else { said };
    match err.kind() {
        ErrorKind::PermissionDenied => Trouble::Denied(said),
        ErrorKind::Unsupported => Trouble::Unsupported,
        ErrorKind::RateLimited | ErrorKind::Conflict => Trouble::Passing(said),
        _ if err.is_temporary() => Trouble::Passing(said),
        _ => Trouble::Lasting(said),
    }
}

/// Each error's own words, down to the first.
fn said_below(err: &(dyn std::error::Error + 'static)) -> String {
    /// Deeper than any library nests its errors.
    const CAUSES_MAX: usize = 8;
    let causes = std::iter::successors(Some(err), |err| err.source()).take(CAUSES_MAX);
    causes.map(|cause| format!(": {cause}")).collect()
}
