//! The parts of [`HubCore`] that turn trust into work at the locks.

use super::change::Change;
use super::clock::Now;
use super::hub::{Effect, HubCore};
use super::reconcile::{Context, LockCore, Next};
use super::slot_state::Standing;
use super::trust::{Desired, LockFacts};
use latchkey_shared::chain::verify::{HubChain, VerifyError};
use latchkey_shared::event::TakenWhy;
use latchkey_shared::explain::FailWhy;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::plan::{DesiredSlot, Timing};
use latchkey_shared::schedule::Moment;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl HubCore {
    /// Every lock as far as it goes now.
    pub(super) fn step_locks(&mut self, now: &Now) {
        for id in self.locks.keys().copied().collect::<Vec<_>>() {
            self.note_generation(id, now);
            // Each record frees at most as many slots as there are; the bound only guards against a mistake here.
            for _ in 0..2_000 {
                match self.with_lock(id, now, LockCore::next) {
                    Some(Next::Do(outcome, command)) => {
                        self.apply(id, outcome, now);
                        self.emit(Effect::Lock(id, command));
                        break;
                    }
                    Some(Next::Record(outcome)) => self.apply(id, outcome, now),
                    Some(Next::Wait(wake)) => {
                        if let Some(at) = wake {
                            self.wake_at(at);
                        }
                        break;
                    }
                    None => break,
                }
            }
        }
    }

    fn note_generation(&mut self, id: LockId, now: &Now) {
        let wanted = self.desired(id, now);
        if let Some(at) = wanted.change {
            let at = self.ms_of(at, now);
            self.wake_at(at);
        }
        let known = self.desired.get(&id);
        if known.is_some_and(|known| Arc::ptr_eq(known, &wanted)) {
            return;
        }
        let same = known.map_or(wanted.slots.is_empty(), |known| known.asks_the_same(&wanted));
        self.desired.insert(id, wanted);
        if !same {
            if let Some(lock) = self.locks.get_mut(&id) {
                lock.generation += 1;
            }
            self.record_lock(id);
        }
    }

    /// What belongs on a lock now, and when that may change. Worked out anew only when something it depends on has.
    pub(super) fn desired(&mut self, id: LockId, now: &Now) -> Arc<Wanted> {
        let t = self.clock.view(now).latest;
        let stirs = self.locks.get(&id).map_or(0, |lock| lock.stirs);
        let known = self.wanted.get(&id).filter(|w| {
            (w.version, w.stirs) == (self.version, stirs)
                && w.at <= t
                && w.change.is_none_or(|change| t < change)
        });
        if let Some(known) = known {
            return known.clone();
        }
        let uses = |grant: GrantId| self.uses.get(&grant).copied();
        let Desired { slots, kept_off, change } = self.trust.desired(id, t, &uses, &self.facts(id));
        let wanted = Arc::new(Wanted { version: self.version, stirs, at: t, change, slots, kept_off });
        self.wanted.insert(id, wanted.clone());
        wanted
    }

    fn facts(&self, id: LockId) -> LockFacts<'_> {
        match self.locks.get(&id) {
            Some(lock) => LockFacts::of(lock.abilities.as_ref(), lock.slots.values()),
            None => LockFacts::of(None, std::iter::empty()),
        }
    }

    /// What keeps grants off a lock whatever is tried.
    pub(super) fn obstacles(&self, id: LockId, grants: &BTreeSet<GrantId>) -> BTreeMap<GrantId, FailWhy> {
        let facts = self.facts(id);
        grants.iter().filter_map(|g| self.trust.obstacle(*g, id, &facts).map(|why| (*g, why))).collect()
    }

    pub(super) fn standing(&self, lock: LockId, grant: GrantId, now: &Now) -> Standing {
        let t = self.clock.view(now).latest;
        let uses = self.uses.get(&grant).copied();
        let noticed =
            self.codes.get(&(lock, grant)).filter(|record| ended(&record.state)).map_or(t, |r| r.since);
        let standing = self.trust.standing(grant, uses, t, noticed);
        let here = self.trust.grant(grant).is_some_and(|g| g.locks.binary_search(&lock).is_ok());
        match standing {
            // It is still in force, on other locks.
            Standing::Live(_) | Standing::Over(_) if !here => Standing::Revoked(noticed),
            standing => standing,
        }
    }

    /// Whether a code was used as often as it may be.
    pub(super) fn used_up(&self, grant: GrantId) -> bool {
        let most = self.trust.grant(grant).and_then(|grant| grant.uses);
        most.is_some_and(|most| self.uses.get(&grant).is_some_and(|uses| uses.count >= most))
    }

    fn taken_why(&self, lock: LockId, grant: GrantId, now: &Now) -> TakenWhy {
        let t = self.clock.view(now).latest;
        let Some(entry) = self.trust.grant(grant) else { return TakenWhy::Revoked };
        if entry.locks.binary_search(&lock).is_err() {
            return TakenWhy::Changed;
        }
        match self.standing(lock, grant, now) {
            Standing::Revoked(_) => TakenWhy::Revoked,
            Standing::Over(_) if entry.end().is_none_or(|end| end > t) => {
                let stay_over = entry.stay.is_some() && self.uses.contains_key(&grant);
                if stay_over || self.used_up(grant) { TakenWhy::Expired } else { TakenWhy::OfflineGrace }
            }
            Standing::Over(_) => TakenWhy::Expired,
            Standing::Live(Moment::Suspended) => TakenWhy::Suspended,
            Standing::Live(Moment::NotYet { .. } | Moment::OutsideHours { .. }) => TakenWhy::OutsideHours,
            Standing::Live(_) => TakenWhy::Changed,
        }
    }

    /// Lends a lock what it needs to know. The lock is taken out meanwhile, so that the rest can be looked at.
    pub(super) fn with_lock<T>(
        &mut self,
        id: LockId,
        now: &Now,
        act: impl FnOnce(&mut LockCore, &Context<'_>) -> T,
    ) -> Option<T> {
        let jitter = self.entropy.number();
        let view = self.clock.view(now);
        let wanted = self.desired(id, now);
        let mut lock = self.locks.remove(&id)?;
        let zone = self.trust.state().map(|s| s.policy().zone.clone());
        let utc = ZoneName::parse("UTC").ok();
        let result = zone.or(utc).map(|zone| {
            let ctx = Context {
                desired: &wanted.slots,
                kept_off: &wanted.kept_off,
                removed: self.trust.removed(),
                is_of: &|pin, grant| self.trust.is_of(pin, grant),
                pin: &|grant| self.trust.pin(grant),
                ours: &|pin| self.trust.is_ours(pin),
                knows_pins_of: &|grant| self.trust.knows_pins_of(grant),
                same_pin_since: &|grant, rev| self.trust.same_pin_since(grant, rev),
                validity: &|grant| self.trust.lock_validity(grant, self.uses.get(&grant).map(|u| u.first)),
                taken_why: &|grant| self.taken_why(id, grant, now),
                zone: &zone,
                hands: self.hands,
                company: self.trust.company(),
                from: self.trust.end(),
                may_install: view.trusted,
                at: view.latest,
                now_ms: now.boot_ms,
                jitter,
            };
            act(&mut lock, &ctx)
        });
        self.locks.insert(id, lock);
        result
    }

    /// Decides about a bundle: first to disk, then it counts.
    pub(super) fn bundle(&mut self, bytes: &[u8], now: &Now) {
        let Some(nonce) = self.sync.fetch_ended() else { return };
        match self.take_bundle(bytes, nonce.as_ref(), now) {
            Ok(()) => self.proof_wanted = false,
            Err(refused) => self.bundle_refused(refused, now),
        }
    }

    fn take_bundle(
        &mut self,
        bytes: &[u8],
        nonce: Option<&latchkey_shared::id::Nonce>,
        now: &Now,
    ) -> Result<(), Refused> {
        use latchkey_shared::chain::verify::Now as Known;
        use latchkey_shared::{head::Bundle, limits, wire::cbor};
        let bundle: Bundle =
            cbor::from_slice(bytes, limits::MAX_BUNDLE_BYTES).map_err(|e| Refused::Malformed(e.code()))?;
        let view = self.clock.view(now);
        // A head over our own nonce is fresh whatever our clock says, where our clock is in doubt.
        let doubt = !view.trusted || (nonce.is_some() && self.clock.wants_proof(now));
        let time = if doubt { Known::Unknown } else { Known::Known(view.latest) };
        let checked = self.trust.check(&bundle, time, nonce).map_err(Refused::Verify)?;
        let from = self.trust.state().map_or(0, |s| s.seq() + 1);
        let ops: Vec<Vec<u8>> = bundle.ops.into_iter().map(|op| op.0).collect();
        let fresh = checked.proves_fresh();
        let issued = checked.head().issued_at;
        self.change(Change::Chain { from, ops: ops.clone(), head: bundle.head.0 });
        if fresh {
            let before = view.latest;
            // What is not believed changes nothing of the time; the chain itself counts all the same.
            let _believed = self.clock.prove(issued, now);
            let record = self.clock.record(now);
            self.change(Change::Floor(record));
            let after = self.clock.view(now).latest;
            let moved =
                i64::try_from(after.0).unwrap_or(i64::MAX) - i64::try_from(before.0).unwrap_or(i64::MAX);
            if before > Timestamp(0) && moved.abs() > 300 {
                self.log(latchkey_shared::event::EventBody::ClockMoved(moved), now);
            }
        }
        let (before, staged) = (self.trust.staged().to_vec(), self.trust.not_in(&ops));
        self.trust.commit(checked, &ops).map_err(Refused::Verify)?;
        self.adopt_by_chain(&ops, now);
        self.restage(&before, staged, now);
        self.version += 1;
        let jitter = self.entropy.number();
        let near = issued.0.abs_diff(self.clock.view(now).latest.0) < 300;
        // A head that was not asked for with a nonce corrects no clock.
        let just_issued = fresh || (near && !self.clock.leads());
        match (self.behind(), ops.is_empty()) {
            (true, true) => self.sync.fetch_missed(now.boot_ms, just_issued, jitter),
            (behind, _) => {
                self.sync.fetched(now.boot_ms, just_issued, jitter);
                if behind {
                    self.sync.fetch_soon(now.boot_ms);
                }
            }
        }
        Ok(())
    }

    /// Whether the cloud spoke of ops that it has not given yet.
    pub(super) fn behind(&self) -> bool {
        let here = self.trust.state().map(|state| state.seq());
        self.announced.is_some() && self.announced > here
    }

    fn bundle_refused(&mut self, refused: Refused, now: &Now) {
        let (code, alarm) = match &refused {
            Refused::Malformed(code) => (*code, false),
            Refused::Verify(e) => (e.code(), e.is_alarm()),
        };
        self.emit(Effect::Refused("bundle", code));
        if alarm {
            self.raise_alarm(code, now);
        }
        self.proof_wanted = true;
        self.fetch_failed(now);
    }

    /// Told once, and again only when it is another one: the same answer comes with every try.
    pub(super) fn raise_alarm(&mut self, code: &'static str, now: &Now) {
        if self.alarm != Some(code) {
            self.alarm = Some(code);
            self.log(latchkey_shared::event::EventBody::ChainAlarm(code.to_owned()), now);
        }
    }

    pub(super) fn fetch_failed(&mut self, now: &Now) {
        self.sync.fetch_ended();
        let jitter = self.entropy.number();
        self.sync.fetch_failed(now.boot_ms, jitter);
    }

    /// The chain, for whoever shows it.
    pub fn chain(&self) -> &HubChain {
        self.trust.chain()
    }
}

/// What belongs on a lock, and what that was worked out from.
pub(super) struct Wanted {
    version: u64,
    stirs: u64,
    at: Timestamp,
    pub(super) change: Option<Timestamp>,
    pub(super) slots: Vec<DesiredSlot<GrantId>>,
    kept_off: Vec<GrantId>,
}

impl Wanted {
    /// Whether the same codes belong on the lock, and the same of them now.
    fn asks_the_same(&self, other: &Self) -> bool {
        let brief = |d: &DesiredSlot<GrantId>| (d.grant(), d.rev(), d.timing() == Timing::Now);
        self.slots.iter().map(brief).eq(other.slots.iter().map(brief))
    }
}

enum Refused {
    Malformed(&'static str),
    Verify(VerifyError),
}

fn ended(state: &latchkey_shared::explain::CodeState) -> bool {
    use latchkey_shared::explain::CodeState as S;
    matches!(state, S::StillOnLock { .. } | S::Revoked | S::Expired)
}
