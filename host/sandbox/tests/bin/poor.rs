//! Runs a program as if the kernel had less: `poor WHAT,WHAT PROGRAM ARGUMENT…`, where a WHAT is
//! `landlock`, `seccomp`, `namespaces` or `root`.
#![expect(clippy::disallowed_types, reason = "a program that stands for a kernel starts another")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// The user that has nothing.
const NOBODY: u32 = 65_534;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn main() -> ExitCode {
    match become_poor() {
        Ok(never) => match never {},
        Err(problem) => {
            // Where a worker would speak; nobody takes this for a message.
            drop(problem);
            ExitCode::FAILURE
        }
    }
}

fn become_poor() -> Result<std::convert::Infallible, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let missing = arguments.next().ok_or("nothing is to be missing")?;
    let missing = missing.to_str().ok_or("no text")?;
    let mut program = Command::new(arguments.next().ok_or("no program")?);
    program.args(arguments).env_clear();
    let (mut absent, mut forbidden) = (Rules::new(), Rules::new());
    for what in missing.split(',') {
        match what {
            "landlock" => {
                for call in [
                    libc::SYS_landlock_create_ruleset,
                    libc::SYS_landlock_add_rule,
                    libc::SYS_landlock_restrict_self,
                ] {
                    absent.insert(call, Vec::new());
                }
            }
            "seccomp" => {
                absent.insert(libc::SYS_seccomp, Vec::new());
                let by_prctl = first_is(SeccompCmpOp::Eq, u64::try_from(libc::PR_SET_SECCOMP)?)?;
                absent.insert(libc::SYS_prctl, vec![by_prctl]);
            }
            "namespaces" => {
                forbidden.insert(libc::SYS_unshare, Vec::new());
                forbidden.insert(libc::SYS_setns, Vec::new());
                let user = u64::from(libc::CLONE_NEWUSER.unsigned_abs());
                let with_user = first_is(SeccompCmpOp::MaskedEq(user), user)?;
                forbidden.insert(libc::SYS_clone, vec![with_user]);
                // Its flags lie where a filter cannot look; who is refused takes `clone`.
                absent.insert(libc::SYS_clone3, Vec::new());
            }
            "root" => {
                program.uid(NOBODY).gid(NOBODY);
            }
            _ => return Err("nobody knows how that is missing".into()),
        }
    }
    for (rules, errno) in [(forbidden, libc::EPERM), (absent, libc::ENOSYS)] {
        if !rules.is_empty() {
            seccompiler::apply_filter(&refusing(rules, errno)?)?;
        }
    }
    Err(program.exec().into())
}

fn first_is(operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, Box<dyn Error>> {
    let first = SeccompCondition::new(0, SeccompCmpArgLen::Dword, operator, value)?;
    Ok(SeccompRule::new(vec![first])?)
}

fn refusing(rules: Rules, errno: i32) -> Result<BpfProgram, Box<dyn Error>> {
    let arch = TargetArch::try_from(env::consts::ARCH)?;
    let refused = SeccompAction::Errno(errno.unsigned_abs());
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()?)
}
