//! The tool's promises, through its JSON.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::Value;
use stepwell::testing::Repository;

use crate::TOOL;

#[track_caller]
fn call(repository: &Repository, input: &str) -> Value {
    let run = repository.call(&TOOL, input);
    serde_json::from_str(&run.answer.expect("an answer")).unwrap()
}

/// The answer to one report, as short as can be.
fn read(report: &str) -> String {
    let repository = Repository::new().file("report", report).file("src/lib.rs", "");
    let answer = call(&repository, r#"{"paths": ["report"]}"#);
    let numbers = &answer["summary"];
    let mut text = format!("{}:", answer["verdict"].as_str().unwrap());
    for key in ["tests", "passed", "failed", "errors", "skipped", "flaky"] {
        if let Some(number @ 1..) = numbers[key].as_u64() {
            write!(text, " {number} {key}").unwrap();
        }
    }
    for failure in answer["failures"].as_array().unwrap() {
        let field = |key: &str| failure[key].as_str().unwrap_or("-");
        let (id, kind, message) = (field("id"), field("kind"), field("message"));
        write!(text, "\n{kind} {id} at {}:{}: {message}", field("file"), failure["line"]).unwrap();
        if field("stdout_tail") != "-" {
            write!(text, "\n  printed {:?}", field("stdout_tail")).unwrap();
        }
    }
    for command in answer["rerun"].as_array().into_iter().flatten() {
        write!(text, "\nrerun {}", command.as_str().unwrap()).unwrap();
    }
    for warning in answer["warnings"].as_array().unwrap() {
        write!(text, "\nwarning, line {}: {}", warning["line"], warning["reason"]).unwrap();
    }
    text
}

const LIBTEST: &str = "\
   Compiling sample v0.1.0
     Running unittests src/lib.rs (target/debug/deps/sample-0f1e2d3c)

running 4 tests
test tests::ok ... ok
test tests::fails ... FAILED
test tests::skipped ... ignored, slow
test tests::wrong - should panic ... FAILED

failures:

---- tests::fails stdout ----
some output

thread 'tests::fails' (7) panicked at src/lib.rs:6:26:
assertion `left == right` failed
  left: 3
 right: 4
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

---- tests::wrong stdout ----
note: test did not panic as expected

failures:
    tests::fails
    tests::wrong

test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.21s

error: test failed, to rerun pass `--lib`
";

#[test]
fn cargo_test_is_read() {
    insta::assert_snapshot!(read(LIBTEST), @r#"
    failed: 4 tests 1 passed 2 failed 1 skipped
    failure tests::fails at src/lib.rs:6: assertion `left == right` failed
      left: 3
     right: 4
      printed "some output"
    failure tests::wrong at -:null: note: test did not panic as expected
    rerun cargo test -- --exact tests::fails tests::wrong
    "#);
}

#[test]
fn colours_change_nothing() {
    let coloured = LIBTEST.replace("FAILED", "\u{1b}[31mFAILED\u{1b}(B\u{1b}[m");
    let coloured = coloured.replace("result: \u{1b}[31mFAILED\u{1b}(B\u{1b}[m", "result: FAILED");
    assert_eq!(read(&coloured.replace("\u{1b}(B", "")), read(LIBTEST));
}

#[test]
fn a_run_that_crashed_is_no_success() {
    let crash = "running 2 tests\ntest a ... ok\ntest b ... thread 'b' has overflowed its stack\n";
    insta::assert_snapshot!(read(crash), @r#"
    error: 2 tests 1 passed 1 errors
    error b at -:null: it did not end: the process crashed, or the text is cut off
    rerun cargo test -- --exact b
    warning, line 1: "a run has no end: it crashed, or the text is cut off; what is before is counted"
    "#);
}

#[test]
fn a_build_that_failed_is_an_error_with_a_place() {
    let build = "\
error[E0308]: mismatched types
 --> src/lib.rs:3:5
  |
3 |     \"no\"
  |     ^^^^ expected `u32`, found `&str`

error: could not compile `sample` (lib test) due to 1 previous error
error[E0308]: mismatched types
 --> src/lib.rs:3:5
  |

error: could not compile `sample` (lib) due to 1 previous error
";
    insta::assert_snapshot!(read(build), @r#"
    error: 1 errors
    error rustc::error[E0308]: mismatched types at src/lib.rs:3: error[E0308]: mismatched types
    warning, line 7: "error: could not compile `sample` (lib test) due to 1 previous error"
    warning, line 12: "error: could not compile `sample` (lib) due to 1 previous error"
    "#);
}

#[test]
fn nextest_is_read_with_its_retries() {
    let nextest = "\
    Starting 3 tests across 1 binary (1 test skipped)
        PASS [   0.018s] (1/3) sample tests::ok
  TRY 1 FAIL [   0.306s] (───) sample tests::flaky
  stderr ───
    thread 'tests::flaky' panicked at src/lib.rs:1:1:
    once
  TRY 2 PASS [   0.010s] (2/3) sample tests::flaky
        FAIL [   0.315s] (3/3) sample tests::fails
  stdout ───

    running 1 test
    some output
    test tests::fails ... FAILED

    failures:

  stderr ───

    thread 'tests::fails' (7) panicked at src/lib.rs:6:26:
    boom
────────────
     Summary [   0.955s] 3 tests run: 2 passed (1 flaky), 1 failed, 1 skipped
        FAIL [   0.315s] (3/3) sample tests::fails
error: test run failed
";
    insta::assert_snapshot!(read(nextest), @r#"
    failed: 4 tests 2 passed 1 failed 1 skipped 1 flaky
    failure sample tests::fails at src/lib.rs:6: boom
      printed "some output"
    rerun cargo nextest run -E 'test(=tests::fails)'
    "#);
}

#[test]
fn junit_is_read_in_every_dialect() {
    let suites = "\
<?xml version='1.0'?>
<testsuites tests='9'>
  <testsuite name='outer'>
    <testsuite name='inner'>
      <testcase classname='a.B' name='passes' time='1,234.5'/>
      <testcase name='no class'><failure message='said &lt;here&gt;'/></testcase>
      <testcase><failure>no &amp; name</failure></testcase>
      <testcase name='cdata'><error><![CDATA[<raw>&amp;]]></error></testcase>
      <testcase name='twice'><failure>one</failure><failure message='two'/></testcase>
      <testcase name='skipped'><skipped/></testcase>
      <testcase name='gtest' status='notrun'/>
      <testcase name='flaky'><flakyFailure>x</flakyFailure></testcase>
      <testcase name='prints'><failure>f</failure><system-out>a\nb</system-out></testcase>
    </testsuite>
  </testsuite>
</testsuites>
<testsuite name='another root'><testcase name='passes' time='NaN'/></testsuite>";
    insta::assert_snapshot!(read(suites), @r#"
    failed: 10 tests 3 passed 4 failed 1 errors 2 skipped 1 flaky
    failure inner::no class at -:null: said <here>
    failure inner::(no name) at -:null: no & name
    error inner::cdata at -:null: <raw>&amp;
    failure inner::twice at -:null: one
    two
    failure inner::prints at -:null: f
      printed "a\nb"
    "#);
}

#[test]
fn junit_that_is_broken_is_read_as_far_as_it_goes() {
    let cut_off = "<testsuite name='s' tests='3'>\n<testcase name='a'/>\n<testcase name='b'>\
        <failure>no</failure></testcase>\n<testcase name='c'>";
    insta::assert_snapshot!(read(cut_off), @r#"
    failed: 2 tests 1 passed 1 failed
    failure s::b at -:null: no
    warning, line 4: "ends in the middle; what is before is counted"
    "#);
    let wrong = "<testsuite>\n<testcase name='a'/>\n</testsuites>";
    insta::assert_snapshot!(read(wrong), @r#"
    error: 1 tests 1 passed
    warning, line 3: "is no XML from here on (ill-formed document: expected `</testsuite>`, but `</testsuites>` was found); what is before is counted"
    "#);
    let hostile =
        "<!DOCTYPE t [<!ENTITY a 'aaaa'>]>\n<testsuite><testcase name='&a;'/></testsuite>";
    insta::assert_snapshot!(read(hostile), @r#"
    error:
    warning, line 1: "declares entities of its own; such files are not read"
    "#);
    let unknown =
        "<testsuite><testcase name='a'><failure>&nbsp;x & y</failure></testcase></testsuite>";
    insta::assert_snapshot!(read(unknown), @r#"
    failed: 1 tests 1 failed
    failure a at -:null: &nbsp;x & y
    warning, line 1: "uses an entity that XML does not know; it is shown as it is"
    "#);
    insta::assert_snapshot!(read(&"<testsuite>".repeat(300)), @r#"
    error:
    warning, line 1: "elements are nested deeper than 200"
    "#);
    insta::assert_snapshot!(read("<testsuites/>"), @"no-tests:");
}

#[test]
fn an_error_of_a_suite_counts_and_is_no_test() {
    let suite = "<testsuite name='s'><error message='no class def'/></testsuite>";
    insta::assert_snapshot!(read(suite), @"
    error: 1 errors
    error s::(the whole suite) at -:null: no class def
    ");
}

#[test]
fn reports_are_found_where_they_usually_are() {
    let junit = |name: &str| format!("<testsuite><testcase name='{name}'/></testsuite>");
    let repository = Repository::new()
        .ignored("target/nextest/ci/junit.xml", junit("a"))
        .ignored("app/build/test-results/TEST-a.B.xml", junit("b"))
        .ignored("app/build/test-results/copy.xml", junit("b"))
        .ignored(".stepwell/verify/stdout", LIBTEST)
        .ignored("node_modules/x/y/z/junit.xml", junit("not ours either"))
        .file("tests/fixtures/junit.xml", junit("not ours"))
        .file("deep/in/the/tree/junit.xml", junit("c"))
        .file("reports/coverage.xml", "<coverage/>")
        .file("src/junit.rs", "");
    let answer = call(&repository, "{}");
    insta::assert_json_snapshot!(answer["reports"], @r#"
    [
      {
        "failed": 2,
        "format": "libtest",
        "path": ".stepwell/verify/stdout",
        "tests": 4
      },
      {
        "failed": 0,
        "format": "junit",
        "path": "app/build/test-results/TEST-a.B.xml",
        "tests": 1
      },
      {
        "failed": 0,
        "format": "junit",
        "path": "deep/in/the/tree/junit.xml",
        "tests": 1
      },
      {
        "failed": 0,
        "format": "junit",
        "path": "target/nextest/ci/junit.xml",
        "tests": 1
      }
    ]
    "#);
    insta::assert_json_snapshot!(answer["left_out"], @r#"
    {
      "copies_of_reports": 1,
      "files_that_are_no_report": 1,
      "hint": "all tests are counted; name reports in `paths` to see them one by one",
      "reports_among_fixtures": 1
    }
    "#);
}

#[test]
fn what_is_named_and_is_no_report_is_said() {
    let repository = Repository::new().file("notes.txt", "hello");
    let answer = call(&repository, r#"{"paths": ["notes.txt", "gone.xml", "*.trx"]}"#);
    insta::assert_json_snapshot!(answer, @r#"
    {
      "failures": [],
      "left_out": {
        "hint": "no report was read; `list_files` with `include_ignored` may find one to name in `paths`"
      },
      "reports": [],
      "summary": {
        "errors": 0,
        "failed": 0,
        "passed": 0,
        "skipped": 0,
        "tests": 0
      },
      "verdict": "no-report",
      "warnings": [
        {
          "path": "*.trx",
          "reason": "no file matches this pattern"
        },
        {
          "path": "gone.xml",
          "reason": "there is nothing at this path"
        },
        {
          "path": "notes.txt",
          "reason": "is no test report of a format known here"
        }
      ]
    }
    "#);
}

#[test]
fn an_answer_is_bounded_and_says_what_is_left_out() {
    let long = "x".repeat(5_000);
    let cases = (0..300).fold(String::new(), |all, n| {
        all + &format!("<testcase name='t{n}'><failure message='{n} {long}'/></testcase>")
    });
    let repository = Repository::new().file("r", format!("<testsuite>{cases}</testsuite>"));
    let answer = |input: &str| call(&repository, input);
    let normal = answer(r#"{"paths": ["r"]}"#);
    assert_eq!(normal["failures"].as_array().map(Vec::len), Some(20));
    assert_eq!(
        (&normal["summary"]["failed"], &normal["left_out"]["failures"]),
        (&300.into(), &280.into())
    );
    let full = answer(r#"{"paths": ["r"], "detail": "full", "max_failures": 200}"#);
    assert!(full.to_string().len() < 60_000, "{}", full.to_string().len());
    let brief = answer(r#"{"paths": ["r"], "detail": "brief"}"#);
    assert!(brief["failures"][0]["message"].as_str().unwrap().len() < 330);
}

#[test]
fn a_place_on_another_machine_is_found_in_the_repository() {
    let report = "<testsuite><testcase name='t'><failure>x
  at com.acme.FooTest.run(FooTest.java:7)
  at run (/home/ci/build/app/web/src/a.ts:3:1)
  at gone (/home/ci/gone.ts:3:1)</failure></testcase></testsuite>";
    let repository = Repository::new()
        .file("junit.xml", report)
        .file("core/src/test/java/com/acme/FooTest.java", "")
        .file("web/src/a.ts", "");
    let answer = call(&repository, "{}");
    insta::assert_json_snapshot!(answer["failures"][0]["trace"], @r#"
    [
      {
        "file": "core/src/test/java/com/acme/FooTest.java",
        "function": "com.acme.FooTest.run",
        "line": 7
      },
      {
        "file": "web/src/a.ts",
        "function": "run",
        "line": 3
      }
    ]
    "#);
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let repository = Repository::new().file("report", &bytes);
        call(&repository, r#"{"paths": ["report"]}"#);
    }

    #[test]
    fn no_damage_to_a_report_is_too_strange(
        at in 0.0..1.0f64, length in 0usize..30, with in "[<>&;!'\\[\\]a-z -]{0,10}"
    ) {
        let junit = "<testsuites><testsuite name='a' tests='1'><testcase name='b'><failure \
            message='c'>d<![CDATA[e]]></failure></testcase></testsuite></testsuites>";
        for report in [junit, LIBTEST] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "a fraction of a short length")]
            let start = (at * report.len() as f64) as usize;
            let end = (start + length).min(report.len());
            let damaged = [&report.as_bytes()[..start], with.as_bytes(), &report.as_bytes()[end..]];
            let repository = Repository::new().file("report", damaged.concat());
            call(&repository, r#"{"paths": ["report"]}"#);
        }
    }
}
