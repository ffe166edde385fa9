//! What is read of reports by cargo and of JUnit.

use super::read;

pub(super) const LIBTEST: &str = "\
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
    failure tests::wrong at -: note: test did not panic as expected
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
    error b at -: it did not end: the process crashed, or the text is cut off
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
    failure inner::no class at -: said <here>
    failure inner::(no name) at -: no & name
    error inner::cdata at -: <raw>&amp;
    failure inner::twice at -: one
    two
    failure inner::prints at -: f
      printed "a\nb"
    "#);
}

#[test]
fn junit_that_is_broken_is_read_as_far_as_it_goes() {
    let cut_off = "<testsuite name='s' tests='3'>\n<testcase name='a'/>\n<testcase name='b'>\
        <failure>no</failure></testcase>\n<testcase name='c'>";
    insta::assert_snapshot!(read(cut_off), @r#"
    failed: 2 tests 1 passed 1 failed
    failure s::b at -: no
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
    failure a at -: &nbsp;x & y
    warning, line 1: "uses an entity that XML does not know; it is shown as it is"
    "#);
    insta::assert_snapshot!(read("<testsuite><testcase name='a<b'/></testsuite>"), @r#"
    passed: 1 tests 1 passed
    warning, line 1: "has a `<` within a tag, which XML does not allow; it is read as it is"
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
    error s::(the whole suite) at -: no class def
    ");
}
