//! URLs of PostgreSQL databases, and whether TLS guards the way there.
//!
//! The form is libpq's ("Connection URIs", "SSL Support" in PostgreSQL's manual), but TLS is never
//! half: it is off, or the server's certificate is checked.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The URL of a PostgreSQL database.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Config,
    tls: Tls,
}

/// How the way to the server is guarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Not at all: a socket of this machine, or because the URL says so.
    Off,
    /// The server shows a certificate for its name, by one of the authorities in a PEM file, or
    /// of those that are built in.
    Checked { authorities: Option<PathBuf> },
}

/// A URL that cannot be used. Of the URL itself nothing is repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It cannot be read.
    #[error(
        "it is not of the form `postgres://user:password@host:port/database`, with special characters as `%40`"
    )]
    Form,
    /// It names no host.
    #[error("it names no host")]
    NoHost,
    /// A mode of TLS that protects from nobody who is able to interfere.
    #[error(
        "its `sslmode` is none of `verify-full` (the default for another machine), `require` and `verify-ca` (here the same), `disable`"
    )]
    SslMode,
}

impl PostgresUrl {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }
}

impl FromStr for PostgresUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        // Whatever has its `@` elsewhere has a password that is not encoded: its parts would be
        // taken for a host, and be shown.
        let start = text.find("://").map_or(0, |at| at + 3);
        let authority = text[start..].split(['/', '?', '#']).next().unwrap_or_default();
        let at_signs = |text: &str| text.matches('@').count();
        if at_signs(text) != at_signs(authority) || at_signs(authority) > 1 {
            return Err(BadUrl::Form);
        }
        let query_at = text.find('?').unwrap_or(text.len());
        let (base, query) = text.split_at(query_at);
        let (ours, theirs): (Vec<&str>, Vec<&str>) = query
            .trim_start_matches('?')
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| pair.starts_with("sslmode=") || pair.starts_with("sslrootcert="));
        let value = |name: &str| ours.iter().rev().find_map(|pair| pair.strip_prefix(name));

        let mut config: Config =
            format!("{base}?{}", theirs.join("&")).parse().map_err(|_| BadUrl::Form)?;
        if config.get_hosts().is_empty() {
            return Err(BadUrl::NoHost);
        }
        let authorities = value("sslrootcert=").map(PathBuf::from);
        let tls = match value("sslmode=") {
            Some("disable") => Tls::Off,
            Some("require" | "verify-ca" | "verify-full") => Tls::Checked { authorities },
            Some(_) => return Err(BadUrl::SslMode),
            None if config.get_hosts().iter().all(is_this_machine) => Tls::Off,
            None => Tls::Checked { authorities },
        };
        config.ssl_mode(match tls {
            Tls::Off => SslMode::Disable,
            Tls::Checked { .. } => SslMode::Require,
        });
        Ok(Self { config, tls })
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        Host::Unix(_) => true,
    }
}

impl fmt::Display for PostgresUrl {
    /// Writes the hosts and the database, and nothing that could be a part of a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
            if text.chars().all(is_plain) { text.to_owned() } else { "…".to_owned() }
        };
        let hosts: Vec<String> = (self.config.get_hosts().iter())
            .map(|host| match host {
                Host::Tcp(name) => plain(name),
                Host::Unix(path) => plain(&path.to_string_lossy()),
            })
            .collect();
        let database = self.config.get_dbname().map(plain).unwrap_or_default();
        write!(f, "postgres://{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}
