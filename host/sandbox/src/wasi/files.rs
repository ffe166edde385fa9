//! Files: the repository, read-only and by questions; the base it is compared with; and `/tmp`.

mod acting;

use snapshot::{Kind, Tree};
use wasmtime::component::{Linker, LinkerInstance, Resource};

use super::io::{Input, IoError, Output};
use super::path::Names;
use super::scratch;
use super::words::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHash, NewTimestamp, OpenFlags, PathFlags,
};
use super::{Wasi, asking, instance, plain, resource_with};
use crate::guest::Guest;

/// Where the head stands, the base, and what is written.
const HEAD: &str = "/";
const BASE: &str = "/.stepwell/base";
const SCRATCH: &str = "/tmp";

/// An open file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Descriptor {
    /// Of the repository; what stands there was looked at when it was opened.
    Repository { tree: Tree, path: String, kind: Kind },
    /// In `/tmp`.
    Scratch { number: u64, writes: bool },
}

/// The names in a directory that are yet to be told.
#[derive(Debug)]
pub(super) struct Entries {
    left: std::vec::IntoIter<DirectoryEntry>,
    /// What all of them took.
    bytes: u64,
}

/// Bytes of all directories that are being listed, about.
const ENTRIES_BYTES_MAX: u64 = 64 * 1024 * 1024;

type Done<T> = wasmtime::Result<Result<T, ErrorCode>>;
type This = Resource<Descriptor>;

pub(super) fn define(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut preopens = instance(linker, "wasi:filesystem/preopens")?;
    plain(&mut preopens, "get-directories", |wasi, (): ()| wasi.directories())?;

    let mut types = instance(linker, "wasi:filesystem/types")?;
    resource_with::<Descriptor>(&mut types, "descriptor", |wasi, descriptor| {
        if let Descriptor::Scratch { number, .. } = descriptor {
            wasi.scratch.release(number);
        }
    })?;
    resource_with::<Entries>(&mut types, "directory-entry-stream", |wasi, entries| {
        wasi.entries_bytes -= entries.bytes;
    })?;
    plain(
        &mut types,
        "[method]directory-entry-stream.read-directory-entry",
        |wasi, (this,): (Resource<Entries>,)| {
            Ok(Ok::<_, ErrorCode>(wasi.table.get_mut(&this)?.left.next()))
        },
    )?;
    plain(&mut types, "filesystem-error-code", |wasi, (error,): (Resource<IoError>,)| {
        wasi.code_of(&error)
    })?;
    define_looking(&mut types)?;
    define_reading(&mut types)?;
    define_writing(&mut types)?;
    define_naming(&mut types)
}

/// What tells about a file.
fn define_looking(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    plain(types, "[method]descriptor.get-flags", |wasi, (this,): (This,)| {
        let flags = match wasi.table.get(&this)? {
            Descriptor::Repository { .. } => DescriptorFlags::READ,
            Descriptor::Scratch { writes: false, .. } => DescriptorFlags::READ,
            Descriptor::Scratch { writes: true, .. } => {
                DescriptorFlags::READ | DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY
            }
        };
        Ok(Ok::<_, ErrorCode>(flags))
    })?;
    plain(types, "[method]descriptor.get-type", |wasi, (this,): (This,)| {
        Ok(match wasi.table.get(&this)? {
            Descriptor::Repository { kind, .. } => Ok(self::kind(*kind)),
            Descriptor::Scratch { number, .. } => wasi.scratch_stat(*number).map(|stat| stat.kind),
        })
    })?;
    asking(types, "[method]descriptor.stat", |guest, (this,): (This,)| Box::pin(guest.stat(this)))?;
    asking(types, "[method]descriptor.stat-at", |guest, (this, how, path)| {
        Box::pin(guest.stat_at(this, how, path))
    })?;
    plain(types, "[method]descriptor.is-same-object", |wasi, (one, other): (This, This)| {
        let same = match (wasi.table.get(&one)?, wasi.table.get(&other)?) {
            (Descriptor::Scratch { number: one, .. }, Descriptor::Scratch { number, .. }) => {
                one == number
            }
            (one, other) => one == other,
        };
        Ok(same)
    })?;
    plain(types, "[method]descriptor.metadata-hash", |wasi, (this,): (This,)| {
        Ok(Ok::<_, ErrorCode>(wasi.table.get(&this)?.hash()))
    })?;
    asking(types, "[method]descriptor.metadata-hash-at", |guest, (this, how, path)| {
        Box::pin(guest.hash_at(this, how, path))
    })?;
    asking(types, "[method]descriptor.readlink-at", |guest, (this, path): (This, String)| {
        Box::pin(guest.read_link(this, path))
    })
}

fn define_reading(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    type Opened = (This, PathFlags, String, OpenFlags, DescriptorFlags);
    asking(
        types,
        "[method]descriptor.open-at",
        |guest, (this, how, path, open, flags): Opened| {
            Box::pin(guest.open_at(this, how, path, open, flags))
        },
    )?;
    asking(types, "[method]descriptor.read", |guest, (this, length, offset): (This, u64, u64)| {
        Box::pin(guest.read_at(this, length, offset))
    })?;
    plain(types, "[method]descriptor.read-via-stream", |wasi, (this, at): (This, u64)| {
        let input = match wasi.table.get(&this)?.clone() {
            Descriptor::Repository { tree, path, kind } => match kind {
                Kind::File => Input::File { tree, path, at },
                Kind::Directory | Kind::Symlink => return Ok(Err(ErrorCode::IsDirectory)),
            },
            Descriptor::Scratch { number, .. } => {
                if let Err(why) = wasi.scratch.hold(number) {
                    return Ok(Err(why));
                }
                Input::Scratch { number, at }
            }
        };
        wasi.push(input).map(Ok)
    })?;
    plain(types, "[method]descriptor.advise", |_, (_, _, _, _): (This, u64, u64, Advice)| {
        Ok(Ok::<(), ErrorCode>(()))
    })?;
    asking(types, "[method]descriptor.read-directory", |guest, (this,): (This,)| {
        Box::pin(guest.read_directory(this))
    })
}

/// What changes a file's content, in `/tmp` only.
fn define_writing(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    type Bytes = (This, Vec<u8>, u64);
    asking(types, "[method]descriptor.write", |guest, (this, bytes, offset): Bytes| {
        Box::pin(async move {
            guest.breathe(bytes.len() as u64).await;
            guest
                .wasi()
                .on_scratch(&this, |scratch, number| scratch.write(number, Some(offset), &bytes))
        })
    })?;
    plain(types, "[method]descriptor.set-size", |wasi, (this, size): (This, u64)| {
        wasi.on_scratch(&this, |scratch, number| scratch.set_size(number, size))
    })?;
    plain(types, "[method]descriptor.write-via-stream", |wasi, (this, at): (This, u64)| {
        wasi.write_stream_of(&this, Some(at))
    })?;
    plain(types, "[method]descriptor.append-via-stream", |wasi, (this,): (This,)| {
        wasi.write_stream_of(&this, None)
    })?;
    for name in ["sync", "sync-data"] {
        plain(types, &format!("[method]descriptor.{name}"), |_, (_,): (This,)| {
            Ok(Ok::<(), ErrorCode>(()))
        })?;
    }
    // Nobody is ever shown a time.
    type Times = (This, NewTimestamp, NewTimestamp);
    plain(types, "[method]descriptor.set-times", |wasi, (this, _, _): Times| {
        wasi.on_scratch(&this, |_, _| Ok(()))
    })?;
    type TimesAt = (This, PathFlags, String, NewTimestamp, NewTimestamp);
    plain(types, "[method]descriptor.set-times-at", |wasi, (this, _, path, _, _): TimesAt| {
        wasi.on_scratch(&this, |scratch, number| scratch.at(number, &Names::of(&path)?).map(drop))
    })
}

/// What changes names, in `/tmp` only.
fn define_naming(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    type At = (This, String);
    plain(types, "[method]descriptor.create-directory-at", |wasi, (this, path): At| {
        wasi.on_scratch(&this, |scratch, number| scratch.make_directory(number, &Names::of(&path)?))
    })?;
    plain(types, "[method]descriptor.remove-directory-at", |wasi, (this, path): At| {
        wasi.on_scratch(&this, |scratch, number| scratch.remove(number, &Names::of(&path)?, true))
    })?;
    plain(types, "[method]descriptor.unlink-file-at", |wasi, (this, path): At| {
        wasi.on_scratch(&this, |scratch, number| scratch.remove(number, &Names::of(&path)?, false))
    })?;
    type Renamed = (This, String, This, String);
    plain(types, "[method]descriptor.rename-at", |wasi, (this, old, to, new): Renamed| {
        let Descriptor::Scratch { number: to, .. } = *wasi.table.get(&to)? else {
            return Ok(Err(ErrorCode::ReadOnly));
        };
        wasi.on_scratch(&this, |scratch, from| {
            scratch.rename((from, &Names::of(&old)?), (to, &Names::of(&new)?))
        })
    })?;
    plain(types, "[method]descriptor.symlink-at", |wasi, (this, _, _): (This, String, String)| {
        wasi.on_scratch(&this, |_, _| Err::<(), _>(ErrorCode::Unsupported))
    })?;
    type Linked = (This, PathFlags, String, This, String);
    plain(types, "[method]descriptor.link-at", |wasi, (this, _, _, _, _): Linked| {
        wasi.on_scratch(&this, |_, _| Err::<(), _>(ErrorCode::Unsupported))
    })
}

impl Wasi {
    pub(super) fn directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let kind = Kind::Directory;
        let of = |tree| Descriptor::Repository { tree, path: String::new(), kind };
        let scratch = Descriptor::Scratch { number: scratch::ROOT, writes: true };
        let all = [(of(Tree::Head), HEAD), (of(Tree::Base), BASE), (scratch, SCRATCH)];
        all.into_iter().map(|(at, name)| Ok((self.push(at)?, name.to_owned()))).collect()
    }

    /// Begins to tell names, if there is room for them beside those of other directories.
    pub(super) fn tell(&mut self, entries: Vec<DirectoryEntry>) -> Done<Resource<Entries>> {
        let bytes = |entry: &DirectoryEntry| size_of::<DirectoryEntry>() + entry.name.len();
        let bytes = entries.iter().map(bytes).sum::<usize>() as u64;
        if self.entries_bytes + bytes > ENTRIES_BYTES_MAX {
            return Ok(Err(ErrorCode::InsufficientMemory));
        }
        let told = self.push(Entries { left: entries.into_iter(), bytes })?;
        self.entries_bytes += bytes;
        Ok(Ok(told))
    }

    fn scratch_stat(&self, number: u64) -> Result<DescriptorStat, ErrorCode> {
        let is_directory = self.scratch.is_directory(number)?;
        let kind = if is_directory { Kind::Directory } else { Kind::File };
        Ok(DescriptorStat::of(kind, self.scratch.size(number)?))
    }

    /// Does something in `/tmp`; everything else is read-only.
    pub(super) fn on_scratch<T>(
        &mut self,
        this: &This,
        act: impl FnOnce(&mut scratch::Scratch, u64) -> Result<T, ErrorCode>,
    ) -> Done<T> {
        Ok(match *self.table.get(this)? {
            Descriptor::Repository { .. } => Err(ErrorCode::ReadOnly),
            Descriptor::Scratch { writes: false, .. } => Err(ErrorCode::BadDescriptor),
            Descriptor::Scratch { number, .. } => act(&mut self.scratch, number),
        })
    }

    fn write_stream_of(&mut self, this: &This, at: Option<u64>) -> Done<Resource<Output>> {
        let held = self.on_scratch(this, |scratch, number| {
            if scratch.is_directory(number)? {
                return Err(ErrorCode::IsDirectory);
            }
            scratch.hold(number).map(|()| number)
        })?;
        match held {
            Ok(number) => self.push(Output::Scratch { number, at }).map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }
}

/// At most `length` bytes from `offset` on.
pub(super) fn part(bytes: &[u8], offset: u64, length: u64) -> Vec<u8> {
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(bytes.len());
    bytes[place(offset)..place(offset.saturating_add(length))].to_vec()
}

impl Descriptor {
    /// What stands for the file: its name, for nothing else tells one from another.
    fn hash(&self) -> MetadataHash {
        let mut hasher = blake3::Hasher::new_derive_key("stepwell 2026-11 identity of a file");
        match self {
            Self::Repository { tree: Tree::Head, path, .. } => {
                hasher.update(b"head").update(path.as_bytes())
            }
            Self::Repository { tree: Tree::Base, path, .. } => {
                hasher.update(b"base").update(path.as_bytes())
            }
            Self::Scratch { number, .. } => hasher.update(b"tmp ").update(&number.to_le_bytes()),
        };
        let mut halves = [[0; 8]; 2];
        let mut bytes = hasher.finalize_xof();
        halves.iter_mut().for_each(|half| bytes.fill(half));
        let [lower, upper] = halves.map(u64::from_le_bytes);
        MetadataHash { lower, upper }
    }
}

impl DescriptorStat {
    fn of(kind: Kind, size: u64) -> Self {
        Self {
            kind: self::kind(kind),
            link_count: 1,
            size,
            accessed: None,
            modified: None,
            changed: None,
        }
    }
}

impl From<snapshot::Entry> for DirectoryEntry {
    fn from(entry: snapshot::Entry) -> Self {
        Self { kind: kind(entry.kind), name: entry.name }
    }
}

impl From<(String, bool)> for DirectoryEntry {
    fn from((name, is_directory): (String, bool)) -> Self {
        let kind = if is_directory { Kind::Directory } else { Kind::File };
        Self { kind: self::kind(kind), name }
    }
}

fn kind(kind: Kind) -> DescriptorType {
    match kind {
        Kind::File => DescriptorType::RegularFile,
        Kind::Directory => DescriptorType::Directory,
        Kind::Symlink => DescriptorType::SymbolicLink,
    }
}
