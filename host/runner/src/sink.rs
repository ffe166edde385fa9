//! Where records go while a run is under way.

use std::io;
use std::time::Duration;

use session::event::Record;

/// Somewhere records go.
pub trait Sink: Send {
    /// Takes one record. May take its time: it has a thread of its own.
    ///
    /// # Errors
    /// What the system said; the sink gets nothing more then. The run goes on: what counts is in
    /// its journal.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Takes a piece of text that the model is just writing. It is for the eye: what counts
    /// comes as a record.
    ///
    /// # Errors
    /// As [`Sink::record`].
    fn text(&mut self, at_ms: u64, piece: &str) -> io::Result<()> {
        let _ = (at_ms, piece);
        Ok(())
    }

    /// Is told that it was behind, and that so many records were left out, from the `first` to the
    /// `last` by their numbers; they stand in the trace.
    ///
    /// # Errors
    /// As [`Sink::record`].
    fn suppressed(&mut self, records: u64, first: u64, last: u64) -> io::Result<()> {
        let _ = (records, first, last);
        Ok(())
    }

    /// Is told that for so long, or for so long again, nothing has happened.
    ///
    /// # Errors
    /// As [`Sink::record`].
    fn silent(&mut self, silence: Duration) -> io::Result<()> {
        let _ = silence;
        Ok(())
    }
}
