//! OTLP over gRPC: one call a part, over one connection. Proxies are not for it.

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use crate::SendError;
use crate::error::{in_a_line, said};
use crate::message::Part;
use crate::send::{Answered, CONNECT_MAX};
use crate::settings::Destination;
use crate::web;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Largest headers of an answer, all together.
const HEADER_BYTES_MAX: u32 = 64 * 1024;

/// A client for one destination; it connects when it is first used.
pub(crate) struct Client {
    channel: Channel,
    metadata: MetadataMap,
}

impl Client {
    pub(crate) fn new(to: &Destination) -> Result<Self, SendError> {
        let setup = |err: tonic::transport::Error| SendError::Setup(in_a_line(&err));
        let (host, tls) = (to.url.host_str().unwrap_or_default(), to.url.scheme() == "https");
        let port = to.url.port_or_known_default().unwrap_or_default();
        let mut endpoint = Endpoint::from_shared(format!("{}://{host}:{port}", to.url.scheme()))
            .and_then(|endpoint| endpoint.user_agent("stepwell"))
            .map_err(setup)?
            .connect_timeout(CONNECT_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX);
        if tls {
            let tls = ClientTlsConfig::new().trust_anchors(web::roots(to)?.anchors().to_vec());
            endpoint = endpoint.tls_config(tls).map_err(setup)?;
        }
        let mut metadata = MetadataMap::new();
        for (name, value) in to.headers.iter() {
            let bad = || SendError::Setup("a header cannot be sent by gRPC".to_owned());
            let name = AsciiMetadataKey::from_bytes(name.as_str().as_bytes());
            let value = AsciiMetadataValue::try_from(value.as_bytes());
            metadata.insert(name.map_err(|_err| bad())?, value.map_err(|_err| bad())?);
        }
        Ok(Self { channel: endpoint.connect_lazy(), metadata })
    }

    pub(crate) async fn take(&self, part: &Part) -> Result<Answered, SendError> {
        let (refused, said) = match part {
            Part::Spans(spans) => {
                let client = TraceServiceClient::new(self.channel.clone());
                let mut client = client.max_decoding_message_size(ANSWER_BYTES_MAX);
                let response = client.export(self.request(spans.clone())).await;
                let partial =
                    response.map_err(|status| failed(&status))?.into_inner().partial_success;
                partial.map(|it| (it.rejected_spans, it.error_message)).unwrap_or_default()
            }
            Part::Metrics(metrics) => {
                let client = MetricsServiceClient::new(self.channel.clone());
                let mut client = client.max_decoding_message_size(ANSWER_BYTES_MAX);
                let response = client.export(self.request(metrics.clone())).await;
                let partial =
                    response.map_err(|status| failed(&status))?.into_inner().partial_success;
                partial.map(|it| (it.rejected_data_points, it.error_message)).unwrap_or_default()
            }
        };
        Ok(Answered { refused: u64::try_from(refused).unwrap_or(0), said })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request
    }
}

/// Which failures pass: the protocol's own list.
fn failed(status: &Status) -> SendError {
    let code = status.code();
    if code == Code::Unavailable
        && let Some(source) = std::error::Error::source(status)
    {
        return SendError::Network(in_a_line(source));
    }
    let later = match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        // Only where the server says when, which is beyond the time that there is.
        Code::ResourceExhausted
        | Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Internal
        | Code::Unauthenticated => false,
    };
    SendError::Answered { status: format!("{code:?}"), said: said(status.message()), later }
}
