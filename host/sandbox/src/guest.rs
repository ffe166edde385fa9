//! What a running guest can reach: the repository's answers and a bounded log. Nothing else is
//! linked, so nothing else is there.

use std::sync::{Arc, Mutex, PoisonError};

use snapshot::{Answer, Digest, Question};
use tokio::task;

use crate::asked::Asked;
use crate::bindings::stepwell::tool::repository::{
    self, Entry, Found, GlobQuery, Kind, Matches, Metadata, ReadError, SearchQuery, Tree,
};
use crate::bindings::stepwell::tool::{environment, log};
use crate::call::Ran;
use crate::ceiling::Ceiling;
use crate::limits::Limits;
use crate::outcome::{Level, LogLine, Outcome};
use crate::translate;
use crate::wasi::Wasi;
use crate::worker::Line;

/// Bytes of one line of the log; the contract says so.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 4 * 1024;

/// Bytes that host functions may handle before the guest gives way to other tasks. Copying and
/// hashing this much is about half a millisecond.
const BREATH_BYTES: u64 = 1024 * 1024;

/// What a host function weighs against [`BREATH_BYTES`] beside the bytes it handles: 64 of them,
/// at some microseconds each, are a breath too.
const CALL_WEIGHT: u64 = BREATH_BYTES / 64;

/// The state of one call, owned by its store.
pub(crate) struct Guest {
    pub(crate) repository: Repository,
    pub(crate) ceiling: Ceiling,
    pub(crate) log: Log,
    /// What tells this call from every other: its tool and its input.
    seed: Digest,
    handles: u64,
    /// Most guests never ask for it.
    wasi: Option<Box<Wasi>>,
    since_breath: u64,
}

/// Who answers a guest's questions.
pub(crate) enum Repository {
    /// This process, which has the view.
    Here(Asked),
    /// The process of the step, at the other end of the line.
    There(Arc<Mutex<Line>>),
}

/// The guest's log, cut to size.
#[derive(Debug)]
pub(crate) struct Log {
    lines_max: u64,
    bytes_left: u64,
    pub(crate) lines: Vec<LogLine>,
    pub(crate) dropped: u64,
}

impl Guest {
    pub(crate) fn new(repository: Repository, seed: Digest, limits: &Limits) -> Self {
        Self {
            repository,
            seed,
            handles: limits.handles,
            wasi: None,
            ceiling: Ceiling::new(limits.memory_bytes),
            log: Log {
                lines_max: limits.log_lines,
                bytes_left: limits.log_bytes,
                lines: Vec::new(),
                dropped: 0,
            },
            since_breath: 0,
        }
    }

    /// The virtual WASI, from the moment it is first needed.
    pub(crate) fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(&self.seed, self.handles)))
    }

    /// What is known of it when its call is over, and who answered its questions.
    pub(crate) fn finish(mut self, outcome: Outcome, fuel: u64) -> (Ran, Repository) {
        for (level, line) in self.wasi.iter_mut().flat_map(|wasi| wasi.last_lines()) {
            self.log.write(level, line);
        }
        let Log { lines: log, dropped: log_dropped, .. } = self.log;
        let memory_peak = self.ceiling.peak();
        (Ran { outcome, fuel, memory_peak, log, log_dropped }, self.repository)
    }

    /// Puts one question to the repository.
    pub(crate) async fn ask(&mut self, question: Question) -> wasmtime::Result<Answer> {
        let answer = match &mut self.repository {
            Repository::Here(asked) => asked.answer(question).await?,
            // Waits for the answer: this process has nothing else to do.
            Repository::There(line) => {
                return line.lock().unwrap_or_else(PoisonError::into_inner).ask(&question);
            }
        };
        self.breathe(translate::weight(&answer)).await;
        Ok(answer)
    }

    /// Gives way once in a while. Fuel does this while the guest computes; a guest that mostly
    /// asks uses little fuel.
    pub(crate) async fn breathe(&mut self, bytes: u64) {
        self.since_breath += CALL_WEIGHT.saturating_add(bytes);
        if self.since_breath >= BREATH_BYTES {
            self.since_breath = 0;
            task::yield_now().await;
        }
    }
}

impl Log {
    pub(crate) fn write(&mut self, level: Level, mut line: String) {
        truncate(&mut line, LOG_LINE_BYTES_MAX);
        let bytes = line.len() as u64;
        if self.lines.len() as u64 >= self.lines_max || bytes > self.bytes_left {
            self.dropped += 1;
            return;
        }
        self.bytes_left -= bytes;
        line.shrink_to_fit();
        self.lines.push(LogLine { level, text: line });
    }
}

/// Cuts `text` to at most `bytes`, between characters.
pub(crate) fn truncate(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

impl repository::Host for Guest {
    async fn read(
        &mut self,
        tree: Tree,
        path: String,
    ) -> wasmtime::Result<Result<Vec<u8>, ReadError>> {
        let answer = self.ask(Question::Content { tree: translate::tree(tree), path }).await?;
        translate::bytes(answer)
    }

    async fn read_range(
        &mut self,
        tree: Tree,
        path: String,
        offset: u64,
        length: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, ReadError>> {
        let tree = translate::tree(tree);
        let answer = self.ask(Question::Range { tree, path, offset, length }).await?;
        translate::bytes(answer)
    }

    async fn stat(
        &mut self,
        tree: Tree,
        path: String,
    ) -> wasmtime::Result<Result<Metadata, ReadError>> {
        let answer = self.ask(Question::Stat { tree: translate::tree(tree), path }).await?;
        translate::metadata(answer)
    }

    async fn kind_of(
        &mut self,
        tree: Tree,
        path: String,
    ) -> wasmtime::Result<Result<Option<Kind>, ReadError>> {
        let answer = self.ask(Question::Kind { tree: translate::tree(tree), path }).await?;
        translate::what_stands(answer)
    }

    async fn size_of(
        &mut self,
        tree: Tree,
        path: String,
    ) -> wasmtime::Result<Result<u64, ReadError>> {
        let answer = self.ask(Question::Size { tree: translate::tree(tree), path }).await?;
        translate::size(answer)
    }

    async fn is_executable(
        &mut self,
        tree: Tree,
        path: String,
    ) -> wasmtime::Result<Result<bool, ReadError>> {
        let answer = self.ask(Question::Executable { tree: translate::tree(tree), path }).await?;
        translate::executable(answer)
    }

    async fn list_directory(
        &mut self,
        tree: Tree,
        path: String,
    ) -> wasmtime::Result<Result<Vec<Entry>, ReadError>> {
        let answer = self.ask(Question::List { tree: translate::tree(tree), path }).await?;
        translate::entries(answer)
    }

    async fn glob(
        &mut self,
        tree: Tree,
        query: GlobQuery,
    ) -> wasmtime::Result<Result<Found, ReadError>> {
        let answer = self.ask(translate::glob(tree, query)).await?;
        translate::found(answer)
    }

    async fn search(
        &mut self,
        tree: Tree,
        query: SearchQuery,
    ) -> wasmtime::Result<Result<Matches, ReadError>> {
        let answer = self.ask(translate::search(tree, query)).await?;
        translate::matches(answer)
    }
}

impl environment::Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<Option<String>, ReadError>> {
        let answer = self.ask(Question::Variable { name }).await?;
        translate::variable(answer)
    }
}

impl log::Host for Guest {
    async fn write(&mut self, level: log::Level, line: String) -> wasmtime::Result<()> {
        let bytes = line.len() as u64;
        self.log.write(translate::level(level), line);
        self.breathe(bytes).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_head_and_counts_the_rest() {
        let limits = Limits { log_lines: 3, log_bytes: 5_000, ..Limits::default() };
        let mut log = Log {
            lines_max: limits.log_lines,
            bytes_left: limits.log_bytes,
            lines: Vec::new(),
            dropped: 0,
        };
        // Cut in front of the character that would not fit.
        log.write(Level::Info, "ä".repeat(4_000) + "x");
        log.write(Level::Info, "x".repeat(905));
        log.write(Level::Debug, "fits".to_owned());
        log.write(Level::Debug, String::new());
        log.write(Level::Debug, String::new());
        let kept: Vec<usize> = log.lines.iter().map(|line| line.text.len()).collect();
        assert_eq!(kept, [4_096, 4, 0]);
        assert_eq!(log.dropped, 2);
    }
}
