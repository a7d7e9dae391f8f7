//! Codes as they are shown: what phase each is in, and how it stands on each lock. Nothing is said that no hub saw.

use super::{Home, Put};
use latchkey_shared::explain::{Audience, Code, CodeState, Explanation, Facts, HubContact, Seen, explain};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::report::Report;
use latchkey_shared::schedule::{Moment, Validity, describe};
use latchkey_shared::slot::Readback;
use latchkey_shared::time::Timestamp;

/// Where a code is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// It opens at this moment.
    Now,
    /// It will open.
    Upcoming,
    /// Over or revoked.
    Past,
}

/// How a code stands on one lock.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    /// The lock.
    pub lock: LockId,
    /// Its name.
    pub lock_name: String,
    /// The state, as the hub last saw it.
    pub state: CodeState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// On its way off the lock, as far as is known.
    pub removing: bool,
    /// The hub is not connected; since when, if that is known.
    pub hub_away: Option<Option<Timestamp>>,
    /// The lock cannot be read back.
    pub blind: bool,
    /// Why it does or does not open.
    pub words: Explanation,
}

impl Standing {
    /// The state's name for programs.
    pub fn name(&self) -> &'static str {
        self.state.name()
    }

    /// Whether somebody should look at it.
    pub fn needs_attention(&self) -> bool {
        let waits_for_nobody = self.hub_away.is_some() && matches!(self.state, CodeState::WaitingForHub);
        // A removal that is under way takes seconds; without the hub it does not end.
        waits_for_nobody || (self.state.needs_attention() && (!self.removing || self.hub_away.is_some()))
    }
}

/// A code.
#[derive(Clone, PartialEq, Debug)]
pub struct CodeView {
    /// Its id.
    pub id: GrantId,
    /// What it is called.
    pub label: String,
    /// When it works, as a sentence.
    pub when: String,
    /// How its validity stands.
    pub moment: Moment,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it was revoked, and when.
    pub revoked: Option<Timestamp>,
    /// How it stands on each lock.
    pub locks: Vec<Standing>,
}

impl CodeView {
    /// When it next opens or closes, or ended.
    pub fn turns_at(&self) -> Option<Timestamp> {
        match self.moment {
            Moment::NotYet { opens } | Moment::OutsideHours { opens } => opens,
            Moment::Open { closes } => closes,
            Moment::Over { since } => Some(since),
            Moment::Suspended => None,
        }
    }

    /// The worst state on any lock, for a list.
    pub fn headline(&self) -> Option<&Standing> {
        self.locks.iter().min_by_key(|standing| match standing.name() {
            "failed" | "still_on_lock" => 0,
            "waiting_for_hub" => 1,
            "writing" => 2,
            "written_unconfirmed" => 3,
            _ => 4,
        })
    }
}

impl Home {
    /// A code as it is shown at this moment.
    pub fn code(&self, put: &Put, now: Timestamp) -> CodeView {
        let grant = &put.grant;
        let validity = self.validity(grant);
        let moment = validity.state_at(now, &*self.zone);
        let phase = match moment {
            _ if put.revoked.is_some() => Phase::Past,
            Moment::Over { .. } => Phase::Past,
            Moment::Open { .. } => Phase::Now,
            Moment::NotYet { .. } | Moment::OutsideHours { .. } | Moment::Suspended => Phase::Upcoming,
        };
        CodeView {
            id: grant.id,
            label: grant.label.clone(),
            when: describe(&validity, &*self.zone, &self.style),
            moment,
            phase,
            revoked: put.revoked.map(|place| place.at),
            locks: grant.locks.iter().map(|lock| self.standing(put, *lock)).collect(),
        }
    }

    /// When a code opens: the home's quiet days and its first use, where it had one, included.
    pub fn validity(&self, grant: &Grant) -> Validity {
        let validity = self.chain.policy().validity(grant);
        match self.first_used(&grant.id) {
            Some(at) => validity.first_used(at),
            None => validity,
        }
    }

    /// When a code was first used, as the hubs tell.
    pub fn first_used(&self, grant: &GrantId) -> Option<Timestamp> {
        Report::first_used(self.reports.values(), grant)
    }

    /// Why a code does or does not open a door at a moment.
    pub fn explain_at(&self, put: &Put, lock: LockId, at: Timestamp) -> Explanation {
        let report = self.reports.get(&lock);
        let away = report.and_then(|report| self.hub_offline(&report.hub));
        let now = self.now();
        let facts = Facts {
            code: Some(Code { grant: &put.grant, put: put.put, revoked: put.revoked }),
            lock,
            policy: self.chain.policy(),
            seen: report.map(|report| Seen::in_report(report, &put.grant.id)),
            hub: away.map_or(HubContact::online(now), HubContact::away),
            now,
            zone: &*self.zone,
            style: self.style,
        };
        explain(&facts, at, Audience::Member)
    }

    fn standing(&self, put: &Put, lock: LockId) -> Standing {
        let report = self.reports.get(&lock);
        let hub_away = report.and_then(|report| self.hub_offline(&report.hub));
        let words = self.explain_at(put, lock, self.now());
        let (state, since) = (words.state, Some(words.since));
        let removing = matches!(state, CodeState::StillOnLock { why: None, .. });
        let blind = report.is_some_and(|report| report.lock.abilities.readback == Readback::None);
        Standing { lock, lock_name: self.lock_name(&lock), state, since, removing, hub_away, blind, words }
    }

    /// Every code in the order in which people look for them: what is on, what comes, what was.
    pub fn codes(&self, now: Timestamp) -> Vec<CodeView> {
        let mut codes: Vec<CodeView> = self.grants.values().map(|put| self.code(put, now)).collect();
        codes.sort_unstable_by(|a, b| {
            let key = |code: &CodeView| code.revoked.or(code.turns_at()).unwrap_or(Timestamp::MAX);
            let by_time = if a.phase == Phase::Past { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) };
            a.phase.cmp(&b.phase).then(by_time).then_with(|| a.label.cmp(&b.label))
        });
        codes
    }
}
