//! What a guest does with files and directories: the way from WASI's functions to questions.

use std::sync::Arc;

use snapshot::{Answer, Kind, Question, ReadError, Tree};
use wasmtime::component::Resource;

use super::super::path::Names;
use super::super::scratch::Opening;
use super::super::words::{
    DescriptorFlags, DescriptorStat, ErrorCode, MetadataHash, OpenFlags, PathFlags,
};
use super::super::{CHUNK_BYTES_MAX, Wasi};
use super::{Descriptor, Done, Entries, This, part};
use crate::guest::Guest;
use crate::outcome::Level;
use crate::translate::WrongKind;

/// Bytes of files that are kept for the next read of them.
const FILES_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Bytes that one read asks of a file that is too large to be read whole.
const RANGE_BYTES_MAX: u64 = CHUNK_BYTES_MAX;

impl Guest {
    /// At most `length` bytes of a file of the repository, and whether they are its last. The whole
    /// of it is asked for, if it is not too large: that is one question instead of many, and its
    /// size need not be one.
    pub(in crate::wasi) async fn read_file(
        &mut self,
        tree: Tree,
        path: &str,
        offset: u64,
        length: u64,
    ) -> Done<(Vec<u8>, bool)> {
        let key = (tree, path.to_owned());
        if let Some(bytes) = self.wasi().files.get(&key) {
            let bytes = Arc::clone(bytes);
            self.breathe(length.min(bytes.len() as u64)).await;
            return Ok(Ok(some_of(&bytes, offset, length)));
        }
        let known = self.wasi().large.as_ref().filter(|(large, _)| *large == key);
        let size = match known.map(|(_, size)| *size) {
            Some(size) => size,
            None => {
                let answer = self.ask(Question::Content { tree, path: path.to_owned() }).await?;
                if let Answer::Content(bytes) = answer {
                    let read = some_of(&bytes, offset, length);
                    self.wasi().keep(key, bytes);
                    return Ok(Ok(read));
                }
                let Answer::Denied(ReadError::TooLarge(size)) = answer else {
                    return self.refused(path, answer);
                };
                size
            }
        };
        self.wasi().large = Some((key, size));
        let length = u32::try_from(length.min(RANGE_BYTES_MAX))?;
        let question = Question::Range { tree, path: path.to_owned(), offset, length };
        let answer = self.ask(question).await?;
        let Answer::Range(bytes) = answer else { return self.refused(path, answer) };
        let is_end = offset.saturating_add(bytes.len() as u64) >= size;
        Ok(Ok((bytes, is_end)))
    }

    pub(in crate::wasi) async fn open_at(
        &mut self,
        this: This,
        how: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Done<Resource<Descriptor>> {
        let names = match Names::of(&path) {
            Ok(names) => names,
            Err(why) => return Ok(Err(why)),
        };
        let opened = match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => {
                self.wasi().open_scratch(number, &names, open, flags)
            }
            Descriptor::Repository { tree, path: from, .. } => {
                let at = names.below(&from);
                let opening = Opening {
                    directory: open.contains(OpenFlags::DIRECTORY) || names.is_directory(),
                    ..opening(open)
                };
                let writes = flags.contains(DescriptorFlags::WRITE);
                self.open_repository(tree, at, how, opening, writes).await?
            }
        };
        match opened {
            Ok(descriptor) => self.wasi().push(descriptor).map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }

    pub(in crate::wasi) async fn open_repository(
        &mut self,
        tree: Tree,
        path: String,
        how: PathFlags,
        opening: Opening,
        writes: bool,
    ) -> Done<Descriptor> {
        let kind = match self.look(tree, &path, how).await? {
            Ok((kind, _)) => kind,
            Err(ErrorCode::NoEntry) if opening.create => return Ok(Err(ErrorCode::ReadOnly)),
            Err(why) => return Ok(Err(why)),
        };
        let refused = match kind {
            _ if opening.create && opening.exclusive => Some(ErrorCode::Exist),
            Kind::Symlink => Some(ErrorCode::Loop),
            Kind::File if opening.directory => Some(ErrorCode::NotDirectory),
            Kind::Directory if writes || opening.truncate => Some(ErrorCode::IsDirectory),
            Kind::File if writes || opening.truncate => Some(ErrorCode::ReadOnly),
            Kind::File | Kind::Directory => None,
        };
        Ok(match refused {
            Some(why) => Err(why),
            None => Ok(Descriptor::Repository { tree, path, kind }),
        })
    }

    /// What stands at a path of the repository, the last link followed or not, and how long a link
    /// is. How long a file is is another question: most who look do not ask it.
    pub(in crate::wasi) async fn look(
        &mut self,
        tree: Tree,
        path: &str,
        how: PathFlags,
    ) -> Done<(Kind, u64)> {
        if !how.contains(PathFlags::SYMLINK_FOLLOW) && !path.is_empty() {
            let question = Question::Link { tree, path: path.to_owned() };
            let answer = self.ask(question).await?;
            let Answer::Link(target) = answer else { return self.refused(path, answer) };
            if let Some(target) = target {
                return Ok(Ok((Kind::Symlink, target.len() as u64)));
            }
        }
        let answer = self.ask(Question::Kind { tree, path: path.to_owned() }).await?;
        let Answer::Kind(kind) = answer else { return self.refused(path, answer) };
        // One that was followed and is still there leads nowhere inside.
        let is_dead = kind == Some(Kind::Symlink) && how.contains(PathFlags::SYMLINK_FOLLOW);
        Ok(kind.filter(|_| !is_dead).map(|kind| (kind, 0)).ok_or(ErrorCode::NoEntry))
    }

    /// The same for something that is open.
    pub(in crate::wasi) async fn stat(&mut self, this: This) -> Done<DescriptorStat> {
        match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => Ok(self.wasi().scratch_stat(number)),
            Descriptor::Repository { tree, path, kind } => {
                self.stat_of(tree, path, (kind, 0)).await
            }
        }
    }

    async fn stat_of(
        &mut self,
        tree: Tree,
        path: String,
        (kind, link): (Kind, u64),
    ) -> Done<DescriptorStat> {
        let size = match kind {
            Kind::Directory => 0,
            Kind::Symlink => link,
            Kind::File => {
                let answer = self.ask(Question::Size { tree, path: path.clone() }).await?;
                let Answer::Size(size) = answer else { return self.refused(&path, answer) };
                size
            }
        };
        Ok(Ok(DescriptorStat::of(kind, size)))
    }

    pub(in crate::wasi) async fn stat_at(
        &mut self,
        this: This,
        how: PathFlags,
        path: String,
    ) -> Done<DescriptorStat> {
        let names = match Names::of(&path) {
            Ok(names) => names,
            Err(why) => return Ok(Err(why)),
        };
        match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => {
                let wasi = self.wasi();
                Ok(wasi.scratch.at(number, &names).and_then(|at| wasi.scratch_stat(at)))
            }
            Descriptor::Repository { tree, path: from, .. } => {
                let path = names.below(&from);
                match self.look(tree, &path, how).await? {
                    Ok((kind, _)) if names.is_directory() && kind != Kind::Directory => {
                        Ok(Err(ErrorCode::NotDirectory))
                    }
                    Ok(looked) => self.stat_of(tree, path, looked).await,
                    Err(why) => Ok(Err(why)),
                }
            }
        }
    }

    pub(in crate::wasi) async fn hash_at(
        &mut self,
        this: This,
        how: PathFlags,
        path: String,
    ) -> Done<MetadataHash> {
        let names = match Names::of(&path) {
            Ok(names) => names,
            Err(why) => return Ok(Err(why)),
        };
        match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => {
                let found = self.wasi().scratch.at(number, &names);
                Ok(found.map(|number| Descriptor::Scratch { number, writes: true }.hash()))
            }
            Descriptor::Repository { tree, path: from, .. } => {
                let path = names.below(&from);
                let looked = self.look(tree, &path, how).await?;
                Ok(looked.map(|(kind, _)| Descriptor::Repository { tree, path, kind }.hash()))
            }
        }
    }

    pub(in crate::wasi) async fn read_link(&mut self, this: This, path: String) -> Done<String> {
        let names = match Names::of(&path) {
            Ok(names) => names,
            Err(why) => return Ok(Err(why)),
        };
        let (tree, path) = match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => {
                let found = self.wasi().scratch.at(number, &names);
                return Ok(found.and(Err(ErrorCode::Invalid)));
            }
            Descriptor::Repository { tree, path, .. } => (tree, names.below(&path)),
        };
        let answer = self.ask(Question::Link { tree, path: path.clone() }).await?;
        let Answer::Link(target) = answer else { return self.refused(&path, answer) };
        if let Some(target) = target {
            return Ok(Ok(target));
        }
        // What is no link is told apart from what is not there.
        Ok(self.look(tree, &path, PathFlags::SYMLINK_FOLLOW).await?.and(Err(ErrorCode::Invalid)))
    }

    pub(in crate::wasi) async fn read_at(
        &mut self,
        this: This,
        length: u64,
        offset: u64,
    ) -> Done<(Vec<u8>, bool)> {
        let length = length.min(CHUNK_BYTES_MAX);
        let read = match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => {
                let wasi = self.wasi();
                let size = wasi.scratch.size(number).unwrap_or_default();
                wasi.scratch.read(number, offset, length).map(|bytes| {
                    let is_end = offset.saturating_add(bytes.len() as u64) >= size;
                    (bytes, is_end)
                })
            }
            Descriptor::Repository { tree, path, kind } => match kind {
                Kind::Directory | Kind::Symlink => return Ok(Err(ErrorCode::IsDirectory)),
                Kind::File => self.read_file(tree, &path, offset, length).await?,
            },
        };
        self.breathe(read.as_ref().map_or(0, |(bytes, _)| bytes.len() as u64)).await;
        Ok(read)
    }

    pub(super) async fn read_directory(&mut self, this: This) -> Done<Resource<Entries>> {
        let entries = match self.wasi().table.get(&this)?.clone() {
            Descriptor::Scratch { number, .. } => match self.wasi().scratch.entries(number) {
                Ok(entries) => entries.into_iter().map(Into::into).collect::<Vec<_>>(),
                Err(why) => return Ok(Err(why)),
            },
            Descriptor::Repository { tree, path, .. } => {
                let answer = self.ask(Question::List { tree, path: path.clone() }).await?;
                let Answer::List(entries) = answer else { return self.refused(&path, answer) };
                entries.into_iter().map(Into::into).collect()
            }
        };
        self.wasi().tell(entries)
    }

    /// WASI's word for an answer that is none. It has no room for a reason, so who reads the log is
    /// told which grant is missing.
    fn refused<T>(&mut self, path: &str, answer: Answer) -> Done<T> {
        let Answer::Denied(why) = answer else { return Err(WrongKind.into()) };
        let code = match &why {
            ReadError::NotFound | ReadError::NoSuchTree => ErrorCode::NoEntry,
            ReadError::NotAFile => ErrorCode::NoDevice,
            ReadError::NotADirectory => ErrorCode::NotDirectory,
            ReadError::InvalidPath(_) | ReadError::InvalidPattern(_) => ErrorCode::Invalid,
            ReadError::Outside => ErrorCode::NotPermitted,
            ReadError::NotGranted(_) => ErrorCode::Access,
            ReadError::TooLarge(_) => ErrorCode::FileTooLarge,
            ReadError::Unreadable(_) => ErrorCode::Io,
        };
        if let ReadError::NotGranted(_) = why {
            self.log.write(Level::Warning, format!("{path:?} was not read: {why}"));
        }
        Ok(Err(code))
    }
}

impl Wasi {
    pub(super) fn open_scratch(
        &mut self,
        from: u64,
        names: &Names<'_>,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Descriptor, ErrorCode> {
        let number = self.scratch.open(from, names, opening(open))?;
        let writes = flags.contains(DescriptorFlags::WRITE)
            || flags.contains(DescriptorFlags::MUTATE_DIRECTORY);
        Ok(Descriptor::Scratch { number, writes })
    }

    /// Keeps a file for its next read, as long as there is room.
    fn keep(&mut self, key: (Tree, String), bytes: Vec<u8>) {
        let weight = bytes.len() as u64;
        if self.files_bytes + weight > FILES_BYTES_MAX {
            self.files.clear();
            self.files_bytes = 0;
        }
        self.files_bytes += weight;
        self.files.insert(key, Arc::new(bytes));
    }
}

/// At most `length` bytes from `offset` on, and whether they are the last.
fn some_of(bytes: &[u8], offset: u64, length: u64) -> (Vec<u8>, bool) {
    let is_end = offset.saturating_add(length) >= bytes.len() as u64;
    (part(bytes, offset, length), is_end)
}

fn opening(flags: OpenFlags) -> Opening {
    Opening {
        create: flags.contains(OpenFlags::CREATE),
        exclusive: flags.contains(OpenFlags::EXCLUSIVE),
        truncate: flags.contains(OpenFlags::TRUNCATE),
        directory: flags.contains(OpenFlags::DIRECTORY),
    }
}
