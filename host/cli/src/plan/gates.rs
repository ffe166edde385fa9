//! The step's gates, from what was written to rules that can be applied.

use gate::{DependencySpec, OwnGateName, RuleSpec, Rules, RulesError, Ruling, Then, ThenSpec};

use crate::step::StepError;
use crate::step::gates::{self, Gates};

/// The names of a step's own gates.
pub(crate) fn own_gates(own: &Gates) -> Result<Vec<OwnGateName>, StepError> {
    let names: Vec<&str> = own.own.iter().map(|gate| gate.name.as_str()).collect();
    OwnGateName::parse_all(&names).map_err(|err| {
        let help = "use `a-z` first, then `a-z`, `0-9` and `-`, and a name that no other gate has";
        StepError::value("gates.own", err.to_string(), help)
    })
}

/// The rules of a step, but for what comes from other files than its own.
pub(super) fn rules(own: &Gates) -> Result<Rules, StepError> {
    own_gates(own)?;
    let default = RuleSpec::default();
    let spec = RuleSpec {
        files_max: own.files_max.unwrap_or(default.files_max),
        lines_max: own.lines_max.unwrap_or(default.lines_max),
        protected: own.protected.clone(),
        allowed: own.allowed.clone(),
        then: then_of(&own.then),
        dependencies: dependencies(&own.dependencies),
    };
    Rules::new(&spec).map_err(|err| {
        let (key, help) = match err {
            RulesError::BadPattern { .. } => ("gates", "mend the pattern"),
            RulesError::TooMany { .. } => ("gates", "say it with fewer"),
            RulesError::BadLicence { .. } => (
                "gates.dependencies",
                "write it as the list does, like \"MIT\" or \"GPL-3.0-only\"",
            ),
            RulesError::Contradiction { .. } => {
                ("gates.dependencies", "take it out of one of the two lists")
            }
        };
        StepError::value(key, err.to_string(), help)
    })
}

fn then_of(own: &gates::ThenOf) -> ThenSpec {
    let default = ThenSpec::default();
    ThenSpec {
        files_max: then(own.files_max, default.files_max),
        lines_max: then(own.lines_max, default.lines_max),
        protected_paths: then(own.protected_paths, default.protected_paths),
        hidden_characters: then(own.hidden_characters, default.hidden_characters),
        tests: then(own.tests, default.tests),
    }
}

fn dependencies(own: &gates::Dependencies) -> DependencySpec {
    let default = DependencySpec::default();
    DependencySpec {
        new: ruling(own.new, default.new),
        removed: ruling(own.removed, default.removed),
        upgraded: ruling(own.upgraded, default.upgraded),
        downgraded: ruling(own.downgraded, default.downgraded),
        content_changed: then(own.content_changed, default.content_changed),
        other_source: then(own.other_source, default.other_source),
        licence: then(own.licence, default.licence),
        licences_allowed: own.licences_allowed.clone(),
        licences_denied: own.licences_denied.clone(),
        cooldown_days: own.cooldown_days,
        too_young: then(own.too_young, default.too_young),
    }
}

fn then(own: Option<gates::Then>, default: Then) -> Then {
    match own {
        None => default,
        Some(gates::Then::Approval) => Then::Approval,
        Some(gates::Then::Refuse) => Then::Refuse,
    }
}

fn ruling(own: Option<gates::Ruling>, default: Ruling) -> Ruling {
    match own {
        None => default,
        Some(gates::Ruling::Pass) => Ruling::Pass,
        Some(gates::Ruling::Approval) => Ruling::Approval,
        Some(gates::Ruling::Refuse) => Ruling::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Step;

    fn rules_of(table: &str) -> Result<Rules, StepError> {
        let text = format!("name = \"a\"\ntask = \"b\"\n{table}");
        rules(&Step::parse(text.as_bytes()).unwrap().gates)
    }

    #[test]
    fn what_is_left_out_is_the_default_and_what_is_written_counts() {
        let default = Rules::new(&RuleSpec::default()).unwrap().canonical();
        assert_eq!(rules_of("").unwrap().canonical(), default);
        let written = rules_of(
            "[gates.then]\nprotected-paths = \"approval\"\n[gates.dependencies]\n\
             upgraded = \"pass\"\nlicences-denied = [\"AGPL-3.0-only\"]\ncooldown-days = 7\n",
        );
        let written = written.unwrap().canonical();
        let other: Vec<&str> =
            written.lines().filter(|line| !default.lines().any(|one| one == *line)).collect();
        insta::assert_snapshot!(other.join("\n"), @r#"
        then.protected-paths approval
        dependencies.upgraded pass
        dependencies.cooldown-days 7
        dependencies.licences-denied "AGPL-3.0-only"
        "#);
    }

    #[test]
    fn secrets_cannot_be_lowered_and_a_wrong_licence_is_told() {
        let told = |table: &str| {
            let text = format!("name = \"a\"\ntask = \"b\"\n{table}");
            match Step::parse(text.as_bytes()) {
                Err(err) => err.to_string(),
                Ok(step) => rules(&step.gates).unwrap_err().to_string(),
            }
        };
        insta::assert_snapshot!(told("[gates.then]\nsecrets = \"approval\"\n"), @"line 4: there is no key `secrets` in `[gates.then]`");
        insta::assert_snapshot!(told("[gates.dependencies]\nlicences-allowed = [\"mit\"]\n"), @"`gates.dependencies` `mit` is no identifier of the SPDX licence list");
    }
}
