//! What a step file may say of a check.

use super::*;
use crate::step::Step;

#[track_caller]
fn read(checks: &str) -> Result<Vec<Check>, String> {
    let step = Step::parse(format!("name = \"a\"\ntask = \"b\"\n{checks}").as_bytes()).unwrap();
    super::checks(&step.check).map_err(|err| format!("{err}; {}", err.help().unwrap_or_default()))
}

fn one(condition: &str) -> String {
    format!("[[check]]\nname = \"c\"\nwhen = [{{ {condition} }}]\nthen = \"stop\"\n")
}

#[test]
fn a_value_is_read_in_the_unit_of_its_fact() {
    #[track_caller]
    fn check(condition: &str, expected: Condition) {
        assert_eq!(read(&one(condition)).map(|checks| checks[0].when.clone()), Ok(vec![expected]));
    }
    let number = |fact, op, value| Condition::Quantity { fact, op, value };
    check("fact = \"time\", value = \"2m\"", number(Quantity::TimeMs, Op::AtLeast, 120_000));
    check("fact = \"spend\", value = 0.25", number(Quantity::Spend, Op::AtLeast, 250_000));
    check("fact = \"spend\", value = 1", number(Quantity::Spend, Op::AtLeast, 1_000_000));
    check("fact = \"calls\", op = \"is\", value = 3", number(Quantity::Calls, Op::Is, 3));
    check(
        "fact = \"names-failing-test\", op = \"is\", value = false",
        Condition::NamesFailingTest { is: false },
    );
    check(
        "fact = \"phase\", op = \"at-most\", value = \"ANALYZED\"",
        Condition::Phase { op: Op::AtMost, phase: Phase::Analyzed },
    );
}

#[test]
fn a_check_that_could_not_mean_anything_is_refused() {
    #[track_caller]
    fn check(checks: &str, expected: &str) {
        assert_eq!(read(checks), Err(expected.to_owned()));
    }
    let unfit =
        |fact: &str, help: &str| format!("`check.c.when` does not fit the fact `{fact}`; {help}");
    check(
        &one("fact = \"time\", value = 5"),
        &unfit("time", "write a time like \"90s\" or \"5m\""),
    );
    check(
        &one("fact = \"since-progress\", op = \"is\", value = \"5m\""),
        &unfit(
            "since-progress",
            "no moment is met exactly: write op = \"at-least\" or \"at-most\"",
        ),
    );
    check(&one("fact = \"turns\", value = 1.5"), &unfit("turns", "write a whole number"));
    check(
        &one("fact = \"spend\", value = 10001"),
        &unfit("spend", "write an amount of dollars, 0 to 10000"),
    );
    check(
        &one("fact = \"names-failing-test\", value = true"),
        &unfit("names-failing-test", "write op = \"is\" and true or false"),
    );
    let twice = one("fact = \"turns\", value = 1").repeat(2);
    check(&twice, "`check.name` is there twice: `c`; name each check differently");
    let none = "[[check]]\nname = \"c\"\nwhen = []\nthen = \"ask\"\n";
    check(none, "`check.c.when` has 0 conditions; name 1 to 8 conditions");
    let many: String = (0..=CHECKS_MAX)
        .map(|n| one("fact = \"turns\", value = 1").replace("\"c\"", &format!("\"c{n}\"")))
        .collect();
    check(&many, "`check` has 33 entries; the most is 32");
}
