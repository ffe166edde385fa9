//! OTLP over HTTP: one POST a part.

use egress::Roots;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::SendError;
use crate::error::{in_a_line, said};
use crate::message::Part;
use crate::send::{Answered, CONNECT_MAX};
use crate::settings::{Destination, Protocol};

/// Bytes of an answer that are read: it says how many were refused, and why.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client for one destination.
pub(crate) struct Client {
    client: reqwest::Client,
    to: Destination,
}

impl Client {
    pub(crate) fn new(to: &Destination) -> Result<Self, SendError> {
        let setup = |err: &dyn std::error::Error| SendError::Setup(err.to_string());
        let client = egress::client(&roots(to)?, &to.proxies)
            .map_err(|err| setup(&err))?
            .connect_timeout(CONNECT_MAX)
            // Its headers are for the address that was named, and for no other.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|err| setup(&err))?;
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
pub(crate) fn roots(to: &Destination) -> Result<Roots, SendError> {
    let Some(path) = &to.authority else { return Ok(Roots::default()) };
    Roots::only_file(path.as_ref())
        .map_err(|err| SendError::Setup(format!("the certificates of `{path}`: {err}")))
}
