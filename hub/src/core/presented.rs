//! The locks that drivers find, those that are awaited because they were here before, and those that are not any more.
//!
//! A lock is never forgotten because a driver has not named it, or not yet: only a driver that says so, or a
//! configuration that no longer has it, makes it go. One that comes back takes its place again, with its slots.

use super::change::{Change, LockRecord, Presence};
use super::clock::Now;
use super::health::Health;
use super::hub::{HubCore, Presented};
use super::reconcile::{LockCore, Way};
use super::slot_state::{Slot, SlotRecord};
use latchkey_shared::event::EventBody;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How long after program start a lock that was here before may take to be found before it counts as not answering,
/// in milliseconds: a bridge that starts with the machine looks at its own devices first.
const AWAIT_MS: u64 = 60_000;

/// A lock that was taken away, until the cloud knows.
#[derive(Clone, Debug)]
pub(super) struct GoneLock {
    pub(super) record: LockRecord,
    /// Codes that may still be on it.
    pub(super) held: BTreeSet<GrantId>,
    /// When it was found to be gone.
    pub(super) since: Timestamp,
}

/// A lock that was here once.
#[derive(Clone, Debug)]
pub(super) struct FormerLock {
    pub(super) record: LockRecord,
    slots: BTreeMap<SlotNo, Slot>,
}

impl FormerLock {
    /// Whether a code of the home may still be on it.
    pub(super) fn may_hold_ours(&self) -> bool {
        self.slots.values().any(Slot::may_hold_ours)
    }

    fn revive(self, id: LockId, way: Way) -> LockCore {
        let mut lock = LockCore::new(id, &self.record.name, &self.record.driver, way);
        lock.abilities = self.record.abilities;
        lock.journal = self.record.journal;
        lock.generation = self.record.generation;
        lock.slots = self.slots;
        if let Some(from) = self.record.search {
            lock.search_for_ours(from);
        }
        lock.health = Health::from_record(self.record.health.unwrap_or_default());
        lock
    }
}

impl HubCore {
    /// The lock of this key, if it is here.
    pub fn lock_id(&self, key: &str) -> Option<LockId> {
        self.keys.iter().find(|(_, known)| *known == key).map(|(id, _)| *id)
    }

    /// Searches each lock for codes of the home of which nothing is known here, once it is there.
    pub(super) fn search_locks(&mut self) {
        for id in self.locks.keys().copied().collect::<Vec<_>>() {
            if let Some(lock) = self.locks.get_mut(&id) {
                lock.search_for_ours(1);
            }
            self.record_lock(id);
        }
        for (id, lock) in &mut self.former {
            lock.record.search = Some(1);
            self.batch.push(Change::Lock(*id, lock.record.clone()));
        }
    }

    /// At program start: what the ledger knows of locks.
    pub(super) fn remember_locks(
        &mut self,
        expected: &dyn Fn(&str, &str) -> bool,
        known: BTreeMap<LockId, LockRecord>,
        slots: &BTreeMap<(LockId, SlotNo), SlotRecord>,
        now: &Now,
    ) {
        for (id, record) in known {
            let of_it = slots.range((id, SlotNo(0))..).take_while(|((of, _), _)| *of == id);
            let slots = of_it.map(|((_, no), slot)| (*no, Slot::from_record(slot))).collect();
            let here = record.presence == Presence::Here && expected(&record.driver, &record.key);
            let (presence, key) = (record.presence, record.key.clone());
            let former = FormerLock { record, slots };
            if here {
                let way = Way::Awaited { until_ms: now.boot_ms.saturating_add(AWAIT_MS) };
                self.keys.insert(id, key);
                self.locks.insert(id, former.revive(id, way));
            } else if presence == Presence::GoneTold {
                self.former.insert(id, former);
            } else {
                self.miss_lock(id, former, now);
            }
        }
    }

    pub(super) fn lock_found(&mut self, presented: &Presented, now: &Now) {
        let former =
            || self.former.iter().find(|(_, lock)| lock.record.key == presented.key).map(|(id, _)| *id);
        let id = self.lock_id(&presented.key).or_else(former);
        let id = id.unwrap_or_else(|| self.new_lock_id());
        let here = self.locks.contains_key(&id);
        let mut lock = match (self.locks.remove(&id), self.former.remove(&id)) {
            (Some(lock), _) => lock,
            (None, Some(former)) => former.revive(id, Way::Open),
            (None, None) => {
                let mut new = LockCore::new(id, &presented.name, &presented.driver, Way::Open);
                new.new_at = Some(self.clock.view(now).latest);
                if self.trust.lost_a_hub() {
                    new.search_for_ours(1);
                }
                new
            }
        };
        lock.numbering = presented.numbering;
        let changed = !here || lock.name != presented.name || lock.driver != presented.driver;
        lock.found(&presented.name, &presented.driver, presented.pace_ms);
        self.locks.insert(id, lock);
        self.keys.insert(id, presented.key.clone());
        self.gone.remove(&id);
        // For the others nothing is any different: many locks are found at once when the program starts.
        if changed {
            self.record_lock(id);
        }
    }

    pub(super) fn lock_removed(&mut self, key: &str, now: &Now) {
        let Some(id) = self.lock_id(key) else { return };
        let Some(record) = self.lock_record(id) else { return };
        let Some(lock) = self.locks.remove(&id) else { return };
        self.keys.remove(&id);
        self.wanted.remove(&id);
        self.desired.remove(&id);
        self.version += 1;
        self.miss_lock(id, FormerLock { record, slots: lock.slots }, now);
    }

    /// A lock is gone. What may still be on it is said once more.
    fn miss_lock(&mut self, id: LockId, mut lock: FormerLock, now: &Now) {
        if lock.record.presence == Presence::Here {
            self.log(EventBody::LockGone(id), now);
            lock.record.presence = Presence::Gone;
            self.change(Change::Lock(id, lock.record.clone()));
        }
        let left = lock.slots.values().filter(|slot| slot.may_hold_ours());
        let held = left.filter_map(|slot| slot.owner.grant()).collect();
        for grant in
            self.codes.keys().filter(|(of, _)| *of == id).map(|(_, grant)| *grant).collect::<Vec<_>>()
        {
            self.codes.remove(&(id, grant));
            self.listed.remove(&id);
            self.change(Change::Code(id, grant, None));
        }
        let since = self.clock.view(now).latest;
        self.gone.insert(id, GoneLock { record: lock.record.clone(), held, since });
        self.former.insert(id, lock);
    }

    fn new_lock_id(&mut self) -> LockId {
        LockId::new_at(&self.belonging.hub, self.entropy.number().to_le_bytes())
    }

    pub(super) fn record_lock(&mut self, id: LockId) {
        if let Some(record) = self.lock_record(id) {
            self.change(Change::Lock(id, record));
        }
    }

    fn lock_record(&self, id: LockId) -> Option<LockRecord> {
        let (lock, key) = (self.locks.get(&id)?, self.keys.get(&id)?);
        Some(LockRecord {
            key: key.clone(),
            abilities: lock.abilities.clone(),
            journal: lock.journal,
            generation: lock.generation,
            name: lock.name.clone(),
            driver: lock.driver.clone(),
            presence: Presence::Here,
            health: Some(lock.health.record().clone()),
            search: lock.searches_from().filter(|_| !latchkey_shared::defect!(RestoredForgotten)),
        })
    }
}
