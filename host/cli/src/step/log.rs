//! What the operator's log shows, as people write it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// What the operator's log shows. What failed, ended or was decided is always shown, and the trace has
/// everything: what is left out here is counted, and said at the end of the log.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Log {
    /// Whether the model's text is shown as it writes it. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model_text: Option<bool>,
    /// Whether a status is shown again that says what the one before it said. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repeats: Option<bool>,
    /// The least line of a tool's own log that is shown: `debug`, `info` or `warning`; `none` shows no
    /// line. Default: `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<ToolLines>,
    /// How long nothing happens before the log says what is waited for, and how much time is left for
    /// it, between 1 s and 1 h. Default: 30 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<Span>,
}

/// The least line of a tool's own log that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ToolLines {
    /// All.
    Debug,
    /// `info` and `warning`.
    Info,
    /// `warning`.
    Warning,
    /// None.
    None,
}
