//! OpenTelemetry's own collector takes what is sent, whichever way.

use std::fs;

use serde_json::Value;
use servers::Kind;
use telemetry::Message;

use super::{METRICS, SPANS, destinations, send};

#[test]
fn the_collector_takes_spans_and_metrics_by_each_protocol() {
    for (kind, protocols) in
        [(Kind::Collector, &["http/protobuf", "http/json"][..]), (Kind::GrpcCollector, &["grpc"])]
    {
        let Some(mut server) = kind.start() else { return };
        for protocol in protocols {
            let to = destinations(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &server.url()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ])
            .unwrap();
            let sent = send(&to.spans.unwrap(), &Message::spans(SPANS).unwrap()).unwrap();
            assert_eq!((sent.taken, sent.refused), (2, 0), "{protocol}");
            let sent = send(&to.metrics.unwrap(), &Message::metrics(METRICS).unwrap()).unwrap();
            assert_eq!((sent.taken, sent.refused), (1, 0), "{protocol}");
        }
        server.end();
        let told = fs::read_to_string(server.folder().join("told.jsonl")).unwrap();
        let told: Vec<Value> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(told.len(), 2 * protocols.len(), "{told:?}");
        for one in told {
            let (all, of) = (&one["resourceSpans"][0]["scopeSpans"][0]["spans"], "spans");
            if all.is_null() {
                let metric = &one["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
                assert_eq!(metric["name"], "stepwell.calls");
                assert_eq!(metric["gauge"]["dataPoints"][0]["asInt"], "3");
                assert_eq!(metric["gauge"]["dataPoints"][1]["asDouble"], 0.25);
            } else {
                assert_eq!(all.as_array().unwrap().len(), 2, "{of}");
                assert_eq!(all[0]["traceId"], "0af7651916cd43dd8448eb211c80319c");
                assert_eq!(all[1]["parentSpanId"], all[0]["spanId"]);
                assert_eq!(all[1]["status"]["message"], "unfinished");
            }
        }
    }
}
