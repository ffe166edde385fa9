//! One question on its way: how it is answered by one tree, within one grant.

use crate::pattern::Patterns;
use crate::question::content_digest;
use crate::resolve::{Place, locate, resolve, resolve_from};
use crate::search::Search;
use crate::snapshot::read_whole;
use crate::source::{Node, NodeKind, Read, Source, Stamp};
use crate::walk::walk_ignored;
use crate::{
    Digest, Entry, Found, GlobQuery, Grant, Kind, Metadata, ReadError, RepoPath, SearchQuery,
    Snapshot, SnapshotError,
};

/// Files looked through in one search, all together; a few seconds.
const SEARCH_BYTES_MAX: u64 = 512 << 20;

/// One question on its way: the tree it asks, and the grant it must keep to.
pub(crate) struct Ask<'a> {
    tree: &'a Snapshot,
    source: &'a dyn Source,
    grant: &'a Grant,
    /// What was just seen at the path that is asked about.
    seen: Option<Node>,
}

/// A file that may be read.
struct At {
    /// Without a link in it.
    path: RepoPath,
    size: u64,
    executable: bool,
    stamp: Option<Stamp>,
}

impl<'a> Ask<'a> {
    pub(crate) fn of(tree: &'a Snapshot, grant: &'a Grant) -> Self {
        Self { tree, source: tree.source(), grant, seen: None }
    }

    /// The same, for a question about a path at which `node` was just seen.
    pub(crate) fn having_seen(self, seen: Option<Node>) -> Self {
        Self { seen, ..self }
    }

    /// The bytes of the file at `path`, and the digest of them as an answer.
    pub(crate) fn content(&self, path: &str) -> Result<(Vec<u8>, Digest), ReadError> {
        self.read(&self.file(path)?)
    }

    /// The digest of what [`Self::content`] answers. It does without the bytes if the file system
    /// vouches for what was read before.
    pub(crate) fn content_digest(&self, path: &str) -> Result<Digest, ReadError> {
        let at = self.file(path)?;
        let stamped = self.source.stats().zip(at.stamp.as_ref());
        let known = stamped.and_then(|(stats, stamp)| stats.file(&at.path, stamp));
        known.map_or_else(|| self.read(&at).map(|(_, digest)| digest), Ok)
    }

    /// [`Self::content_digest`] of a path that nobody is kept from, where `node` was just seen
    /// there, if it is a file that was read before and is the same by what the file system says.
    pub(crate) fn known_content(&self, path: &RepoPath, node: Node) -> Option<Digest> {
        let Node::File { stamp: Some(stamp), .. } = node else { return None };
        // Who may not read it is refused by the longer way.
        if !self.grant.has_file(path) {
            return None;
        }
        self.source.stats()?.file(path, &stamp)
    }

    fn read(&self, at: &At) -> Result<(Vec<u8>, Digest), ReadError> {
        let Read { bytes, settled } = read_whole(self.source, &at.path, at.size)?;
        let digest = content_digest(&bytes);
        if let Some((stats, stamp)) = self.source.stats().zip(settled) {
            stats.note_file(&at.path, stamp, digest);
        }
        Ok((bytes, digest))
    }

    pub(crate) fn range(&self, path: &str, offset: u64, length: u32) -> Result<Vec<u8>, ReadError> {
        let At { path, size, .. } = self.file(path)?;
        let length = u64::from(length).min(size.saturating_sub(offset));
        if length > Snapshot::CONTENT_BYTES_MAX {
            return Err(ReadError::TooLarge(length));
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        Ok(self.source.bytes(&path, offset, length)?)
    }

    /// What stands at `path`, if anything does: whether it is there is half of the question.
    pub(crate) fn kind(&self, path: &str) -> Result<Option<Kind>, ReadError> {
        match self.stat(path) {
            Ok(metadata) => Ok(Some(metadata.kind)),
            Err(ReadError::NotFound) => Ok(None),
            Err(why) => Err(why),
        }
    }

    pub(crate) fn size(&self, path: &str) -> Result<u64, ReadError> {
        self.file(path).map(|at| at.size)
    }

    pub(crate) fn is_executable(&self, path: &str) -> Result<bool, ReadError> {
        self.file(path).map(|at| at.executable)
    }

    /// The file that `path` leads to, if it may be read.
    fn file(&self, path: &str) -> Result<At, ReadError> {
        let asked = parse(path)?;
        // Before anything is looked at: what is not granted is not told to exist, either.
        if !self.grant.has_file(&asked) {
            return Err(self.grant.missing(&asked));
        }
        let place = self.resolve(&asked)?;
        let Place::File { path, size, executable, stamp } = place else {
            return Err(place.not_a_file());
        };
        // A link must not widen a grant.
        if !self.grant.has_file(&path) {
            return Err(self.grant.missing(&path));
        }
        Ok(At { path, size, executable, stamp })
    }

    fn resolve(&self, path: &RepoPath) -> Result<Place, SnapshotError> {
        match self.seen {
            Some(node) => resolve_from(self.source, path, node),
            None => resolve(self.source, path),
        }
    }

    pub(crate) fn stat(&self, path: &str) -> Result<Metadata, ReadError> {
        let asked = parse(path)?;
        if !self.grant.has_name(&asked) {
            return Err(self.grant.missing(&asked));
        }
        let place = self.resolve(&asked)?;
        let refused = match &place {
            Place::File { path, .. } => {
                [&asked, path].into_iter().find(|path| !self.grant.has_file(path))
            }
            Place::Directory(path) => Some(path).filter(|path| !self.grant.has_name(path)),
            Place::Nothing | Place::Special | Place::DeadLink | Place::LinkOut | Place::Outside => {
                None
            }
        };
        match refused {
            Some(path) => Err(self.grant.missing(path)),
            None => place.metadata(),
        }
    }

    /// Who may know that something stands there may know that it is a link, and where to.
    pub(crate) fn link(&self, path: &str) -> Result<Option<String>, ReadError> {
        let asked = parse(path)?;
        if !self.grant.has_name(&asked) {
            return Err(self.grant.missing(&asked));
        }
        let Some(path) = locate(self.source, &asked)? else { return Ok(None) };
        if !self.grant.has_name(&path) {
            return Err(self.grant.missing(&path));
        }
        let is_link = self.source.node(&path)? == Node::Link;
        Ok(if is_link { self.source.target(&path)? } else { None })
    }

    pub(crate) fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let asked = parse(path)?;
        if !self.grant.leads_through(&asked) {
            return Err(self.grant.missing_below(&asked));
        }
        let place = self.resolve(&asked)?;
        let Place::Directory(directory) = place else { return Err(place.not_a_directory()) };
        if !self.grant.leads_through(&directory) {
            return Err(self.grant.missing_below(&directory));
        }
        let entries = self.source.entries(&directory)?.into_iter();
        let seen = entries.filter(|(path, kind)| {
            !path.is_hidden()
                && match kind {
                    NodeKind::File => self.grant.has_file(path),
                    NodeKind::Directory | NodeKind::Link => self.grant.has_name(path),
                }
        });
        let named = |(path, kind): (RepoPath, NodeKind)| {
            let kind = match kind {
                NodeKind::File => Kind::File,
                NodeKind::Directory => Kind::Directory,
                NodeKind::Link => Kind::Symlink,
            };
            Entry { name: path.name().to_owned(), kind }
        };
        let mut entries: Vec<Entry> = seen.map(named).collect();
        entries.sort_unstable();
        Ok(entries)
    }

    pub(crate) fn glob(&self, query: &GlobQuery) -> Result<Found, ReadError> {
        let patterns = compile(&query.patterns)?;
        let most = query.max_paths.min(GlobQuery::PATHS_MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let found = match query.include_ignored {
            true => collect(self.ignored_files(&patterns)?.into_iter(), most),
            false => collect(self.files(&patterns)?.cloned(), most),
        };
        Ok(found)
    }

    pub(crate) fn search(&self, query: &SearchQuery) -> Result<crate::Matches, ReadError> {
        let mut search = Search::new(query)?;
        let everywhere = ["**".to_owned()];
        let globs = if query.globs.is_empty() { &everywhere[..] } else { &query.globs };
        let patterns = compile(globs)?;
        let mut left = SEARCH_BYTES_MAX;
        for path in self.files(&patterns)? {
            // What has gone since it was listed is not searched.
            let Node::File { size, .. } = self.source.node(path)? else { continue };
            if size > Snapshot::CONTENT_BYTES_MAX || size > left {
                search.give_up();
                continue;
            }
            left -= size;
            let bytes = self.source.bytes(path, 0, Snapshot::CONTENT_BYTES_MAX)?;
            if !search.look(path.as_str(), &bytes) {
                break;
            }
        }
        Ok(search.finish())
    }

    /// The granted files that match and that no ignore file leaves out, sorted.
    fn files<'b>(
        &'b self,
        patterns: &'b Patterns,
    ) -> Result<impl Iterator<Item = &'b RepoPath>, SnapshotError> {
        let leaves = self.tree.leaves()?.iter().filter(|leaf| !leaf.is_link);
        let paths = leaves.map(|leaf| &leaf.path);
        Ok(paths.filter(|path| patterns.is_match(path) && self.grant.has_file(path)))
    }

    /// The granted files that match, ignored ones too, sorted. Not kept: a build directory may
    /// hold a hundred times what the repository does.
    fn ignored_files(&self, patterns: &Patterns) -> Result<Vec<RepoPath>, SnapshotError> {
        let enter = |directory: &RepoPath| {
            patterns.may_match_below(directory) && self.grant.leads_through(directory)
        };
        let leaves = walk_ignored(self.source, enter)?.into_iter();
        let files = leaves.filter(|leaf| !leaf.is_link).map(|leaf| leaf.path);
        Ok(files.filter(|path| patterns.is_match(path) && self.grant.has_file(path)).collect())
    }
}

fn parse(path: &str) -> Result<RepoPath, ReadError> {
    RepoPath::parse(path).map_err(|err| ReadError::InvalidPath(err.to_string()))
}

fn compile(patterns: &[String]) -> Result<Patterns, ReadError> {
    Patterns::new(patterns).map_err(|err| ReadError::InvalidPattern(err.to_string()))
}

fn collect(mut files: impl Iterator<Item = RepoPath>, most: usize) -> Found {
    let paths = files.by_ref().take(most).map(String::from).collect();
    Found { paths, truncated: files.next().is_some() }
}
