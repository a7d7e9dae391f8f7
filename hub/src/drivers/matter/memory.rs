//! What the driver remembers of one lock while the program runs: never whether a slot is taken, only where to look.

use super::node::Described;
use latchkey_shared::slot::SlotNo;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// For so long after a command a lock's word of a change is taken to be about it. Locks that sleep report late.
const ECHO: Duration = Duration::from_secs(60);

/// What was changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Place {
    /// The PIN of a slot.
    Slot(u16),
    /// The record of a user.
    User(u16),
}

/// Shared between a lock's port and what listens to it.
#[derive(Clone)]
pub(super) struct Memory(Arc<Mutex<Inner>>);

struct Inner {
    lock: Described,
    /// The number of the user record that goes with a slot's PIN; `None`: there is none.
    users: BTreeMap<u16, Option<u16>>,
    touched: BTreeMap<Place, Instant>,
    clock_wrong: bool,
    wants_records: bool,
}

impl Memory {
    pub(super) fn new(lock: Described) -> Self {
        let inner = Inner {
            lock,
            users: BTreeMap::new(),
            touched: BTreeMap::new(),
            clock_wrong: false,
            wants_records: false,
        };
        Self(Arc::new(Mutex::new(inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock's description.
    pub(super) fn lock(&self) -> Described {
        self.inner().lock.clone()
    }

    /// Takes a newer description.
    pub(super) fn describe(&self, lock: Described) {
        self.inner().lock = lock;
    }

    /// The user record of a slot. Outer `None`: not known.
    pub(super) fn user(&self, slot: SlotNo) -> Option<Option<u16>> {
        self.inner().users.get(&slot.0).copied()
    }

    /// The slot whose PIN a user has, if it is known.
    pub(super) fn slot_of(&self, user: u16) -> Option<SlotNo> {
        self.inner().users.iter().find(|(_, known)| **known == Some(user)).map(|(slot, _)| SlotNo(*slot))
    }

    /// Remembers the user record of a slot.
    pub(super) fn goes_with(&self, slot: SlotNo, user: Option<u16>) {
        self.inner().users.insert(slot.0, user);
    }

    /// Forgets it.
    pub(super) fn forget(&self, slot: SlotNo) {
        self.inner().users.remove(&slot.0);
    }

    /// A command of the hub is about to change this, or just has.
    pub(super) fn touch(&self, place: Place) {
        let mut inner = self.inner();
        inner.touched.retain(|_, at| at.elapsed() <= ECHO);
        inner.touched.insert(place, Instant::now());
    }

    /// Whether a command of the hub changed this just now.
    pub(super) fn touched(&self, place: Place) -> bool {
        self.inner().touched.get(&place).is_some_and(|at| at.elapsed() <= ECHO)
    }

    /// The lock's clock was seen to be wrong.
    pub(super) fn distrust_clock(&self) {
        self.inner().clock_wrong = true;
    }

    /// Whether it ever was.
    pub(super) fn clock_wrong(&self) -> bool {
        self.inner().clock_wrong
    }

    /// The lock refused a PIN without a user record.
    pub(super) fn want_records(&self) {
        self.inner().wants_records = true;
    }

    /// Whether it did.
    pub(super) fn wants_records(&self) -> bool {
        self.inner().wants_records
    }
}
