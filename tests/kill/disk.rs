//! A disk that is full, or broken: the run says so, loses nothing, and goes on when it is mended.

use std::process::Command;

use super::promises::Calm;
use super::scripts::Script;
use crate::support::Ran;

/// Of so many records one cannot be written.
const EVERY: usize = 4;

/// Lets the disk fail at some records and at every sync; how often.
pub(super) fn sweep(script: &Script, calm: &Calm) -> usize {
    let appends = (1..=calm.trace.len()).step_by(EVERY);
    let appends = appends.flat_map(|n| [format!("append:{n}:full"), format!("append:{n}:io")]);
    let failed = appends.filter(|point| fails_and_goes_on(script, calm, point)).count();
    let mut syncs = 0;
    while fails_and_goes_on(script, calm, &format!("sync:{}:io", syncs + 1)) {
        syncs += 1;
    }
    failed + syncs
}

fn fails_and_goes_on(script: &Script, calm: &Calm, point: &str) -> bool {
    let at = format!("{} with the disk failing at {point}", script.name);
    let world = script.world();
    let failed = script.run(&world, &["--fail-at", point]);
    if failed.code == Some(0) {
        return false;
    }
    assert_eq!(failed.code, Some(40), "{at}: {}", failed.err);
    let why = if point.ends_with("full") { "No space left on device" } else { "Input/output" };
    for told in ["error: the run cannot go on", "cannot use the journal", why, "goes on from"] {
        assert!(failed.err.contains(told), "{at}: `{told}` is missing from\n{}", failed.err);
    }
    let again = script.run(&world, &[]);
    assert_eq!(again.code, Some(0), "{at}: {}", again.err);
    calm.check(&world, 1, &at);
    true
}

/// The system's own limit on the size of a file: what of a record fits is really written, the
/// rest really is not.
#[test]
fn a_journal_that_may_not_grow_is_gone_on_with_once_it_may() {
    let script = Script::trouble();
    let calm = Calm::of(&script);
    let bytes: usize = calm.trace.iter().map(|record| record.to_string().len() + 1).sum();
    // In blocks of 512 bytes; the ledger and the cache do not fit below the first.
    for blocks in (128..=bytes / 512).step_by(6) {
        let world = script.world();
        let limited = script.command(&world, &[]);
        let mut shell = Command::new("sh");
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limit]).arg(limited.get_program()).args(limited.get_args());
        shell.current_dir(world.repo()).envs(limited.get_envs().filter_map(|(k, v)| Some((k, v?))));
        let limited = Ran::from(shell.output().unwrap());
        assert_eq!(limited.code, Some(40), "{blocks} blocks: {}", limited.err);
        assert!(limited.err.contains("cannot use the journal"), "{blocks}: {}", limited.err);
        script.run(&world, &[]).code(0);
        calm.check(&world, 1, &format!("{blocks} blocks"));
    }
}
