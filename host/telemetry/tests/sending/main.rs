//! Sending, from outside: what the variables mean, what a collector gets, and what becomes of it
//! where there is none.
#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod collector;
mod grpc;
mod real;
mod settings;
mod web;

use telemetry::{Destination, Destinations, Message, SendError, Sent};

/// Two spans and a metric as they are told.
const SPANS: &str = r#"{"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"stepwell"}}]},
  "scopeSpans":[{"scope":{"name":"stepwell","version":"1"},"spans":[
    {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"",
     "name":"invoke_workflow triage","kind":1,
     "startTimeUnixNano":"1795600000000000000","endTimeUnixNano":"1795600001000000000",
     "attributes":[{"key":"stepwell.spend.microusd","value":{"intValue":"44556"}},
                   {"key":"gen_ai.request.stream","value":{"boolValue":true}}],
     "status":{"code":1}},
    {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203332",
     "parentSpanId":"b7ad6b7169203331","name":"phase INIT","kind":1,
     "startTimeUnixNano":"1795600000000000000","endTimeUnixNano":"1795600000500000000",
     "attributes":[],"status":{"code":2,"message":"unfinished"}}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[]},
  "scopeMetrics":[{"scope":{"name":"stepwell","version":"1"},"metrics":[
    {"name":"stepwell.calls","unit":"","description":"Tool calls.","gauge":{"dataPoints":[
      {"attributes":[{"key":"tool","value":{"stringValue":"search"}}],
       "timeUnixNano":"1795600001000000000","asInt":"3"},
      {"attributes":[],"timeUnixNano":"1795600001000000000","asDouble":0.25}]}}]}]}]}"#;

/// Where a list of variables says spans go.
#[track_caller]
fn spans_by(vars: &[(&str, &str)]) -> Destination {
    destinations(vars).unwrap().spans.unwrap()
}

fn destinations(vars: &[(&str, &str)]) -> Result<Destinations, telemetry::BadSetting> {
    let var = |name: &str| Some(vars.iter().find(|(known, _)| *known == name)?.1.to_owned());
    Destinations::of(var)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn send(to: &Destination, message: &Message) -> Result<Sent, SendError> {
    runtime().block_on(telemetry::send(to, message))
}
