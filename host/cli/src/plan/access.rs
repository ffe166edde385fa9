//! How the step's model is reached: every setting is checked, nothing is left to default.

use std::collections::BTreeMap;
use std::time::Duration;

use runner::Way;
use serde::{Serialize, Serializer};
use snapshot::RepoPath;
use wire::Endpoint;

use crate::step::model::{Header, KeyHeader, Model, ServiceTier, Transport};
use crate::step::{Span, StepError};

/// How long a connection may take, where the step does not say.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest that a connection may take: whoever is further away than that is not there.
const CONNECT_MAX: Duration = Duration::from_mins(2);
/// How long the first event of a response may take, where the step does not say.
pub(super) const FIRST_EVENT: Duration = Duration::from_secs(60);
/// The longest that it may take: a request may stand in a queue, but not for longer than a CI job.
const FIRST_EVENT_MAX: Duration = Duration::from_hours(1);
/// The oldest that a connection may grow. Servers end it at an hour.
const CONNECTION_AGE_MAX: Duration = Duration::from_hours(24);
/// The most headers of a step's own.
const HEADERS_MAX: usize = 32;
/// What the name of a header holds whose value is a secret.
const SECRET_NAMES: [&str; 6] = ["auth", "cookie", "key", "password", "secret", "token"];
/// What a secret begins with, whatever the header's name.
const SECRET_VALUES: [&str; 4] = ["bearer ", "basic ", "sk-", "xai-"];

/// How the model is reached.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Access {
    /// What is connected to.
    pub(crate) url: String,
    /// The variable with the key.
    pub(crate) key_env: String,
    /// Where the key stands.
    pub(crate) key_header: KeyHeader,
    /// More headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, Header>,
    /// Which ways there are.
    #[serde(serialize_with = "way")]
    pub(crate) transport: Way,
    /// A file of the repository with certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
    /// How long a connection may take.
    #[serde(serialize_with = "time")]
    pub(crate) connect_timeout: Duration,
    /// How long the first event of a response may take.
    #[serde(serialize_with = "time")]
    pub(crate) first_event: Duration,
    /// How old a connection may grow.
    #[serde(serialize_with = "time")]
    pub(crate) connection_age: Duration,
    /// How hard the model thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) effort: Option<String>,
    /// How requests are served and billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_tier: Option<ServiceTier>,
}

fn way<S: Serializer>(way: &Way, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match way {
        Way::WebSocketOrHttp => "websocket-or-http",
        Way::WebSocket => "websocket",
        Way::Http => "http",
    })
}

fn time<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*time))
}

/// Checks how the model is reached.
pub(super) fn access(model: &Model) -> Result<Access, StepError> {
    let endpoint = Endpoint::new(&model.base_url).map_err(|err| {
        StepError::value("model.base-url", format!("cannot be used: {err}"), "name another URL")
    })?;
    check_variable("model.key-env", &model.key_env)?;
    check_headers(model, &endpoint)?;
    if let Some(file) = &model.ca_file {
        RepoPath::parse(file).map_err(|err| {
            let help = "name a file of the repository, from its root; a file of the machine is \
                        named by STEPWELL_CA_FILE";
            StepError::value("model.ca-file", format!("is no path in the repository: {err}"), help)
        })?;
    }
    Ok(Access {
        url: endpoint.url(),
        key_env: model.key_env.clone(),
        key_header: model.key_header,
        headers: model.headers.clone(),
        transport: match model.transport {
            Transport::WebsocketOrHttp => Way::WebSocketOrHttp,
            Transport::Websocket => Way::WebSocket,
            Transport::Http => Way::Http,
        },
        ca_file: model.ca_file.clone(),
        connect_timeout: span(model.connect_timeout, "connect-timeout", CONNECT, CONNECT_MAX)?,
        first_event: span(model.first_event, "first-event", FIRST_EVENT, FIRST_EVENT_MAX)?,
        connection_age: span(
            model.connection_age,
            "connection-age",
            endpoint.rollover_after(),
            CONNECTION_AGE_MAX,
        )?,
        effort: model.effort.clone(),
        service_tier: tier(model, &endpoint),
    })
}

/// How long a connection may take, where the step names no model.
pub(crate) fn connect_timeout(access: Option<&Access>) -> Duration {
    access.map_or(CONNECT, |access| access.connect_timeout)
}

/// How requests are to be served and billed, in the servers' words.
pub(crate) fn service_tier(access: Option<&Access>) -> Option<String> {
    let word = match access?.service_tier? {
        ServiceTier::Default => "default",
        ServiceTier::Flex => "flex",
        ServiceTier::Priority => "priority",
        ServiceTier::Ultrafast => "ultrafast",
    };
    Some(word.to_owned())
}

/// OpenAI serves a request that names no tier as the account's settings say, at that price.
fn tier(model: &Model, endpoint: &Endpoint) -> Option<ServiceTier> {
    let is_openai = endpoint.host() == "api.openai.com";
    model.service_tier.or(is_openai.then_some(ServiceTier::Default))
}

fn span(
    own: Option<Span>,
    key: &str,
    default: Duration,
    most: Duration,
) -> Result<Duration, StepError> {
    match own {
        None => Ok(default),
        Some(Span(time)) if !time.is_zero() && time <= most => Ok(time),
        Some(_) => Err(StepError::value(
            format!("model.{key}"),
            format!("is not between 1ms and {}", humantime::format_duration(most)),
            format!("leave it out for {}", humantime::format_duration(default)),
        )),
    }
}

fn check_headers(model: &Model, endpoint: &Endpoint) -> Result<(), StepError> {
    if model.headers.len() > HEADERS_MAX {
        let why = format!("has {} entries", model.headers.len());
        return Err(StepError::value("model.headers", why, format!("the most is {HEADERS_MAX}")));
    }
    let key_place = match model.key_header {
        KeyHeader::Bearer => "authorization",
        KeyHeader::ApiKey => "api-key",
    };
    for (name, header) in &model.headers {
        let key = format!("model.headers.{name}");
        if name.eq_ignore_ascii_case(key_place) {
            let help = "the key's variable is `key-env`, and where it stands is `key-header`";
            return Err(StepError::value(key, "is where the key stands", help));
        }
        let value = match header {
            Header::Text(text) => text.as_str(),
            // What it holds is known when the step runs.
            Header::Env(from) => {
                check_variable(&format!("{key}.env"), &from.env)?;
                "x"
            }
        };
        if matches!(header, Header::Text(_)) && is_secret(name, value) {
            let help = "put the value into an environment variable, and write { env = \"NAME\" }";
            return Err(StepError::value(key, "looks like a secret", help));
        }
        endpoint.clone().with_header(name, value).map_err(|err| {
            StepError::value(key, format!("cannot be sent: {err}"), "write it otherwise")
        })?;
    }
    Ok(())
}

fn is_secret(name: &str, value: &str) -> bool {
    let (name, value) = (name.to_ascii_lowercase(), value.to_ascii_lowercase());
    SECRET_NAMES.iter().any(|part| name.contains(part))
        || SECRET_VALUES.iter().any(|start| value.starts_with(start))
}

/// A key in the place of a variable's name would be shown with it.
pub(super) fn check_variable(key: &str, name: &str) -> Result<(), StepError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if begins && name.chars().all(fits) {
        return Ok(());
    }
    let help = "write the name of a variable, like \"OPENAI_API_KEY\", and never the key itself";
    Err(StepError::value(key, "is no name of an environment variable", help))
}

impl Access {
    /// The values of the headers: those of the file, and what the environment holds.
    pub(crate) fn header_values(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<(&str, String)>, NotSet> {
        let value = |name: &str, header: &Header| match header {
            Header::Text(text) => Ok(text.clone()),
            Header::Env(from) => variable(&from.env)
                .ok_or_else(|| NotSet { variable: from.env.clone(), header: name.to_owned() }),
        };
        let values = self
            .headers
            .iter()
            .map(|(name, header)| Ok((name.as_str(), value(name, header)?.trim().to_owned())));
        values.collect()
    }
}

/// A header whose variable is not set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotSet {
    /// The variable.
    pub(crate) variable: String,
    /// The header.
    pub(crate) header: String,
}

#[cfg(test)]
mod tests;
