//! OTLP over HTTP.

use std::net::TcpListener;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use telemetry::{Message, SendError, Sent, TRIES_MAX};

use super::collector::Collector;
use super::{METRICS, SPANS, destinations, send, spans_by};

const FINE: (u16, &str, &[u8]) = (200, "", b"");

#[test]
fn protobuf_and_json_say_the_same_to_the_paths_of_a_collector() {
    let spans: ExportTraceServiceRequest = serde_json::from_str(SPANS).unwrap();
    let metrics: ExportMetricsServiceRequest = serde_json::from_str(METRICS).unwrap();
    for (protocol, kind) in
        [("http/protobuf", "application/x-protobuf"), ("http/json", "application/json")]
    {
        let collector = Collector::answering(&[FINE, FINE]);
        let url = collector.url();
        let to = destinations(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s%3Dcret, x-team=till"),
        ])
        .unwrap();
        let sent = send(&to.spans.unwrap(), &Message::spans(SPANS).unwrap()).unwrap();
        assert_eq!(sent, Sent { taken: 2, ..Sent::default() });
        let sent = send(&to.metrics.unwrap(), &Message::metrics(METRICS).unwrap()).unwrap();
        assert_eq!(sent, Sent { taken: 1, ..Sent::default() });
        let requests = collector.requests();
        let lines: Vec<&str> = requests.iter().map(|it| it.line.as_str()).collect();
        assert_eq!(lines, ["POST /v1/traces HTTP/1.1", "POST /v1/metrics HTTP/1.1"]);
        for request in &requests {
            assert_eq!(request.header("content-type"), Some(kind));
            assert_eq!(request.header("api-key"), Some("s=cret"));
            assert_eq!(request.header("x-team"), Some("till"));
        }
        let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
        if protocol == "http/json" {
            assert_eq!(
                serde_json::from_slice::<ExportTraceServiceRequest>(&first.body).unwrap(),
                spans
            );
            let told: ExportMetricsServiceRequest = serde_json::from_slice(&second.body).unwrap();
            assert_eq!(told, metrics);
        } else {
            assert_eq!(ExportTraceServiceRequest::decode(first.body.as_slice()).unwrap(), spans);
            let told = ExportMetricsServiceRequest::decode(second.body.as_slice()).unwrap();
            assert_eq!(told, metrics);
        }
    }
}

#[test]
fn what_passes_is_tried_again_and_what_does_not_is_not() {
    let unwell = |status| (status, "", b"overloaded".as_slice());
    for (answers, tries, is_sent) in [
        (vec![unwell(503), unwell(429), FINE], 3, true),
        (vec![unwell(503); TRIES_MAX], TRIES_MAX, false),
        (vec![unwell(400)], 1, false),
        (vec![unwell(401)], 1, false),
        // Its headers are for nobody else.
        (vec![(307, "location: http://127.0.0.1:1/\r\n", b"".as_slice())], 1, false),
    ] {
        let collector = Collector::answering(&answers);
        let to = spans_by(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
        let sent = send(&to, &Message::spans(SPANS).unwrap());
        assert_eq!(sent.is_ok(), is_sent, "{sent:?}");
        assert_eq!(collector.requests().len(), tries, "{answers:?}");
    }
}

#[test]
fn what_a_collector_did_not_want_is_counted() {
    let partial =
        ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
    let response = ExportTraceServiceResponse { partial_success: Some(partial) };
    let json = br#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#;
    for (protocol, body) in
        [("http/protobuf", response.encode_to_vec()), ("http/json", json.to_vec())]
    {
        let collector = Collector::answering(&[(200, "", &body)]);
        let to = spans_by(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ]);
        let sent = send(&to, &Message::spans(SPANS).unwrap()).unwrap();
        let said = Some("too old".to_owned());
        assert_eq!(sent, Sent { taken: 1, refused: 1, left_out: 0, said }, "{protocol}");
    }
}

#[test]
fn a_collector_that_hangs_or_is_not_there_costs_a_bounded_time() {
    // Takes connections (the system does) and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for protocol in ["http/protobuf", "http/json", "grpc"] {
        for address in [silent.local_addr().unwrap(), gone] {
            let url = format!("http://user:pass@{address}");
            let to = spans_by(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cr3t"),
            ]);
            let err = send(&to, &Message::spans(SPANS).unwrap()).unwrap_err();
            assert!(matches!(err, SendError::Late(_) | SendError::Network(_)), "{err:?}");
            for shown in [err.to_string(), format!("{err:?} {to:?}"), to.shown()] {
                assert!(!shown.contains("s3cr3t") && !shown.contains("pass"), "{shown}");
            }
        }
    }
}

#[test]
fn many_spans_go_in_parts_and_there_is_an_end() {
    let mut value: serde_json::Value = serde_json::from_str(SPANS).unwrap();
    let spans = value["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap();
    let one = spans[1].clone();
    let room = telemetry::PART_ITEMS_MAX * telemetry::PARTS_MAX;
    *spans = vec![one; room + 3];
    let message = Message::spans(&value.to_string()).unwrap();
    assert_eq!(message.left_out(), 3);
    let collector = Collector::answering(&[FINE; telemetry::PARTS_MAX]);
    let to = spans_by(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let sent = send(&to, &message).unwrap();
    assert_eq!(sent, Sent { taken: room as u64, left_out: 3, ..Sent::default() });
    for request in collector.requests() {
        let part = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
        assert!(part.resource_spans[0].resource.is_some(), "each part says of whom it is");
        assert_eq!(part.resource_spans[0].scope_spans[0].spans.len(), telemetry::PART_ITEMS_MAX);
    }
}

#[test]
fn what_is_no_otlp_is_not_sent() {
    for text in [
        "",
        "{\"resourceSpans\":3}",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"xyz\"}]}]}]}",
    ] {
        assert!(matches!(Message::spans(text), Err(SendError::Message(_))), "{text}");
    }
}
