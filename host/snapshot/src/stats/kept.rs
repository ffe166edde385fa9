//! Where it is kept: one file a directory, read whole, checked, and replaced whole.
//!
//! A process that comes at a bad time finds the old file or the new one; what is lost is time.

use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::Mode;
use rustix::io::Errno;

use super::table::Table;
use crate::source::Beneath;
use crate::{Digest, RepoPath};

/// What a file begins with. It is raised when what follows changes its meaning.
const BEGINNING: &[u8] = b"stepwell stats 1\n";

/// A larger file is neither read nor written: as many usual paths as may be remembered have room.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Directories that are remembered on one machine. The next one takes the place of another.
const PLACES: u8 = 64;

/// Files that may be half written at one time; what a killed process left is written over.
const TEMPORARIES: u32 = 16;

/// The file of one directory.
pub(super) struct Kept {
    home: Beneath,
    name: RepoPath,
    root: Digest,
    key: [u8; 32],
}

impl Kept {
    pub(super) fn open(home: &Path, root: &Path, key: &[u8; 32]) -> io::Result<Self> {
        std::fs::create_dir_all(home)?;
        let home = Beneath::open(home)?;
        let root = Digest::of(root.as_os_str().as_encoded_bytes());
        let place = root.as_bytes()[0] % PLACES;
        let name = named(&format!("{place:02}.stats"));
        let key = blake3::derive_key("stepwell 2026-11 stat cache", key);
        Ok(Self { home, name, root, key })
    }

    /// What was kept; none where that is nothing, or not what was written.
    pub(super) fn read(&self) -> Option<Table> {
        let file = self.home.file(&self.name).ok()?;
        let about = file.metadata().ok()?;
        if !about.is_file() || about.len() > FILE_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).ok()?);
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let rest = bytes.strip_prefix(BEGINNING)?;
        let (seal, sealed) = rest.split_first_chunk::<32>()?;
        if blake3::keyed_hash(&self.key, sealed) != *seal {
            return None;
        }
        let (root, text) = sealed.split_first_chunk::<32>()?;
        if root != self.root.as_bytes() {
            return None;
        }
        Table::read(text).ok()
    }

    pub(super) fn write(&self, table: &Table) -> io::Result<()> {
        let sealed = [&self.root.as_bytes()[..], &table.write()].concat();
        if sealed.len() as u64 > FILE_BYTES_MAX {
            return Ok(());
        }
        let seal = blake3::keyed_hash(&self.key, &sealed);
        let temporary = named(&format!("{:02}.new", std::process::id() % TEMPORARIES));
        match self.home.remove(&temporary, false) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut file = self.home.new_file(&temporary, false)?;
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        for part in [BEGINNING, seal.as_bytes(), &sealed] {
            file.write_all(part)?;
        }
        drop(file);
        // Ext4 waits for the disk where a file takes another one's place. Who looks in between
        // finds nothing, and reads the files.
        match self.home.remove(&self.name, false) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(self.home.replace(&temporary, &self.name)?)
    }
}

fn named(name: &str) -> RepoPath {
    RepoPath::parse(name).expect("a plain name")
}
