//! A repository of what has fooled others before: links, names, kinds of files, trees.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use fastrand::Rng;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use snapshot::Snapshot;
use tempfile::TempDir;

/// What stands outside of the repository, and inside in what is not of it.
pub(crate) const SECRET: &str = "5TEP-5ECRET-0F-THE-MACH1NE";

/// Things that are put into one repository.
const THINGS: usize = 40;

/// Names that git takes.
#[rustfmt::skip]
const NAMES: [&str; 46] = [
    "a", "b.rs", "README", "readme", "ReadMe", "secret", "-rf", "--", "a b", " ", " a", "a ", "a.",
    "...", ".x", "a\nb", "a\tb", "a\rb", "\u{1b}[2J", "\u{7f}", "::error::x", "##[error]x",
    "a\\..\\b", "C:", "con", "nul.txt", "%2e%2e", "$(id)", "`id`", "'\"", "*", "?", "[a]", "{a,b}",
    "!a", "#a", "~", "@{u}", "git~1", "git~2", ".github", "\u{202e}txt", "\u{e9}", "e\u{301}",
    "\u{feff}a", "..a",
];

/// Names that git itself refuses, each of which some system opens as its directory.
const GIT_NAMES: [&str; 5] = [".GIT", ".Git", ".git ", ".git.", ".g\u{200c}it"];

const CONTENTS: [&str; 7] = [
    "",
    "needle\n",
    "no line end",
    "a\r\nneedle\r\n",
    "\0binary\0",
    "\u{feff}mark\n",
    "::error::needle\n",
];

/// Such a repository, and what stands beside it.
pub(crate) struct Hostile {
    dir: TempDir,
    rng: Rng,
    directories: Vec<String>,
    paths: Vec<String>,
}

impl Hostile {
    /// The repository of this seed, as far as git can hold it.
    pub(crate) fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for directory in ["repository", "outside/inner"] {
            fs::create_dir_all(dir.path().join(directory)).unwrap();
        }
        for secret in ["outside/secret", "outside/inner/secret", "secret"] {
            fs::write(dir.path().join(secret), SECRET).unwrap();
        }
        let (directories, paths) = (vec![String::new()], vec![String::new()]);
        let mut hostile = Self { dir, rng: Rng::with_seed(seed), directories, paths };
        for _ in 0..THINGS {
            hostile.add_something();
        }
        hostile
    }

    /// Where it is.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    /// Where something stands that is not of it.
    pub(crate) fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    /// Every path that was made in it, the root too.
    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }

    pub(crate) fn directory(&self) -> Snapshot {
        Snapshot::directory(&self.root()).unwrap()
    }

    /// Commits everything that is there, and returns the commit.
    pub(crate) fn commit(&self) -> String {
        self.git(&["init", "--quiet"]);
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "all"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
            .args(["-c", "core.protectNTFS=false", "-c", "core.protectHFS=false"])
            .args(["-c", "core.autocrlf=false", "-c", "core.symlinks=true", "-c", "gc.auto=0"])
            .args(arguments)
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.rng.usize(0..all.len())]
    }

    /// A path where nothing stands, in one of the directories.
    fn new_path(&mut self) -> String {
        let place = self.rng.usize(0..self.directories.len());
        let name = match self.rng.u32(0..12) {
            0 => "long".repeat(63),
            _ => self.pick(&NAMES).to_owned(),
        };
        let path = below(&self.directories[place], &name);
        if fs::symlink_metadata(self.root().join(&path)).is_ok() { self.new_path() } else { path }
    }

    fn add_something(&mut self) {
        let at = self.new_path();
        match self.rng.u32(0..9) {
            0 => self.add_directory(&at),
            1 => self.add_link_inside(&at),
            2 | 3 => self.add_link_out(&at),
            4 => self.add_circle(&at),
            5 => self.add_deep(&at),
            6 => self.add_file(&at, &"a line with a needle in it\n".repeat(300)),
            7 => self.add_rules(),
            _ => {
                let content = self.pick(&CONTENTS);
                self.add_file(&at, content);
            }
        }
    }

    fn add_file(&mut self, at: &str, content: &str) {
        fs::write(self.root().join(at), content).unwrap();
        self.paths.push(at.to_owned());
    }

    fn add_link(&mut self, at: &str, target: &str) {
        symlink(target, self.root().join(at)).unwrap();
        self.paths.push(at.to_owned());
    }

    /// With something in it, so that git holds it.
    fn add_directory(&mut self, at: &str) {
        fs::create_dir(self.root().join(at)).unwrap();
        self.directories.push(at.to_owned());
        self.paths.push(at.to_owned());
        self.add_file(&below(at, "inside"), "needle");
        let odd = OsStr::from_bytes(b"\xff\xfe");
        fs::write(self.root().join(at).join(odd), "needle").unwrap();
    }

    fn add_link_inside(&mut self, at: &str) {
        let place = self.rng.usize(0..self.paths.len());
        let slash = self.pick(&["", "/", "//", "/.", "/./"]);
        let target = format!("{}./{}{slash}", up(at), self.paths[place]);
        self.add_link(at, &target);
    }

    fn add_link_out(&mut self, at: &str) {
        let up = up(at);
        let absolute = self.dir.path().display().to_string();
        let targets = [
            format!("{up}../secret"),
            format!("{up}../outside"),
            format!("{up}../outside/"),
            format!("{up}..//outside/./inner/../secret"),
            format!("{up}../outside/inner/.."),
            format!("{up}../repository/../secret"),
            format!("{up}.."),
            format!("{absolute}/secret"),
            format!("{absolute}/outside//"),
            format!("/proc/self/root{absolute}/secret"),
            format!("/proc/self/cwd/{}{absolute}/secret", "../".repeat(20)),
            format!("{up}.git/config"),
            "/proc/self/environ".to_owned(),
            "/dev/zero".to_owned(),
            "/".to_owned(),
        ];
        let target = &targets[self.rng.usize(0..targets.len())];
        self.add_link(at, target);
        self.paths.push(format!("{at}/secret"));
        self.paths.push(format!("{at}/inner/secret"));
    }

    fn add_circle(&mut self, at: &str) {
        let other = self.new_path();
        let root = up(at);
        match self.rng.u32(0..4) {
            0 => self.add_link(at, name(at)),
            1 if other != at => {
                self.add_link(at, &format!("{root}{other}"));
                self.add_link(&other, &format!("{}{at}", up(&other)));
            }
            2 => self.add_link(at, "."),
            _ => self.add_link(at, &format!("{root}./")),
        }
        self.paths.push(format!("{at}/{0}/{0}/{0}", name(at)));
    }

    fn add_deep(&mut self, at: &str) {
        let names = self.pick(&[3, 30, 60]);
        let deep = below(at, &vec!["d"; names].join("/"));
        fs::create_dir_all(self.root().join(&deep)).unwrap();
        self.add_file(&below(&deep, "needle"), "needle");
        self.paths.push(at.to_owned());
    }

    fn add_rules(&mut self) {
        let place = self.rng.usize(0..self.directories.len());
        let at = below(&self.directories[place], ".gitignore");
        if fs::symlink_metadata(self.root().join(&at)).is_err() {
            let rules = ["*\n", "!**\n*\n", "[\n\\\n**/**/**/*a\n", "\0\n/\n//\n", "inside\n"];
            let rules = self.pick(&rules);
            self.add_file(&at, rules);
        }
    }

    /// What no commit can have, and a checkout may.
    pub(crate) fn add_what_git_cannot_hold(&mut self) {
        for (kind, what) in [(FileType::Fifo, "pipe"), (FileType::Socket, "socket")] {
            rustix::fs::mknodat(CWD, self.root().join(what), kind, Mode::RWXU, 0).unwrap();
            self.add_link(&format!("to-{what}"), what);
            self.paths.push(what.to_owned());
        }
        File::create(self.root().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        fs::create_dir(self.root().join("empty")).unwrap();
        for hidden in GIT_NAMES.into_iter().chain([".git", ".stepwell/out", ".stepwell/runs"]) {
            let directory = self.root().join(hidden);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("secret"), SECRET).unwrap();
            self.paths.push(format!("{hidden}/secret"));
        }
        fs::create_dir(self.root().join("module")).unwrap();
        self.add_file("module/inside", "needle");
        fs::write(self.root().join("module/.git"), format!("gitdir: {SECRET}")).unwrap();
        self.paths.extend(["sparse", "empty", "module", "module/.git"].map(str::to_owned));
        self.dig_deeper_than_a_path_reaches();
    }

    fn dig_deeper_than_a_path_reaches(&self) {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut here = rustix::fs::open(self.root(), flags, Mode::empty()).unwrap();
        for _ in 0..30 {
            let name = "deeper".repeat(40);
            rustix::fs::mkdirat(here.as_fd(), &name, Mode::RWXU).unwrap();
            here = rustix::fs::openat(here.as_fd(), &name, flags, Mode::empty()).unwrap();
        }
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(here.as_fd(), "needle", flags, Mode::RWXU).unwrap();
    }
}

fn below(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The way from where `path` stands to the root.
fn up(path: &str) -> String {
    "../".repeat(path.matches('/').count())
}
