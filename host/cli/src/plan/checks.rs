//! The step's value checks: each value is held against what its fact is.

use std::collections::BTreeSet;

use serde::de::IntoDeserializer;
use serde::{Deserialize, de};
use session::{Action, CHECKS_MAX, CONDITIONS_MAX, Check, Condition, Op, Phase, Quantity};

use super::{check_name, millis};
use crate::step::check::{self, Fact, Value};
use crate::step::{Dollars, StepError};

/// The checks of a step.
pub(super) fn checks(own: &[check::Check]) -> Result<Vec<Check>, StepError> {
    if own.len() > CHECKS_MAX {
        let help = format!("the most is {CHECKS_MAX}");
        return Err(StepError::value("check", format!("has {} entries", own.len()), help));
    }
    let mut names = BTreeSet::new();
    own.iter()
        .map(|one| {
            check_name("check.name", &one.name)?;
            if !names.insert(&one.name) {
                let why = format!("is there twice: `{}`", one.name);
                return Err(StepError::value("check.name", why, "name each check differently"));
            }
            check(one)
        })
        .collect()
}

fn check(own: &check::Check) -> Result<Check, StepError> {
    let key = |rest: &str| format!("check.{}.{rest}", own.name);
    if !(1..=CONDITIONS_MAX).contains(&own.when.len()) {
        let help = format!("name 1 to {CONDITIONS_MAX} conditions");
        let why = format!("has {} conditions", own.when.len());
        return Err(StepError::value(key("when"), why, help));
    }
    let read = |one: &check::Condition| {
        condition(one).map_err(|help| {
            let why = format!("does not fit the fact `{}`", name(one.fact));
            StepError::value(key("when"), why, help)
        })
    };
    Ok(Check {
        name: own.name.clone(),
        when: own.when.iter().map(read).collect::<Result<_, _>>()?,
        then: match own.then {
            check::Action::Stop => Action::Stop,
            check::Action::Ask => Action::Ask,
            check::Action::Warn => Action::Warn,
        },
    })
}

/// A condition, or what would be one.
fn condition(own: &check::Condition) -> Result<Condition, &'static str> {
    let op = match own.op {
        check::Op::AtLeast => Op::AtLeast,
        check::Op::AtMost => Op::AtMost,
        check::Op::Is => Op::Is,
    };
    let time = |fact| quantity(fact, op, milliseconds(op, &own.value)?);
    let count = |fact| quantity(fact, op, whole(&own.value)?);
    match own.fact {
        Fact::Time => time(Quantity::TimeMs),
        Fact::WorkTime => time(Quantity::WorkTimeMs),
        Fact::SinceProgress => time(Quantity::SinceProgressMs),
        Fact::Turns => count(Quantity::Turns),
        Fact::TurnsSinceProgress => count(Quantity::TurnsSinceProgress),
        Fact::Calls => count(Quantity::Calls),
        Fact::Spend => quantity(Quantity::Spend, op, micro_dollars(&own.value)?),
        Fact::Tokens => count(Quantity::Tokens),
        Fact::PatchFiles => count(Quantity::PatchFiles),
        Fact::PatchLines => count(Quantity::PatchLines),
        Fact::PatchTries => count(Quantity::PatchTries),
        Fact::TestRounds => count(Quantity::TestRounds),
        Fact::NamesFailingTest => match (op, &own.value) {
            (Op::Is, Value::Flag(is)) => Ok(Condition::NamesFailingTest { is: *is }),
            _ => Err("write op = \"is\" and true or false"),
        },
        Fact::Phase => Ok(Condition::Phase { op, phase: phase(&own.value)? }),
    }
}

fn quantity(fact: Quantity, op: Op, value: u64) -> Result<Condition, &'static str> {
    Ok(Condition::Quantity { fact, op, value })
}

fn whole(value: &Value) -> Result<u64, &'static str> {
    match value {
        Value::Whole(number) => Ok(*number),
        Value::Flag(_) | Value::Dollars(_) | Value::Text(_) => Err("write a whole number"),
    }
}

fn milliseconds(op: Op, value: &Value) -> Result<u64, &'static str> {
    match (op, value) {
        (Op::AtLeast | Op::AtMost, Value::Text(text)) => humantime::parse_duration(text)
            .map(millis)
            .map_err(|_| "write a time like \"90s\" or \"5m\""),
        (Op::Is, _) => Err("no moment is met exactly: write op = \"at-least\" or \"at-most\""),
        (_, Value::Flag(_) | Value::Whole(_) | Value::Dollars(_)) => {
            Err("write a time like \"90s\" or \"5m\"")
        }
    }
}

fn micro_dollars(value: &Value) -> Result<u64, &'static str> {
    const HELP: &str = "write an amount of dollars, 0 to 10000";
    let dollars = match value {
        #[expect(clippy::cast_precision_loss, reason = "what loses precision is refused below")]
        Value::Whole(dollars) => *dollars as f64,
        Value::Dollars(dollars) => *dollars,
        Value::Flag(_) | Value::Text(_) => return Err(HELP),
    };
    let read =
        Dollars::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(dollars));
    read.map(|amount| amount.0.0).map_err(|_| HELP)
}

fn phase(value: &Value) -> Result<Phase, &'static str> {
    const HELP: &str = "write \"CONTEXT_READY\", \"ANALYZED\", \"PATCH_PROPOSED\" or \"TESTED\"";
    let Value::Text(text) = value else { return Err(HELP) };
    let read: Result<Phase, de::value::Error> =
        Phase::deserialize(text.as_str().into_deserializer());
    read.map_err(|_| HELP)
}

/// The fact's name, as it stands in a step file.
fn name(fact: Fact) -> String {
    serde_json::to_value(fact).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
