//! What a guest sees through its virtual WASI, function by function. That components link to it,
//! and what whole programs make of it, is tested in `tests/`.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test has files")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use snapshot::{Grant, Snapshot, View};
use tokio::sync::Semaphore;

use super::files::Descriptor;
use super::words::{DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags};
use super::*;
use crate::asked::Asked;
use crate::guest::Repository;
use crate::limits::Limits;
use crate::outcome::Outcome;

/// A guest on a repository with a few files.
struct Program {
    guest: Guest,
    repository: tempfile::TempDir,
}

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

fn no_follow() -> PathFlags {
    PathFlags::empty()
}

fn files(root: &Path) {
    fs::create_dir_all(root.join("src/deep")).unwrap();
    fs::create_dir_all(root.join("secret")).unwrap();
    fs::write(root.join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::write(root.join("src/deep/x"), "x").unwrap();
    fs::write(root.join("secret/key"), "hidden").unwrap();
    symlink("main.rs", root.join("src/link")).unwrap();
    symlink("../..", root.join("src/out")).unwrap();
    symlink("deep", root.join("src/to-deep")).unwrap();
}

impl Program {
    fn new(call: &[u8], grant: &Grant) -> Self {
        let repository = tempfile::tempdir().unwrap();
        files(repository.path());
        let head = Snapshot::directory(repository.path()).unwrap();
        let view = Arc::new(View::new(head, None, grant.clone()));
        let limits = Limits::default();
        let asked = Asked::new(view, Arc::new(Semaphore::new(1)), &limits);
        let guest = Guest::new(Repository::Here(asked), Digest::of(call), &limits);
        Self { guest, repository }
    }

    fn usual() -> Self {
        Self::new(b"a call", &Grant::everything())
    }

    /// The directory that a program finds under this name.
    fn directory(&mut self, name: &str) -> Resource<Descriptor> {
        let all = self.guest.wasi().directories().unwrap();
        let found = all.into_iter().find(|(_, at)| at == name);
        found.unwrap_or_else(|| panic!("no {name}")).0
    }

    async fn open(&mut self, dir: &str, path: &str, open: OpenFlags) -> Result<u32, ErrorCode> {
        let writes = open.contains(OpenFlags::CREATE) || open.contains(OpenFlags::TRUNCATE);
        let write = if writes { DescriptorFlags::WRITE } else { DescriptorFlags::empty() };
        let flags = DescriptorFlags::READ | write;
        let dir = self.directory(dir);
        let opened = self.guest.open_at(dir, FOLLOW, path.to_owned(), open, flags).await;
        opened.unwrap().map(|descriptor| descriptor.rep())
    }

    async fn read(&mut self, dir: &str, path: &str) -> Result<String, ErrorCode> {
        let file = self.open(dir, path, OpenFlags::empty()).await?;
        let read = self.guest.read_at(Resource::new_own(file), 1_000, 0).await.unwrap();
        read.map(|(bytes, _)| String::from_utf8(bytes).unwrap())
    }

    async fn stat(
        &mut self,
        path: &str,
        how: PathFlags,
    ) -> Result<(DescriptorType, u64), ErrorCode> {
        let root = self.directory("/");
        let stat = self.guest.stat_at(root, how, path.to_owned()).await.unwrap()?;
        assert_eq!((stat.accessed, stat.modified, stat.changed), (None, None, None));
        Ok((stat.kind, stat.size))
    }

    /// What it left in the log, and the questions it asked.
    fn finish(self) -> (Vec<String>, Vec<String>) {
        let outcome = Outcome::Answered("{}".to_owned());
        let (ran, repository) = self.guest.finish(outcome, 0);
        let Repository::Here(asked) = repository else { panic!("it was made here") };
        let log = ran.log.into_iter().map(|line| line.text).collect();
        let asked = asked.record.into_observations();
        (log, asked.into_iter().map(|(question, _)| question.to_string()).collect())
    }
}

#[tokio::test]
async fn files_are_the_repositorys() {
    let mut program = Program::usual();
    assert_eq!(program.read("/", "src/main.rs").await.unwrap(), "fn main() {}\n");
    assert_eq!(program.read("/", "src/link").await.unwrap(), "fn main() {}\n");
    assert_eq!(program.read("/", "src/to-deep/./x").await.unwrap(), "x");
    assert_eq!(program.read("/", "src/deep/../main.rs").await.unwrap(), "fn main() {}\n");
    for (path, code) in [
        ("missing", ErrorCode::NoEntry),
        ("src", ErrorCode::IsDirectory),
        ("src/main.rs/", ErrorCode::NotDirectory),
        ("src/out", ErrorCode::NoEntry),
        ("src/out/etc/passwd", ErrorCode::NotPermitted),
        ("../etc/passwd", ErrorCode::NotPermitted),
        ("/etc/passwd", ErrorCode::NotPermitted),
        (".git/config", ErrorCode::NoEntry),
        ("a\\b\u{202e}", ErrorCode::NoEntry),
    ] {
        assert_eq!(program.read("/", path).await, Err(code), "{path:?}");
    }
    assert_eq!(program.read("/.stepwell/base", "src/main.rs").await, Err(ErrorCode::NoEntry));
}

#[tokio::test]
async fn what_stands_there_is_told_without_times() {
    let mut program = Program::usual();
    let file = DescriptorType::RegularFile;
    assert_eq!(program.stat("src/main.rs", FOLLOW).await, Ok((file, 13)));
    assert_eq!(program.stat("src/link", FOLLOW).await, Ok((file, 13)));
    assert_eq!(program.stat("src/link", no_follow()).await, Ok((DescriptorType::SymbolicLink, 7)));
    assert_eq!(program.stat("src", no_follow()).await, Ok((DescriptorType::Directory, 0)));
    assert_eq!(program.stat("src/main.rs/", FOLLOW).await, Err(ErrorCode::NotDirectory));
    let root = program.directory("/");
    let link = program.guest.read_link(root, "src/out".to_owned()).await.unwrap();
    assert_eq!(link, Ok("../..".to_owned()));
    let root = program.directory("/");
    let link = program.guest.read_link(root, "src/main.rs".to_owned()).await.unwrap();
    assert_eq!(link, Err(ErrorCode::Invalid));
    let root = program.directory("/");
    let link = program.guest.read_link(root, "src/missing".to_owned()).await.unwrap();
    assert_eq!(link, Err(ErrorCode::NoEntry));
    assert_eq!(program.stat("src/out", FOLLOW).await, Err(ErrorCode::NoEntry));
    assert_eq!(program.stat("src/out", no_follow()).await, Ok((DescriptorType::SymbolicLink, 5)));
}

#[tokio::test]
async fn each_look_is_a_question_on_the_record_and_a_file_is_asked_for_once() {
    let mut program = Program::usual();
    for _ in 0..3 {
        program.read("/", "src/main.rs").await.unwrap();
    }
    assert_eq!(program.read("/", "missing").await, Err(ErrorCode::NoEntry));
    program.guest.wall_clock().await.unwrap();
    let (_, questions) = program.finish();
    insta::assert_snapshot!(questions.join("\n"), @r#"
    what stands at "src/main.rs"
    the content of "src/main.rs"
    what stands at "missing"
    the time of the commit
    "#);
}

#[tokio::test]
async fn only_who_looks_at_a_size_asks_for_it() {
    let mut program = Program::usual();
    program.open("/", "src", OpenFlags::DIRECTORY).await.unwrap();
    program.open("/", "src/deep/x", OpenFlags::empty()).await.unwrap();
    program.stat("src", FOLLOW).await.unwrap();
    let file = program.open("/", "src/main.rs", OpenFlags::empty()).await.unwrap();
    let stat = program.guest.stat(Resource::new_own(file)).await.unwrap().unwrap();
    assert_eq!(stat.size, 13);
    let (_, questions) = program.finish();
    insta::assert_snapshot!(questions.join("\n"), @r#"
    what stands at "src"
    what stands at "src/deep/x"
    what stands at "src/main.rs"
    the size of "src/main.rs"
    "#);
}

#[tokio::test]
async fn a_file_that_is_too_large_to_be_read_whole_is_read_in_parts() {
    let mut program = Program::usual();
    let size = Snapshot::CONTENT_BYTES_MAX + 3;
    let at = program.repository.path().join("large");
    fs::write(&at, "ab").unwrap();
    fs::File::options().write(true).open(&at).unwrap().set_len(size).unwrap();
    let file = program.open("/", "large", OpenFlags::empty()).await.unwrap();
    let mut read = async |offset, length| {
        let read = program.guest.read_at(Resource::new_own(file), length, offset).await;
        read.unwrap().map(|(bytes, is_end)| (bytes.len(), bytes.first().copied(), is_end))
    };
    assert_eq!(read(1, 5).await, Ok((5, Some(b'b'), false)));
    assert_eq!(read(size - 4, 9).await, Ok((4, Some(0), true)));
    assert_eq!(read(size + 1, 9).await, Ok((0, None, true)));
    let (_, questions) = program.finish();
    assert_eq!(questions.len(), 5, "{questions:?}");
}

#[tokio::test]
async fn the_repository_is_read_only_and_tmp_is_not() {
    let mut program = Program::usual();
    let create = OpenFlags::CREATE;
    assert_eq!(program.open("/", "src/new.rs", create).await, Err(ErrorCode::ReadOnly));
    assert_eq!(program.open("/", "src/main.rs", create).await, Err(ErrorCode::ReadOnly));
    let excl = create | OpenFlags::EXCLUSIVE;
    assert_eq!(program.open("/", "src/main.rs", excl).await, Err(ErrorCode::Exist));
    let truncate = OpenFlags::TRUNCATE;
    assert_eq!(program.open("/", "src/main.rs", truncate).await, Err(ErrorCode::ReadOnly));

    let file = program.open("/tmp", "a", create).await.unwrap();
    let wasi = program.guest.wasi();
    let file = Resource::<Descriptor>::new_own(file);
    let written = wasi.on_scratch(&file, |scratch, at| scratch.write(at, Some(0), b"abc"));
    assert_eq!(written.unwrap(), Ok(3));
    assert_eq!(program.read("/tmp", "a").await.unwrap(), "abc");
    // What was only opened to be read is not written to.
    let file = program.open("/tmp", "a", OpenFlags::empty()).await.unwrap();
    let file = Resource::<Descriptor>::new_own(file);
    let refused = program.guest.wasi().on_scratch(&file, |_, _| Ok(())).unwrap();
    assert_eq!(refused, Err(ErrorCode::BadDescriptor));
}

#[tokio::test]
async fn who_is_not_granted_a_file_is_told_so_and_the_log_says_which_line_is_missing() {
    let grant = Grant::read(&["src/**".to_owned()]).unwrap();
    let mut program = Program::new(b"", &grant);
    assert_eq!(program.read("/", "secret/key").await, Err(ErrorCode::Access));
    assert_eq!(program.read("/", "src/deep/x").await.unwrap(), "x");
    let (log, _) = program.finish();
    assert_eq!(
        log,
        [
            r#""secret/key" was not read: the step does not grant it; it would need `read = ["secret/key"]`"#
        ]
    );
}

#[tokio::test]
async fn time_passes_only_for_who_waits() {
    let mut program = Program::usual();
    let at_first = program.guest.wall_clock().await.unwrap();
    assert_eq!((at_first.seconds, at_first.nanoseconds), (Snapshot::NO_TIME_S, 0));
    assert_eq!(program.guest.wall_clock().await.unwrap(), at_first);
    program.guest.wasi().wait_until(2_500_000_000);
    program.guest.wasi().wait_until(1);
    let then = program.guest.wall_clock().await.unwrap();
    assert_eq!((then.seconds, then.nanoseconds), (Snapshot::NO_TIME_S + 2, 500_000_000));
}

#[test]
fn randomness_follows_from_the_call() {
    let grant = Grant::everything();
    let drawn = |call: &[u8]| {
        let mut program = Program::new(call, &grant);
        let wasi = program.guest.wasi();
        (wasi.random_bytes(20).unwrap(), wasi.random_number())
    };
    assert_eq!(drawn(b"one"), drawn(b"one"));
    assert_ne!(drawn(b"one"), drawn(b"two"));
    let mut program = Program::usual();
    assert!(program.guest.wasi().random_bytes(u64::MAX).is_err());
}

#[test]
fn handles_have_an_end() {
    let mut program = Program::usual();
    let wasi = program.guest.wasi();
    let held = (0..).find(|_| wasi.push(()).is_err());
    assert_eq!(held, Some(Limits::default().handles));
}

#[tokio::test]
async fn directories_that_are_listed_have_an_end_together() {
    let mut program = Program::usual();
    let names: Vec<_> = (0..2_000).map(|number| (format!("{number:0>200}"), false)).collect();
    let wasi = program.guest.wasi();
    let mut held = Vec::new();
    let refused = loop {
        match wasi.tell(names.iter().cloned().map(Into::into).collect()).unwrap() {
            Ok(told) => held.push(told),
            Err(why) => break why,
        }
    };
    assert_eq!(refused, ErrorCode::InsufficientMemory);
    assert!((50..300).contains(&held.len()), "{}", held.len());
}
