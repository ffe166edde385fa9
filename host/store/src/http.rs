//! HTTP under the object stores: our TLS, our proxies, nothing of the machine's.

use std::sync::Arc;
use std::time::Duration;

use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::StoreError;
use crate::address::Address;
use crate::secrets::Settings;

/// Longest time a connection may take to stand.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Most redirects followed: S3 sends from one region to another.
const REDIRECTS_MAX: usize = 4;

/// Largest file of certificates that is read.
const AUTHORITY_BYTES_MAX: u64 = 1024 * 1024;

/// A client for the services of `address`, which takes the options it needs.
pub(crate) fn transport(
    address: &mut Address,
    settings: &mut Settings<'_>,
) -> Result<HttpTransporter, StoreError> {
    let roots = roots_of_url(address)?;
    let provider = Arc::new(crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|err| address.bad(err.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_MAX)
        .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
        // What the caller knows decides, not what this process was started with.
        .no_proxy();
    let client = proxies(settings)
        .and_then(|proxies| proxies.into_iter().fold(client, |c, proxy| c.proxy(proxy)).build())
        // Its text may hold the proxy's password.
        .map_err(|_err| address.bad("HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy"))?;
    Ok(HttpTransporter::new(Transport(ReqwestTransport::new(client))))
}

/// Whom TLS trusts: the certificates of the URL's option `ca`, or Mozilla's.
pub(crate) fn roots_of_url(address: &mut Address) -> Result<RootCertStore, StoreError> {
    let authority = authority_of_url(address)?;
    roots(authority.as_deref()).map_err(|problem| address.bad(problem))
}

/// The certificates (PEM) that the URL's option `ca` names, instead of Mozilla's.
pub(crate) fn authority_of_url(address: &mut Address) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(path) = address.take("ca") else { return Ok(None) };
    let fits = std::fs::metadata(&path).and_then(|found| {
        if found.len() > AUTHORITY_BYTES_MAX {
            return Err(std::io::Error::other("it is larger than any list of certificates"));
        }
        std::fs::read(&path)
    });
    fits.map(Some).map_err(|err| address.bad(format!("ca={path} cannot be read: {err}")))
}

fn roots(authority: Option<&[u8]>) -> Result<RootCertStore, String> {
    let Some(pem) = authority else {
        return Ok(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|err| format!("ca is not PEM: {err}"))?;
        roots.add(certificate).map_err(|err| format!("ca holds a bad certificate: {err}"))?;
    }
    if roots.is_empty() { Err("ca holds no certificate".to_owned()) } else { Ok(roots) }
}

fn proxies(settings: &mut Settings<'_>) -> Result<Vec<reqwest::Proxy>, reqwest::Error> {
    let none = settings.setting(&["NO_PROXY", "no_proxy"]);
    let none = none.and_then(|hosts| reqwest::NoProxy::from_string(&hosts));
    let mut proxies = Vec::new();
    if let Some(url) = settings.secret(&["HTTPS_PROXY", "https_proxy"]) {
        proxies.push(reqwest::Proxy::https(url)?.no_proxy(none.clone()));
    }
    // Of this one only the lower case counts: a CGI script's caller chooses the other.
    if let Some(url) = settings.secret(&["http_proxy"]) {
        proxies.push(reqwest::Proxy::http(url)?.no_proxy(none));
    }
    Ok(proxies)
}

/// As opendal's, but 401 is what it is: most of its services take it for a whim.
struct Transport(ReqwestTransport);

impl HttpTransport for Transport {
    async fn fetch(
        &self,
        request: http::Request<Buffer>,
    ) -> opendal::Result<http::Response<HttpBody>> {
        let response = self.0.fetch(request).await?;
        if response.status() == http::StatusCode::UNAUTHORIZED {
            return Err(Error::new(ErrorKind::PermissionDenied, "401 Unauthorized"));
        }
        Ok(response)
    }
}
