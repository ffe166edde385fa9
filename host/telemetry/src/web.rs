//! OTLP over HTTP: one POST a part.

use std::fs;
use std::io;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::SendError;
use crate::error::{in_a_line, said};
use crate::message::Part;
use crate::send::{Answered, CONNECT_MAX};
use crate::settings::{Destination, Protocol, Proxy};

/// Bytes of an answer that are read: it says how many were refused, and why.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Largest file of certificates that is read.
const AUTHORITY_BYTES_MAX: u64 = 1024 * 1024;

/// A client for one destination.
pub(crate) struct Client {
    client: reqwest::Client,
    to: Destination,
}

impl Client {
    pub(crate) fn new(to: &Destination) -> Result<Self, SendError> {
        let provider = Arc::new(crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|err| SendError::Setup(err.to_string()))?
            .with_root_certificates(roots(to)?)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_MAX)
            // Its headers are for the address that was named, and for no other.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("stepwell/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        let client = proxies(&to.proxy)
            .and_then(|proxies| proxies.into_iter().fold(client, |c, proxy| c.proxy(proxy)).build())
            .map_err(|_err| {
                // Its text may hold the proxy's password.
                SendError::Setup("HTTPS_PROXY or http_proxy is not the URL of a proxy".to_owned())
            })?;
        Ok(Self { client, to: to.clone() })
    }

    pub(crate) async fn take(&self, part: &Part) -> Result<Answered, SendError> {
        let json = self.to.protocol == Protocol::HttpJson;
        let (kind, body) = match json {
            true => ("application/json", part.json()?),
            false => ("application/x-protobuf", part.protobuf()),
        };
        let mut request = self.client.post(self.to.url.clone());
        for (name, value) in self.to.headers.iter() {
            request = request.header(name, value);
        }
        let request = request.header(http::header::CONTENT_TYPE, kind).body(body);
        // The address may hold a password.
        let network = |err: reqwest::Error| SendError::Network(in_a_line(&err.without_url()));
        let response = request.send().await.map_err(network)?;
        let status = response.status();
        let answer = answer(response).await.map_err(network)?;
        if status != StatusCode::OK {
            // A refusal is a `google.rpc.Status`, which has its text inside.
            let text =
                if json { String::from_utf8_lossy(&answer).into_owned() } else { String::new() };
            let later = matches!(status.as_u16(), 429 | 502 | 503 | 504);
            let status = status.as_u16().to_string();
            return Err(SendError::Answered { status, said: said(&text), later });
        }
        Ok(refused(part, json, &answer))
    }
}

async fn answer(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut answer = Vec::new();
    while let Some(piece) = response.chunk().await? {
        let room = ANSWER_BYTES_MAX - answer.len();
        answer.extend_from_slice(&piece[..piece.len().min(room)]);
        if answer.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(answer)
}

/// What of a request that was taken was not wanted. An answer that cannot be read says nothing.
fn refused(part: &Part, json: bool, answer: &[u8]) -> Answered {
    if json {
        let told: Value = serde_json::from_slice(answer).unwrap_or_default();
        let partial = &told["partialSuccess"];
        let field = match part {
            Part::Spans(_) => "rejectedSpans",
            Part::Metrics(_) => "rejectedDataPoints",
        };
        // A string in proto3's JSON, and a number from those who do not know that.
        let refused = &partial[field];
        let refused = refused.as_u64().or_else(|| refused.as_str()?.parse().ok()).unwrap_or(0);
        let said = partial["errorMessage"].as_str().unwrap_or_default().to_owned();
        return Answered { refused, said };
    }
    let (refused, said) = match part {
        Part::Spans(_) => {
            let response = ExportTraceServiceResponse::decode(answer).ok();
            let partial = response.and_then(|response| response.partial_success);
            partial.map(|it| (it.rejected_spans, it.error_message)).unwrap_or_default()
        }
        Part::Metrics(_) => {
            let response = ExportMetricsServiceResponse::decode(answer).ok();
            let partial = response.and_then(|response| response.partial_success);
            partial.map(|it| (it.rejected_data_points, it.error_message)).unwrap_or_default()
        }
    };
    Answered { refused: u64::try_from(refused).unwrap_or(0), said }
}

/// Whom TLS trusts: the certificates that a variable names, or Mozilla's.
pub(crate) fn roots(to: &Destination) -> Result<RootCertStore, SendError> {
    let Some(path) = &to.authority else {
        return Ok(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
    };
    let bad = |what: String| SendError::Setup(format!("the certificates of `{path}`: {what}"));
    let read = fs::metadata(path).and_then(|found| {
        if found.len() > AUTHORITY_BYTES_MAX {
            return Err(io::Error::other("the file is larger than any list of them"));
        }
        fs::read(path)
    });
    let pem = read.map_err(|err| bad(err.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|err| bad(err.to_string()))?;
        roots.add(certificate).map_err(|err| bad(err.to_string()))?;
    }
    if roots.is_empty() { Err(bad("there is none in it".to_owned())) } else { Ok(roots) }
}

fn proxies(proxy: &Proxy) -> Result<Vec<reqwest::Proxy>, reqwest::Error> {
    let none = proxy.none.as_deref().and_then(reqwest::NoProxy::from_string);
    let mut proxies = Vec::new();
    if let Some(url) = &proxy.https {
        proxies.push(reqwest::Proxy::https(url)?.no_proxy(none.clone()));
    }
    if let Some(url) = &proxy.http {
        proxies.push(reqwest::Proxy::http(url)?.no_proxy(none));
    }
    Ok(proxies)
}
