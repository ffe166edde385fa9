//! What the process of the step and a worker say to each other.

use std::time::Duration;

use snapshot::{Answer, Digest, Question};

use super::frame::{Garbled, Reader, Writer};
use super::trial::{Trial, Tried};
use super::wall::{Wall, Walls};
use super::words;
use crate::call::{Call, Ran};
use crate::engine::Memory;
use crate::foreign::Entry;
use crate::limits::Limits;
use crate::outcome::{Ending, Level, LogLine, Outcome};
use crate::run;
use crate::tool::Unfitting;

/// Bytes of a frame to a worker, at most: the largest answer, or a component.
pub(crate) const TO_WORKER_BYTES_MAX: usize = ANSWER_BYTES_MAX + SLACK_BYTES;

/// Bytes of an answer that goes to a worker: twenty thousand of the longest paths, or matches of
/// the longest lines, or a directory of a million names.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of a frame from a worker that starts, tries or compiles.
pub(crate) const WORD_BYTES_MAX: usize = 64 * 1024;

/// Beside what is counted.
const SLACK_BYTES: usize = 64 * 1024;

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum ToWorker {
    /// What it is for; always first, and once.
    Start(Start),
    /// A component to compile.
    Component(Vec<u8>),
    /// A call to carry out.
    Call {
        /// What of the component is called.
        entry: Entry,
        /// JSON.
        input: String,
        /// What randomness follows from.
        seed: Digest,
        /// How far it may go.
        limits: Limits,
    },
    /// The answer to what it asked.
    Told(Answer),
    /// To end the call: instead of an answer, or at any time.
    Stop,
}

/// What a worker is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// The process that it must not outlive.
    pub(crate) parent: u32,
    /// Whether memory is reserved in advance.
    pub(crate) pool: bool,
    /// What its guests may have.
    pub(crate) room: Room,
    /// What to do.
    pub(crate) task: Task,
}

/// What a process is set up for: it runs no call that was given other numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes of all memories and tables of a guest.
    pub(crate) memory_bytes: u64,
    /// Bytes of a guest's stack.
    pub(crate) stack_bytes: u64,
}

impl Room {
    /// What a call with these limits needs.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self { memory_bytes: limits.memory_bytes, stack_bytes: limits.stack_bytes }
    }
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Runs the guest whose compiled code it was given.
    Guest,
    /// Compiles one component.
    Compile,
    /// Says which walls stand around it.
    Probe,
    /// Tries what no guest must be able to do.
    Trial(Trial),
}

/// What a worker says.
#[derive(Debug)]
pub(crate) enum ToHost {
    /// It stands behind these walls and waits for calls.
    Ready(Walls),
    /// It cannot do what it is for.
    Failed(String),
    /// Its guest asks.
    Ask(Question),
    /// The call is over.
    Done(Ran),
    /// The code is in the file that it was given.
    Compiled,
    /// The component is not a tool.
    Unfitting(Unfitting),
    /// What came of a trial.
    Tried(Tried),
}

impl ToWorker {
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        match self {
            Self::Start(start) => write_start(start),
            Self::Component(bytes) => {
                let mut writer = Writer::new(1);
                writer.bytes(bytes);
                writer.finish()
            }
            Self::Call { entry, input, seed, limits } => {
                call(&Call { entry, input, seed: *seed, limits })
            }
            Self::Told(answer) => {
                let mut writer = Writer::new(3);
                words::write_answer(&mut writer, answer);
                writer.finish()
            }
            Self::Stop => Writer::new(4).finish(),
        }
    }

    pub(crate) fn read(frame: &[u8]) -> Result<Self, Garbled> {
        let (tag, mut from) = Reader::new(frame)?;
        let message = match tag {
            0 => Self::Start(read_start(&mut from)?),
            1 => Self::Component(from.bytes()?.to_vec()),
            2 => Self::Call {
                entry: Entry::from_words(from.byte()?, from.text()?, from.text()?)
                    .ok_or(Garbled)?,
                input: from.text()?,
                seed: read_digest(&mut from)?,
                limits: read_limits(&mut from)?,
            },
            3 => Self::Told(words::read_answer(&mut from)?),
            4 => Self::Stop,
            _ => return Err(Garbled),
        };
        from.end()?;
        Ok(message)
    }
}

/// [`ToWorker::Call`], without owning the input.
pub(crate) fn call(call: &Call<'_>) -> Option<Vec<u8>> {
    let mut writer = Writer::new(2);
    let (kind, interface, name) = call.entry.to_words();
    writer.byte(kind).text(interface).text(name);
    writer.text(call.input).bytes(call.seed.as_bytes());
    write_limits(&mut writer, call.limits);
    writer.finish()
}

fn read_digest(from: &mut Reader<'_>) -> Result<Digest, Garbled> {
    from.bytes()?.try_into().map(Digest::from_bytes).map_err(|_| Garbled)
}

fn write_start(start: &Start) -> Option<Vec<u8>> {
    let Start { parent, pool, room, task } = *start;
    let Room { memory_bytes, stack_bytes } = room;
    let mut writer = Writer::new(0);
    writer.small(parent).flag(pool).number(memory_bytes).number(stack_bytes);
    match task {
        Task::Guest => writer.byte(0),
        Task::Compile => writer.byte(1),
        Task::Probe => writer.byte(2),
        Task::Trial(trial) => writer.byte(3).byte(trial.number()),
    };
    writer.finish()
}

fn read_start(from: &mut Reader<'_>) -> Result<Start, Garbled> {
    let (parent, pool) = (from.small()?, from.flag()?);
    let room = Room { memory_bytes: from.number()?, stack_bytes: from.number()? };
    let task = match from.byte()? {
        0 => Task::Guest,
        1 => Task::Compile,
        2 => Task::Probe,
        3 => Task::Trial(Trial::numbered(from.byte()?).ok_or(Garbled)?),
        _ => return Err(Garbled),
    };
    Ok(Start { parent, pool, room, task })
}

fn write_limits(to: &mut Writer, limits: &Limits) {
    // Without the rest pattern: a new limit cannot be forgotten here.
    let Limits {
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
    } = *limits;
    to.number(fuel).number(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX));
    to.number(memory_bytes).number(stack_bytes).number(output_bytes);
    to.number(log_lines).number(log_bytes);
    to.number(host_calls).number(read_bytes).number(questions).number(handles);
}

fn read_limits(from: &mut Reader<'_>) -> Result<Limits, Garbled> {
    let limits = Limits {
        fuel: from.number()?,
        wall: Duration::from_micros(from.number()?),
        memory_bytes: from.number()?,
        stack_bytes: from.number()?,
        output_bytes: from.number()?,
        log_lines: from.number()?,
        log_bytes: from.number()?,
        host_calls: from.number()?,
        read_bytes: from.number()?,
        questions: from.number()?,
        handles: from.number()?,
    };
    Ok(limits.clamped())
}

impl ToHost {
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        let mut writer;
        match self {
            Self::Ready(walls) => {
                writer = Writer::new(0);
                write_walls(&mut writer, walls);
            }
            Self::Failed(what) => {
                writer = Writer::new(1);
                writer.text(what);
            }
            Self::Ask(question) => return ask(question),
            Self::Done(ran) => {
                writer = Writer::new(3);
                write_ran(&mut writer, ran);
            }
            Self::Compiled => writer = Writer::new(4),
            Self::Unfitting(unfitting) => {
                writer = Writer::new(5);
                write_unfitting(&mut writer, unfitting);
            }
            Self::Tried(tried) => {
                writer = Writer::new(6);
                match tried {
                    Tried::Did(what) => writer.byte(0).text(what),
                    Tried::Refused(why) => writer.byte(1).text(why),
                };
            }
        }
        writer.finish()
    }

    /// `limits` are those of the call that is running, for what it is told by numbers.
    pub(crate) fn read(frame: &[u8], limits: &Limits) -> Result<Self, Garbled> {
        let (tag, mut from) = Reader::new(frame)?;
        let message = match tag {
            0 => Self::Ready(read_walls(&mut from)?),
            1 => Self::Failed(from.text()?),
            2 => Self::Ask(words::read_question(&mut from)?),
            3 => Self::Done(read_ran(&mut from, limits)?),
            4 => Self::Compiled,
            5 => Self::Unfitting(read_unfitting(&mut from)?),
            6 => Self::Tried(match from.byte()? {
                0 => Tried::Did(from.text()?),
                1 => Tried::Refused(from.text()?),
                _ => return Err(Garbled),
            }),
            _ => return Err(Garbled),
        };
        from.end()?;
        Ok(message)
    }
}

/// [`ToHost::Ask`], without owning the question.
pub(crate) fn ask(question: &Question) -> Option<Vec<u8>> {
    let mut writer = Writer::new(2);
    words::write_question(&mut writer, question);
    writer.finish()
}

/// Bytes of a frame from a worker that runs a guest under these limits: what a guest can hand
/// over in one question, twice for lists of short texts, or an answer with its log.
pub(crate) fn from_guest_bytes_max(limits: &Limits) -> usize {
    let log = limits.log_bytes.saturating_add(limits.log_lines.saturating_mul(8));
    let bytes = run::handover(limits).saturating_mul(2).saturating_add(log);
    usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(SLACK_BYTES)
}

fn write_walls(to: &mut Writer, walls: &Walls) {
    match &walls.memory {
        Memory::Pool => to.byte(0),
        Memory::OnDemand => to.byte(1),
        Memory::NoPool(why) => to.byte(2).text(why),
    };
    to.count(walls.walls.len());
    for Wall { name, stands, about } in &walls.walls {
        to.text(name).flag(*stands).text(about);
    }
}

fn read_walls(from: &mut Reader<'_>) -> Result<Walls, Garbled> {
    let memory = match from.byte()? {
        0 => Memory::Pool,
        1 => Memory::OnDemand,
        2 => Memory::NoPool(from.text()?),
        _ => return Err(Garbled),
    };
    let wall = |from: &mut Reader<'_>| {
        Ok(Wall { name: from.text()?, stands: from.flag()?, about: from.text()? })
    };
    let walls = (0..from.count(9)?).map(|_| wall(from)).collect::<Result<_, _>>()?;
    Ok(Walls { memory, walls })
}

fn write_ran(to: &mut Writer, ran: &Ran) {
    let Ran { outcome, fuel, memory_peak, log, log_dropped } = ran;
    match outcome {
        Outcome::Answered(json) => to.byte(0).text(json),
        Outcome::Refused { message } => to.byte(1).text(message),
        Outcome::Ended(ending) => write_ending(to, ending),
    };
    to.number(*fuel).number(*memory_peak).number(*log_dropped).count(log.len());
    for LogLine { level, text } in log {
        let level = match level {
            Level::Debug => 0,
            Level::Info => 1,
            Level::Warning => 2,
        };
        to.byte(level).text(text);
    }
}

/// Only what a worker can know; the numbers are filled in where they are believed.
fn write_ending<'a>(to: &'a mut Writer, ending: &Ending) -> &'a mut Writer {
    match ending {
        Ending::OutOfFuel { .. } => to.byte(2),
        Ending::OutOfTime { .. } => to.byte(3),
        Ending::OutOfMemory { .. } => to.byte(4),
        Ending::OutputTooLarge { .. } => to.byte(5),
        Ending::Trapped { what } => to.byte(6).text(what),
        Ending::HostShort => to.byte(7),
        Ending::StackExhausted { .. } => to.byte(9),
        Ending::TooManyHandles { .. } => to.byte(10),
        // It was told to stop, and whoever told it knows why.
        Ending::Cancelled
        | Ending::TooManyHostCalls { .. }
        | Ending::ReadTooMuch { .. }
        | Ending::TooManyQuestions { .. }
        | Ending::Unstable { .. }
        | Ending::BadAnswer { .. }
        | Ending::BadInput { .. }
        | Ending::WorkerLost { .. } => to.byte(8),
    }
}

/// A guest's end, as far as a worker can be believed: everything is cut to the limits again.
fn read_ran(from: &mut Reader<'_>, limits: &Limits) -> Result<Ran, Garbled> {
    let outcome = match from.byte()? {
        0 => {
            let json = from.text()?;
            if json.len() as u64 > limits.output_bytes {
                return Err(Garbled);
            }
            Outcome::Answered(json)
        }
        1 => run::refused(from.text()?),
        other => Outcome::Ended(read_ending(other, from, limits)?),
    };
    let (fuel, memory_peak) = (from.number()?, from.number()?);
    let (fuel, memory_peak) = (fuel.min(limits.fuel), memory_peak.min(limits.memory_bytes));
    let log_dropped = from.number()?;
    let log = read_log(from, limits)?;
    Ok(Ran { outcome, fuel, memory_peak, log, log_dropped })
}

fn read_ending(kind: u8, from: &mut Reader<'_>, limits: &Limits) -> Result<Ending, Garbled> {
    Ok(match kind {
        2 => Ending::OutOfFuel { limit: limits.fuel },
        3 => Ending::OutOfTime { limit_ms: crate::limits::millis(limits.wall) },
        4 => Ending::OutOfMemory { limit: limits.memory_bytes },
        5 => Ending::OutputTooLarge { limit: limits.output_bytes },
        6 => {
            let mut what = from.text()?;
            crate::guest::truncate(&mut what, run::TRAP_BYTES_MAX);
            Ending::Trapped { what }
        }
        7 => Ending::HostShort,
        8 => Ending::Cancelled,
        9 => Ending::StackExhausted { limit: limits.stack_bytes },
        10 => Ending::TooManyHandles { limit: limits.handles },
        _ => return Err(Garbled),
    })
}

fn read_log(from: &mut Reader<'_>, limits: &Limits) -> Result<Vec<LogLine>, Garbled> {
    let count = from.count(5)?;
    if count as u64 > limits.log_lines {
        return Err(Garbled);
    }
    let (mut log, mut bytes) = (Vec::new(), 0_u64);
    for _ in 0..count {
        let level = match from.byte()? {
            0 => Level::Debug,
            1 => Level::Info,
            2 => Level::Warning,
            _ => return Err(Garbled),
        };
        let text = from.text()?;
        bytes += text.len() as u64;
        if bytes > limits.log_bytes {
            return Err(Garbled);
        }
        log.push(LogLine { level, text });
    }
    Ok(log)
}

fn write_unfitting(to: &mut Writer, unfitting: &Unfitting) {
    match unfitting {
        Unfitting::Invalid(causes) => to.byte(0).texts(causes),
        Unfitting::TooManyParts { memories, tables } => to.byte(1).small(*memories).small(*tables),
        Unfitting::Missing(imports) => to.byte(2).texts(imports),
        Unfitting::Mismatch(causes) => to.byte(3).texts(causes),
        Unfitting::TooMuchCode(bytes) => to.byte(4).number(*bytes),
    };
}

fn read_unfitting(from: &mut Reader<'_>) -> Result<Unfitting, Garbled> {
    Ok(match from.byte()? {
        0 => Unfitting::Invalid(from.texts()?),
        1 => Unfitting::TooManyParts { memories: from.small()?, tables: from.small()? },
        2 => Unfitting::Missing(from.texts()?),
        3 => Unfitting::Mismatch(from.texts()?),
        4 => Unfitting::TooMuchCode(from.number()?),
        _ => return Err(Garbled),
    })
}

#[cfg(test)]
mod tests;
