//! The step's model, word for word: its name, where it is, how to get there, what it costs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dollars, Span};

/// The model that answers.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Model {
    /// The model's name, as its server knows it.
    pub(crate) name: String,
    /// The server's address, without `/responses`.
    #[serde(default = "openai_url")]
    pub(crate) base_url: String,
    /// The environment variable that holds the key. The key itself never stands in a file.
    #[serde(default = "openai_key")]
    pub(crate) key_env: String,
    /// Where the key stands in a request: `bearer` is `Authorization: Bearer …`, which nearly all
    /// servers take; `api-key` is Azure's own header.
    #[serde(default)]
    pub(crate) key_header: KeyHeader,
    /// More headers of each request, at most 32, by their names: a text, or `{ env = "NAME" }` for
    /// what an environment variable holds. A secret stands in the environment only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, Header>,
    /// Which way to the server: `websocket-or-http` goes on over HTTP where there is no WebSocket;
    /// `websocket` and `http` are the one way only.
    #[serde(default)]
    pub(crate) transport: Transport,
    /// A file of certificates (PEM) that are trusted besides Mozilla's: a file of the repository,
    /// from the commit that the step file is from. A file of the machine is named by the variable
    /// `STEPWELL_CA_FILE`, else `SSL_CERT_FILE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
    /// How long a connection may take, such as `"5s"`. Default: 5 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connect_timeout: Option<Span>,
    /// How long the first event of a response may take, such as `"60s"`. Default: 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_event: Option<Span>,
    /// How old a connection may grow before the next response gets another one, such as `"55m"`: a
    /// little less than its server allows. Default: 55 m, of xAI 24 m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connection_age: Option<Span>,
    /// How hard the model thinks: `low`, `medium`, `high`, as its server knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) effort: Option<String>,
    /// How requests are served and billed. Without it `default` of OpenAI itself, so that no setting
    /// of the account changes the price; elsewhere none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service_tier: Option<ServiceTier>,
    /// The most tokens of one response, reasoning included.
    #[serde(default = "output_tokens")]
    pub(crate) max_output_tokens: u32,
    /// The most tokens that the model can read at once; from near there on the server is asked to
    /// compact. Without it what is known of the model's name, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context_tokens: Option<u64>,
    /// What the model costs in its service tier: the budget needs it. Without it what is known of
    /// the model's name, which is for the provider itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<Price>,
}

fn openai_url() -> String {
    "https://api.openai.com/v1".to_owned()
}

fn openai_key() -> String {
    "OPENAI_API_KEY".to_owned()
}

fn output_tokens() -> u32 {
    8_000
}

/// Where the key stands in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyHeader {
    /// `Authorization: Bearer …`
    #[default]
    Bearer,
    /// `api-key: …`
    ApiKey,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "write a text, or { env = \"NAME\" }")]
pub(crate) enum Header {
    /// This one.
    Text(String),
    /// What the environment holds.
    Env(FromEnv),
}

impl Header {
    /// The variable that holds it.
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Env(from) => Some(&from.env),
        }
    }
}

/// A value that the environment holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromEnv {
    /// The environment variable that holds the header's value.
    pub(crate) env: String,
}

/// Which way to the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
    /// A WebSocket; where there is none, HTTP from then on.
    #[default]
    WebsocketOrHttp,
    /// Only a WebSocket.
    Websocket,
    /// Only HTTP, with the whole conversation each time.
    Http,
}

/// How requests are served and billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServiceTier {
    /// At the usual price.
    Default,
    /// Cheaper, and slower when the provider is busy.
    Flex,
    /// Dearer, and faster.
    Priority,
    /// Dearer still, and faster still.
    Ultrafast,
}

/// What a model costs, in dollars per million tokens.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Price {
    /// Tokens sent.
    pub(crate) input: Dollars,
    /// Tokens sent that the server had cached; as `input` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cached_input: Option<Dollars>,
    /// Tokens sent that the server wrote to its cache; as `input` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Option<Dollars>,
    /// Tokens made, reasoning included.
    pub(crate) output: Dollars,
}
