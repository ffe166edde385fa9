//! Compiled code, kept on disk between runs.
//!
//! A compiled component is native code: whoever can change the file owns the process. So the
//! directory must be ours alone (0700), each file carries a MAC under a key that lies beside it
//! (0600), the name is part of what is signed, and what was verified in memory is what gets
//! loaded. Any doubt means compiling again; nothing here is ever an error of a call.
//!
//! The key tells apart what we wrote and what somebody else dropped in, a torn write, a flipped
//! bit. It is no help against whoever can replace the whole directory: never restore it from a
//! cache that others can write to.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one module of this crate that has files"
)]

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{MemfdFlags, OFlags, SealFlags};
use snapshot::Digest;
use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of one compiled component. The largest known, an interpreter, has 37 MB.
pub(crate) const CODE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Files in the directory: the tools of many steps, in a few versions each.
const FILES_MAX: usize = 128;

/// Bytes in the directory: a few dozen interpreters.
const DIR_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Entries looked at when making room; far more than we would ever leave.
const ENTRIES_MAX: usize = 4_096;

/// Bytes that are looked at at once while code is copied: few enough to stay in a processor's cache.
const STRIDE_BYTES: usize = 256 * 1024;

/// The file with the key.
const KEY_FILE: &str = "key";

/// Bytes of the key, and of a MAC.
const KEY_BYTES: usize = blake3::KEY_LEN;

/// A private directory of compiled code.
pub(crate) struct Kept {
    dir: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Why a directory is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("`{path}` is not private to this user; give it mode 700, and its files mode 600")]
    NotPrivate { path: PathBuf },
    #[error("the key in `{path}` is not one of ours; delete the directory")]
    BadKey { path: PathBuf },
    #[error("{0}")]
    Unreadable(#[from] io::Error),
}

/// Code that this user wrote under this name.
pub(crate) struct Verified(Vec<u8>);

impl Kept {
    /// Opens the directory, or makes it.
    pub(crate) fn open(dir: &Path) -> Result<Self, Unfit> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let about = fs::symlink_metadata(dir)?;
        if !about.is_dir() || !is_private(&about) {
            return Err(Unfit::NotPrivate { path: dir.to_owned() });
        }
        let key = match read_key(dir) {
            Err(Unfit::Unreadable(err)) if err.kind() == io::ErrorKind::NotFound => make_key(dir)?,
            read => read?,
        };
        Ok(Self { dir: dir.to_owned(), key })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether something is stored under `name`.
    pub(crate) fn has(&self, name: &Digest) -> bool {
        self.path(name).is_file()
    }

    /// The code that was stored under `name`, if it is still exactly that.
    pub(crate) fn load(&self, name: &Digest) -> Option<Verified> {
        let (found, mut file) = self.stored(name)?;
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        (self.mac(name, &code) == found).then_some(Verified(code))
    }

    /// The same in a file without a name that nobody can change any more, for workers.
    pub(crate) fn load_for_workers(&self, name: &Digest) -> Option<OwnedFd> {
        let (found, mut stored) = self.stored(name)?;
        let mut copy = File::from(nameless().ok()?);
        let mut hasher = self.hasher(name);
        let mut stride = vec![0; STRIDE_BYTES];
        loop {
            let bytes = match stored.read(&mut stride) {
                Ok(0) => break,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                read => &stride[..read.ok()?],
            };
            hasher.update(bytes);
            copy.write_all(bytes).ok()?;
        }
        // What was hashed on its way is what the copy holds.
        let copy = sealed(copy.into()).ok()?;
        (hasher.finalize() == found).then_some(copy)
    }

    /// What is stored under `name`: the MAC, and a reader of the code behind it.
    fn stored(&self, name: &Digest) -> Option<(blake3::Hash, io::Take<File>)> {
        let mut file = open_private(&self.path(name)).ok()?;
        let mut mac = [0; KEY_BYTES];
        file.read_exact(&mut mac).ok()?;
        // `blake3::Hash` compares in constant time.
        Some((blake3::Hash::from_bytes(mac), file.take(CODE_BYTES_MAX)))
    }

    /// Keeps `code` under `name`, and makes room for it.
    pub(crate) fn store(&self, name: &Digest, code: &[u8]) -> io::Result<()> {
        if code.len() as u64 > CODE_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        // Made with mode 0600, and complete before it has its name.
        let mut file = NamedTempFile::new_in(&self.dir)?;
        file.write_all(self.mac(name, code).as_bytes())?;
        file.write_all(code)?;
        file.persist(self.path(name)).map_err(|err| err.error)?;
        // The code is kept either way; a full directory is looked at again next time.
        drop(self.make_room());
        Ok(())
    }

    fn mac(&self, name: &Digest, code: &[u8]) -> blake3::Hash {
        self.hasher(name).update(code).finalize()
    }

    fn hasher(&self, name: &Digest) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(name.as_bytes());
        hasher
    }

    fn path(&self, name: &Digest) -> PathBuf {
        self.dir.join(format!("{name}.code"))
    }

    /// Removes what was written longest ago until the directory is within its bounds. Leftovers
    /// of a killed process go the same way.
    fn make_room(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.dir)?.take(ENTRIES_MAX) {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_file() && entry.file_name() != KEY_FILE {
                files.push((about.modified()?, entry.path(), about.len()));
            }
        }
        files.sort_by(|a, b| b.cmp(a));
        let mut total = 0_u64;
        for (n, (_, path, bytes)) in files.iter().enumerate() {
            total = total.saturating_add(*bytes);
            if n >= FILES_MAX || total > DIR_BYTES_MAX {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

impl Verified {
    /// Makes the code callable here; nothing when this engine has no use for it.
    #[expect(unsafe_code, reason = "where bytes become native code, in the process of the step")]
    pub(crate) fn into_component(self, engine: &Engine) -> Option<Component> {
        // SAFETY: wasmtime demands bytes that `Component::serialize` made and nobody changed. A
        // `Verified` is only made by `Kept::load`, after its MAC was checked, with a key that
        // only this user can read, and it is in our memory since. `Kept::store` is only given
        // what `Component::serialize` returned. A different engine is refused by wasmtime
        // itself, and by the name, which covers the engine's compatibility hash.
        unsafe { Component::deserialize(engine, &self.0) }.ok()
    }
}

/// A file without a name, in memory, for a process that compiles to write to.
pub(crate) fn nameless() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    Ok(rustix::fs::memfd_create(c"stepwell code", flags)?)
}

/// The same file, for good: neither we nor whoever else has it can change it.
pub(crate) fn sealed(file: OwnedFd) -> io::Result<OwnedFd> {
    let all = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, all)?;
    Ok(file)
}

/// What is in such a file.
pub(crate) fn content(file: &OwnedFd) -> io::Result<Vec<u8>> {
    let file = File::from(file.try_clone()?);
    let bytes = file.metadata()?.len();
    if bytes > CODE_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    let mut code = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut code, 0)?;
    Ok(code)
}

/// In a process that compiles: writes the code where its parent will find it.
pub(crate) fn hand_over(mut code: &[u8]) -> io::Result<()> {
    while !code.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), code) {
            Err(rustix::io::Errno::INTR) => {}
            written => code = &code[written?..],
        }
    }
    Ok(())
}

/// In a worker: the code that its parent sent it, which is its standard output. Workers of one tool
/// share its pages.
#[expect(unsafe_code, reason = "where bytes become native code, in a worker")]
pub(crate) fn sent(engine: &Engine) -> wasmtime::Result<Component> {
    // SAFETY: the parent puts nothing there but a sealed file, made by `Kept::load_for_workers`, or
    // of what our own process compiled; see there. Nobody can change it while it is mapped.
    #[expect(clippy::disallowed_methods, reason = "the file cannot be changed")]
    unsafe {
        Component::deserialize_file(engine, "/proc/self/fd/1")
    }
}

fn read_key(dir: &Path) -> Result<[u8; KEY_BYTES], Unfit> {
    let path = dir.join(KEY_FILE);
    let file = match open_private(&path) {
        // What `NOFOLLOW` says of a link.
        Err(err) if err.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(Unfit::NotPrivate { path });
        }
        Err(err) if err.kind() == io::ErrorKind::PermissionDenied => {
            return Err(Unfit::NotPrivate { path });
        }
        file => file?,
    };
    let mut key = Vec::new();
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
    key.try_into().map_err(|_| Unfit::BadKey { path })
}

/// Makes the key, unless another process was quicker.
fn make_key(dir: &Path) -> Result<[u8; KEY_BYTES], Unfit> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|err| io::Error::other(err.to_string()))?;
    let mut file = NamedTempFile::new_in(dir)?;
    file.write_all(&key)?;
    match file.persist_noclobber(dir.join(KEY_FILE)) {
        Ok(_) => Ok(key),
        Err(err) if err.error.kind() == io::ErrorKind::AlreadyExists => read_key(dir),
        Err(err) => Err(err.error.into()),
    }
}

/// Opens a regular file that is ours alone, without following a link or waiting for a pipe.
fn open_private(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || !is_private(&about) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok(file)
}

fn is_private(about: &Metadata) -> bool {
    about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o077 == 0
}

#[cfg(test)]
mod tests;
