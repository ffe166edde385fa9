//! Where telemetry goes, by OpenTelemetry's own variables.
//!
//! Source: OpenTelemetry, "OpenTelemetry Protocol Exporter" and "General SDK configuration"
//! (specification 1.x). What a variable with `TRACES` or `METRICS` in its name says counts before
//! the one without.

use std::fmt;
use std::time::Duration;

use egress::Proxies;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{BadSetting, Kind};

/// Headers that are sent.
const HEADERS_MAX: usize = 64;
/// Bytes of a variable that are read.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// The protocol's own default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `http/protobuf`, the protocol's own default.
    HttpProtobuf,
    /// `http/json`.
    HttpJson,
    /// `grpc`.
    Grpc,
}

/// Headers that are sent along. They often hold a key: nothing shows them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} headers", self.0.len())
    }
}

impl Headers {
    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }

    /// Their values, for whoever looks that they get nowhere else.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|(_, value)| value.as_bytes())
    }

    /// Reads `name=value,name=value`, the values percent-encoded.
    fn parse(text: &str) -> Result<Self, String> {
        let mut headers = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let number = headers.len() + 1;
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("has no `=` in header {number}: write `name=value`"))?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_err| {
                format!("has a name that no header can have, in header {number}")
            })?;
            let value: Vec<u8> = percent_decode_str(value.trim()).collect();
            let mut value = HeaderValue::from_bytes(&value).map_err(|_err| {
                format!("has a value that no header can have, in header {number}")
            })?;
            value.set_sensitive(true);
            headers.push((name, value));
            if headers.len() > HEADERS_MAX {
                return Err(format!("has more than {HEADERS_MAX} headers"));
            }
        }
        Ok(Self(headers))
    }
}

/// Where one kind of telemetry goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    pub(crate) url: Url,
    pub(crate) protocol: Protocol,
    pub(crate) headers: Headers,
    pub(crate) timeout: Duration,
    /// Certificates (PEM) that are trusted instead of Mozilla's, by the name of their file.
    pub(crate) authority: Option<String>,
    /// What stands between.
    pub(crate) proxies: Proxies,
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, headers, timeout, .. } = self;
        write!(f, "{} by {protocol:?} with {headers:?} within {timeout:?}", self.shown())
    }
}

impl Destination {
    /// Its address as it may be shown: without a user, a password or a query.
    #[must_use]
    pub fn shown(&self) -> String {
        let Url { .. } = &self.url;
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map_or_else(String::new, |port| format!(":{port}"));
        let path = self.url.path().trim_end_matches('/');
        format!("{}://{host}{port}{path}", self.url.scheme())
    }

    /// What is sent along.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The same, with no more time than this for everything.
    #[must_use]
    pub fn within(self, most: Duration) -> Self {
        Self { timeout: self.timeout.min(most), ..self }
    }
}

/// Where spans and metrics go; none where nobody wants them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    /// For spans.
    pub spans: Option<Destination>,
    /// For metrics.
    pub metrics: Option<Destination>,
}

/// The names of the variables of one kind of telemetry, and of those that hold for all.
struct Names {
    exporter: &'static str,
    endpoint: [&'static str; 2],
    protocol: [&'static str; 2],
    headers: [&'static str; 2],
    timeout: [&'static str; 2],
    certificate: [&'static str; 2],
    path: &'static str,
}

const SPANS: Names = Names {
    exporter: "OTEL_TRACES_EXPORTER",
    endpoint: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocol: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    certificate: ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    path: "v1/traces",
};

const METRICS: Names = Names {
    exporter: "OTEL_METRICS_EXPORTER",
    endpoint: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocol: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    certificate: ["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    path: "v1/metrics",
};

impl Destinations {
    /// What the variables say, each looked up by `var`. Without an endpoint there is none, whatever
    /// else is set.
    ///
    /// # Errors
    /// Where one says what it cannot.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let var = |name: &str| var(name).filter(|value| !value.trim().is_empty());
        if var("OTEL_SDK_DISABLED").is_some_and(|it| it.trim().eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        Ok(Self { spans: destination(&SPANS, &var)?, metrics: destination(&METRICS, &var)? })
    }

    /// Whether nothing is wanted by anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_none() && self.metrics.is_none()
    }

    /// Each of them with what it is for.
    pub fn each(&self) -> impl Iterator<Item = (Kind, &Destination)> {
        let spans = self.spans.iter().map(|one| (Kind::Spans, one));
        spans.chain(self.metrics.iter().map(|one| (Kind::Metrics, one)))
    }
}

fn destination(
    names: &Names,
    var: &impl Fn(&str) -> Option<String>,
) -> Result<Option<Destination>, BadSetting> {
    if var(names.exporter).is_some_and(|it| it.trim().eq_ignore_ascii_case("none")) {
        return Ok(None);
    }
    // The first that is set, with its name.
    let first = |names: [&'static str; 2]| -> Result<Option<(&'static str, String)>, BadSetting> {
        let found = names.into_iter().find_map(|name| Some((name, var(name)?)));
        let Some((variable, value)) = found else { return Ok(None) };
        if value.len() > VALUE_BYTES_MAX {
            let problem = format!("has more than {VALUE_BYTES_MAX} bytes");
            return Err(BadSetting { variable, problem });
        }
        Ok(Some((variable, value.trim().to_owned())))
    };
    let Some((endpoint_name, endpoint)) = first(names.endpoint)? else { return Ok(None) };
    let protocol = match first(names.protocol)? {
        Some((variable, text)) => protocol(variable, &text)?,
        None => Protocol::HttpProtobuf,
    };
    let below = (endpoint_name == names.endpoint[1]).then_some(names.path);
    let url = url(&endpoint, protocol, below)
        .map_err(|problem| BadSetting { variable: endpoint_name, problem })?;
    let headers = match first(names.headers)? {
        Some((variable, text)) => {
            Headers::parse(&text).map_err(|problem| BadSetting { variable, problem })?
        }
        None => Headers::default(),
    };
    let timeout = match first(names.timeout)? {
        Some((variable, text)) => timeout(variable, &text)?,
        None => TIMEOUT,
    };
    let authority = first(names.certificate)?.map(|(_, path)| path);
    let proxies = Proxies::from_vars(var);
    Ok(Some(Destination { url, protocol, headers, timeout, authority, proxies }))
}

fn protocol(variable: &'static str, text: &str) -> Result<Protocol, BadSetting> {
    match text {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        "http/json" => Ok(Protocol::HttpJson),
        _ => {
            let problem = "is none of `grpc`, `http/protobuf` and `http/json`".to_owned();
            Err(BadSetting { variable, problem })
        }
    }
}

/// Where requests go: below the address where it is that of a whole collector, and at it where it is
/// that of one kind of telemetry. A service of gRPC has no path.
fn url(text: &str, protocol: Protocol, below: Option<&str>) -> Result<Url, String> {
    let bad = || "is not a URL that begins with `http://` or `https://`".to_owned();
    let mut url = Url::parse(text).map_err(|_err| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad());
    }
    if let (Some(below), Protocol::HttpJson | Protocol::HttpProtobuf) = (below, protocol) {
        let path = format!("{}/{below}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

fn timeout(variable: &'static str, text: &str) -> Result<Duration, BadSetting> {
    match text.parse() {
        Ok(0_u64) | Err(_) => {
            let problem = "is no number of milliseconds from 1 on".to_owned();
            Err(BadSetting { variable, problem })
        }
        Ok(ms) => Ok(Duration::from_millis(ms)),
    }
}
