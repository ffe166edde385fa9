//! A script as it is written, and what can be wrong with it.

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Planned, Script, Turn, Wrong};
use crate::error::{ErrorKind, ModelError, RETRY_AFTER_MAX};
use crate::server::{Fault, ReplyPart};
use crate::usage::Usage;

/// Bytes of a script. The examples have 2 KiB; patches and large outputs fit many times over.
const SCRIPT_BYTES_MAX: usize = 4 << 20;

/// Turns of a script: more than any budget allows a run.
const TURNS_MAX: usize = 10_000;

/// The longest pace. A delta a minute is slower than any timer of a step.
const PACE_MAX: Duration = Duration::from_mins(1);

/// Why a text is not a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// It is not TOML, or not the TOML of a script.
    #[error("line {line} of the script: {message}")]
    Text {
        /// Where, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It is too large.
    #[error("the script has more than {SCRIPT_BYTES_MAX} bytes")]
    TooLarge,
    /// It has no turn, or too many.
    #[error("the script has {turns} turns; it needs at least 1 and at most {TURNS_MAX}")]
    Turns {
        /// How many it has.
        turns: usize,
    },
    /// A turn tells of something impossible.
    #[error("turn {turn} of the script: {problem}")]
    Turn {
        /// Which one, from 1.
        turn: usize,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ScriptText {
    #[serde(default = "default_model")]
    model: String,
    #[serde(default, rename = "turn")]
    turns: Vec<TurnText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TurnText {
    say: Option<String>,
    #[serde(default, rename = "call")]
    calls: Vec<CallText>,
    usage: Option<UsageText>,
    #[serde(default)]
    pace_ms: u64,
    incomplete: Option<String>,
    fault: Option<FaultText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CallText {
    tool: String,
    #[serde(default)]
    arguments: toml::Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct UsageText {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    output: u64,
    #[serde(default)]
    cached: u64,
    #[serde(default)]
    reasoning: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FaultText {
    kind: FaultKind,
    after_events: Option<u32>,
    code: Option<Code>,
    status: Option<u16>,
    message: Option<String>,
    retry_after_ms: Option<u64>,
    #[serde(default = "once")]
    times: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FaultKind {
    Close,
    Drop,
    Garbage,
    Silence,
    Error,
}

/// A close code, or the code of an error.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Number(u16),
    Word(String),
}

fn default_model() -> String {
    "scripted".to_owned()
}

fn once() -> u32 {
    1
}

pub(super) fn parse(text: &str) -> Result<Script, ScriptError> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(ScriptError::TooLarge);
    }
    let script: ScriptText = toml::from_str(text).map_err(|err| ScriptError::Text {
        line: line_of(text, err.span().map_or(0, |span| span.start)),
        message: err.message().to_owned(),
    })?;
    let turns = script.turns.len();
    if turns == 0 || turns > TURNS_MAX {
        return Err(ScriptError::Turns { turns });
    }
    let turns = script.turns.into_iter().enumerate().map(|(index, turn)| {
        turn.read().map_err(|problem| ScriptError::Turn { turn: index + 1, problem })
    });
    Ok(Script { model: script.model, turns: turns.collect::<Result<_, _>>()? })
}

/// The line of a place in a text, from 1.
fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().iter().take(place);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

impl TurnText {
    fn read(self) -> Result<Turn, String> {
        if self.say.is_none() && self.calls.is_empty() && self.fault.is_none() {
            return Err("it says nothing; give it `say`, a `call` or a `fault`".to_owned());
        }
        let pace = Duration::from_millis(self.pace_ms);
        if pace > PACE_MAX {
            return Err(format!("`pace-ms` is more than {}", PACE_MAX.as_millis()));
        }
        let mut parts: Vec<_> = self.say.into_iter().map(ReplyPart::Text).collect();
        for call in self.calls {
            if call.tool.is_empty() {
                return Err("the `tool` of a call has no name".to_owned());
            }
            parts.push(ReplyPart::Call {
                name: call.tool,
                arguments: json_of_table(call.arguments)?,
            });
        }
        Ok(Turn {
            parts,
            usage: self.usage.map(UsageText::read),
            pace,
            incomplete: self.incomplete,
            fault: self.fault.map(FaultText::read).transpose()?,
            asked: AtomicU64::new(0),
        })
    }
}

impl UsageText {
    fn read(self) -> Usage {
        Usage {
            input_tokens: self.input,
            cached_tokens: self.cached,
            output_tokens: self.output,
            reasoning_tokens: self.reasoning,
            ..Usage::default()
        }
    }
}

impl FaultText {
    fn read(self) -> Result<Planned, String> {
        self.check_keys()?;
        let left = AtomicU32::new(self.times);
        let events = self.after_events.unwrap_or(0);
        let fault = match self.kind {
            FaultKind::Close => Fault::CloseAfter { events, code: close_code(self.code.as_ref())? },
            FaultKind::Drop => Fault::DropAfter { events },
            FaultKind::Garbage => Fault::GarbageAfter { events },
            FaultKind::Silence => Fault::SilentAfter { events },
            FaultKind::Error => {
                return Ok(Planned { wrong: Wrong::Refusing(self.refusal()?), left });
            }
        };
        Ok(Planned { wrong: Wrong::Sending(fault), left })
    }

    /// A key that would be ignored is a mistake that nobody sees.
    fn check_keys(&self) -> Result<(), String> {
        let (is_close, is_error) = (self.kind == FaultKind::Close, self.kind == FaultKind::Error);
        let misplaced = [
            ("code", self.code.is_some() && !is_close && !is_error),
            ("after-events", self.after_events.is_some() && is_error),
            ("status", self.status.is_some() && !is_error),
            ("message", self.message.is_some() && !is_error),
            ("retry-after-ms", self.retry_after_ms.is_some() && !is_error),
        ];
        match misplaced.iter().find(|(_, wrong)| *wrong) {
            Some((key, _)) => Err(format!("its fault has no use for `{key}`")),
            None => Ok(()),
        }
    }

    fn refusal(self) -> Result<ModelError, String> {
        let code = match self.code {
            Some(Code::Word(word)) => word,
            None => "server_error".to_owned(),
            Some(Code::Number(_)) => {
                return Err("the `code` of an error is a text, such as `server_error`".to_owned());
            }
        };
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err("the `status` of an error is between 400 and 599".to_owned());
        }
        let kind = ErrorKind::of(&code, self.status, "");
        let message = self.message.unwrap_or_else(|| format!("the script says `{code}`"));
        Ok(ModelError {
            status: self.status,
            retry_after: self
                .retry_after_ms
                .map(|ms| Duration::from_millis(ms).min(RETRY_AFTER_MAX)),
            ..ModelError::new(kind, code, message)
        })
    }
}

/// A code that may stand in a close frame (RFC 6455, section 7.4).
fn close_code(code: Option<&Code>) -> Result<u16, String> {
    match code {
        None => Ok(1011),
        Some(&Code::Number(code @ (1000..=1003 | 1007..=1014 | 3000..=4999))) => Ok(code),
        Some(Code::Number(_) | Code::Word(_)) => {
            Err("the `code` of a close is a number that a close frame may carry".to_owned())
        }
    }
}

fn json_of_table(table: toml::Table) -> Result<Value, String> {
    let entries = table.into_iter().map(|(key, value)| Ok((key, json_of(value)?)));
    Ok(Value::Object(entries.collect::<Result<Map<_, _>, String>>()?))
}

/// TOML as JSON. Dates become texts; `nan` and `inf` are nothing that JSON knows.
fn json_of(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .ok_or_else(|| format!("`{number}` in the arguments is not a number of JSON"))?
            .into(),
        toml::Value::Array(values) => {
            Value::Array(values.into_iter().map(json_of).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => json_of_table(table)?,
    })
}
