//! Which step file counts: the base's, so that a change under test does not choose what is done
//! with it.

use std::env;
use std::path::{Component, Path, PathBuf};

use crate::args::RunArgs;
use crate::problem::Problem;
use crate::repo::{self, Trees};
use crate::say::note;

/// The step file, and where it was found.
pub(super) struct Found {
    /// For people.
    pub(super) name: String,
    /// As it was read.
    pub(super) bytes: Vec<u8>,
    /// Whether it is the base's; otherwise it is the head's.
    pub(super) of_base: bool,
}

/// Where the step file is, or would be.
pub(super) fn path(args: &RunArgs, trees: &Trees) -> PathBuf {
    args.step.clone().unwrap_or_else(|| trees.root.join(".stepwell/step.toml"))
}

/// Finds the step file: in the base commit, if there is a base and it has one; nowhere else where
/// the base `decides`.
pub(super) fn find(args: &RunArgs, trees: &Trees, decides: bool) -> Result<Found, Problem> {
    let path = path(args, trees);
    let inside = inside(&path, &trees.root);
    let of_head = match &inside {
        Some(inside) if args.head.is_some() => repo::file(&trees.head.snapshot, inside),
        Some(_) | None => read_if_there(&path)?,
    };
    let (Some(base), Some(inside), false) = (&trees.base, inside, args.step_from_head) else {
        let bytes = of_head.ok_or_else(|| Problem::NoStep { path: path.clone() })?;
        return Ok(Found { name: path.display().to_string(), bytes, of_base: false });
    };
    let say = |text: &str| {
        if !args.quiet {
            note(text);
        }
    };
    let base_name = &base.name;
    match (repo::file(&base.snapshot, &inside), of_head) {
        (Some(bytes), head) => {
            if head.is_some_and(|head| head != bytes) {
                say(&format!(
                    "the step file of the base {base_name} counts, not the changed one \
                     (--step-from-head takes that)"
                ));
            }
            Ok(Found { name: format!("{inside} of {base_name}"), bytes, of_base: true })
        }
        // On a developer's machine a new step file is tried before it is committed. In a pipeline
        // it would be the change under test that brings it.
        (None, Some(_)) if decides || env::var_os("CI").is_some() => {
            Err(Problem::StepNotInBase { path: inside, base: base_name.clone() })
        }
        (None, Some(bytes)) => {
            say(&format!("the base {base_name} has no step file: the one of the head counts"));
            Ok(Found { name: inside, bytes, of_base: false })
        }
        (None, None) => Err(Problem::NoStep { path }),
    }
}

/// The path from the root, if it lies below it. By its words alone: a link in the repository does
/// not move it out of the base's sight.
pub(super) fn inside(path: &Path, root: &Path) -> Option<String> {
    let mut full = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::ParentDir => {
                full.pop();
            }
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::Normal(_) => full.push(part),
        }
    }
    full.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Problem::File { what: "read", path: path.to_owned(), source }),
    }
}
