//! OTLP over gRPC, against a server made of the protocol's own definitions.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use telemetry::{Message, SendError, Sent};
use tokio::task::JoinSet;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::{SPANS, runtime, spans_by};

/// Takes those who show the key.
#[derive(Clone, Default)]
struct Keyed(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Keyed {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        if request.metadata().get("api-key").is_none_or(|key| key != "right") {
            return Err(Status::unauthenticated("show the key"));
        }
        self.0.lock().unwrap().push(request.into_inner());
        let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message: "old".into() };
        Ok(Response::new(ExportTraceServiceResponse { partial_success: Some(partial) }))
    }
}

#[test]
fn spans_arrive_by_grpc_with_their_headers() {
    runtime().block_on(async {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", incoming.local_addr().unwrap());
        let keyed = Keyed::default();
        let service = TraceServiceServer::new(keyed.clone());
        let serving = Server::builder().add_service(service).serve_with_incoming(incoming);
        let mut tasks = JoinSet::new();
        tasks.spawn(serving);
        let by = |headers| {
            spans_by(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_HEADERS", headers),
            ])
        };
        let message = Message::spans(SPANS).unwrap();
        let sent = telemetry::send(&by("api-key=right"), &message).await.unwrap();
        let said = Some("old".to_owned());
        assert_eq!(sent, Sent { taken: 1, refused: 1, left_out: 0, said });
        let spans: ExportTraceServiceRequest = serde_json::from_str(SPANS).unwrap();
        assert_eq!(*keyed.0.lock().unwrap(), [spans]);
        let err = telemetry::send(&by("api-key=wrong"), &message).await.unwrap_err();
        assert!(matches!(err, SendError::Answered { later: false, .. }), "{err:?}");
        assert_eq!(err.to_string(), "the collector answered Unauthenticated: show the key");
    });
}
