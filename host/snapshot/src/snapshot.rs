//! A repository as an immutable view, whatever it is stored in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::digest::DigestWriter;
use crate::memo::Memo;
use crate::resolve::{Place, resolve};
use crate::source::{Directory, GitTree, Node, Overlay, Read, Source, for_each_chunk};
use crate::walk::{Leaf, walk};
use crate::{
    Digest, Kind, Metadata, OpenError, Question, ReadError, RepoPath, SnapshotError, StatCache,
};

/// A state of a repository. Cheap to clone, and safe to ask from many threads.
///
/// A commit never changes. A directory may, under our feet: so the list of its files and its
/// digest are taken once and kept, and what one call read is kept by its [`crate::View`].
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<State>);

#[derive(Debug)]
struct State {
    source: Arc<dyn Source>,
    /// Kept to lay further changes on the same base.
    changes: BTreeMap<RepoPath, Option<FileContent>>,
    base: Option<Snapshot>,
    leaves: OnceLock<Result<Arc<Vec<Leaf>>, SnapshotError>>,
    digest: OnceLock<Result<Digest, SnapshotError>>,
    time: OnceLock<u64>,
    memo: Memo,
}

/// What a file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
}

/// A file or a link of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it stands.
    pub path: RepoPath,
    /// [`Kind::File`] or [`Kind::Symlink`].
    pub kind: Kind,
    /// Bytes of a file; 0 for a link.
    pub size: u64,
    /// Whether a file may be executed.
    pub executable: bool,
}

impl Snapshot {
    /// The most bytes that [`Self::read`] and a question about content hand out: 16 MiB, as the
    /// contract says.
    pub const CONTENT_BYTES_MAX: u64 = 16 << 20;

    /// What [`Self::time`] says where no commit is: the first of January 1980. Archives know no
    /// earlier day.
    pub const NO_TIME_S: u64 = 315_532_800;

    /// The directory `root` as it is. If it is the work tree of a repository, what is in the index
    /// is not ignored; an index that cannot be read is as good as none.
    ///
    /// # Errors
    ///
    /// When it cannot be opened as a directory.
    pub fn directory(root: &Path) -> Result<Self, OpenError> {
        Self::directory_with(root, None)
    }

    /// [`Self::directory`], with what is remembered of its files. That makes digests of answers
    /// come sooner, and changes none: bytes that are handed out are always read.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn directory_with(root: &Path, stats: Option<Arc<StatCache>>) -> Result<Self, OpenError> {
        match Directory::open(root, stats) {
            Ok(source) => Ok(Self::of(Arc::new(source))),
            Err(source) => Err(OpenError::Directory { path: root.to_owned(), source }),
        }
    }

    /// The tree of `revision`, from the object database of the repository that `path` is in.
    /// Nothing of it is ignored.
    ///
    /// # Errors
    ///
    /// When there is no repository, or the revision names no commit of it.
    pub fn git(path: &Path, revision: &str) -> Result<Self, OpenError> {
        Ok(Self::of(Arc::new(GitTree::open(path, revision)?)))
    }

    /// This snapshot with other contents at some paths, which are not ignored; `None` means that
    /// nothing stands there.
    #[must_use]
    pub fn overlay(&self, changes: BTreeMap<RepoPath, Option<FileContent>>) -> Self {
        let base = self.0.base.as_ref().unwrap_or(self);
        let mut all = self.0.changes.clone();
        all.extend(changes);
        let source = Overlay::new(Arc::clone(&base.0.source), all.clone());
        let mut state = State::of(Arc::new(source));
        state.changes = all;
        state.base = Some(base.clone());
        Self(Arc::new(state))
    }

    /// The digest of all files that are not ignored: their paths, contents and executable bits,
    /// and the targets of links. Equal for a clean checkout and its commit. Computed once.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or there are too many.
    pub fn digest(&self) -> Result<Digest, SnapshotError> {
        self.0.digest.get_or_init(|| self.compute_digest()).clone()
    }

    /// All files and links that are not ignored, sorted by path.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read, or there are too many files.
    pub fn files(&self) -> Result<Vec<FileEntry>, SnapshotError> {
        let mut files = Vec::new();
        for leaf in self.leaves()? {
            files.extend(self.file(leaf)?);
        }
        Ok(files)
    }

    /// The bytes of the file at `path`, links inside followed.
    ///
    /// # Errors
    ///
    /// What a tool would be told.
    pub fn read(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
        let place = resolve(self.source(), path)?;
        let Place::File { path, size, .. } = place else { return Err(place.not_a_file()) };
        read_whole(self.source(), &path, size).map(|read| read.bytes)
    }

    /// What stands at `path`, links inside followed.
    ///
    /// # Errors
    ///
    /// What a tool would be told.
    pub fn stat(&self, path: &RepoPath) -> Result<Metadata, ReadError> {
        resolve(self.source(), path)?.metadata()
    }

    /// When the commit was made that this is, or that is checked out here, in seconds since 1970.
    /// Computed once; changes do not change it.
    pub fn time(&self) -> u64 {
        *self.0.time.get_or_init(|| {
            let seconds = self.source().commit_time().and_then(|time| u64::try_from(time).ok());
            seconds.unwrap_or(Self::NO_TIME_S)
        })
    }

    /// Whether `path` leads to a file that may be executed.
    pub fn is_executable(&self, path: &RepoPath) -> bool {
        self.stat(path).is_ok_and(|metadata| metadata.executable)
    }

    pub(crate) fn source(&self) -> &dyn Source {
        &*self.0.source
    }

    /// Whether the answer to `question`, once given, stands for as long as this snapshot is used:
    /// it is about what cannot change, or about the list of files, which is taken once.
    pub(crate) fn remembers(&self, question: &Question) -> bool {
        match question {
            // They are the run's, not the tree's.
            Question::Variable { .. } | Question::Variables => false,
            Question::Glob { query, .. } => !query.include_ignored || self.source().is_fixed(),
            Question::Content { .. }
            | Question::Range { .. }
            | Question::Stat { .. }
            | Question::Kind { .. }
            | Question::Size { .. }
            | Question::Executable { .. }
            | Question::Link { .. }
            | Question::Time { .. }
            | Question::List { .. }
            | Question::Search { .. } => self.source().is_fixed(),
        }
    }

    pub(crate) fn memo(&self) -> &Memo {
        &self.0.memo
    }

    /// All files and links that are not ignored, sorted by path; looked up once.
    pub(crate) fn leaves(&self) -> Result<&[Leaf], SnapshotError> {
        match self.0.leaves.get_or_init(|| walk(self.source())) {
            Ok(leaves) => Ok(leaves),
            Err(err) => Err(err.clone()),
        }
    }

    /// What is known of a leaf; `None` if it has gone or changed its kind since it was listed.
    pub(crate) fn file(&self, leaf: &Leaf) -> Result<Option<FileEntry>, SnapshotError> {
        let path = leaf.path.clone();
        Ok(match self.source().node(&path)? {
            Node::File { size, executable, .. } if !leaf.is_link => {
                Some(FileEntry { path, kind: Kind::File, size, executable })
            }
            Node::Link if leaf.is_link => {
                Some(FileEntry { path, kind: Kind::Symlink, size: 0, executable: false })
            }
            Node::Absent
            | Node::BehindLink
            | Node::Directory
            | Node::File { .. }
            | Node::Link
            | Node::Special => None,
        })
    }

    pub(crate) fn of(source: Arc<dyn Source>) -> Self {
        Self(Arc::new(State::of(source)))
    }

    fn compute_digest(&self) -> Result<Digest, SnapshotError> {
        let mut writer = DigestWriter::new("stepwell 2026-11 snapshot v1");
        for file in self.files()? {
            let content = content_digest(self.source(), &file)?;
            writer.text(file.path.as_str()).flag(file.kind == Kind::Symlink);
            writer.flag(file.executable).bytes(content.as_bytes());
        }
        Ok(writer.finish())
    }
}

impl State {
    fn of(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            changes: BTreeMap::new(),
            base: None,
            leaves: OnceLock::new(),
            digest: OnceLock::new(),
            time: OnceLock::new(),
            memo: Memo::default(),
        }
    }
}

/// The digest of a file's bytes, or of where a link points.
pub(crate) fn content_digest(
    source: &dyn Source,
    file: &FileEntry,
) -> Result<Digest, SnapshotError> {
    if file.kind == Kind::Symlink {
        let target = source.target(&file.path)?.unwrap_or_default();
        return Ok(Digest::of(target.as_bytes()));
    }
    let mut hasher = blake3::Hasher::new();
    for_each_chunk(source, &file.path, |chunk| {
        hasher.update(chunk);
        Ok::<(), SnapshotError>(())
    })?;
    Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
}

/// All bytes of a file that was found to have `size` of them.
pub(crate) fn read_whole(
    source: &dyn Source,
    path: &RepoPath,
    size: u64,
) -> Result<Read, ReadError> {
    const MOST: u64 = Snapshot::CONTENT_BYTES_MAX;
    if size > MOST {
        return Err(ReadError::TooLarge(size));
    }
    // It may have grown since it was measured: what is handed out is what is bounded.
    let read = source.whole(path, MOST + 1)?;
    match read.bytes.len() as u64 {
        length if length > MOST => Err(ReadError::TooLarge(length)),
        _ => Ok(read),
    }
}

impl Place {
    /// What a tool is told that asked for what stands here.
    pub(crate) fn metadata(&self) -> Result<Metadata, ReadError> {
        let plain = |kind| Ok(Metadata { kind, size: 0, executable: false });
        match self {
            Self::File { size, executable, .. } => {
                Ok(Metadata { kind: Kind::File, size: *size, executable: *executable })
            }
            Self::Directory(_) => plain(Kind::Directory),
            Self::DeadLink | Self::LinkOut => plain(Kind::Symlink),
            Self::Nothing => Err(ReadError::NotFound),
            Self::Special => Err(ReadError::NotAFile),
            Self::Outside => Err(ReadError::Outside),
        }
    }

    /// What a tool is told that asked for a file and found this.
    pub(crate) fn not_a_file(&self) -> ReadError {
        match self {
            Self::Nothing => ReadError::NotFound,
            Self::File { .. } | Self::Directory(_) | Self::Special | Self::DeadLink => {
                ReadError::NotAFile
            }
            Self::LinkOut | Self::Outside => ReadError::Outside,
        }
    }

    /// What a tool is told that asked for a directory and found this.
    pub(crate) fn not_a_directory(&self) -> ReadError {
        match self {
            Self::Nothing => ReadError::NotFound,
            Self::File { .. } | Self::Directory(_) | Self::Special | Self::DeadLink => {
                ReadError::NotADirectory
            }
            Self::LinkOut | Self::Outside => ReadError::Outside,
        }
    }
}
