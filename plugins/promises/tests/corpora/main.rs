//! Everything that fuzzing kept, as plain tests: `../fuzz/corpus/TARGET/*`.
#![expect(clippy::disallowed_methods, reason = "a test has files")]

mod seeds;

use std::fs;
use std::path::{Path, PathBuf};

type Holds = fn(&[u8]);

const TARGETS: [(&str, Holds); 3] =
    [("lock", promises::lock), ("report", promises::report), ("diff", promises::diff)];

/// Inputs of so many bytes are also cut at every byte, and changed in each.
const CUT_MAX: usize = 600;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

#[test]
fn every_input_that_was_kept_keeps_the_promises() {
    for (target, holds) in TARGETS {
        let files = fs::read_dir(corpus(target)).unwrap();
        let inputs: Vec<Vec<u8>> =
            files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(inputs.len() >= 8, "{target} has {} inputs", inputs.len());
        inputs.iter().for_each(|input| holds(input));
        for input in inputs.iter().filter(|input| input.len() <= CUT_MAX) {
            for at in 0..input.len() {
                holds(&input[..at]);
                let mut changed = input.clone();
                changed[at] ^= 0x81;
                holds(&changed);
            }
        }
    }
}

/// Writes the inputs that are known without fuzzing.
#[test]
#[ignore = "it changes the corpus"]
fn write_seeds() {
    for (target, seeds) in
        [("lock", seeds::locks()), ("report", seeds::reports()), ("diff", seeds::diffs())]
    {
        fs::create_dir_all(corpus(target)).unwrap();
        for (number, seed) in seeds.into_iter().enumerate() {
            fs::write(corpus(target).join(format!("seed-{number:02}")), seed).unwrap();
        }
    }
}
