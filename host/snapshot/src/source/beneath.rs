//! The only door to the disk: names opened beneath a directory, through no link at all.
//!
//! On Linux the kernel keeps the promise in one call (`openat2`). Where it cannot, each name is
//! opened by itself with `O_NOFOLLOW`, which keeps it as well and costs a call a name.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::RepoPath;

/// A directory of the machine, and what lies below it.
#[derive(Debug)]
pub(crate) struct Beneath {
    root: OwnedFd,
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory to look from, which takes no right to list it.
#[cfg(target_os = "linux")]
const PLACE: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const PLACE: OFlags = DIRECTORY;

/// A pipe or a device must not make us wait, and a terminal not become ours.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Beneath {
    /// Opens the root itself. Its own name may be a link: the caller chose it.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(root, flags, Mode::empty())? })
    }

    /// What stands at `path`. `ELOOP` if a directory on the way is a link.
    pub(crate) fn stat(&self, path: &RepoPath) -> Result<Stat, Errno> {
        if path.is_root() {
            return rustix::fs::fstat(&self.root);
        }
        #[cfg(target_os = "linux")]
        {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            if let Some(opened) = openat2(self.root.as_fd(), path.as_str(), flags) {
                return rustix::fs::fstat(opened?);
            }
        }
        self.in_parent(path, |parent, name| {
            rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        })
    }

    /// Many paths in turn. Neighbours are looked at through the directory they share.
    pub(crate) fn near(&self) -> Near<'_> {
        Near { beneath: self, directory: None }
    }

    /// Whether the file system that the root is on changes a file's times with every change of it.
    pub(crate) fn keeps_times(&self) -> bool {
        keeps_times(self.root.as_fd())
    }

    /// Opens the file `path` for reading.
    pub(crate) fn file(&self, path: &RepoPath) -> Result<File, Errno> {
        self.open_as(path, FILE).map(File::from)
    }

    /// Opens the directory `path` for listing.
    pub(crate) fn directory(&self, path: &RepoPath) -> Result<OwnedFd, Errno> {
        // A directory that is open already would share its position with all who list it.
        match path.is_root() {
            true => rustix::fs::openat(&self.root, ".", DIRECTORY, Mode::empty()),
            false => self.open_as(path, DIRECTORY),
        }
    }

    /// Where the link `path` points.
    pub(crate) fn target(&self, path: &RepoPath) -> Result<Vec<u8>, Errno> {
        self.in_parent(path, |parent, name| {
            rustix::fs::readlinkat(parent, name, Vec::new()).map(std::ffi::CString::into_bytes)
        })
    }

    /// Makes the directory `path` and those it stands in, where they are missing.
    pub(crate) fn make_directories(&self, path: &RepoPath) -> Result<(), Errno> {
        let mut at = RepoPath::root();
        for name in path.names() {
            at = at.join(name).ok_or(Errno::NAMETOOLONG)?;
            match self.in_parent(&at, |parent, name| {
                rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o777))
            }) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Makes a new file; `EEXIST` if anything stands there.
    pub(crate) fn new_file(&self, path: &RepoPath, executable: bool) -> Result<File, Errno> {
        let mode = Mode::from_raw_mode(if executable { 0o777 } else { 0o666 });
        self.in_parent(path, |parent, name| rustix::fs::openat(parent, name, NEW_FILE, mode))
            .map(File::from)
    }

    /// Makes a new link; it is not looked at where it points.
    pub(crate) fn new_link(&self, path: &RepoPath, target: &str) -> Result<(), Errno> {
        self.in_parent(path, |parent, name| rustix::fs::symlinkat(target, parent, name))
    }

    /// Removes the file or link `path`, or the directory if it is empty.
    pub(crate) fn remove(&self, path: &RepoPath, directory: bool) -> Result<(), Errno> {
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        self.in_parent(path, |parent, name| rustix::fs::unlinkat(parent, name, flags))
    }

    /// Puts the file `from` where `to` stands, whatever that is.
    pub(crate) fn replace(&self, from: &RepoPath, to: &RepoPath) -> Result<(), Errno> {
        self.in_parent(from, |from_parent, from| {
            self.in_parent(to, |parent, to| rustix::fs::renameat(from_parent, from, parent, to))
        })
    }

    fn open_as(&self, path: &RepoPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        #[cfg(target_os = "linux")]
        if let Some(opened) = openat2(self.root.as_fd(), path.as_str(), flags) {
            return opened;
        }
        self.in_parent(path, |parent, name| rustix::fs::openat(parent, name, flags, Mode::empty()))
    }

    /// Does `act` with the directory that `path` stands in and its last name.
    fn in_parent<T>(
        &self,
        path: &RepoPath,
        act: impl FnOnce(BorrowedFd<'_>, &str) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let parent = path.parent().ok_or(Errno::ISDIR)?;
        if parent.is_root() {
            return act(self.root.as_fd(), path.name());
        }
        #[cfg(target_os = "linux")]
        if let Some(opened) = openat2(self.root.as_fd(), parent.as_str(), DIRECTORY) {
            return act(opened?.as_fd(), path.name());
        }
        act(self.walk(&parent)?.as_fd(), path.name())
    }

    /// Opens the directory `path` one name at a time.
    fn walk(&self, path: &RepoPath) -> Result<OwnedFd, Errno> {
        let mut names = path.names();
        let first = names.next().ok_or(Errno::ISDIR)?;
        let start = step_into(self.root.as_fd(), first)?;
        names.try_fold(start, |at, name| step_into(at.as_fd(), name))
    }
}

/// A look around: the last directory stays open for as long as this lives, a moment.
pub(crate) struct Near<'a> {
    beneath: &'a Beneath,
    directory: Option<(RepoPath, OwnedFd)>,
}

impl Near<'_> {
    /// [`Beneath::stat`].
    pub(crate) fn stat(&mut self, path: &RepoPath) -> Result<Stat, Errno> {
        let Some((parent, name)) = path.split() else { return self.beneath.stat(path) };
        let look = |at: BorrowedFd<'_>| rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW);
        if parent.is_empty() {
            return look(self.beneath.root.as_fd());
        }
        if let Some((open, at)) = &self.directory
            && open.as_str() == parent
        {
            return look(at.as_fd());
        }
        let Some(parent) = path.parent() else { return self.beneath.stat(path) };
        // Whatever is wrong with the directory, the other way says it better.
        let Ok(opened) = self.beneath.open_as(&parent, PLACE) else {
            return self.beneath.stat(path);
        };
        let (_, at) = self.directory.insert((parent, opened));
        look(at.as_fd())
    }
}

/// By their magic numbers: ext4, xfs, btrfs and tmpfs. Not what comes over a network, and not
/// overlays, whose lower layers change unseen.
#[cfg(target_os = "linux")]
fn keeps_times(at: BorrowedFd<'_>) -> bool {
    const KNOWN: [u64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994];
    let magic = rustix::fs::fstatfs(at).map(|about| u64::try_from(about.f_type));
    matches!(magic, Ok(Ok(magic)) if KNOWN.contains(&magic))
}

/// By its name: APFS.
#[cfg(any(target_os = "macos", target_os = "ios"))]
fn keeps_times(at: BorrowedFd<'_>) -> bool {
    let name = rustix::fs::fstatfs(at).map(|about| about.f_fstypename);
    name.is_ok_and(|name| name.iter().map(|byte| byte.cast_unsigned()).take(5).eq(*b"apfs\0"))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "ios")))]
fn keeps_times(_: BorrowedFd<'_>) -> bool {
    false
}

/// Opens one name. A link says `ELOOP`, whatever the system calls it.
fn step_into(at: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat(at, name, DIRECTORY, Mode::empty()) {
        Err(Errno::NOTDIR) => {
            let stat = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
            Err(if link { Errno::LOOP } else { Errno::NOTDIR })
        }
        opened => opened,
    }
}

/// `None` if this kernel, or a filter around us, has no `openat2`.
#[cfg(target_os = "linux")]
fn openat2(at: BorrowedFd<'_>, path: &str, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
    use rustix::fs::ResolveFlags;

    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(at, path, flags, Mode::empty(), resolve) {
        // A filter says EPERM; so may a file, and then the other way says it again. EAGAIN is a
        // race with a rename, which the other way does not mind.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => None,
        opened => Some(opened),
    }
}
