//! The locks that the drivers present at program start, and those that were there before and are not any more.

use super::change::{Change, LockRecord, Presence};
use super::clock::Now;
use super::hub::{HubCore, Presented};
use super::reconcile::LockCore;
use super::slot_state::{Slot, SlotRecord};
use latchkey_shared::event::EventBody;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A lock that was taken out of the configuration.
#[derive(Clone, Debug)]
pub(super) struct GoneLock {
    pub(super) record: LockRecord,
    /// Codes that may still be on it.
    pub(super) held: BTreeSet<GrantId>,
    /// When it was found to be gone.
    pub(super) since: Timestamp,
}

impl HubCore {
    pub(super) fn meet_locks(
        &mut self,
        presented: &[Presented],
        known: BTreeMap<LockId, LockRecord>,
        slots: &BTreeMap<(LockId, SlotNo), SlotRecord>,
        now: &Now,
    ) {
        for lock in presented {
            let old = known.iter().find(|(_, record)| record.key == lock.key);
            let id = old.map_or_else(|| self.new_lock_id(), |(id, _)| *id);
            let mut core = LockCore::new(id, &lock.name, &lock.driver, lock.pace_ms);
            if let Some((_, record)) = old {
                core.abilities = record.abilities.clone();
                core.journal = record.journal;
                core.generation = record.generation;
            }
            for ((of, no), record) in slots.range((id, SlotNo(0))..) {
                if *of != id {
                    break;
                }
                core.slots.insert(*no, Slot::from_record(record));
            }
            self.order.push(id);
            self.keys.insert(id, lock.key.clone());
            self.locks.insert(id, core);
            if old.is_none_or(|(_, old)| old.presence != Presence::Here || old.name != lock.name) {
                self.record_lock(id);
            }
        }
        for (id, record) in known {
            let mut left = slots.range((id, SlotNo(0))..).take_while(|((of, _), _)| *of == id);
            if !self.locks.contains_key(&id) && left.any(|(_, slot)| Slot::from_record(slot).may_hold_ours())
            {
                self.lost.push(record.name.clone());
            }
            if !self.locks.contains_key(&id) && record.presence != Presence::GoneTold {
                self.miss_lock(id, record, slots, now);
            }
        }
    }

    /// A lock was taken out of the configuration. What may still be on it is said once more.
    fn miss_lock(
        &mut self,
        id: LockId,
        mut record: LockRecord,
        slots: &BTreeMap<(LockId, SlotNo), SlotRecord>,
        now: &Now,
    ) {
        if record.presence == Presence::Here {
            self.log(EventBody::LockGone(id), now);
            record.presence = Presence::Gone;
            self.change(Change::Lock(id, record.clone()));
        }
        let left = slots.range((id, SlotNo(0))..).take_while(|((of, _), _)| *of == id);
        let left = left.map(|(_, slot)| Slot::from_record(slot)).filter(Slot::may_hold_ours);
        let held = left.filter_map(|slot| slot.owner.grant()).collect();
        for grant in
            self.codes.keys().filter(|(of, _)| *of == id).map(|(_, grant)| *grant).collect::<Vec<_>>()
        {
            self.codes.remove(&(id, grant));
            self.change(Change::Code(id, grant, None));
        }
        self.gone.insert(id, GoneLock { record, held, since: self.clock.view(now).latest });
    }

    fn new_lock_id(&mut self) -> LockId {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(self.entropy.draw()) {
            *to = from;
        }
        LockId(id)
    }

    pub(super) fn record_lock(&mut self, id: LockId) {
        let (Some(lock), Some(key)) = (self.locks.get(&id), self.keys.get(&id)) else { return };
        let record = LockRecord {
            key: key.clone(),
            abilities: lock.abilities.clone(),
            journal: lock.journal,
            generation: lock.generation,
            name: lock.name.clone(),
            driver: lock.driver.clone(),
            presence: Presence::Here,
        };
        self.change(Change::Lock(id, record));
    }
}
