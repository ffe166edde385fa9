//! Which system calls a worker may make when its walls stand. Everything else ends it: a guest
//! that reaches for the system has broken out of the engine, and is not given a second try.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::wall::Purpose;

/// The line to the process of the step.
const LINE: u64 = 0;

/// Where a process that compiles puts the code.
const CODE: u64 = 1;

/// Where a last word of a panic goes: nowhere.
const NOWHERE: u64 = 2;

/// `ioctl(…, PAGEMAP_SCAN, …)`: which pages of its own memory a guest has touched.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// Mappings that the limit of memory does not count: shared ones, and those that grow as a stack
/// does.
const UNCOUNTED: libc::c_int = libc::MAP_SHARED | libc::MAP_GROWSDOWN;

/// Calls that need no look at their arguments: memory and descriptors that are only given back or
/// told about, time, signals of its own, the end.
const FREE: [c_long; 17] = [
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
];

/// Installs the filters.
pub(crate) fn install(purpose: Purpose) -> Result<(), String> {
    for program in [without_mremap(), program(purpose)] {
        let program = program.map_err(|err| err.to_string())?;
        seccompiler::apply_filter(&program).map_err(|err| err.to_string())?;
    }
    Ok(())
}

/// The stack can be made larger by `mremap`, and moved out of its limit's reach. An allocator
/// tries it for large blocks, and copies them when it is told that there is no memory.
fn without_mremap() -> Result<BpfProgram, seccompiler::BackendError> {
    let filter = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_mremap, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOMEM.unsigned_abs()),
        TargetArch::try_from(ARCH)?,
    )?;
    filter.try_into()
}

fn program(purpose: Purpose) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = BTreeMap::new();
    for call in FREE {
        rules.insert(call, Vec::new());
    }
    let descriptor = |number| condition(0, SeccompCmpOp::Eq, number);
    for call in [libc::SYS_read, libc::SYS_recvfrom, libc::SYS_sendto] {
        rules.insert(call, vec![rule([descriptor(LINE)?])?]);
    }
    let mut written = vec![rule([descriptor(LINE)?])?, rule([descriptor(NOWHERE)?])?];
    let counted = condition(3, masked(UNCOUNTED), 0)?;
    match purpose {
        // No page becomes executable: the code it was given is all the code there is.
        Purpose::Guests { .. } => {
            let data_only = || condition(2, masked(libc::PROT_EXEC), 0);
            rules.insert(libc::SYS_mprotect, vec![rule([data_only()?])?]);
            rules.insert(libc::SYS_mmap, vec![rule([data_only()?, counted])?]);
        }
        // Nothing that it compiles runs, but the engine maps it as if.
        Purpose::Compile => {
            rules.insert(libc::SYS_mprotect, Vec::new());
            rules.insert(libc::SYS_mmap, vec![rule([counted])?]);
            // Where the processor must be told of new code.
            rules.insert(libc::SYS_membarrier, Vec::new());
            written.push(rule([descriptor(CODE)?])?);
        }
    }
    rules.insert(libc::SYS_write, written);
    let scan = condition(1, SeccompCmpOp::Eq, PAGEMAP_SCAN)?;
    rules.insert(libc::SYS_ioctl, vec![rule([scan])?]);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        TargetArch::try_from(ARCH)?,
    )?;
    filter.try_into()
}

fn masked(bits: libc::c_int) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(u64::from(bits.unsigned_abs()))
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn rule<const N: usize>(
    conditions: [SeccompCondition; N],
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into())
}
