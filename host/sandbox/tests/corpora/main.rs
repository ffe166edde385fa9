//! Everything that fuzzing kept, as plain tests: `fuzz/corpus/TARGET/*`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has files"
)]

use std::fs;
use std::path::{Path, PathBuf};

use sandbox::fuzzing;

type Holds = fn(&[u8]);

const TARGETS: [(&str, Holds); 4] = [
    ("manifest", fuzzing::manifest),
    ("frames", fuzzing::frames),
    ("paths", fuzzing::paths),
    ("values", fuzzing::values),
];

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

#[test]
fn every_input_that_was_kept_keeps_the_promises() {
    for (target, holds) in TARGETS {
        let files = fs::read_dir(corpus(target)).unwrap();
        let inputs: Vec<Vec<u8>> =
            files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(inputs.len() >= 10, "{target} has {} inputs", inputs.len());
        inputs.iter().for_each(|input| holds(input));
        // Cut short and changed in one place they are inputs, too.
        for input in inputs.iter().filter(|input| input.len() < 4_096) {
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
    for (target, seeds) in [
        ("manifest", manifests()),
        ("frames", fuzzing::frame_seeds()),
        ("paths", paths()),
        ("values", fuzzing::value_seeds()),
    ] {
        fs::create_dir_all(corpus(target)).unwrap();
        for (number, seed) in seeds.into_iter().enumerate() {
            fs::write(corpus(target).join(format!("seed-{number:02}")), seed).unwrap();
        }
    }
}

fn manifests() -> Vec<Vec<u8>> {
    let good = r#"{"name": "a_1", "description": "Does.", "schema": {"type": "object"}}"#;
    let texts = [
        good,
        "{}",
        r#"{"name": "A", "description": "d", "schema": {}}"#,
        r#"{"name": "a", "description": "", "schema": {}}"#,
        r#"{"name": "a", "description": "d", "schema": []}"#,
        r#"{"name": "a", "description": "\ud800", "schema": {}}"#,
        r#"{"name": "a", "name": "b", "description": "d", "schema": {"x": 1e999}}"#,
        r#"{"name": "a", "description": "d", "schema": {"x": [[[[[[[[[[]]]]]]]]]]}}"#,
    ];
    let component = b"\0asm\x0d\0\x01\0".to_vec();
    let with_manifest = |text: &str| {
        let name = b"stepwell:tool";
        let length = u8::try_from(1 + name.len() + text.len()).unwrap();
        let head = if length < 0x80 { vec![length] } else { vec![length | 0x80, 1] };
        [&component[..], &[0], &head, &[13], name, text.as_bytes()].concat()
    };
    let built = [
        component.clone(),
        with_manifest(good),
        [with_manifest("{}"), with_manifest(good)[8..].to_vec()].concat(),
        b"\0asm\x01\0\0\0".to_vec(),
    ];
    texts.map(|text| text.as_bytes().to_vec()).into_iter().chain(built).collect()
}

fn paths() -> Vec<Vec<u8>> {
    let spellings = [
        "a/b.txt",
        "",
        "/",
        "/etc/passwd",
        "..",
        "a/../../b",
        "a/./b",
        "a//b",
        "a/",
        "a\0b",
        ".git/config",
        "GIT~1/config",
        ".g\u{200c}it/x",
        "a\\..\\b",
        "C:\\x",
        "\u{202e}a/b ",
        "a/..a/.../....",
        "./a/../d/..",
    ];
    spellings.map(|text| text.as_bytes().to_vec()).to_vec()
}
