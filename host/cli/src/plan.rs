//! From what was written to what will run: every value is checked, nothing is left to default.

pub(crate) mod access;
mod checks;
mod gates;
mod grants;
mod log;
mod price;

use std::collections::BTreeSet;
use std::time::Duration;

use gate::Rules;
use sandbox::{CONCURRENT_CALLS_MAX, Limits};
use session::budget::{Budgets, Ceiling, Money, Price};
use session::{ContextCall, Goal, TestPlan};
use snapshot::Grant;

use self::access::Access;
pub(crate) use self::gates::own_gates;
pub(crate) use self::grants::Grants;
use crate::locked;
use crate::step::{self, Step, StepError};

/// The longest a work may take: a CI job is over by then.
const TIME_MAX: Duration = Duration::from_secs(6 * 60 * 60);
/// The most tokens of one work: more than any context window, many times over.
const TOKENS_MAX: u64 = 50_000_000;
/// The most calls of one work.
const CALLS_MAX: u64 = 1_000;
/// The most repair rounds: a model that needs more does not know.
const REPAIR_ROUNDS_MAX: u32 = 5;
/// The most calls before the model is asked.
const CONTEXT_CALLS_MAX: usize = 32;
/// The most bytes of one answer that the model gets.
const ANSWER_BYTES_MAX: u32 = 1024 * 1024;
/// Bytes of one answer that the model gets, unless the step says otherwise.
const ANSWER_BYTES: u32 = 64 * 1024;
/// How long a response may get no further: models have thought for minutes without a word.
const IDLE: Duration = Duration::from_mins(5);
/// The same for models that are told to think hard.
const IDLE_HIGH_EFFORT: Duration = Duration::from_mins(15);
/// Tokens of one response, where no model of the step says otherwise.
const OUTPUT_TOKENS: u64 = 8_000;

/// A step that is checked. Only [`plan`] makes one.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The step's name.
    pub(crate) name: String,
    /// What the rules need, but for what depends on who answers.
    pub(crate) session: session::Plan,
    /// How the step's model is reached, where it names one.
    pub(crate) access: Option<Access>,
    /// What may leave.
    pub(crate) rules: Rules,
    /// The tests' command, reports and environment names.
    pub(crate) verify: Option<step::Verify>,
    /// Ceilings of one call.
    pub(crate) limits: Limits,
    /// Calls that run at one time.
    pub(crate) concurrent_calls: u32,
    /// Bytes of one answer that the model gets.
    pub(crate) answer_bytes: usize,
    /// What each tool may read; those not named have the first.
    pub(crate) grants: Grants,
    /// What the operator's log shows.
    pub(crate) log: runner::Sampling,
}

/// Checks a step against what exists (`tools`: the names of all tools) and against the ceilings
/// of this host.
pub(crate) fn plan(step: &Step, tools: &BTreeSet<String>) -> Result<Plan, StepError> {
    check_name("name", &step.name)?;
    if step.task.trim().is_empty() {
        return Err(StepError::value("task", "is empty", "say what the model is to do"));
    }
    locked::signers(step)?;
    let every = tools;
    let tools = allowed(step, every)?;
    let access = step.model.as_ref().map(access::access).transpose()?;
    let first_event = access.as_ref().map_or(access::FIRST_EVENT, |access| access.first_event);
    let session = session::Plan {
        task: step.task.clone(),
        goal: match step.goal {
            step::Goal::Diagnose => Goal::Diagnose,
            step::Goal::Patch => Goal::Patch,
        },
        price: step.model.as_ref().map_or_else(|| Ok(Price::default()), price::price)?,
        budgets: budgets(step)?,
        max_output_tokens: output_tokens(step)?,
        request_overhead_bytes: 0,
        first_event_ms: millis(first_event),
        context: context(step, &tools)?,
        tests: tests(step)?,
        tools,
        model_used: true,
        checks: checks::checks(&step.check)?,
        job_ms: None,
        context_tokens: step.model.as_ref().and_then(price::context_tokens),
        data_marked: true,
    };
    Ok(Plan {
        name: step.name.clone(),
        session,
        access,
        rules: gates::rules(&step.gates)?,
        verify: step.verify.clone(),
        limits: limits(&step.limits)?,
        concurrent_calls: concurrent_calls(&step.limits)?,
        answer_bytes: answer_bytes(&step.limits)?,
        grants: Grants::of_step(step, every)?,
        log: log::sampling(&step.log)?,
    })
}

fn check_name(key: &str, name: &str) -> Result<(), StepError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        let help = "use letters, digits, `-` and `_`, at most 64";
        return Err(StepError::value(key, "is not a name", help));
    }
    Ok(())
}

/// Tools for people more than for models, which read their descriptions with every turn: offered
/// where the step names them.
const OFFERED_BY_NAME: [&str; 1] = ["sbom"];

fn allowed(step: &Step, known: &BTreeSet<String>) -> Result<BTreeSet<String>, StepError> {
    let Some(allow) = &step.tools.allow else {
        let is_named = |name: &str| step.context.call.iter().any(|call| call.tool == name);
        let is_offered = |name: &str| !OFFERED_BY_NAME.contains(&name) || is_named(name);
        return Ok(known.iter().filter(|name| is_offered(name)).cloned().collect());
    };
    allow.iter().try_for_each(|name| check_tool("tools.allow", name, known))?;
    Ok(allow.iter().cloned().collect())
}

fn check_tool(key: &str, name: &str, known: &BTreeSet<String>) -> Result<(), StepError> {
    if known.contains(name) {
        return Ok(());
    }
    let nearest = step::keys::nearest(name, known.iter().map(String::as_str));
    let help = nearest.map_or_else(
        || format!("the tools there are: {}", known.iter().cloned().collect::<Vec<_>>().join(", ")),
        |nearest| format!("did you mean `{nearest}`?"),
    );
    Err(StepError::value(key, format!("names a tool that does not exist: `{name}`"), help))
}

fn output_tokens(step: &Step) -> Result<u64, StepError> {
    let tokens = step.model.as_ref().map_or(OUTPUT_TOKENS, |m| u64::from(m.max_output_tokens));
    if !(16..=1_000_000).contains(&tokens) {
        let help = "name a number between 16 and 1000000";
        return Err(StepError::value("model.max-output-tokens", format!("is {tokens}"), help));
    }
    Ok(tokens)
}

fn budgets(step: &Step) -> Result<Budgets, StepError> {
    let Step { budget, model, .. } = step;
    let effort = model.as_ref().and_then(|model| model.effort.as_deref()).unwrap_or_default();
    let thinks_hard = effort.contains("high") || effort == "max";
    let idle = if thinks_hard { IDLE_HIGH_EFFORT } else { IDLE };
    let step_spend = budget.spend.map_or(Money(1_000_000), |spend| spend.0);
    let default = |minutes: u64, calls: u64| Ceiling {
        time_ms: minutes * 60_000,
        idle_ms: millis(idle),
        tokens: 500_000,
        spend: step_spend,
        calls,
    };
    Ok(Budgets {
        context: ceiling("context", &budget.context, default(2, 40))?,
        analyze: ceiling("analyze", &budget.analyze, default(10, 60))?,
        patch: ceiling("patch", &budget.patch, default(10, 60))?,
        verify: ceiling("verify", &budget.verify, default(20, 10))?,
        step_spend,
    })
}

fn ceiling(name: &str, work: &step::Work, default: Ceiling) -> Result<Ceiling, StepError> {
    let time = |key: &str, span: Option<step::Span>, default: u64| match span {
        None => Ok(default),
        Some(step::Span(time)) if !time.is_zero() && time <= TIME_MAX => Ok(millis(time)),
        Some(_) => Err(StepError::value(
            format!("budget.{name}.{key}"),
            "is not between 1ms and 6h",
            "name a time like \"5m\"; a CI job ends sooner than 6h",
        )),
    };
    let number = |key: &str, value: Option<u64>, default: u64, most: u64| match value {
        Some(value) if value > most => Err(StepError::value(
            format!("budget.{name}.{key}"),
            format!("is {value}"),
            format!("the most is {most}"),
        )),
        value => Ok(value.unwrap_or(default)),
    };
    Ok(Ceiling {
        time_ms: time("time", work.time, default.time_ms)?,
        idle_ms: time("idle", work.idle, default.idle_ms)?,
        tokens: number("tokens", work.tokens, default.tokens, TOKENS_MAX)?,
        spend: work.spend.map_or(default.spend, |spend| spend.0),
        calls: number("calls", work.calls, default.calls, CALLS_MAX)?,
    })
}

/// The usual calls, where their tools are allowed, around the step's own.
fn context(step: &Step, tools: &BTreeSet<String>) -> Result<Vec<ContextCall>, StepError> {
    let reports = &step.context.reports;
    let summary = if reports.is_empty() {
        serde_json::json!({})
    } else {
        serde_json::json!({ "paths": reports })
    };
    let before = step.verify.as_ref().is_some_and(|verify| verify.before);
    // Where the tests run first, their reports are what there is to read.
    let of_tests = serde_json::json!({ "paths": [".stepwell/verify/0/**"] });
    let usual = |(tool, arguments): (&str, serde_json::Value)| {
        let call = ContextCall { tool: tool.to_owned(), arguments: arguments.to_string() };
        tools.contains(tool).then_some(call)
    };
    // What is the same for most changes comes first: the provider has read it before.
    let lasting = [("dependency_graph", serde_json::json!({ "query": "summary" }))];
    let of_this_change = [
        ("dependency_graph", serde_json::json!({ "query": "changes" })),
        (runner::CHANGED_FILES, serde_json::json!({})),
        ("test_summary", if before { of_tests } else { summary }),
    ];
    let mut calls: Vec<ContextCall> = lasting.into_iter().filter_map(usual).collect();
    for step::Call { tool, arguments } in &step.context.call {
        check_tool("context.call.tool", tool, tools)?;
        let arguments = serde_json::to_string(arguments).map_err(|err| {
            StepError::value("context.call.arguments", err.to_string(), "write what JSON can say")
        })?;
        calls.push(ContextCall { tool: tool.clone(), arguments });
    }
    calls.extend(of_this_change.into_iter().filter_map(usual));
    if calls.len() > CONTEXT_CALLS_MAX {
        let help = format!("the most is {CONTEXT_CALLS_MAX}");
        return Err(StepError::value("context.call", "has too many calls", help));
    }
    Ok(calls)
}

fn tests(step: &Step) -> Result<Option<TestPlan>, StepError> {
    let Some(verify) = &step.verify else { return Ok(None) };
    if verify.command.first().is_none_or(String::is_empty) {
        let help = "name a program and its arguments, like [\"cargo\", \"test\"]";
        return Err(StepError::value("verify.command", "is empty", help));
    }
    if verify.repair_rounds > REPAIR_ROUNDS_MAX {
        let help = format!("the most is {REPAIR_ROUNDS_MAX}");
        let why = format!("is {}", verify.repair_rounds);
        return Err(StepError::value("verify.repair-rounds", why, help));
    }
    if verify.retries > session::RETRIES_MAX {
        let help = format!("the most is {}", session::RETRIES_MAX);
        return Err(StepError::value("verify.retries", format!("is {}", verify.retries), help));
    }
    Grant::read(&verify.reports).map_err(|err| bad_glob("verify.reports", &err))?;
    Ok(Some(TestPlan {
        command: verify.command.clone(),
        before: verify.before,
        repair_rounds: verify.repair_rounds,
        retries: verify.retries,
        flaky: match verify.flaky {
            step::Flaky::Fail => session::Flaky::Fail,
            step::Flaky::Pass => session::Flaky::Pass,
        },
        compared: verify.before,
        judged: true,
    }))
}

fn limits(own: &step::Limits) -> Result<Limits, StepError> {
    let default = Limits::default();
    let limits = Limits {
        wall: own.time.map_or(default.wall, |span| span.0),
        fuel: own.fuel.unwrap_or(default.fuel),
        memory_bytes: own.memory_bytes.unwrap_or(default.memory_bytes),
        stack_bytes: own.stack_bytes.unwrap_or(default.stack_bytes),
        output_bytes: own.output_bytes.unwrap_or(default.output_bytes),
        read_bytes: own.read_bytes.unwrap_or(default.read_bytes),
        host_calls: own.host_calls.unwrap_or(default.host_calls),
        questions: own.questions.unwrap_or(default.questions),
        handles: own.handles.unwrap_or(default.handles),
        log_lines: own.log_lines.unwrap_or(default.log_lines),
        log_bytes: own.log_bytes.unwrap_or(default.log_bytes),
    };
    let numbers = [limits.fuel, limits.memory_bytes, limits.stack_bytes];
    if numbers.contains(&0) || limits.wall.is_zero() {
        let why = "leave a tool nothing to work with";
        return Err(StepError::value("limits", why, "leave the zero out for the default"));
    }
    limits.checked().map_err(|err| StepError::value("limits", err.to_string(), "ask for less"))
}

/// Calls that run at one time. Whoever loads the tools needs it before there is a plan.
pub(crate) fn concurrent_calls(own: &step::Limits) -> Result<u32, StepError> {
    let calls = own.concurrent_calls.unwrap_or(sandbox::Config::default().concurrent_calls_max);
    if !(1..=CONCURRENT_CALLS_MAX).contains(&calls) {
        let help = format!("name a number between 1 and {CONCURRENT_CALLS_MAX}");
        return Err(StepError::value("limits.concurrent-calls", format!("is {calls}"), help));
    }
    Ok(calls)
}

fn answer_bytes(own: &step::Limits) -> Result<usize, StepError> {
    let bytes = own.answer_bytes.unwrap_or(ANSWER_BYTES);
    if !(1_024..=ANSWER_BYTES_MAX).contains(&bytes) {
        let help = format!("name a number between 1024 and {ANSWER_BYTES_MAX}");
        return Err(StepError::value("limits.answer-bytes", format!("is {bytes}"), help));
    }
    Ok(bytes as usize)
}

pub(crate) fn bad_glob(key: &str, err: &snapshot::BadPattern) -> StepError {
    StepError::value(key, format!("cannot be used: {err}"), "write globs like `src/**` or `*.toml`")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Problem, Report};

    fn known() -> BTreeSet<String> {
        ["changed_files", "read_file", "test_summary"].map(str::to_owned).into()
    }

    #[track_caller]
    fn told(rest: &str) -> String {
        let text = format!("name = \"a\"\ntask = \"b\"\n{rest}");
        let step = Step::parse(text.as_bytes()).unwrap();
        let source = plan(&step, &known()).unwrap_err();
        let report =
            Report(&Problem::BadStep { file: "s".into(), source: Box::new(source) }).to_string();
        report.lines().skip(1).map(str::trim).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_value_is_held_against_what_exists() {
        let told = [
            told("[tools]\nallow = [\"read_fil\"]"),
            told("[budget.patch]\ntime = \"7h\""),
            told("[budget.patch]\ncalls = 1001"),
            told("[verify]\ncommand = []"),
            told("[verify]\ncommand = [\"x\"]\nrepair-rounds = 6"),
            told("[verify]\ncommand = [\"x\"]\nretries = 4"),
            told("[tools]\nread = [\"a{\"]"),
            told("[limits]\nanswer-bytes = 3"),
            told("[limits]\nconcurrent-calls = 0"),
            told("[limits]\nconcurrent-calls = 65"),
            told("[limits]\ntime = \"1h\""),
            told("[[context.call]]\ntool = \"magic\""),
            told("[tools.grant]\nread_fil = []"),
            told("[limits]\nfuel = 0"),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn a_bill_of_materials_is_offered_where_somebody_names_it() {
        let every: BTreeSet<String> = known().into_iter().chain(["sbom".to_owned()]).collect();
        let offered = |rest: &str| {
            let text = format!("name = \"a\"\ntask = \"b\"\n{rest}");
            plan(&Step::parse(text.as_bytes()).unwrap(), &every).unwrap().session.tools
        };
        assert_eq!(offered(""), known());
        assert_eq!(offered("[[context.call]]\ntool = \"sbom\""), every);
        assert_eq!(offered("[tools]\nallow = [\"sbom\"]"), ["sbom".to_owned()].into());
    }

    #[test]
    fn a_model_that_thinks_hard_may_be_silent_for_longer() {
        let idle = |model: &str| {
            let text = format!("name = \"a\"\ntask = \"b\"\n{model}");
            let plan = plan(&Step::parse(text.as_bytes()).unwrap(), &known()).unwrap();
            plan.session.budgets.analyze.idle_ms
        };
        assert_eq!(idle(""), 300_000);
        let model = "[model]\nname = \"gpt-5.4\"\neffort = ";
        assert_eq!(idle(&format!("{model}\"medium\"")), 300_000);
        assert_eq!(idle(&format!("{model}\"high\"")), 900_000);
        assert_eq!(idle(&format!("{model}\"xhigh\"")), 900_000);
        let own = format!("{model}\"high\"\n[budget.analyze]\nidle = \"7s\"");
        assert_eq!(idle(&own), 7_000);
    }

    #[test]
    fn every_limit_of_a_call_can_be_set_up_to_its_maximum() {
        let most = Limits::MAX;
        let limits = [
            ("fuel", most.fuel),
            ("memory-bytes", most.memory_bytes),
            ("stack-bytes", most.stack_bytes),
            ("output-bytes", most.output_bytes),
            ("read-bytes", most.read_bytes),
            ("host-calls", most.host_calls),
            ("questions", most.questions),
            ("handles", most.handles),
            ("log-lines", most.log_lines),
            ("log-bytes", most.log_bytes),
        ];
        for (limit, most) in limits {
            let with = |value: u64| {
                let text = format!("name = \"a\"\ntask = \"b\"\n[limits]\n{limit} = {value}\n");
                plan(&Step::parse(text.as_bytes()).unwrap(), &known())
            };
            assert!(with(most).is_ok(), "{limit}");
            let said = with(most + 1).map(|_| ()).unwrap_err().to_string();
            assert!(said.contains(&format!("`{limit}` is {}", most + 1)), "{said}");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default_and_an_end() {
        let step = Step::parse(b"name = \"a\"\ntask = \"b\"").unwrap();
        let plan = plan(&step, &known()).unwrap();
        assert_eq!(plan.session.budgets.step_spend, Money(1_000_000));
        assert!(plan.session.budgets.analyze.tokens <= TOKENS_MAX);
        assert_eq!((plan.concurrent_calls, plan.limits), (8, Limits::default()));
        assert_eq!(plan.session.context.len(), 2);
        assert_eq!(plan.session.tools, known());
    }
}
