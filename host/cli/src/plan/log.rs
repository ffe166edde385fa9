//! What the operator's log shows, checked.

use std::time::Duration;

use runner::Sampling;

use crate::step::StepError;
use crate::step::log::{Log, ToolLines};

/// The shortest and the longest that nothing happens before the log says so: less is noise, and after
/// more a pipeline takes the job for dead.
const WAITING: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(1);

/// What is shown; what is left out is as it always was.
pub(super) fn sampling(log: &Log) -> Result<Sampling, StepError> {
    let usual = Sampling::default();
    let silence = log.waiting.map_or(usual.silence, |waiting| waiting.0);
    if !WAITING.contains(&silence) {
        let written = humantime::format_duration(silence);
        let why = format!("is {written}");
        return Err(StepError::value("log.waiting", why, "name a time between 1s and 1h"));
    }
    let tools = log.tools.map_or(usual.tools, |tools| match tools {
        ToolLines::Debug => runner::ToolLines::Debug,
        ToolLines::Info => runner::ToolLines::Info,
        ToolLines::Warning => runner::ToolLines::Warning,
        ToolLines::None => runner::ToolLines::None,
    });
    Ok(Sampling {
        model_text: log.model_text.unwrap_or(usual.model_text),
        repeats: log.repeats.unwrap_or(usual.repeats),
        tools,
        silence,
    })
}
