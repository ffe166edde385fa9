//! Files that become something else while they are read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode};

use crate::questions::{about, glob, search};
use crate::repository::Hostile;
use crate::{check, view};

/// How often everything is asked.
const ROUNDS: usize = 200;

/// Puts something else at `at`, in one move where that can be.
fn replace(at: &Path, spare: &Path, outside: &Path, turn: usize) {
    match turn % 6 {
        0 => fs::write(spare, "needle").unwrap(),
        1 => symlink(outside.join("secret"), spare).unwrap(),
        2 => symlink(outside, spare).unwrap(),
        3 => rustix::fs::mknodat(CWD, spare, FileType::Fifo, Mode::RWXU, 0).unwrap(),
        4 => symlink("flips", spare).unwrap(),
        _ => {
            fs::create_dir(spare).unwrap();
            fs::write(spare.join("secret"), "needle").unwrap();
            fs::remove_file(at).unwrap();
        }
    }
    // Nothing but a directory takes the place of one.
    if at.is_dir() && !at.is_symlink() {
        fs::remove_dir_all(at).unwrap();
    }
    fs::rename(spare, at).unwrap();
}

#[test]
fn what_is_replaced_while_it_is_read_is_never_what_is_outside() {
    let hostile = Hostile::new(0);
    let (at, spare) = (hostile.root().join("flips"), hostile.outside().join("spare"));
    let outside = hostile.outside();
    replace(&at, &spare, &outside, 0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let turns = (1..).take_while(|_| !over.load(Ordering::Relaxed));
            turns.for_each(|turn| replace(&at, &spare, &outside, turn));
        });
        let asked = std::panic::catch_unwind(|| ask_everything(&hostile));
        over.store(true, Ordering::Relaxed);
        asked.unwrap();
    });
}

fn ask_everything(hostile: &Hostile) {
    let snapshot = hostile.directory();
    let deep = ["flips", "flips/secret", "flips/inner/secret"].map(about).concat();
    let wide = [glob("{,*/}{,*}secret", true), search("5TEP", "flips*"), search("n", "flips/*")];
    for round in 0..ROUNDS {
        let asked = view(&snapshot);
        for question in deep.iter().chain(&wide) {
            let (answer, digest) = asked.observe(question);
            check(&format!("round {round}"), question, &answer);
            assert_eq!(asked.answer_digest(question), digest, "the first answer stands");
        }
    }
}
