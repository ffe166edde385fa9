//! How those who come are received, as it is written.

use std::iter;

use serde::Deserialize;

use super::refusal::{RefusalText, RetryIn};
use crate::server::{Framing, Greeting, Post};

/// How often one line can stand for a greeting.
const TIMES_MAX: u32 = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct UpgradeText {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    retry_after_ms: Option<u64>,
    retry_in: Option<RetryIn>,
    fault: Option<DoorFault>,
    #[serde(default = "super::once")]
    times: u32,
}

/// The same for a request over HTTP. Its keys are repeated because `serde` can check unknown
/// ones only in one flat table.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PostText {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    retry_after_ms: Option<u64>,
    retry_in: Option<RetryIn>,
    fault: Option<DoorFault>,
    framing: Option<FramingText>,
    #[serde(default = "super::once")]
    times: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DoorFault {
    Stall,
    Drop,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FramingText {
    Lf,
    Crlf,
    Comments,
    Lines,
    Shreds,
    Done,
}

impl UpgradeText {
    pub(super) fn read(self) -> Result<impl Iterator<Item = Greeting>, String> {
        let times = times(self.times)?;
        let refusal = RefusalText {
            code: self.code,
            status: self.status,
            message: self.message,
            retry_after_ms: self.retry_after_ms,
            retry_in: self.retry_in,
        };
        Ok(iter::repeat_n(greeting(refusal, self.fault)?, times))
    }
}

impl PostText {
    pub(super) fn read(self) -> Result<impl Iterator<Item = Post>, String> {
        let times = times(self.times)?;
        let framing = match self.framing {
            None | Some(FramingText::Lf) => Framing::Lf,
            Some(FramingText::Crlf) => Framing::Crlf,
            Some(FramingText::Comments) => Framing::Comments,
            Some(FramingText::Lines) => Framing::Lines,
            Some(FramingText::Shreds) => Framing::Shreds,
            Some(FramingText::Done) => Framing::Done,
        };
        let is_framed = self.framing.is_some();
        let refusal = RefusalText {
            code: self.code,
            status: self.status,
            message: self.message,
            retry_after_ms: self.retry_after_ms,
            retry_in: self.retry_in,
        };
        let greeting = greeting(refusal, self.fault)?;
        if is_framed && greeting != Greeting::Admit {
            return Err("it has no use for `framing`".to_owned());
        }
        Ok(iter::repeat_n(Post { greeting, framing }, times))
    }
}

fn times(times: u32) -> Result<usize, String> {
    if times > TIMES_MAX {
        return Err(format!("`times` is more than {TIMES_MAX}"));
    }
    Ok(usize::try_from(times).unwrap_or(usize::MAX))
}

/// A status refuses; a fault does worse; neither lets in.
fn greeting(refusal: RefusalText, fault: Option<DoorFault>) -> Result<Greeting, String> {
    let of_errors = [
        ("code", refusal.code.is_some()),
        ("message", refusal.message.is_some()),
        ("retry-after-ms", refusal.retry_after_ms.is_some()),
        ("retry-in", refusal.retry_in.is_some()),
    ];
    if refusal.status.is_some() {
        return match fault {
            Some(_) => Err("it has both a `status` and a `fault`".to_owned()),
            None => refusal.read().map(Greeting::Refuse),
        };
    }
    if let Some((key, _)) = of_errors.iter().find(|(_, is_there)| *is_there) {
        return Err(format!("it has no use for `{key}` without a `status`"));
    }
    Ok(match fault {
        None => Greeting::Admit,
        Some(DoorFault::Stall) => Greeting::Stall,
        Some(DoorFault::Drop) => Greeting::Drop,
    })
}
