//! A command's surroundings: no arguments, no variables, no terminal, nothing on standard input.
//! What is written goes to the log, line by line. Where a component is called as a command, the input
//! is its standard input, and what it writes on standard output is kept for the answer.

use snapshot::{Answer, Question};
use wasmtime::component::{Linker, Resource};

use super::io::{Input, Output};
use super::{Wasi, asking, instance, plain, resource, trap};
use crate::guest::{Guest, LOG_LINE_BYTES_MAX};
use crate::outcome::{Ending, Level, Stop};
use crate::translate::WrongKind;

/// Terminals there are none of, but their types have names.
#[derive(Debug)]
struct TerminalInput;
#[derive(Debug)]
struct TerminalOutput;

/// A stream of the guest's that becomes lines of the log.
#[derive(Debug)]
pub(super) struct Lines {
    level: Level,
    unfinished: Vec<u8>,
    /// What is cut from a line that is too long.
    is_skipping: bool,
}

/// What a program is called as, where it asks: some do not start without.
const PROGRAM: &str = "command";

/// Bytes of standard error, from its end, that a failed command's refusal repeats.
const ERRORS_BYTES_MAX: usize = 2 * 1024;

/// A command has ended itself: with a code, or with an error that nobody has numbered.
#[derive(Debug, thiserror::Error)]
#[error("it ended itself")]
pub(crate) struct Exit(pub(crate) Option<u8>);

/// What a command is given and what it gives.
#[derive(Debug)]
pub(super) struct Console {
    input: Vec<u8>,
    /// Bytes of the input that were read.
    read: usize,
    output: Vec<u8>,
    output_bytes_max: u64,
    // Invariant: twice ERRORS_BYTES_MAX at most.
    errors: Vec<u8>,
}

impl Wasi {
    /// From now on the component is a command with this on its standard input.
    pub(crate) fn become_console(&mut self, input: &str, output_bytes_max: u64) {
        self.console = Some(Console {
            input: input.as_bytes().to_vec(),
            read: 0,
            output: Vec::new(),
            output_bytes_max,
            errors: Vec::new(),
        });
    }

    /// What a command has written on standard output, and the end of what it has on standard error.
    pub(crate) fn printed(&mut self) -> (Vec<u8>, String) {
        let Some(console) = self.console.take() else { return (Vec::new(), String::new()) };
        let from = console.errors.len().saturating_sub(ERRORS_BYTES_MAX);
        let errors = String::from_utf8_lossy(&console.errors[from..]);
        // Cut in the middle of a character, maybe.
        let errors = errors.trim_start_matches('\u{fffd}');
        (console.output, errors.to_owned())
    }

    fn arguments(&self) -> Vec<String> {
        self.console.iter().map(|_| PROGRAM.to_owned()).collect()
    }

    /// The next bytes of the input.
    pub(super) fn take_input(&mut self, length: u64) -> Vec<u8> {
        let Some(console) = &mut self.console else { return Vec::new() };
        let rest = &console.input[console.read..];
        let length = usize::try_from(length).map_or(rest.len(), |length| length.min(rest.len()));
        let bytes = rest[..length].to_vec();
        console.read += length;
        bytes
    }

    /// Keeps what a command writes; whether this is one.
    pub(super) fn put_output(&mut self, bytes: &[u8]) -> wasmtime::Result<bool> {
        let Some(console) = &mut self.console else { return Ok(false) };
        let limit = console.output_bytes_max;
        if (console.output.len() + bytes.len()) as u64 > limit {
            return Err(Stop(Ending::OutputTooLarge { limit }).into());
        }
        console.output.extend_from_slice(bytes);
        Ok(true)
    }

    pub(super) fn note_error(&mut self, bytes: &[u8]) {
        let Some(console) = &mut self.console else { return };
        for piece in bytes.chunks(ERRORS_BYTES_MAX) {
            console.errors.extend_from_slice(piece);
            let over = console.errors.len().saturating_sub(ERRORS_BYTES_MAX);
            drop(console.errors.drain(..over));
        }
    }
}

pub(super) fn define(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut environment = instance(linker, "wasi:cli/environment")?;
    asking(&mut environment, "get-environment", |guest, (): ()| Box::pin(guest.variables()))?;
    plain(&mut environment, "get-arguments", |wasi, (): ()| Ok(wasi.arguments()))?;
    plain(&mut environment, "initial-cwd", |_, (): ()| Ok(Some("/".to_owned())))?;

    let mut exit = instance(linker, "wasi:cli/exit")?;
    exit.func_wrap("exit", |mut store, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
        if store.data_mut().wasi().console.is_some() {
            return Err(Exit(status.ok().map(|()| 0)).into());
        }
        let how = if status.is_ok() { "as if all were well" } else { "with an error" };
        Err(trap(format!("it ended itself {how}, without an answer")))
    })?;
    exit.func_wrap("exit-with-code", |mut store, (code,): (u8,)| -> wasmtime::Result<()> {
        if store.data_mut().wasi().console.is_some() {
            return Err(Exit(Some(code)).into());
        }
        Err(trap(format!("it ended itself with code {code}, without an answer")))
    })?;

    let mut stdin = instance(linker, "wasi:cli/stdin")?;
    plain(&mut stdin, "get-stdin", |wasi, (): ()| {
        let input = if wasi.console.is_some() { Input::Console } else { Input::Closed };
        wasi.push(input)
    })?;
    let mut stdout = instance(linker, "wasi:cli/stdout")?;
    plain(&mut stdout, "get-stdout", |wasi, (): ()| wasi.push(Output::Stdout))?;
    let mut stderr = instance(linker, "wasi:cli/stderr")?;
    plain(&mut stderr, "get-stderr", |wasi, (): ()| wasi.push(Output::Stderr))?;

    resource::<TerminalInput>(&mut instance(linker, "wasi:cli/terminal-input")?, "terminal-input")?;
    resource::<TerminalOutput>(
        &mut instance(linker, "wasi:cli/terminal-output")?,
        "terminal-output",
    )?;
    let mut terminal = instance(linker, "wasi:cli/terminal-stdin")?;
    plain(&mut terminal, "get-terminal-stdin", |_, (): ()| Ok(None::<Resource<TerminalInput>>))?;
    for name in ["stdout", "stderr"] {
        let mut terminal = instance(linker, &format!("wasi:cli/terminal-{name}"))?;
        plain(&mut terminal, &format!("get-terminal-{name}"), |_, (): ()| {
            Ok(None::<Resource<TerminalOutput>>)
        })?;
    }
    Ok(())
}

impl Lines {
    pub(super) fn new(level: Level) -> Self {
        Self { level, unfinished: Vec::new(), is_skipping: false }
    }

    /// The lines that `bytes` complete.
    fn write(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = LOG_LINE_BYTES_MAX.saturating_sub(self.unfinished.len());
            self.is_skipping |= text.len() > room;
            self.unfinished.extend(&text[..text.len().min(room)]);
            if ends {
                lines.push(self.take());
            }
        }
        lines
    }

    /// The line that was never ended.
    pub(super) fn finish(&mut self) -> Option<(Level, String)> {
        (!self.unfinished.is_empty()).then(|| (self.level, self.take()))
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.unfinished);
        let mut line = String::from_utf8_lossy(&line).into_owned();
        if std::mem::take(&mut self.is_skipping) {
            // Cut in the middle of a character, maybe.
            line.truncate(line.trim_end_matches('\u{fffd}').len());
        }
        line
    }
}

impl Guest {
    /// What the step grants of its environment.
    async fn variables(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        let answer = self.ask(Question::Variables).await?;
        let Answer::Variables(all) = answer else { return Err(WrongKind.into()) };
        Ok(all)
    }

    /// Writes what a guest has printed.
    pub(super) async fn print(&mut self, output: fn(&mut Wasi) -> &mut Lines, bytes: &[u8]) {
        // In pieces: what is nothing but ends of lines would become as many texts at once.
        for piece in bytes.chunks(LOG_LINE_BYTES_MAX) {
            let lines = output(self.wasi());
            let level = lines.level;
            for line in lines.write(piece) {
                self.log.write(level, line);
            }
        }
        self.breathe(bytes.len() as u64).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_were_written() {
        let text = "one\n\ntwo ä\nthree";
        for cut in 1..=text.len() {
            let mut lines = Lines::new(Level::Info);
            let pieces = text.as_bytes().chunks(cut);
            let whole: Vec<String> = pieces.flat_map(|piece| lines.write(piece)).collect();
            assert_eq!(whole, ["one", "", "two ä"], "cut every {cut}");
            assert_eq!(lines.finish(), Some((Level::Info, "three".to_owned())));
            assert_eq!(lines.finish(), None);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_not() {
        let mut lines = Lines::new(Level::Info);
        let long = format!("{}\nnext\n", "ä".repeat(3_000));
        assert_eq!(lines.write(long.as_bytes()), ["ä".repeat(2_048), "next".to_owned()]);
        let odd = format!("x{}\n", "ä".repeat(3_000));
        assert_eq!(lines.write(odd.as_bytes()), [format!("x{}", "ä".repeat(2_047))]);
    }
}
