//! A repository that git applies patches to.
#![expect(
    clippy::disallowed_methods,
    reason = "the gate knows neither git nor files; its tests do"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The files of a tree.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) struct Scratch {
    dir: TempDir,
    /// What is there.
    files: Files,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let scratch = Self { dir: tempfile::tempdir().unwrap(), files: Files::new() };
        assert!(scratch.git(&["init", "--quiet"]).status().unwrap().success());
        scratch
    }

    /// Git without anybody's settings.
    fn git(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.dir.path()).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env("LC_ALL", "C");
        git
    }

    /// Puts these files there, and no others.
    pub(crate) fn fill(&mut self, files: &Files) {
        for path in self.files.keys().filter(|path| !files.contains_key(*path)) {
            fs::remove_file(self.dir.path().join(path)).unwrap();
        }
        for (path, bytes) in
            files.iter().filter(|(path, bytes)| self.files.get(*path) != Some(bytes))
        {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        self.files.clone_from(files);
    }

    /// What git says if it does not apply a patch.
    pub(crate) fn apply(&mut self, patch: &str, arguments: &[&str]) -> Result<(), String> {
        if patch.trim().is_empty() {
            return Ok(());
        }
        let mut git = self.git(&["apply", "--whitespace=nowarn"]);
        git.args(arguments).arg("-").stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut git = git.spawn().unwrap();
        // Git may refuse before it has read everything.
        drop(git.stdin.take().unwrap().write_all(patch.as_bytes()));
        let output = git.wait_with_output().unwrap();
        self.files = self.read();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }

    /// What is there now.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    fn read(&self) -> Files {
        let mut files = Files::new();
        collect(self.dir.path(), "", &mut files);
        files
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        match name.as_str() {
            ".git" => {}
            _ if path.is_symlink() => drop(files.insert(name, b"a link".to_vec())),
            name if path.is_dir() => collect(&path, &format!("{name}/"), files),
            _ => drop(files.insert(name, fs::read(&path).unwrap())),
        }
    }
}
