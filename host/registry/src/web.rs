//! HTTP as far as tools need it: answers of a known largest size, and no redirect to anybody whom
//! nobody named.

use std::time::Duration;

use egress::{Proxies, Roots};
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::{Client, Response};
use url::Url;

use crate::FetchError;
use crate::fetch::Progress;
use crate::reference::is_private;

/// Longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Most redirects followed.
const REDIRECTS_MAX: usize = 4;
/// What names a file of certificates; the first that is set counts.
const CA_VARIABLES: [&str; 2] = ["STEPWELL_CA_FILE", "SSL_CERT_FILE"];

/// A client that trusts and goes by what `lookup` knows.
pub(crate) fn client(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Client, FetchError> {
    let setup = |why: String| FetchError::Setup(why);
    let client = egress::client(&roots(lookup)?, &Proxies::from_vars(lookup));
    client
        .map_err(|err| setup(err.to_string()))?
        .read_timeout(SILENCE_MAX)
        // They are looked at here, one by one.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|err| setup(err.to_string()))
}

/// Mozilla's certificates, and those of the machine's operator besides.
fn roots(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Roots, FetchError> {
    let named = CA_VARIABLES.iter().find_map(|name| lookup(name).filter(|path| !path.is_empty()));
    let Some(path) = named else { return Ok(Roots::default()) };
    Roots::with_file(path.as_ref())
        .map_err(|err| FetchError::Setup(format!("the certificates in {path}: {err}")))
}

/// Host and port of an address, for people.
pub(crate) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

pub(crate) fn parse(url: &str) -> Result<Url, FetchError> {
    let why = |err: url::ParseError| FetchError::Network { host: url.into(), why: err.to_string() };
    Url::parse(url).map_err(why)
}

pub(crate) fn network(url: &Url, err: reqwest::Error) -> FetchError {
    // The cause says more than "error sending request", and the address may hold a signature.
    let err = err.without_url();
    let mut why = err.to_string();
    let mut cause = std::error::Error::source(&err);
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        cause = inner.source();
    }
    FetchError::Network { host: host(url), why }
}

/// Something to be got.
pub(crate) struct Get<'a> {
    pub(crate) url: Url,
    /// For people.
    pub(crate) what: &'a str,
    pub(crate) headers: HeaderMap,
    /// Hosts besides the first that may be sent to.
    pub(crate) redirects: &'a [String],
}

/// Asks, and follows redirects within the host and to those named. Whatever answers is given back,
/// with where it was.
pub(crate) async fn get(client: &Client, get: &Get<'_>) -> Result<Response, FetchError> {
    let (mut url, mut headers) = (get.url.clone(), get.headers.clone());
    for _ in 0..=REDIRECTS_MAX {
        let request = client.get(url.clone()).headers(headers.clone());
        let response = request.send().await.map_err(|err| network(&url, err))?;
        if !response.status().is_redirection() {
            return Ok(response);
        }
        let next = location(&url, response.headers().get(LOCATION));
        let circles =
            || FetchError::RedirectedInCircles { host: host(&get.url), what: get.what.to_owned() };
        let next = next.ok_or_else(circles)?;
        let is_same = next.origin() == get.url.origin();
        let named = |name: &String| *name == host(&next);
        let is_allowed = is_same || (is_private(&next) && get.redirects.iter().any(named));
        if !is_allowed {
            let (from, to) = (host(&get.url), format!("{}://{}", next.scheme(), host(&next)));
            return Err(FetchError::Redirected { from, to, what: get.what.to_owned() });
        }
        if !is_same {
            headers.remove(AUTHORIZATION);
        }
        url = next;
    }
    Err(FetchError::RedirectedInCircles { host: host(&get.url), what: get.what.to_owned() })
}

/// Where a `Location` leads.
pub(crate) fn location(from: &Url, location: Option<&HeaderValue>) -> Option<Url> {
    from.join(location?.to_str().ok()?).ok()
}

/// What a status that is no success means.
pub(crate) fn check(response: &Response, what: &str) -> Result<(), FetchError> {
    let (host, what, status) = (host(response.url()), what.to_owned(), response.status().as_u16());
    match response.status() {
        found if found.is_success() => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::Missing { host, what }),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(FetchError::Denied { host, what, status })
        }
        _ => Err(FetchError::Answered { host, what, status }),
    }
}

/// The body, which may not be larger than `max`, whatever the server says of it.
pub(crate) async fn body(
    mut response: Response,
    what: &str,
    max: u64,
    progress: Option<Progress<'_>>,
) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge { what: what.to_owned(), max };
    let told = response.content_length();
    if told.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let url = response.url().clone();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|err| network(&url, err))? {
        if (bytes.len() + chunk.len()) as u64 > max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
        if let Some(progress) = progress {
            progress(bytes.len() as u64, told);
        }
    }
    Ok(bytes)
}
