//! The command starts, writes, and ends: by itself, or because it went too far.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use session::event::{TestsEnding, TestsLimit};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::confine::{Confined, Room};
use super::disk;
use super::output::Kept;
use crate::plan::TestCommand;

/// How long the output may stay open after the command ended: a process that left the group.
const DRAIN: Duration = Duration::from_millis(500);

/// How long whoever keeps the command may take to end it.
const KEEPER_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of what a keeper says.
const WORD_BYTES_MAX: u64 = 4 * 1024;

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ending: TestsEnding,
    pub(crate) kept: Kept,
}

/// Runs the command in `tree`, and watches over what it writes there and to `private`. Dropping
/// the future ends it.
///
/// # Errors
/// When it could not be started.
pub(crate) async fn execute(
    tests: &TestCommand,
    tree: &Path,
    private: &Path,
    kept: Kept,
) -> io::Result<Ran> {
    // Whoever puts walls up starts elsewhere, where a relative path leads nowhere.
    let (tree, private) = (&tree.canonicalize()?, &private.canonicalize()?);
    let room = Room { command: &tests.command, env: &tests.env, tree, private };
    let confined = confined(tests, &room)?;
    let (output, write) = io::pipe()?;
    let mut running = Running {
        output: pipe::Receiver::from_owned_fd(output.into())?,
        process: Process::start(&confined, tree, write.into())?,
        kept,
    };
    let stop = running.until_end(tests, tree, private).await?;
    let ended = running.end(stop).await?;
    let Running { kept, process, .. } = running;
    let said = process.last_word().await;
    if let (None, Some(why)) = (stop, said.or_else(|| bubblewraps_word(tests, ended, &kept))) {
        return Err(io::Error::other(why));
    }
    let ending = match stop {
        Some(limit) => TestsEnding::Ended { limit },
        None => TestsEnding::Exited { code: ended.and_then(|status| status.code()) },
    };
    Ok(Ran { ending, kept })
}

/// The command behind the walls that the step has, if any.
fn confined(tests: &TestCommand, room: &Room<'_>) -> io::Result<Confined> {
    let Some(program) = tests.command.first() else {
        return Err(io::Error::other("the command is empty"));
    };
    match &tests.confine {
        None => Ok(Confined {
            command: tests.command.iter().map(Into::into).collect(),
            env: tests.env.clone(),
            is_keeper: false,
        }),
        // Nobody else could tell a program that is not there from one that fails.
        Some(_) if !is_there(program, room) => Err(io::ErrorKind::NotFound.into()),
        Some(confine) => confine.confine(room),
    }
}

fn is_there(program: &str, room: &Room<'_>) -> bool {
    if program.contains('/') {
        return room.tree.join(program).exists();
    }
    let path = room.env.get("PATH").map(String::as_str).unwrap_or_default();
    path.split(':').any(|dir| room.tree.join(dir).join(program).exists())
}

/// What `bwrap` says in the place of a command that it could not start: it has nowhere else to.
fn bubblewraps_word(tests: &TestCommand, ended: Option<ExitStatus>, kept: &Kept) -> Option<String> {
    tests.confine.as_ref()?;
    let failed = ended.and_then(|status| status.code()) == Some(1);
    let text = String::from_utf8_lossy(kept.head());
    let line = text.lines().next().filter(|line| failed && line.starts_with("bwrap: "))?;
    Some(line.to_owned())
}

/// A command that runs.
struct Running {
    output: pipe::Receiver,
    process: Process,
    kept: Kept,
}

impl Running {
    /// Until the command is over, or went beyond a limit.
    async fn until_end(
        &mut self,
        tests: &TestCommand,
        tree: &Path,
        private: &Path,
    ) -> io::Result<Option<TestsLimit>> {
        let mut chunk = vec![0; 64 * 1024];
        let most = tests.limits.disk_bytes;
        let trees = [tree, private].map(PathBuf::from);
        let [tree_full, private_full] = trees.map(|dir| disk::overflow(dir, most));
        tokio::pin!(tree_full, private_full);
        let mut is_open = true;
        loop {
            tokio::select! {
                biased;
                () = &mut tree_full => return Ok(Some(TestsLimit::Disk)),
                () = &mut private_full => return Ok(Some(TestsLimit::Disk)),
                read = self.output.read(&mut chunk), if is_open => match read {
                    Ok(0) | Err(_) => is_open = false,
                    Ok(n) => self.kept.push(&chunk[..n]),
                },
                status = self.process.child.wait() => {
                    status?;
                    return Ok(None);
                }
            }
            if self.kept.total() > tests.limits.output_bytes {
                return Ok(Some(TestsLimit::Output));
            }
        }
    }

    /// Ends what is left of it, and reads what it had written before.
    async fn end(&mut self, stop: Option<TestsLimit>) -> io::Result<Option<ExitStatus>> {
        self.process.give_up();
        let waited = tokio::time::timeout(KEEPER_TIME_MAX, self.process.child.wait());
        let status = match waited.await {
            Ok(status) => Some(status?),
            Err(_elapsed) => {
                self.process.child.start_kill()?;
                None
            }
        };
        if stop.is_some() {
            return Ok(status);
        }
        let mut chunk = vec![0; 64 * 1024];
        let drained = tokio::time::timeout(DRAIN, async {
            while let Ok(n) = self.output.read(&mut chunk).await {
                if n == 0 {
                    break;
                }
                self.kept.push(&chunk[..n]);
            }
        });
        let _open = drained.await;
        Ok(status)
    }
}

/// The process that was started. It does not outlive this value, nor does its group.
struct Process {
    child: Child,
    group: Group,
    /// The other end of a keeper's standard input.
    line: Option<UnixStream>,
}

impl Process {
    fn start(confined: &Confined, tree: &Path, write: OwnedFd) -> io::Result<Self> {
        let Confined { command, env, is_keeper } = confined;
        let [program, arguments @ ..] = command.as_slice() else {
            return Err(io::Error::other("the command is empty"));
        };
        let (line, stdin) = if *is_keeper {
            let (ours, theirs) = UnixStream::pair()?;
            (Some(ours), Stdio::from(OwnedFd::from(theirs)))
        } else {
            (None, Stdio::null())
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(tree)
            .env_clear()
            .envs(env)
            .stdin(stdin)
            .stdout(write.try_clone()?)
            .stderr(write)
            .process_group(0)
            // A keeper ends the command first; the end of its line tells it to.
            .kill_on_drop(!is_keeper);
        let child = command.spawn()?;
        let group = Group(if *is_keeper { None } else { child.id() });
        Ok(Self { child, group, line })
    }

    /// Ends the command, and all that it started and did not leave its group.
    fn give_up(&mut self) {
        self.group.end();
        if let Some(line) = &self.line {
            // It fails where nobody is left.
            let _gone = line.shutdown(std::net::Shutdown::Write);
        }
    }

    /// What a keeper that is over had to say, if anything.
    async fn last_word(self) -> Option<String> {
        let line = self.line?;
        line.set_nonblocking(true).ok()?;
        let line = tokio::net::UnixStream::from_std(line).ok()?;
        let mut word = String::new();
        let read = tokio::time::timeout(DRAIN, async {
            line.take(WORD_BYTES_MAX).read_to_string(&mut word).await
        });
        read.await.ok()?.ok()?;
        Some(word).filter(|word| !word.is_empty())
    }
}

/// A process group that does not outlive this value.
struct Group(Option<u32>);

impl Group {
    fn end(&mut self) {
        let id = self.0.take().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // An error means that nobody of the group is left.
            let _gone = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
