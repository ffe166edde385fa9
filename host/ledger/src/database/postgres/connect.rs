//! The way to the server.

use std::path::Path;
use std::time::Duration;

use egress::Roots;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::ClientConfig;
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
    let roots = match authorities {
        None => Roots::default(),
        Some(path) => Roots::only_file(path).map_err(|err| {
            LedgerError::Unreachable(format!("`{}`: {err}", path.display()).into())
        })?,
    };
    Ok(roots.client_config(&[]))
}
