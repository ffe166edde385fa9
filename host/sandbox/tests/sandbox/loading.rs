//! What is wrong with a component is found before any of it runs.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sandbox::{Allocator, Code, Config, LoadError, Sandbox};
use snapshot::Digest;
use tempfile::TempDir;

use crate::guests::{in_words, with_section};
use crate::{Bench, component, manifest, tool_bytes};

/// Why `bytes` are not a tool: the error and its causes.
fn refusal(sandbox: &Sandbox, bytes: &[u8]) -> String {
    let err = sandbox.load(bytes).unwrap_err();
    let mut said = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        said = format!("{said}: {err}");
        cause = err.source();
    }
    said
}

#[track_caller]
fn check_refused(bytes: &[u8], expected: &str) {
    for bench in [Bench::new(), Bench::on_demand()] {
        assert_eq!(refusal(&bench.sandbox, bytes), expected);
    }
}

#[test]
fn a_tool_says_what_it_is_without_running() {
    let bytes = tool_bytes("loops-at-start");
    let bench = Bench::new();
    let tool = bench.sandbox.load(&bytes).unwrap();
    assert_eq!(tool.manifest().name, "guest");
    assert_eq!(tool.manifest().description, "A test.");
    assert_eq!(tool.digest(), Digest::of(&bytes));
}

/// Where a compiler's `link_section` ends up: in the core module, inside the component.
#[test]
fn a_manifest_may_lie_deeper_in_the_component() {
    let tool = Bench::new().sandbox.load(&component("describes-itself")).unwrap();
    assert_eq!(tool.manifest().name, "inside");
}

#[test]
fn what_is_not_a_tool_is_refused_by_name() {
    check_refused(
        &component("answers"),
        "the component is not a tool: it has no manifest; a tool carries one in the custom \
         section `stepwell:tool`",
    );
    check_refused(
        &with_section(tool_bytes("answers"), "stepwell:tool", b"{}"),
        "the component is not a tool: it has more than one manifest",
    );
    check_refused(
        &with_section(component("answers"), "stepwell:tool", b"\xff"),
        "the component is not a tool: its manifest cannot be read: invalid utf-8 sequence of 1 \
         bytes from index 0",
    );
    check_refused(
        b"MZ, not wasm at all",
        "the component is not a tool: it is not a WebAssembly component: it does not \
         begin as WebAssembly does, with `\\0asm`",
    );
    check_refused(
        &vec![0; sandbox::COMPONENT_BYTES_MAX + 1],
        "the component has 67108865 bytes, the most is 67108864",
    );
    check_refused(
        &tool_bytes("foreign-import"),
        "the component imports `wasi:http/outgoing-handler@0.2.0`, which no tool gets; a tool \
         may import `stepwell:tool/repository`, `stepwell:tool/environment`, `stepwell:tool/log`, \
         and what WASI 0.2 has for commands",
    );
    check_refused(
        &tool_bytes("not-a-tool"),
        "the component does not fit the world `stepwell:tool@0.1.0`: no exported instance named \
         `stepwell:tool/handler@0.1.0`",
    );
}

#[test]
fn a_component_that_asks_for_a_book_is_told_so_in_a_line() {
    let import = |n: usize| {
        let name = format!("a:b/c{n}{}", "x".repeat(50_000));
        format!("(import \"{name}\" (instance (export \"f\" (func))))")
    };
    let imports: String = (0..20).map(import).collect();
    let bytes = wat::parse_str(format!("(component {imports})")).unwrap();
    let bytes = with_section(bytes, "stepwell:tool", manifest().as_bytes());
    let said = refusal(&Bench::new().sandbox, &bytes);
    assert!(said.starts_with("the component imports `a:b/c0xxx"), "{}", &said[..100]);
    assert!(said.len() < 20_000, "{} bytes", said.len());
}

#[test]
fn a_damaged_component_is_refused_wherever_the_damage_is() {
    let bytes = component("reads");
    let bench = Bench::new();
    for cut in (8..bytes.len()).step_by(7) {
        let damaged = with_section(bytes[..cut].to_vec(), "stepwell:tool", manifest().as_bytes());
        assert!(bench.sandbox.load(&damaged).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_component_of_too_many_parts_is_refused_with_a_pool_and_without() {
    for bench in [Bench::new(), Bench::on_demand()] {
        let said = refusal(&bench.sandbox, &tool_bytes("too-many-memories"));
        assert!(said.contains("memories"), "{said}");
    }
}

/// What guests do not get is refused before it runs: each had holes, or answers differently on
/// different machines.
#[test]
fn a_component_gets_no_feature_that_we_turned_off() {
    let bench = Bench::new();
    let load = |module: &str| {
        let bytes = wat::parse_str(format!("(component (core module {module}))")).unwrap();
        bench.sandbox.load(&with_section(bytes, "stepwell:tool", manifest().as_bytes()))
    };
    let refused = [
        "(memory 1 1 shared)",
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "(memory i64 1)",
        "(type (struct))",
        "(type $f (func)) (func (param (ref $f)))",
        "(tag)",
        "(table 1 externref)",
        "(func (param v128) (result v128) \
           (i32x4.relaxed_trunc_f32x4_s (local.get 0)))",
    ];
    for module in refused {
        let loaded = load(module);
        assert!(matches!(loaded, Err(LoadError::Invalid(_))), "{module}: {loaded:?}");
    }
    // The same way of asking does not refuse everything.
    let simd = "(func (param v128) (result v128) (i32x4.abs (local.get 0)))";
    for module in ["", "(memory 1) (memory 1)", "(table 1 funcref)", simd] {
        let loaded = load(module);
        assert!(matches!(loaded, Err(LoadError::Mismatch(_))), "{module}: {loaded:?}");
    }
}

/// A sandbox that keeps compiled code in a directory, and that directory.
fn keeping() -> (TempDir, Config) {
    let dir = TempDir::new().unwrap();
    let config = Config { compiled_dir: Some(dir.path().join("compiled")), ..Config::default() };
    (dir, config)
}

fn code_files(config: &Config) -> Vec<PathBuf> {
    let dir = config.compiled_dir.as_ref().unwrap();
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ext| ext == "code")).collect()
}

#[tokio::test]
async fn compiled_code_is_kept_and_answers_alike() {
    let (_dir, config) = keeping();
    for expected in [Code::Compiled, Code::Kept, Code::Kept] {
        let bench = Bench::with(&config);
        let tool = bench.load("echoes");
        assert_eq!(tool.code(), expected);
        assert_eq!(in_words(&bench.call(&tool, "[1]").await), "answered: [1]");
    }
    assert_eq!(code_files(&config).len(), 1);
}

#[tokio::test]
async fn compiled_code_that_was_touched_is_compiled_again() {
    let (_dir, config) = keeping();
    let other = Bench::with(&config).load("answers");
    assert_eq!(other.code(), Code::Compiled);
    let foreign = fs::read(&code_files(&config)[0]).unwrap();
    fs::remove_file(&code_files(&config)[0]).unwrap();

    assert_eq!(Bench::with(&config).load("echoes").code(), Code::Compiled);
    let path = code_files(&config).remove(0);
    let good = fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let tampered = [
        flipped(0),
        flipped(40),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
        Vec::new(),
        // Ours, genuine, but of another component.
        foreign,
    ];
    for (n, bytes) in tampered.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let bench = Bench::with(&config);
        let tool = bench.load("echoes");
        assert_eq!(tool.code(), Code::Compiled, "case {n}");
        assert_eq!(in_words(&bench.call(&tool, "[1]").await), "answered: [1]", "case {n}");
        assert_eq!(fs::read(&path).unwrap(), good, "case {n}: it was replaced by a good one");
    }
}

#[test]
fn compiled_code_of_another_engine_is_not_ours() {
    let (_dir, config) = keeping();
    assert_eq!(Bench::with(&config).load("echoes").code(), Code::Compiled);
    let on_demand = Config { allocator: Allocator::OnDemand, ..config.clone() };
    // The settings differ in what code may assume of memory, or they do not; never a wrong load.
    let bench = Bench::with(&on_demand);
    let first = bench.load("echoes").code();
    assert_eq!(code_files(&config).len(), if first == Code::Kept { 1 } else { 2 });
}

#[test]
fn a_directory_that_others_can_write_to_is_not_used() {
    let (_dir, config) = keeping();
    let config = Config { allocator: Allocator::OnDemand, ..config };
    let dir = config.compiled_dir.clone().unwrap();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let bench = Bench::with(&config);
    let said = bench.sandbox.isolation().replace(&dir.display().to_string(), "<dir>");
    assert!(
        said.contains(
            "memory on demand, compiled code not kept: `<dir>` is not private to this user; give \
             it mode 700, and its files mode 600; missing: "
        ),
        "{said}"
    );
    assert_eq!(bench.load("echoes").code(), Code::Compiled);
    assert_eq!(code_files(&config), [] as [PathBuf; 0]);
}

#[test]
fn the_run_s_log_says_what_is_missing() {
    let (place, missing) = match crate::APART {
        true => ("in processes of their own", "nothing"),
        false => ("in this process", "a process of its own, a system call filter"),
    };
    assert_eq!(
        Bench::on_demand().sandbox.isolation(),
        format!(
            "wasmtime 48.0.8 {place}, 8 calls at once, memory on demand, compiled code not kept; \
             missing: {missing}"
        )
    );

    // Where there is no room for a pool, it says so.
    let said = Bench::new().sandbox.isolation();
    let pool = said.contains("memory from a pool, ");
    assert!(pool || said.contains("memory on demand (no pool: "), "{said}");
}
