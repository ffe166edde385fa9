//! The way to the server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::task::AbortOnDropHandle;

use super::failure::{ledger_error, too_slow};
use crate::place::Tls;
use crate::{LedgerError, PostgresUrl};

/// How long a connection may take to be there, TLS and password included.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Makes connections to one server.
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// A connection. Its task ends with it.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    task: AbortOnDropHandle<()>,
}

impl Connector {
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, LedgerError> {
        let mut config = url.config().clone();
        if config.get_application_name().is_none() {
            config.application_name("stepwell");
        }
        let tls = match url.tls() {
            Tls::Off => None,
            Tls::Checked { authorities } => {
                Some(MakeRustlsConnect::new(client_config(authorities.as_deref())?))
            }
        };
        Ok(Self { config, tls })
    }

    pub(super) async fn connect(&self) -> Result<Link, LedgerError> {
        let connected = tokio::time::timeout(CONNECT_MAX, async {
            match &self.tls {
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    Ok(Link::new(client, async { drop(connection.await) }))
                }
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    Ok(Link::new(client, async { drop(connection.await) }))
                }
            }
        });
        match connected.await {
            Ok(connected) => connected.map_err(ledger_error),
            Err(_elapsed) => Err(too_slow(CONNECT_MAX)),
        }
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration has the password.
        f.debug_struct("Connector").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Link {
    /// Why a connection ends is said to whoever uses it next.
    fn new(client: Client, connection: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { client, task: AbortOnDropHandle::new(tokio::spawn(connection)) }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Ends it without a word: the server does not answer.
    pub(super) fn give_up(&self) {
        self.task.abort();
    }
}

fn client_config(authorities: Option<&Path>) -> Result<ClientConfig, LedgerError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |err: Box<dyn std::error::Error + Send + Sync>| {
                LedgerError::Unreachable(format!("`{}`: {err}", path.display()).into())
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|err| unreadable(err.into()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|err| unreadable(err.into()))?;
                roots.add(certificate).map_err(|err| unreadable(err.into()))?;
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| LedgerError::Unreachable(err.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
