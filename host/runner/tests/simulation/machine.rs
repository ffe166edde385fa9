//! A disk that fills up and a process that dies while writing to it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use runner::{JournalFile, Machine};

use crate::dice::Dice;

/// Where a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// In the `n`th append: so many thousandths of its bytes are written.
    Append { n: u64, thousandths: u64 },
    /// In the `n`th sync, before or after it is done.
    Sync { n: u64, done: bool },
}

/// The state of one machine.
#[derive(Debug)]
struct Disk {
    /// Bytes of each file that survive a power cut.
    synced: BTreeMap<PathBuf, u64>,
    /// Bytes that fit until the disk is full.
    room: Option<u64>,
    death: Option<Death>,
    dead: bool,
    appends: u64,
    syncs: u64,
    dice: Dice,
    jumps: bool,
}

/// One machine.
#[derive(Debug, Clone)]
pub(crate) struct SimMachine(Arc<Mutex<Disk>>);

impl SimMachine {
    pub(crate) fn new(dice: Dice) -> Self {
        Self(Arc::new(Mutex::new(Disk {
            synced: BTreeMap::new(),
            room: None,
            death: None,
            dead: false,
            appends: 0,
            syncs: 0,
            dice,
            jumps: false,
        })))
    }

    /// A new process begins, which will die where it is told to.
    pub(crate) fn begin(&self, death: Option<Death>, room: Option<u64>, jumps: bool) {
        let mut disk = self.0.lock().unwrap();
        disk.death = death;
        disk.room = room;
        disk.dead = false;
        disk.appends = 0;
        disk.syncs = 0;
        disk.jumps = jumps;
    }

    /// Whether the process died at the disk.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    /// Takes what was not synced back, as far as chance wants it.
    pub(crate) fn cut_power(&self) {
        let disk = self.0.lock().unwrap();
        for (path, synced) in &disk.synced {
            let Ok(file) = OpenOptions::new().write(true).open(path) else { continue };
            let length = file.metadata().unwrap().len();
            let lost = disk.dice.below(length.saturating_sub(*synced) + 1);
            file.set_len(length - lost).unwrap();
        }
    }
}

impl Machine for SimMachine {
    fn open(&self, path: &Path) -> io::Result<Box<dyn JournalFile>> {
        let mut how = OpenOptions::new();
        how.create(true).truncate(false).read(true).write(true);
        let file = how.open(path)?;
        // What an earlier process wrote was written by the system since, or is lost by now.
        self.0.lock().unwrap().synced.insert(path.to_owned(), file.metadata()?.len());
        Ok(Box::new(SimFile { file, path: path.to_owned(), disk: Arc::clone(&self.0) }))
    }

    fn time_ms(&self) -> u64 {
        const NOW: u64 = 1_795_000_000_000;
        let disk = self.0.lock().unwrap();
        // A clock that is set while the run goes on, also backwards.
        if disk.jumps { disk.dice.below(2 * NOW) } else { NOW }
    }
}

#[derive(Debug)]
struct SimFile {
    file: File,
    path: PathBuf,
    disk: Arc<Mutex<Disk>>,
}

fn killed() -> io::Error {
    io::Error::other("the process was killed")
}

impl JournalFile for SimFile {
    fn read(&mut self, _most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        self.file.seek(SeekFrom::Start(bytes)).map(|_| ())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        if disk.dead {
            return Err(killed());
        }
        disk.appends += 1;
        if let Some(Death::Append { n, thousandths }) = disk.death
            && n == disk.appends
        {
            disk.dead = true;
            let part = bytes.len() as u64 * thousandths / 1_000;
            self.file.write_all(&bytes[..usize::try_from(part).unwrap()])?;
            return Err(killed());
        }
        let length = bytes.len() as u64;
        match disk.room {
            Some(room) if room < length => {
                self.file.write_all(&bytes[..usize::try_from(room).unwrap()])?;
                disk.room = Some(0);
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(room) => {
                disk.room = Some(room - length);
                self.file.write_all(bytes)
            }
            None => self.file.write_all(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        if disk.dead {
            return Err(killed());
        }
        disk.syncs += 1;
        let dies = match disk.death {
            Some(Death::Sync { n, done }) if n == disk.syncs => Some(done),
            Some(_) | None => None,
        };
        if dies != Some(false) {
            let length = self.file.metadata()?.len();
            disk.synced.insert(self.path.clone(), length);
        }
        if dies.is_some() {
            disk.dead = true;
            return Err(killed());
        }
        Ok(())
    }
}
