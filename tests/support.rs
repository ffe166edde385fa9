//! A world to run the binary in: a repository, a cache of its own, nothing of the machine's.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock};

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A directory with a repository in it, and everything that stepwell would keep elsewhere.
pub(crate) struct World {
    dir: tempfile::TempDir,
}

/// The compiled tools, made once for all tests: a copy of them is what a second run finds.
fn compiled() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell"));
        // A step is checked with all tools that it may offer.
        let step = workspace().join("examples/endings/plan/step.toml");
        command.arg("validate").arg(step).env("STEPWELL_CACHE_DIR", &cache);
        let checked = command.output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        cache.join("compiled")
    })
}

/// A Python of our own with packages, kept between runs below `target`; none, with a loud line,
/// where the registry has none. `packages` are parted by blanks; `works` is a program that it must
/// run.
pub(crate) fn python(folder: &str, packages: &str, works: &str) -> Option<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock();
    let dir = workspace().join("target").join(folder);
    let python = dir.join("bin/python");
    let ran = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let is_ready = || ran(Command::new(&python).args(["-c", works]));
    let ready = is_ready() || {
        ran(Command::new("python3").args(["-m", "venv"]).arg(&dir))
            && ran(Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(packages.split(' ')))
            && is_ready()
    };
    if !ready {
        eprintln!("SKIPPED LOUDLY: {packages} cannot be installed here, so it was not tried");
    }
    ready.then_some(python)
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// The repository of `examples/failing-test`.
    pub(crate) fn example() -> Self {
        Self::example_named("failing-test")
    }

    /// The repository of an example.
    pub(crate) fn example_named(name: &str) -> Self {
        Self::example_on(name, None)
    }

    /// The repository of an example, with more files in its base.
    pub(crate) fn example_on(name: &str, base: Option<&Path>) -> Self {
        let world = Self::empty();
        let examples = workspace().join("examples");
        let mut history = Command::new("sh");
        history.env_remove("EXAMPLE_BASE");
        if let Some(base) = base {
            history.env("EXAMPLE_BASE", base);
        }
        history.arg(examples.join("history.sh")).arg(examples.join(name)).arg(world.repo());
        let made = history.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        world
    }

    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("cache/compiled");
        fs::create_dir_all(&to).unwrap();
        fs::set_permissions(&to, Permissions::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(compiled()).unwrap().flatten() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        Self { dir }
    }

    /// A directory with these files, and no git.
    pub(crate) fn files(files: &[(&str, &str)]) -> Self {
        let world = Self::empty();
        fs::create_dir(world.repo()).unwrap();
        files.iter().for_each(|(path, text)| world.write(path, text));
        world
    }

    /// Another machine: a clone of the repository as it is committed, with state of its own.
    pub(crate) fn cloned(&self) -> Self {
        let world = Self::empty();
        let mut clone = Command::new("git");
        clone.args(["clone", "--quiet"]).arg(self.repo()).arg(world.repo());
        clone.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let done = clone.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        world
    }

    /// The same repository in a world of its own, with a cache of its own.
    pub(crate) fn copy(&self) -> Self {
        let world = Self::empty();
        copy_all(&self.repo(), &world.repo());
        world
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("slots")
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.repo().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|err| panic!("{path}: {err}"))
    }

    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(path)).unwrap()
    }

    /// Adds everything to git and commits it.
    pub(crate) fn commit(&self, message: &str) {
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.current_dir(self.repo()).args(arguments);
            command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
            for who in ["AUTHOR", "COMMITTER"] {
                command.env(format!("GIT_{who}_NAME"), "t").env(format!("GIT_{who}_EMAIL"), "t@t");
                // The same files in the same order are the same commits, on every machine.
                command.env(format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z");
            }
            let done = command.output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        if !self.path(".git").exists() {
            git(&["init", "--quiet", "--initial-branch=main"]);
        }
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// A stepwell that is about to run in the repository.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell"));
        command.args(arguments).current_dir(self.repo());
        command.env("STEPWELL_CACHE_DIR", self.dir.path().join("cache"));
        command.env("XDG_STATE_HOME", self.dir.path().join("state"));
        command.env("XDG_CONFIG_HOME", self.dir.path().join("config"));
        command.env_remove("STEPWELL_CACHE_POLICY").env_remove("STEPWELL_CACHE_KEY");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("OTEL_")) {
                command.env_remove(name);
            }
        }
        command.env_remove("STEPWELL_STORE").env_remove("STEPWELL_LEDGER");
        command.env_remove("OPENAI_API_KEY").env_remove("CI").env("RUST_BACKTRACE", "0");
        command
    }

    /// Runs stepwell to its end.
    pub(crate) fn stepwell(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Runs the step with the model of `examples/failing-test`.
    pub(crate) fn run_script(&self, arguments: &[&str]) -> Ran {
        self.run_script_of("failing-test", arguments)
    }

    /// Runs the step with the model of an example.
    pub(crate) fn run_script_of(&self, name: &str, arguments: &[&str]) -> Ran {
        let script = workspace().join("examples").join(name).join("model.toml");
        let provider = format!("script:{}", script.display());
        self.stepwell(&[&["run", "--provider", &provider], arguments].concat())
    }

    /// Runs a step with a script written here.
    pub(crate) fn run_model(&self, script: &str) -> Ran {
        let path = self.dir.path().join("model.toml");
        fs::write(&path, script).unwrap();
        self.stepwell(&["run", "--provider", &format!("script:{}", path.display())])
    }

    /// Every artifact is there, whatever happened; the result.
    #[track_caller]
    pub(crate) fn artifacts(&self) -> serde_json::Value {
        for name in ["result.json", "accounting.json", "report.md", "report.html", "trace.jsonl"] {
            assert!(self.path(".stepwell/out").join(name).is_file(), "{name} is missing");
        }
        self.json(".stepwell/out/result.json")
    }

    /// The records of the trace.
    pub(crate) fn trace(&self) -> Vec<serde_json::Value> {
        let trace = self.read(".stepwell/out/trace.jsonl");
        trace.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Copies a directory, into one that may be there already.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), &to).unwrap()),
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Ended with this code; both streams in the message where not.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// What differs from run to run, made the same: places, and every number that is a time, a size
/// or an amount, which hold times in turn.
pub(crate) fn normalised(log: &str, world: &World) -> String {
    let repo = world.repo().canonicalize().unwrap().display().to_string();
    let log = log.replace(&repo, "…/slots");
    // Each machine guards tests with what it has.
    let guard = |line: &str| {
        line.split_once("guarded by ").map(|(front, _)| format!("{front}guarded by …"))
    };
    let log: String =
        log.lines().map(|line| guard(line).unwrap_or_else(|| line.to_owned()) + "\n").collect();
    log.trim_end().lines().map(|line| normalised_line(line) + "\n").collect()
}

fn normalised_line(line: &str) -> String {
    let (front, rest) = line.split_at(line.floor_char_boundary(9));
    let is_time = front.trim().trim_end_matches('s').parse::<f64>().is_ok();
    let front = if is_time { "    0.00s" } else { front };
    let units = ["ms", "µs", "s", "B", "KiB", "MiB", "tokens,", "in", "saved"];
    let mut words: Vec<&str> = Vec::new();
    for word in rest.split(' ') {
        let after_number = words.last() == Some(&"N");
        match word {
            word if after_number && ["ms", "µs", "s"].contains(&word) => words.push("time"),
            word if after_number && ["B", "KiB", "MiB"].contains(&word) => words.push("bytes"),
            word if word.trim_start_matches('$').replace(['.', ','], "").parse::<u64>().is_ok() => {
                words.push("N");
            }
            word => words.push(word),
        }
    }
    // A number that counts something is not one that differs.
    let counts = !units.iter().any(|unit| rest.contains(&format!(" {unit}")));
    if counts { format!("{front}{rest}") } else { format!("{front}{}", words.join(" ")) }
}
