//! A script as it is written, and what can be wrong with it.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::door::{PostText, UpgradeText};
use super::fault::FaultTexts;
use super::{Script, Turn};
use crate::server::{Door, ReplyPart};
use crate::usage::Usage;

/// Bytes of a script. The examples have 2 KiB; patches and large outputs fit many times over.
const SCRIPT_BYTES_MAX: usize = 4 << 20;

/// Turns of a script: more than any budget allows a run.
const TURNS_MAX: usize = 10_000;

/// The longest pace. A delta a minute is slower than any timer of a step.
const PACE_MAX: Duration = Duration::from_mins(1);

/// Greetings of a script, counted as often as they are given.
const GREETINGS_MAX: usize = 100_000;

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
    /// Somebody is received in an impossible way.
    #[error("`{list}` {number} of the script: {problem}")]
    Greeting {
        /// `upgrade` or `post`.
        list: &'static str,
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        problem: String,
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
    #[serde(default, rename = "upgrade")]
    upgrades: Vec<UpgradeText>,
    #[serde(default, rename = "post")]
    posts: Vec<PostText>,
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
    #[serde(default)]
    fault: FaultTexts,
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

fn default_model() -> String {
    "scripted".to_owned()
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
    let turns = turns.collect::<Result<_, _>>()?;
    let upgrades = greetings("upgrade", script.upgrades, UpgradeText::read)?;
    let posts = greetings("post", script.posts, PostText::read)?;
    Ok(Script { model: script.model, turns, door: Door { upgrades, posts } })
}

/// What one list of greetings stands for.
fn greetings<T, G, I: Iterator<Item = G>>(
    list: &'static str,
    texts: Vec<T>,
    read: impl Fn(T) -> Result<I, String>,
) -> Result<Vec<G>, ScriptError> {
    let mut greetings = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let some = read(text).map_err(|problem| ScriptError::Greeting {
            list,
            number: index + 1,
            problem,
        })?;
        greetings.extend(some);
        if greetings.len() > GREETINGS_MAX {
            let problem = format!("the list stands for more than {GREETINGS_MAX}");
            return Err(ScriptError::Greeting { list, number: index + 1, problem });
        }
    }
    Ok(greetings)
}

/// The line of a place in a text, from 1.
fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().iter().take(place);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

impl TurnText {
    fn read(self) -> Result<Turn, String> {
        if self.say.is_none() && self.calls.is_empty() && self.fault.is_empty() {
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
            faults: self.fault.read()?,
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
