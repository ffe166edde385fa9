//! What the tests of this crate share: trees on disk, commits of them, and short questions.

mod alike;
mod calls;
mod copies;
mod grants;
mod paths;
mod queries;
mod racy;
mod repositories;
mod rules;
mod unchanged;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use crate::{
    Answer, Digest, FileContent, Found, GlobQuery, Grant, Question, RepoPath, Snapshot, Tree, View,
};

/// The digests of the answers to all of these, each of which is there once.
fn digests_at_once(view: &View, questions: &[Question]) -> Vec<Digest> {
    view.answer_digests(&Arc::from(questions), 0..questions.len())
}

/// A directory that is gone with the test.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let at = self.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, bytes).unwrap();
    }

    fn make_executable(&self, path: &str) {
        fs::set_permissions(self.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let at = self.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, at).unwrap();
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::directory(self.path()).unwrap()
    }

    /// Runs git here, away from all configuration of the machine; returns what it printed.
    #[expect(clippy::disallowed_methods, reason = "the peer that the tests compare with")]
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
            .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false"])
            .args(["-c", "core.autocrlf=false", "-c", "protocol.file.allow=always"])
            .args(["-c", "gc.auto=0", "-c", "core.fileMode=true", "-c", "core.symlinks=true"])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits everything, ignored files too; returns the commit.
    fn commit(&self, message: &str) -> String {
        if !self.path().join(".git").exists() {
            self.git(&["init", "--quiet"]);
        }
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn text(content: &str) -> Option<FileContent> {
    Some(FileContent { bytes: content.into(), executable: false })
}

fn view(snapshot: &Snapshot) -> View {
    View::new(snapshot.clone(), None, Grant::everything())
}

fn content(path: &str) -> Question {
    Question::Content { tree: Tree::Head, path: path.to_owned() }
}

fn stat(path: &str) -> Question {
    Question::Stat { tree: Tree::Head, path: path.to_owned() }
}

fn kind(path: &str) -> Question {
    Question::Kind { tree: Tree::Head, path: path.to_owned() }
}

fn size(path: &str) -> Question {
    Question::Size { tree: Tree::Head, path: path.to_owned() }
}

fn executable(path: &str) -> Question {
    Question::Executable { tree: Tree::Head, path: path.to_owned() }
}

fn link(path: &str) -> Question {
    Question::Link { tree: Tree::Head, path: path.to_owned() }
}

fn list(path: &str) -> Question {
    Question::List { tree: Tree::Head, path: path.to_owned() }
}

fn glob(patterns: &[&str]) -> Question {
    let patterns = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    let query = GlobQuery { patterns, include_ignored: false, max_paths: 1000 };
    Question::Glob { tree: Tree::Head, query }
}

fn glob_ignored(patterns: &[&str]) -> Question {
    let Question::Glob { tree, query } = glob(patterns) else { unreachable!() };
    Question::Glob { tree, query: GlobQuery { include_ignored: true, ..query } }
}

/// What a glob found, separated by spaces.
#[track_caller]
fn found(view: &View, question: &Question) -> String {
    let answer = view.answer(question);
    let Answer::Glob(Found { paths, truncated: false }) = answer else { panic!("{answer:?}") };
    paths.join(" ")
}

/// An answer in a few words.
fn short(answer: &Answer) -> String {
    match answer {
        Answer::Content(bytes) | Answer::Range(bytes) => {
            format!("{:?}", String::from_utf8_lossy(bytes))
        }
        Answer::Stat(metadata) => {
            let executable = if metadata.executable { " executable" } else { "" };
            format!("{:?} {}{executable}", metadata.kind, metadata.size)
        }
        Answer::List(entries) => {
            let one = |entry: &crate::Entry| format!("{}:{:?}", entry.name, entry.kind);
            entries.iter().map(one).collect::<Vec<_>>().join(" ")
        }
        Answer::Glob(found) => found.paths.join(" "),
        Answer::Search(matches) => format!("{} matches", matches.lines.len()),
        Answer::Kind(kind) => format!("{kind:?}"),
        Answer::Size(bytes) => bytes.to_string(),
        Answer::Executable(may) => may.to_string(),
        Answer::Link(text) | Answer::Variable(text) => format!("{text:?}"),
        Answer::Variables(all) => format!("{all:?}"),
        Answer::Time(seconds) => seconds.to_string(),
        Answer::Denied(why) => format!("{why:?}"),
    }
}
