//! The chain of a trace: one record after the other, each checked against the one before.

use serde::Deserialize;
use serde_json::value::RawValue;
use session::event::{Record, SCHEMA};

use crate::damage::{Damage, Wrong};

/// The most records of a run: every turn, call and decision of the longest run has room.
pub const RECORDS_MAX: u64 = 1_000_000;

/// The digest of a line without its line end, or of a run's name, as the next record holds it:
/// BLAKE3, in hex.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// What every record holds, whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Head {
    /// The schema of the writer.
    pub schema: u32,
    /// The run's name.
    pub run: String,
    /// Which life of the process wrote it, counted from 1.
    pub attempt: u32,
    /// Where the step stood.
    pub phase: String,
    /// Its number, counted from 0.
    pub seq: u64,
    /// Milliseconds since its attempt began.
    pub at_ms: u64,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// The digest of the line before.
    pub prev: String,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A record that this program knows.
    Known(Box<Record>),
    /// A record of the chain whose event, or whose phase, this program does not know: a newer one
    /// wrote it.
    Unknown {
        /// What it has in common with every record.
        head: Box<Head>,
        /// Its event, as it stands in the line.
        event: String,
        /// What of it is not known.
        because: String,
    },
}

/// One line of a trace that belongs where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its line end.
    pub bytes: &'a [u8],
    /// What it says.
    pub told: Told,
}

/// Reads a trace line by line. Ends after the last whole line, or after the first that is damaged.
///
/// A last line without a line end is torn: its writer died while writing it, and it is passed over.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    rest: &'a [u8],
    /// None until the first record says it.
    run: Option<String>,
    prev: String,
    lines: u64,
    whole: u64,
    over: bool,
}

impl<'a> Chain<'a> {
    /// The trace of whichever run its first record names.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, run: None, prev: String::new(), lines: 0, whole: 0, over: false }
    }

    /// The trace of `run`.
    pub fn of(run: &str, bytes: &'a [u8]) -> Self {
        Self { prev: digest(run.as_bytes()), run: Some(run.to_owned()), ..Self::new(bytes) }
    }

    /// The digest that the next record would hold: of the last line read, or of the run's name.
    pub fn prev(&self) -> &str {
        &self.prev
    }

    /// Bytes of the lines read so far.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Bytes after the last whole line, once all lines are read.
    pub fn torn(&self) -> u64 {
        self.rest.len() as u64
    }

    fn line(&mut self, body: &'a [u8]) -> Result<Line<'a>, Wrong> {
        if self.lines > RECORDS_MAX {
            return Err(Wrong::TooMany);
        }
        let told = told(body)?;
        let (schema, run, seq, prev) = match &told {
            Told::Known(record) => (record.schema, &record.run, record.seq, &record.prev),
            Told::Unknown { head, .. } => (head.schema, &head.run, head.seq, &head.prev),
        };
        if schema != SCHEMA {
            return Err(Wrong::Schema { found: schema });
        }
        if self.run.is_none() {
            self.prev = digest(run.as_bytes());
        }
        let ours = self.run.get_or_insert_with(|| run.clone());
        if run != ours {
            return Err(Wrong::Foreign { run: run.clone() });
        }
        let due = self.lines - 1;
        if seq != due {
            return Err(Wrong::Missing { found: seq, due });
        }
        if *prev != self.prev {
            return Err(Wrong::Changed);
        }
        Ok(Line { bytes: body, told })
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Result<Line<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') else {
            self.over = true;
            return None;
        };
        let (body, rest) = (&self.rest[..end], &self.rest[end + 1..]);
        self.lines += 1;
        let line = self.line(body).map_err(|wrong| Damage { line: self.lines, wrong });
        match &line {
            Ok(_) => {
                (self.rest, self.prev) = (rest, digest(body));
                self.whole += end as u64 + 1;
            }
            Err(_) => self.over = true,
        }
        Some(line)
    }
}

/// What a whole trace holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Its records.
    pub records: Vec<Record>,
    /// The digest that the next record must hold.
    pub prev: String,
    /// Bytes of its lines, without one that is torn.
    pub bytes: u64,
}

/// Reads the trace of `run` for whoever goes on with it, without a last line that is torn.
///
/// # Errors
/// When any other line is not what this program could have written there.
pub fn read(run: &str, bytes: &[u8]) -> Result<Whole, Damage> {
    let mut chain = Chain::of(run, bytes);
    let mut records = Vec::new();
    while let Some(line) = chain.next() {
        match line?.told {
            Told::Known(record) => records.push(*record),
            Told::Unknown { because: said, .. } => {
                return Err(Damage { line: chain.lines, wrong: Wrong::NoRecord { said } });
            }
        }
    }
    Ok(Whole { records, prev: chain.prev, bytes: chain.whole })
}

/// A record of which the event is not looked at.
#[derive(Deserialize)]
struct Sealed<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
}

fn told(body: &[u8]) -> Result<Told, Wrong> {
    let because = match serde_json::from_slice(body) {
        Ok(record) => return Ok(Told::Known(Box::new(record))),
        Err(err) => err.to_string(),
    };
    // What is wrong with a record as this program knows it says more than what is wrong with its
    // head.
    let head = serde_json::from_slice::<Head>(body);
    let event = serde_json::from_slice::<Sealed<'_>>(body);
    match (head, event) {
        (Ok(head), Ok(Sealed { event })) => {
            Ok(Told::Unknown { head: Box::new(head), event: event.get().to_owned(), because })
        }
        (Err(_), _) | (_, Err(_)) => Err(Wrong::NoRecord { said: because }),
    }
}
