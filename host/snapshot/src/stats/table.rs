//! What is remembered, and how it is written down.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::{NodeKind, Stamp};
use crate::walk::Leaf;
use crate::{Digest, RepoPath};

/// All that is remembered of one directory.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) files: HashMap<RepoPath, FileEntry>,
    pub(super) walked: Option<Arc<Walked>>,
}

/// A file that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileEntry {
    pub(super) stamp: Stamp,
    pub(super) digest: Digest,
    /// By this process.
    pub(super) used: bool,
}

/// What a walk came to, and all that it depends on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    /// The directories that were listed.
    pub(crate) directories: Vec<(RepoPath, Stamp)>,
    /// The ignore files that were read.
    pub(crate) rules: Vec<(RepoPath, Stamp)>,
    /// What is tracked below directories that are ignored, and was found there.
    pub(crate) looked_up: Vec<(RepoPath, Option<NodeKind>)>,
    /// Git's index; none where there is none to be read.
    pub(crate) index: Option<Stamp>,
    /// Sorted by path.
    pub(crate) leaves: Arc<Vec<Leaf>>,
}

/// A text that is no table.
#[derive(Debug)]
pub(super) struct Garbled;

impl Table {
    pub(super) fn forget_unused(&mut self) {
        self.files.retain(|_, entry| entry.used);
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(self.files.len() * 160 + 64);
        count(&mut to, self.files.len());
        for (path, entry) in &self.files {
            write_path(&mut to, path);
            write_stamp(&mut to, &entry.stamp);
            to.extend_from_slice(entry.digest.as_bytes());
        }
        match &self.walked {
            None => to.push(0),
            Some(walked) => {
                to.push(1);
                walked.write(&mut to);
            }
        }
        to
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Garbled> {
        let mut from = Reader(bytes);
        let files = from.many(|from| {
            let path = from.path()?;
            let entry = FileEntry {
                stamp: from.stamp()?,
                digest: Digest::from_bytes(from.array()?),
                used: false,
            };
            Ok((path, entry))
        })?;
        let walked = match from.byte()? {
            0 => None,
            1 => Some(Arc::new(Walked::read(&mut from)?)),
            _ => return Err(Garbled),
        };
        if !from.0.is_empty() {
            return Err(Garbled);
        }
        Ok(Self { files: files.into_iter().collect(), walked })
    }
}

impl Walked {
    fn write(&self, to: &mut Vec<u8>) {
        let Self { directories, rules, looked_up, index, leaves } = self;
        for stamped in [directories, rules] {
            count(to, stamped.len());
            for (path, stamp) in stamped {
                write_path(to, path);
                write_stamp(to, stamp);
            }
        }
        count(to, looked_up.len());
        for (path, kind) in looked_up {
            write_path(to, path);
            to.push(match kind {
                None => 0,
                Some(NodeKind::File) => 1,
                Some(NodeKind::Directory) => 2,
                Some(NodeKind::Link) => 3,
            });
        }
        to.push(u8::from(index.is_some()));
        if let Some(stamp) = index {
            write_stamp(to, stamp);
        }
        count(to, leaves.len());
        for Leaf { path, is_link } in &**leaves {
            write_path(to, path);
            to.push(u8::from(*is_link));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Garbled> {
        let stamped = |from: &mut Reader<'_>| Ok((from.path()?, from.stamp()?));
        let (directories, rules) = (from.many(stamped)?, from.many(stamped)?);
        let looked_up = from.many(|from| {
            let path = from.path()?;
            let kind = match from.byte()? {
                0 => None,
                1 => Some(NodeKind::File),
                2 => Some(NodeKind::Directory),
                3 => Some(NodeKind::Link),
                _ => return Err(Garbled),
            };
            Ok((path, kind))
        })?;
        let index = if from.flag()? { Some(from.stamp()?) } else { None };
        let leaves = from.many(|from| Ok(Leaf { path: from.path()?, is_link: from.flag()? }))?;
        Ok(Self { directories, rules, looked_up, index, leaves: Arc::new(leaves) })
    }
}

fn count(to: &mut Vec<u8>, count: usize) {
    to.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn write_path(to: &mut Vec<u8>, path: &RepoPath) {
    count(to, path.as_str().len());
    to.extend_from_slice(path.as_str().as_bytes());
}

fn write_stamp(to: &mut Vec<u8>, stamp: &Stamp) {
    let Stamp { device, inode, size, modified_ns, changed_ns, mode } = stamp;
    for number in [device, inode, size] {
        to.extend_from_slice(&number.to_le_bytes());
    }
    to.extend_from_slice(&modified_ns.to_le_bytes());
    to.extend_from_slice(&changed_ns.to_le_bytes());
    to.extend_from_slice(&mode.to_le_bytes());
}

/// Bytes that are yet to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Garbled> {
        let (read, rest) = self.0.split_at_checked(length).ok_or(Garbled)?;
        self.0 = rest;
        Ok(read)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        self.bytes(N)?.try_into().map_err(|_| Garbled)
    }

    fn byte(&mut self) -> Result<u8, Garbled> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn flag(&mut self) -> Result<bool, Garbled> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Garbled),
        }
    }

    fn count(&mut self) -> Result<usize, Garbled> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| Garbled)
    }

    fn many<T>(
        &mut self,
        one: impl Fn(&mut Self) -> Result<T, Garbled>,
    ) -> Result<Vec<T>, Garbled> {
        /// A path without a letter, and what is said of it.
        const LEAST_BYTES: usize = 5;
        let count = self.count()?;
        if count > self.0.len() / LEAST_BYTES {
            return Err(Garbled);
        }
        (0..count).map(|_| one(self)).collect()
    }

    fn path(&mut self) -> Result<RepoPath, Garbled> {
        let length = self.count()?;
        let text = std::str::from_utf8(self.bytes(length)?).map_err(|_| Garbled)?;
        RepoPath::parse(text).map_err(|_| Garbled)
    }

    fn stamp(&mut self) -> Result<Stamp, Garbled> {
        Ok(Stamp {
            device: u64::from_le_bytes(self.array()?),
            inode: u64::from_le_bytes(self.array()?),
            size: u64::from_le_bytes(self.array()?),
            modified_ns: i128::from_le_bytes(self.array()?),
            changed_ns: i128::from_le_bytes(self.array()?),
            mode: u32::from_le_bytes(self.array()?),
        })
    }
}
