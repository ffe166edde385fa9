//! TLS over a byte stream, and words for what goes wrong with it.

use std::io;
use std::sync::Arc;

use egress::Roots;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, Error};

use super::dial::ByteStream;

/// Opens TLS to `host`. The error says in words what is wrong, and what to do about it.
pub(super) async fn encrypt(
    host: &str,
    roots: &Roots,
    stream: Box<dyn ByteStream>,
) -> Result<TlsStream<Box<dyn ByteStream>>, String> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| "its name cannot stand in a certificate".to_owned())?;
    // A WebSocket is opened in HTTP/1.1, and a `POST` needs no more.
    let config = Arc::new(roots.client_config(&[b"http/1.1"]));
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map_err(|err| explained(&err))
}

fn explained(err: &io::Error) -> String {
    let tls = err.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(bad)) => certificate(bad),
        Some(Error::InvalidMessage(_)) => {
            format!("what answers does not speak TLS ({err}); is the URL's scheme `https` right?")
        }
        Some(_) | None => err.to_string(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls may add kinds at any time")]
fn certificate(bad: &CertificateError) -> String {
    match bad {
        CertificateError::UnknownIssuer => "its certificate is signed by an authority that is not \
             trusted; where that is a company's own, give its certificate (PEM) as an extra root"
            .to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // Each is a word for its kind, and the name in quotation marks.
            let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
            let names = names.collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "no name".to_owned() } else { names };
            format!("its certificate is for {names}; use one of these in the URL")
        }
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, or this machine's clock is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or this machine's clock is wrong".to_owned()
        }
        other => format!("its certificate is wrong: {other}"),
    }
}
