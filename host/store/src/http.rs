//! HTTP under the object stores: our TLS, our proxies, nothing of the machine's.

use std::time::Duration;

use egress::{Proxies, Roots};
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use opendal_http_transport_reqwest::ReqwestTransport;

use crate::StoreError;
use crate::address::Address;
use crate::secrets::Settings;

/// Longest time a connection may take to stand.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Most redirects followed: S3 sends from one region to another.
const REDIRECTS_MAX: usize = 4;

/// A client for the services of `address`, which takes the options it needs.
pub(crate) fn transport(
    address: &mut Address,
    settings: &mut Settings<'_>,
) -> Result<HttpTransporter, StoreError> {
    let roots = roots_of_url(address)?;
    let client = egress::client(&roots, &proxies(settings))
        .map_err(|err| address.bad(err.to_string()))?
        .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
        .build()
        .map_err(|err| address.bad(err.to_string()))?;
    Ok(HttpTransporter::new(Transport(ReqwestTransport::new(client))))
}

/// Whom TLS trusts: the certificates of the URL's option `ca`, or Mozilla's.
pub(crate) fn roots_of_url(address: &mut Address) -> Result<Roots, StoreError> {
    let Some(pem) = authority_of_url(address)? else { return Ok(Roots::default()) };
    Roots::only_pem(&pem).map_err(|err| address.bad(format!("ca: {err}")))
}

/// The certificates (PEM) that the URL's option `ca` names, instead of Mozilla's.
pub(crate) fn authority_of_url(address: &mut Address) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(path) = address.take("ca") else { return Ok(None) };
    let pem = egress::authorities(path.as_ref());
    pem.map(Some).map_err(|err| address.bad(format!("ca={path}: {err}")))
}

fn proxies(settings: &mut Settings<'_>) -> Proxies {
    Proxies::from_vars(|name| {
        // Whatever an error says: hosts may stand in it, and passwords not.
        if name.eq_ignore_ascii_case("NO_PROXY") || name == "REQUEST_METHOD" {
            settings.setting(&[name])
        } else {
            settings.secret(&[name])
        }
    })
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
