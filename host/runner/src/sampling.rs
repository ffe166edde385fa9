//! What of a run its log is to show. Whatever is chosen here, the trace has everything.

use std::time::Duration;

use serde::Serialize;
use session::event::{Event, Note};

/// How long nothing happens before a sink is told so, unless somebody says otherwise.
const SILENCE: Duration = Duration::from_secs(30);

/// What a sink is shown. What failed, ended or was decided is never a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Whether the model's text, as it writes it.
    pub model_text: bool,
    /// Whether status that says what the one before it said.
    pub repeats: bool,
    /// Which lines of the tools' own logs.
    pub tools: ToolLines,
    /// How long nothing happens before it is told so, each time again.
    pub silence: Duration,
}

/// Which lines of the tools' own logs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolLines {
    /// All.
    Debug,
    /// `info` and `warning`.
    Info,
    /// `warning`.
    Warning,
    /// None.
    None,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { model_text: true, repeats: false, tools: ToolLines::Info, silence: SILENCE }
    }
}

impl Sampling {
    /// Whether a record is a line of a tool's log that is not to be shown.
    pub(crate) fn leaves_out(&self, event: &Event) -> bool {
        let Event::Noted(Note::ToolLogged { level, .. }) = event else { return false };
        // A level that a newer program wrote is shown.
        let line = match level.as_str() {
            "debug" => ToolLines::Debug,
            "info" => ToolLines::Info,
            _ => ToolLines::Warning,
        };
        line < self.tools
    }
}
