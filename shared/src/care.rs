//! What needs somebody's attention in a home that has been lived in for a while.

use crate::chain::{ChainState, GrantEntry};
use crate::explain::CodeState;
use crate::grant::GrantKind;
use crate::id::{GrantId, LockId};
use crate::pin::Broken;
use crate::report::{CodeReport, Report};
use crate::time::{Seconds, Timestamp};
use std::collections::BTreeMap;

/// A code that nobody used for so long should perhaps go.
pub const UNUSED_AFTER: Seconds = Seconds::days(90);

/// One thing to look at, with the one action that settles it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CareItem {
    /// Wanted off a lock and not confirmed off. Action: look at the lock.
    StillOnLock {
        /// The code.
        grant: GrantId,
        /// The lock.
        lock: LockId,
        /// Since when it is wanted off.
        since: Timestamp,
    },
    /// Its PIN breaks today's rules. Action: change the PIN.
    WeakPin {
        /// The code.
        grant: GrantId,
        /// The first rule that it breaks.
        broken: Broken,
    },
    /// A primary code whose PIN is older than the policy wants. Action: change the PIN.
    OldPrimary {
        /// The code.
        grant: GrantId,
        /// When the PIN was chosen.
        since: Timestamp,
    },
    /// Not used for [`UNUSED_AFTER`]. Action: revoke.
    Unused {
        /// The code.
        grant: GrantId,
        /// When it was last used, or else since when it could have been.
        since: Timestamp,
    },
    /// A code that belongs to nobody in particular: who used it cannot be told. Action: give it a holder.
    Shared {
        /// The code.
        grant: GrantId,
    },
    /// Several live codes whose names are the same, or look the same. Action: rename.
    SameName {
        /// The codes.
        grants: Vec<GrantId>,
    },
}

/// What [`review`] looks at.
pub struct CareInput<'a> {
    /// The home.
    pub state: &'a ChainState,
    /// The newest verified report of every lock.
    pub reports: &'a [Report],
    /// What a code's PIN breaks, for whoever can open it.
    pub broken: &'a dyn Fn(&GrantId) -> Option<Broken>,
    /// Now.
    pub now: Timestamp,
}

/// What needs attention, the most pressing first.
pub fn review(input: &CareInput<'_>) -> Vec<CareItem> {
    let mut items: Vec<CareItem> = input.reports.iter().flat_map(still_on).collect();
    let mut names: BTreeMap<String, Vec<GrantId>> = BTreeMap::new();
    for entry in input.state.grants().values().filter(|entry| live(entry, input.now)) {
        names.entry(name_key(&entry.grant.label)).or_default().push(entry.grant.id);
        items.extend(about(entry, input));
    }
    items.extend(
        names.into_values().filter(|same| same.len() > 1).map(|grants| CareItem::SameName { grants }),
    );
    items.sort();
    items
}

/// What is left of a name when what is easily overlooked is taken away: two names of the same key are confused, `Flat 10`
/// and `flat-1O`, say.
pub fn name_key(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_alphanumeric()).map(|c| match c {
        '0' => 'o',
        '1' | 'I' => 'l',
        c => c,
    });
    let key: String = plain.flat_map(char::to_lowercase).collect();
    // A name of signs alone is told from others by them.
    if key.is_empty() { name.to_owned() } else { key }
}

/// Whether its term is not over.
fn live(entry: &GrantEntry, now: Timestamp) -> bool {
    entry.grant.validity().term().1.is_none_or(|end| end > now)
}

fn still_on(report: &Report) -> impl Iterator<Item = CareItem> {
    report.codes.iter().filter_map(|code| match code.state {
        CodeState::StillOnLock { since, .. } => {
            Some(CareItem::StillOnLock { grant: code.grant, lock: report.lock.id, since })
        }
        _ => None,
    })
}

fn about(entry: &GrantEntry, input: &CareInput<'_>) -> Vec<CareItem> {
    let grant = &entry.grant;
    let mut items = vec![];
    if let Some(broken) = (input.broken)(&grant.id) {
        items.push(CareItem::WeakPin { grant: grant.id, broken });
    }
    let due = input.state.policy().change_primary_after;
    if grant.kind == GrantKind::Primary && due.is_some_and(|due| input.now.since(grant.pin_set) >= due) {
        items.push(CareItem::OldPrimary { grant: grant.id, since: grant.pin_set });
    }
    let usable_since = grant.validity().term().0.max(entry.iat);
    let since = last_use(grant.id, input.reports).unwrap_or(usable_since).max(usable_since);
    // A duress code that was never used is as it should be.
    if grant.kind != GrantKind::Duress && !grant.suspended && input.now.since(since) >= UNUSED_AFTER {
        items.push(CareItem::Unused { grant: grant.id, since });
    }
    if matches!(grant.kind, GrantKind::Primary | GrantKind::Standard) && grant.holder.is_none() {
        items.push(CareItem::Shared { grant: grant.id });
    }
    items
}

/// When a code was last used on any lock.
pub fn last_use(grant: GrantId, reports: &[Report]) -> Option<Timestamp> {
    let codes = reports.iter().flat_map(|report: &Report| &report.codes);
    codes.filter(|code: &&CodeReport| code.grant == grant).filter_map(|code| code.last_used).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Body;
    use crate::explain::FailWhy;
    use crate::grant::Grant;
    use crate::testing::{self, TestHome};

    const LOCK: LockId = LockId([1; 16]);
    const T: Timestamp = TestHome::BEGINNING;

    fn code(grant: GrantId, state: CodeState, last_used: Option<Timestamp>) -> CodeReport {
        CodeReport { last_used, ..testing::code_of(grant, state, T) }
    }

    #[test]
    fn names_that_are_easily_confused() {
        for (a, b) in [("Flat 10", "flat-1O"), ("Ada  Lovelace", "ada lovelace"), ("AIma", "Alma"), ("Ärzte", "ärzte")] {
            assert_eq!(name_key(a), name_key(b), "{a} {b}");
        }
        for (a, b) in [("Ada", "Eda"), ("Flat 2", "Flat 3"), ("❤", "★"), ("Ali", "All")] {
            assert_ne!(name_key(a), name_key(b), "{a} {b}");
        }
    }

    #[test]
    fn a_house_after_half_a_year() {
        let mut home = TestHome::new(31);
        let endless = |grant| Grant { kind: GrantKind::Standard, expires: None, ..grant };
        let used = endless(home.guest("483920", &[LOCK]));
        let idle = Grant { label: "Cleaner".into(), ..endless(home.guest("483921", &[LOCK])) };
        let same = Grant {
            label: "cleaner".into(),
            kind: GrantKind::Duress,
            ..endless(home.guest("483922", &[LOCK]))
        };
        let over = home.guest("483923", &[LOCK]);
        let old = Grant {
            label: "Ada".into(),
            kind: GrantKind::Primary,
            holder: Some(home.owner.id()),
            ..endless(home.guest("483924", &[LOCK]))
        };
        for grant in [&used, &idle, &same, &over, &old] {
            home.push(Body::PutGrant(grant.clone())).unwrap();
        }
        let on = CodeState::OnLock { verified_at: T };
        let now = T.saturating_add(Seconds::days(400));
        let still = CodeState::StillOnLock { since: T, why: Some(FailWhy::Unreachable) };
        let recently = Some(now.saturating_sub(Seconds::days(2)));
        let codes = vec![
            code(used.id, on, recently),
            code(idle.id, on, None),
            code(over.id, still, None),
            code(old.id, on, recently),
        ];
        let reports = [home.report(testing::lock(LOCK, "Front"), codes)];
        let weak = |id: &GrantId| (*id == used.id).then_some(Broken::Common);
        let items = review(&CareInput { state: &home.state, reports: &reports, broken: &weak, now });
        let mut names = vec![idle.id, same.id];
        names.sort();
        let mut expected = vec![
            CareItem::StillOnLock { grant: over.id, lock: LOCK, since: T },
            CareItem::WeakPin { grant: used.id, broken: Broken::Common },
            CareItem::OldPrimary { grant: old.id, since: T },
            CareItem::Unused { grant: idle.id, since: home.state.grants()[&idle.id].iat },
            CareItem::Shared { grant: used.id },
            CareItem::Shared { grant: idle.id },
            CareItem::SameName { grants: names },
        ];
        expected.sort();
        assert_eq!(items, expected);
    }
}
