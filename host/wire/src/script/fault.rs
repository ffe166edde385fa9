//! What goes wrong in a turn, as it is written.

use std::sync::atomic::AtomicU32;

use serde::Deserialize;

use super::refusal::{RefusalText, milliseconds};
use super::{Planned, Wrong};
use crate::link::MESSAGE_BYTES_MAX;
use crate::server::{Drip, ErrorShape, Fault, FaultKind};

/// The largest event that a script can ask for: twice of what the crate's own client takes.
const OVERSIZED_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// One fault of a turn, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

/// The faults of a turn.
///
/// A table is told from a list by hand: so a mistake in either is reported as what it is.
#[derive(Default)]
pub(super) struct FaultTexts(Vec<FaultText>);

impl<'de> Deserialize<'de> for FaultTexts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tables = match OneOrMany::<toml::Table>::deserialize(deserializer)? {
            OneOrMany::Many(tables) => tables,
            OneOrMany::One(table) => vec![table],
        };
        let faults = tables.into_iter().map(|table| {
            FaultText::deserialize(table)
                .map_err(|err| serde::de::Error::custom(format!("a fault: {}", err.message())))
        });
        Ok(Self(faults.collect::<Result<_, _>>()?))
    }
}

impl FaultTexts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn read(self) -> Result<Vec<Planned>, String> {
        self.0.into_iter().map(FaultText::read).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FaultText {
    kind: Kind,
    after_events: Option<u32>,
    code: Option<Code>,
    status: Option<u16>,
    message: Option<String>,
    retry_after_ms: Option<u64>,
    retry_in: Option<super::refusal::RetryIn>,
    shape: Option<Shape>,
    for_ms: Option<u64>,
    pause_ms: Option<u64>,
    bytes: Option<usize>,
    #[serde(default = "super::once")]
    times: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Close,
    Drop,
    Cut,
    Silence,
    NoPong,
    Drip,
    Garbage,
    Binary,
    Noise,
    Oversized,
    Duplicate,
    Swap,
    Omit,
    NoUsage,
    Error,
    Failed,
    ConnectionLimit,
    Lost,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Nested,
    NoStatus,
    Flat,
}

/// A close code, or the code of an error.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Number(u16),
    Word(String),
}

impl FaultText {
    fn read(self) -> Result<Planned, String> {
        self.check_keys()?;
        let left = AtomicU32::new(self.times);
        let after_events = self.after_events.unwrap_or(0);
        let kind = match self.kind {
            Kind::Close => FaultKind::Close { code: close_code(self.code.as_ref())? },
            Kind::Drop => FaultKind::Drop,
            Kind::Cut => FaultKind::Cut,
            Kind::Silence => {
                FaultKind::Silence { time: self.for_ms.map(milliseconds).transpose()? }
            }
            Kind::NoPong => FaultKind::NoPong,
            Kind::Drip => FaultKind::Drip(Drip {
                bytes: self.bytes.unwrap_or(1),
                pause: milliseconds(self.pause_ms.unwrap_or(10))?,
            }),
            Kind::Garbage => FaultKind::Garbage,
            Kind::Binary => FaultKind::Binary,
            Kind::Noise => FaultKind::Noise,
            Kind::Oversized => {
                let bytes = self.bytes.unwrap_or(MESSAGE_BYTES_MAX + 1);
                if bytes > OVERSIZED_BYTES_MAX {
                    return Err(format!("`bytes` is more than {OVERSIZED_BYTES_MAX}"));
                }
                FaultKind::Oversized { bytes }
            }
            Kind::Duplicate => FaultKind::Duplicate,
            Kind::Swap => FaultKind::Swap,
            Kind::Omit => FaultKind::Omit,
            Kind::NoUsage => FaultKind::NoUsage,
            Kind::Error => {
                let shape = self.shape.map(Shape::read);
                FaultKind::Error { error: self.refusal()?.read()?, shape }
            }
            Kind::Failed => {
                let error = self.refusal()?.read()?;
                FaultKind::Failed { code: error.code, message: error.message }
            }
            Kind::ConnectionLimit => FaultKind::ConnectionLimit,
            Kind::Lost => return Ok(Planned { wrong: Wrong::Lost, left }),
        };
        Ok(Planned { wrong: Wrong::Sending(Fault { after_events, kind }), left })
    }

    /// A key that would be ignored is a mistake that nobody sees.
    fn check_keys(&self) -> Result<(), String> {
        let kind = self.kind;
        let is = |kinds: &[Kind]| kinds.contains(&kind);
        let is_error = kind == Kind::Error;
        let used = [
            ("code", self.code.is_some(), is(&[Kind::Close, Kind::Error, Kind::Failed])),
            ("after-events", self.after_events.is_some(), !is(&[Kind::Lost, Kind::NoUsage])),
            ("status", self.status.is_some(), is_error),
            ("message", self.message.is_some(), is(&[Kind::Error, Kind::Failed])),
            ("retry-after-ms", self.retry_after_ms.is_some(), is_error),
            ("retry-in", self.retry_in.is_some(), is_error),
            ("shape", self.shape.is_some(), is_error),
            ("for-ms", self.for_ms.is_some(), is(&[Kind::Silence])),
            ("pause-ms", self.pause_ms.is_some(), is(&[Kind::Drip])),
            ("bytes", self.bytes.is_some(), is(&[Kind::Drip, Kind::Oversized])),
        ];
        match used.iter().find(|(_, is_there, is_used)| *is_there && !*is_used) {
            Some((key, ..)) => Err(format!("its fault has no use for `{key}`")),
            None => Ok(()),
        }
    }

    fn refusal(self) -> Result<RefusalText, String> {
        let code = match self.code {
            Some(Code::Word(word)) => Some(word),
            None => None,
            Some(Code::Number(_)) => {
                return Err("the `code` of an error is a text, such as `server_error`".to_owned());
            }
        };
        Ok(RefusalText {
            code,
            status: self.status,
            message: self.message,
            retry_after_ms: self.retry_after_ms,
            retry_in: self.retry_in,
        })
    }
}

impl Shape {
    fn read(self) -> ErrorShape {
        match self {
            Self::Nested => ErrorShape::Nested,
            Self::NoStatus => ErrorShape::NoStatus,
            Self::Flat => ErrorShape::Flat,
        }
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
