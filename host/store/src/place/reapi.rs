//! A server of the Bazel Remote Execution API: its action cache, and its store of blobs.
//!
//! An object is an entry of the action cache under the digest of its name. It needs neither an
//! action nor anybody who executes one: to the server it is a result like any other.

mod digest;
mod entry;
mod server;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use tokio::runtime;
use tokio::sync::OnceCell;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{ClientTlsConfig, Endpoint};

use super::Trouble;
use crate::address::Address;
use crate::secrets::Settings;
use crate::{Capabilities, Created, Creation, Name, StoreError, http};

use entry::Entry;
use server::{Account, Header, Server};

/// Largest object that stands in its entry. Larger ones cost another request.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Largest headers of an answer, all together.
const HEADER_BYTES_MAX: u32 = 64 * 1024;

/// How long a silent connection is believed in; over HTTP/2 itself a server may forbid asking.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(crate) struct Reapi {
    endpoint: Endpoint,
    account: Account,
    /// Empty, or ends with a slash.
    prefix: String,
    known: Mutex<Known>,
}

/// What was learnt of the server, by the first call of a runtime: `open` does not wait, and a
/// connection ends with the runtime that it was made in.
struct Known {
    by: Option<runtime::Id>,
    server: Arc<OnceCell<Server>>,
}

impl std::fmt::Debug for Reapi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endpoint, prefix, .. } = self;
        f.debug_struct("Reapi")
            .field("endpoint", endpoint)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

impl Reapi {
    pub(crate) const CAPABILITIES: Capabilities =
        Capabilities { create: Creation::LooksFirst, replace: true, list: false, delete: false };

    pub(crate) fn open(
        tls: bool,
        address: &mut Address,
        settings: &mut Settings<'_>,
    ) -> Result<Self, StoreError> {
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://{}", address.authority()?);
        let mut endpoint = Endpoint::from_shared(url)
            .and_then(|endpoint| endpoint.user_agent("stepwell"))
            .map_err(|err| address.bad(err.to_string()))?
            .connect_timeout(http::CONNECT_MAX)
            .tcp_keepalive(Some(KEEPALIVE))
            .http2_adaptive_window(true)
            .http2_max_header_list_size(HEADER_BYTES_MAX);
        if tls {
            let roots = http::roots_of_url(address)?.anchors().to_vec();
            let tls = ClientTlsConfig::new().trust_anchors(roots);
            endpoint = endpoint.tls_config(tls).map_err(|err| address.bad(err.to_string()))?;
        }
        let account =
            Account { instance: address.prefix()?, credentials: credentials(address, settings)? };
        let prefix = address.prefix_option()?;
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        let known = Mutex::new(Known { by: None, server: Arc::default() });
        Ok(Self { endpoint, account, prefix, known })
    }

    pub(crate) async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, Trouble> {
        let known = self.known();
        let server = self.server(&known).await?;
        match self.look(server, name).await? {
            None => Ok(None),
            Some(Entry::Inline(bytes)) => Ok(Some(bytes)),
            Some(Entry::Blob(digest)) => server.read(&digest).await,
        }
    }

    pub(crate) async fn put(&self, name: &Name, bytes: Bytes) -> Result<(), Trouble> {
        let known = self.known();
        let server = self.server(&known).await?;
        let entry = if bytes.len() <= INLINE_BYTES_MAX {
            Entry::Inline(bytes.to_vec())
        } else {
            Entry::Blob(server.write(bytes).await?)
        };
        let name = self.whole(name);
        server.set_entry(entry::key(server.function, &name), entry::encode(&name, entry)).await
    }

    /// The API has no condition: two that look at the same time both write.
    pub(crate) async fn create(&self, name: &Name, bytes: Bytes) -> Result<Created, Trouble> {
        let known = self.known();
        let server = self.server(&known).await?;
        let there = match self.look(server, name).await? {
            None => false,
            Some(Entry::Inline(_)) => true,
            Some(Entry::Blob(digest)) => server.has(&digest).await?,
        };
        if there {
            return Ok(Created::Exists);
        }
        self.put(name, bytes).await.map(|()| Created::New)
    }

    async fn look(&self, server: &Server, name: &Name) -> Result<Option<Entry>, Trouble> {
        let name = self.whole(name);
        let Some(found) = server.entry(entry::key(server.function, &name)).await? else {
            return Ok(None);
        };
        let stdout = match found.stdout_digest {
            // The server moved it.
            Some(moved) if found.stdout_raw.is_empty() => {
                server.read(&digest::Digest::parse(Some(moved))?).await?
            }
            Some(_) | None => Some(found.stdout_raw),
        };
        let decode = |stdout: Vec<u8>| entry::decode(&name, found.output_files, &stdout);
        stdout.map(decode).transpose()
    }

    fn whole(&self, name: &Name) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn server<'a>(&self, known: &'a OnceCell<Server>) -> Result<&'a Server, Trouble> {
        let ask = || Server::ask(self.endpoint.connect_lazy(), self.account.clone());
        known.get_or_try_init(ask).await
    }

    fn known(&self) -> Arc<OnceCell<Server>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let here = runtime::Handle::current().id();
        if known.by != Some(here) {
            *known = Known { by: Some(here), server: Arc::default() };
        }
        Arc::clone(&known.server)
    }
}

/// The header that says who we are: a token under the name that the URL's option `header` gives,
/// or what `authorization` usually holds.
fn credentials(
    address: &mut Address,
    settings: &mut Settings<'_>,
) -> Result<Option<Header>, StoreError> {
    let named = address.take("header");
    let token = settings.secret(&["STEPWELL_REAPI_TOKEN"]);
    let username = settings.secret(&["STEPWELL_REAPI_USERNAME"]);
    let password = settings.secret(&["STEPWELL_REAPI_PASSWORD"]);
    let value = match (&named, token, username, password) {
        (None, None, None, None) => return Ok(None),
        (None, Some(token), None, None) => format!("Bearer {token}"),
        (None, None, Some(username), Some(password)) => {
            format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
        }
        (Some(_), Some(token), None, None) => token,
        _ => return Err(address.no_credentials()),
    };
    let name = named.unwrap_or_else(|| "authorization".to_owned());
    let name = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes())
        .map_err(|_| address.bad(format!("header={name} is not the name of a header")))?;
    let mut value = AsciiMetadataValue::try_from(value)
        .map_err(|_| address.bad("its credentials do not fit a header"))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
