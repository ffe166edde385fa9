//! How far one call may go.
//!
//! Fuel comes first: it is the limit that is the same on every machine. The wall clock is there
//! for what fuel does not see, a slow disk or a starved machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use snapshot::View;

/// Bytes of one mebibyte.
const MIB: u64 = 1024 * 1024;

/// The ceilings of one call. A step may lower or raise them, up to [`Limits::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Units of work: about one for each instruction, and one for each byte of a bulk operation.
    pub fuel: u64,
    /// Time from the moment the call gets its place, waiting for disks included.
    pub wall: Duration,
    /// Bytes of all linear memories and tables together.
    pub memory_bytes: u64,
    /// Bytes of the stack that its functions call each other on.
    pub stack_bytes: u64,
    /// Bytes of the answer.
    pub output_bytes: u64,
    /// Lines of the log that are kept; the rest is counted and dropped.
    pub log_lines: u64,
    /// Bytes of the log that are kept; the rest is counted and dropped.
    pub log_bytes: u64,
    /// Questions asked of the repository, repeated ones included.
    pub host_calls: u64,
    /// Bytes of all answers of the repository.
    pub read_bytes: u64,
    /// Different questions asked of the repository.
    pub questions: u64,
    /// Handles held at one time, over all kinds of resources.
    pub handles: u64,
}

/// A limit that no host allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{limit}` is {asked}, the most is {most}")]
pub struct LimitsError {
    /// The field of [`Limits`].
    pub limit: &'static str,
    /// What was asked for, in the field's unit; milliseconds for the time.
    pub asked: u64,
    /// What is allowed.
    pub most: u64,
}

impl Default for Limits {
    /// Enough for a tool that reads a large repository once, and over before anyone wonders.
    fn default() -> Self {
        Self {
            // Two to four seconds of one core.
            fuel: 50_000_000_000,
            wall: Duration::from_secs(30),
            memory_bytes: 256 * MIB,
            stack_bytes: MIB,
            output_bytes: MIB,
            log_lines: 1_000,
            log_bytes: MIB / 4,
            host_calls: 50_000,
            read_bytes: 256 * MIB,
            questions: 10_000,
            handles: 1_024,
        }
    }
}

impl Limits {
    /// The most that can be asked for.
    pub const MAX: Self = Self {
        // About a quarter of an hour of one core; the wall clock is over before that.
        fuel: 20_000_000_000_000,
        // A tool that needs longer is a job of its own.
        wall: Duration::from_secs(600),
        // Interpreters fit many times over, and eight calls at once fit on a CI runner.
        memory_bytes: 1024 * MIB,
        // As much as the main thread of a program has nearly everywhere.
        stack_bytes: 8 * MIB,
        // Sixteen times what a model can read.
        output_bytes: 16 * MIB,
        // The contract: lines after the thousandth are dropped.
        log_lines: 1_000,
        // A thousand lines of 4 KiB.
        log_bytes: 4 * MIB,
        // At microseconds each, this is seconds of the host's time.
        host_calls: 1_000_000,
        // Every byte is hashed: a gibibyte is about half a second.
        read_bytes: 4096 * MIB,
        // What a view remembers; each is kept, and later asked again by the cache.
        questions: View::QUESTIONS_MAX as u64,
        // A kilobyte each at the most: a small part of what a worker has for itself.
        handles: 16_384,
    };

    /// These limits, if none is above [`Limits::MAX`].
    ///
    /// # Errors
    ///
    /// Names the first that is.
    pub fn checked(self) -> Result<Self, LimitsError> {
        let most = Self::MAX.fields();
        for ((limit, asked), (_, most)) in self.fields().into_iter().zip(most) {
            if asked > most {
                return Err(LimitsError { limit, asked, most });
            }
        }
        Ok(self)
    }

    /// Every limit, at most what is allowed: whoever did not ask [`Limits::checked`] gets less
    /// than they wanted, never more than is safe.
    pub(crate) fn clamped(&self) -> Self {
        Self {
            fuel: self.fuel.min(Self::MAX.fuel),
            wall: self.wall.min(Self::MAX.wall),
            memory_bytes: self.memory_bytes.min(Self::MAX.memory_bytes),
            stack_bytes: self.stack_bytes.min(Self::MAX.stack_bytes),
            output_bytes: self.output_bytes.min(Self::MAX.output_bytes),
            log_lines: self.log_lines.min(Self::MAX.log_lines),
            log_bytes: self.log_bytes.min(Self::MAX.log_bytes),
            host_calls: self.host_calls.min(Self::MAX.host_calls),
            read_bytes: self.read_bytes.min(Self::MAX.read_bytes),
            questions: self.questions.min(Self::MAX.questions),
            handles: self.handles.min(Self::MAX.handles),
        }
    }

    fn fields(&self) -> [(&'static str, u64); 11] {
        // Without the rest pattern: a new limit cannot be forgotten here.
        let Self {
            fuel,
            wall,
            memory_bytes,
            stack_bytes,
            output_bytes,
            log_lines,
            log_bytes,
            host_calls,
            read_bytes,
            questions,
            handles,
        } = *self;
        [
            ("fuel", fuel),
            ("wall", millis(wall)),
            ("memory-bytes", memory_bytes),
            ("stack-bytes", stack_bytes),
            ("output-bytes", output_bytes),
            ("log-lines", log_lines),
            ("log-bytes", log_bytes),
            ("host-calls", host_calls),
            ("read-bytes", read_bytes),
            ("questions", questions),
            ("handles", handles),
        ]
    }
}

/// Whole milliseconds, rounded up so that nothing above a limit looks like the limit.
pub(crate) fn millis(time: Duration) -> u64 {
    let millis = time.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_allowed_to_the_last_unit() {
        assert_eq!(Limits::MAX.checked(), Ok(Limits::MAX));
        assert_eq!(Limits::default().checked(), Ok(Limits::default()));
        assert_eq!(Limits::MAX.clamped(), Limits::MAX);
    }

    #[test]
    fn one_more_is_refused_by_name() {
        let above: [fn(&mut Limits); 11] = [
            |l| l.fuel += 1,
            |l| l.wall += Duration::from_nanos(1),
            |l| l.memory_bytes += 1,
            |l| l.stack_bytes += 1,
            |l| l.output_bytes += 1,
            |l| l.log_lines += 1,
            |l| l.log_bytes += 1,
            |l| l.host_calls += 1,
            |l| l.read_bytes += 1,
            |l| l.questions += 1,
            |l| l.handles += 1,
        ];
        let refusals: Vec<String> = above
            .iter()
            .map(|raise| {
                let mut limits = Limits::MAX;
                raise(&mut limits);
                assert_eq!(limits.clamped(), Limits::MAX);
                limits.checked().unwrap_err().to_string()
            })
            .collect();
        insta::assert_snapshot!(refusals.join("\n"), @r"
        the limit `fuel` is 20000000000001, the most is 20000000000000
        the limit `wall` is 600001, the most is 600000
        the limit `memory-bytes` is 1073741825, the most is 1073741824
        the limit `stack-bytes` is 8388609, the most is 8388608
        the limit `output-bytes` is 16777217, the most is 16777216
        the limit `log-lines` is 1001, the most is 1000
        the limit `log-bytes` is 4194305, the most is 4194304
        the limit `host-calls` is 1000001, the most is 1000000
        the limit `read-bytes` is 4294967297, the most is 4294967296
        the limit `questions` is 50001, the most is 50000
        the limit `handles` is 16385, the most is 16384
        ");
    }
}
