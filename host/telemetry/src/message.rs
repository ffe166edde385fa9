//! What is sent: read from OTLP/JSON, and cut into parts that a collector takes.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message as _;

use crate::SendError;

/// Spans or metrics of one request: by gRPC a collector takes 4 MiB, and a span has some 700 bytes.
pub const PART_ITEMS_MAX: usize = 2_000;

/// Requests for one message: 32,000 spans, several times what the longest run has.
pub const PARTS_MAX: usize = 16;

/// Of what a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Spans.
    Spans,
    /// Metrics.
    Metrics,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Spans => "spans",
            Self::Metrics => "metrics",
        })
    }
}

/// Spans or metrics.
#[derive(Debug, Clone)]
pub struct Message {
    pub(crate) parts: Vec<Part>,
    kind: Kind,
    left_out: u64,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Spans(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

impl Message {
    /// Reads spans (`TracesData` in proto3's JSON).
    ///
    /// # Errors
    /// Where it is something else.
    pub fn spans(json: &str) -> Result<Self, SendError> {
        let all: ExportTraceServiceRequest = read(json)?;
        let (mut parts, mut left_out) = (Vec::new(), 0);
        for of_resource in all.resource_spans {
            let ResourceSpans { resource, scope_spans, schema_url } = of_resource;
            for of_scope in scope_spans {
                let ScopeSpans { scope, spans, schema_url: of_scope_url } = of_scope;
                for spans in spans.chunks(PART_ITEMS_MAX) {
                    if parts.len() == PARTS_MAX {
                        left_out += spans.len() as u64;
                        continue;
                    }
                    let scope_spans = vec![ScopeSpans {
                        scope: scope.clone(),
                        spans: spans.to_vec(),
                        schema_url: of_scope_url.clone(),
                    }];
                    let (resource, schema_url) = (resource.clone(), schema_url.clone());
                    let part = ResourceSpans { resource, scope_spans, schema_url };
                    let resource_spans = vec![part];
                    parts.push(Part::Spans(ExportTraceServiceRequest { resource_spans }));
                }
            }
        }
        Ok(Self { parts, kind: Kind::Spans, left_out })
    }

    /// Reads metrics (`MetricsData` in proto3's JSON).
    ///
    /// # Errors
    /// Where it is something else.
    pub fn metrics(json: &str) -> Result<Self, SendError> {
        let all: ExportMetricsServiceRequest = read(json)?;
        let (mut parts, mut left_out) = (Vec::new(), 0);
        for of_resource in all.resource_metrics {
            let ResourceMetrics { resource, scope_metrics, schema_url } = of_resource;
            for of_scope in scope_metrics {
                let ScopeMetrics { scope, metrics, schema_url: of_scope_url } = of_scope;
                for metrics in metrics.chunks(PART_ITEMS_MAX) {
                    if parts.len() == PARTS_MAX {
                        left_out += metrics.len() as u64;
                        continue;
                    }
                    let scope_metrics = vec![ScopeMetrics {
                        scope: scope.clone(),
                        metrics: metrics.to_vec(),
                        schema_url: of_scope_url.clone(),
                    }];
                    let (resource, schema_url) = (resource.clone(), schema_url.clone());
                    let part = ResourceMetrics { resource, scope_metrics, schema_url };
                    let resource_metrics = vec![part];
                    parts.push(Part::Metrics(ExportMetricsServiceRequest { resource_metrics }));
                }
            }
        }
        Ok(Self { parts, kind: Kind::Metrics, left_out })
    }

    /// Of what it tells.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How much of it there was no room for.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, SendError> {
    serde_json::from_str(json).map_err(|err| SendError::Message(err.to_string()))
}

impl Part {
    /// Spans or metrics in it.
    pub(crate) fn items(&self) -> u64 {
        let items: usize = match self {
            Self::Spans(request) => {
                let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
                scopes.map(|scope| scope.spans.len()).sum()
            }
            Self::Metrics(request) => {
                let scopes = request.resource_metrics.iter().flat_map(|of| &of.scope_metrics);
                scopes.map(|scope| scope.metrics.len()).sum()
            }
        };
        items as u64
    }

    /// In proto3's JSON, as the protocol wants it.
    pub(crate) fn json(&self) -> Result<Vec<u8>, SendError> {
        let text = match self {
            Self::Spans(request) => serde_json::to_vec(request),
            Self::Metrics(request) => serde_json::to_vec(request),
        };
        text.map_err(|err| SendError::Message(err.to_string()))
    }

    /// In protobuf.
    pub(crate) fn protobuf(&self) -> Vec<u8> {
        match self {
            Self::Spans(request) => request.encode_to_vec(),
            Self::Metrics(request) => request.encode_to_vec(),
        }
    }
}
