//! What is taken from the words of many runners.

use std::fmt::Write;

use super::*;

fn evidence(title: &str, body: &str) -> Evidence {
    Evidence::of(&Case { title: title.to_owned(), body: body.to_owned(), ..Case::default() })
}

fn shown(Evidence { message, expected, actual, trace, .. }: &Evidence) -> String {
    let mut shown = format!("{message}\n");
    if let (Some(expected), Some(actual)) = (expected, actual) {
        writeln!(shown, "expected {expected} / actual {actual}").unwrap();
    }
    trace.iter().for_each(|Frame { file, line, function }| {
        writeln!(shown, "@ {file}:{line} {}", function.as_deref().unwrap_or("-")).unwrap();
    });
    shown
}

#[test]
fn a_panic_of_rust_gives_its_message_and_its_place() {
    let body = "\
thread 'tests::fails' (20658) panicked at src/lib.rs:6:26:
assertion `left == right` failed: sum is off
  left: 3
 right: 4
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/5980/library/std/src/panicking.rs:689:5
   1: sample::tests::fails
             at ./src/lib.rs:6:26
   2: sample::helper
             at ./src/helper.rs:9:1
note: Some details are omitted";
    insta::assert_snapshot!(shown(&evidence("", body)), @"
    assertion `left == right` failed: sum is off
      left: 3
     right: 4
    expected 4 / actual 3
    @ src/lib.rs:6 sample::tests::fails
    @ src/helper.rs:9 sample::helper
    ");
}

#[test]
fn a_trace_of_python_begins_where_it_went_wrong() {
    let body = "\
Traceback (most recent call last):
  File \"/ci/app/tests/test_a.py\", line 12, in test_b
    run()
  File \"/usr/lib/python3.12/json/decoder.py\", line 3, in decode
    raise
  File \"/ci/app/src/run.py\", line 4, in run
    return 1 / 0
ZeroDivisionError: division by zero";
    insta::assert_snapshot!(shown(&evidence("ZeroDivisionError: division by zero", body)), @"
    ZeroDivisionError: division by zero
    @ /ci/app/src/run.py:4 run
    @ /ci/app/tests/test_a.py:12 test_b
    ");
}

#[test]
fn a_trace_of_java_leaves_out_the_runner() {
    let body = "\
org.opentest4j.AssertionFailedError: expected: <4> but was: <5>
\tat org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)
\tat com.acme.CalculatorTest.adds(CalculatorTest.java:17)
\tat java.base/java.lang.reflect.Method.invoke(Method.java:568)";
    insta::assert_snapshot!(shown(&evidence("", body)), @"
    org.opentest4j.AssertionFailedError: expected: <4> but was: <5>
    expected 4 / actual 5
    @ CalculatorTest.java:17 com.acme.CalculatorTest.adds
    ");
}

#[test]
fn a_trace_of_javascript_leaves_out_packages() {
    let body = "\
AssertionError: expected { a: 1 } to deeply equal { a: 2 }

- Expected
+ Received

  {
-   \"a\": 2,
+   \"a\": 1,
  }
    at Object.<anonymous> (/src/project/js/b.test.cjs:1:122)
    at run (/src/project/js/node_modules/jest-circus/build/run.js:789:3)
 ❯ v.spec.mjs:2:88";
    insta::assert_snapshot!(shown(&evidence("", body)), @r#"
    AssertionError: expected { a: 1 } to deeply equal { a: 2 }

    - Expected
    + Received

      {
    -   "a": 2,
    +   "a": 1,
      }
    expected "a": 2 / actual "a": 1
    @ /src/project/js/b.test.cjs:1 Object.<anonymous>
    @ v.spec.mjs:2 -
    "#);
}

#[test]
fn a_trace_of_go_is_its_lines() {
    let body = "    calc_test.go:12: Add(1, 2)\n        want: 4\n        got: 3";
    insta::assert_snapshot!(shown(&evidence("Failed", body)), @"
    Failed
    calc_test.go:12: Add(1, 2)
            want: 4
            got: 3
    expected 4 / actual 3
    @ calc_test.go:12 -
    ");
}

#[test]
fn where_all_is_foreign_the_trace_stays() {
    let body = "boom\n    at run (/src/node_modules/jest/run.js:7:3)";
    insta::assert_snapshot!(shown(&evidence("", body)), @"
    boom
    @ /src/node_modules/jest/run.js:7 run
    ");
}

#[test]
fn times_and_ratios_are_no_places() {
    for line in ["12:30:15 started", "ratio 3:4", "http://host.example:80", "a.b.c:9999999999"] {
        assert_eq!(trace::frame(line), None, "{line}");
    }
}
