//! A ledger in memory, as plain as can be: every sum is counted anew from all entries.

use std::collections::BTreeMap;

use ledger::{
    Cap, Dimension, EntryKey, LedgerError, MicroDollars, Moment, Period, Reserved, Scope, Scopes,
    Settlement, Usage,
};

use super::Act;
use crate::support::{START, TTL, cap};

/// What came of an act, in words that both can say.
pub(super) type Answer = String;

/// What the ledger answered.
pub(super) fn answer(result: Result<String, LedgerError>) -> Answer {
    match result {
        Ok(text) => format!("ok {text}"),
        Err(LedgerError::Held { .. }) => "held".to_owned(),
        Err(LedgerError::LeaseLost { .. }) => "lost".to_owned(),
        Err(LedgerError::Refused(refusal)) => format!("refused, {} left", refusal.left.0),
        Err(LedgerError::OtherAmount { .. }) => "other amount".to_owned(),
        Err(LedgerError::NotReserved { .. }) => "not reserved".to_owned(),
        Err(LedgerError::AlreadySettled { .. }) => "already settled".to_owned(),
        Err(err) => panic!("{err:?}"),
    }
}

#[derive(Clone)]
struct Entry {
    scopes: Scopes,
    most: u64,
    fence: u64,
    settlement: Option<Settlement>,
}

#[derive(Default)]
struct Run {
    fence: u64,
    /// `None` when nobody has it.
    until: Option<Moment>,
    entries: BTreeMap<EntryKey, Entry>,
}

pub(super) struct Oracle {
    now: Moment,
    last_fence: u64,
    /// By actor.
    leases: BTreeMap<usize, u64>,
    runs: BTreeMap<String, Run>,
    caps: Vec<Cap>,
    /// What each cap's scopes had cost already when it was set, which it cannot undo.
    before: Vec<BTreeMap<(Scope, String), u64>>,
}

impl Oracle {
    pub(super) fn new() -> Self {
        Self {
            now: START,
            last_fence: 0,
            leases: BTreeMap::new(),
            runs: BTreeMap::new(),
            caps: Vec::new(),
            before: Vec::new(),
        }
    }

    pub(super) fn carry_out(&mut self, actor: usize, run: &str, act: &Act) -> Answer {
        let lease = self.leases.get(&actor).copied();
        let ok = || "ok ".to_owned();
        match (act, lease) {
            (Act::Take, _) => self.take(actor, run),
            (Act::SetCap { pattern, per, amount }, _) => {
                self.remove_cap(pattern, *per);
                let cap = cap(&pattern.to_string(), *per, *amount);
                let before = self.held_against(&cap);
                self.caps.push(cap);
                self.before.push(before);
                ok()
            }
            (Act::RemoveCap { pattern, per }, _) => {
                format!("ok {}", self.remove_cap(pattern, *per))
            }
            (Act::Wait(span), _) => {
                self.now = self.now.after(*span);
                ok()
            }
            (Act::Reopen, _) => ok(),
            (_, None) => "no lease".to_owned(),
            (Act::Settle { key, usage }, Some(lease)) => self.settle(run, lease, *key, *usage),
            (Act::Reserve { settled: Some((settled, usage)), key, scopes, most, own_cap }, _) => {
                let before = self.runs[run].entries.clone();
                let alone = Act::Settle { key: *settled, usage: *usage };
                let mut answer = self.carry_out(actor, run, &alone);
                if answer.starts_with("ok") {
                    let (key, scopes) = (*key, scopes.clone());
                    let alone =
                        Act::Reserve { settled: None, key, scopes, most: *most, own_cap: *own_cap };
                    answer = self.carry_out(actor, run, &alone);
                }
                if !answer.starts_with("ok") {
                    // Both or neither.
                    self.runs.get_mut(run).unwrap().entries = before;
                }
                answer
            }
            (Act::Release, Some(lease)) => {
                let run = self.runs.get_mut(run).unwrap();
                if run.fence == lease {
                    run.until = None;
                }
                ok()
            }
            (_, Some(lease)) if !self.owns(run, lease) => "lost".to_owned(),
            (Act::Renew, Some(_)) => {
                let until = self.now.after(TTL);
                self.runs.get_mut(run).unwrap().until = Some(until);
                ok()
            }
            (Act::Reserve { settled: _, key, scopes, most, own_cap }, Some(lease)) => {
                let own = own_cap.map(|(dimension, per, amount)| {
                    let scope = scopes.of(dimension);
                    scope.map(|scope| cap(&scope.to_string(), per, amount))
                });
                self.reserve(run, lease, *key, scopes, *most, own.flatten().as_ref())
            }
            (Act::ReleaseEntry { key }, Some(_)) => {
                let entries = &mut self.runs.get_mut(run).unwrap().entries;
                if entries.get(key).is_some_and(|entry| entry.settlement.is_some()) {
                    return "already settled".to_owned();
                }
                entries.remove(key);
                ok()
            }
        }
    }

    fn owns(&self, run: &str, lease: u64) -> bool {
        let run = &self.runs[run];
        run.fence == lease && run.until.is_some()
    }

    fn take(&mut self, actor: usize, run: &str) -> Answer {
        let run = self.runs.entry(run.to_owned()).or_default();
        if run.until.is_some_and(|until| self.now < until) {
            return "held".to_owned();
        }
        self.last_fence += 1;
        run.fence = self.last_fence;
        run.until = Some(self.now.after(TTL));
        self.leases.insert(actor, run.fence);
        format!("ok {}", run.fence)
    }

    fn reserve(
        &mut self,
        run: &str,
        lease: u64,
        key: EntryKey,
        scopes: &Scopes,
        most: u64,
        own: Option<&Cap>,
    ) -> Answer {
        if let Some(entry) = self.runs[run].entries.get(&key) {
            let (most_then, fence) = (MicroDollars(entry.most), entry.fence);
            return match entry.settlement {
                Some(settlement) => format!("ok {:?}", Reserved::Settled(settlement)),
                None if entry.most == most => {
                    format!("ok {:?}", Reserved::Again { most: most_then, fence })
                }
                None => "other amount".to_owned(),
            };
        }
        let all = self.caps.iter().chain(own).flat_map(|cap| {
            let scope = scopes.of(cap.scopes.dimension());
            let scope = scope.filter(|scope| cap.scopes.matches(scope))?;
            let day = if cap.per == Period::Day { scopes.day.to_string() } else { String::new() };
            Some(cap.amount.0.saturating_sub(self.cost(&scope, &day, |it| it.spent().0)))
        });
        match all.filter(|left| most > *left).min() {
            Some(left) => format!("refused, {left} left"),
            None => {
                let entry = Entry { scopes: scopes.clone(), most, fence: lease, settlement: None };
                self.runs.get_mut(run).unwrap().entries.insert(key, entry);
                format!("ok {:?}", Reserved::New { most: MicroDollars(most) })
            }
        }
    }

    fn settle(&mut self, run: &str, lease: u64, key: EntryKey, usage: Usage) -> Answer {
        let owns = self.owns(run, lease);
        let entry = self.runs.get_mut(run).unwrap().entries.get_mut(&key);
        match entry {
            Some(Entry { settlement: Some(settlement), .. }) => format!("ok {settlement:?}"),
            Some(_) | None if !owns => "lost".to_owned(),
            None => "not reserved".to_owned(),
            Some(entry) => {
                let (spent, known) = match usage {
                    Usage::Known { spent, .. } => (spent.0, true),
                    Usage::Unknown => (entry.most, false),
                };
                let charged = MicroDollars(spent.min(entry.most));
                let excess = MicroDollars(spent.saturating_sub(entry.most));
                let settlement = Settlement { charged, excess, known };
                entry.settlement = Some(settlement);
                format!("ok {settlement:?}")
            }
        }
    }

    fn remove_cap(&mut self, pattern: &ledger::Pattern, per: Period) -> bool {
        let at = self.caps.iter().position(|cap| cap.scopes == *pattern && cap.per == per);
        if let Some(at) = at {
            self.caps.remove(at);
            self.before.remove(at);
        }
        at.is_some()
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.runs.values().flat_map(|run| run.entries.values())
    }

    /// What a scope has cost, or may cost: on a day, or ever.
    fn cost(&self, scope: &Scope, day: &str, of_settled: fn(&Settlement) -> u64) -> u64 {
        let of = self.entries().filter(|entry| {
            entry.scopes.of(scope.dimension()).as_ref() == Some(scope)
                && (day.is_empty() || entry.scopes.day.as_str() == day)
        });
        of.map(|entry| entry.settlement.as_ref().map_or(entry.most, of_settled)).sum()
    }

    /// What each of a cap's scopes comes to, on each day where it is a cap per day: without what
    /// servers took beyond what they were asked for.
    fn held_against(&self, cap: &Cap) -> BTreeMap<(Scope, String), u64> {
        let scopes = self.entries().filter_map(|entry| {
            let scope = entry.scopes.of(cap.scopes.dimension())?;
            let day = match cap.per {
                Period::Total => String::new(),
                Period::Day => entry.scopes.day.to_string(),
            };
            cap.scopes.matches(&scope).then_some((scope, day))
        });
        scopes
            .map(|(scope, day)| {
                ((scope.clone(), day.clone()), self.cost(&scope, &day, |it| it.charged.0))
            })
            .collect()
    }

    /// The scopes of a dimension, with what they spent and what is set aside.
    pub(super) fn by(&self, dimension: Dimension) -> Vec<(Scope, u64, u64)> {
        let mut sums: BTreeMap<Scope, (u64, u64)> = BTreeMap::new();
        for entry in self.entries() {
            if let Some(scope) = entry.scopes.of(dimension) {
                let sum = sums.entry(scope).or_default();
                match entry.settlement {
                    Some(settlement) => sum.0 += settlement.charged.0,
                    None => sum.1 += entry.most,
                }
            }
        }
        sums.into_iter().map(|(scope, (spent, reserved))| (scope, spent, reserved)).collect()
    }

    /// No scope costs more than its cap, or than it did when the cap was set.
    pub(super) fn assert_caps_hold(&self) {
        for (cap, before) in self.caps.iter().zip(&self.before) {
            for (of, cost) in self.held_against(cap) {
                let most = cap.amount.0.max(before.get(&of).copied().unwrap_or_default());
                assert!(cost <= most, "{of:?} costs {cost}, and {cap:?}");
            }
        }
    }
}
