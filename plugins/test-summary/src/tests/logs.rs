//! What is read of logs: what runners print for people, which is no report at all.

use super::read;

#[test]
fn jest_and_vitest_are_read_as_they_print() {
    let jest = "\
FAIL src/a.test.js
  math
    ✓ adds (1 ms)
    ✕ fails (3 ms)

  ● math › fails

    expect(received).toBe(expected) // Object.is equality

    Expected: 4
    Received: 3

      at Object.<anonymous> (src/a.test.js:5:20)

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 passed, 2 total
";
    insta::assert_snapshot!(read(jest), @"
    failed: 2 tests 1 passed 1 failed
    failure math › fails at src/a.test.js:5: expect(received).toBe(expected) // Object.is equality

        Expected: 4
        Received: 3
    ");
    let vitest = "\
 ❯ v.spec.ts (2 tests | 1 failed) 10ms
⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  v.spec.ts > math > fails
AssertionError: expected 3 to be 4
 ❯ v.spec.ts:2:88

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯

 Test Files  1 failed (1)
      Tests  1 failed | 1 passed (2)
";
    insta::assert_snapshot!(read(vitest), @"
    failed: 2 tests 1 passed 1 failed
    failure v.spec.ts > math > fails at v.spec.ts:2: AssertionError: expected 3 to be 4
    ");
}

#[test]
fn mocha_and_node_are_read_as_they_print() {
    let mocha = "\
  math
    ✔ adds
    1) fails

  1 passing (5ms)
  1 failing

  1) math
       fails:

      AssertionError [ERR_ASSERTION]: 1 == 2
      at Context.<anonymous> (b.test.cjs:1:122)

npm error code 1
";
    insta::assert_snapshot!(read(mocha), @"
    failed: 2 tests 1 passed 1 failed
    failure math fails at b.test.cjs:1: AssertionError [ERR_ASSERTION]: 1 == 2
    ");
    let node = "\
▶ math
  ✔ adds (0.6ms)
  ✖ fails (2.06ms)
ℹ tests 2
ℹ pass 1
ℹ fail 1

✖ failing tests:

test at a.test.mjs:2:59
✖ fails (2.06ms)
  AssertionError [ERR_ASSERTION]: 1 == 2
      at TestContext.<anonymous> (file:///src/a.test.mjs:2:81)
";
    insta::assert_snapshot!(read(node), @"
    failed: 2 tests 1 passed 1 failed
    failure fails at /src/a.test.mjs:2: AssertionError [ERR_ASSERTION]: 1 == 2
    ");
}

#[test]
fn unittest_rspec_phpunit_and_maven_are_read_as_they_print() {
    let unittest = "\
F.
======================================================================
FAIL: test_x (tests.test_a.TestA.test_x)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"tests/test_a.py\", line 5, in test_x
    self.assertEqual(1, 2)
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1)
";
    insta::assert_snapshot!(read(unittest), @"
    failed: 2 tests 1 passed 1 failed
    failure test_x (tests.test_a.TestA.test_x) at tests/test_a.py:5: AssertionError: 1 != 2
    ");
    let rspec = "\
Failures:

  1) Cart adds
     Failure/Error: expect(1).to eq(2)

       expected: 2
            got: 1
     # ./spec/cart_spec.rb:7:in `block'

Finished in 0.01 seconds
3 examples, 1 failure, 1 pending

Failed examples:

rspec ./spec/cart_spec.rb:7 # Cart adds
";
    insta::assert_snapshot!(read(rspec), @"
    failed: 3 tests 1 passed 1 failed 1 skipped
    failure Cart adds at spec/cart_spec.rb:7: Failure/Error: expect(1).to eq(2)

           expected: 2
                got: 1
    ");
    let phpunit = "\
There was 1 failure:

1) Acme\\FooTest::testBar
Failed asserting that 1 matches expected 2.

/src/tests/FooTest.php:12

FAILURES!
Tests: 3, Assertions: 4, Failures: 1.
";
    insta::assert_snapshot!(read(phpunit), @r#"
    failed: 3 tests 2 passed 1 failed
    failure Acme\FooTest::testBar at /src/tests/FooTest.php:12: Failed asserting that 1 matches expected 2.
    "#);
    let maven = "\
[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.1 s <<< FAILURE! -- in com.acme.FooTest
[ERROR] com.acme.FooTest.bar -- Time elapsed: 0.01 s <<< FAILURE!
org.opentest4j.AssertionFailedError: expected: <1> but was: <2>
\tat com.acme.FooTest.bar(FooTest.java:12)

[INFO]
[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0
";
    insta::assert_snapshot!(read(maven), @"
    failed: 2 tests 1 passed 1 failed
    failure com.acme.FooTest.bar at FooTest.java:12: org.opentest4j.AssertionFailedError: expected: <1> but was: <2>
    ");
}

#[test]
fn failures_that_a_log_counts_and_does_not_name_are_counted() {
    insta::assert_snapshot!(read("Tests:       3 failed, 1 passed, 4 total\n"), @r#"
    failed: 4 tests 1 passed 3 failed
    failure (not named) at -: the log counts it and does not name it
    failure (not named) at -: - as (not named)
    failure (not named) at -: - as (not named)
    warning, line null: "says 3 tests failed, and names 0"
    "#);
    insta::assert_snapshot!(read("Tests:       4 passed, 4 total\n"), @"passed: 4 tests 4 passed");
}

#[test]
fn what_several_runners_printed_is_read_of_each() {
    let jest = "PASS src/a.test.js\nTests:       4 passed, 4 total\n";
    let log = format!("{}{}{jest}", super::LIBTEST, super::runners::PYTEST);
    insta::assert_snapshot!(read(&log), @r#"
    failed: 12 tests 6 passed 3 failed 1 errors 2 skipped
    failure tests::fails at src/lib.rs:6: assertion `left == right` failed
      left: 3
     right: 4
      printed "some output"
    failure tests::wrong at -: note: test did not panic as expected
    failure tests/test_cart.py::test_total at tests/test_cart.py:9: assert 3 == 4
         +  where 3 = total([1, 2])
      printed "adding 1"
    error tests/test_cart.py::TestCart::test_fixture[a-1] at tests/conftest.py:4: RuntimeError: no database
    rerun cargo test -- --exact tests::fails tests::wrong
    rerun pytest tests/test_cart.py::test_total 'tests/test_cart.py::TestCart::test_fixture[a-1]'
    "#);
    let go = "{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"p\"}\n";
    insta::assert_snapshot!(read(&format!("{go}{}", super::runners::PYTEST)), @r#"
    failed: 5 tests 2 passed 1 failed 1 errors 1 skipped
    failure tests/test_cart.py::test_total at tests/test_cart.py:9: assert 3 == 4
         +  where 3 = total([1, 2])
      printed "adding 1"
    error tests/test_cart.py::TestCart::test_fixture[a-1] at tests/conftest.py:4: RuntimeError: no database
    rerun pytest tests/test_cart.py::test_total 'tests/test_cart.py::TestCart::test_fixture[a-1]'
    warning, line 3: "has 22 lines that are no events of go test; skipped"
    "#);
}

#[test]
fn tests_that_pass_do_not_hide_what_a_linter_prints() {
    let log = "\
Tests:       4 passed, 4 total

/src/project/a.js
  1:5   error    Missing semicolon         semi
  2:1   warning  Unexpected console        no-console

✖ 2 problems (1 error, 1 warning)
";
    insta::assert_snapshot!(read(log), @r#"
    findings: 4 tests 4 passed
    found "error" "semi" 1 times, fixable null, first "/src/project/a.js":1
    found "warning" "no-console" 1 times, fixable null, first "/src/project/a.js":2
    "#);
}

#[test]
fn a_plain_log_is_the_last_resort() {
    let log = "\
make: entering
src/a.c:3:5: error: expected ';' [-Wparse]
src/a.c:9:1: warning: unused [-Wunused]
src/b.ts(4,2): error TS2304: Cannot find name 'x'.
--- PASS: TestGood (0.01s)
--- FAIL: TestBad (0.20s)
    bad_test.go:12: got 1
Traceback (most recent call last):
  File \"tools/run.py\", line 4, in main
    go()
ValueError: no

Error: it went wrong
";
    insta::assert_snapshot!(read(log), @r#"
    failed: 2 tests 1 passed 1 failed 2 errors
    failure TestBad at bad_test.go:12: bad_test.go:12: got 1
    error ValueError: no at tools/run.py:4: ValueError: no
    error Error: it went wrong at -: Error: it went wrong
    found "error" "-Wparse" 1 times, fixable null, first "src/a.c":3
    found "error" "TS2304" 1 times, fixable null, first "src/b.ts":4
    found "warning" "-Wunused" 1 times, fixable null, first "src/a.c":9
    warning, line null: "is a plain log: only what it says of failures is known, not what passed"
    "#);
}
