//! What a person lets pass: a value check for the rest of the run, or one patch at one gate.

use super::Session;
use crate::check::CHECKS_MAX;
use crate::event::Decision;
use crate::stop::StopReason;
use crate::verdict::{Binding, Ruling, Verdict};

impl Session {
    /// A human let a check, or a patch at a gate, pass. An approval that is bound to anything but
    /// what there is counts for nothing, and it is said so.
    pub(super) fn approve(&mut self, name: String, by: String, bound: Option<Binding>) {
        let is_check = self.plan.checks.iter().take(CHECKS_MAX).any(|check| check.name == name);
        match bound {
            None if is_check => {
                self.approved.insert(name);
            }
            None if self.gate(&name).is_none() => {}
            bound => self.approve_gate(name, by, bound.as_ref()),
        }
    }

    fn approve_gate(&mut self, gate: String, by: String, bound: Option<&Binding>) {
        if let Some(because) = self.is_void(&gate, bound) {
            return self.emit(Decision::ApprovalVoid { gate, by, because });
        }
        // Told again by a later attempt, it changes nothing.
        if let Some(verdict) = self.verdicts.iter_mut().find(|one| one.gate == gate && one.asks()) {
            verdict.passed = true;
            verdict.approved_by = Some(by);
        }
    }

    /// Why an approval counts for nothing, if it does.
    fn is_void(&self, gate: &str, bound: Option<&Binding>) -> Option<String> {
        let Some(bound) = bound else { return Some("it is bound to no patch".to_owned()) };
        let asked = self.patch.as_ref().and_then(|patch| patch.bound.as_ref());
        let (Some(_), Some(asked)) = (self.gate(gate), asked) else {
            return Some("no gate of that name asks for an approval".to_owned());
        };
        bound.difference(asked).map(|part| format!("it is bound to another {part}"))
    }

    /// What a gate said that asks for an approval, or did before it had one.
    fn gate(&self, name: &str) -> Option<&Verdict> {
        self.verdicts.iter().find(|one| one.gate == name && one.ruling() == Ruling::Approval)
    }

    /// Whether the patch waits for a person.
    pub(super) fn is_asked_for(&self) -> bool {
        self.patch.is_some() && self.verdicts.iter().any(Verdict::asks)
    }

    /// Why the run is over when the patch is all that was wanted.
    pub(super) fn done_or_asked(&self) -> StopReason {
        let bound = self.patch.as_ref().and_then(|patch| patch.bound.clone());
        match self.verdicts.iter().find(|verdict| verdict.asks()) {
            None => StopReason::Done,
            Some(verdict) => StopReason::ApprovalNeeded {
                check: verdict.gate.clone(),
                bound: Some(bound.unwrap_or_default()),
            },
        }
    }

    /// Whether an attempt goes on after a stop for this reason.
    pub(super) fn goes_on_from(&self, reason: &StopReason) -> bool {
        let StopReason::ApprovalNeeded { check, bound } = reason else { return reason.is_open() };
        match bound {
            None => self.approved.contains(check),
            Some(_) => self.gate(check).is_some_and(|verdict| verdict.approved_by.is_some()),
        }
    }
}

#[cfg(test)]
mod tests;
