//! `requirements*.txt` of pip, and what pip-compile and uv write into it: what is to be installed,
//! with the files it includes. Who needs whom stands in `# via` comments, if anywhere.

mod entry;
mod lines;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::lock::{Lock, Need, Package, Pick};
use super::manifest::{Manifest, name_of_directory};
use super::names::{is_for_development, normalised};
use super::origin::Origin;
use crate::format::{BYTES_MAX, Input, PACKAGES_MAX, Unreadable, phrase};
use crate::graph::{EdgeKind, Graph, Scope};
use crate::path;
use crate::text::decode;
use entry::{Entry, Statement, Target, User, base};
use lines::{LINES_MAX, logical};

/// The most files that one includes, directly or not: monorepos have a dozen.
const INCLUDES_MAX: usize = 64;

pub(in crate::format) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    if path::file_name(input.path).contains("constraint") {
        input
            .faults
            .note(None, "it limits versions and installs nothing: what it lists is left out");
        return Ok(Graph::default());
    }
    let mut reader = Reader::default();
    let start = Reading { path: input.path.to_owned(), role: Role::Wanted, said_at: None };
    reader.seen.insert((input.path.to_owned(), Role::Wanted));
    reader.file(input.text, &start, input);
    if reader.wanted.is_empty() && !input.faults.is_empty() {
        return Err(Unreadable::Shape("no line of it is a requirement"));
    }
    reader.note_unpinned(input);
    Ok(reader.lock(input).graph(input))
}

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// What it lists is installed.
    Wanted,
    /// It only says which versions will do.
    Constraint,
}

/// A file that is being read.
struct Reading {
    path: String,
    role: Role,
    /// The line of the lock file that leads to it; none for itself.
    said_at: Option<u32>,
}

#[derive(Default)]
struct Reader {
    /// At most as many as packages are read.
    wanted: Vec<Entry>,
    constraints: BTreeMap<String, Entry>,
    seen: BTreeSet<(String, Role)>,
    index: Option<String>,
    /// Of included files.
    bytes: usize,
}

impl Reader {
    fn file(&mut self, text: &str, reading: &Reading, input: &mut Input<'_>) {
        for (at, line) in logical(text).into_iter().enumerate() {
            if at == LINES_MAX {
                let reason = format!("only the first {LINES_MAX} lines are read");
                return tell(&reason, line.number, reading, input);
            }
            if self.wanted.len() + self.constraints.len() == PACKAGES_MAX {
                let reason = format!("only the first {PACKAGES_MAX} packages are read");
                return tell(&reason, line.number, reading, input);
            }
            match entry::statement(&line, &reading.path) {
                Ok(Statement::Nothing) => {}
                Ok(Statement::Index(index)) => self.index = Some(index),
                Ok(Statement::Include(file)) => {
                    self.include(&file, reading.role, line.number, reading, input);
                }
                Ok(Statement::Constrain(file)) => {
                    self.include(&file, Role::Constraint, line.number, reading, input);
                }
                Ok(Statement::Package(entry)) => self.add(*entry, reading.role),
                Err(reason) => tell(reason, line.number, reading, input),
            }
        }
    }

    fn add(&mut self, entry: Entry, role: Role) {
        match role {
            Role::Wanted => self.wanted.push(entry),
            Role::Constraint => {
                _ = self.constraints.entry(normalised(&entry.name).into_owned()).or_insert(entry);
            }
        }
    }

    /// Reads another file, named from the directory of the one that names it.
    fn include(
        &mut self,
        file: &str,
        role: Role,
        line: u32,
        from: &Reading,
        input: &mut Input<'_>,
    ) {
        if file.contains("://") {
            return tell("it includes an address, which is not read", line, from, input);
        }
        let Some(path) = path::resolve(path::parent(&from.path), file) else {
            return tell("it includes a file outside the repository", line, from, input);
        };
        if self.seen.contains(&(path.clone(), role)) {
            return;
        }
        if self.seen.len() > INCLUDES_MAX {
            let reason = format!("only {INCLUDES_MAX} included files are read");
            return tell(&reason, line, from, input);
        }
        self.seen.insert((path.clone(), role));
        let bytes = match input.files.read(&path) {
            Ok(bytes) if self.bytes + bytes.len() <= BYTES_MAX => bytes,
            Ok(_) => return tell("an included file is too large", line, from, input),
            Err(err) => {
                let reason = format!("`{path}`, which it includes, is left out: {err}");
                return tell(&reason, line, from, input);
            }
        };
        self.bytes += bytes.len();
        let Ok(text) = decode(&bytes) else {
            return tell("an included file is not UTF-8 text", line, from, input);
        };
        let reading = Reading { path, role, said_at: from.said_at.or(Some(line)) };
        self.file(text, &reading, input);
    }

    /// A range is no version, and says so once.
    fn note_unpinned(&self, input: &mut Input<'_>) {
        let unpinned = |entry: &&Entry| {
            entry.target == Target::Index
                && entry.version.is_none()
                && self.constraint(entry).is_none()
        };
        let mut entries = self.wanted.iter().filter(unpinned);
        let Some(first) = entries.next() else { return };
        let also = match entries.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let reason = format!(
            "`{}`{also} are not pinned: which version is installed, the file does not say",
            first.name
        );
        let line = (first.place.path == input.path).then_some(first.place.line);
        input.faults.note(line, reason);
    }

    /// What the constraints pin a package to.
    fn constraint(&self, entry: &Entry) -> Option<&Entry> {
        let constraint = self.constraints.get(normalised(&entry.name).as_ref())?;
        (constraint.version.is_some() && entry.version.is_none()).then_some(constraint)
    }

    fn lock(mut self, input: &mut Input<'_>) -> Lock<'static> {
        let mut lock = Lock::default();
        let mut own = Own::default();
        let mut wanted = std::mem::take(&mut self.wanted);
        for entry in &mut wanted {
            if let Target::Directory(dir) = &entry.target
                && dir == base(input.path)
            {
                own.installed = Some(entry.place.line);
                continue;
            }
            let package = self.package(entry, input);
            if !lock.add(package, entry.place.line, &mut input.faults) {
                break;
            }
        }
        let needs = via(&wanted, &mut own);
        for package in lock.packages_mut() {
            let known = needs.get(package.key.as_ref()).into_iter().flatten();
            package.needs = known.map(Link::need).collect();
        }
        if let Some(root) = own.package(input) {
            lock.add(root, 1, &mut input.faults);
        }
        lock
    }

    fn package(&self, entry: &mut Entry, input: &Input<'_>) -> Package<'static> {
        let archives = std::mem::take(&mut entry.archives);
        let entry = &*entry;
        let constraint = self.constraint(entry);
        let version = entry.version.as_deref().or_else(|| constraint?.version.as_deref());
        let origin = match &entry.target {
            Target::Index => Origin::Index(self.index.as_deref()),
            Target::Git { url, revision } => Origin::Git { url, revision: revision.as_deref() },
            Target::Address(url) => Origin::Address(url),
            Target::File(path) => Origin::File(path),
            Target::Directory(dir) => Origin::Directory(dir),
        };
        let mut node = origin.node(&entry.name, version, entry.place.line, input);
        if let Target::Directory(dir) = &entry.target {
            node.location = Some(dir.clone());
        }
        node.places = vec![entry.place.clone()];
        node.places.extend(constraint.map(|constraint| constraint.place.clone()));
        node.range = version.is_none().then(|| phrase(&entry.range)).flatten().map(str::to_owned);
        node.condition = phrase(&entry.marker).map(str::to_owned);
        node.archives = match constraint {
            Some(constraint) if archives.is_empty() => constraint.archives.clone(),
            Some(_) | None => archives,
        };
        let for_development = is_for_development(path::file_name(&entry.place.path));
        Package {
            key: Cow::Owned(normalised(&entry.name).into_owned()),
            node,
            root: false,
            scope: Some(if for_development { Scope::Dev } else { Scope::Unknown }),
            origin: None,
            needs: Vec::new(),
        }
    }
}

/// A part that is left out; of an included file, at the line that includes it.
fn tell(reason: &str, line: u32, reading: &Reading, input: &mut Input<'_>) {
    match reading.said_at {
        None => input.faults.add(Some(line), reason),
        Some(at) => input.faults.add(Some(at), format!("`{}` line {line}: {reason}", reading.path)),
    }
}

/// A package that another needs, by the comment at the other.
#[derive(Debug, Clone)]
struct Link {
    key: String,
    version: Option<String>,
    kind: EdgeKind,
    line: u32,
}

impl Link {
    fn need(&self) -> Need<'static> {
        Need {
            key: Cow::Owned(self.key.clone()),
            extras: Vec::new(),
            of_extra: None,
            pick: Pick::Exact { version: self.version.clone().map(Cow::Owned), origin: None },
            kind: self.kind,
            marker: Cow::Borrowed(""),
            line: self.line,
            may_be_absent: true,
        }
    }
}

/// What the repository's own package is called, and what is known to be needed by it.
#[derive(Debug, Default)]
struct Own {
    name: Option<String>,
    /// The line that installs it.
    installed: Option<u32>,
    links: Vec<Link>,
}

/// Who needs what, by the comments.
fn via(entries: &[Entry], own: &mut Own) -> BTreeMap<String, Vec<Link>> {
    let mut needs: BTreeMap<String, Vec<Link>> = BTreeMap::new();
    for entry in entries {
        let key = normalised(&entry.name).into_owned();
        let (version, line) = (entry.version.clone(), entry.place.line);
        for user in &entry.users {
            let link = |kind| Link { key: key.clone(), version: version.clone(), kind, line };
            match user {
                User::Package(name) => {
                    let name = normalised(name).into_owned();
                    needs.entry(name).or_default().push(link(EdgeKind::Runtime));
                }
                User::Own { name, kind } => {
                    own.name.get_or_insert_with(|| name.clone());
                    own.links.push(link(*kind));
                }
            }
        }
    }
    needs
}

impl Own {
    fn package(self, input: &mut Input<'_>) -> Option<Package<'static>> {
        if self.name.is_none() && self.installed.is_none() {
            return None;
        }
        let spelled = self.name.as_deref().map(normalised);
        let is_it = |manifest: &Manifest| {
            let name = manifest.name.as_deref().map(normalised);
            spelled.is_none() || spelled == name
        };
        let mut package = match Manifest::read(base(input.path), input).filter(is_it) {
            Some(manifest) => manifest.package(input),
            None => {
                let dir = base(input.path);
                let name = self.name.clone().unwrap_or_else(|| name_of_directory(dir));
                let line = self.installed.unwrap_or(1);
                let mut node = Origin::Own("").node(&name, None, line, input);
                node.location = Some(dir.to_owned());
                let key = Cow::Owned(normalised(&name).into_owned());
                Package { key, node, root: true, scope: None, origin: None, needs: Vec::new() }
            }
        };
        if self.links.is_empty() {
            package.needs.iter_mut().for_each(|need| need.may_be_absent = true);
        } else {
            package.needs = self.links.iter().map(Link::need).collect();
        }
        Some(package)
    }
}
