//! What guards the step's own tests on this machine: always a keeper, and behind it Bubblewrap or,
//! where that is not to be had, Landlock.

mod reach;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use runner::{Bubblewrap, Confine, Confined, Reach, Room};
use sandbox::Orders;

use crate::commands;
use crate::problem::Problem;
use crate::repo::Trees;
use crate::step::{Guard, Verify};

/// The most bytes of one file that a test command writes: an image of a machine, no more.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// The version of Landlock from which on no process of the user can be sent a signal.
const LANDLOCK_WHOLE: i32 = 6;

/// Finds out what there is to guard the tests, whose environment is `env`.
pub(crate) fn confine(
    verify: &Verify,
    env: &BTreeMap<String, String>,
    trees: &Trees,
) -> Result<Guarded, Problem> {
    let reach = reach::of_tests(env, &[&trees.root, &trees.state], verify.network);
    let walls = match verify.sandbox {
        Guard::Off => Walls::None("the step says so".to_owned()),
        Guard::Auto | Guard::Require => walls(reach, &trees.root),
    };
    if verify.sandbox == Guard::Require && !walls.is_enough(verify.network) {
        return Err(Problem::TestsUnguarded { found: walls.about() });
    }
    let has_walls = !matches!(walls, Walls::None(_));
    Ok(Guarded { confine: Arc::new(Kept(walls)), has_walls })
}

/// Who guards the tests.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) confine: Arc<dyn Confine>,
    /// Whether the tests are kept from writing where this program keeps what it knows.
    pub(crate) has_walls: bool,
}

/// What stands between the tests and the machine.
#[derive(Debug)]
enum Walls {
    Bubblewrap(Bubblewrap),
    /// Its version.
    Landlock(i32, Reach),
    /// Why there are none.
    None(String),
}

impl Walls {
    fn about(&self) -> String {
        match self {
            Self::Bubblewrap(wrap) => wrap.about(),
            Self::Landlock(version, _) => {
                let beyond = if *version < LANDLOCK_WHOLE { ", signals" } else { "" };
                format!(
                    "Landlock {version} (system read-only, no file of the user; \
                     not kept from them: the network{beyond})"
                )
            }
            Self::None(why) => format!("no wall, only a process that ends them all ({why})"),
        }
    }

    /// Whether they keep from the tests what a step that requires walls wants kept.
    fn is_enough(&self, network: bool) -> bool {
        match self {
            Self::Bubblewrap(_) => true,
            Self::Landlock(version, _) => network && *version >= LANDLOCK_WHOLE,
            Self::None(_) => false,
        }
    }
}

fn walls(reach: Reach, root: &Path) -> Walls {
    let no_bubblewrap = match bubblewrap(root) {
        None => "there is no `bwrap`".to_owned(),
        Some(program) => {
            let wrap = Bubblewrap { program, reach: reach.clone() };
            match try_out(&wrap) {
                Ok(()) => return Walls::Bubblewrap(wrap),
                Err(why) => why,
            }
        }
    };
    match sandbox::tests_landlock() {
        Ok(version) => Walls::Landlock(version, reach),
        Err(why) => Walls::None(format!("{no_bubblewrap}; {why}")),
    }
}

/// The program, where the user has it: nowhere that a repository could have put it.
fn bubblewrap(root: &Path) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let dirs = env::split_paths(&path).filter(|dir| dir.is_absolute() && !dir.starts_with(root));
    dirs.map(|dir| dir.join("bwrap")).find(|program| program.is_file())
}

/// Whether this machine lets anybody make namespaces; where it does not, why.
fn try_out(wrap: &Bubblewrap) -> Result<(), String> {
    let mut words = wrap.namespaces();
    words.extend(["--".into(), wrap.program.clone().into(), "--version".into()]);
    let tried = Command::new(&words[0]).args(&words[1..]).env_clear().output();
    let tried = tried.map_err(|err| format!("`bwrap` cannot be started: {err}"))?;
    if tried.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&tried.stderr);
    Err(said.lines().next().unwrap_or("`bwrap` failed and said nothing").to_owned())
}

/// The walls, and this program before them as a keeper.
#[derive(Debug)]
struct Kept(Walls);

impl Confine for Kept {
    fn about(&self) -> String {
        self.0.about()
    }

    fn confine(&self, room: &Room<'_>) -> io::Result<Confined> {
        let Room { command, env, tree, private } = *room;
        let (command, env, reach) = match &self.0 {
            Walls::Bubblewrap(wrap) => {
                let Confined { command, env, .. } = wrap.confine(room)?;
                (as_text(command)?, env, None)
            }
            Walls::Landlock(_, reach) => {
                let (own, rest) = (private.join("tmp"), private.join("home"));
                std::fs::create_dir_all(&own)?;
                std::fs::create_dir_all(&rest)?;
                let env = reach::moved(env, reach, &own, &rest);
                let reach = reach::behind_landlock(reach, tree, private);
                (command.to_vec(), env, Some(reach))
            }
            Walls::None(_) => (command.to_vec(), env.clone(), None),
        };
        let orders = Orders { command, reach, file_bytes_max: FILE_BYTES_MAX };
        Ok(Confined { command: commands::keeper(&orders)?, env, is_keeper: true })
    }
}

fn as_text(words: Vec<OsString>) -> io::Result<Vec<String>> {
    let no_text = |word: OsString| {
        let what = format!("the path `{}` is not UTF-8", word.to_string_lossy());
        io::Error::new(io::ErrorKind::InvalidInput, what)
    };
    words.into_iter().map(|word| word.into_string().map_err(no_text)).collect()
}
