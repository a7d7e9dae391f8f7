//! What locks say by themselves: who came in, what was refused, what somebody changed at the door.

use super::change::{Change, UseRecord};
use super::clock::Now;
use super::hub::{HubCore, Numbering};
use super::lock::{Happening, Notice};
use super::reconcile::{Context, LockCore, Outcome};
use super::slot_state::{Hand, Slot};
use latchkey_shared::event::EventBody;
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::slot::{Owner, Seen, SlotNo};
use latchkey_shared::time::{Seconds, Timestamp};

/// A lock's own clock that says it was longer ago than this is wrong.
const LOCKS_REMEMBER: Seconds = Seconds::days(400);
/// What happened so long ago is no sign of life.
const JUST_NOW: Seconds = Seconds::minutes(1);
/// So long after something a lock may take to tell of it, in milliseconds.
const TOLD_LATE_MS: u64 = 60_000;

impl HubCore {
    pub(super) fn lock_says(&mut self, id: LockId, notice: &Notice, now: &Now) {
        let Some(lock) = self.locks.get_mut(&id) else { return };
        let sparse = lock.numbering == Numbering::Sparse;
        let before_our_time = sparse && lock.new_at.zip(notice.at).is_some_and(|(new, at)| at < new);
        if let Some(number) = notice.journal {
            let last = lock.journal.replace(lock.journal.map_or(number, |last| last.max(number)));
            if last.is_some_and(|last| number <= last) && !latchkey_shared::defect!(DoubleEvent) {
                return;
            }
            self.record_lock(id);
            // Before the first one nothing was missed: the lock is older than its place here.
            let lost = last.map_or(0, |last| number.saturating_sub(last.saturating_add(1)));
            if lost > 0 && !sparse {
                self.log(EventBody::EntriesLost(id, lost), now);
            }
        }
        if before_our_time {
            return;
        }
        self.sign_of_life(id, notice, now);
        match notice.what {
            Happening::Opened { slot } => {
                if self.opened_when_empty(id, slot, notice.at, now) {
                    self.changed(id, slot, Hand::Told, now);
                    self.log_at(EventBody::ChangedByHand(id, slot), notice.at, now);
                }
                let slots = self.locks.get(&id).map(|lock| &lock.slots);
                let owner = slots.and_then(|slots| slots.get(&slot)).map_or(Owner::Unmanaged, |s| s.owner);
                match owner.grant() {
                    Some(grant) => self.used(id, grant, notice.at, now),
                    None => self.log_at(EventBody::UnmanagedUsed(id, slot), notice.at, now),
                }
            }
            Happening::Refused => self.log_at(EventBody::EntryRefused(id), notice.at, now),
            Happening::Changed { slot } => {
                self.changed(id, slot, Hand::Told, now);
                self.log_at(EventBody::ChangedByHand(id, slot), notice.at, now);
            }
            Happening::ChangedAll => self.changed_all(id, now),
            Happening::Away => self.reached(id, LockCore::away, now),
            Happening::Back => self.reached(id, LockCore::back, now),
            what => {
                let mut outcome = Outcome::default();
                let at = self.happened(notice.at, now);
                if let Some(lock) = self.locks.get_mut(&id) {
                    lock.note_vital(what, at, &mut outcome);
                }
                self.apply(id, outcome, now);
            }
        }
    }

    /// Whether a PIN opened from a slot that is held for a code and was read to be empty well before that: it is not
    /// the code's, and nobody told that somebody put it there.
    fn opened_when_empty(&self, id: LockId, slot: SlotNo, at: Option<Timestamp>, now: &Now) -> bool {
        let Some(lock) = self.locks.get(&id).filter(|lock| lock.readable()) else { return false };
        let Some(slot) = lock.slots.get(&slot).filter(|slot| slot.is_only_held()) else { return false };
        // What happened before may be told late.
        let in_time = slot.read_ms.is_none_or(|read| now.boot_ms.saturating_sub(read) > TOLD_LATE_MS);
        let when = self.happened(at, now);
        in_time && slot.at.is_some_and(|read| when.since(read) > JUST_NOW)
    }

    /// A lock that says something of its own accord, and just now, is there.
    fn sign_of_life(&mut self, id: LockId, notice: &Notice, now: &Now) {
        let latest = self.clock.view(now).latest;
        let just_now = notice.at.is_none_or(|at| latest.since(at) < JUST_NOW);
        if just_now && notice.what != Happening::Away {
            if let Some(lock) = self.locks.get_mut(&id) {
                lock.health.seen(latest);
            }
            if notice.what != Happening::Back {
                self.reached(id, LockCore::alive, now);
            }
        }
    }

    /// What was read from a slot no longer counts.
    fn changed(&mut self, id: LockId, slot: SlotNo, hand: Hand, now: &Now) {
        let Some(lock) = self.locks.get_mut(&id) else { return };
        lock.forget_reading(slot, hand, self.hands, now.boot_ms);
        let record = lock.slots.get(&slot).map(Slot::record);
        self.batch.extend(record.map(|record| Change::Slot(id, slot, record)));
        self.version += 1;
    }

    fn reached(&mut self, id: LockId, act: fn(&mut LockCore, &Context<'_>) -> Outcome, now: &Now) {
        if let Some(outcome) = self.with_lock(id, now, act) {
            self.apply(id, outcome, now);
        }
    }

    /// No reading counts any more. Slots with codes of the home are read again, and the log names those that were
    /// changed; the others are looked at when they are needed.
    fn changed_all(&mut self, id: LockId, now: &Now) {
        let Some(lock) = self.locks.get(&id) else { return };
        let unread =
            |slot: &Slot| slot.seen == Seen::Unknown && (lock.readable() || slot.owner.grant().is_none());
        let known = lock.slots.iter().filter(|(_, slot)| !unread(slot));
        let (ours, others): (Vec<_>, Vec<_>) =
            known.map(|(no, slot)| (*no, slot.may_hold_ours())).partition(|(_, ours)| *ours);
        for (slot, _) in ours {
            self.changed(id, slot, Hand::Suspected, now);
        }
        let Some(lock) = self.locks.get_mut(&id) else { return };
        for (no, _) in others {
            if let Some(slot) = lock.slots.get_mut(&no).filter(|slot| slot.owner.grant().is_none()) {
                slot.forget_content();
                self.batch.push(Change::Slot(id, no, slot.record()));
            }
        }
        self.version += 1;
    }

    /// A code opened a lock.
    fn used(&mut self, id: LockId, grant: GrantId, at: Option<Timestamp>, now: &Now) {
        let when = self.happened(at, now);
        let before = self.uses.get(&grant).copied();
        let uses = UseRecord {
            count: before.map_or(0, |b| b.count).saturating_add(1),
            first: before.map_or(when, |b| b.first.min(when)),
            last: before.map_or(when, |b| b.last.max(when)),
        };
        self.uses.insert(grant, uses);
        self.listed.clear();
        self.version += 1;
        self.change(Change::Uses(grant, uses));
        let duress = self.trust.grant(grant).is_some_and(|grant| grant.kind == GrantKind::Duress);
        let event = if duress { EventBody::Duress(id, grant) } else { EventBody::CodeUsed(id, grant) };
        self.log_at(event, at, now);
    }

    /// When something was that a lock tells of: by its own clock where it keeps one that can be right.
    pub(super) fn happened(&self, at: Option<Timestamp>, now: &Now) -> Timestamp {
        let latest = self.clock.view(now).latest.min(Timestamp::MAX);
        let plausible = |at: &Timestamp| *at <= latest && latest.since(*at) <= LOCKS_REMEMBER;
        at.filter(plausible).unwrap_or(latest)
    }
}
