//! Everything that fuzzing kept, as plain tests: `fuzz/corpus/TARGET/*`.
#![expect(clippy::disallowed_methods, reason = "a test has files")]

use std::fs;
use std::path::{Path, PathBuf};

use gate::fuzzing;

type Holds = fn(&[u8]);

const TARGETS: [(&str, Holds); 2] = [("patch", fuzzing::patch), ("apply", fuzzing::apply_to)];

/// Longer inputs are not cut and changed at every place.
const CUT_BYTES_MAX: usize = 4_096;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn inputs(folder: &Path) -> Vec<Vec<u8>> {
    fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_input_that_was_kept_keeps_the_promises() {
    for (target, holds) in TARGETS {
        let inputs = inputs(&corpus(target));
        assert!(inputs.len() >= 10, "{target} has {} inputs", inputs.len());
        inputs.iter().for_each(|input| holds(input));
        // Cut short and changed in one place they are inputs, too.
        for input in inputs.iter().filter(|input| input.len() < CUT_BYTES_MAX) {
            for at in 0..input.len() {
                holds(&input[..at]);
                let mut changed = input.clone();
                changed[at] ^= 0x01;
                holds(&changed);
            }
        }
    }
}

#[test]
fn every_hostile_proposal_keeps_the_promises() {
    let hostile = inputs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile"));
    for proposal in hostile {
        fuzzing::patch(&proposal);
        for file in ["", "a\nb\na\nb\n", "# Title\n\nText.\n"] {
            fuzzing::apply_to(&[file.as_bytes(), b"\xff", &proposal].concat());
        }
    }
}

/// Writes the inputs that are known without fuzzing.
#[test]
#[ignore = "it changes the corpus"]
fn write_seeds() {
    let patches: Vec<Vec<u8>> = PATCHES.iter().map(|text| text.as_bytes().to_vec()).collect();
    let file = "a\nb\nc\nd\ne\nf\ng\nh\na\nb\ni";
    let applied = patches.iter().map(|patch| [file.as_bytes(), b"\xff", patch].concat()).collect();
    for (target, seeds) in [("patch", patches), ("apply", applied)] {
        fs::create_dir_all(corpus(target)).unwrap();
        for (number, seed) in seeds.into_iter().enumerate() {
            fs::write(corpus(target).join(format!("seed-{number:02}")), seed).unwrap();
        }
    }
}

const PATCHES: [&str; 14] = [
    "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
    "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@ fn a()\n b\n-c\n+C\n d\n@@ -10,2 +10,2 @@\n b\n-i\n\\ No newline at end of file\n+i\n",
    "--- a/x\n+++ b/x\n@@ -7,2 +9,1 @@\n d\n-e\n",
    "--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n",
    "diff --git a/new b/new\nnew file mode 100644\nindex 0000000..e69de29\n",
    "diff --git a/x y b/n z\nsimilarity index 90%\nrename from x y\nrename to n z\n--- a/x y\t\n+++ b/n z\t\n@@ -3 +3 @@\n-c\n+C\n",
    "diff --git \"a/\\303\\251 \\\"\" \"b/\\303\\251 \\\"\"\n--- \"a/\\303\\251 \\\"\"\n+++ \"b/\\303\\251 \\\"\"\n@@ -1 +1,2 @@\n a\n+\n",
    "diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1,11 +0,0 @@\n-a\n-b\n-c\n-d\n-e\n-f\n-g\n-h\n-a\n-b\n-i\n\\ No newline at end of file\n",
    "x\n<<<<<<< SEARCH\nc\nd\n=======\nC\nd\n>>>>>>> REPLACE\n",
    "x\n```rust\n<<<<<<< SEARCH\ni\n=======\nj\n\n>>>>>>> REPLACE\n<<<<<<< SEARCH\nf\ng\n=======\n>>>>>>> REPLACE\n```\nnew\n<<<<<<< SEARCH\n=======\na\n>>>>>>> REPLACE\n",
    "*** Begin Patch\n*** Update File: x\n@@ h\n a\n-b\n+B\n*** End Patch\n",
    "*** Begin Patch\n*** Add File: new\n+a\n*** Delete File: y\n*** Update File: x\n*** Move to: n2\n-c\n+C\n@@\n-i\n+I\n*** End of File\n*** End Patch\n",
    "*** Begin Patch\n*** Update File: x\n@@\n+j\n*** End of File\n*** End Patch\n",
    "*** Begin Patch\n*** Update File: x\n*** Move to: n3\n*** End Patch\n",
];
