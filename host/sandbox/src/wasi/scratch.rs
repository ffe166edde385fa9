//! `/tmp`: files in memory, bounded, gone with the call.

use std::collections::BTreeMap;

use super::path::Names;
use super::words::ErrorCode;

/// Bytes of all files together.
pub(crate) const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Files and directories.
pub(crate) const ENTRIES_MAX: usize = 4_096;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 255;

/// The number of `/tmp` itself.
pub(crate) const ROOT: u64 = 0;

/// Files and directories by number, as long as they have a name or are open.
#[derive(Debug)]
pub(crate) struct Scratch {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Node {
    content: Content,
    opens: u32,
    named: bool,
}

#[derive(Debug)]
enum Content {
    File(Vec<u8>),
    Directory(BTreeMap<String, u64>),
}

/// What is wanted of a path that is opened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Opening {
    pub(crate) create: bool,
    pub(crate) exclusive: bool,
    pub(crate) truncate: bool,
    pub(crate) directory: bool,
}

type Done<T> = Result<T, ErrorCode>;

impl Default for Scratch {
    fn default() -> Self {
        let content = Content::Directory(BTreeMap::new());
        let root = Node { content, opens: 0, named: true };
        Self { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, bytes: 0 }
    }
}

impl Scratch {
    /// Opens what stands at a path, made if that is wanted. It stays until it is
    /// [released](Self::release), even without a name.
    pub(crate) fn open(&mut self, from: u64, path: &Names<'_>, how: Opening) -> Done<u64> {
        let found = match self.find(from, path.all()) {
            Ok(_) if how.create && how.exclusive => return Err(ErrorCode::Exist),
            Ok(found) => found,
            Err(ErrorCode::NoEntry) if how.create && !path.is_directory() => {
                let (parent, name) = self.parent(from, path)?;
                self.add(parent, name, Content::File(Vec::new()))?
            }
            Err(why) => return Err(why),
        };
        if self.is_directory(found)? {
            if how.create || how.truncate {
                return Err(ErrorCode::IsDirectory);
            }
        } else if how.directory || path.is_directory() {
            return Err(ErrorCode::NotDirectory);
        } else if how.truncate {
            self.set_size(found, 0)?;
        }
        self.hold(found)?;
        Ok(found)
    }

    /// Keeps what is open; [`Self::release`] lets go of it.
    pub(crate) fn hold(&mut self, number: u64) -> Done<()> {
        let node = self.nodes.get_mut(&number).ok_or(ErrorCode::BadDescriptor)?;
        node.opens += 1;
        Ok(())
    }

    pub(crate) fn release(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.opens = node.opens.saturating_sub(1);
        }
        self.bury(number);
    }

    pub(crate) fn is_directory(&self, number: u64) -> Done<bool> {
        Ok(matches!(self.node(number)?.content, Content::Directory(_)))
    }

    /// Bytes of a file; 0 for a directory.
    pub(crate) fn size(&self, number: u64) -> Done<u64> {
        Ok(match &self.node(number)?.content {
            Content::File(bytes) => bytes.len() as u64,
            Content::Directory(_) => 0,
        })
    }

    /// At most `length` bytes from `offset` on.
    pub(crate) fn read(&self, number: u64, offset: u64, length: u64) -> Done<Vec<u8>> {
        match &self.node(number)?.content {
            Content::File(bytes) => Ok(super::files::part(bytes, offset, length)),
            Content::Directory(_) => Err(ErrorCode::IsDirectory),
        }
    }

    /// Writes at `offset`, or at the end.
    pub(crate) fn write(&mut self, number: u64, offset: Option<u64>, new: &[u8]) -> Done<u64> {
        let size = self.size(number)?;
        let start = offset.unwrap_or(size);
        let end = start.checked_add(new.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
        if end > size {
            self.set_size(number, end)?;
        }
        let bytes = self.file(number)?;
        let start = usize::try_from(start).map_err(|_| ErrorCode::FileTooLarge)?;
        let place = bytes.get_mut(start..start + new.len()).ok_or(ErrorCode::Invalid)?;
        place.copy_from_slice(new);
        Ok(new.len() as u64)
    }

    pub(crate) fn set_size(&mut self, number: u64, size: u64) -> Done<()> {
        let was = self.size(number)?;
        let total = (self.bytes - was).checked_add(size).filter(|&total| total <= BYTES_MAX);
        let total = total.ok_or(ErrorCode::InsufficientSpace)?;
        let size = usize::try_from(size).map_err(|_| ErrorCode::InsufficientSpace)?;
        let bytes = self.file(number)?;
        bytes.resize(size, 0);
        bytes.shrink_to(size.saturating_mul(2));
        self.bytes = total;
        Ok(())
    }

    /// The names in a directory, each with whether it is a directory.
    pub(crate) fn entries(&self, number: u64) -> Done<Vec<(String, bool)>> {
        let Content::Directory(names) = &self.node(number)?.content else {
            return Err(ErrorCode::NotDirectory);
        };
        names.iter().map(|(name, &at)| Ok((name.clone(), self.is_directory(at)?))).collect()
    }

    /// What stands at a path.
    pub(crate) fn at(&self, from: u64, path: &Names<'_>) -> Done<u64> {
        let found = self.find(from, path.all())?;
        if path.is_directory() && !self.is_directory(found)? {
            return Err(ErrorCode::NotDirectory);
        }
        Ok(found)
    }

    pub(crate) fn make_directory(&mut self, from: u64, path: &Names<'_>) -> Done<()> {
        if self.find(from, path.all()).is_ok() {
            return Err(ErrorCode::Exist);
        }
        let (parent, name) = self.parent(from, path)?;
        self.add(parent, name, Content::Directory(BTreeMap::new())).map(drop)
    }

    /// Takes a file's or an empty directory's name away.
    pub(crate) fn remove(&mut self, from: u64, path: &Names<'_>, directory: bool) -> Done<()> {
        let found = self.at(from, path)?;
        match (&self.node(found)?.content, directory) {
            (Content::Directory(names), true) if !names.is_empty() => Err(ErrorCode::NotEmpty),
            (Content::Directory(_), false) => Err(ErrorCode::IsDirectory),
            (Content::File(_), true) => Err(ErrorCode::NotDirectory),
            (Content::Directory(_) | Content::File(_), _) => {
                let (parent, name) = self.parent(from, path)?;
                self.names(parent)?.remove(name);
                self.unname(found);
                Ok(())
            }
        }
    }

    /// Gives a file or directory another name; what had that name is replaced, as POSIX has it.
    pub(crate) fn rename(
        &mut self,
        (from, old): (u64, &Names<'_>),
        (to, new): (u64, &Names<'_>),
    ) -> Done<()> {
        let moved = self.at(from, old)?;
        let (old_parent, old_name) = self.parent(from, old)?;
        let (new_parent, new_name) = self.parent(to, new)?;
        check_name(new_name)?;
        if self.holds(moved, new_parent)? {
            return Err(ErrorCode::Invalid);
        }
        if let Ok(replaced) = self.find(to, new.all()) {
            if replaced == moved {
                return Ok(());
            }
            let kinds = (self.is_directory(moved)?, self.is_directory(replaced)?);
            match kinds {
                (true, false) => return Err(ErrorCode::NotDirectory),
                (false, true) => return Err(ErrorCode::IsDirectory),
                (true, true) if !self.entries(replaced)?.is_empty() => {
                    return Err(ErrorCode::NotEmpty);
                }
                (true, true) | (false, false) => {}
            }
            self.names(new_parent)?.remove(new_name);
            self.unname(replaced);
        }
        self.names(old_parent)?.remove(old_name);
        self.names(new_parent)?.insert(new_name.to_owned(), moved);
        Ok(())
    }

    fn node(&self, number: u64) -> Done<&Node> {
        self.nodes.get(&number).ok_or(ErrorCode::BadDescriptor)
    }

    fn file(&mut self, number: u64) -> Done<&mut Vec<u8>> {
        match self.nodes.get_mut(&number).map(|node| &mut node.content) {
            Some(Content::File(bytes)) => Ok(bytes),
            Some(Content::Directory(_)) => Err(ErrorCode::IsDirectory),
            None => Err(ErrorCode::BadDescriptor),
        }
    }

    fn names(&mut self, number: u64) -> Done<&mut BTreeMap<String, u64>> {
        match self.nodes.get_mut(&number).map(|node| &mut node.content) {
            Some(Content::Directory(names)) => Ok(names),
            Some(Content::File(_)) => Err(ErrorCode::NotDirectory),
            None => Err(ErrorCode::BadDescriptor),
        }
    }

    fn find(&self, from: u64, names: &[&str]) -> Done<u64> {
        names.iter().try_fold(from, |at, name| match &self.node(at)?.content {
            Content::Directory(names) => names.get(*name).copied().ok_or(ErrorCode::NoEntry),
            Content::File(_) => Err(ErrorCode::NotDirectory),
        })
    }

    /// The directory that a path's last name stands in, and that name.
    fn parent<'a>(&self, from: u64, path: &Names<'a>) -> Done<(u64, &'a str)> {
        let (name, above) = path.all().split_last().ok_or(ErrorCode::Busy)?;
        let parent = self.find(from, above)?;
        if self.is_directory(parent)? { Ok((parent, name)) } else { Err(ErrorCode::NotDirectory) }
    }

    fn add(&mut self, parent: u64, name: &str, content: Content) -> Done<u64> {
        check_name(name)?;
        if self.nodes.len() >= ENTRIES_MAX {
            return Err(ErrorCode::InsufficientSpace);
        }
        if !self.node(parent)?.named {
            return Err(ErrorCode::NoEntry);
        }
        let number = self.next;
        self.names(parent)?.insert(name.to_owned(), number);
        self.nodes.insert(number, Node { content, opens: 0, named: true });
        self.next += 1;
        Ok(number)
    }

    fn unname(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.named = false;
        }
        self.bury(number);
    }

    /// Forgets what has no name and is not open.
    fn bury(&mut self, number: u64) {
        if self.nodes.get(&number).is_some_and(|node| !node.named && node.opens == 0) {
            self.bytes -= self.size(number).unwrap_or_default();
            self.nodes.remove(&number);
        }
    }

    /// Whether `inner` is `outer` or stands somewhere in it.
    fn holds(&self, outer: u64, inner: u64) -> Done<bool> {
        let mut ahead = vec![outer];
        while let Some(number) = ahead.pop() {
            if number == inner {
                return Ok(true);
            }
            if let Content::Directory(names) = &self.node(number)?.content {
                ahead.extend(names.values());
            }
        }
        Ok(false)
    }
}

fn check_name(name: &str) -> Done<()> {
    if name.len() > NAME_BYTES_MAX { Err(ErrorCode::NameTooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
