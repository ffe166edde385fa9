//! What OpenTelemetry's variables mean.

use proptest::prelude::*;

use super::destinations;

const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Where spans and metrics go, as far as that may be shown.
#[track_caller]
fn check(vars: &[(&str, &str)], spans: Option<&str>, metrics: Option<&str>) {
    let to = destinations(vars).unwrap();
    let shown = [to.spans, to.metrics].map(|one| one.map(|one| one.shown()));
    assert_eq!(shown.each_ref().map(Option::as_deref), [spans, metrics], "{vars:?}");
}

#[test]
fn an_endpoint_is_one_of_a_collector_or_one_of_a_kind() {
    let here = "http://localhost:4318";
    check(&[], None, None);
    check(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "nonsense")], None, None);
    let both = (Some("http://localhost:4318/v1/traces"), Some("http://localhost:4318/v1/metrics"));
    check(&[(ALL, here)], both.0, both.1);
    check(&[(ALL, " http://localhost:4318/ ")], both.0, both.1);
    let below = (Some("https://h/otlp/v1/traces"), Some("https://h/otlp/v1/metrics"));
    check(&[(ALL, "https://me:secret@h/otlp/?key=secret")], below.0, below.1);
    // One of a kind is taken as it is.
    let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    check(&[(traces, "http://h:1/mine")], Some("http://h:1/mine"), None);
    check(&[(traces, "http://h:1"), (ALL, here)], Some("http://h:1"), both.1);
    // A service of gRPC has no path.
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    check(&[(ALL, "http://h:4317"), grpc], Some("http://h:4317"), Some("http://h:4317"));
    let metrics_alone = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc");
    check(&[(ALL, here), metrics_alone], both.0, Some(here));
}

#[test]
fn who_wants_nothing_sent_says_so() {
    let here = (ALL, "http://localhost:4318");
    check(&[here, ("OTEL_SDK_DISABLED", "True")], None, None);
    let metrics = Some("http://localhost:4318/v1/metrics");
    check(&[here, ("OTEL_TRACES_EXPORTER", "none")], None, metrics);
    check(&[here, ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_TRACES_EXPORTER", "none")], None, None);
    check(&[(ALL, " ")], None, None);
}

#[test]
fn a_value_that_cannot_be_is_refused_without_showing_it() {
    let here = (ALL, "http://localhost:4318");
    let long = format!("a={}", "x".repeat(17_000));
    let many = "a=b,".repeat(65);
    for (vars, expected) in [
        (
            vec![(ALL, "s3cr3t")],
            "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL that begins with `http://` or `https://`",
        ),
        (
            vec![(ALL, "ftp://s3cr3t")],
            "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL that begins with `http://` or `https://`",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http")],
            "OTEL_EXPORTER_OTLP_PROTOCOL is none of `grpc`, `http/protobuf` and `http/json`",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_TIMEOUT", "1s")],
            "OTEL_EXPORTER_OTLP_TIMEOUT is no number of milliseconds from 1 on",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_TIMEOUT", "0")],
            "OTEL_EXPORTER_OTLP_TIMEOUT is no number of milliseconds from 1 on",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,s3cr3t")],
            "OTEL_EXPORTER_OTLP_HEADERS has no `=` in header 2: write `name=value`",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_HEADERS", "a b=s3cr3t")],
            "OTEL_EXPORTER_OTLP_HEADERS has a name that no header can have, in header 1",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_HEADERS", "a=s3cr3t%0Ax")],
            "OTEL_EXPORTER_OTLP_HEADERS has a value that no header can have, in header 1",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_HEADERS", &many)],
            "OTEL_EXPORTER_OTLP_HEADERS has more than 64 headers",
        ),
        (
            vec![here, ("OTEL_EXPORTER_OTLP_HEADERS", &long)],
            "OTEL_EXPORTER_OTLP_HEADERS has more than 16384 bytes",
        ),
    ] {
        assert_eq!(destinations(&vars).unwrap_err().to_string(), expected);
    }
}

proptest! {
    /// Whatever the variables hold, there is an answer, and nothing shows a header.
    #[test]
    fn no_value_is_too_bad(
        endpoint in prop_oneof![Just("http://h".to_owned()), ".{0,40}"],
        headers in prop_oneof![Just("api-key=zz-secret-zz".to_owned()), ".{0,40}"],
        timeout in prop_oneof![Just("10".to_owned()), ".{0,8}"],
    ) {
        let vars = [
            (ALL, endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", &timeout),
        ];
        let shown = format!("{:?}", destinations(&vars));
        prop_assert!(!shown.contains("zz-secret-zz"));
    }
}
