//! A hub that was set back to a backup of itself numbers its events anew, and the cloud has others under these numbers.
//!
//! Its own signature on an event that it does not know proves it. Then the log goes on where the cloud's ends, with
//! what happened since, and says so. A second time within one run it is no backup: two hubs have one key.

use super::change::Change;
use super::clock::Now;
use super::hub::HubCore;
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::event::{Event, EventBody, EventTip};
use latchkey_shared::id::LockId;
use latchkey_shared::slot::{Owner, SlotContent};

/// Reports go on so much higher: the cloud may have some that this hub does not remember.
const REPORTS_APART: u64 = 1 << 32;

/// Whether this run found out that the hub was set back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Restored {
    /// Not so far; the log's last event at program start.
    No {
        /// Its number.
        began_at: u64,
    },
    /// It was.
    Yes,
}

impl HubCore {
    /// The first event that the cloud did not acknowledge.
    pub fn first_unsent(&self) -> Option<u64> {
        self.log.first_unsent()
    }

    pub(super) fn log_forked(&mut self, newest: &[u8], unsent: &[Vec<u8>], now: &Now) {
        self.asks_last = false;
        let (home, hub, key) = (self.belonging.home, self.belonging.hub, self.trust.keys().sign_public());
        // What this hub did not sign proves nothing.
        let Ok((theirs, hash)) = Event::verify(newest, &home, &hub, &key) else { return };
        // Both a refused push and a question may bring it.
        if theirs.number <= self.log.acked() {
            return;
        }
        let Restored::No { began_at } = self.restored else { return self.raise_alarm("hub.cloned", now) };
        self.restored = Restored::Yes;
        let change = self.log.move_to(EventTip { number: theirs.number, hash: Some(hash) });
        self.change(change);
        self.report_number += REPORTS_APART;
        self.change(Change::ReportNumber(self.report_number));
        self.told.clear();
        self.log(EventBody::Restored(began_at), now);
        for bytes in unsent {
            let Ok((event, _)) = Event::verify(bytes, &home, &hub, &key) else { continue };
            let change = self.log.append(
                event.body,
                &self.belonging,
                event.at,
                event.clock_unsure,
                self.trust.keys().signing(),
            );
            self.change(change);
        }
        self.search_locks();
        self.sync.push_soon(now.boot_ms);
    }

    /// A bundle was taken in: with it the hub may know codes that it did not when it looked for them. If a hub of the home
    /// was removed, what that one had put is looked for.
    pub(super) fn adopt_by_chain(&mut self, ops: &[Vec<u8>], now: &Now) {
        let removal = |op: &Vec<u8>| {
            let op = SignedOp::parse(op).ok();
            op.is_some_and(
                |op| matches!(op.claimed().body, Body::RemoveHub(hub) if hub != self.belonging.hub),
            )
        };
        if ops.iter().any(removal) && !self.trust.removed() && !latchkey_shared::defect!(ReplacedForgotten) {
            for lock in self.locks.values_mut() {
                lock.expect_changes(now.boot_ms);
            }
            return self.search_locks();
        }
        let news = !ops.is_empty();
        for id in self.locks.keys().copied().collect::<Vec<_>>() {
            self.adopt(id);
            if self.locks.get_mut(&id).is_some_and(|lock| lock.search_again(news)) {
                self.record_lock(id);
            }
        }
    }

    /// After a backup codes of this hub are in slots of which it knows nothing, and so are those of a hub that the home has
    /// no more. Where a slot was read since the search began and holds the PIN of such a code, it is that code's.
    pub(super) fn adopt(&mut self, id: LockId) {
        let Some(lock) = self.locks.get_mut(&id).filter(|lock| lock.searches_from().is_some()) else {
            return;
        };
        let mut changes = vec![];
        for (no, slot) in &mut lock.slots {
            let SlotContent::Pin(pin) = &slot.content else { continue };
            if slot.owner == Owner::Unmanaged
                && slot.read_ms.is_some()
                && let Some((grant, rev)) = self.trust.left_to_us(pin)
            {
                slot.owner = Owner::Managed { grant, rev };
                changes.push(Change::Slot(id, *no, slot.record()));
            }
        }
        self.version += changes.len() as u64;
        self.batch.extend(changes);
    }
}
