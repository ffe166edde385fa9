//! The numbers of a run as OTLP/JSON (`MetricsData` in proto3's JSON): the same as Prometheus is
//! told, by the same names. A collector takes it at `/v1/metrics`.

use serde_json::{Value, json};
use session::Accounting;

use super::{line, resource, scope};
use crate::export::metrics::{self, Labels, Metric, Number, Unit};
use crate::run::Run;

/// The metrics of a run; `books` is its `accounting.json`, where that is at hand.
pub fn otlp_metrics(run: &Run, labels: &Labels, books: Option<&Accounting>) -> String {
    let shared = metrics::shared(run, labels);
    let time = (u128::from(run.end_ms) * 1_000_000).to_string();
    let metrics = metrics::of(run, books).into_iter().filter(|metric| !metric.samples.is_empty());
    let metrics: Vec<Value> = metrics.map(|metric| gauge(metric, &shared, &time)).collect();
    line(&json!({ "resourceMetrics": [{
        "resource": resource(run),
        "scopeMetrics": [{ "scope": scope(run), "metrics": metrics }],
    }] }))
}

fn gauge(metric: Metric, shared: &Labels, time: &str) -> Value {
    let points = metric.samples.into_iter().map(|sample| {
        let shared = shared.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = sample.own.iter().map(|(name, value)| (*name, value.as_str()));
        let attributes: Vec<Value> = shared
            .chain(own)
            .map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }))
            .collect();
        let mut point = json!({ "attributes": attributes, "timeUnixNano": time });
        let (field, value) = match sample.value {
            // 64-bit numbers are strings in proto3's JSON.
            Number::Whole(n) => ("asInt", i64::try_from(n).unwrap_or(i64::MAX).to_string().into()),
            Number::Thousandths(n) => ("asDouble", parts(n, 1e3)),
            Number::Millionths(n) => ("asDouble", parts(n, 1e6)),
        };
        point[field] = value;
        point
    });
    let points: Vec<Value> = points.collect();
    // A unit at the end of a name is what Prometheus wants; here it has a place of its own.
    let (end, unit) = match metric.unit {
        Unit::Seconds => ("_seconds", "s"),
        Unit::Bytes => ("_bytes", "By"),
        Unit::Dollars => ("", "{USD}"),
        Unit::Tokens => ("", "{token}"),
        Unit::Count => ("", ""),
    };
    let name = format!("stepwell.{}", metric.name.strip_suffix(end).unwrap_or(metric.name));
    json!({
        "name": name, "unit": unit, "description": metric.help,
        "gauge": { "dataPoints": points },
    })
}

#[expect(clippy::cast_precision_loss, reason = "the protocol has no exact fractions")]
fn parts(n: u64, of: f64) -> Value {
    json!(n as f64 / of)
}
